/*-------------------------------------------------------------------------
 *
 * sortkey.c
 *	  Parses an entry of sort_keys, such as 'sale_date DESC NULLS LAST, item'.
 *
 * The server's own grammar reads it, behind SELECT ORDER BY; what comes out
 * must be bare columns and nothing else, so no other SQL can come in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "support/error.h"
#include "table/plan.h"

static List *parse_sort_clause(const char *entry);
static bool is_order_alone(const SelectStmt *select);
static SortColumn *check_column(Relation rel, const char *entry, SortBy *sort);

List *
sp_sortkey_parse(Relation rel, const char *entry)
{
	List	   *result = NIL;
	List	   *clause = parse_sort_clause(entry);
	ListCell   *lc;

	foreach(lc, clause)
	{
		result = lappend(result, check_column(rel, entry, lfirst(lc)));
	}
	return result;
}

char *
sp_sortkey_valid_columns(Relation rel)
{
	StringInfoData buf;
	int			i;

	initStringInfo(&buf);
	for (i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (!att->attisdropped)
			appendStringInfo(&buf, "%s\"%s\"", buf.len ? ", " : "",
							 NameStr(att->attname));
	}
	return buf.data;
}

/* The SortBy nodes of an entry. */
static List *
parse_sort_clause(const char *entry)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *volatile statements = NIL;
	char	   *volatile message = NULL;
	RawStmt    *raw;

	PG_TRY();
	{
		statements = raw_parser(psprintf("SELECT ORDER BY %s", entry),
								RAW_PARSE_DEFAULT);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		/* the grammar touches nothing, so its error can be answered here */
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_SYNTAX_ERROR)
			PG_RE_THROW();
		FlushErrorState();
		message = error->message;
	}
	PG_END_TRY();

	if (message == NULL && list_length(statements) == 1)
	{
		raw = linitial_node(RawStmt, statements);
		if (IsA(raw->stmt, SelectStmt) &&
			is_order_alone((SelectStmt *) raw->stmt))
			return ((SelectStmt *) raw->stmt)->sortClause;
	}
	ereport(ERROR,
			(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
			 errmsg("invalid sort key \"%s\"", entry),
			 message ? errdetail_internal("%s", message) : 0,
			 errhint("Write columns, each with ASC or DESC and NULLS FIRST or NULLS LAST if wanted, separated by commas.")));
	return NIL;					/* not reached */
}

/* Whether nothing follows the ORDER BY of the statement. */
static bool
is_order_alone(const SelectStmt *select)
{
	return select->op == SETOP_NONE && select->targetList == NIL &&
		select->limitCount == NULL && select->limitOffset == NULL &&
		select->lockingClause == NIL;
}

/* A sort column, which must be a column of rel with a btree order. */
static SortColumn *
check_column(Relation rel, const char *entry, SortBy *sort)
{
	SortColumn *result = palloc(sizeof(SortColumn));
	ColumnRef  *ref = (ColumnRef *) sort->node;
	AttrNumber	attnum;
	Oid			type;

	if (!IsA(ref, ColumnRef) || list_length(ref->fields) != 1 ||
		!IsA(linitial(ref->fields), String) ||
		sort->sortby_dir == SORTBY_USING)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("sort key \"%s\" is not a list of columns", entry),
				 errhint("Write columns, each with ASC or DESC and NULLS FIRST or NULLS LAST if wanted, separated by commas.")));
	result->name = strVal(linitial(ref->fields));
	attnum = get_attnum(RelationGetRelid(rel), result->name);
	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("column \"%s\" of sort key \"%s\" does not exist",
						result->name, entry),
				 errhint("Columns of \"%s\": %s.",
						 RelationGetRelationName(rel),
						 sp_sortkey_valid_columns(rel))));
	type = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid;
	if (!OidIsValid(lookup_type_cache(type, TYPECACHE_LT_OPR)->lt_opr))
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("column \"%s\" of sort key \"%s\" has no order",
						result->name, entry),
				 errdetail("Type %s has no default btree operator class.",
						   format_type_be(type)),
				 errhint("Sort by a column whose type has an order.")));
	result->descending = sort->sortby_dir == SORTBY_DESC;
	result->nulls_first = sort->sortby_nulls == SORTBY_NULLS_FIRST ||
		(sort->sortby_nulls == SORTBY_NULLS_DEFAULT && result->descending);
	return result;
}
