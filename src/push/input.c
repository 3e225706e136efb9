/*-------------------------------------------------------------------------
 *
 * input.c
 *	  A mutation in the types of its table.
 *
 * Values get the length of their column here, by the casts that assignment
 * uses: what is compared with the row is what would be stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "push/input.h"
#include "push/temp_id.h"
#include "support/json_value.h"

static void read_key(PushInput *input, Jsonb *json, bool alone);
static bool is_key_column(const PushTable *table, const char *name);
static void read_set(PushInput *input);
static void read_base(PushInput *input);
static bool resolve_temp(PushInput *input, AttrNumber attnum,
						 JsonbValue *value);
static void add_temp(PushInput *input, AttrNumber attnum,
					 const JsonbValue *value);
static void resolve_nested(PushInput *input, JsonbValue *value);
static void refuse_key(PushInput *input) pg_attribute_noreturn();
static void refuse_temp(const char *temp, const char *column)
			pg_attribute_noreturn();
static void init_values(const PushTable *table, ColumnValues *values);
static void put_value(const PushTable *table, ColumnValues *values,
					  AttrNumber attnum, const JsonbValue *json);
static void name_column(void *arg);
static int8 fraction_digits(Oid type, const JsonbValue *json);
static bool is_temp(const JsonbValue *value);

PushInput *
sp_push_input(const Mutation *mutation, PushTable *table,
			  const char *client_id)
{
	PushInput  *input = palloc0(sizeof(PushInput));

	input->mutation = mutation;
	input->table = table;
	input->client_id = client_id;
	init_values(table, &input->key);
	init_values(table, &input->set);
	init_values(table, &input->base);
	if (mutation->key)
		read_key(input, mutation->key, true);
	else if (mutation->set)
		read_key(input, mutation->set, false);
	input->key_complete = bms_num_members(input->key.columns) == table->nkey;
	if (!input->key_complete && mutation->op != PUSH_INSERT &&
		mutation->op != PUSH_UPSERT)
		refuse_key(input);
	return input;
}

/* Say which column of the key is not known. */
static void
refuse_key(PushInput *input)
{
	PushTable  *table = input->table;
	char	   *column = NULL;
	int			i;

	for (i = 0; i < table->nkey; i++)
	{
		if (!bms_is_member(table->key[i], input->key.columns))
			column = table->columns[table->key[i] - 1].name;
	}
	if (input->temps != NIL)
		refuse_temp(((TempColumn *) linitial(input->temps))->temp, column);
	sp_mutation_refuse("mutation does not give the whole key",
					   psprintf("Column \"%s\" of the primary key is missing.",
								column),
					   "Give all columns of the primary key in \"key\".");
}

/* A temp id that nothing is known of. */
static void
refuse_temp(const char *temp, const char *column)
{
	sp_mutation_refuse(psprintf("temporary id \"%s\" is not known", temp),
					   psprintf("Column \"%s\" refers to a row that was not inserted.",
								column),
					   "Push the insert that it comes from first, with the same client_id.");
}

void
sp_push_input_values(PushInput *input)
{
	if (input->mutation->set)
		read_set(input);
	if (input->mutation->base == BASE_ROW)
		read_base(input);
}

/* The columns of the key, in "key" or among the others in "set". */
static void
read_key(PushInput *input, Jsonb *json, bool alone)
{
	PushTable  *table = input->table;
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbValue	key;
	JsonbValue	value;

	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);
		AttrNumber	attnum;

		(void) JsonbIteratorNext(&it, &value, true);
		if (!alone && !is_key_column(table, name))
			continue;
		attnum = sp_push_table_column(table, name);
		if (!table->columns[attnum - 1].key)
			sp_mutation_refuse(psprintf("column \"%s\" is not part of the key",
										name), NULL,
							   "Other columns belong into \"set\".");
		if (value.type != jbvNull && resolve_temp(input, attnum, &value))
			put_value(table, &input->key, attnum, &value);
	}
}

/* Whether a name is that of a key column. */
static bool
is_key_column(const PushTable *table, const char *name)
{
	int			i;

	for (i = 0; i < table->nkey; i++)
	{
		if (strcmp(table->columns[table->key[i] - 1].name, name) == 0)
			return true;
	}
	return false;
}

/* The columns of "set"; those of the key only beside a "key". */
static void
read_set(PushInput *input)
{
	PushTable  *table = input->table;
	JsonbIterator *it = JsonbIteratorInit(&input->mutation->set->root);
	JsonbValue	key;
	JsonbValue	value;

	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);
		bool		deleted_at = strcmp(name,
										table->table->deleted_at) == 0;
		AttrNumber	attnum;

		(void) JsonbIteratorNext(&it, &value, true);
		if (deleted_at && table->deleted_at == InvalidAttrNumber)
			continue;			/* of the image that we showed */
		attnum = sp_push_table_column(table, name);
		if (table->columns[attnum - 1].ignored ||
			(table->columns[attnum - 1].key && input->mutation->key == NULL))
			continue;
		if (resolve_temp(input, attnum, &value))
			put_value(table, &input->set, attnum, &value);
	}
}

/* The columns of "base". */
static void
read_base(PushInput *input)
{
	PushTable  *table = input->table;
	JsonbIterator *it = JsonbIteratorInit(&input->mutation->row->root);
	JsonbValue	key;
	JsonbValue	value;

	input->digits = palloc(table->natts);
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);
		AttrNumber	attnum;

		(void) JsonbIteratorNext(&it, &value, true);
		if (strcmp(name, table->table->deleted_at) == 0)
		{
			input->base_deleted = value.type != jbvNull;
			continue;
		}
		attnum = sp_push_table_column(table, name);
		if (table->columns[attnum - 1].ignored ||
			!resolve_temp(input, attnum, &value))
			continue;
		put_value(table, &input->base, attnum, &value);
		input->digits[attnum - 1] =
			fraction_digits(table->columns[attnum - 1].type, &value);
	}
}

/*
 * Put in place of temp ids what they became.  False for one of the key that
 * did not become anything yet: an insert does that.
 */
static bool
resolve_temp(PushInput *input, AttrNumber attnum, JsonbValue *value)
{
	PushColumn *column = &input->table->columns[attnum - 1];
	JsonbValue *found;
	char	   *temp;

	if (column->type == JSONBOID || column->type == JSONOID)
		resolve_nested(input, value);
	if (!is_temp(value) || (!column->key && !column->reference))
		return true;
	if (input->client_id == NULL)
		sp_mutation_refuse("temporary ids need a client_id",
						   psprintf("Column \"%s\" has one.", column->name),
						   "Pass the same client_id in every call of a client.");
	if (column->key)
		add_temp(input, attnum, value);
	temp = pnstrdup(value->val.string.val, value->val.string.len);
	found = sp_temp_id_find(input->client_id, temp);
	if (found)
	{
		*value = *found;
		return true;
	}
	if (column->reference)
		refuse_temp(temp, column->name);
	return false;
}

/* Note a temp id of the key, once for each column. */
static void
add_temp(PushInput *input, AttrNumber attnum, const JsonbValue *value)
{
	JsonbParseState *state = NULL;
	JsonbValue	name;
	JsonbValue	temp = *value;
	JsonbValue *object;
	Jsonb	   *json;
	TempColumn *column;
	ListCell   *lc;

	foreach(lc, input->temps)
	{
		if (((TempColumn *) lfirst(lc))->attnum == attnum)
			return;
	}
	column = palloc(sizeof(TempColumn));
	column->attnum = attnum;
	column->temp = pnstrdup(value->val.string.val, value->val.string.len);
	input->temps = lappend(input->temps, column);

	name.type = jbvString;
	name.val.string.val = input->table->columns[attnum - 1].name;
	name.val.string.len = strlen(name.val.string.val);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &name);
	pushJsonbValue(&state, WJB_VALUE, &temp);
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	json = JsonbValueToJsonb(object);
	input->temp_key = input->temp_key == NULL ? json :
		DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
										   JsonbPGetDatum(input->temp_key),
										   JsonbPGetDatum(json)));
}

/* The temp ids inside a document that are known. */
static void
resolve_nested(PushInput *input, JsonbValue *value)
{
	Jsonb	   *json;

	if (input->client_id == NULL || value->type == jbvNull)
		return;
	json = JsonbValueToJsonb(value);
	if (!sp_temp_id_occurs(json))
		return;
	json = sp_temp_id_replace(input->client_id, json);
	if (!JB_ROOT_IS_SCALAR(json))
	{
		value->type = jbvBinary;
		value->val.binary.data = &json->root;
		value->val.binary.len = VARSIZE(json) - VARHDRSZ;
	}
	else
		*value = *getIthJsonbValueFromContainer(&json->root, 0);
}

/* Nothing is given yet. */
static void
init_values(const PushTable *table, ColumnValues *values)
{
	values->columns = NULL;
	values->values = palloc0(table->natts * sizeof(Datum));
	values->isnull = palloc0(table->natts * sizeof(bool));
}

/* Convert a value and give it the length of its column. */
static void
put_value(const PushTable *table, ColumnValues *values, AttrNumber attnum,
		  const JsonbValue *json)
{
	PushColumn *column = &table->columns[attnum - 1];
	ErrorContextCallback context = {.callback = name_column,
	.arg = column->name,.previous = error_context_stack};
	Datum		value;

	values->columns = bms_add_member(values->columns, attnum);
	values->isnull[attnum - 1] = json->type == jbvNull;
	if (json->type == jbvNull)
		return;
	error_context_stack = &context;
	value = sp_json_value(ERRCODE_INVALID_TEXT_REPRESENTATION, column->name,
						  column->type, json);
	if (OidIsValid(column->fit.fn_oid))
		value = column->fit.fn_nargs == 2 ?
			FunctionCall2(&column->fit, value,
						  Int32GetDatum(column->typmod)) :
			FunctionCall3(&column->fit, value,
						  Int32GetDatum(column->typmod),
						  BoolGetDatum(false));
	error_context_stack = context.previous;
	values->values[attnum - 1] = value;
}

/* Callback: an error is about this column. */
static void
name_column(void *arg)
{
	err_generic_string(PG_DIAG_COLUMN_NAME, (const char *) arg);
}

/* How precise a time was sent: JavaScript keeps milliseconds only. */
static int8
fraction_digits(Oid type, const JsonbValue *json)
{
	const char *point;
	int			i;
	int8		digits = 0;

	if ((type != TIMESTAMPOID && type != TIMESTAMPTZOID && type != TIMEOID) ||
		json->type != jbvString)
		return -1;
	point = memchr(json->val.string.val, '.', json->val.string.len);
	if (point == NULL)
		return 0;
	i = point + 1 - json->val.string.val;
	while (i < json->val.string.len &&
		   isdigit((unsigned char) json->val.string.val[i++]))
		digits++;
	return Min(digits, 6);
}

/* Whether a value is written as a temp id. */
static bool
is_temp(const JsonbValue *value)
{
	return value->type == jbvString &&
		sp_temp_id_is(value->val.string.val, value->val.string.len);
}

void
sp_push_input_key(const PushTable *table, Jsonb *json, ColumnValues *key)
{
	int			i;

	init_values(table, key);
	for (i = 0; i < table->nkey; i++)
	{
		const char *name = table->columns[table->key[i] - 1].name;
		JsonbValue *value = getKeyJsonValueFromContainer(&json->root, name,
														 strlen(name), NULL);

		if (value != NULL)
			put_value(table, key, table->key[i], value);
	}
}
