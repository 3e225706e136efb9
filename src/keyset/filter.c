/*-------------------------------------------------------------------------
 *
 * filter.c
 *	  The filter language: JSON to a condition with bound values.
 *
 * The text is built from names and operators found in the catalog and never
 * holds a value.  jsonb keeps the keys of an object in one order, so equal
 * shapes give equal text.  A column of a domain is cast to its base type,
 * which costs nothing (indexes still match) and spares operators of
 * polymorphic types from being asked about domains.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "keyset/filter.h"
#include "support/compat.h"
#include "support/error.h"
#include "support/json_value.h"
#include "support/quote.h"

/* "and", "or" and "not" nest at most this deep */
#define FILTER_DEPTH_MAX		64

/* more comparisons than this are no filter that somebody wrote */
#define FILTER_CONDITIONS_MAX	1000

/* a hint lists at most this many columns */
#define HINT_COLUMNS_MAX		20

/* in front of a column's name; needed for columns named and, or, not */
#define COLUMN_PREFIX			"column:"

typedef struct FilterState
{
	Relation	rel;
	int			first_param;
	int			depth;			/* of nesting, now */
	int			nconditions;	/* so far */
	int			nallocated;		/* of the arrays in result */
	StringInfoData sql;
	FilterCondition *result;	/* sql is filled in at the end */
} FilterState;

typedef struct FilterColumn
{
	char	   *name;
	char	   *sql;			/* t.name, domains cast to their base type */
	Oid			type;			/* no domain */
	Oid			array_type;		/* of type, InvalidOid where it has none */
	Oid			element;		/* InvalidOid where type is no array */
	bool		is_text;		/* like and its kin are for it */
	const char *text_sql;		/* sql in a form that they accept */
	TypeCacheEntry *cache;		/* with operators and operator family */
} FilterColumn;

typedef struct FilterOperator FilterOperator;

typedef bool (*operator_fits) (const FilterColumn *column,
							   const FilterOperator *operator);
typedef void (*operator_compile) (FilterState *state,
								  const FilterColumn *column,
								  const FilterOperator *operator,
								  const JsonbValue *value);

struct FilterOperator
{
	const char *name;			/* in the filter */
	int			strategy;		/* of a btree comparison, else 0 */
	const char *symbol;			/* in pg_catalog, of a text match */
	operator_fits fits;			/* does the column's type have it? */
	operator_compile compile;	/* append the condition */
};

static void compile_object(FilterState *state, JsonbContainer *object);
static void compile_member(FilterState *state, const char *key,
						   const JsonbValue *value);
static void compile_junction(FilterState *state, const char *key,
							 const JsonbValue *value);
static void compile_negation(FilterState *state, const JsonbValue *value);
static void compile_column(FilterState *state, const char *name,
						   const JsonbValue *value);
static void compile_operators(FilterState *state, const FilterColumn *column,
							  JsonbContainer *object);
static void compile_operator(FilterState *state, const FilterColumn *column,
							 const char *name, const JsonbValue *value);
static void find_column(FilterState *state, const char *name,
						FilterColumn *column);
static char *list_columns(Relation rel);
static char *list_operators(const FilterColumn *column);
static bool fits_equality(const FilterColumn *column,
						  const FilterOperator *operator);
static bool fits_order(const FilterColumn *column,
					   const FilterOperator *operator);
static bool fits_list(const FilterColumn *column,
					  const FilterOperator *operator);
static bool fits_text(const FilterColumn *column,
					  const FilterOperator *operator);
static bool fits_contains(const FilterColumn *column,
						  const FilterOperator *operator);
static bool fits_any(const FilterColumn *column,
					 const FilterOperator *operator);
static void compile_equality(FilterState *state, const FilterColumn *column,
							 const FilterOperator *operator,
							 const JsonbValue *value);
static void compile_inequality(FilterState *state,
							   const FilterColumn *column,
							   const FilterOperator *operator,
							   const JsonbValue *value);
static void compile_order(FilterState *state, const FilterColumn *column,
						  const FilterOperator *operator,
						  const JsonbValue *value);
static void compile_list(FilterState *state, const FilterColumn *column,
						 const FilterOperator *operator,
						 const JsonbValue *value);
static void compile_match(FilterState *state, const FilterColumn *column,
						  const FilterOperator *operator,
						  const JsonbValue *value);
static void compile_contains(FilterState *state, const FilterColumn *column,
							 const FilterOperator *operator,
							 const JsonbValue *value);
static void compile_is_null(FilterState *state, const FilterColumn *column,
							const FilterOperator *operator,
							const JsonbValue *value);
static void append_is_null(FilterState *state, const FilterColumn *column,
						   bool is_null);
static int	bind_value(FilterState *state, Oid type, Datum value);
static int	bind_json(FilterState *state, const FilterColumn *column,
					  const JsonbValue *value);
static char *bind_text(FilterState *state, const FilterColumn *column,
					   const FilterOperator *operator,
					   const JsonbValue *value, int *param);
static bool is_container(const JsonbValue *value, bool array);
static const char *describe_json(const JsonbValue *value);
static void report_value(const char *where, const char *expected,
						 const JsonbValue *value)
			pg_attribute_noreturn();

static const FilterOperator filter_operators[] = {
	{"eq", BTEqualStrategyNumber, NULL, fits_equality, compile_equality},
	{"ne", 0, NULL, fits_equality, compile_inequality},
	{"lt", BTLessStrategyNumber, NULL, fits_order, compile_order},
	{"lte", BTLessEqualStrategyNumber, NULL, fits_order, compile_order},
	{"gt", BTGreaterStrategyNumber, NULL, fits_order, compile_order},
	{"gte", BTGreaterEqualStrategyNumber, NULL, fits_order, compile_order},
	{"in", 1, NULL, fits_list, compile_list},
	{"nin", 0, NULL, fits_list, compile_list},
	{"like", 0, "~~", fits_text, compile_match},
	{"ilike", 0, "~~*", fits_text, compile_match},
	{"starts_with", 0, "^@", fits_text, compile_match},
	{"contains", 0, NULL, fits_contains, compile_contains},
	{"is_null", 0, NULL, fits_any, compile_is_null}
};

/* Compile the object at the top. */
FilterCondition *
sp_filter_compile(Relation rel, Jsonb *filter, int first_param)
{
	FilterState state = {.rel = rel,.first_param = first_param};

	if (filter == NULL)
		return NULL;
	if (!JB_ROOT_IS_OBJECT(filter))
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("filter is not a JSON object"),
				 errhint("Write it as: {\"column\": value, \"column\": {\"gte\": value}}.")));
	if (JB_ROOT_COUNT(filter) == 0)
		return NULL;

	initStringInfo(&state.sql);
	state.result = palloc0(sizeof(FilterCondition));
	compile_object(&state, &filter->root);
	state.result->sql = state.sql.data;
	return state.result;
}

/* The members of an object, joined by AND. */
static void
compile_object(FilterState *state, JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;
	bool		first = true;

	check_stack_depth();
	if (++state->depth > FILTER_DEPTH_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("filter is nested deeper than %d levels",
						FILTER_DEPTH_MAX)));
	appendStringInfoChar(&state->sql, '(');
	token = JsonbIteratorNext(&it, &key, true);
	while ((token = JsonbIteratorNext(&it, &key, true)) == WJB_KEY)
	{
		token = JsonbIteratorNext(&it, &value, true);
		if (!first)
			appendStringInfoString(&state->sql, " AND ");
		first = false;
		compile_member(state, pnstrdup(key.val.string.val,
									   key.val.string.len), &value);
	}
	if (first)
		appendStringInfoString(&state->sql, "true");
	appendStringInfoChar(&state->sql, ')');
	state->depth--;
}

/* One member: a junction, a negation or a column. */
static void
compile_member(FilterState *state, const char *key, const JsonbValue *value)
{
	if (strcmp(key, "and") == 0 || strcmp(key, "or") == 0)
		compile_junction(state, key, value);
	else if (strcmp(key, "not") == 0)
		compile_negation(state, value);
	else if (strncmp(key, COLUMN_PREFIX, strlen(COLUMN_PREFIX)) == 0)
		compile_column(state, key + strlen(COLUMN_PREFIX), value);
	else
		compile_column(state, key, value);
}

/* "and" or "or" with its list of objects. */
static void
compile_junction(FilterState *state, const char *key, const JsonbValue *value)
{
	bool		conjunction = strcmp(key, "and") == 0;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	element;
	bool		first = true;

	if (!is_container(value, true))
		report_value(psprintf("\"%s\" of the filter", key),
					 "an array of objects", value);
	it = JsonbIteratorInit(value->val.binary.data);
	appendStringInfoChar(&state->sql, '(');
	token = JsonbIteratorNext(&it, &element, true);
	while ((token = JsonbIteratorNext(&it, &element, true)) == WJB_ELEM)
	{
		if (!is_container(&element, false))
			report_value(psprintf("an element of \"%s\" of the filter", key),
						 "an object", &element);
		if (!first)
			appendStringInfoString(&state->sql,
								   conjunction ? " AND " : " OR ");
		first = false;
		compile_object(state, element.val.binary.data);
	}
	if (first)
		appendStringInfoString(&state->sql, conjunction ? "true" : "false");
	appendStringInfoChar(&state->sql, ')');
	Assert(token == WJB_END_ARRAY);
}

/* "not" with its object. */
static void
compile_negation(FilterState *state, const JsonbValue *value)
{
	if (!is_container(value, false))
		report_value("\"not\" of the filter", "an object", value);
	appendStringInfoString(&state->sql, "(NOT ");
	compile_object(state, value->val.binary.data);
	appendStringInfoChar(&state->sql, ')');
}

/* A column with null, a value, or an object of operators. */
static void
compile_column(FilterState *state, const char *name, const JsonbValue *value)
{
	FilterColumn column;

	find_column(state, name, &column);
	if (is_container(value, false))
		compile_operators(state, &column, value->val.binary.data);
	else if (value->type == jbvNull)
		append_is_null(state, &column, true);
	else
		compile_operator(state, &column, "eq", value);
}

/* All operators of one column, joined by AND. */
static void
compile_operators(FilterState *state, const FilterColumn *column,
				  JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;
	bool		first = true;

	token = JsonbIteratorNext(&it, &key, true);
	while ((token = JsonbIteratorNext(&it, &key, true)) == WJB_KEY)
	{
		token = JsonbIteratorNext(&it, &value, true);
		if (!first)
			appendStringInfoString(&state->sql, " AND ");
		first = false;
		compile_operator(state, column,
						 pnstrdup(key.val.string.val, key.val.string.len),
						 &value);
	}
	Assert(token == WJB_END_OBJECT);
	if (first)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("filter gives no operator for column \"%s\"",
						column->name),
				 errhint("Operators for this column: %s.",
						 list_operators(column))));
}

/* One comparison. */
static void
compile_operator(FilterState *state, const FilterColumn *column,
				 const char *name, const JsonbValue *value)
{
	const FilterOperator *operator = NULL;

	for (int i = 0; i < lengthof(filter_operators); i++)
		if (strcmp(filter_operators[i].name, name) == 0)
			operator = &filter_operators[i];
	if (operator == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("filter has unknown operator \"%s\" for column \"%s\"",
						name, column->name),
				 errhint("Operators for this column: %s.",
						 list_operators(column))));
	if (!operator->fits(column, operator))
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("operator \"%s\" does not apply to column \"%s\" of type %s",
						name, column->name, format_type_be(column->type)),
				 errhint("Operators for this column: %s.",
						 list_operators(column))));
	if (++state->nconditions > FILTER_CONDITIONS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("filter has more than %d conditions",
						FILTER_CONDITIONS_MAX),
				 errhint("Use \"in\" for many values of one column.")));
	if (value->type == jbvNull && operator->compile != compile_is_null)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("operator \"%s\" for column \"%s\" takes no null",
						name, column->name),
				 errhint("Use {\"is_null\": true} or {\"is_null\": false}.")));
	operator->compile(state, column, operator, value);
}

/* Look a column up and gather what operators need to know of its type. */
static void
find_column(FilterState *state, const char *name, FilterColumn *column)
{
	TupleDesc	desc = RelationGetDescr(state->rel);
	AttrNumber	attnum = strlen(name) < NAMEDATALEN ?
	get_attnum(RelationGetRelid(state->rel), name) : 0;
	Form_pg_attribute att;

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("column \"%s\" of the filter is not a column of table \"%s\"",
						name, RelationGetRelationName(state->rel)),
				 errhint("Columns: %s.", list_columns(state->rel))));

	state->result->columns = bms_add_member(state->result->columns, attnum);
	att = TupleDescAttr(desc, attnum - 1);
	column->name = pstrdup(NameStr(att->attname));
	column->type = getBaseType(att->atttypid);
	column->array_type = get_array_type(column->type);
	column->element = get_element_type(column->type);
	column->sql = sp_quote_column(att);
	column->is_text = column->type == BPCHAROID ||
		column->type == NAMEOID || IsBinaryCoercible(column->type, TEXTOID);
	column->text_sql = psprintf("(%s)::pg_catalog.text%s", column->sql,
								OidIsValid(att->attcollation) &&
								!get_collation_isdeterministic(att->attcollation) ?
								" COLLATE pg_catalog.\"default\"" : "");
	column->cache = lookup_type_cache(column->type, TYPECACHE_EQ_OPR |
									  TYPECACHE_LT_OPR |
									  TYPECACHE_BTREE_OPFAMILY);
}

/* The columns of a table, for a hint. */
static char *
list_columns(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData names;
	int			count = 0;

	initStringInfo(&names);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		if (count++ == HINT_COLUMNS_MAX)
		{
			appendStringInfoString(&names, ", ...");
			break;
		}
		appendStringInfo(&names, "%s%s", count > 1 ? ", " : "",
						 NameStr(att->attname));
	}
	return names.data;
}

/* The operators of a column, for a hint. */
static char *
list_operators(const FilterColumn *column)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < lengthof(filter_operators); i++)
		if (filter_operators[i].fits(column, &filter_operators[i]))
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
							 filter_operators[i].name);
	return names.data;
}

/* eq and ne */
static bool
fits_equality(const FilterColumn *column, const FilterOperator *operator)
{
	return OidIsValid(column->cache->eq_opr);
}

/* lt, lte, gt, gte */
static bool
fits_order(const FilterColumn *column, const FilterOperator *operator)
{
	return OidIsValid(column->cache->lt_opr) &&
		OidIsValid(column->cache->btree_opf);
}

/* in and nin need an array of the type to bind */
static bool
fits_list(const FilterColumn *column, const FilterOperator *operator)
{
	return OidIsValid(column->cache->eq_opr) &&
		OidIsValid(column->array_type);
}

/* like, ilike, starts_with */
static bool
fits_text(const FilterColumn *column, const FilterOperator *operator)
{
	return column->is_text;
}

/* contains */
static bool
fits_contains(const FilterColumn *column, const FilterOperator *operator)
{
	return column->is_text || column->type == JSONBOID ||
		(OidIsValid(column->element) && OidIsValid(column->cache->eq_opr));
}

/* is_null */
static bool
fits_any(const FilterColumn *column, const FilterOperator *operator)
{
	return true;
}

/* column = $n */
static void
compile_equality(FilterState *state, const FilterColumn *column,
				 const FilterOperator *operator, const JsonbValue *value)
{
	int			param = bind_json(state, column, value);

	appendStringInfo(&state->sql, "%s %s $%d", column->sql,
					 sp_quote_operator(column->cache->eq_opr), param);
}

/* column <> $n, or what says the same for a type without <> */
static void
compile_inequality(FilterState *state, const FilterColumn *column,
				   const FilterOperator *operator, const JsonbValue *value)
{
	Oid			negator = get_negator(column->cache->eq_opr);
	int			param = bind_json(state, column, value);

	if (OidIsValid(negator))
		appendStringInfo(&state->sql, "%s %s $%d", column->sql,
						 sp_quote_operator(negator), param);
	else
		appendStringInfo(&state->sql, "(NOT %s %s $%d)", column->sql,
						 sp_quote_operator(column->cache->eq_opr), param);
}

/* A comparison of the type's default btree operator family. */
static void
compile_order(FilterState *state, const FilterColumn *column,
			  const FilterOperator *operator, const JsonbValue *value)
{
	TypeCacheEntry *cache = column->cache;
	Oid			op = get_opfamily_member(cache->btree_opf,
										 cache->btree_opintype,
										 cache->btree_opintype,
										 operator->strategy);
	int			param = bind_json(state, column, value);

	appendStringInfo(&state->sql, "%s %s $%d", column->sql,
					 sp_quote_operator(op), param);
}

/* column = ANY ($n), and for nin NOT (column = ANY ($n)) */
static void
compile_list(FilterState *state, const FilterColumn *column,
			 const FilterOperator *operator, const JsonbValue *value)
{
	int			param;

	if (!is_container(value, true))
		report_value(psprintf("operator \"%s\" for column \"%s\"",
							  operator->name, column->name),
					 "an array of values", value);
	param = bind_value(state, column->array_type,
					   sp_json_list(ERRCODE_SP_INVALID_ORDER_OR_FILTER,
									column->name, column->type, value));
	appendStringInfo(&state->sql,
					 operator->strategy != 0 ? "%s %s ANY ($%d)" :
					 "(NOT %s %s ANY ($%d))", column->sql,
					 sp_quote_operator(column->cache->eq_opr), param);
}

/* like, ilike and starts_with: one operator of pg_catalog on text */
static void
compile_match(FilterState *state, const FilterColumn *column,
			  const FilterOperator *operator, const JsonbValue *value)
{
	int			param;
	char	   *pattern = bind_text(state, column, operator, value, &param);
	int			backslashes = 0;

	for (int i = strlen(pattern) - 1; i >= 0 && pattern[i] == '\\'; i--)
		backslashes++;
	if (backslashes % 2 == 1 && strcmp(operator->name, "starts_with") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("pattern of operator \"%s\" for column \"%s\" ends with a backslash",
						operator->name, column->name),
				 errhint("Write two backslashes to match one.")));
	appendStringInfo(&state->sql, "%s OPERATOR(pg_catalog.%s) $%d",
					 column->text_sql, operator->symbol, param);
}

/* @> for jsonb and arrays, a literal substring for text */
static void
compile_contains(FilterState *state, const FilterColumn *column,
				 const FilterOperator *operator, const JsonbValue *value)
{
	int			param;

	if (column->is_text)
	{
		(void) bind_text(state, column, operator, value, &param);
		appendStringInfo(&state->sql,
						 "pg_catalog.strpos(%s, $%d) OPERATOR(pg_catalog.>) 0",
						 column->text_sql, param);
		return;
	}
	param = bind_json(state, column, value);
	appendStringInfo(&state->sql, "%s OPERATOR(pg_catalog.@>) $%d",
					 column->sql, param);
}

/* is_null: true or false */
static void
compile_is_null(FilterState *state, const FilterColumn *column,
				const FilterOperator *operator, const JsonbValue *value)
{
	if (value->type != jbvBool)
		report_value(psprintf("operator \"is_null\" for column \"%s\"",
							  column->name), "true or false", value);
	append_is_null(state, column, value->val.boolean);
}

/*
 * A test of the column itself: IS NULL of a record asks its fields.
 */
static void
append_is_null(FilterState *state, const FilterColumn *column, bool is_null)
{
	if (type_is_rowtype(column->type))
		appendStringInfo(&state->sql, "%s IS %s NULL", column->sql,
						 is_null ? "NOT DISTINCT FROM" : "DISTINCT FROM");
	else
		appendStringInfo(&state->sql, "%s IS %s", column->sql,
						 is_null ? "NULL" : "NOT NULL");
}

/* Add a parameter; its number. */
static int
bind_value(FilterState *state, Oid type, Datum value)
{
	FilterCondition *result = state->result;
	int			n = result->nparams++;

	if (n == state->nallocated)
	{
		int			size = Max(8, n * 2);

		if (n == 0)
		{
			result->types = palloc(size * sizeof(Oid));
			result->values = palloc(size * sizeof(Datum));
			result->isnull = palloc(size * sizeof(bool));
		}
		else
		{
			result->types = repalloc(result->types, size * sizeof(Oid));
			result->values = repalloc(result->values, size * sizeof(Datum));
			result->isnull = repalloc(result->isnull, size * sizeof(bool));
		}
		state->nallocated = size;
	}
	result->types[n] = type;
	result->values[n] = value;
	result->isnull[n] = false;
	return state->first_param + n;
}

/* Bind a value of the column's type. */
static int
bind_json(FilterState *state, const FilterColumn *column,
		  const JsonbValue *value)
{
	return bind_value(state, column->type,
					  sp_json_value(ERRCODE_SP_INVALID_ORDER_OR_FILTER,
									column->name, column->type, value));
}

/* Bind a string as text, whatever the column's type; the string. */
static char *
bind_text(FilterState *state, const FilterColumn *column,
		  const FilterOperator *operator, const JsonbValue *value, int *param)
{
	char	   *string;

	if (value->type != jbvString)
		report_value(psprintf("operator \"%s\" for column \"%s\"",
							  operator->name, column->name),
					 "a string", value);
	string = pnstrdup(value->val.string.val, value->val.string.len);
	*param = bind_value(state, TEXTOID, CStringGetTextDatum(string));
	return string;
}

/* Is it an array, or an object? */
static bool
is_container(const JsonbValue *value, bool array)
{
	if (value->type != jbvBinary)
		return false;
	return array ? JsonContainerIsArray(value->val.binary.data) :
		JsonContainerIsObject(value->val.binary.data);
}

/* What kind of JSON was found, for a detail. */
static const char *
describe_json(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		default:
			return is_container(value, true) ? "an array" : "an object";
	}
}

/* JSON of the wrong kind. */
static void
report_value(const char *where, const char *expected, const JsonbValue *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
			 errmsg("%s takes %s", where, expected),
			 errdetail("Found %s.", describe_json(value))));
}
