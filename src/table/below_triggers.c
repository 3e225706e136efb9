/*-------------------------------------------------------------------------
 *
 * below_triggers.c
 *	  Statements that fire no trigger.
 *
 * session_replication_role needs a superuser and spares triggers that are
 * ENABLE ALWAYS, ours among them.  So a statement is planned as usual, and
 * its result relations lose their triggers before the first row: indexes,
 * constraints, generated columns and row policies work as ever.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "nodes/params.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"

#include "support/compat.h"
#include "table/below_triggers.h"

static bool is_plain(List *statements);
static int64 run_without_triggers(PlannedStmt *statement, const char *sql,
								  ParamListInfo params);
static ParamListInfo make_params(int nparams, const Oid *types,
								 const Datum *values);

int64
sp_below_triggers_run(const char *sql, int nparams, Oid *types,
					  Datum *values)
{
	SPIPlanPtr	plan = SPI_prepare(sql, nparams, types);
	CachedPlan *cached;
	int64		processed = -1;

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\"", sql);
	cached = SPI_plan_get_cached_plan(plan);
	if (cached == NULL)
		elog(ERROR, "could not plan \"%s\"", sql);
	if (is_plain(cached->stmt_list))
		processed = run_without_triggers(linitial(cached->stmt_list), sql,
										 make_params(nparams, types, values));
	ReleaseCachedPlan(cached, NULL);
	SPI_freeplan(plan);
	return processed;
}

/* A rule can make something else of a statement. */
static bool
is_plain(List *statements)
{
	CmdType		type;

	if (list_length(statements) != 1)
		return false;
	type = linitial_node(PlannedStmt, statements)->commandType;
	return type == CMD_DELETE || type == CMD_UPDATE;
}

/* Run it; how many rows it was. */
static int64
run_without_triggers(PlannedStmt *statement, const char *sql,
					 ParamListInfo params)
{
	QueryDesc  *query;
	ListCell   *lc;
	int64		processed;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	query = CreateQueryDesc(statement, sql, GetActiveSnapshot(),
							InvalidSnapshot, None_Receiver, params, NULL, 0);
	ExecutorStart(query, 0);
	foreach(lc, query->estate->es_opened_result_relations)
	{
		((ResultRelInfo *) lfirst(lc))->ri_TrigDesc = NULL;
	}
	sp_compat_executor_run(query, ForwardScanDirection, 0);
	processed = query->estate->es_processed;
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	PopActiveSnapshot();
	CommandCounterIncrement();
	return processed;
}

/* The parameters, as constants. */
static ParamListInfo
make_params(int nparams, const Oid *types, const Datum *values)
{
	ParamListInfo params = makeParamList(nparams);
	int			i;

	for (i = 0; i < nparams; i++)
	{
		params->params[i].value = values[i];
		params->params[i].isnull = false;
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = types[i];
	}
	return params;
}
