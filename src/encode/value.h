/*-------------------------------------------------------------------------
 *
 * value.h
 *	  Text of single values, without quotes and without a palloc.
 *
 * Shared by every format that writes text.  A function that takes char *out
 * writes at most VALUE_BYTES_MAX bytes there and returns where it stopped;
 * nothing is terminated by a NUL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_ENCODE_VALUE_H
#define SYNCPORT_ENCODE_VALUE_H

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "pgtime.h"
#include "utils/date.h"
#include "utils/uuid.h"

#include "support/compat.h"

/* no value of a type of fixed length needs more */
#define VALUE_BYTES_MAX		64

/* 16 years of a zone with summer time */
#define ZONE_INTERVALS		32

typedef struct ZoneInterval
{
	pg_time_t	start;			/* first second of the known part */
	pg_time_t	end;			/* first second behind it */
	long		offset;			/* seconds east of UTC in between */
} ZoneInterval;

/*
 * Offsets of a time zone already looked up.  An interval never reaches over
 * a change of the offset, so that what it says is exact.
 */
typedef struct ZoneCache
{
	pg_tz	   *zone;			/* zone of the intervals; NULL: none yet */
	int			nintervals;		/* how many are filled */
	int			next;			/* the one to fill or to replace next */
	int			last;			/* the one used last */
	ZoneInterval intervals[ZONE_INTERVALS]; /* in no order */
} ZoneCache;

/*
 * Room for nbytes more behind the end of out; returns that end.  The caller
 * writes there and moves out->len.
 */
static inline char *
sp_value_reserve(StringInfo out, int nbytes)
{
	if (unlikely(out->maxlen - out->len <= nbytes))
		enlargeStringInfo(out, nbytes);
	return out->data + out->len;
}

/* A varlena as it is, or out of line and decompressed; it may be packed. */
static inline struct varlena *
sp_value_varlena(Datum value)
{
	struct varlena *pointer = (struct varlena *) DatumGetPointer(value);

	if (likely(!VARATT_IS_COMPRESSED(pointer) &&
			   !VARATT_IS_EXTERNAL(pointer)))
		return pointer;
	return pg_detoast_datum_packed(pointer);
}

/* The text of float4out and float8out under extra_float_digits. */
extern char *sp_value_float4(char *out, float4 value);
extern char *sp_value_float8(char *out, float8 value);

extern char *sp_value_uuid(char *out, const pg_uuid_t *value);

/*
 * How a time follows a date, and how an offset is written: T and +HH:MM as
 * in ISO 8601, or a space and +HH, with minutes where there are some, as
 * under DateStyle ISO.
 */
typedef enum TimeStyle
{
	TIME_STYLE_XSD,
	TIME_STYLE_ISO
} TimeStyle;

/*
 * YYYY-MM-DD, HH:MM:SS.FFFFFF, both, with an offset behind them; " BC" last
 * where needed, or [-]infinity.  zone is the one to show the time in.
 */
extern char *sp_value_date(char *out, DateADT value);
extern char *sp_value_time(char *out, TimeADT value);
extern char *sp_value_timetz(char *out, const TimeTzADT *value);
extern char *sp_value_timestamp(char *out, Timestamp value,
								TimeStyle style);
extern char *sp_value_timestamptz(char *out, TimestampTz value,
								  pg_tz *zone, ZoneCache *cache,
								  TimeStyle style);

/*
 * What an output function says, palloc'd.  A value may hold timestamps, as
 * ranges do, and the function knows no zone but the session's: it is called
 * while that is zone (NULL: leave it).
 */
extern char *sp_value_output(FmgrInfo *function, Datum value, pg_tz *zone);

/* The offset of a zone at a finite time, in seconds east of UTC. */
extern long sp_value_zone_offset(TimestampTz value, pg_tz *zone,
								 ZoneCache *cache);

/*
 * Append a numeric, as a varlena that is neither compressed nor external
 * (but may be packed).  is_special: NaN or an infinity.
 */
extern bool sp_value_numeric_is_special(const struct varlena *value);
extern void sp_value_numeric(StringInfo out, const struct varlena *value);

/* The same where VALUE_BYTES_MAX is enough, or NULL. */
extern char *sp_value_short_numeric(char *out, const struct varlena *value);

/* Write nbytes bytes as 2 * nbytes hex digits; no limit of length. */
extern char *sp_value_hex(char *out, const char *bytes, size_t nbytes);

#endif							/* SYNCPORT_ENCODE_VALUE_H */
