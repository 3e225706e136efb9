/*-------------------------------------------------------------------------
 *
 * bound.c
 *	  Comparisons that may bound an index scan under row-level security.
 *
 * Under RLS the planner takes a condition of the query as an index condition
 * only if its function is LEAKPROOF: the function will see rows that the
 * policy hides.  The comparisons of numeric, enum, array, range, jsonb and
 * composite types are not marked so, and a page at depth would read
 * everything ahead of it.  The functions here compare two values of any type
 * by its default btree order and are marked LEAKPROOF.
 *
 * Why that is honest: they accept only types whose comparison, down to
 * elements, subtypes and fields, is a function of the server itself.  Those
 * compare bytes; they raise no error that depends on the values, log nothing
 * and have no side effect.  The server leaves the mark off because an
 * element type may bring any function, or because nobody has audited it, not
 * because one of them leaks.  An extension's type is refused by its type, so
 * before any value is looked at.  What a caller learns from a page is which
 * of the rows it may see are ahead of a position it names itself.
 *
 * The support function turns the call into the built-in operator wherever
 * an index of the type's default order can answer it exactly.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "keyset/bound.h"

PG_FUNCTION_INFO_V1(syncport_sort_lt);
PG_FUNCTION_INFO_V1(syncport_sort_le);
PG_FUNCTION_INFO_V1(syncport_sort_eq);
PG_FUNCTION_INFO_V1(syncport_sort_ge);
PG_FUNCTION_INFO_V1(syncport_sort_gt);
PG_FUNCTION_INFO_V1(syncport_sort_support);

static int	compare_arguments(FunctionCallInfo fcinfo);
static FmgrInfo *resolve_comparison(FunctionCallInfo fcinfo);
static bool is_builtin_composite(Oid type);
static StrategyNumber strategy_of(Oid funcid);
static Node *answer_index_condition(SupportRequestIndexCondition *req);
static Node *answer_selectivity(SupportRequestSelectivity *req);
static Oid	default_operator(Oid type, StrategyNumber strategy);

/*
 * syncport.sort_lt(anyelement, anyelement) RETURNS boolean
 */
Datum
syncport_sort_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

/*
 * syncport.sort_le(anyelement, anyelement) RETURNS boolean
 */
Datum
syncport_sort_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

/*
 * syncport.sort_eq(anyelement, anyelement) RETURNS boolean
 */
Datum
syncport_sort_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == 0);
}

/*
 * syncport.sort_ge(anyelement, anyelement) RETURNS boolean
 */
Datum
syncport_sort_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

/*
 * syncport.sort_gt(anyelement, anyelement) RETURNS boolean
 */
Datum
syncport_sort_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

/*
 * syncport.sort_support(internal) RETURNS internal: planner support of the
 * five comparisons.
 */
Datum
syncport_sort_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *answer = NULL;

	if (IsA(request, SupportRequestIndexCondition))
		answer =
			answer_index_condition((SupportRequestIndexCondition *) request);
	else if (IsA(request, SupportRequestSelectivity))
		answer = answer_selectivity((SupportRequestSelectivity *) request);
	PG_RETURN_POINTER(answer);
}

bool
sp_bound_accepts(Oid type)
{
	TypeCacheEntry *cache;

	check_stack_depth();
	type = getBaseType(type);
	cache = lookup_type_cache(type, TYPECACHE_CMP_PROC |
							  TYPECACHE_RANGE_INFO |
							  TYPECACHE_MULTIRANGE_INFO);
	if (!OidIsValid(cache->cmp_proc) ||
		cache->cmp_proc >= FirstNormalObjectId)
		return false;
	if (cache->typtype == TYPTYPE_RANGE)
		return cache->rng_cmp_proc_finfo.fn_oid < FirstNormalObjectId &&
			sp_bound_accepts(cache->rngelemtype->type_id);
	if (cache->typtype == TYPTYPE_MULTIRANGE)
		return sp_bound_accepts(cache->rngtype->type_id);
	if (cache->typtype == TYPTYPE_COMPOSITE)
		return is_builtin_composite(type);
	if (OidIsValid(get_element_type(type)))
		return sp_bound_accepts(get_element_type(type));
	return type != RECORDOID;
}

/* The order of the two arguments, as a btree comparison says it. */
static int
compare_arguments(FunctionCallInfo fcinfo)
{
	FmgrInfo   *comparison = fcinfo->flinfo->fn_extra;

	if (comparison == NULL)
		comparison = resolve_comparison(fcinfo);
	return DatumGetInt32(FunctionCall2Coll(comparison, PG_GET_COLLATION(),
										   PG_GETARG_DATUM(0),
										   PG_GETARG_DATUM(1)));
}

/* Find the comparison of the arguments' type, refuse what is not built in. */
static FmgrInfo *
resolve_comparison(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	TypeCacheEntry *cache;
	FmgrInfo   *comparison;

	if (!OidIsValid(type) || !sp_bound_accepts(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("values of type %s cannot be compared here",
						OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errdetail("The type's order, or that of a type it is made of, is not one of the server's own."),
				 errhint("Use the type's comparison operators.")));
	cache = lookup_type_cache(getBaseType(type), TYPECACHE_CMP_PROC);
	comparison = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt,
									sizeof(FmgrInfo));
	fmgr_info_cxt(cache->cmp_proc, comparison, fcinfo->flinfo->fn_mcxt);
	fmgr_info_set_expr(fcinfo->flinfo->fn_expr, comparison);
	fcinfo->flinfo->fn_extra = comparison;
	return comparison;
}

/* Whether every field of a composite type is accepted. */
static bool
is_builtin_composite(Oid type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && !sp_bound_accepts(att->atttypid))
			return false;
	}
	return true;
}

/* Which comparison a function is; told by its code, whatever its name. */
static StrategyNumber
strategy_of(Oid funcid)
{
	static const PGFunction functions[] = {
		syncport_sort_lt, syncport_sort_le, syncport_sort_eq,
		syncport_sort_ge, syncport_sort_gt
	};
	FmgrInfo	info;
	int			i;

	fmgr_info(funcid, &info);
	for (i = 0; i < lengthof(functions); i++)
		if (info.fn_addr == functions[i])
			return i + 1;
	elog(ERROR, "function %u is none of the sort comparisons", funcid);
}

/*
 * The equivalent operator clause, exact, where the index has the type's
 * default order and the same collation.
 */
static Node *
answer_index_condition(SupportRequestIndexCondition *req)
{
	StrategyNumber strategy = strategy_of(req->funcid);
	FuncExpr   *call = (FuncExpr *) req->node;
	Expr	   *column;
	Expr	   *bound;
	Oid			operator;

	if (!IsA(call, FuncExpr) || list_length(call->args) != 2)
		return NULL;
	column = list_nth(call->args, req->indexarg);
	bound = list_nth(call->args, 1 - req->indexarg);
	if (!is_pseudo_constant_for_index(req->root, (Node *) bound, req->index))
		return NULL;
	if (OidIsValid(req->indexcollation) &&
		req->indexcollation != call->inputcollid)
		return NULL;
	if (!sp_bound_accepts(exprType((Node *) column)))
		return NULL;
	operator = default_operator(exprType((Node *) column), strategy);
	if (OidIsValid(operator) && req->indexarg == 1)
		operator = get_commutator(operator);
	if (!OidIsValid(operator) ||
		!op_in_opfamily(operator, req->opfamily))
		return NULL;
	req->lossy = false;
	return (Node *) list_make1(make_opclause(operator, BOOLOID, false,
											 column, bound, InvalidOid,
											 call->inputcollid));
}

/* The selectivity that the operator would have. */
static Node *
answer_selectivity(SupportRequestSelectivity *req)
{
	Oid			operator;

	if (req->is_join || list_length(req->args) != 2)
		return NULL;
	operator = default_operator(exprType(linitial(req->args)),
								strategy_of(req->funcid));
	if (!OidIsValid(operator))
		return NULL;
	req->selectivity = restriction_selectivity(req->root, operator,
											   req->args, req->inputcollid,
											   req->varRelid);
	return (Node *) req;
}

/* The operator of a type's default btree order, or InvalidOid. */
static Oid
default_operator(Oid type, StrategyNumber strategy)
{
	Oid			opclass = GetDefaultOpClass(getBaseType(type), BTREE_AM_OID);

	if (!OidIsValid(opclass))
		return InvalidOid;
	return get_opfamily_member(get_opclass_family(opclass),
							   get_opclass_input_type(opclass),
							   get_opclass_input_type(opclass),
							   strategy);
}
