/*-------------------------------------------------------------------------
 *
 * reset_access.c
 *	  syncport.reset_access: makes clients start anew because what they may
 *	  read has changed.
 *
 * Policies can depend on other tables, whose changes stamp no row.  Who
 * holds the lock until commit knows that the events it supersedes are seen
 * by everyone who sees its own, so that they can go.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "table/registry.h"
#include "table/target.h"
#include "table/trigger.h"

PG_FUNCTION_INFO_V1(syncport_reset_access);

static void save_event(Oid target, Datum principal, bool everyone);

/* reset_access(target regclass, principal text) returns void */
Datum
syncport_reset_access(PG_FUNCTION_ARGS)
{
	Oid			relid = sp_target_argument(fcinfo, 0);
	StampColumns columns = {0};
	EnabledTable *table;

	PreventCommandIfReadOnly("syncport.reset_access()");
	table = sp_target_enabled(relid);
	sp_target_lock(relid, ShareUpdateExclusiveLock);
	if (!PG_ARGISNULL(1) &&
		VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("principal must not be empty"),
				 errhint("Leave it out to reset everyone.")));
	save_event(relid, PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1),
			   PG_ARGISNULL(1));
	columns.notify = table->notify;
	columns.target = relid;
	columns.payload = sp_table_quoted_name(relid);
	sp_trigger_notify(&columns);
	PG_RETURN_VOID();
}

/*
 * Replace the events of this principal, or of everyone, by a new one, as our
 * tables' owner.
 */
static void
save_event(Oid target, Datum principal, bool everyone)
{
	Oid			types[] = {OIDOID, TEXTOID, INT8OID, TIMESTAMPTZOID};
	Datum		values[lengthof(types)];
	const char *nulls = everyone ? " n  " : NULL;
	RoleSwitch	saved;

	values[0] = ObjectIdGetDatum(target);
	values[1] = principal;
	values[2] = Int64GetDatum(sp_trigger_version());
	values[3] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	SPI_connect();
	sp_table_become(&saved, sp_table_owner(sp_table_own_oid("reset_event")));
	if (SPI_execute_with_args("DELETE FROM syncport.reset_event e"
							  " WHERE e.target OPERATOR(pg_catalog.=) $1"
							  " AND e.leaf OPERATOR(pg_catalog.=) $1"
							  " AND e.reason OPERATOR(pg_catalog.=) 'access'"
							  " AND ($2 IS NULL"
							  " OR e.principal OPERATOR(pg_catalog.=) $2)",
							  2, types, values, nulls,
							  false, 0) != SPI_OK_DELETE ||
		SPI_execute_with_args("INSERT INTO syncport.reset_event (target,"
							  " leaf, reason, principal, row_version,"
							  " created_at)"
							  " VALUES ($1, $1, 'access', $2, $3, $4)",
							  lengthof(types), types, values, nulls,
							  false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write a reset event");
	sp_table_unbecome(&saved);
	SPI_finish();
}
