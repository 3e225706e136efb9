/*-------------------------------------------------------------------------
 *
 * index.c
 *	  Does an index lead with the order?
 *
 * Decides between running rungs, each a range of that index, and one query
 * that sorts: without an index every rung would read the whole table.  The
 * planner still chooses how each query is run; a wrong answer here costs
 * time, never a row.  Under RLS any leading columns are taken as fixed,
 * since a policy usually fixes them (tenant_id = current_setting(...)) and
 * reading policies is the planner's work.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_am.h"
#include "nodes/primnodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "keyset/plan.h"

static int	match_index(Relation index, const PageRequest *request,
						const OrderSpec *order, const RungColumn *columns,
						AttrNumber live, bool rls, int *first);
static bool predicate_holds(Relation index, AttrNumber live);
static bool is_fixed(const PageRequest *request, AttrNumber attnum);
static int	match_columns(Relation index, int first, const OrderSpec *order,
						  const RungColumn *columns, bool reversed);
static bool match_column(Relation index, int position,
						 const OrderColumn *column, const RungColumn *rung,
						 bool reversed);
static void adapt_nulls(Relation index, int first, int matched,
						RungColumn *columns);

bool
sp_index_fits(const PageRequest *request, const OrderSpec *order,
			  RungColumn *columns, AttrNumber live, bool rls,
			  bool *filter_leads)
{
	List	   *indexes = RelationGetIndexList(request->rel);
	ListCell   *lc;
	int			best = 0;

	*filter_leads = false;
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		int			first;
		int			matched = match_index(index, request, order, columns,
										  live, rls, &first);

		if (matched > 0 && first > 0 && request->filter != NULL)
			*filter_leads = true;
		if (matched > best)
		{
			best = matched;
			adapt_nulls(index, first, matched, columns);
		}
		index_close(index, AccessShareLock);
	}
	return best > 0;
}

/*
 * How many columns of the order the index delivers, from its column *first
 * on; 0 where it is of no use.
 */
static int
match_index(Relation index, const PageRequest *request,
			const OrderSpec *order, const RungColumn *columns,
			AttrNumber live, bool rls, int *first)
{
	int			matched;

	if (!index->rd_index->indisvalid ||
		index->rd_rel->relam != BTREE_AM_OID ||
		!predicate_holds(index, live))
		return 0;
	for (*first = 0; *first < index->rd_index->indnkeyatts; (*first)++)
	{
		matched = Max(match_columns(index, *first, order, columns, false),
					  match_columns(index, *first, order, columns, true));
		if (matched > 0)
			return matched;
		if (!rls &&
			!is_fixed(request, index->rd_index->indkey.values[*first]))
			return 0;
	}
	return 0;
}

/* Whether every row of the query is in the index. */
static bool
predicate_holds(Relation index, AttrNumber live)
{
	List	   *predicate = RelationGetIndexPredicate(index);
	NullTest   *test;

	if (predicate == NIL)
		return true;
	test = linitial(predicate);
	return list_length(predicate) == 1 && live != InvalidAttrNumber &&
		IsA(test, NullTest) && test->nulltesttype == IS_NULL &&
		IsA(test->arg, Var) && ((Var *) test->arg)->varattno == live;
}

/* Whether the filter says at its top that a column equals one value. */
static bool
is_fixed(const PageRequest *request, AttrNumber attnum)
{
	JsonbValue	key;
	JsonbValue *value;
	JsonbValue	eq = {.type = jbvString};

	if (attnum <= 0 || request->filter == NULL ||
		!JB_ROOT_IS_OBJECT(request->filter))
		return false;
	key.type = jbvString;
	key.val.string.val =
		NameStr(TupleDescAttr(RelationGetDescr(request->rel),
							  attnum - 1)->attname);
	key.val.string.len = strlen(key.val.string.val);
	value = findJsonbValueFromContainer(&request->filter->root, JB_FOBJECT,
										&key);
	if (value == NULL || value->type == jbvNull)
		return false;
	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		return true;
	eq.val.string.val = "eq";
	eq.val.string.len = 2;
	return findJsonbValueFromContainer(value->val.binary.data, JB_FOBJECT,
									   &eq) != NULL;
}

/* How many columns of the order stand in the index from first on. */
static int
match_columns(Relation index, int first, const OrderSpec *order,
			  const RungColumn *columns, bool reversed)
{
	int			n = 0;

	while (n < order->ncolumns &&
		   first + n < index->rd_index->indnkeyatts &&
		   match_column(index, first + n, &order->columns[n], &columns[n],
						reversed))
		n++;
	return n;
}

/* Whether an index column, perhaps read backward, is a column's order. */
static bool
match_column(Relation index, int position, const OrderColumn *column,
			 const RungColumn *rung, bool reversed)
{
	int16		option = index->rd_indoption[position];
	bool		descending = ((option & INDOPTION_DESC) != 0) != reversed;
	bool		nulls_first =
	((option & INDOPTION_NULLS_FIRST) != 0) != reversed;

	return index->rd_index->indkey.values[position] == column->attnum &&
		index->rd_indcollation[position] == column->collation &&
		op_in_opfamily(column->lt_op, index->rd_opfamily[position]) &&
		descending == rung->descending &&
		(!rung->nullable || nulls_first == rung->nulls_first);
}

/* Say of columns without NULLs what the index says about NULLs. */
static void
adapt_nulls(Relation index, int first, int matched, RungColumn *columns)
{
	int			i;

	for (i = 0; i < matched; i++)
	{
		int16		option = index->rd_indoption[first + i];
		bool		reversed =
		((option & INDOPTION_DESC) != 0) != columns[i].descending;

		if (!columns[i].nullable)
			columns[i].nulls_first =
				((option & INDOPTION_NULLS_FIRST) != 0) != reversed;
	}
}
