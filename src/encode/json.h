/*-------------------------------------------------------------------------
 *
 * json.h
 *	  Values as JSON: what the files of this folder share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_ENCODE_JSON_H
#define SYNCPORT_ENCODE_JSON_H

#include "access/tupdesc.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "encode/encode.h"
#include "encode/value.h"

/* One encode job: what all its values have in common. */
typedef struct JsonJob
{
	EncodeOptions options;		/* as given */
	MemoryContext context;		/* lives as long as the job */
	ZoneCache	zone;			/* offsets of the zone in use */
} JsonJob;

typedef struct JsonEncoder JsonEncoder;

/*
 * Append a value, which is not NULL, to out.  May leave garbage in the
 * current memory context.
 */
typedef void (*JsonWrite) (JsonEncoder *encoder, Datum value,
						   StringInfo out);

/*
 * How to write the values of one type in one place.  An encoder is never
 * entered while it is at work: records inside records have one per level.
 */
struct JsonEncoder
{
	JsonWrite	write;
	JsonJob    *job;
	Oid			type;			/* domains looked through */
	FmgrInfo	function;		/* output function or cast to json, where one
								 * is needed */
	void	   *state;			/* of the writer; NULL at first */
};

/* One column of a row. */
typedef struct JsonColumn
{
	int			attribute;		/* index in the row's values */
	int			key_length;		/* of key, without what pads it */
	char	   *key;			/* separator, quoted name and colon, padded so
								 * that blocks of KEY_BLOCK can be read */
	JsonEncoder encoder;
} JsonColumn;

struct RowEncoder
{
	JsonJob    *job;
	int			nattributes;	/* leading attributes to deform */
	int			ncolumns;		/* those of them that are not dropped */
	JsonColumn *columns;
};

/* Set up the encoder of a type. */
extern void sp_json_encoder_init(JsonEncoder *encoder, JsonJob *job,
								 Oid type);

/* Set up a row; palloc'd in the job's context, which keeps desc's names. */
extern RowEncoder *sp_json_row_begin(JsonJob *job, TupleDesc desc,
									 int ncolumns);

/* Append a row as an object; values and isnull hold nattributes each. */
extern void sp_json_row(RowEncoder *row, const Datum *values,
						const bool *isnull, StringInfo out);

/* Append source as a quoted and escaped string. */
extern void sp_json_string(StringInfo out, const char *source,
						   size_t length);

/* Append the text of a jsonb. */
extern void sp_json_jsonb(StringInfo out, Jsonb *jsonb);

/* Writers of values that hold other values, see json_nested.c. */
extern void sp_json_array(JsonEncoder *encoder, Datum value, StringInfo out);
extern void sp_json_composite(JsonEncoder *encoder, Datum value,
							  StringInfo out);

#endif							/* SYNCPORT_ENCODE_JSON_H */
