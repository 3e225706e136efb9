/*-------------------------------------------------------------------------
 *
 * json_value.c
 *	  JSON values to values of a column's type.
 *
 * Every value takes the road through the type's input function, so that
 * what SQL accepts between quotes is accepted here.  What the function throws
 * is caught and thrown again in the caller's words: no subtransaction is
 * needed, because the transaction fails either way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "support/json_value.h"
#include "support/compat.h"
#include "support/value.h"

static Datum convert_value(Oid type, const JsonbValue *json);
static char *value_to_text(Oid type, const JsonbValue *json);
static char *array_literal(Oid element, JsonbContainer *array);
static Datum populate_record(Oid type, const JsonbValue *json);
static char *write_json(const JsonbValue *json);
static void append_element(StringInfo out, const char *text);
static void report_refused(int sqlstate, const char *column, Oid type,
						   const JsonbValue *json, ErrorData *error)
			pg_attribute_noreturn();

/* Convert, and say which column it was if the type refuses. */
Datum
sp_json_value(int sqlstate, const char *column, Oid type,
			  const JsonbValue *json)
{
	MemoryContext context = CurrentMemoryContext;
	Datum volatile value = (Datum) 0;

	PG_TRY();
	{
		value = convert_value(type, json);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!sp_value_is_refused(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		report_refused(sqlstate, column, type, json, error);
	}
	PG_END_TRY();
	return value;
}

/* Element by element, so that the one that is refused is named. */
Datum
sp_json_list(int sqlstate, const char *column, Oid type,
			 const JsonbValue *json)
{
	JsonbIterator *it = JsonbIteratorInit(json->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue	element;
	ArrayBuildState *state = initArrayResult(type, CurrentMemoryContext,
											 false);

	token = JsonbIteratorNext(&it, &element, true);
	while ((token = JsonbIteratorNext(&it, &element, true)) == WJB_ELEM)
	{
		bool		isnull = element.type == jbvNull;
		Datum		value = (Datum) 0;

		CHECK_FOR_INTERRUPTS();
		if (!isnull)
			value = sp_json_value(sqlstate, column, type, &element);
		state = accumArrayResult(state, value, isnull, type,
								 CurrentMemoryContext);
	}
	return makeArrayResult(state, CurrentMemoryContext);
}

/* jsonb as it is, objects for records, all else as text. */
static Datum
convert_value(Oid type, const JsonbValue *json)
{
	Oid			input;
	Oid			param;

	if (type == JSONBOID)
		return JsonbPGetDatum(JsonbValueToJsonb((JsonbValue *) json));
	if (json->type == jbvBinary && type_is_rowtype(type) &&
		JsonContainerIsObject(json->val.binary.data))
		return populate_record(type, json);

	getTypeInputInfo(type, &input, &param);
	return OidInputFunctionCall(input, value_to_text(type, json), param, -1);
}

/* What the type's input function is to read. */
static char *
value_to_text(Oid type, const JsonbValue *json)
{
	Oid			element = get_element_type(type);
	Oid			output;
	bool		varlena;

	check_stack_depth();
	type = getBaseType(type);
	if (type == JSONOID || type == JSONBOID || json->type != jbvBinary)
		return type == JSONOID || type == JSONBOID ?
			write_json(json) :
			json->type == jbvString ?
			pnstrdup(json->val.string.val, json->val.string.len) :
			write_json(json);
	if (OidIsValid(element) && JsonContainerIsArray(json->val.binary.data))
		return array_literal(element, json->val.binary.data);
	if (type_is_rowtype(type) && JsonContainerIsObject(json->val.binary.data))
	{
		getTypeOutputInfo(type, &output, &varlena);
		return OidOutputFunctionCall(output, populate_record(type, json));
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("type %s takes no JSON %s", format_type_be(type),
					JsonContainerIsArray(json->val.binary.data) ?
					"array" : "object")));
}

/* The literal of an array, of as many dimensions as there are brackets. */
static char *
array_literal(Oid element, JsonbContainer *array)
{
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue	value;
	StringInfoData out;
	int16		len;
	bool		byval;
	char		align;
	char		delimiter;
	Oid			param;
	Oid			input;
	bool		json = element == JSONOID || element == JSONBOID;

	check_stack_depth();
	get_type_io_data(element, IOFunc_input, &len, &byval, &align,
					 &delimiter, &param, &input);
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	token = JsonbIteratorNext(&it, &value, true);
	while ((token = JsonbIteratorNext(&it, &value, true)) == WJB_ELEM)
	{
		if (out.len > 1)
			appendStringInfoChar(&out, delimiter);
		if (value.type == jbvNull)
			appendStringInfoString(&out, "NULL");
		else if (!json && value.type == jbvBinary &&
				 JsonContainerIsArray(value.val.binary.data))
			appendStringInfoString(&out,
								   array_literal(element,
												 value.val.binary.data));
		else
			append_element(&out, value_to_text(element, &value));
	}
	Assert(token == WJB_END_ARRAY);
	appendStringInfoChar(&out, '}');
	return out.data;
}

/* One element, always in quotes. */
static void
append_element(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '"');
	for (; *text !='\0'; text ++)
	{
		if (*text == '"' || *text == '\\')
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, '"');
}

/* jsonb_populate_record finds its type in the expression that calls it. */
static Datum
populate_record(Oid type, const JsonbValue *json)
{
	LOCAL_FCINFO(fcinfo, 2);
	FmgrInfo	function;
	List	   *args = list_make2(makeNullConst(type, -1, InvalidOid),
								  makeNullConst(JSONBOID, -1, InvalidOid));
	Datum		record;

	fmgr_info(F_JSONB_POPULATE_RECORD, &function);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_POPULATE_RECORD, type,
											 args, InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &function);
	InitFunctionCallInfoData(*fcinfo, &function, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = (Datum) 0;
	fcinfo->args[0].isnull = true;
	fcinfo->args[1].value =
		JsonbPGetDatum(JsonbValueToJsonb((JsonbValue *) json));
	fcinfo->args[1].isnull = false;
	record = FunctionCallInvoke(fcinfo);
	if (fcinfo->isnull)
		elog(ERROR, "jsonb_populate_record returned NULL");
	return record;
}

/* A value as JSON writes it. */
static char *
write_json(const JsonbValue *json)
{
	Jsonb	   *jsonb = JsonbValueToJsonb((JsonbValue *) json);

	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}

/* The type's message becomes the detail. */
static void
report_refused(int sqlstate, const char *column, Oid type,
			   const JsonbValue *json, ErrorData *error)
{
	char	   *shown = write_json(json);

	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("value %s does not fit column \"%s\" of type %s",
					pnstrdup(shown, pg_mbcliplen(shown, strlen(shown), 100)),
					column, format_type_be(type)),
			 errdetail("%s.", error->message)));
}
