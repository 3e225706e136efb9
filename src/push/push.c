/*-------------------------------------------------------------------------
 *
 * push.c
 *	  syncport.push and syncport.push_json: what clients did offline.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "push/push_call.h"

PG_FUNCTION_INFO_V1(syncport_push);
PG_FUNCTION_INFO_V1(syncport_push_json);

/* arguments of push_json, behind those of both */
enum PushJsonArgument
{
	ARG_INT8_AS_TEXT = 4,
	ARG_NUMERIC_AS_TEXT,
	ARG_TIME_ZONE
};

/* columns of the result */
enum PushColumnNumber
{
	COLUMN_ORDINAL,
	COLUMN_MUTATION_ID,
	COLUMN_STATUS,
	COLUMN_KEY,
	COLUMN_TEMP_KEY,
	COLUMN_SERVER,
	COLUMN_CLIENT,
	COLUMN_CONFLICT_COLUMNS,
	COLUMN_ERROR,
	RESULT_COLUMNS
};

static void put_row(ReturnSetInfo *result, const PushItem *item);
static Datum text_or_null(const char *text, bool *isnull);
static Datum json_or_null(Jsonb *json, bool *isnull);
static void write_item(StringInfo out, const PushItem *item);
static void write_jsonb(StringInfo out, const char *label, Jsonb *json);
static void write_names(StringInfo out, const char *label,
						ArrayType *names);

/*
 * syncport.push(mutations jsonb, client_id text, atomic boolean,
 *		on_conflict text) RETURNS TABLE (...)
 */
Datum
syncport_push(PG_FUNCTION_ARGS)
{
	EncodeOptions options = {.time_zone = pg_tzset("UTC")};
	PushCall   *call;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	call = sp_push_call(fcinfo, &options);
	foreach(lc, call->items)
	{
		put_row((ReturnSetInfo *) fcinfo->resultinfo, lfirst(lc));
	}
	return (Datum) 0;
}

/* One row of the result. */
static void
put_row(ReturnSetInfo *result, const PushItem *item)
{
	const PushAnswer *answer = &item->answer;
	Datum		values[RESULT_COLUMNS];
	bool		isnull[RESULT_COLUMNS] = {false};
	Jsonb	   *server = answer->server == NULL ? NULL :
	DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
									   CStringGetDatum(answer->server)));

	values[COLUMN_ORDINAL] = Int32GetDatum(item->ordinal);
	values[COLUMN_MUTATION_ID] = text_or_null(item->id,
											  &isnull[COLUMN_MUTATION_ID]);
	values[COLUMN_STATUS] =
		CStringGetTextDatum(sp_answer_status(answer->status));
	values[COLUMN_KEY] = json_or_null(answer->key, &isnull[COLUMN_KEY]);
	values[COLUMN_TEMP_KEY] = json_or_null(answer->temp_key,
										   &isnull[COLUMN_TEMP_KEY]);
	values[COLUMN_SERVER] = json_or_null(server, &isnull[COLUMN_SERVER]);
	values[COLUMN_CLIENT] = json_or_null(answer->client,
										 &isnull[COLUMN_CLIENT]);
	values[COLUMN_CONFLICT_COLUMNS] =
		PointerGetDatum(answer->conflict_columns);
	isnull[COLUMN_CONFLICT_COLUMNS] = answer->conflict_columns == NULL;
	values[COLUMN_ERROR] = json_or_null(answer->error, &isnull[COLUMN_ERROR]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
}

/* A text for a column. */
static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* A jsonb for a column. */
static Datum
json_or_null(Jsonb *json, bool *isnull)
{
	*isnull = json == NULL;
	return json ? JsonbPGetDatum(json) : (Datum) 0;
}

/*
 * syncport.push_json(mutations jsonb, client_id text, atomic boolean,
 *		on_conflict text, int8_as_text boolean, numeric_as_text boolean,
 *		time_zone text) RETURNS json
 */
Datum
syncport_push_json(PG_FUNCTION_ARGS)
{
	EncodeOptions options = {0};
	PushCall   *call;
	StringInfoData out;
	ListCell   *lc;

	options.int8_as_text = !PG_ARGISNULL(ARG_INT8_AS_TEXT) &&
		PG_GETARG_BOOL(ARG_INT8_AS_TEXT);
	options.numeric_as_text = !PG_ARGISNULL(ARG_NUMERIC_AS_TEXT) &&
		PG_GETARG_BOOL(ARG_NUMERIC_AS_TEXT);
	options.time_zone =
		sp_encode_time_zone(PG_ARGISNULL(ARG_TIME_ZONE) ? "UTC" :
							text_to_cstring(PG_GETARG_TEXT_PP(ARG_TIME_ZONE)));
	call = sp_push_call(fcinfo, &options);
	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	appendStringInfoString(&out, "{\"results\":[");
	foreach(lc, call->items)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoChar(&out, ',');
		write_item(&out, lfirst(lc));
	}
	appendStringInfo(&out, "],\"seq\":" INT64_FORMAT "}", call->seq);
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_POINTER(out.data);
}

/* One answer. */
static void
write_item(StringInfo out, const PushItem *item)
{
	const PushAnswer *answer = &item->answer;

	appendStringInfo(out, "{\"ordinal\":%d,\"mutation_id\":", item->ordinal);
	if (item->id)
		sp_json_string(out, item->id, strlen(item->id));
	else
		appendStringInfoString(out, "null");
	appendStringInfo(out, ",\"status\":\"%s\"",
					 sp_answer_status(answer->status));
	write_jsonb(out, ",\"key\":", answer->key);
	write_jsonb(out, ",\"temp_key\":", answer->temp_key);
	appendStringInfo(out, ",\"server\":%s",
					 answer->server ? answer->server : "null");
	write_jsonb(out, ",\"client\":", answer->client);
	write_names(out, ",\"conflict_columns\":", answer->conflict_columns);
	write_jsonb(out, ",\"error\":", answer->error);
	appendStringInfoChar(out, '}');
}

/* A label and JSON. */
static void
write_jsonb(StringInfo out, const char *label, Jsonb *json)
{
	appendStringInfoString(out, label);
	if (json)
		(void) JsonbToCString(out, &json->root, VARSIZE(json));
	else
		appendStringInfoString(out, "null");
}

/* A label and names. */
static void
write_names(StringInfo out, const char *label, ArrayType *names)
{
	Datum	   *values;
	int			count;
	int			i;

	appendStringInfoString(out, label);
	if (names == NULL)
	{
		appendStringInfoString(out, "null");
		return;
	}
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL,
					  &count);
	appendStringInfoChar(out, '[');
	for (i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		sp_json_string(out, VARDATA_ANY(DatumGetPointer(values[i])),
					   VARSIZE_ANY_EXHDR(DatumGetPointer(values[i])));
	}
	appendStringInfoChar(out, ']');
}
