/*-------------------------------------------------------------------------
 *
 * answer_error.c
 *	  Why a mutation was rejected, as JSON.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "push/answer.h"

static void add_text(JsonbParseState **state, const char *name,
					 const char *text);
static void add_value(JsonbParseState **state, const char *name,
					  JsonbValue *value);

Jsonb *
sp_answer_error(const ErrorData *error, bool retryable)
{
	JsonbParseState *state = NULL;
	JsonbValue	flag = {.type = jbvBool};

	flag.val.boolean = retryable;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	add_text(&state, "sqlstate", unpack_sql_state(error->sqlerrcode));
	add_text(&state, "message", error->message);
	add_text(&state, "detail", error->detail);
	add_text(&state, "hint", error->hint);
	add_text(&state, "column", error->column_name);
	add_text(&state, "constraint", error->constraint_name);
	add_value(&state, "retryable", &flag);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* A member that is a string, or null where there is none. */
static void
add_text(JsonbParseState **state, const char *name, const char *text)
{
	JsonbValue	value = {.type = jbvNull};

	if (text !=NULL)
	{
		value.type = jbvString;
		value.val.string.val = (char *) text;

		value.val.string.len = strlen(text);
	}
	add_value(state, name, &value);
}

/* A member. */
static void
add_value(JsonbParseState **state, const char *name, JsonbValue *value)
{
	JsonbValue	key = {.type = jbvString};

	key.val.string.val = (char *) name;
	key.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_VALUE, value);
}
