/*-------------------------------------------------------------------------
 *
 * count.c
 *	  Counting a filtered table, exactly or by the planner's estimate.
 *
 * The estimate is that of the caller's own query, planned with the bound
 * values: row policies are in it, and opening its cursor checks the
 * caller's privileges as running it would.  Nothing is read.  Of images the
 * planner knows nothing; they are counted in any mode.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/params.h"
#include "nodes/plannodes.h"
#include "utils/builtins.h"
#include "utils/portal.h"
#include "utils/rel.h"

#include "guc.h"
#include "keyset/keyset.h"
#include "support/quote.h"
#include "support/relation.h"
#include "table/image_read.h"
#include "table/table.h"

static char *build_query(Relation rel, const FilterCondition *filter,
						 bool include_deleted, const char *output);
static int64 count_exactly(Relation rel, const FilterCondition *filter,
						   bool include_deleted);
static int64 estimate_rows(Relation rel, const FilterCondition *filter,
						   bool include_deleted);
static int64 count_images(Relation rel, const FilterCondition *filter);
static ParamListInfo bind_parameters(const FilterCondition *filter,
									 int64 ticket);
static char *null_flags(const FilterCondition *filter);

PG_FUNCTION_INFO_V1(syncport_count_rows);

/*
 * count_rows(target regclass, filter jsonb, include_deleted boolean,
 * mode text) returns (rows bigint, kind text)
 */
Datum
syncport_count_rows(PG_FUNCTION_ARGS)
{
	Relation	rel;
	FilterCondition *filter = NULL;
	CountMode	mode;
	RowCount	count;
	TupleDesc	desc;
	Datum		values[2];
	bool		isnull[2] = {false, false};

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "target")));
	mode = sp_keyset_count_mode(PG_ARGISNULL(3) ? "auto" :
								text_to_cstring(PG_GETARG_TEXT_PP(3)), false);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type is not a row type");

	rel = sp_relation_open_pageable(PG_GETARG_OID(0), AccessShareLock);
	if (!PG_ARGISNULL(1))
		filter = sp_filter_compile(rel, PG_GETARG_JSONB_P(1), 1);
	count = sp_keyset_count(rel, filter,
							!PG_ARGISNULL(2) && PG_GETARG_BOOL(2), mode);
	relation_close(rel, NoLock);

	values[0] = Int64GetDatum(count.rows);
	values[1] = CStringGetTextDatum(count.exact ? "exact" : "estimate");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, isnull)));
}

/* By name. */
CountMode
sp_keyset_count_mode(const char *name, bool none_allowed)
{
	if (strcmp(name, "auto") == 0)
		return COUNT_AUTO;
	if (strcmp(name, "exact") == 0)
		return COUNT_EXACT;
	if (strcmp(name, "estimate") == 0)
		return COUNT_ESTIMATE;
	if (none_allowed && strcmp(name, "none") == 0)
		return COUNT_NONE;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not a way to count", name),
			 errhint("Ways to count: %sauto, exact, estimate.",
					 none_allowed ? "none, " : "")));
}

/* Estimate first where that can save the counting. */
RowCount
sp_keyset_count(Relation rel, const FilterCondition *filter,
				bool include_deleted, CountMode mode)
{
	RowCount	count = {0, false};
	EnabledTable *enabled = NULL;

	if (include_deleted)
		enabled = sp_table_find(RelationGetRelid(rel));
	if (mode != COUNT_EXACT)
		count.rows = estimate_rows(rel, filter, include_deleted);
	if (mode == COUNT_EXACT ||
		(mode == COUNT_AUTO && count.rows <= sp_guc_exact_count_limit))
	{
		count.rows = count_exactly(rel, filter, include_deleted);
		count.exact = true;
	}
	if (enabled != NULL && !enabled->row_mode)
		count.rows += count_images(rel, filter);
	return count;
}

/* SELECT and what output says, without tombstones unless asked. */
static char *
build_query(Relation rel, const FilterCondition *filter,
			bool include_deleted, const char *output)
{
	EnabledTable *enabled = NULL;
	StringInfoData sql;

	if (!include_deleted)
		enabled = sp_table_find(RelationGetRelid(rel));
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT%s FROM %s t WHERE %s", output,
					 sp_quote_from(rel),
					 filter != NULL ? filter->sql : "true");
	if (enabled != NULL && enabled->row_mode)
		appendStringInfo(&sql, " AND t.%s IS NULL",
						 quote_identifier(enabled->deleted_at));
	return sql.data;
}

/* Count in the snapshot of the calling query. */
static int64
count_exactly(Relation rel, const FilterCondition *filter,
			  bool include_deleted)
{
	char	   *sql = build_query(rel, filter, include_deleted,
								  " pg_catalog.count(*)");
	int64		rows;
	bool		isnull;

	SPI_connect();
	if (SPI_execute_with_args(sql, filter ? filter->nparams : 0,
							  filter ? filter->types : NULL,
							  filter ? filter->values : NULL,
							  null_flags(filter), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "counting failed: %s", sql);
	rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return rows;
}

/* Count the deleted rows that are not in the table. */
static int64
count_images(Relation rel, const FilterCondition *filter)
{
	int			nfilter = filter ? filter->nparams : 0;
	Oid		   *types = palloc((nfilter + 1) * sizeof(Oid));
	ImageSource *source = sp_image_source(rel, nfilter + 1);
	SPIExecuteOptions options = {0};
	ImageTicket ticket;
	SPIPlanPtr	plan;
	int64		rows = 0;
	bool		isnull;

	if (filter)
		memcpy(types, filter->types, nfilter * sizeof(Oid));
	types[nfilter] = INT8OID;
	sp_image_open(&ticket, source);
	PG_TRY();
	{
		SPI_connect();
		plan = sp_image_prepare(source,
								psprintf("SELECT pg_catalog.count(*) FROM %s WHERE %s AND (%s)",
										 source->from, source->not_live,
										 filter ? filter->sql : "true"),
								nfilter + 1, types, 0);
		options.params = bind_parameters(filter, ticket.number);
		options.read_only = true;
		if (SPI_execute_plan_extended(plan, &options) != SPI_OK_SELECT)
			elog(ERROR, "counting images failed");
		rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 1,
										   &isnull));
		SPI_finish();
	}
	PG_FINALLY();
	{
		sp_image_close(&ticket);
	}
	PG_END_TRY();
	return rows;
}

/* The filter's values, then the ticket. */
static ParamListInfo
bind_parameters(const FilterCondition *filter, int64 ticket)
{
	int			nfilter = filter ? filter->nparams : 0;
	ParamListInfo params = makeParamList(nfilter + 1);
	int			i;

	for (i = 0; i < nfilter; i++)
	{
		params->params[i].value = filter->values[i];
		params->params[i].isnull = filter->isnull[i];
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = filter->types[i];
	}
	params->params[nfilter].value = Int64GetDatum(ticket);
	params->params[nfilter].isnull = false;
	params->params[nfilter].pflags = 0;
	params->params[nfilter].ptype = INT8OID;
	return params;
}

/* What the planner expects at the top of the plan. */
static int64
estimate_rows(Relation rel, const FilterCondition *filter,
			  bool include_deleted)
{
	char	   *sql = build_query(rel, filter, include_deleted, "");
	Portal		portal;
	double		rows;

	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, sql,
									   filter ? filter->nparams : 0,
									   filter ? filter->types : NULL,
									   filter ? filter->values : NULL,
									   null_flags(filter), true, 0);
	rows = linitial_node(PlannedStmt, portal->stmts)->planTree->plan_rows;
	SPI_cursor_close(portal);
	SPI_finish();
	return (int64) Min(rint(rows), 9e18);
}

/* As SPI wants them; no parameter of a filter is NULL by itself. */
static char *
null_flags(const FilterCondition *filter)
{
	char	   *flags;

	if (filter == NULL)
		return NULL;
	flags = palloc(filter->nparams + 1);
	for (int i = 0; i < filter->nparams; i++)
		flags[i] = filter->isnull[i] ? 'n' : ' ';
	flags[filter->nparams] = '\0';
	return flags;
}
