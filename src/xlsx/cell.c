/*-------------------------------------------------------------------------
 *
 * cell.c
 *	  Values as cells.
 *
 * A cell's number is a double to every reader, and 15 digits of it are
 * certain.  What a number cannot say exactly becomes text, value by value:
 * nothing is ever rounded.
 *
 * Days are counted from the last day of 1899, as Excel does; the count is
 * right from March 1900 only, as Excel knows a 29 February 1900.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "encode/digits.h"
#include "encode/enum_label.h"
#include "support/compat.h"
#include "xlsx/book.h"

#define FORMAT_DATE			"yyyy-mm-dd"
#define FORMAT_TIMESTAMP	"yyyy-mm-dd hh:mm:ss"
#define FORMAT_TIME			"hh:mm:ss"
#define FORMAT_INTEGER		"0"

/* integers up to here are doubles */
#define EXACT_INTEGER_MAX	(INT64CONST(1) << DBL_MANT_DIG)

/* decimal digits that a double always keeps */
#define EXACT_DIGITS		DBL_DIG

/* longer numbers might lie outside of what a double can say */
#define NUMBER_LENGTH_MAX	300

/* Excel shows no more digits behind the point */
#define SCALE_MAX			30

/* 2000-01-01, 1900-03-01 and 9999-12-31 as Excel counts days */
#define SERIAL_POSTGRES_EPOCH	36526
#define SERIAL_MIN			61
#define SERIAL_MAX			2958465

/* digits of a day's fraction; a microsecond needs 11 */
#define FRACTION_DIGITS		12

/* the units of a cell in hex digits, and some */
#define BYTEA_BYTES_MAX		(XLSX_TEXT_UNITS_MAX / 2 + 1)

#define NUMBER_END			"</v></c>"
#define PLAIN_HEAD			"\" t=\"inlineStr\"><is><t>"
#define PLAIN_END			"</t></is></c>"
#define TRUE_CELL			"\" t=\"b\"><v>1</v></c>"
#define FALSE_CELL			"\" t=\"b\"><v>0</v></c>"

/* Copy a string constant and move on. */
#define COPY_CONSTANT(out, string) \
	(memcpy(out, string, sizeof(string) - 1), (out) + sizeof(string) - 1)

typedef struct TypeWriter
{
	Oid			type;
	XlsxWrite	write;
	const char *format;			/* of its numbers; NULL: General */
	int			width;			/* of its cells; 0: depends */
} TypeWriter;

static int	add_style(XlsxStyles *styles, const char *format);
static int	typmod_scale(int32 typmod);
static bool is_small_numeric(int32 typmod);
static int	numeric_style(XlsxJob *job, const XlsxColumn *column);
static void set_head(XlsxColumn *column);
static inline char *begin_number(XlsxJob *job, const XlsxColumn *column);
static inline void end_number(XlsxJob *job, char *out);
static void write_plain(XlsxJob *job, const XlsxColumn *column,
						const char *text, int length);
static void write_bool(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_int2(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_int4(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_int8(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_oid(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_float4(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_float8(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_small_numeric(XlsxJob *job, XlsxColumn *column,
								Datum value);
static void write_numeric(XlsxJob *job, XlsxColumn *column, Datum value);
static bool is_exact(const char *number, int length);
static void write_text(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_name(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_bytea(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_uuid(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_jsonb(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_date(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_timestamp(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_timestamptz(XlsxJob *job, XlsxColumn *column, Datum value);
static bool write_local(XlsxJob *job, const XlsxColumn *column,
						Timestamp value);
static void write_time(XlsxJob *job, XlsxColumn *column, Datum value);
static char *write_fraction(char *out, int64 time);
static void write_enum(XlsxJob *job, XlsxColumn *column, Datum value);
static void write_output(XlsxJob *job, XlsxColumn *column, Datum value);
static char *call_output(XlsxJob *job, XlsxColumn *column, Datum value);

static const TypeWriter type_writers[] = {
	{BOOLOID, write_bool, NULL, 5},
	{INT2OID, write_int2, NULL, 0},
	{INT4OID, write_int4, NULL, 0},
	{INT8OID, write_int8, FORMAT_INTEGER, 0},
	{OIDOID, write_oid, NULL, 0},
	{FLOAT4OID, write_float4, NULL, 0},
	{FLOAT8OID, write_float8, NULL, 0},
	{NUMERICOID, write_numeric, NULL, 0},
	{TEXTOID, write_text, NULL, 0},
	{VARCHAROID, write_text, NULL, 0},
	{BPCHAROID, write_text, NULL, 0},
	{NAMEOID, write_name, NULL, 0},
	{BYTEAOID, write_bytea, NULL, 0},
	{UUIDOID, write_uuid, NULL, 0},
	{JSONOID, write_text, NULL, 0},
	{JSONBOID, write_jsonb, NULL, 0},
	{DATEOID, write_date, FORMAT_DATE, 10},
	{TIMESTAMPOID, write_timestamp, FORMAT_TIMESTAMP, 19},
	{TIMESTAMPTZOID, write_timestamptz, FORMAT_TIMESTAMP, 19},
	{TIMEOID, write_time, FORMAT_TIME, 8}
};

int
sp_xlsx_column_letters(int column, char *letters)
{
	char		reversed[XLSX_REFERENCE_BYTES];
	int			length = 0;
	int			i;

	for (column++; column > 0; column = (column - 1) / 26)
		reversed[length++] = 'A' + (column - 1) % 26;
	for (i = 0; i < length; i++)
		letters[i] = reversed[length - 1 - i];
	letters[length] = '\0';
	return length;
}

void
sp_xlsx_column_init(XlsxJob *job, XlsxColumn *column)
{
	const TypeWriter *found = NULL;
	Oid			function;
	bool		is_varlena;
	int			i;

	for (i = 0; i < lengthof(type_writers) && found == NULL; i++)
	{
		if (type_writers[i].type == column->type)
			found = &type_writers[i];
	}
	if (found != NULL)
	{
		column->write = found->write;
		column->width = found->width;
		column->fixed_width = found->width > 0;
		column->style = add_style(&job->styles, found->format);
		if (column->type == NUMERICOID)
			column->style = numeric_style(job, column);
		if (column->type == NUMERICOID && is_small_numeric(column->typmod))
			column->write = write_small_numeric;
	}
	else if (get_typtype(column->type) == TYPTYPE_ENUM)
	{
		column->state = sp_enum_labels(job->context, false);
		column->write = write_enum;
	}
	else
	{
		getTypeOutputInfo(column->type, &function, &is_varlena);
		fmgr_info_cxt(function, &column->function, job->context);
		column->write = write_output;
	}
	set_head(column);
}

/* The number of a style, added if need be; 0 where there are too many. */
static int
add_style(XlsxStyles *styles, const char *format)
{
	int			i;

	if (format == NULL)
		return 0;
	for (i = 0; i < styles->nstyles; i++)
	{
		if (strcmp(styles->formats[i], format) == 0)
			return i + 1;
	}
	if (styles->nstyles == XLSX_STYLES_MAX)
		return 0;
	strlcpy(styles->formats[styles->nstyles], format, XLSX_STYLE_BYTES);
	return ++styles->nstyles;
}

/*
 * The scale of a numeric type with a precision: 11 bits with a sign, as
 * numeric.c keeps them.
 */
static int
typmod_scale(int32 typmod)
{
	return (((typmod - VARHDRSZ) & 0x7FF) ^ 1024) - 1024;
}

/* Is every value of the type exact as a number, and near enough to 1? */
static bool
is_small_numeric(int32 typmod)
{
	return typmod >= (int32) VARHDRSZ &&
		((typmod - VARHDRSZ) >> 16) <= EXACT_DIGITS &&
		abs(typmod_scale(typmod)) <= EXACT_DIGITS;
}

/* As many digits behind the point as the type has. */
static int
numeric_style(XlsxJob *job, const XlsxColumn *column)
{
	char		format[XLSX_STYLE_BYTES];
	int			scale;

	if (column->typmod < (int32) VARHDRSZ)
		return 0;
	scale = typmod_scale(column->typmod);
	if (scale > SCALE_MAX)
		return 0;
	if (scale <= 0)
		return add_style(&job->styles, FORMAT_INTEGER);
	memcpy(format, "0.", 2);
	memset(format + 2, '0', scale);
	format[2 + scale] = '\0';
	return add_style(&job->styles, format);
}

/* Prepare what stands ahead of a number. */
static void
set_head(XlsxColumn *column)
{
	if (column->style == 0)
		column->head_length = snprintf(column->head, XLSX_HEAD_BYTES,
									   "\"><v>");
	else
		column->head_length = snprintf(column->head, XLSX_HEAD_BYTES,
									   "\" s=\"%d\"><v>", column->style);
}

/* Write a cell up to its number. */
static inline char *
begin_number(XlsxJob *job, const XlsxColumn *column)
{
	char	   *out = sp_xlsx_begin_cell(job, column);

	memcpy(out, column->head, XLSX_HEAD_BYTES);
	return out + column->head_length;
}

/* End it behind its number. */
static inline void
end_number(XlsxJob *job, char *out)
{
	out = COPY_CONSTANT(out, NUMBER_END);
	job->xml.len = out - job->xml.data;
}

/* A cell of short text that needs no escape. */
static void
write_plain(XlsxJob *job, const XlsxColumn *column, const char *text,
			int length)
{
	char	   *out = sp_xlsx_begin_cell(job, column);

	out = COPY_CONSTANT(out, PLAIN_HEAD);
	memcpy(out, text, length);
	out = COPY_CONSTANT(out + length, PLAIN_END);
	job->xml.len = out - job->xml.data;
}

/* boolean */
static void
write_bool(XlsxJob *job, XlsxColumn *column, Datum value)
{
	char	   *out = sp_xlsx_begin_cell(job, column);

	if (DatumGetBool(value))
		out = COPY_CONSTANT(out, TRUE_CELL);
	else
		out = COPY_CONSTANT(out, FALSE_CELL);
	job->xml.len = out - job->xml.data;
}

/* smallint */
static void
write_int2(XlsxJob *job, XlsxColumn *column, Datum value)
{
	char	   *out = begin_number(job, column);

	end_number(job, out + pg_itoa(DatumGetInt16(value), out));
}

/* integer */
static void
write_int4(XlsxJob *job, XlsxColumn *column, Datum value)
{
	char	   *out = begin_number(job, column);

	end_number(job, out + pg_ltoa(DatumGetInt32(value), out));
}

/* bigint, as text where a double is not exact */
static void
write_int8(XlsxJob *job, XlsxColumn *column, Datum value)
{
	int64		number = DatumGetInt64(value);
	char		buffer[VALUE_BYTES_MAX];
	char	   *out;

	if (number < -EXACT_INTEGER_MAX || number > EXACT_INTEGER_MAX)
	{
		write_plain(job, column, buffer, pg_lltoa(number, buffer));
		return;
	}
	out = begin_number(job, column);
	end_number(job, out + pg_lltoa(number, out));
}

/* oid */
static void
write_oid(XlsxJob *job, XlsxColumn *column, Datum value)
{
	char	   *out = begin_number(job, column);

	end_number(job, out + pg_ultoa_n(DatumGetObjectId(value), out));
}

/* real, its shortest exact form whatever extra_float_digits says */
static void
write_float4(XlsxJob *job, XlsxColumn *column, Datum value)
{
	float4		number = DatumGetFloat4(value);
	char		buffer[VALUE_BYTES_MAX];
	char	   *out;

	if (isnan(number) || isinf(number))
	{
		write_plain(job, column, buffer,
					float_to_shortest_decimal_bufn(number, buffer));
		return;
	}
	out = begin_number(job, column);
	end_number(job, out + float_to_shortest_decimal_bufn(number, out));
}

/* double precision; Excel has no subnormal numbers */
static void
write_float8(XlsxJob *job, XlsxColumn *column, Datum value)
{
	float8		number = DatumGetFloat8(value);
	char		buffer[VALUE_BYTES_MAX];
	char	   *out;

	if (isnan(number) || isinf(number) ||
		(number != 0 && fabs(number) < DBL_MIN))
	{
		write_plain(job, column, buffer,
					double_to_shortest_decimal_bufn(number, buffer));
		return;
	}
	out = begin_number(job, column);
	end_number(job, out + double_to_shortest_decimal_bufn(number, out));
}

/* numeric(n) of which every value is exact in a double */
static void
write_small_numeric(XlsxJob *job, XlsxColumn *column, Datum value)
{
	struct varlena *number = pg_detoast_datum_packed((struct varlena *)
													 DatumGetPointer(value));
	char	   *out;

	if (sp_value_numeric_is_special(number))
	{
		write_numeric(job, column, PointerGetDatum(number));
		return;
	}
	out = begin_number(job, column);
	job->xml.len = out - job->xml.data;
	sp_value_numeric(&job->xml, number);
	end_number(job, sp_value_reserve(&job->xml, sizeof(NUMBER_END)));
}

/* numeric, as text where a double is not exact */
static void
write_numeric(XlsxJob *job, XlsxColumn *column, Datum value)
{
	struct varlena *number = pg_detoast_datum_packed((struct varlena *)
													 DatumGetPointer(value));
	StringInfo text = &job->scratch;
	char	   *out;

	resetStringInfo(text);
	sp_value_numeric(text, number);
	if (sp_value_numeric_is_special(number) ||
		!is_exact(text->data, text->len))
	{
		sp_xlsx_text_cell(job, column, 0, text->data, text->len);
		return;
	}
	out = begin_number(job, column);
	job->xml.len = out - job->xml.data;
	appendBinaryStringInfo(&job->xml, text->data, text->len);
	end_number(job, sp_value_reserve(&job->xml, sizeof(NUMBER_END)));
}

/* Does a double keep all digits of a number? */
static bool
is_exact(const char *number, int length)
{
	int			digits = 0;
	int			zeros = 0;
	int			i;

	if (length <= EXACT_DIGITS)
		return true;
	if (length > NUMBER_LENGTH_MAX)
		return false;
	for (i = 0; i < length; i++)
	{
		if (number[i] == '-' || number[i] == '.')
			continue;
		if (number[i] != '0')
		{
			digits += zeros + 1;
			zeros = 0;
		}
		else if (digits > 0)
			zeros++;
	}
	return digits <= EXACT_DIGITS;
}

/* text, varchar, char(n), json */
static void
write_text(XlsxJob *job, XlsxColumn *column, Datum value)
{
	struct varlena *text = pg_detoast_datum_packed((struct varlena *)
												   DatumGetPointer(value));

	sp_xlsx_text_cell(job, column, 0, VARDATA_ANY(text),
					  VARSIZE_ANY_EXHDR(text));
}

/* name */
static void
write_name(XlsxJob *job, XlsxColumn *column, Datum value)
{
	const char *name = NameStr(*DatumGetName(value));

	sp_xlsx_text_cell(job, column, 0, name, strlen(name));
}

/* bytea in hex; of a long one enough to see that it is too long */
static void
write_bytea(XlsxJob *job, XlsxColumn *column, Datum value)
{
	struct varlena *bytes = pg_detoast_datum_packed((struct varlena *)
													DatumGetPointer(value));
	size_t		nbytes = Min(VARSIZE_ANY_EXHDR(bytes), BYTEA_BYTES_MAX);
	StringInfo text = &job->scratch;
	char	   *end;

	resetStringInfo(text);
	enlargeStringInfo(text, 2 * nbytes + 2);
	memcpy(text->data, "\\x", 2);
	end = sp_value_hex(text->data + 2, VARDATA_ANY(bytes), nbytes);
	sp_xlsx_text_cell(job, column, 0, text->data, end - text->data);
}

/* uuid */
static void
write_uuid(XlsxJob *job, XlsxColumn *column, Datum value)
{
	char	   *out = sp_xlsx_begin_cell(job, column);

	out = COPY_CONSTANT(out, PLAIN_HEAD);
	out = sp_value_uuid(out, DatumGetUUIDP(value));
	out = COPY_CONSTANT(out, PLAIN_END);
	job->xml.len = out - job->xml.data;
}

/* jsonb */
static void
write_jsonb(XlsxJob *job, XlsxColumn *column, Datum value)
{
	Jsonb	   *jsonb = DatumGetJsonbP(value);
	StringInfo text = &job->scratch;

	resetStringInfo(text);
	(void) JsonbToCString(text, &jsonb->root, VARSIZE(jsonb));
	sp_xlsx_text_cell(job, column, 0, text->data, text->len);
}

/* date; what Excel cannot count in ISO 8601 */
static void
write_date(XlsxJob *job, XlsxColumn *column, Datum value)
{
	DateADT		date = DatumGetDateADT(value);
	int64		serial = (int64) date + SERIAL_POSTGRES_EPOCH;
	char		buffer[VALUE_BYTES_MAX];
	char	   *out;

	if (serial < SERIAL_MIN || serial > SERIAL_MAX)
	{
		write_plain(job, column, buffer, sp_value_date(buffer, date) - buffer);
		return;
	}
	out = begin_number(job, column);
	end_number(job, out + pg_ultoa_n(serial, out));
}

/* timestamp, as date */
static void
write_timestamp(XlsxJob *job, XlsxColumn *column, Datum value)
{
	Timestamp	timestamp = DatumGetTimestamp(value);
	char		buffer[VALUE_BYTES_MAX];

	if (!write_local(job, column, timestamp))
		write_plain(job, column, buffer,
					sp_value_timestamp(buffer, timestamp,
									   TIME_STYLE_XSD) - buffer);
}

/* timestamptz in its zone; text says which offset it has */
static void
write_timestamptz(XlsxJob *job, XlsxColumn *column, Datum value)
{
	TimestampTz timestamp = DatumGetTimestampTz(value);
	char		buffer[VALUE_BYTES_MAX];

	if (!TIMESTAMP_NOT_FINITE(timestamp) &&
		write_local(job, column, timestamp +
					sp_value_zone_offset(timestamp, job->zone,
										 &job->zone_cache) * USECS_PER_SEC))
		return;
	write_plain(job, column, buffer,
				sp_value_timestamptz(buffer, timestamp, job->zone,
									 &job->zone_cache,
									 TIME_STYLE_XSD) - buffer);
}

/* A moment as a number of days; false where Excel cannot count it. */
static bool
write_local(XlsxJob *job, const XlsxColumn *column, Timestamp value)
{
	int64		days = value / USECS_PER_DAY;
	int64		time = value - days * USECS_PER_DAY;
	int64		serial;
	char	   *out;

	if (time < 0)
	{
		days--;
		time += USECS_PER_DAY;
	}
	serial = days + SERIAL_POSTGRES_EPOCH;
	if (serial < SERIAL_MIN || serial > SERIAL_MAX)
		return false;
	out = begin_number(job, column);
	out += pg_ultoa_n(serial, out);
	end_number(job, write_fraction(out, time));
	return true;
}

/* time without time zone; 24:00 is no time of a day */
static void
write_time(XlsxJob *job, XlsxColumn *column, Datum value)
{
	TimeADT		time = DatumGetTimeADT(value);
	char	   *out;

	if (time >= USECS_PER_DAY)
	{
		write_plain(job, column, "24:00:00", 8);
		return;
	}
	out = begin_number(job, column);
	*out++ = '0';
	end_number(job, write_fraction(out, time));
}

/*
 * The part of a day that microseconds are, behind a point, without zeros at
 * its end.  10^12 / (86400 * 10^6) is 625 / 54.
 */
static char *
write_fraction(char *out, int64 time)
{
	uint64		fraction = ((uint64) time * 625 + 27) / 54;

	if (fraction == 0)
		return out;
	*out++ = '.';
	out = sp_digits_four(out, fraction / 100000000);
	out = sp_digits_four(out, fraction / 10000 % 10000);
	out = sp_digits_four(out, fraction % 10000);
	while (out[-1] == '0')
		out--;
	return out;
}

/* enum, by labels already looked up */
static void
write_enum(XlsxJob *job, XlsxColumn *column, Datum value)
{
	const EnumLabel *label = sp_enum_label(column->state,
										   DatumGetObjectId(value));

	sp_xlsx_text_cell(job, column, 0, label->text, label->length);
}

/* Any other type: what its output function says. */
static void
write_output(XlsxJob *job, XlsxColumn *column, Datum value)
{
	const char *text = call_output(job, column, value);

	sp_xlsx_text_cell(job, column, 0, text, strlen(text));
}

/*
 * Call an output function under settings that are always the same, so that
 * a file does not depend on whose session wrote it.
 */
static char *
call_output(XlsxJob *job, XlsxColumn *column, Datum value)
{
	pg_tz	   *zone = session_timezone;
	int			date_style = DateStyle;
	int			interval_style = IntervalStyle;
	int			float_digits = extra_float_digits;
	int			bytea_style = bytea_output;
	char	   *volatile text = NULL;

	session_timezone = job->zone;
	DateStyle = USE_ISO_DATES;
	IntervalStyle = INTSTYLE_POSTGRES;
	extra_float_digits = 1;
	bytea_output = BYTEA_OUTPUT_HEX;
	PG_TRY();
	{
		text = OutputFunctionCall(&column->function, value);
	}
	PG_FINALLY();
	{
		session_timezone = zone;
		DateStyle = date_style;
		IntervalStyle = interval_style;
		extra_float_digits = float_digits;
		bytea_output = bytea_style;
	}
	PG_END_TRY();
	return text;
}
