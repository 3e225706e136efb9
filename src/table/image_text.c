/*-------------------------------------------------------------------------
 *
 * image_text.c
 *	  The text of a value in an image.
 *
 * It must mean the same in every session and be read back by the type's
 * input function, whatever the reader's settings are.  Types that every
 * table has are written without their output function; times with an
 * offset, in UTC.  The others go through it, under the settings that pg_dump
 * uses where their text depends on any.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "encode/json.h"
#include "encode/value.h"
#include "table/image.h"

/* one byte of text becomes at most so many of JSON */
#define ESCAPE_BYTES_MAX	6

/* a type and how it is written */
typedef struct TypeText
{
	Oid			type;
	ImageWrite	write;
} TypeText;

static bool write_bool(ImageColumn *column, Datum value, StringInfo out);
static bool write_int2(ImageColumn *column, Datum value, StringInfo out);
static bool write_int4(ImageColumn *column, Datum value, StringInfo out);
static bool write_int8(ImageColumn *column, Datum value, StringInfo out);
static bool write_numeric(ImageColumn *column, Datum value, StringInfo out);
static bool write_uuid(ImageColumn *column, Datum value, StringInfo out);
static bool write_date(ImageColumn *column, Datum value, StringInfo out);
static bool write_timestamp(ImageColumn *column, Datum value,
							StringInfo out);
static bool write_timestamptz(ImageColumn *column, Datum value,
							  StringInfo out);
static bool write_string(ImageColumn *column, Datum value, StringInfo out);
static bool write_output(ImageColumn *column, Datum value, StringInfo out);
static void close_moment(StringInfo out, char *start, char *end);
static bool append_string(StringInfo out, const char *string, Size length);
static bool depends_on_settings(Oid type);

static const TypeText type_texts[] = {
	{BOOLOID, write_bool},
	{INT2OID, write_int2},
	{INT4OID, write_int4},
	{INT8OID, write_int8},
	{NUMERICOID, write_numeric},
	{UUIDOID, write_uuid},
	{DATEOID, write_date},
	{TIMESTAMPOID, write_timestamp},
	{TIMESTAMPTZOID, write_timestamptz},
	{TEXTOID, write_string},
	{VARCHAROID, write_string},
	{BPCHAROID, write_string},
	{JSONOID, write_string}
};

void
sp_image_column_init(ImageColumn *column, Form_pg_attribute att)
{
	Oid			type = getBaseType(att->atttypid);
	StringInfoData label;
	Oid			output;
	bool		is_varlena;
	int			i;

	initStringInfo(&label);
	escape_json(&label, NameStr(att->attname));
	appendStringInfoChar(&label, ':');
	column->label = label.data;
	column->label_length = label.len;
	column->index = att->attnum - 1;
	column->varlena = att->attlen == -1;
	for (i = 0; i < lengthof(type_texts); i++)
	{
		if (type_texts[i].type == type)
		{
			column->write = type_texts[i].write;
			return;
		}
	}
	column->write = write_output;
	column->settings = depends_on_settings(type);
	getTypeOutputInfo(att->atttypid, &output, &is_varlena);
	fmgr_info(output, &column->output);
}

int
sp_image_enter_settings(void)
{
	static const char *const settings[][2] = {
		{"array_nulls", "on"},
		{"datestyle", "ISO"},
		{"extra_float_digits", "3"},
		{"intervalstyle", "postgres"},
		{"search_path", ""},
		{"xmloption", "content"}
	};
	int			nest_level = NewGUCNestLevel();
	int			i;

	for (i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1],
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nest_level;
}

/* Whether the session's settings change a type's text. */
static bool
depends_on_settings(Oid type)
{
	switch (type)
	{
		case BYTEAOID:
		case CIDROID:
		case INETOID:
		case JSONBOID:
		case MACADDROID:
		case NAMEOID:
		case OIDOID:
		case TIMEOID:
		case VARBITOID:
		case BITOID:
		case XID8OID:
			return false;
		default:
			return get_typtype(type) != TYPTYPE_ENUM;
	}
}

/* t or f */
static bool
write_bool(ImageColumn *column, Datum value, StringInfo out)
{
	appendStringInfoString(out, DatumGetBool(value) ? "\"t\"" : "\"f\"");
	return true;
}

/* Digits in quotes. */
static bool
write_int2(ImageColumn *column, Datum value, StringInfo out)
{
	return write_int4(column, Int32GetDatum(DatumGetInt16(value)), out);
}

/* The same. */
static bool
write_int4(ImageColumn *column, Datum value, StringInfo out)
{
	char	   *start = sp_value_reserve(out, VALUE_BYTES_MAX);
	int			length;

	start[0] = '"';
	length = pg_ltoa(DatumGetInt32(value), start + 1);
	start[length + 1] = '"';
	out->len += length + 2;
	return true;
}

/* The same. */
static bool
write_int8(ImageColumn *column, Datum value, StringInfo out)
{
	char	   *start = sp_value_reserve(out, VALUE_BYTES_MAX);
	int			length;

	start[0] = '"';
	length = pg_lltoa(DatumGetInt64(value), start + 1);
	start[length + 1] = '"';
	out->len += length + 2;
	return true;
}

/* Digits, NaN or an infinity. */
static bool
write_numeric(ImageColumn *column, Datum value, StringInfo out)
{
	appendStringInfoChar(out, '"');
	sp_value_numeric(out, PG_DETOAST_DATUM_PACKED(value));
	appendStringInfoChar(out, '"');
	return true;
}

/* Hex digits in groups. */
static bool
write_uuid(ImageColumn *column, Datum value, StringInfo out)
{
	char	   *start = sp_value_reserve(out, VALUE_BYTES_MAX + 2);

	start[0] = '"';
	close_moment(out, start, sp_value_uuid(start + 1,
										   DatumGetUUIDP(value)));
	return true;
}

/* A day. */
static bool
write_date(ImageColumn *column, Datum value, StringInfo out)
{
	char	   *start = sp_value_reserve(out, VALUE_BYTES_MAX + 2);

	start[0] = '"';
	close_moment(out, start, sp_value_date(start + 1,
										   DatumGetDateADT(value)));
	return true;
}

/* A day and the time of it. */
static bool
write_timestamp(ImageColumn *column, Datum value, StringInfo out)
{
	char	   *start = sp_value_reserve(out, VALUE_BYTES_MAX + 2);

	start[0] = '"';
	close_moment(out, start, sp_value_timestamp(start + 1,
												DatumGetTimestamp(value),
												TIME_STYLE_XSD));
	return true;
}

/* In UTC, so that no session's zone is in it. */
static bool
write_timestamptz(ImageColumn *column, Datum value, StringInfo out)
{
	static ZoneCache cache;
	static pg_tz *utc = NULL;
	char	   *start = sp_value_reserve(out, VALUE_BYTES_MAX + 2);

	if (utc == NULL)
		utc = pg_tzset("UTC");
	start[0] = '"';
	close_moment(out, start,
				 sp_value_timestamptz(start + 1, DatumGetTimestampTz(value),
									  utc, &cache, TIME_STYLE_XSD));
	return true;
}

/* Close the quotes; a time follows its day behind a blank, as in SQL. */
static void
close_moment(StringInfo out, char *start, char *end)
{
	char	   *mark = memchr(start, 'T', end - start);

	if (mark != NULL)
		*mark = ' ';
	*end++ = '"';
	out->len += end - start;
}

/* Types that are stored as their text. */
static bool
write_string(ImageColumn *column, Datum value, StringInfo out)
{
	struct varlena *text_value = PG_DETOAST_DATUM_PACKED(value);

	return append_string(out, VARDATA_ANY(text_value),
						 VARSIZE_ANY_EXHDR(text_value));
}

/* Any other type. */
static bool
write_output(ImageColumn *column, Datum value, StringInfo out)
{
	char	   *string = OutputFunctionCall(&column->output, value);

	return append_string(out, string, strlen(string));
}

/* Append a string unless the result could become too long for memory. */
static bool
append_string(StringInfo out, const char *string, Size length)
{
	if (length > (MaxAllocSize - out->len) / ESCAPE_BYTES_MAX - 2)
		return false;
	sp_json_string(out, string, length);
	return true;
}
