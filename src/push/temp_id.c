/*-------------------------------------------------------------------------
 *
 * temp_id.c
 *	  Ids that clients made up offline, and the real ones they became.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "push/run.h"
#include "push/temp_id.h"

#define PREFIX			"temp-"
#define UUID_LENGTH		36

#define FIND_SQL \
	"SELECT t.value FROM syncport.push_temp_id t" \
	" WHERE t.owner OPERATOR(pg_catalog.=) CURRENT_USER" \
	" AND t.principal OPERATOR(pg_catalog.=)" \
	" COALESCE((SELECT syncport.principal()), '')" \
	" AND t.client_id OPERATOR(pg_catalog.=) $1" \
	" AND t.temp_id OPERATOR(pg_catalog.=) $2"

#define ADD_SQL \
	"INSERT INTO syncport.push_temp_id (client_id, temp_id, value)" \
	" VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"

/* kept for the session */
static SPIPlanPtr add_plan = NULL;
static SPIPlanPtr find_plan = NULL;

bool
sp_temp_id_is(const char *string, int length)
{
	int			i;

	if (length != strlen(PREFIX) + UUID_LENGTH ||
		strncmp(string, PREFIX, strlen(PREFIX)) != 0)
		return false;
	string += strlen(PREFIX);
	for (i = 0; i < UUID_LENGTH; i++)
	{
		bool		dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? string[i] != '-' : !isxdigit((unsigned char) string[i]))
			return false;
	}
	return true;
}

bool
sp_temp_id_occurs(Jsonb *json)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if ((token == WJB_VALUE || token == WJB_ELEM) &&
			value.type == jbvString &&
			sp_temp_id_is(value.val.string.val, value.val.string.len))
			return true;
	}
	return false;
}

JsonbValue *
sp_temp_id_find(const char *client_id, const char *temp)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[2];
	Jsonb	   *json;
	bool		isnull;

	values[0] = CStringGetTextDatum(client_id);
	values[1] = CStringGetTextDatum(temp);
	sp_run_kept(&find_plan, FIND_SQL, 2, types, values, SPI_OK_SELECT);
	if (SPI_processed == 0)
	{
		SPI_freetuptable(SPI_tuptable);
		return NULL;
	}
	json = DatumGetJsonbPCopy(SPI_getbinval(SPI_tuptable->vals[0],
											SPI_tuptable->tupdesc, 1,
											&isnull));
	SPI_freetuptable(SPI_tuptable);
	return getIthJsonbValueFromContainer(&json->root, 0);
}

bool
sp_temp_id_add(const char *client_id, const char *temp,
			   const JsonbValue *value)
{
	Oid			types[] = {TEXTOID, TEXTOID, JSONBOID};
	Datum		values[3];

	values[0] = CStringGetTextDatum(client_id);
	values[1] = CStringGetTextDatum(temp);
	values[2] = JsonbPGetDatum(JsonbValueToJsonb((JsonbValue *) value));
	sp_run_kept(&add_plan, ADD_SQL, 3, types, values, SPI_OK_INSERT);
	return SPI_processed > 0;
}

Jsonb *
sp_temp_id_replace(const char *client_id, Jsonb *json)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbParseState *state = NULL;
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue *result = NULL;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if ((token == WJB_VALUE || token == WJB_ELEM) &&
			value.type == jbvString &&
			sp_temp_id_is(value.val.string.val, value.val.string.len))
		{
			JsonbValue *found =
			sp_temp_id_find(client_id, pnstrdup(value.val.string.val,
												value.val.string.len));

			if (found)
				value = *found;
		}
		result = pushJsonbValue(&state, token,
								token < WJB_BEGIN_ARRAY ? &value : NULL);
		/* a scalar is written as an array of one element */
		if (token == WJB_BEGIN_ARRAY && value.val.array.rawScalar)
			state->contVal.val.array.rawScalar = true;
	}
	return JsonbValueToJsonb(result);
}
