/*-------------------------------------------------------------------------
 *
 * option_json.c
 *	  The options of an export as a JSON object.
 *
 * They become what the parser makes of the options of COPY, and are read
 * like these.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "export/option_json.h"

static void add_options(List **options, Jsonb *json, int *chunk_bytes);
static Node *make_value(const char *name, JsonbValue *value);
static Node *make_list(JsonbContainer *array);
static void check_name(const char *name);
static int	read_chunk_bytes(DefElem *option);
static bool is_given(List *options, const char *name);
static void add_default(List **options, const char *name, const char *value);

void
sp_option_json_read(const ExportFormat *format, Jsonb *json,
					CopyOptions *result, int *chunk_bytes)
{
	List	   *options = NIL;

	*chunk_bytes = CHUNK_BYTES_DEFAULT;
	if (json != NULL)
		add_options(&options, json, chunk_bytes);
	if ((format->options & (EXPORT_CSV | EXPORT_TEXT | EXPORT_ENCODING)) &&
		(GetDatabaseEncoding() != PG_SQL_ASCII || is_given(options, "bom")))
		add_default(&options, "encoding", "UTF8");
	if (format->options & EXPORT_CSV)
		add_default(&options, "header", "true");
	if (format->options & EXPORT_FORCE_ARRAY)
		add_default(&options, "force_array", "true");
	sp_copy_option_read(format, options, NULL, result);
}

/* The members of the object as DefElem; null is as if it were not there. */
static void
add_options(List **options, Jsonb *json, int *chunk_bytes)
{
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *name = NULL;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options is not a JSON object"),
				 errhint("Write {\"header\": false}, for example.")));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		DefElem    *option;

		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		if (token != WJB_VALUE || value.type == jbvNull)
			continue;
		check_name(name);
		option = makeDefElem(name, make_value(name, &value), -1);
		if (strcmp(name, "chunk_bytes") == 0)
			*chunk_bytes = read_chunk_bytes(option);
		else
			*options = lappend(*options, option);
	}
}

/* A value as the parser would give it. */
static Node *
make_value(const char *name, JsonbValue *value)
{
	bool		quoting = strcmp(name, "force_quote") == 0;

	switch (value->type)
	{
		case jbvBool:
			if (quoting && value->val.boolean)
				return (Node *) makeNode(A_Star);
			return (Node *) makeString(value->val.boolean ? "true" : "false");
		case jbvNumeric:
			{
				char	   *digits = numeric_normalize(value->val.numeric);

				if (strspn(digits, "-0123456789") == strlen(digits) &&
					strlen(digits) < 10)
					return (Node *) makeInteger(atoi(digits));
				return (Node *) makeFloat(digits);
			}
		case jbvString:
			return (Node *) makeString(pnstrdup(value->val.string.val,
												value->val.string.len));
		default:
			if (quoting && JsonContainerIsArray(value->val.binary.data))
				return make_list(value->val.binary.data);
			return (Node *) makeString(JsonbToCString(NULL,
													  value->val.binary.data,
													  value->val.binary.len));
	}
}

/* An array of strings; of others what they look like. */
static Node *
make_list(JsonbContainer *array)
{
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue	value;
	List	   *list = NIL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		Node	   *node;

		if (token != WJB_ELEM)
			continue;
		node = value.type == jbvNull ? (Node *) makeString("null") :
			make_value("", &value);
		if (!IsA(node, String))
			node = (Node *) makeString(defGetString(makeDefElem("", node, -1)));
		list = lappend(list, node);
	}
	return (Node *) list;
}

/* What is an argument of the function is no option. */
static void
check_name(const char *name)
{
	static const char *const arguments[] = {"format", "preset", "filter",
	"order_by"};
	int			i;

	for (i = 0; i < lengthof(arguments); i++)
	{
		if (strcmp(name, arguments[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is an argument and no option", name),
					 errhint("Write %s => ... beside options.", name)));
	}
}

/* chunk_bytes */
static int
read_chunk_bytes(DefElem *option)
{
	int64		bytes = IsA(option->arg, Integer) ? intVal(option->arg) : 0;

	if (bytes < CHUNK_BYTES_MIN || bytes > CHUNK_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" is out of range", option->defname),
				 errdetail("It is %s.", defGetString(option)),
				 errhint("It is a number from %d to %d.", CHUNK_BYTES_MIN,
						 CHUNK_BYTES_MAX)));
	return (int) bytes;
}

/* Is there an option of the name? */
static bool
is_given(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		if (strcmp(lfirst_node(DefElem, cell)->defname, name) == 0)
			return true;
	}
	return false;
}

/* Add an option unless it is there. */
static void
add_default(List **options, const char *name, const char *value)
{
	if (is_given(*options, name))
		return;
	*options = lappend(*options, makeDefElem(pstrdup(name),
											 (Node *) makeString(pstrdup(value)),
											 -1));
}
