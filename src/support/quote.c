/*-------------------------------------------------------------------------
 *
 * quote.c
 *	  Names of catalog objects in the SQL that we build, always qualified.
 *
 * Types are named by schema and typname and not as format_type shows them:
 * "character" would mean one character, and arrays have names too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "support/quote.h"

/* ONLY, schema and name. */
char *
sp_quote_from(Relation rel)
{
	bool		only = rel->rd_rel->relkind == RELKIND_RELATION;
	char	   *schema = get_namespace_name(RelationGetNamespace(rel));
	char	   *name = RelationGetRelationName(rel);

	return psprintf("%s%s", only ? "ONLY " : "",
					quote_qualified_identifier(schema, name));
}

char *
sp_quote_column(Form_pg_attribute att)
{
	return sp_quote_column_of("t", att);
}

/* The column, and a cast if need be; an index still matches through it. */
char *
sp_quote_column_of(const char *alias, Form_pg_attribute att)
{
	Oid			type = getBaseType(att->atttypid);
	char	   *column = psprintf("%s.%s", alias,
								  quote_identifier(NameStr(att->attname)));
	HeapTuple	tuple;
	Form_pg_type form;
	char	   *schema;

	if (type == att->atttypid)
		return column;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	form = (Form_pg_type) GETSTRUCT(tuple);
	schema = get_namespace_name(form->typnamespace);
	column = psprintf("(%s)::%s", column,
					  quote_qualified_identifier(schema,
												 NameStr(form->typname)));
	ReleaseSysCache(tuple);
	return column;
}

/* Schema and symbol. */
char *
sp_quote_operator(Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char	   *sql;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	sql = psprintf("OPERATOR(%s.%s)",
				   quote_identifier(get_namespace_name(form->oprnamespace)),
				   NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return sql;
}

char *
sp_quote_equality(Oid type)
{
	TypeCacheEntry *cache = lookup_type_cache(getBaseType(type),
											  TYPECACHE_EQ_OPR);

	if (!OidIsValid(cache->eq_opr))
		elog(ERROR, "type %u has no equality operator", type);
	return sp_quote_operator(cache->eq_opr);
}

char *
sp_quote_collation(Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->collnamespace),
									  NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}
