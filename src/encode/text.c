/*-------------------------------------------------------------------------
 *
 * text.c
 *	  Values as the text that their output functions give.
 *
 * Which text a value has may depend on settings, and a function in the query
 * may change them between two rows: they are looked at for every value.
 * DateStyle ISO is written here, the others are left to core.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "encode/digits.h"
#include "encode/enum_label.h"
#include "encode/json.h"
#include "encode/text.h"
#include "support/compat.h"

/* a scratch buffer that has grown over this is not kept */
#define SCRATCH_KEEP_BYTES	(1024 * 1024)

/* longer ones are left to core, which refuses them */
#define BYTEA_BYTES_MAX		(MaxAllocSize / 2 - VALUE_BYTES_MAX)

typedef struct TypeText
{
	Oid			type;
	TextPlain	plain;			/* or NULL */
	TextGet		get;			/* NULL: by the output function */
} TypeText;

static const TypeText *find_type(Oid type);
static StringInfo reset_scratch(TextJob *job);
static char *write_bool(TextEncoder *encoder, Datum value, char *out);
static char *write_int2(TextEncoder *encoder, Datum value, char *out);
static char *write_int4(TextEncoder *encoder, Datum value, char *out);
static char *write_int8(TextEncoder *encoder, Datum value, char *out);
static char *write_oid(TextEncoder *encoder, Datum value, char *out);
static char *write_float4(TextEncoder *encoder, Datum value, char *out);
static char *write_float8(TextEncoder *encoder, Datum value, char *out);
static char *write_numeric(TextEncoder *encoder, Datum value, char *out);
static char *write_uuid(TextEncoder *encoder, Datum value, char *out);
static char *write_date(TextEncoder *encoder, Datum value, char *out);
static char *write_time(TextEncoder *encoder, Datum value, char *out);
static char *write_timetz(TextEncoder *encoder, Datum value, char *out);
static char *write_timestamp(TextEncoder *encoder, Datum value, char *out);
static char *write_timestamptz(TextEncoder *encoder, Datum value, char *out);
static void get_varlena(TextEncoder *encoder, Datum value, TextSpan *span);
static void get_name(TextEncoder *encoder, Datum value, TextSpan *span);
static void get_bytea(TextEncoder *encoder, Datum value, TextSpan *span);
static void get_jsonb(TextEncoder *encoder, Datum value, TextSpan *span);
static void get_enum(TextEncoder *encoder, Datum value, TextSpan *span);
static void get_output(TextEncoder *encoder, Datum value, TextSpan *span);

static const TypeText types[] = {
	{BOOLOID, write_bool, NULL},
	{INT2OID, write_int2, NULL},
	{INT4OID, write_int4, NULL},
	{INT8OID, write_int8, NULL},
	{OIDOID, write_oid, NULL},
	{FLOAT4OID, write_float4, NULL},
	{FLOAT8OID, write_float8, NULL},
	{NUMERICOID, write_numeric, NULL},
	{UUIDOID, write_uuid, NULL},
	{DATEOID, write_date, NULL},
	{TIMEOID, write_time, NULL},
	{TIMETZOID, write_timetz, NULL},
	{TIMESTAMPOID, write_timestamp, NULL},
	{TIMESTAMPTZOID, write_timestamptz, NULL},
	{TEXTOID, NULL, get_varlena},
	{VARCHAROID, NULL, get_varlena},
	{BPCHAROID, NULL, get_varlena},
	{JSONOID, NULL, get_varlena},
	{NAMEOID, NULL, get_name},
	{BYTEAOID, NULL, get_bytea},
	{JSONBOID, NULL, get_jsonb}
};

TextJob *
sp_text_job(pg_tz *time_zone)
{
	TextJob    *job = palloc0(sizeof(TextJob));

	job->time_zone = time_zone;
	job->context = CurrentMemoryContext;
	initStringInfo(&job->scratch);
	return job;
}

void
sp_text_encoder_init(TextEncoder *encoder, TextJob *job, Oid type)
{
	Oid			base_type = getBaseType(type);
	const TypeText *known = find_type(base_type);
	Oid			function;
	bool		is_varlena;

	memset(encoder, 0, sizeof(*encoder));
	encoder->job = job;
	encoder->get = get_output;
	getTypeOutputInfo(base_type, &function, &is_varlena);
	fmgr_info_cxt(function, &encoder->function, job->context);
	if (known != NULL)
	{
		encoder->plain = known->plain;
		if (known->get != NULL)
			encoder->get = known->get;
	}
	else if (get_typtype(base_type) == TYPTYPE_ENUM)
	{
		encoder->state = sp_enum_labels(job->context, false);
		encoder->get = get_enum;
	}
}

/* What is known of a type, or NULL. */
static const TypeText *
find_type(Oid type)
{
	int			i;

	for (i = 0; i < lengthof(types); i++)
	{
		if (types[i].type == type)
			return &types[i];
	}
	return NULL;
}

/* The job's scratch buffer, empty. */
static StringInfo
reset_scratch(TextJob *job)
{
	if (job->scratch.maxlen > SCRATCH_KEEP_BYTES)
	{
		MemoryContext old_context = MemoryContextSwitchTo(job->context);

		pfree(job->scratch.data);
		initStringInfo(&job->scratch);
		MemoryContextSwitchTo(old_context);
	}
	else
		resetStringInfo(&job->scratch);
	return &job->scratch;
}

/* t or f */
static char *
write_bool(TextEncoder *encoder, Datum value, char *out)
{
	*out = DatumGetBool(value) ? 't' : 'f';
	return out + 1;
}

/* smallint */
static char *
write_int2(TextEncoder *encoder, Datum value, char *out)
{
	return sp_digits_int32(out, DatumGetInt16(value));
}

/* integer */
static char *
write_int4(TextEncoder *encoder, Datum value, char *out)
{
	return sp_digits_int32(out, DatumGetInt32(value));
}

/* bigint */
static char *
write_int8(TextEncoder *encoder, Datum value, char *out)
{
	return out + pg_lltoa(DatumGetInt64(value), out);
}

/* oid */
static char *
write_oid(TextEncoder *encoder, Datum value, char *out)
{
	return out + pg_ultoa_n(DatumGetObjectId(value), out);
}

/* real */
static char *
write_float4(TextEncoder *encoder, Datum value, char *out)
{
	return sp_value_float4(out, DatumGetFloat4(value));
}

/* double precision */
static char *
write_float8(TextEncoder *encoder, Datum value, char *out)
{
	return sp_value_float8(out, DatumGetFloat8(value));
}

/* numeric that is not too long */
static char *
write_numeric(TextEncoder *encoder, Datum value, char *out)
{
	struct varlena *number = sp_value_varlena(value);

	return sp_value_short_numeric(out, number);
}

/* uuid */
static char *
write_uuid(TextEncoder *encoder, Datum value, char *out)
{
	return sp_value_uuid(out, DatumGetUUIDP(value));
}

/* date */
static char *
write_date(TextEncoder *encoder, Datum value, char *out)
{
	if (DateStyle != USE_ISO_DATES)
		return NULL;
	return sp_value_date(out, DatumGetDateADT(value));
}

/* time without time zone, the same in every DateStyle */
static char *
write_time(TextEncoder *encoder, Datum value, char *out)
{
	return sp_value_time(out, DatumGetTimeADT(value));
}

/* time with time zone, the same in every DateStyle */
static char *
write_timetz(TextEncoder *encoder, Datum value, char *out)
{
	return sp_value_timetz(out, DatumGetTimeTzADTP(value));
}

/* timestamp without time zone */
static char *
write_timestamp(TextEncoder *encoder, Datum value, char *out)
{
	if (DateStyle != USE_ISO_DATES)
		return NULL;
	return sp_value_timestamp(out, DatumGetTimestamp(value), TIME_STYLE_ISO);
}

/* timestamp with time zone, in the zone of the job or the session */
static char *
write_timestamptz(TextEncoder *encoder, Datum value, char *out)
{
	TextJob    *job = encoder->job;

	if (DateStyle != USE_ISO_DATES)
		return NULL;
	return sp_value_timestamptz(out, DatumGetTimestampTz(value),
								job->time_zone ? job->time_zone :
								session_timezone,
								&job->zone, TIME_STYLE_ISO);
}

/* text, varchar, char(n), json: what is stored */
static void
get_varlena(TextEncoder *encoder, Datum value, TextSpan *span)
{
	struct varlena *string = sp_value_varlena(value);

	span->data = VARDATA_ANY(string);
	span->length = VARSIZE_ANY_EXHDR(string);
}

/* name */
static void
get_name(TextEncoder *encoder, Datum value, TextSpan *span)
{
	span->data = NameStr(*DatumGetName(value));
	span->length = strlen(span->data);
}

/* bytea as hex digits; core writes the other form, and refuses what is long */
static void
get_bytea(TextEncoder *encoder, Datum value, TextSpan *span)
{
	struct varlena *bytes = sp_value_varlena(value);
	StringInfo	scratch;
	char	   *position;

	if (bytea_output != BYTEA_OUTPUT_HEX ||
		VARSIZE_ANY_EXHDR(bytes) > BYTEA_BYTES_MAX)
	{
		get_output(encoder, PointerGetDatum(bytes), span);
		return;
	}
	scratch = reset_scratch(encoder->job);
	position = sp_value_reserve(scratch, 2 * VARSIZE_ANY_EXHDR(bytes) + 2);
	memcpy(position, "\\x", 2);
	position = sp_value_hex(position + 2, VARDATA_ANY(bytes),
							VARSIZE_ANY_EXHDR(bytes));
	span->data = scratch->data;
	span->length = position - scratch->data;
}

/* jsonb */
static void
get_jsonb(TextEncoder *encoder, Datum value, TextSpan *span)
{
	StringInfo	scratch = reset_scratch(encoder->job);

	sp_json_jsonb(scratch, DatumGetJsonbP(value));
	span->data = scratch->data;
	span->length = scratch->len;
}

/* enum, by labels already looked up */
static void
get_enum(TextEncoder *encoder, Datum value, TextSpan *span)
{
	const EnumLabel *label = sp_enum_label(encoder->state,
										   DatumGetObjectId(value));

	span->data = label->text;
	span->length = label->length;
}

/* Whatever else, by the output function. */
static void
get_output(TextEncoder *encoder, Datum value, TextSpan *span)
{
	span->data = sp_value_output(&encoder->function, value,
								 encoder->job->time_zone);
	span->length = strlen(span->data);
}
