/*-------------------------------------------------------------------------
 *
 * copy_query.c
 *	  Makes a plan of what is to be copied.
 *
 * A table becomes SELECT columns FROM ONLY table, so that privileges of
 * table and columns and row security are the executor's work.  The name is
 * looked up twice, by us for the columns and by the analysis: the lock we
 * hold keeps the table, but not its name, and so the plan must be of that
 * table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "commands/copy.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "export/copy_query.h"
#include "export/selection.h"

static PlannedStmt *plan_in_order(Query *query, const char *source);
static bool has_selection(const CopyOptions *options);
static SelectionQuery *select_rows(CopyStmt *statement, CopyOptions *options,
								   Oid *relid);
static SelectStmt *select_table(CopyStmt *statement, Oid *relid);
static List *column_names(Relation rel, List *columns);
static void check_relation(Relation rel);
static List *list_targets(Relation rel, List *columns);
static Query *analyze_query(RawStmt *raw, const char *source,
							const SelectionQuery *selection);
static void check_rules(List *queries);
static void check_query(const Query *query);
static void refuse_query(const char *message);

void
sp_copy_query_plan(CopyStmt *statement, PlannedStmt *utility,
				   const char *source, bool in_order, CopyOptions *options,
				   CopyQuery *result)
{
	RawStmt    *raw = makeNode(RawStmt);
	SelectionQuery *selection = NULL;
	List	   *targets;
	Query	   *query;

	result->relid = InvalidOid;
	result->params = NULL;
	if (has_selection(options))
	{
		selection = select_rows(statement, options, &result->relid);
		result->params = selection->params;
		raw = linitial_node(RawStmt, pg_parse_query(selection->sql));
	}
	else
	{
		raw->stmt = statement->relation == NULL ? statement->query :
			(Node *) select_table(statement, &result->relid);
		raw->stmt_location = utility->stmt_location;
		raw->stmt_len = utility->stmt_len;
	}
	query = analyze_query(raw, source, selection);
	if (in_order && OidIsValid(result->relid))
		result->plan = plan_in_order(query, source);
	else
		result->plan = pg_plan_query(query, source, CURSOR_OPT_PARALLEL_OK,
									 result->params);
	targets = result->plan->planTree->targetlist;
	result->ncolumns = ExecCleanTargetListLength(targets);
	if (OidIsValid(result->relid) &&
		!list_member_oid(result->plan->relationOids, result->relid))
		elog(ERROR, "relation referenced by COPY statement has changed");
}

/*
 * A plan that gives the rows of a table as they are stored: neither workers
 * nor an index that holds all columns.
 */
static PlannedStmt *
plan_in_order(Query *query, const char *source)
{
	int			nest_level = NewGUCNestLevel();
	PlannedStmt *plan;

	(void) set_config_option("enable_indexonlyscan", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("enable_seqscan", "on", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	plan = pg_plan_query(query, source, 0, NULL);
	AtEOXact_GUC(true, nest_level);
	return plan;
}

/* Is there more to say than what is to be copied? */
static bool
has_selection(const CopyOptions *options)
{
	return options->preset != NULL || options->filter != NULL ||
		options->order_by != NULL;
}

/* The same as select_table, with PRESET, FILTER and ORDER_BY. */
static SelectionQuery *
select_rows(CopyStmt *statement, CopyOptions *options, Oid *relid)
{
	ExportSelection selection = {.include_deleted = true};
	SelectionQuery *query;
	Relation	rel;

	if (statement->relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("COPY options preset, filter and order_by need a table"),
				 errhint("Put the conditions and the order into the query.")));
	rel = table_openrv(statement->relation, AccessShareLock);
	check_relation(rel);
	selection.order_by = options->order_by;
	if (options->filter != NULL)
		sp_selection_add_filter(&selection,
								DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
																   CStringGetDatum(options->filter))));
	if (statement->attlist != NIL)
		selection.columns = column_names(rel, statement->attlist);
	if (options->preset != NULL)
		sp_selection_add_preset(&selection, RelationGetRelid(rel),
								options->preset);
	if (options->export.headings == NIL)
		options->export.headings = selection.headings;
	if (selection.columns == NIL)
		selection.columns = column_names(rel, NIL);
	query = sp_selection_query(&selection, rel);
	*relid = RelationGetRelid(rel);
	table_close(rel, NoLock);
	return query;
}

/* The names of the columns that core copies; NIL: it is not told which. */
static List *
column_names(Relation rel, List *columns)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, CopyGetAttnums(desc, rel, columns))
		names = lappend(names, pstrdup(NameStr(TupleDescAttr(desc,
															 lfirst_int(cell) - 1)->attname)));
	return names;
}

/* The table of the statement as a query; sets *relid and locks it. */
static SelectStmt *
select_table(CopyStmt *statement, Oid *relid)
{
	Relation	rel = table_openrv(statement->relation, AccessShareLock);
	SelectStmt *select = makeNode(SelectStmt);
	RangeVar   *from;

	check_relation(rel);
	from = makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
						pstrdup(RelationGetRelationName(rel)), -1);
	from->inh = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	select->targetList = list_targets(rel, statement->attlist);
	select->fromClause = list_make1(from);
	*relid = RelationGetRelid(rel);
	table_close(rel, NoLock);
	return select;
}

/* Only what holds rows of its own can be copied by name. */
static void
check_relation(Relation rel)
{
	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_MATVIEW:
			return;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("cannot copy from \"%s\"",
							RelationGetRelationName(rel)),
					 errdetail("It is not a table."),
					 errhint("Try the COPY (SELECT ...) TO variant.")));
	}
}

/* The columns to copy as a target list; core refuses generated ones. */
static List *
list_targets(Relation rel, List *columns)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *targets = NIL;
	ListCell   *cell;

	foreach(cell, CopyGetAttnums(desc, rel, columns))
	{
		Form_pg_attribute attribute = TupleDescAttr(desc,
													lfirst_int(cell) - 1);
		ColumnRef  *column = makeNode(ColumnRef);
		ResTarget  *target = makeNode(ResTarget);

		column->fields =
			list_make1(makeString(pstrdup(NameStr(attribute->attname))));
		column->location = -1;
		target->val = (Node *) column;
		target->location = -1;
		targets = lappend(targets, target);
	}
	return targets;
}

/* Analyze and rewrite to the one query that gives rows. */
static Query *
analyze_query(RawStmt *raw, const char *source,
			  const SelectionQuery *selection)
{
	List	   *queries =
	pg_analyze_and_rewrite_fixedparams(raw, source,
									   selection ? selection->types : NULL,
									   selection ? selection->nparams : 0,
									   NULL);
	Query	   *query;

	check_rules(queries);
	query = linitial_node(Query, queries);
	check_query(query);
	return query;
}

/* Rules must leave exactly one query. */
static void
check_rules(List *queries)
{
	ListCell   *cell;

	if (queries == NIL)
		refuse_query("DO INSTEAD NOTHING rules are not supported for COPY");
	if (list_length(queries) == 1)
		return;
	foreach(cell, queries)
	{
		Query	   *query = lfirst_node(Query, cell);

		if (query->querySource == QSRC_QUAL_INSTEAD_RULE)
			refuse_query("conditional DO INSTEAD rules are not supported for COPY");
		if (query->querySource == QSRC_NON_INSTEAD_RULE)
			refuse_query("DO ALSO rules are not supported for COPY");
	}
	refuse_query("multi-statement DO INSTEAD rules are not supported for COPY");
}

/* The query must give rows. */
static void
check_query(const Query *query)
{
	if (query->utilityStmt != NULL &&
		IsA(query->utilityStmt, CreateTableAsStmt))
		refuse_query("COPY (SELECT INTO) is not supported");
	if (query->utilityStmt != NULL)
		refuse_query("COPY query must not be a utility command");
	if (query->commandType != CMD_SELECT && query->returningList == NIL)
		refuse_query("COPY query must have a RETURNING clause");
}

/* One of core's refusals, which speak for themselves; does not return. */
static void
refuse_query(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s", message)));
}
