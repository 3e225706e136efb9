/*-------------------------------------------------------------------------
 *
 * index.c
 *	  The indexes of an enabled table.
 *
 * An index is asked for by its definition, never by its name: an equal one
 * of the application serves.  Ours carry a name that ends in
 * _syncport_<hash>_idx (the hash is of the definition), which is how they
 * are known again, also after dump and restore; only those are dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "support/error.h"
#include "table/plan.h"

#define NAME_MARK	"_syncport_"

typedef enum IndexRows
{
	INDEX_ALL,
	INDEX_LIVE,					/* WHERE deleted_at IS NULL */
	INDEX_DELETED				/* WHERE deleted_at IS NOT NULL */
} IndexRows;

typedef struct WantedIndex
{
	List	   *columns;		/* of SortColumn *, each name once */
	IndexRows	rows;
	char	   *definition;		/* columns and predicate as SQL */
} WantedIndex;

static List *list_wanted(TablePlan *plan);
static List *want_index(List *wanted, TablePlan *plan, List *lead,
						List *middle, List *key, IndexRows rows);
static List *append_columns(List *columns, List *more);
static List *name_columns(List *names);
static List *name_key(Relation rel);
static char *describe_index(TablePlan *plan, const WantedIndex *wanted);
static void check_prefix(TablePlan *plan);
static bool prefix_leads_key(List *prefix, List *key);
static Oid	find_equal(Relation rel, const WantedIndex *wanted,
					   const char *deleted_at);
static bool is_equal(Relation rel, Relation index, const WantedIndex *wanted,
					 const char *deleted_at);
static bool is_equal_column(Relation rel, Relation index, int position,
							const SortColumn *column);
static bool is_equal_predicate(Relation rel, Relation index, IndexRows rows,
							   const char *deleted_at);
static bool is_own_name(const char *name);
static char *index_name(Oid relid, const WantedIndex *wanted);
static void create_index(TablePlan *plan, const WantedIndex *wanted);
static void create_online(TablePlan *plan, Oid relid, const char *parent,
						  const WantedIndex *wanted);

void
sp_plan_indexes(TablePlan *plan)
{
	List	   *wanted;
	List	   *kept = NIL;
	List	   *missing = NIL;
	ListCell   *lc;

	check_prefix(plan);
	wanted = list_wanted(plan);
	foreach(lc, wanted)
	{
		Oid			existing = find_equal(plan->rel, lfirst(lc),
										  plan->want->deleted_at);

		if (OidIsValid(existing))
			kept = lappend_oid(kept, existing);
		else
			missing = lappend(missing, lfirst(lc));
	}
	foreach(lc, sp_plan_own_indexes(plan->rel))
	{
		if (!list_member_oid(kept, lfirst_oid(lc)))
			sp_plan_add(plan, "DROP INDEX %s",
						sp_table_quoted_name(lfirst_oid(lc)));
	}
	foreach(lc, missing)
	{
		create_index(plan, lfirst(lc));
	}
}

List *
sp_plan_own_indexes(Relation rel)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		if (is_own_name(get_rel_name(lfirst_oid(lc))))
			result = lappend_oid(result, lfirst_oid(lc));
	}
	return result;
}

/* What api.md promises: for the feed, for pages, for purge. */
static List *
list_wanted(TablePlan *plan)
{
	const EnabledTable *want = plan->want;
	List	   *key = name_key(plan->rel);
	List	   *prefix = name_columns(want->prefix);
	List	   *version = name_columns(list_make1(want->row_version));
	List	   *updated = name_columns(list_make1(want->updated_at));
	IndexRows	live = want->row_mode ? INDEX_LIVE : INDEX_ALL;
	List	   *result = NIL;
	ListCell   *lc;

	result = want_index(result, plan, NIL, version, key, INDEX_ALL);
	if (prefix != NIL)
		result = want_index(result, plan, prefix, version, key, INDEX_ALL);
	result = want_index(result, plan, prefix, updated, key, live);
	foreach(lc, want->sort_keys)
	{
		result = want_index(result, plan, prefix,
							sp_sortkey_parse(plan->rel, lfirst(lc)), key,
							live);
	}
	if (prefix != NIL && !prefix_leads_key(prefix, key))
		result = want_index(result, plan, prefix, NIL, key, live);
	if (want->row_mode)
		result = want_index(result, plan, NIL, updated, key, INDEX_DELETED);
	return result;
}

/* Append an index unless the list holds an equal one. */
static List *
want_index(List *wanted, TablePlan *plan, List *lead, List *middle, List *key,
		   IndexRows rows)
{
	WantedIndex *index = palloc0(sizeof(WantedIndex));
	ListCell   *lc;

	index->columns = append_columns(append_columns(append_columns(NIL, lead),
												   middle), key);
	index->rows = rows;
	index->definition = describe_index(plan, index);
	if (list_length(index->columns) > INDEX_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("an index of table \"%s\" would need %d columns",
						RelationGetRelationName(plan->rel),
						list_length(index->columns)),
				 errdetail("Prefix, sort key and primary key together may have at most %d columns.",
						   INDEX_MAX_KEYS),
				 errhint("Name fewer columns in prefix or sort_keys.")));
	foreach(lc, wanted)
	{
		WantedIndex *other = lfirst(lc);

		if (strcmp(other->definition, index->definition) == 0)
			return wanted;
	}
	return lappend(wanted, index);
}

/* columns and those of more that it does not name yet */
static List *
append_columns(List *columns, List *more)
{
	ListCell   *lc;
	ListCell   *have;

	foreach(lc, more)
	{
		SortColumn *column = lfirst(lc);
		bool		found = false;

		foreach(have, columns)
		{
			if (strcmp(((SortColumn *) lfirst(have))->name, column->name) == 0)
				found = true;
		}
		if (!found)
			columns = lappend(columns, column);
	}
	return columns;
}

/* Names as ascending sort columns. */
static List *
name_columns(List *names)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		SortColumn *column = palloc0(sizeof(SortColumn));

		column->name = lfirst(lc);
		result = lappend(result, column);
	}
	return result;
}

/* The primary key as ascending sort columns. */
static List *
name_key(Relation rel)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, sp_plan_key_columns(rel))
	{
		names = lappend(names, get_attname(RelationGetRelid(rel),
										   lfirst_int(lc), false));
	}
	return name_columns(names);
}

/* "(a, b DESC) WHERE c IS NULL" */
static char *
describe_index(TablePlan *plan, const WantedIndex *wanted)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, wanted->columns)
	{
		SortColumn *column = lfirst(lc);

		appendStringInfo(&buf, "%s%s%s", buf.len ? ", " : "(",
						 quote_identifier(column->name),
						 column->descending ? " DESC" : "");
		if (column->nulls_first != column->descending)
			appendStringInfo(&buf, " NULLS %s",
							 column->nulls_first ? "FIRST" : "LAST");
	}
	appendStringInfoChar(&buf, ')');
	if (wanted->rows != INDEX_ALL)
		appendStringInfo(&buf, " WHERE %s IS %sNULL",
						 quote_identifier(plan->want->deleted_at),
						 wanted->rows == INDEX_LIVE ? "" : "NOT ");
	return buf.data;
}

/* Every column of prefix exists and has an order. */
static void
check_prefix(TablePlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->want->prefix)
	{
		char	   *name = lfirst(lc);

		if (get_attnum(plan->want->relid, name) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
					 errmsg("column \"%s\" of prefix does not exist", name),
					 errhint("Columns of \"%s\": %s.",
							 RelationGetRelationName(plan->rel),
							 sp_sortkey_valid_columns(plan->rel))));
		(void) sp_sortkey_parse(plan->rel, quote_identifier(name));
	}
}

/* Whether the first columns of the key are those of prefix, in any order. */
static bool
prefix_leads_key(List *prefix, List *key)
{
	int			count = list_length(append_columns(NIL, prefix));

	if (count > list_length(key))
		return false;
	return list_length(append_columns(list_copy(prefix),
									  list_truncate(list_copy(key), count))) ==
		count;
}

/*
 * A valid index of that definition, or InvalidOid; on a partition one that
 * is not attached to another index yet.
 */
static Oid
find_equal(Relation rel, const WantedIndex *wanted, const char *deleted_at)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		bool		equal = is_equal(rel, index, wanted, deleted_at);

		index_close(index, NoLock);
		if (equal && (!rel->rd_rel->relispartition ||
					  !get_rel_relispartition(lfirst_oid(lc))))
			return lfirst_oid(lc);
	}
	return InvalidOid;
}

/* Whether an index is valid and defined as wanted. */
static bool
is_equal(Relation rel, Relation index, const WantedIndex *wanted,
		 const char *deleted_at)
{
	int			i;

	if (index->rd_rel->relam != BTREE_AM_OID ||
		!index->rd_index->indisvalid || !index->rd_index->indisready ||
		index->rd_index->indnkeyatts != list_length(wanted->columns))
		return false;
	for (i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		if (!is_equal_column(rel, index, i, list_nth(wanted->columns, i)))
			return false;
	}
	return is_equal_predicate(rel, index, wanted->rows, deleted_at);
}

/* Whether an index column is the wanted one: order, collation, operators. */
static bool
is_equal_column(Relation rel, Relation index, int position,
				const SortColumn *column)
{
	AttrNumber	attnum = index->rd_index->indkey.values[position];
	int16		option = index->rd_indoption[position];
	Form_pg_attribute att;
	Oid			opclass;

	if (attnum <= 0)
		return false;
	att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	if (strcmp(NameStr(att->attname), column->name) != 0 ||
		((option & INDOPTION_DESC) != 0) != column->descending ||
		((option & INDOPTION_NULLS_FIRST) != 0) != column->nulls_first ||
		index->rd_indcollation[position] != att->attcollation)
		return false;
	opclass = GetDefaultOpClass(att->atttypid, BTREE_AM_OID);
	return OidIsValid(opclass) &&
		index->rd_opfamily[position] == get_opclass_family(opclass);
}

/* Whether an index holds the wanted rows. */
static bool
is_equal_predicate(Relation rel, Relation index, IndexRows rows,
				   const char *deleted_at)
{
	List	   *predicate = RelationGetIndexPredicate(index);
	NullTest   *test;

	if (rows == INDEX_ALL || predicate == NIL)
		return rows == INDEX_ALL && predicate == NIL;
	test = linitial(predicate);
	return list_length(predicate) == 1 && IsA(test, NullTest) &&
		IsA(test->arg, Var) &&
		((Var *) test->arg)->varattno ==
		get_attnum(RelationGetRelid(rel), deleted_at) &&
		test->nulltesttype == (rows == INDEX_LIVE ? IS_NULL : IS_NOT_NULL);
}

/* ..._syncport_0123abcd_idx, with digits where the server made it unique */
static bool
is_own_name(const char *name)
{
	const char *mark = strstr(name, NAME_MARK);

	if (mark == NULL)
		return false;
	mark += strlen(NAME_MARK);
	if (strspn(mark, "0123456789abcdef") != 8 ||
		strncmp(mark + 8, "_idx", 4) != 0)
		return false;
	mark += 12;
	return mark[strspn(mark, "0123456789")] == '\0';
}

/* A free name that is_own_name knows again. */
static char *
index_name(Oid relid, const WantedIndex *wanted)
{
	uint32		hash = hash_bytes((const unsigned char *) wanted->definition,
								  strlen(wanted->definition));

	return ChooseRelationName(get_rel_name(relid),
							  psprintf("syncport_%08x", hash), "idx",
							  get_rel_namespace(relid), false);
}

/* The steps that create a missing index. */
static void
create_index(TablePlan *plan, const WantedIndex *wanted)
{
	Oid			relid = plan->want->relid;

	if (plan->online)
		create_online(plan, relid, NULL, wanted);
	else
		sp_plan_add(plan, "CREATE INDEX %s ON %s USING btree %s",
					quote_identifier(index_name(relid, wanted)),
					sp_table_quoted_name(relid), wanted->definition);
}

/*
 * A partitioned table cannot be indexed concurrently: an empty parent index
 * first, then one for each partition, attached to it; the last makes the
 * parent's valid.
 */
static void
create_online(TablePlan *plan, Oid relid, const char *parent,
			  const WantedIndex *wanted)
{
	bool		partitioned =
	get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	Relation	rel = table_open(relid, AccessShareLock);
	Oid			existing = parent ? find_equal(rel, wanted,
											   plan->want->deleted_at) :
	InvalidOid;
	const char *schema = get_namespace_name(get_rel_namespace(relid));
	const char *name = OidIsValid(existing) ? get_rel_name(existing) :
	index_name(relid, wanted);
	const char *qualified = quote_qualified_identifier(schema, name);

	table_close(rel, NoLock);
	if (!OidIsValid(existing))
		sp_plan_add(plan, "CREATE INDEX %s%s ON %s%s USING btree %s",
					partitioned ? "" : "CONCURRENTLY ",
					quote_identifier(name), partitioned ? "ONLY " : "",
					sp_table_quoted_name(relid), wanted->definition);
	if (partitioned && !OidIsValid(existing))
	{
		ListCell   *lc;

		foreach(lc, find_inheritance_children(relid, AccessShareLock))
		{
			create_online(plan, lfirst_oid(lc), qualified, wanted);
		}
	}
	if (parent != NULL)
		sp_plan_add(plan, "ALTER INDEX %s ATTACH PARTITION %s", parent,
					qualified);
}
