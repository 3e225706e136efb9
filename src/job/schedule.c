/*-------------------------------------------------------------------------
 *
 * schedule.c
 *	  syncport.schedule and syncport.unschedule: maintenance by pg_cron.
 *
 * pg_cron lives in one database of the cluster.  Called in another one,
 * schedule cannot reach it and says what to run where.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(syncport_schedule);
PG_FUNCTION_INFO_V1(syncport_unschedule);

#define JOB_NAME	"syncport maintain"
#define JOB_COMMAND	"CALL syncport.maintain()"

static void check_pg_cron(const char *times);

/*
 * syncport.schedule(maintain_cron) RETURNS void
 */
Datum
syncport_schedule(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID};
	Datum		values[1];
	char	   *times;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("maintain_cron must not be null"),
				 errhint("Leave it out for '17 3 * * *', or call syncport.unschedule.")));
	times = text_to_cstring(PG_GETARG_TEXT_PP(0));
	check_pg_cron(times);
	SPI_connect();
	values[0] = CStringGetTextDatum(times);
	if (SPI_execute_with_args("SELECT cron.schedule('" JOB_NAME "'::pg_catalog.text,"
							  " $1, '" JOB_COMMAND "'::pg_catalog.text)",
							  1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not schedule the maintenance");
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * syncport.unschedule() RETURNS void
 */
Datum
syncport_unschedule(PG_FUNCTION_ARGS)
{
	if (!OidIsValid(get_extension_oid("pg_cron", true)))
		PG_RETURN_VOID();
	SPI_connect();
	if (SPI_execute("SELECT cron.unschedule(j.jobid) FROM cron.job j"
					" WHERE j.jobname::pg_catalog.text"
					" OPERATOR(pg_catalog.=) '" JOB_NAME "'"
					" AND j.username::pg_catalog.name"
					" OPERATOR(pg_catalog.=) CURRENT_USER",
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not unschedule the maintenance");
	SPI_finish();
	PG_RETURN_VOID();
}

/* pg_cron must be here; if not, say what to run where it is. */
static void
check_pg_cron(const char *times)
{
	const char *home = GetConfigOption("cron.database_name", true, false);
	char	   *here = get_database_name(MyDatabaseId);

	if (OidIsValid(get_extension_oid("pg_cron", true)))
		return;
	/* the setting may be in the configuration without the library */
	if (home == NULL || (GetConfigOptionFlags("cron.database_name", true) &
						 GUC_CUSTOM_PLACEHOLDER))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_cron is not loaded"),
				 errdetail("shared_preload_libraries does not name it."),
				 errhint("Load it, or let another scheduler run in database \"%s\": %s;",
						 here, JOB_COMMAND)));
	if (strcmp(home, here) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"pg_cron\" does not exist"),
				 errdetail("pg_cron is loaded and keeps its jobs in this database."),
				 errhint("Run: CREATE EXTENSION pg_cron;")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("pg_cron keeps its jobs in another database"),
			 errdetail("It is database \"%s\", as cron.database_name says.",
					   home),
			 errhint("Run there: SELECT cron.schedule_in_database(%s, %s, %s, %s);",
					 quote_literal_cstr(psprintf("%s (%s)", JOB_NAME, here)),
					 quote_literal_cstr(times),
					 quote_literal_cstr(JOB_COMMAND),
					 quote_literal_cstr(here))));
}
