/*-------------------------------------------------------------------------
 *
 * copy_hook.c
 *	  COPY with our formats.
 *
 * No release lets an extension add a format to COPY, so a hook takes the
 * statements that name one of ours and runs them here, around
 * standard_ProcessUtility.  COPY TO has no check to make up for: core counts
 * it as strictly read-only, and a query that writes is checked by the
 * executor.  Every other statement reaches the previous hook untouched,
 * unless syncport.accelerate_copy asks for those that we write just as core
 * does.
 *
 * Whoever hooks in before us (pg_stat_statements or pgaudit, loaded earlier)
 * does not see our statements as COPY, but sees the query inside through the
 * executor's hooks; whoever hooks in later sees both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_authid.h"
#include "commands/copy.h"
#include "commands/progress.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "export/accelerate.h"
#include "export/copy_option.h"
#include "export/copy_query.h"
#include "export/export.h"
#include "export/receiver.h"
#include "export/sink_filters.h"
#include "guc.h"
#include "support/compat.h"

static ProcessUtility_hook_type previous_hook = NULL;

static void process_utility(PlannedStmt *utility, const char *source,
							bool read_only_tree,
							ProcessUtilityContext context,
							ParamListInfo params,
							QueryEnvironment *environment,
							DestReceiver *dest, QueryCompletion *completion);
static uint64 run_copy(PlannedStmt *utility, const char *source,
					   const ExportFormat *format, bool accelerated);
static void refuse_copy_from(const ExportFormat *format);
static void check_target_role(const CopyStmt *statement);
static void refuse_target(const char *target, const char *role);
static ExportSink *make_sink(const CopyStmt *statement,
							 const CopyOptions *options, int core_columns);
static uint64 export_query(const CopyStmt *statement,
						   const CopyOptions *options,
						   const CopyQuery *query, const char *source,
						   DestReceiver *receiver);
static void check_force_quote(const CopyOptions *options, Oid relid,
							  TupleDesc desc);
static void start_progress(const CopyStmt *statement, Oid relid);

void
sp_export_init(void)
{
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}

/* The hook: ours, or everybody else's. */
static void
process_utility(PlannedStmt *utility, const char *source,
				bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment,
				DestReceiver *dest, QueryCompletion *completion)
{
	const CopyStmt *statement = NULL;
	const ExportFormat *format = NULL;
	bool		accelerated = false;
	uint64		nrows;

	if (IsA(utility->utilityStmt, CopyStmt))
	{
		statement = (CopyStmt *) utility->utilityStmt;
		format = sp_copy_option_format(statement->options);
		/* an option of ours is no option of COPY FROM */
		if (statement->is_from && format != NULL &&
			(format == &sp_writer_csv || format == &sp_writer_text))
			format = NULL;
	}
	if (format == NULL && statement != NULL && sp_guc_accelerate_copy)
	{
		format = sp_accelerate_format(statement);
		accelerated = format != NULL;
	}
	if (format == NULL)
	{
		if (previous_hook != NULL)
			previous_hook(utility, source, read_only_tree, context, params,
						  environment, dest, completion);
		else
			standard_ProcessUtility(utility, source, read_only_tree, context,
									params, environment, dest, completion);
		return;
	}
	check_stack_depth();
	nrows = run_copy(utility, source, format, accelerated);
	if (completion != NULL)
		SetQueryCompletion(completion, CMDTAG_COPY, nrows);
}

/* Run one COPY in a memory context of its own; returns the rows. */
static uint64
run_copy(PlannedStmt *utility, const char *source,
		 const ExportFormat *format, bool accelerated)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "syncport COPY",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(context);
	CopyStmt   *statement = copyObject((CopyStmt *) utility->utilityStmt);
	CopyOptions options;
	CopyQuery	query;
	ExportSink *sink;
	DestReceiver *receiver;
	uint64		nrows;

	if (statement->is_from)
		refuse_copy_from(format);
	sp_copy_option_read(format, statement->options, source, &options);
	check_target_role(statement);
	sp_copy_query_plan(statement, utility, source, accelerated, &options,
					   &query);
	sink = make_sink(statement, &options, accelerated ? query.ncolumns : -1);
	receiver = sp_receiver_create(format, &options.export, sink,
								  RECEIVER_PROGRESS |
								  (accelerated && statement->filename == NULL ?
								   RECEIVER_BY_ROW : 0));
	nrows = export_query(statement, &options, &query, source, receiver);
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(context);
	return nrows;
}

/* Our formats are written, not read. */
static void
refuse_copy_from(const ExportFormat *format)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("COPY FROM is not supported with format \"%s\"",
					format->name),
			 errhint("Use COPY TO, or COPY FROM with format text, csv or binary.")));
}

/* Files and programs of the server are not for everyone. */
static void
check_target_role(const CopyStmt *statement)
{
	if (statement->filename == NULL)
		return;
	if (statement->is_program)
	{
		if (!has_privs_of_role(GetUserId(), ROLE_PG_EXECUTE_SERVER_PROGRAM))
			refuse_target("an external program",
						  "pg_execute_server_program");
	}
	else if (!has_privs_of_role(GetUserId(), ROLE_PG_WRITE_SERVER_FILES))
		refuse_target("a file", "pg_write_server_files");
}

/* Permission denied. */
static void
refuse_target(const char *target, const char *role)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to COPY to %s", target),
			 errdetail("Only roles with privileges of the \"%s\" role may COPY to %s.",
					   role, target),
			 errhint("Anyone can COPY to stdout; \\copy of psql works for anyone, too.")));
}

/*
 * The sink of the statement, with the filters it needs.  core_columns: the
 * statement is core's, and so many columns are announced; -1: it is ours.
 */
static ExportSink *
make_sink(const CopyStmt *statement, const CopyOptions *options,
		  int core_columns)
{
	ExportSink *sink;

	if (statement->filename == NULL)
		sink = sp_sink_client(core_columns >= 0 ? core_columns : 1);
	else if (statement->is_program)
		sink = sp_sink_program(statement->filename);
	else
		sink = sp_sink_file(statement->filename, core_columns >= 0);
	return sp_sink_filters(options, sink);
}

/*
 * Run the plan into the receiver.  ExecutorStart checks privileges, so
 * nothing is opened and no byte is sent before it.
 */
static uint64
export_query(const CopyStmt *statement, const CopyOptions *options,
			 const CopyQuery *query, const char *source,
			 DestReceiver *receiver)
{
	QueryDesc  *desc;
	uint64		nrows;

	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	desc = CreateQueryDesc(query->plan, source, GetActiveSnapshot(),
						   InvalidSnapshot, receiver, query->params, NULL, 0);
	ExecutorStart(desc, 0);
	check_force_quote(options, query->relid, desc->tupDesc);
	start_progress(statement, query->relid);
	sp_receiver_begin(receiver, desc->tupDesc);
	sp_compat_executor_run(desc, ForwardScanDirection, 0);
	ExecutorFinish(desc);
	nrows = sp_receiver_finish(receiver);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
	pgstat_progress_end_command();
	return nrows;
}

/* Core's check of the names in FORCE_QUOTE. */
static void
check_force_quote(const CopyOptions *options, Oid relid, TupleDesc desc)
{
	Relation	rel;

	if (options->export.force_quote == NIL)
		return;
	if (!OidIsValid(relid))
	{
		(void) CopyGetAttnums(desc, NULL, options->export.force_quote);
		return;
	}
	rel = table_open(relid, NoLock);
	(void) CopyGetAttnums(RelationGetDescr(rel), rel,
						  options->export.force_quote);
	table_close(rel, NoLock);
}

/* Show up in pg_stat_progress_copy; an abort ends it by itself. */
static void
start_progress(const CopyStmt *statement, Oid relid)
{
	const int	columns[] = {PROGRESS_COPY_COMMAND, PROGRESS_COPY_TYPE};
	int64		values[] = {PROGRESS_COPY_COMMAND_TO, PROGRESS_COPY_TYPE_PIPE};

	if (statement->filename != NULL)
		values[1] = statement->is_program ? PROGRESS_COPY_TYPE_PROGRAM :
			PROGRESS_COPY_TYPE_FILE;
	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, relid);
	pgstat_progress_update_multi_param(lengthof(columns), columns, values);
}
