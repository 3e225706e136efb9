/*-------------------------------------------------------------------------
 *
 * forget.c
 *	  The end of what push remembers.
 *
 * The row policies show everyone his own alone; whoever may maintain is to
 * remove what all clients have left, and to see nothing of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "guc.h"
#include "push/forget.h"
#include "push/run.h"
#include "table/registry.h"

static uint64 remove_old(const char *table, int rows);

bool
sp_push_forget(int rows)
{
	uint64		mutations = remove_old("push_ledger", rows);
	uint64		temps = remove_old("push_temp_id", rows);

	return mutations == rows || temps == rows;
}

/* Remove old rows of a table; how many. */
static uint64
remove_old(const char *table, int rows)
{
	Oid			types[] = {INT4OID, INT4OID};
	Datum		values[2];
	RoleSwitch	saved;
	char	   *sql;

	sql = psprintf("DELETE FROM syncport.%s l"
				   " WHERE l.ctid OPERATOR(pg_catalog.=) ANY (ARRAY("
				   " SELECT o.ctid FROM syncport.%s o"
				   " WHERE o.pushed_at OPERATOR(pg_catalog.<)"
				   " (pg_catalog.now() OPERATOR(pg_catalog.-)"
				   " pg_catalog.make_interval(mins => $1))"
				   " LIMIT $2 FOR UPDATE SKIP LOCKED))", table, table);
	values[0] = Int32GetDatum(sp_guc_push_retention);
	values[1] = Int32GetDatum(rows);
	sp_table_become(&saved, sp_table_owner(sp_table_own_oid(table)));
	sp_run_sql(sql, 2, types, values, SPI_OK_DELETE);
	sp_table_unbecome(&saved);
	return SPI_processed;
}
