/*-------------------------------------------------------------------------
 *
 * enable.c
 *	  syncport.enable and syncport.enable_script.
 *
 * enable takes AccessExclusiveLock on the table, and on its partitions,
 * before it looks at anything: an upgrade from a weaker lock could deadlock
 * with another session's.  Every step is plain DDL run as the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "support/compat.h"
#include "syncport.h"
#include "table/plan.h"
#include "table/reset_event.h"
#include "table/target.h"

PG_FUNCTION_INFO_V1(syncport_enable);
PG_FUNCTION_INFO_V1(syncport_enable_script);

#define DEFAULT_RETENTION_DAYS	30

/* positions of the arguments of both functions */
enum EnableArgument
{
	ARG_TARGET,
	ARG_RETENTION,
	ARG_SORT_KEYS,
	ARG_PREFIX,
	ARG_TOMBSTONES,
	ARG_UPDATED_AT,
	ARG_DELETED_AT,
	ARG_ROW_VERSION,
	ARG_LIVE_VIEW,
	ARG_NOTIFY
};

static void restamp_rows(const TablePlan *plan);
static EnabledTable *merge_arguments(FunctionCallInfo fcinfo, Oid relid,
									 const EnabledTable *have);
static void merge_retention(FunctionCallInfo fcinfo, EnabledTable *want);
static void merge_tombstones(FunctionCallInfo fcinfo, EnabledTable *want);
static void merge_columns(FunctionCallInfo fcinfo, EnabledTable *want,
						  const EnabledTable *have);
static char *merge_name(FunctionCallInfo fcinfo, int arg, char *current);
static List *merge_array(FunctionCallInfo fcinfo, int arg, const char *name,
						 Oid element, List *current);
static TablePlan *make_plan(FunctionCallInfo fcinfo, Oid relid, bool online);
static void warn_of_policies(const EnabledTable *want);
static char *script_call(const EnabledTable *want);
static void append_array(StringInfo buf, List *strings, const char *type);

/*
 * syncport.enable(target, ...) RETURNS void
 */
Datum
syncport_enable(PG_FUNCTION_ARGS)
{
	Oid			relid = sp_target_argument(fcinfo, ARG_TARGET);
	TablePlan  *plan;
	ListCell   *lc;

	sp_target_lock(relid, AccessExclusiveLock);
	SPI_connect();
	plan = make_plan(fcinfo, relid, false);
	if (plan->have != NULL && plan->have->row_mode && !plan->want->row_mode)
		sp_disable_move_tombstones(plan->have);
	if (plan->restamp != NULL)
		restamp_rows(plan);
	foreach(lc, plan->steps)
	{
		if (SPI_execute(lfirst(lc), false, 0) < 0)
			elog(ERROR, "could not run \"%s\"", (char *) lfirst(lc));
	}
	sp_table_save(plan->want);
	/* nobody stamped what was written since a disable */
	if (plan->have == NULL)
		sp_reset_event_add(relid, relid, "disabled");
	if (plan->want->row_mode)
		warn_of_policies(plan->want);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * syncport.enable_script(target, ...) RETURNS SETOF text
 */
Datum
syncport_enable_script(PG_FUNCTION_ARGS)
{
	Oid			relid = sp_target_argument(fcinfo, ARG_TARGET);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TablePlan  *plan;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	sp_target_lock(relid, AccessShareLock);
	plan = make_plan(fcinfo, relid, true);
	foreach(lc, plan->steps)
	{
		Datum		value = CStringGetTextDatum(lfirst(lc));
		bool		isnull = false;

		tuplestore_putvalues(result->setResult, result->setDesc, &value,
							 &isnull);
	}
	return (Datum) 0;
}

/*
 * Give the rows a version of this server.  It fires triggers, which are the
 * owner's code and must not run as a superuser who only enables the table.
 */
static void
restamp_rows(const TablePlan *plan)
{
	RoleSwitch	saved;

	sp_table_become(&saved, sp_table_owner(plan->want->relid));
	if (SPI_execute(plan->restamp, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not stamp the rows of a table");
	sp_table_unbecome(&saved);
}

/* What shall be in force: the arguments over what is, over the defaults. */
static EnabledTable *
merge_arguments(FunctionCallInfo fcinfo, Oid relid, const EnabledTable *have)
{
	EnabledTable *want = palloc0(sizeof(EnabledTable));

	if (have != NULL)
		*want = *have;
	else
	{
		want->updated_at = "updated_at";
		want->deleted_at = "deleted_at";
		want->row_version = "row_version";
		want->row_mode = true;
		want->retention.day = DEFAULT_RETENTION_DAYS;
	}
	want->relid = relid;
	merge_retention(fcinfo, want);
	merge_tombstones(fcinfo, want);
	merge_columns(fcinfo, want, have);
	want->sort_keys = merge_array(fcinfo, ARG_SORT_KEYS, "sort_keys", TEXTOID,
								  want->sort_keys);
	want->prefix = merge_array(fcinfo, ARG_PREFIX, "prefix", NAMEOID,
							   want->prefix);
	want->live_view = merge_name(fcinfo, ARG_LIVE_VIEW, want->live_view);
	if (want->live_view != NULL && want->live_view[0] == '\0')
		want->live_view = NULL;
	if (!PG_ARGISNULL(ARG_NOTIFY))
		want->notify = PG_GETARG_BOOL(ARG_NOTIFY);
	return want;
}

/* retention: not negative */
static void
merge_retention(FunctionCallInfo fcinfo, EnabledTable *want)
{
	Interval	zero = {0};
	Datum		given;

	if (PG_ARGISNULL(ARG_RETENTION))
		return;
	given = PG_GETARG_DATUM(ARG_RETENTION);
	if (DatumGetBool(DirectFunctionCall2(interval_lt, given,
										 IntervalPGetDatum(&zero))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("retention must not be negative"),
				 errdetail("It is %s.",
						   DatumGetCString(DirectFunctionCall1(interval_out,
															   given))),
				 errhint("Give the time that tombstones are kept, such as '30 days'.")));
	want->retention = *DatumGetIntervalP(given);
}

/* tombstones: one of the known modes */
static void
merge_tombstones(FunctionCallInfo fcinfo, EnabledTable *want)
{
	char	   *mode;

	if (PG_ARGISNULL(ARG_TOMBSTONES))
		return;
	mode = text_to_cstring(PG_GETARG_TEXT_PP(ARG_TOMBSTONES));
	if (strcmp(mode, MODE_ROW) != 0 && strcmp(mode, MODE_IMAGE) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for tombstones: \"%s\"", mode),
				 errhint("Valid values are: %s, %s.", MODE_ROW, MODE_IMAGE)));
	want->row_mode = strcmp(mode, MODE_ROW) == 0;
}

/* The three columns: different ones, and the same for ever. */
static void
merge_columns(FunctionCallInfo fcinfo, EnabledTable *want,
			  const EnabledTable *have)
{
	want->updated_at = merge_name(fcinfo, ARG_UPDATED_AT, want->updated_at);
	want->deleted_at = merge_name(fcinfo, ARG_DELETED_AT, want->deleted_at);
	want->row_version = merge_name(fcinfo, ARG_ROW_VERSION,
								   want->row_version);
	if (strcmp(want->updated_at, want->deleted_at) == 0 ||
		strcmp(want->updated_at, want->row_version) == 0 ||
		strcmp(want->deleted_at, want->row_version) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("updated_at, deleted_at and row_version must name three different columns"),
				 errdetail("They name \"%s\", \"%s\" and \"%s\".",
						   want->updated_at, want->deleted_at,
						   want->row_version),
				 errhint("Leave them out to get columns of those names.")));
	if (have == NULL ||
		(strcmp(want->updated_at, have->updated_at) == 0 &&
		 strcmp(want->deleted_at, have->deleted_at) == 0 &&
		 strcmp(want->row_version, have->row_version) == 0))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("columns of an enabled table cannot be exchanged"),
			 errdetail("Table \"%s\" uses \"%s\", \"%s\" and \"%s\".",
					   get_rel_name(want->relid), have->updated_at,
					   have->deleted_at, have->row_version),
			 errhint("Call syncport.disable first.")));
}

/* An argument of type name, or what is set where it is NULL. */
static char *
merge_name(FunctionCallInfo fcinfo, int arg, char *current)
{
	if (PG_ARGISNULL(arg))
		return current;
	return pstrdup(NameStr(*PG_GETARG_NAME(arg)));
}

/* An array argument, or what is set where it is NULL. */
static List *
merge_array(FunctionCallInfo fcinfo, int arg, const char *name, Oid element,
			List *current)
{
	ArrayType  *array;

	if (PG_ARGISNULL(arg))
		return current;
	array = PG_GETARG_ARRAYTYPE_P(arg);
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain nulls", name),
				 errhint("Leave the element out.")));
	return sp_table_array_strings(array, element);
}

/* Check the target and compute every step. */
static TablePlan *
make_plan(FunctionCallInfo fcinfo, Oid relid, bool online)
{
	TablePlan  *plan = palloc0(sizeof(TablePlan));

	sp_target_check(relid);
	plan->have = sp_table_read(relid);
	plan->want = merge_arguments(fcinfo, relid, plan->have);
	plan->online = online;
	plan->rel = table_open(relid, NoLock);
	sp_plan_key_columns(plan->rel);
	sp_policy_check(plan->rel);
	sp_plan_columns(plan);
	sp_plan_indexes(plan);
	if (online)
		plan->steps = lappend(plan->steps, script_call(plan->want));
	else
	{
		sp_plan_triggers(plan);
		sp_plan_live_view(plan);
	}
	table_close(plan->rel, NoLock);
	plan->rel = NULL;
	return plan;
}

/*
 * A policy that tests deleted_at hides tombstones from the feed, so clients
 * would never learn of a deletion.  The catalogs record the columns that a
 * policy depends on, however deep in its expression.
 */
static void
warn_of_policies(const EnabledTable *want)
{
	Oid			types[] = {OIDOID, TEXTOID};
	Datum		values[2];
	uint64		i;

	values[0] = ObjectIdGetDatum(want->relid);
	values[1] = CStringGetTextDatum(want->deleted_at);
	if (SPI_execute_with_args("SELECT DISTINCT p.polname"
							  " FROM pg_catalog.pg_depend d"
							  " JOIN pg_catalog.pg_policy p"
							  " ON p.oid OPERATOR(pg_catalog.=) d.objid"
							  " JOIN pg_catalog.pg_attribute a"
							  " ON a.attrelid OPERATOR(pg_catalog.=) d.refobjid"
							  " AND a.attnum OPERATOR(pg_catalog.=) d.refobjsubid"
							  " WHERE d.classid OPERATOR(pg_catalog.=)"
							  " 'pg_catalog.pg_policy'::pg_catalog.regclass"
							  " AND d.refclassid OPERATOR(pg_catalog.=)"
							  " 'pg_catalog.pg_class'::pg_catalog.regclass"
							  " AND d.refobjid OPERATOR(pg_catalog.=) $1"
							  " AND p.polrelid OPERATOR(pg_catalog.=) $1"
							  " AND a.attname OPERATOR(pg_catalog.=)"
							  " $2::pg_catalog.name ORDER BY 1",
							  2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the policies of a table");
	for (i = 0; i < SPI_processed; i++)
		ereport(WARNING,
				(errmsg("policy \"%s\" of table \"%s\" tests column \"%s\"",
						SPI_getvalue(SPI_tuptable->vals[i],
									 SPI_tuptable->tupdesc, 1),
						get_rel_name(want->relid), want->deleted_at),
				 errdetail("Clients that it hides tombstones from never learn of a deletion."),
				 errhint("Leave the column to live_view, or to WHERE, and take it out of the policy.")));
}

/* The last step of a script: everything is there, enable only registers. */
static char *
script_call(const EnabledTable *want)
{
	StringInfoData buf;
	Datum		retention =
	DirectFunctionCall1(interval_out, IntervalPGetDatum(&want->retention));

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT %s.enable(target => %s,"
					 " retention => %s, sort_keys => ", SP_SCHEMA,
					 quote_literal_cstr(sp_table_quoted_name(want->relid)),
					 quote_literal_cstr(DatumGetCString(retention)));
	append_array(&buf, want->sort_keys, "text");
	appendStringInfoString(&buf, ", prefix => ");
	append_array(&buf, want->prefix, "name");
	appendStringInfo(&buf, ", tombstones => %s",
					 quote_literal_cstr(sp_table_mode(want)));
	appendStringInfo(&buf, ", updated_at => %s",
					 quote_literal_cstr(want->updated_at));
	appendStringInfo(&buf, ", deleted_at => %s",
					 quote_literal_cstr(want->deleted_at));
	appendStringInfo(&buf, ", row_version => %s",
					 quote_literal_cstr(want->row_version));
	appendStringInfo(&buf, ", live_view => %s",
					 quote_literal_cstr(want->live_view ? want->live_view : ""));
	appendStringInfo(&buf, ", notify => %s)", want->notify ? "true" : "false");
	return buf.data;
}

/* ARRAY['a', 'b']::type[] */
static void
append_array(StringInfo buf, List *strings, const char *type)
{
	ListCell   *lc;

	appendStringInfoString(buf, "ARRAY[");
	foreach(lc, strings)
	{
		appendStringInfo(buf, "%s%s",
						 foreach_current_index(lc) > 0 ? ", " : "",
						 quote_literal_cstr(lfirst(lc)));
	}
	appendStringInfo(buf, "]::pg_catalog.%s[]", type);
}
