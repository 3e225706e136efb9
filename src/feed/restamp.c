/*-------------------------------------------------------------------------
 *
 * restamp.c
 *	  syncport.restamp: gives what a dump has brought versions of its own.
 *
 * A dump carries row versions, which are transaction ids of another cluster.
 * Those below the next id here pass for old ones, and do no harm: nobody has
 * a position from before the restoration.  Those above would be delivered
 * again one day, when the ids here get there, and would keep purge and
 * resets waiting.
 *
 * Whether something changed is not what this is about: updated_at stays, as
 * retention counts from there, and no trigger of the application fires, nor
 * ours.  It is an UPDATE below triggers, as the owner of the table, whose
 * row policies do not apply to it.  Concurrent writers are waited for, and
 * what they wrote has been stamped here.
 *
 * Storage that was rolled back has versions of its own, but gives ids out
 * again that clients have seen.  Only who rolled it back knows; so all
 * tables at once means a new incarnation, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "support/compat.h"
#include "table/below_triggers.h"
#include "table/registry.h"
#include "table/target.h"
#include "table/trigger.h"

PG_FUNCTION_INFO_V1(syncport_restamp);

/* Versions from next on become version. */
typedef struct Restamp
{
	int64		version;		/* of this transaction */
	int64		next;			/* nothing here has it yet */
} Restamp;

static void check_everything(void);
static int64 restamp_table(const Restamp *restamp, const EnabledTable *table);
static int64 restamp_rows(const Restamp *restamp, const EnabledTable *table);
static void report_unfit(Oid relid, const char *detail);
static uint64 run_own(const char *name, const char *sql,
					  const Restamp *restamp, Oid target);
static void notify_clients(const EnabledTable *table);
static void change_incarnation(void);

/* restamp(target regclass) returns bigint */
Datum
syncport_restamp(PG_FUNCTION_ARGS)
{
	Restamp		restamp;
	Oid			relid = InvalidOid;
	int64		restamped = 0;
	ListCell   *lc;

	PreventCommandIfReadOnly("syncport.restamp()");
	if (PG_ARGISNULL(0))
		check_everything();
	else
	{
		relid = sp_target_argument(fcinfo, 0);
		sp_target_lock(relid, RowExclusiveLock);
	}
	SPI_connect();
	restamp.version = sp_trigger_version();
	restamp.next = sp_table_next_version();
	if (OidIsValid(relid))
		restamped = restamp_table(&restamp, sp_target_enabled(relid));
	else
	{
		foreach(lc, sp_table_read_all())
		{
			EnabledTable *table = lfirst(lc);

			if (get_rel_name(table->relid) != NULL)
				restamped += restamp_table(&restamp, table);
		}
		change_incarnation();
	}
	SPI_finish();
	PG_RETURN_INT64(restamped);
}

/*
 * The owner of the extension may do to all tables what does no harm to any;
 * nobody else may reset clients of tables that are not his.
 */
static void
check_everything(void)
{
	if (!SP_OWNS_RELATION(sp_table_own_oid("incarnation"), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of the extension to re-stamp all tables"),
				 errhint("Name a table that you own, or let the owner of the extension or a superuser call it.")));
}

/* Everything that is kept of a table; how many rows and images it was. */
static int64
restamp_table(const Restamp *restamp, const EnabledTable *table)
{
	int64		restamped;

	if (!sp_table_intact(table))
		report_unfit(table->relid,
					 "A column that syncport.enable named was renamed, dropped or changed since.");
	restamped = restamp_rows(restamp, table);
	restamped += run_own("tombstone",
						 "UPDATE syncport.tombstone SET row_version = $2"
						 " WHERE target OPERATOR(pg_catalog.=) $1"
						 " AND row_version OPERATOR(pg_catalog.>=) $3",
						 restamp, table->relid);
	(void) run_own("reset_event",
				   "DELETE FROM syncport.reset_event"
				   " WHERE target OPERATOR(pg_catalog.=) $1"
				   " AND $2 IS NOT NULL"
				   " AND row_version OPERATOR(pg_catalog.>=) $3",
				   restamp, table->relid);
	(void) run_own("enabled_table",
				   "UPDATE syncport.enabled_table SET purge_horizon = 0"
				   " WHERE target OPERATOR(pg_catalog.=) $1"
				   " AND $2 IS NOT NULL"
				   " AND purge_horizon OPERATOR(pg_catalog.>=) $3",
				   restamp, table->relid);
	if (restamped > 0)
		notify_clients(table);
	return restamped;
}

/* The rows in the table, tombstones too. */
static int64
restamp_rows(const Restamp *restamp, const EnabledTable *table)
{
	const char *column = quote_identifier(table->row_version);
	char	   *sql = psprintf("UPDATE %s t SET %s = $1"
							   " WHERE t.%s OPERATOR(pg_catalog.>=) $2",
							   sp_table_quoted_name(table->relid), column,
							   column);
	Oid			types[] = {INT8OID, INT8OID};
	Datum		values[] = {
		Int64GetDatum(restamp->version), Int64GetDatum(restamp->next)
	};
	RoleSwitch	saved;
	int64		restamped;

	sp_table_become(&saved, sp_table_owner(table->relid));
	restamped = sp_below_triggers_run(sql, lengthof(types), types, values);
	sp_table_unbecome(&saved);
	if (restamped < 0)
		report_unfit(table->relid, "A rule takes the place of UPDATE.");
	return restamped;
}

/* Say why a table cannot be stamped anew. */
static void
report_unfit(Oid relid, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" cannot be re-stamped", get_rel_name(relid)),
			 errdetail_internal("%s", detail),
			 errhint("Change it back, or call syncport.disable for it and enable it again later.")));
}

/*
 * Write one of our tables as its owner: $1 is the target, $2 the version and
 * $3 the next one.
 */
static uint64
run_own(const char *name, const char *sql, const Restamp *restamp, Oid target)
{
	Oid			types[] = {OIDOID, INT8OID, INT8OID};
	Datum		values[] = {
		ObjectIdGetDatum(target), Int64GetDatum(restamp->version),
		Int64GetDatum(restamp->next)
	};
	RoleSwitch	saved;

	sp_table_become(&saved, sp_table_owner(sp_table_own_oid(name)));
	if (SPI_execute_with_args(sql, lengthof(types), types, values, NULL,
							  false, 0) < 0)
		elog(ERROR, "could not write table %s.%s", "syncport", name);
	sp_table_unbecome(&saved);
	return SPI_processed;
}

/* There is something to fetch. */
static void
notify_clients(const EnabledTable *table)
{
	StampColumns columns = {.notify = table->notify};

	columns.target = table->relid;
	columns.payload = sp_table_quoted_name(table->relid);
	sp_trigger_notify(&columns);
}

/* Every position of before is reset. */
static void
change_incarnation(void)
{
	RoleSwitch	saved;

	sp_table_become(&saved, sp_table_owner(sp_table_own_oid("incarnation")));
	if (SPI_execute("UPDATE syncport.incarnation"
					" SET id = pg_catalog.gen_random_uuid(),"
					" created_at = pg_catalog.now()",
					false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not write table %s.%s", "syncport", "incarnation");
	sp_table_unbecome(&saved);
}
