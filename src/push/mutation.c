/*-------------------------------------------------------------------------
 *
 * mutation.c
 *	  Reads what a client asks for.
 *
 * Whatever the JSON holds, one mutation is refused and its neighbours are
 * not: only a request that is no list of mutations fails as a whole.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "support/compat.h"
#include "support/error.h"
#include "push/mutation.h"

/* Take the value of a member, which is not null. */
typedef void (*ReadMember) (Mutation *mutation, const char *name,
							JsonbValue *value);

typedef struct MutationMember
{
	const char *name;
	ReadMember	read;
} MutationMember;

static void read_id(Mutation *mutation, const char *name, JsonbValue *value);
static void read_table(Mutation *mutation, const char *name,
					   JsonbValue *value);
static void read_op(Mutation *mutation, const char *name, JsonbValue *value);
static void read_key(Mutation *mutation, const char *name, JsonbValue *value);
static void read_set(Mutation *mutation, const char *name, JsonbValue *value);
static void read_base_version(Mutation *mutation, const char *name,
							  JsonbValue *value);
static void read_base(Mutation *mutation, const char *name,
					  JsonbValue *value);
static void read_base_cursor(Mutation *mutation, const char *name,
							 JsonbValue *value);
static void read_base_seq(Mutation *mutation, const char *name,
						  JsonbValue *value);
static void set_base(Mutation *mutation, PushBase base);
static char *string_of(const char *name, JsonbValue *value);
static Jsonb *object_of(const char *name, JsonbValue *value);
static int64 number_of(const char *name, JsonbValue *value);
static void refuse_member(const char *name, const char *wanted,
						  JsonbValue *value) pg_attribute_noreturn();
static ReadMember find_member(const char *name);
static JsonbValue *get_member(Jsonb *json, const char *name);
static char *get_string(Jsonb *json, const char *name);
static bool is_object(const JsonbValue *value);

static const MutationMember members[] = {
	{"id", read_id},
	{"table", read_table},
	{"op", read_op},
	{"key", read_key},
	{"set", read_set},
	{"base_version", read_base_version},
	{"base", read_base},
	{"base_cursor", read_base_cursor},
	{"base_seq", read_base_seq}
};

static const char *const ops[] = {
	[PUSH_INSERT] = "insert",
	[PUSH_UPSERT] = "upsert",
	[PUSH_UPDATE] = "update",
	[PUSH_DELETE] = "delete",
	[PUSH_RESTORE] = "restore"
};

List *
sp_mutation_list(Jsonb *json)
{
	JsonbContainer *array = &json->root;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	List	   *list = NIL;

	if (JB_ROOT_IS_OBJECT(json))
	{
		JsonbValue *member = get_member(json, "mutations");

		array = member && member->type == jbvBinary &&
			JB_ROOT_COUNT(json) == 1 ? member->val.binary.data : NULL;
	}
	if (array == NULL || !JsonContainerIsArray(array) ||
		JsonContainerIsScalar(array))
		sp_mutation_refuse("mutations are not a JSON array",
						   JB_ROOT_IS_OBJECT(json) ?
						   "An object may hold \"mutations\", an array, and nothing else." :
						   "Found a single value.",
						   "Write them as [{\"table\": ..., \"op\": ...}, ...] or {\"mutations\": [...]}.");
	it = JsonbIteratorInit(array);
	(void) JsonbIteratorNext(&it, &value, true);
	while ((token = JsonbIteratorNext(&it, &value, true)) == WJB_ELEM)
		list = lappend(list, JsonbValueToJsonb(&value));
	return list;
}

char *
sp_mutation_id(Jsonb *json)
{
	char	   *id = get_string(json, "id");

	return id == NULL || id[0] == '\0' ||
		strlen(id) > MUTATION_ID_BYTES_MAX ? NULL : id;
}

char *
sp_mutation_table(Jsonb *json)
{
	return get_string(json, "table");
}

Jsonb *
sp_mutation_client(Jsonb *json)
{
	JsonbValue *key = NULL;
	JsonbValue *set = NULL;

	if (JB_ROOT_IS_OBJECT(json))
	{
		key = get_member(json, "key");
		set = get_member(json, "set");
	}
	if (!is_object(key))
		return is_object(set) ? JsonbValueToJsonb(set) : NULL;
	if (!is_object(set))
		return JsonbValueToJsonb(key);
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(JsonbValueToJsonb(key)),
											  JsonbPGetDatum(JsonbValueToJsonb(set))));
}

Mutation *
sp_mutation_read(Jsonb *json)
{
	Mutation   *mutation = palloc0(sizeof(Mutation));
	bool		has_op = false;
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(json))
		sp_mutation_refuse("mutation is not a JSON object", NULL,
						   "Write it as {\"table\": \"name\", \"op\": \"update\", \"key\": {...}, \"set\": {...}}.");
	it = JsonbIteratorInit(&json->root);
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);
		ReadMember	read = find_member(name);

		(void) JsonbIteratorNext(&it, &value, true);
		if (value.type == jbvNull)
			continue;
		read(mutation, name, &value);
		has_op = has_op || read == read_op;
	}
	if (mutation->table == NULL || !has_op)
		sp_mutation_refuse(psprintf("mutation has no \"%s\"",
									has_op ? "table" : "op"), NULL,
						   "Every mutation names a table and an op: insert, upsert, update, delete or restore.");
	return mutation;
}

/* The function that takes a member. */
static ReadMember
find_member(const char *name)
{
	StringInfoData list;
	int			i;

	initStringInfo(&list);
	for (i = 0; i < lengthof(members); i++)
	{
		if (strcmp(members[i].name, name) == 0)
			return members[i].read;
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", members[i].name);
	}
	sp_mutation_refuse(psprintf("mutation has an unknown member: \"%s\"",
								name), NULL,
					   psprintf("Its members are: %s.", list.data));
}

/* "id": what it is good for is the ledger's business. */
static void
read_id(Mutation *mutation, const char *name, JsonbValue *value)
{
	const char *id = string_of(name, value);

	if (id[0] == '\0')
		sp_mutation_refuse("id of a mutation is empty", NULL,
						   "Leave it out, or give every mutation an id of its own.");
	if (strlen(id) > MUTATION_ID_BYTES_MAX)
		sp_mutation_refuse("id of a mutation is too long", NULL,
						   psprintf("It has %d bytes at most; a UUID does.",
									MUTATION_ID_BYTES_MAX));
}

/* "table" */
static void
read_table(Mutation *mutation, const char *name, JsonbValue *value)
{
	mutation->table = string_of(name, value);
}

/* "op" */
static void
read_op(Mutation *mutation, const char *name, JsonbValue *value)
{
	char	   *op = string_of(name, value);
	int			i;

	for (i = 0; i < lengthof(ops); i++)
	{
		if (strcmp(ops[i], op) == 0)
		{
			mutation->op = (PushOp) i;
			return;
		}
	}
	sp_mutation_refuse(psprintf("unknown op: \"%s\"", op), NULL,
					   "An op is one of insert, upsert, update, delete and restore.");
}

/* "key" */
static void
read_key(Mutation *mutation, const char *name, JsonbValue *value)
{
	mutation->key = object_of(name, value);
}

/* "set" */
static void
read_set(Mutation *mutation, const char *name, JsonbValue *value)
{
	mutation->set = object_of(name, value);
}

/* "base_version" */
static void
read_base_version(Mutation *mutation, const char *name, JsonbValue *value)
{
	set_base(mutation, BASE_VERSION);
	mutation->number = number_of(name, value);
}

/* "base" */
static void
read_base(Mutation *mutation, const char *name, JsonbValue *value)
{
	set_base(mutation, BASE_ROW);
	mutation->row = object_of(name, value);
}

/* "base_cursor" */
static void
read_base_cursor(Mutation *mutation, const char *name, JsonbValue *value)
{
	set_base(mutation, BASE_CURSOR);
	mutation->cursor = cstring_to_text(string_of(name, value));
}

/* "base_seq" */
static void
read_base_seq(Mutation *mutation, const char *name, JsonbValue *value)
{
	set_base(mutation, BASE_SEQ);
	mutation->number = number_of(name, value);
	if (mutation->number < 1)
		refuse_member(name, "a seq", value);
}

/* There is one base at most. */
static void
set_base(Mutation *mutation, PushBase base)
{
	if (mutation->base != BASE_NONE)
		sp_mutation_refuse("mutation has more than one base", NULL,
						   "Give one of base_version, base, base_cursor and base_seq.");
	mutation->base = base;
}

/* The string in a member. */
static char *
string_of(const char *name, JsonbValue *value)
{
	if (value->type != jbvString)
		refuse_member(name, "a string", value);
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* The object in a member. */
static Jsonb *
object_of(const char *name, JsonbValue *value)
{
	if (!is_object(value))
		refuse_member(name, "an object", value);
	return JsonbValueToJsonb(value);
}

/* The bigint in a member, which may be written as a string. */
static int64
number_of(const char *name, JsonbValue *value)
{
	char	   *string = NULL;
	char	   *end;
	int64		number;

	if (value->type == jbvNumeric)
		string = DatumGetCString(DirectFunctionCall1(numeric_out,
													 NumericGetDatum(value->val.numeric)));
	else if (value->type == jbvString)
		string = string_of(name, value);
	if (string == NULL || *string == '\0')
		refuse_member(name, "an integer", value);
	errno = 0;
	number = strtoll(string, &end, 10);
	if (*end != '\0' || errno != 0)
		refuse_member(name, "an integer", value);
	return number;
}

/* Say what a member should hold. */
static void
refuse_member(const char *name, const char *wanted, JsonbValue *value)
{
	sp_mutation_refuse(psprintf("\"%s\" of a mutation is not %s", name,
								wanted),
					   psprintf("Found a value of type %s.",
								JsonbTypeName(value)),
					   "See syncport.push in the reference for what a mutation holds.");
}

/* A member that is a string, or NULL. */
static char *
get_string(Jsonb *json, const char *name)
{
	JsonbValue *value = JB_ROOT_IS_OBJECT(json) ? get_member(json, name) :
	NULL;

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A member of an object, or NULL. */
static JsonbValue *
get_member(Jsonb *json, const char *name)
{
	return getKeyJsonValueFromContainer(&json->root, name, strlen(name),
										NULL);
}

/* Whether a value, which may be NULL, is an object. */
static bool
is_object(const JsonbValue *value)
{
	return value != NULL && value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data);
}

void
sp_mutation_refuse(const char *message, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_SP_INVALID_MUTATION),
			 errmsg_internal("%s", message),
			 detail ? errdetail_internal("%s", detail) : 0,
			 hint ? errhint("%s", hint) : 0));
	pg_unreachable();
}
