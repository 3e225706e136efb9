/*-------------------------------------------------------------------------
 *
 * image_source.c
 *	  Images as a FROM item, behind the caller's row policies.
 *
 * The server applies policies to tables alone.  Here they are fetched as it
 * would for a SELECT by the caller, combined as it does, and planted into
 * the query while that is analysed: the condition is written as $0, which no
 * query can hold by itself, and a parser hook puts the expression there.  It
 * never becomes text, so no search_path can give its names another meaning.
 * The hook runs again whenever the plan cache analyses the query again, as
 * it does after a change of policies or of the user.
 *
 * OFFSET 0 keeps the query's own conditions behind the policies.  The same
 * hooks note which columns the query names, so that only these are read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_node.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "rewrite/rowsecurity.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rls.h"
#include "utils/typcache.h"

#include "support/compat.h"
#include "support/quote.h"
#include "support/relation.h"
#include "syncport.h"
#include "table/image_read.h"
#include "table/trigger.h"

/* the alias that queries know the rows by */
#define ALIAS	"t"

/* what a condition needs of a row */
typedef struct ColumnSearch
{
	int			level;			/* of the query that is walked */
	Bitmapset  *columns;		/* found so far */
	bool		whole;			/* also more than its columns */
} ColumnSearch;

static void append_definitions(StringInfo sql, Relation rel);
static char *build_not_live(Relation rel, bool exact);
static bool is_image_equal(Form_pg_attribute att);
static void install_hooks(ParseState *pstate, void *arg);
static Node *resolve_param(ParseState *pstate, ParamRef *ref);
static Node *note_column(ParseState *pstate, ColumnRef *ref, Node *var);
static Bitmapset *list_columns(Oid relid);
static Node *build_condition(ParseState *pstate, ImageSource *source);
static List *list_policies(Relation rel, bool deleting, bool *sublinks);
static void require_columns(ImageSource *source, Relation rel,
							Node *condition);
static bool find_columns(Node *node, ColumnSearch *search);
static Node *map_columns(Relation rel, Node *condition);
static void lock_sublinks(Node *condition);

ImageSource *
sp_image_source(Relation rel, int ticket_param)
{
	ImageSource *source = palloc0(sizeof(ImageSource));
	StringInfoData sql;
	ListCell   *cell;

	source->context = CurrentMemoryContext;
	source->relid = RelationGetRelid(rel);
	source->target = sp_image_target(rel);
	foreach(cell, sp_relation_key(rel))
	{
		source->required = bms_add_member(source->required,
										  lfirst_int(cell));
	}
	source->not_live = build_not_live(rel, false);
	source->not_there = build_not_live(rel, true);
	initStringInfo(&sql);
	appendStringInfo(&sql, "(SELECT i.* FROM %s.image_rows($%d) AS i(",
					 SP_SCHEMA, ticket_param);
	append_definitions(&sql, rel);
	appendStringInfo(&sql, ") WHERE $0%s) AS " ALIAS,
					 rel->rd_rel->relrowsecurity ? " OFFSET 0" : "");
	source->from = sql.data;
	return source;
}

SPIPlanPtr
sp_image_prepare(ImageSource *source, const char *sql, int nparams,
				 const Oid *types, int cursor_options)
{
	SPIPrepareOptions options = {0};
	SPIPlanPtr	plan;

	if (source->types == NULL)
	{
		source->types = MemoryContextAlloc(source->context,
										   nparams * sizeof(Oid));
		memcpy(source->types, types, nparams * sizeof(Oid));
		source->nparams = nparams;
	}
	options.parserSetup = install_hooks;
	options.parserSetupArg = source;
	options.cursorOptions = cursor_options;
	plan = SPI_prepare_extended(sql, &options);
	if (plan == NULL)
		elog(ERROR, "could not prepare a query over images: %s",
			 SPI_result_code_string(SPI_result));
	return plan;
}

/* "column type, ...": the table's columns, then the image's own. */
static void
append_definitions(StringInfo sql, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		appendStringInfo(sql, "%s %s",
						 quote_identifier(NameStr(att->attname)),
						 format_type_extended(att->atttypid, att->atttypmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
		if (OidIsValid(att->attcollation))
			appendStringInfo(sql, " COLLATE %s",
							 sp_quote_collation(att->attcollation));
		appendStringInfoString(sql, ", ");
	}
	appendStringInfoString(sql, "syncport_id pg_catalog.int8,"
						   " syncport_removed_at pg_catalog.timestamptz,"
						   " syncport_row_version pg_catalog.int8,"
						   " syncport_tid pg_catalog.tid");
}

/*
 * No row of the table that the caller sees has the image's key; exact: the
 * very same one.
 */
static char *
build_not_live(Relation rel, bool exact)
{
	StringInfoData sql;
	ListCell   *cell;
	const char *glue = " WHERE ";

	initStringInfo(&sql);
	appendStringInfo(&sql, "NOT EXISTS (SELECT FROM %s AS l",
					 sp_quote_from(rel));
	foreach(cell, sp_relation_key(rel))
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
											  lfirst_int(cell) - 1);

		appendStringInfo(&sql, "%s%s %s %s", glue,
						 sp_quote_column_of("l", att),
						 sp_quote_equality(att->atttypid),
						 sp_quote_column(att));
		glue = " AND ";
		if (exact && !is_image_equal(att))
			appendStringInfo(&sql, " AND %s::pg_catalog.text"
							 " COLLATE pg_catalog.\"C\""
							 " OPERATOR(pg_catalog.=) %s::pg_catalog.text",
							 sp_quote_column_of("l", att),
							 sp_quote_column(att));
	}
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/*
 * Whether equal values of a key's column are the same to a client: numbers,
 * and what its btree operator class says it of.
 */
static bool
is_image_equal(Form_pg_attribute att)
{
	TypeCacheEntry *cache = lookup_type_cache(getBaseType(att->atttypid),
											  TYPECACHE_BTREE_OPFAMILY);
	char		category;
	bool		preferred;
	Oid			function;

	get_type_category_preferred(cache->type_id, &category, &preferred);
	if (category == TYPCATEGORY_NUMERIC)
		return true;
	function = get_opfamily_proc(cache->btree_opf, cache->btree_opintype,
								 cache->btree_opintype, BTEQUALIMAGE_PROC);
	return OidIsValid(function) &&
		DatumGetBool(OidFunctionCall1Coll(function, att->attcollation,
										  ObjectIdGetDatum(cache->btree_opintype)));
}

/* Callback: prepare to analyse a query. */
static void
install_hooks(ParseState *pstate, void *arg)
{
	pstate->p_ref_hook_state = arg;
	pstate->p_paramref_hook = resolve_param;
	pstate->p_post_columnref_hook = note_column;
}

/* Callback: $0 is the condition, the others are parameters. */
static Node *
resolve_param(ParseState *pstate, ParamRef *ref)
{
	ImageSource *source = pstate->p_ref_hook_state;
	Param	   *param;

	if (ref->number == 0)
		return build_condition(pstate, source);
	Assert(ref->number <= source->nparams);
	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = ref->number;
	param->paramtype = source->types[ref->number - 1];
	param->paramtypmod = -1;
	param->paramcollid = get_typcollation(param->paramtype);
	param->location = ref->location;
	return (Node *) param;
}

/* Callback: a column of t is wanted; t.* wants them all. */
static Node *
note_column(ParseState *pstate, ColumnRef *ref, Node *var)
{
	ImageSource *source = pstate->p_ref_hook_state;
	MemoryContext caller;
	Node	   *field;
	AttrNumber	attnum;

	if (list_length(ref->fields) != 2 ||
		strcmp(strVal(linitial(ref->fields)), ALIAS) != 0)
		return NULL;
	field = lsecond(ref->fields);
	caller = MemoryContextSwitchTo(source->context);
	if (IsA(field, A_Star))
		source->used = bms_add_members(source->used,
									   list_columns(source->relid));
	else
	{
		attnum = get_attnum(source->relid, strVal(field));
		if (attnum > 0)
			source->used = bms_add_member(source->used, attnum);
	}
	MemoryContextSwitchTo(caller);
	return NULL;
}

/* The attribute numbers of a table's columns. */
static Bitmapset *
list_columns(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Bitmapset  *columns = NULL;
	int			i;

	for (i = 0; i < RelationGetNumberOfAttributes(rel); i++)
		if (!TupleDescAttr(RelationGetDescr(rel), i)->attisdropped)
			columns = bms_add_member(columns, i + 1);
	table_close(rel, NoLock);
	return columns;
}

/* What an image must fulfil to be a row for the caller. */
static Node *
build_condition(ParseState *pstate, ImageSource *source)
{
	Relation	rel = table_open(source->relid, AccessShareLock);
	bool		sublinks = false;
	List	   *conditions = list_policies(rel, source->erasing, &sublinks);
	Node	   *condition;

	if (rel->rd_rel->relispartition)
		conditions = list_concat(conditions,
								 copyObject(RelationGetPartitionQual(rel)));
	condition = (Node *) make_ands_explicit(conditions);
	condition = (Node *) SP_EXPAND_GENERATED(condition, rel);
	require_columns(source, rel, condition);
	condition = map_columns(rel, condition);
	if (sublinks)
	{
		lock_sublinks(condition);
		pstate->p_hasSubLinks = true;
	}
	table_close(rel, NoLock);
	return condition;
}

/*
 * The policies that restrict a SELECT by the caller, or a DELETE that reads
 * what it deletes; table 1 is rel.
 */
static List *
list_policies(Relation rel, bool deleting, bool *sublinks)
{
	Query	   *query = makeNode(Query);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *policies = NIL;
	List	   *checks = NIL;
	bool		active = false;

	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, false) !=
		RLS_ENABLED)
		return NIL;
	query->commandType = deleting ? CMD_DELETE : CMD_SELECT;
	query->resultRelation = deleting ? 1 : 0;
	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(rel);
	rte->relkind = rel->rd_rel->relkind;
	rte->rellockmode = AccessShareLock;
	query->rtable = list_make1(rte);
	sp_compat_require_select(query, rte);
	get_row_security_policies(query, rte, 1, &policies, &checks, &active,
							  sublinks);
	return policies;
}

/* Note the columns that decide whether an image is shown. */
static void
require_columns(ImageSource *source, Relation rel, Node *condition)
{
	ColumnSearch search = {0};
	MemoryContext caller;

	(void) find_columns(condition, &search);
	if (search.whole)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("row policies of table \"%s\" cannot be applied to images of deleted rows",
						RelationGetRelationName(rel)),
				 errdetail("A policy looks at the row as a whole or at a system column."),
				 errhint("Let policies name the columns that they need.")));
	caller = MemoryContextSwitchTo(source->context);
	source->required = bms_add_members(source->required, search.columns);
	MemoryContextSwitchTo(caller);
}

/* Walker: the columns of table 1, in subqueries, too. */
static bool
find_columns(Node *node, ColumnSearch *search)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varno != 1 || var->varlevelsup != search->level)
			return false;
		if (var->varattno > 0)
			search->columns = bms_add_member(search->columns, var->varattno);
		else
			search->whole = true;
		return false;
	}
	if (IsA(node, Query))
	{
		search->level++;
		(void) query_tree_walker((Query *) node, find_columns, search, 0);
		search->level--;
		return false;
	}
	return expression_tree_walker(node, find_columns, search);
}

/* From the table's columns to those of image_rows, which has none dropped. */
static Node *
map_columns(Relation rel, Node *condition)
{
	TupleDesc	desc = RelationGetDescr(rel);
	AttrMap    *map = make_attrmap(desc->natts);
	bool		whole;
	int			position = 0;
	int			i;

	for (i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			map->attnums[i] = ++position;
	condition = map_variable_attnos(condition, 1, 0, map, InvalidOid, &whole);
	free_attrmap(map);
	return condition;
}

/* Lock the tables of subqueries, as for any stored query. */
static void
lock_sublinks(Node *condition)
{
	Query	   *query = makeNode(Query);

	query->commandType = CMD_SELECT;
	query->jointree = makeFromExpr(NIL, condition);
	query->hasSubLinks = true;
	AcquireRewriteLocks(query, true, false);
}
