/*-------------------------------------------------------------------------
 *
 * principal.c
 *	  Reads the principal of the session.
 *
 * The value comes from a setting that the application sets for each request
 * (SET LOCAL), as policies do.  A session can set it to anything; it
 * separates the users of one role as far as the application keeps them from
 * running SQL of their own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

#include "guc.h"
#include "support/principal.h"

PG_FUNCTION_INFO_V1(syncport_principal);

#define JSON_ARROW	"->>"

static char *read_json_key(const char *document, const char *key);
static char *trim_copy(const char *start, size_t length);

/*
 * syncport.principal() RETURNS text
 */
Datum
syncport_principal(PG_FUNCTION_ARGS)
{
	char	   *principal = sp_principal_current();

	if (principal == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(principal));
}

char *
sp_principal_current(void)
{
	const char *source = sp_guc_principal;
	const char *arrow = strstr(source, JSON_ARROW);
	char	   *setting = trim_copy(source,
									arrow ? arrow - source : strlen(source));
	const char *value;
	char	   *principal;

	if (setting[0] == '\0')
		return NULL;
	value = GetConfigOption(setting, true, false);
	if (value == NULL || value[0] == '\0')
		return NULL;
	if (arrow == NULL)
		return pstrdup(value);
	arrow += strlen(JSON_ARROW);
	principal = read_json_key(value, trim_copy(arrow, strlen(arrow)));
	return principal && principal[0] != '\0' ? principal : NULL;
}

/* The value of a key of a JSON object as text, or NULL. */
static char *
read_json_key(const char *document, const char *key)
{
	LOCAL_FCINFO(fcinfo, 2);
	Datum		result;
	Datum		json = DirectFunctionCall1(jsonb_in,
										   CStringGetDatum(document));

	InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = json;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = CStringGetTextDatum(key);
	fcinfo->args[1].isnull = false;
	result = jsonb_object_field_text(fcinfo);
	return fcinfo->isnull ? NULL : TextDatumGetCString(result);
}

/* A copy of [start, start + length) without the spaces at both ends. */
static char *
trim_copy(const char *start, size_t length)
{
	while (length > 0 && *start == ' ')
		start++, length--;
	while (length > 0 && start[length - 1] == ' ')
		length--;
	return pnstrdup(start, length);
}
