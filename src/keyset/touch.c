/*-------------------------------------------------------------------------
 *
 * touch.c
 *	  syncport.touch: stamps rows anew, so that clients see them again.
 *
 * An UPDATE by the caller that changes nothing: the stamp trigger gives the
 * rows their new version, and privileges, policies and the application's
 * triggers are those of any UPDATE.  Tombstones are touched like live rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "keyset/filter.h"
#include "support/quote.h"
#include "table/key.h"

PG_FUNCTION_INFO_V1(syncport_touch);

static int64 touch_rows(Relation rel, const EnabledTable *table,
						const FilterCondition *filter);

/* touch(target regclass, filter jsonb) returns bigint */
Datum
syncport_touch(PG_FUNCTION_ARGS)
{
	EnabledTable *table;
	Relation	rel;
	FilterCondition *filter = NULL;
	int64		touched;

	PreventCommandIfReadOnly("syncport.touch()");
	rel = sp_key_open_target(fcinfo, RowExclusiveLock, &table);
	if (!PG_ARGISNULL(1))
		filter = sp_filter_compile(rel, PG_GETARG_JSONB_P(1), 1);
	touched = touch_rows(rel, table, filter);
	table_close(rel, NoLock);
	PG_RETURN_INT64(touched);
}

/* The UPDATE; no parameter of a filter is NULL. */
static int64
touch_rows(Relation rel, const EnabledTable *table,
		   const FilterCondition *filter)
{
	const char *version = quote_identifier(table->row_version);
	char	   *sql = psprintf("UPDATE %s t SET %s = t.%s WHERE %s",
							   sp_quote_from(rel), version, version,
							   filter != NULL ? filter->sql : "true");
	int64		touched;

	SPI_connect();
	if (SPI_execute_with_args(sql, filter != NULL ? filter->nparams : 0,
							  filter != NULL ? filter->types : NULL,
							  filter != NULL ? filter->values : NULL,
							  NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "touching failed: %s", sql);
	touched = SPI_processed;
	SPI_finish();
	return touched;
}
