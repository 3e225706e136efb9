/*-------------------------------------------------------------------------
 *
 * export_function.c
 *	  Exports as functions: export, export_query and plan_export.
 *
 * A row of the result is a chunk of the file.  One row per call: in a SELECT
 * list they stream.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"

#include "export/option_json.h"
#include "export/selection.h"
#include "export/stream.h"
#include "guc.h"
#include "keyset/keyset.h"
#include "support/relation.h"

/* what export's arguments are; plan_export has them without some */
typedef struct ExportArguments
{
	int			columns;
	int			preset;
	int			filter;
	int			order_by;		/* -1: none */
	int			include_deleted;
} ExportArguments;

/* Begins an export of the arguments. */
typedef ExportStream *(*ExportBegin) (FunctionCallInfo fcinfo,
									  ExprContext *econtext);

static Datum next_chunk(FunctionCallInfo fcinfo, ExportBegin begin);
static ExportStream *begin_export(FunctionCallInfo fcinfo,
								  ExprContext *econtext);
static ExportStream *begin_query(FunctionCallInfo fcinfo,
								 ExprContext *econtext);
static const ExportFormat *read_format(FunctionCallInfo fcinfo);
static Jsonb *read_options(FunctionCallInfo fcinfo, int arg);
static void read_selection(FunctionCallInfo fcinfo, Oid relid,
						   const ExportArguments *arguments,
						   ExportSelection *selection);
static Oid	read_target(FunctionCallInfo fcinfo);
static ExprContext *expression_context(FunctionCallInfo fcinfo);
static Portal open_query(const char *sql);
static void check_query(SPIPlanPtr plan);

PG_FUNCTION_INFO_V1(syncport_export);
PG_FUNCTION_INFO_V1(syncport_export_query);
PG_FUNCTION_INFO_V1(syncport_plan_export);

/*
 * syncport.export(target regclass, format text, columns text[], preset text,
 *		filter jsonb, order_by text, include_deleted boolean, options jsonb)
 *		RETURNS SETOF bytea
 */
Datum
syncport_export(PG_FUNCTION_ARGS)
{
	return next_chunk(fcinfo, begin_export);
}

/*
 * syncport.export_query(query text, format text, options jsonb)
 *		RETURNS SETOF bytea
 */
Datum
syncport_export_query(PG_FUNCTION_ARGS)
{
	return next_chunk(fcinfo, begin_query);
}

/*
 * syncport.plan_export(target regclass, columns text[], preset text,
 *		filter jsonb, include_deleted boolean)
 *		RETURNS TABLE (rows bigint, kind text, mode text)
 */
Datum
syncport_plan_export(PG_FUNCTION_ARGS)
{
	static const ExportArguments arguments = {
		.columns = 1,.preset = 2,.filter = 3,.order_by = -1,
		.include_deleted = 4
	};
	Oid			relid = read_target(fcinfo);
	Relation	rel = sp_relation_open_pageable(relid, AccessShareLock);
	ExportSelection selection = {0};
	RowCount	count;
	TupleDesc	desc;
	Datum		values[3];
	bool		isnull[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type is not a row type");
	read_selection(fcinfo, relid, &arguments, &selection);
	/* for its checks of columns and images */
	(void) sp_selection_query(&selection, rel);
	count = sp_keyset_count(rel, sp_filter_compile(rel, selection.filter, 1),
							selection.include_deleted, COUNT_AUTO);
	table_close(rel, NoLock);
	values[0] = Int64GetDatum(count.rows);
	values[1] = CStringGetTextDatum(count.exact ? "exact" : "estimate");
	values[2] = CStringGetTextDatum(count.rows > sp_guc_background_rows ?
									"background" : "stream");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, isnull)));
}

/* One row of the result, or its end; at first the export begins. */
static Datum
next_chunk(FunctionCallInfo fcinfo, ExportBegin begin)
{
	FuncCallContext *call;
	bytea	   *chunk;

	if (SRF_IS_FIRSTCALL())
	{
		ExprContext *econtext = expression_context(fcinfo);
		MemoryContext old_context;

		call = SRF_FIRSTCALL_INIT();
		old_context = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->user_fctx = begin(fcinfo, econtext);
		MemoryContextSwitchTo(old_context);
	}
	call = SRF_PERCALL_SETUP();
	chunk = sp_stream_next(call->user_fctx);
	if (chunk == NULL)
		SRF_RETURN_DONE(call);
	SRF_RETURN_NEXT(call, PointerGetDatum(chunk));
}

/* Open the query of a table. */
static ExportStream *
begin_export(FunctionCallInfo fcinfo, ExprContext *econtext)
{
	static const ExportArguments arguments = {
		.columns = 2,.preset = 3,.filter = 4,.order_by = 5,
		.include_deleted = 6
	};
	Oid			relid = read_target(fcinfo);
	Relation	rel = sp_relation_open_pageable(relid, AccessShareLock);
	ExportSelection selection = {0};
	SelectionQuery *query;
	CopyOptions options;
	int			chunk_bytes;
	Portal		portal;

	sp_option_json_read(read_format(fcinfo), read_options(fcinfo, 7),
						&options, &chunk_bytes);
	read_selection(fcinfo, relid, &arguments, &selection);
	if (options.export.headings == NIL)
		options.export.headings = selection.headings;
	query = sp_selection_query(&selection, rel);
	SPI_connect();
	portal = sp_selection_open(query);
	SPI_finish();
	table_close(rel, NoLock);
	return sp_stream_begin(portal, &options, chunk_bytes, econtext);
}

/* Open the caller's query. */
static ExportStream *
begin_query(FunctionCallInfo fcinfo, ExprContext *econtext)
{
	CopyOptions options;
	int			chunk_bytes;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "query")));
	sp_option_json_read(read_format(fcinfo), read_options(fcinfo, 2),
						&options, &chunk_bytes);
	return sp_stream_begin(open_query(text_to_cstring(PG_GETARG_TEXT_PP(0))),
						   &options, chunk_bytes, econtext);
}

/* The argument format of both. */
static const ExportFormat *
read_format(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		return sp_copy_option_named_format("csv");
	return sp_copy_option_named_format(text_to_cstring(PG_GETARG_TEXT_PP(1)));
}

/* The argument options. */
static Jsonb *
read_options(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : PG_GETARG_JSONB_P_COPY(arg);
}

/* What to select. */
static void
read_selection(FunctionCallInfo fcinfo, Oid relid,
			   const ExportArguments *arguments, ExportSelection *selection)
{
	if (!PG_ARGISNULL(arguments->columns))
		selection->columns =
			sp_selection_names(PG_GETARG_ARRAYTYPE_P(arguments->columns));
	if (!PG_ARGISNULL(arguments->filter))
		sp_selection_add_filter(selection,
								PG_GETARG_JSONB_P_COPY(arguments->filter));
	if (arguments->order_by >= 0 && !PG_ARGISNULL(arguments->order_by))
		selection->order_by =
			text_to_cstring(PG_GETARG_TEXT_PP(arguments->order_by));
	selection->include_deleted = !PG_ARGISNULL(arguments->include_deleted) &&
		PG_GETARG_BOOL(arguments->include_deleted);
	if (!PG_ARGISNULL(arguments->preset))
		sp_selection_add_preset(selection, relid,
								text_to_cstring(PG_GETARG_TEXT_PP(arguments->preset)));
}

/* The argument target. */
static Oid
read_target(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "target")));
	return PG_GETARG_OID(0);
}

/* The context that ends when the caller wants no more rows. */
static ExprContext *
expression_context(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		!(result->allowedModes & SFRM_ValuePerCall))
		elog(ERROR, "export is called where no set is expected");
	return result->econtext;
}

/* A portal for one query that gives rows. */
static Portal
open_query(const char *sql)
{
	Portal		portal;
	SPIPlanPtr	plan;

	SPI_connect();
	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s",
			 SPI_result_code_string(SPI_result));
	check_query(plan);
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, false);
	SPI_finish();
	return portal;
}

/* Is it one query, and has it rows to give? */
static void
check_query(SPIPlanPtr plan)
{
	if (SPI_is_cursor_plan(plan))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("query is not one statement that returns rows"),
			 errhint("Give one SELECT, VALUES or TABLE, or an INSERT, UPDATE or DELETE with RETURNING.")));
}
