/*-------------------------------------------------------------------------
 *
 * pull_request.c
 *	  What a client asks of syncport.pull.
 *
 * Every object of a request has a list of its members.  A member that is
 * null is one that is left out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/regproc.h"
#include "utils/varlena.h"

#include "feed/pull_request.h"
#include "syncport.h"

#define PAGE_SIZE_DEFAULT	1000
#define MAX_BYTES_DEFAULT	1000000
/* an answer is a json value, which the server limits to 1 GB */
#define MAX_BYTES_MAX		500000000
/* the largest integer that every JSON library reads as it is */
#define SEQ_MAX				((INT64CONST(1) << 53) - 1)

typedef struct Member Member;

/* Takes the value of a member, which is not null, into its field. */
typedef void (*MemberRead) (void *field, const Member *member,
							const JsonbValue *value);

struct Member
{
	const char *name;
	MemberRead	read;
	size_t		offset;			/* of the field in the object */
	int64		least;			/* of a number */
	int64		most;			/* same */
};

static void read_object(const char *what, const Member *members, int count,
						void *object, JsonbContainer *json);
static const Member *find_member(const char *what, const Member *members,
								 int count, const char *name);
static void require_type(const Member *member, bool is_type,
						 const char *type, const JsonbValue *value);
static void read_tables(void *field, const Member *member,
						const JsonbValue *value);
static PullTable *read_table(char *name, const JsonbValue *value);
static void read_number(void *field, const Member *member,
						const JsonbValue *value);
static void read_flag(void *field, const Member *member,
					  const JsonbValue *value);
static void read_text(void *field, const Member *member,
					  const JsonbValue *value);
static void read_zone(void *field, const Member *member,
					  const JsonbValue *value);
static void read_columns(void *field, const Member *member,
						 const JsonbValue *value);
static void read_filter(void *field, const Member *member,
						const JsonbValue *value);

#define REQUEST(field)		offsetof(PullRequest, field)
#define TABLE(field)		offsetof(PullTable, field)

static const Member request_members[] = {
	{"tables", read_tables, REQUEST(tables)},
	{"page_size", read_number, REQUEST(page_size), SP_PAGE_SIZE_MIN,
	SP_PAGE_SIZE_MAX},
	{"max_bytes", read_number, REQUEST(max_bytes), 1, MAX_BYTES_MAX},
	{"at_least_seq", read_number, REQUEST(at_least_seq), 1, SEQ_MAX},
	{"int8_as_text", read_flag, REQUEST(options.int8_as_text)},
	{"numeric_as_text", read_flag, REQUEST(options.numeric_as_text)},
	{"time_zone", read_zone, REQUEST(options.time_zone)}
};

static const Member table_members[] = {
	{"cursor", read_text, TABLE(cursor)},
	{"columns", read_columns, TABLE(columns)},
	{"filter", read_filter, TABLE(filter)},
	{"include_deleted", read_flag, TABLE(include_deleted)}
};

PullRequest *
sp_pull_request(FunctionCallInfo fcinfo, int arg)
{
	PullRequest *request = palloc0(sizeof(PullRequest));
	Jsonb	   *json;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("request is NULL"),
				 errhint("Write it as: {\"tables\": {\"name\": {\"cursor\": null}}}.")));
	json = PG_GETARG_JSONB_P(arg);
	request->page_size = PAGE_SIZE_DEFAULT;
	request->max_bytes = MAX_BYTES_DEFAULT;
	request->options.time_zone = pg_tzset("UTC");
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("request is not a JSON object"),
				 errhint("Write it as: {\"tables\": {\"name\": {\"cursor\": null}}}.")));
	read_object("request", request_members, lengthof(request_members),
				request, &json->root);
	if (request->tables == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("request names no table"),
				 errhint("Write it as: {\"tables\": {\"name\": {\"cursor\": null}}}.")));
	return request;
}

/* Take the members of an object. */
static void
read_object(const char *what, const Member *members, int count, void *object,
			JsonbContainer *json)
{
	JsonbIterator *it = JsonbIteratorInit(json);
	JsonbValue	key;
	JsonbValue	value;

	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		const Member *member;

		(void) JsonbIteratorNext(&it, &value, true);
		member = find_member(what, members, count,
							 pnstrdup(key.val.string.val,
									  key.val.string.len));
		if (value.type != jbvNull)
			member->read((char *) object + member->offset, member, &value);
	}
}

/* The member of that name. */
static const Member *
find_member(const char *what, const Member *members, int count,
			const char *name)
{
	StringInfoData list;
	int			i;

	initStringInfo(&list);
	for (i = 0; i < count; i++)
	{
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", members[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s has an unknown member: \"%s\"", what, name),
			 errhint("Its members are: %s.", list.data)));
	return NULL;
}

/* Refuse a value that is not of the type. */
static void
require_type(const Member *member, bool is_type, const char *type,
			 const JsonbValue *value)
{
	if (!is_type)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not %s", member->name, type),
				 errdetail("Found a value of type %s.",
						   JsonbTypeName((JsonbValue *) value)),
				 errhint("See syncport.pull in the reference for what a request holds.")));
}

/* Whether a value is an object, or an array. */
static bool
is_container(const JsonbValue *value, bool object)
{
	if (value->type != jbvBinary)
		return false;
	return object ? JsonContainerIsObject(value->val.binary.data) :
		JsonContainerIsArray(value->val.binary.data) &&
		!JsonContainerIsScalar(value->val.binary.data);
}

/* "tables": a request by name. */
static void
read_tables(void *field, const Member *member, const JsonbValue *value)
{
	List	   *tables = NIL;
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	table;

	require_type(member, is_container(value, true), "an object", value);
	it = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &table, true);
		tables = lappend(tables,
						 read_table(pnstrdup(key.val.string.val,
											 key.val.string.len), &table));
	}
	*(List **) field = tables;
}

/* What is wanted of a table; its name follows the rules of regclass. */
static PullTable *
read_table(char *name, const JsonbValue *value)
{
	PullTable  *table = palloc0(sizeof(PullTable));
	char	   *what = psprintf("request for table \"%s\"", name);

	if (!is_container(value, true))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not an object", what),
				 errdetail("It is of type %s.",
						   JsonbTypeName((JsonbValue *) value)),
				 errhint("Write {} to start without a cursor.")));
	table->name = name;
	table->relid = DatumGetObjectId(DirectFunctionCall1(regclassin,
														CStringGetDatum(name)));
	read_object(what, table_members, lengthof(table_members), table,
				value->val.binary.data);
	return table;
}

/* An integer within limits. */
static void
read_number(void *field, const Member *member, const JsonbValue *value)
{
	Datum		number;
	bool		fits;

	require_type(member, value->type == jbvNumeric, "a number", value);
	number = NumericGetDatum(value->val.numeric);
	fits = DatumGetBool(DirectFunctionCall2(numeric_ge, number,
											NumericGetDatum(int64_to_numeric(member->least)))) &&
		DatumGetBool(DirectFunctionCall2(numeric_le, number,
										 NumericGetDatum(int64_to_numeric(member->most)))) &&
		DatumGetBool(DirectFunctionCall2(numeric_eq, number,
										 DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0))));
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a number that is allowed: %s",
						member->name,
						DatumGetCString(DirectFunctionCall1(numeric_out,
															number))),
				 errhint("It is an integer from " INT64_FORMAT " to "
						 INT64_FORMAT ".", member->least, member->most)));
	*(int64 *) field = DatumGetInt64(DirectFunctionCall1(numeric_int8,
														 number));
}

/* true or false */
static void
read_flag(void *field, const Member *member, const JsonbValue *value)
{
	require_type(member, value->type == jbvBool, "true or false", value);
	*(bool *) field = value->val.boolean;
}

/* A string. */
static void
read_text(void *field, const Member *member, const JsonbValue *value)
{
	require_type(member, value->type == jbvString, "a string", value);
	*(text **) field = cstring_to_text_with_len(value->val.string.val,
												value->val.string.len);
}

/* The name of a time zone. */
static void
read_zone(void *field, const Member *member, const JsonbValue *value)
{
	require_type(member, value->type == jbvString, "a string", value);
	*(pg_tz **) field =
		sp_encode_time_zone(pnstrdup(value->val.string.val,
									 value->val.string.len));
}

/* Names of columns, as text[]. */
static void
read_columns(void *field, const Member *member, const JsonbValue *value)
{
	Datum	   *names;
	JsonbIterator *it;
	JsonbValue	element;
	int			n = 0;

	require_type(member, is_container(value, false), "an array", value);
	names = palloc(Max(JsonContainerSize(value->val.binary.data), 1) *
				   sizeof(Datum));
	it = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&it, &element, true);
	while (JsonbIteratorNext(&it, &element, true) == WJB_ELEM)
	{
		require_type(member, element.type == jbvString,
					 "an array of strings", &element);
		names[n++] =
			PointerGetDatum(cstring_to_text_with_len(element.val.string.val,
													 element.val.string.len));
	}
	*(ArrayType **) field = construct_array(names, n, TEXTOID, -1, false,
											TYPALIGN_INT);
}

/* A filter: an object, checked when it is compiled. */
static void
read_filter(void *field, const Member *member, const JsonbValue *value)
{
	require_type(member, is_container(value, true), "an object", value);
	*(Jsonb **) field = JsonbValueToJsonb((JsonbValue *) value);
}
