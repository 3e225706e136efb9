/*-------------------------------------------------------------------------
 *
 * json.c
 *	  Rows as JSON objects, byte for byte what row_to_json writes.
 *
 * Which JSON a type becomes is decided by core's rules: numbers, booleans,
 * dates, json, arrays and composites by themselves; a cast to json where a
 * user's type has one; else the output function's text as a string.
 *
 * Values of fixed length are written without a check for room: sp_json_row
 * and the writer of arrays reserve VALUE_BYTES_MAX ahead of every value.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "encode/digits.h"
#include "encode/enum_label.h"
#include "encode/json.h"
#include "support/compat.h"

/* keys are copied in blocks of this size */
#define KEY_BLOCK		16

/* longer ones are left to core, which refuses them */
#define BYTEA_BYTES_MAX	(MaxAllocSize / 2 - VALUE_BYTES_MAX)

typedef struct TypeWriter
{
	Oid			type;
	JsonWrite	write;
} TypeWriter;

static JsonWrite find_writer(Oid type);
static bool find_json_cast(Oid type, Oid *function);
static void init_function(JsonEncoder *encoder);
static void make_key(JsonColumn *column, const char *name, bool first);
static inline char *copy_key(char *out, const JsonColumn *column);
static inline char *write_int8(char *out, int64 value);
static void write_bool(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_int2(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_int4(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_int8_number(JsonEncoder *encoder, Datum value,
							  StringInfo out);
static void write_oid(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_float4(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_float8(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_numeric(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_text(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_name(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_bytea(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_uuid(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_date(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_timestamp(JsonEncoder *encoder, Datum value,
							StringInfo out);
static void write_timestamptz(JsonEncoder *encoder, Datum value,
							  StringInfo out);
static void write_json(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_jsonb(JsonEncoder *encoder, Datum value, StringInfo out);
static void append_json(JsonEncoder *encoder, const char *json, size_t length,
						StringInfo out);
static void write_enum(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_cast(JsonEncoder *encoder, Datum value, StringInfo out);
static void write_output(JsonEncoder *encoder, Datum value, StringInfo out);

static const TypeWriter type_writers[] = {
	{BOOLOID, write_bool},
	{INT2OID, write_int2},
	{INT4OID, write_int4},
	{INT8OID, write_int8_number},
	{OIDOID, write_oid},
	{FLOAT4OID, write_float4},
	{FLOAT8OID, write_float8},
	{NUMERICOID, write_numeric},
	{TEXTOID, write_text},
	{VARCHAROID, write_text},
	{BPCHAROID, write_text},
	{NAMEOID, write_name},
	{BYTEAOID, write_bytea},
	{UUIDOID, write_uuid},
	{DATEOID, write_date},
	{TIMESTAMPOID, write_timestamp},
	{TIMESTAMPTZOID, write_timestamptz},
	{JSONOID, write_json},
	{JSONBOID, write_jsonb},
	{ANYARRAYOID, sp_json_array}
};

RowEncoder *
sp_encode_begin_json(TupleDesc desc, int ncolumns,
					 const EncodeOptions *options)
{
	JsonJob    *job = palloc0(sizeof(JsonJob));

	if (options != NULL)
		job->options = *options;
	job->context = CurrentMemoryContext;
	return sp_json_row_begin(job, desc, ncolumns);
}

void
sp_encode_json_row(RowEncoder *encoder, TupleTableSlot *slot, StringInfo out)
{
	slot_getsomeattrs(slot, encoder->nattributes);
	sp_json_row(encoder, slot->tts_values, slot->tts_isnull, out);
	out->data[out->len] = '\0';
}

RowEncoder *
sp_json_row_begin(JsonJob *job, TupleDesc desc, int ncolumns)
{
	MemoryContext old_context = MemoryContextSwitchTo(job->context);
	RowEncoder *row = palloc0(sizeof(RowEncoder));
	int			i;

	row->job = job;
	row->nattributes = ncolumns;
	row->columns = palloc0(sizeof(JsonColumn) * Max(ncolumns, 1));
	for (i = 0; i < ncolumns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		JsonColumn *column = &row->columns[row->ncolumns];

		if (attribute->attisdropped)
			continue;
		column->attribute = i;
		make_key(column, NameStr(attribute->attname), row->ncolumns == 0);
		sp_json_encoder_init(&column->encoder, job, attribute->atttypid);
		row->ncolumns++;
	}
	MemoryContextSwitchTo(old_context);
	return row;
}

void
sp_json_row(RowEncoder *row, const Datum *values, const bool *isnull,
			StringInfo out)
{
	JsonColumn *column = row->columns;
	JsonColumn *end = column + row->ncolumns;

	if (column == end)
		appendStringInfoCharMacro(out, '{');
	for (; column < end; column++)
	{
		char	   *position = sp_value_reserve(out, column->key_length +
												KEY_BLOCK + VALUE_BYTES_MAX);

		position = copy_key(position, column);
		out->len = position - out->data;
		if (isnull[column->attribute])
		{
			memcpy(position, "null", 4);
			out->len += 4;
		}
		else
			column->encoder.write(&column->encoder,
								  values[column->attribute], out);
	}
	appendStringInfoCharMacro(out, '}');
}

void
sp_json_encoder_init(JsonEncoder *encoder, JsonJob *job, Oid type)
{
	Oid			function;

	memset(encoder, 0, sizeof(*encoder));
	encoder->job = job;
	encoder->type = getBaseType(type);
	encoder->write = find_writer(encoder->type);
	if (encoder->write != NULL)
		return;
	if (find_json_cast(encoder->type, &function))
	{
		fmgr_info_cxt(function, &encoder->function, job->context);
		encoder->write = write_cast;
	}
	else if (get_typtype(encoder->type) == TYPTYPE_ENUM)
	{
		encoder->state = sp_enum_labels(job->context, true);
		encoder->write = write_enum;
	}
	else
	{
		init_function(encoder);
		encoder->write = write_output;
	}
}

/* The writer of a type that needs no function, or NULL. */
static JsonWrite
find_writer(Oid type)
{
	int			i;

	for (i = 0; i < lengthof(type_writers); i++)
	{
		if (type_writers[i].type == type)
			return type_writers[i].write;
	}
	if (OidIsValid(get_element_type(type)) || type == RECORDARRAYOID)
		return sp_json_array;
	if (type_is_rowtype(type))
		return sp_json_composite;
	return NULL;
}

/* Has a user's type a cast to json by a function? */
static bool
find_json_cast(Oid type, Oid *function)
{
	if (type < FirstNormalObjectId)
		return false;
	return find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT,
								 function) == COERCION_PATH_FUNC &&
		OidIsValid(*function);
}

/* Look up the output function of the encoder's type. */
static void
init_function(JsonEncoder *encoder)
{
	Oid			function;
	bool		is_varlena;

	getTypeOutputInfo(encoder->type, &function, &is_varlena);
	fmgr_info_cxt(function, &encoder->function, encoder->job->context);
}

/* The text that stands ahead of a column's value. */
static void
make_key(JsonColumn *column, const char *name, bool first)
{
	StringInfoData key;

	initStringInfo(&key);
	appendStringInfoChar(&key, first ? '{' : ',');
	sp_json_string(&key, name, strlen(name));
	appendStringInfoChar(&key, ':');
	column->key_length = key.len;
	enlargeStringInfo(&key, KEY_BLOCK);
	memset(key.data + key.len, 0, KEY_BLOCK);
	column->key = key.data;
}

/* Copy a key; writes up to KEY_BLOCK bytes behind its end. */
static inline char *
copy_key(char *out, const JsonColumn *column)
{
	int			done;

	for (done = 0; done < column->key_length; done += KEY_BLOCK)
		memcpy(out + done, column->key + done, KEY_BLOCK);
	return out + column->key_length;
}

/* true or false */
static void
write_bool(JsonEncoder *encoder, Datum value, StringInfo out)
{
	if (DatumGetBool(value))
		memcpy(out->data + out->len, "true", 4);
	else
		memcpy(out->data + out->len, "false", 5);
	out->len += DatumGetBool(value) ? 4 : 5;
}

/* smallint */
static void
write_int2(JsonEncoder *encoder, Datum value, StringInfo out)
{
	char	   *position = out->data + out->len;

	out->len += sp_digits_int32(position, DatumGetInt16(value)) - position;
}

/* integer */
static void
write_int4(JsonEncoder *encoder, Datum value, StringInfo out)
{
	char	   *position = out->data + out->len;

	out->len += sp_digits_int32(position, DatumGetInt32(value)) - position;
}

/* bigint, as a string where the options say so */
static void
write_int8_number(JsonEncoder *encoder, Datum value, StringInfo out)
{
	char	   *position = out->data + out->len;

	if (encoder->job->options.int8_as_text)
	{
		*position++ = '"';
		position = write_int8(position, DatumGetInt64(value));
		*position++ = '"';
	}
	else
		position = write_int8(position, DatumGetInt64(value));
	out->len = position - out->data;
}

/* The digits of a bigint. */
static inline char *
write_int8(char *out, int64 value)
{
	return out + pg_lltoa(value, out);
}

/* oid, which core takes for no number */
static void
write_oid(JsonEncoder *encoder, Datum value, StringInfo out)
{
	char	   *position = out->data + out->len;

	*position++ = '"';
	position += pg_ultoa_n(DatumGetObjectId(value), position);
	*position++ = '"';
	out->len = position - out->data;
}

/* real; what is no JSON number becomes a string */
static void
write_float4(JsonEncoder *encoder, Datum value, StringInfo out)
{
	float4		number = DatumGetFloat4(value);
	bool		quoted = isnan(number) || isinf(number);
	char	   *position = out->data + out->len;

	if (quoted)
		*position++ = '"';
	position = sp_value_float4(position, number);
	if (quoted)
		*position++ = '"';
	out->len = position - out->data;
}

/* double precision, as float4 */
static void
write_float8(JsonEncoder *encoder, Datum value, StringInfo out)
{
	float8		number = DatumGetFloat8(value);
	bool		quoted = isnan(number) || isinf(number);
	char	   *position = out->data + out->len;

	if (quoted)
		*position++ = '"';
	position = sp_value_float8(position, number);
	if (quoted)
		*position++ = '"';
	out->len = position - out->data;
}

/* numeric; a string where it is no number or the options say so */
static void
write_numeric(JsonEncoder *encoder, Datum value, StringInfo out)
{
	struct varlena *number = sp_value_varlena(value);
	bool		quoted = encoder->job->options.numeric_as_text ||
	sp_value_numeric_is_special(number);

	if (quoted)
		out->data[out->len++] = '"';
	sp_value_numeric(out, number);
	if (quoted)
		appendStringInfoCharMacro(out, '"');
}

/* text, varchar, char(n) */
static void
write_text(JsonEncoder *encoder, Datum value, StringInfo out)
{
	struct varlena *string = sp_value_varlena(value);

	sp_json_string(out, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
}

/* name */
static void
write_name(JsonEncoder *encoder, Datum value, StringInfo out)
{
	const char *name = NameStr(*DatumGetName(value));

	sp_json_string(out, name, strlen(name));
}

/* bytea; the backslash ahead of its x is escaped */
static void
write_bytea(JsonEncoder *encoder, Datum value, StringInfo out)
{
	struct varlena *bytes = sp_value_varlena(value);
	char	   *position;

	if (bytea_output != BYTEA_OUTPUT_HEX ||
		VARSIZE_ANY_EXHDR(bytes) > BYTEA_BYTES_MAX)
	{
		Datum		string = DirectFunctionCall1(byteaout,
												 PointerGetDatum(bytes));

		sp_json_string(out, DatumGetCString(string),
					   strlen(DatumGetCString(string)));
		return;
	}
	position = sp_value_reserve(out, 2 * VARSIZE_ANY_EXHDR(bytes) +
								VALUE_BYTES_MAX);
	memcpy(position, "\"\\\\x", 4);
	position = sp_value_hex(position + 4, VARDATA_ANY(bytes),
							VARSIZE_ANY_EXHDR(bytes));
	*position++ = '"';
	out->len = position - out->data;
}

/* uuid */
static void
write_uuid(JsonEncoder *encoder, Datum value, StringInfo out)
{
	char	   *position = out->data + out->len;

	*position++ = '"';
	position = sp_value_uuid(position, DatumGetUUIDP(value));
	*position++ = '"';
	out->len = position - out->data;
}

/* date */
static void
write_date(JsonEncoder *encoder, Datum value, StringInfo out)
{
	char	   *position = out->data + out->len;

	*position++ = '"';
	position = sp_value_date(position, DatumGetDateADT(value));
	*position++ = '"';
	out->len = position - out->data;
}

/* timestamp without time zone */
static void
write_timestamp(JsonEncoder *encoder, Datum value, StringInfo out)
{
	char	   *position = out->data + out->len;

	*position++ = '"';
	position = sp_value_timestamp(position, DatumGetTimestamp(value),
								  TIME_STYLE_XSD);
	*position++ = '"';
	out->len = position - out->data;
}

/* timestamp with time zone, in the zone of the options or the session */
static void
write_timestamptz(JsonEncoder *encoder, Datum value, StringInfo out)
{
	JsonJob    *job = encoder->job;
	pg_tz	   *zone = job->options.time_zone ? job->options.time_zone :
	session_timezone;
	char	   *position = out->data + out->len;

	*position++ = '"';
	position = sp_value_timestamptz(position, DatumGetTimestampTz(value),
									zone, &job->zone, TIME_STYLE_XSD);
	*position++ = '"';
	out->len = position - out->data;
}

/* json, as it was written */
static void
write_json(JsonEncoder *encoder, Datum value, StringInfo out)
{
	struct varlena *json = sp_value_varlena(value);

	append_json(encoder, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json), out);
}

/* jsonb */
static void
write_jsonb(JsonEncoder *encoder, Datum value, StringInfo out)
{
	sp_json_jsonb(out, DatumGetJsonbP(value));
}

/*
 * Append JSON text.  A line break in it can only stand between its tokens,
 * where a space says the same.
 */
static void
append_json(JsonEncoder *encoder, const char *json, size_t length,
			StringInfo out)
{
	int			start = out->len;
	int			i;

	appendBinaryStringInfo(out, json, length);
	if (!encoder->job->options.single_line)
		return;
	for (i = start; i < out->len; i++)
	{
		if (out->data[i] == '\n' || out->data[i] == '\r')
			out->data[i] = ' ';
	}
}

/* enum, by labels already looked up */
static void
write_enum(JsonEncoder *encoder, Datum value, StringInfo out)
{
	const EnumLabel *label = sp_enum_label(encoder->state,
										   DatumGetObjectId(value));

	appendBinaryStringInfo(out, label->text, label->length);
}

/* Any type with a cast to json. */
static void
write_cast(JsonEncoder *encoder, Datum value, StringInfo out)
{
	write_json(encoder, FunctionCall1(&encoder->function, value), out);
}

/* Any other type: what its output function says, as a string. */
static void
write_output(JsonEncoder *encoder, Datum value, StringInfo out)
{
	const char *string = sp_value_output(&encoder->function, value,
										 encoder->job->options.time_zone);

	sp_json_string(out, string, strlen(string));
}
