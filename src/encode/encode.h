/*-------------------------------------------------------------------------
 *
 * encode.h
 *	  Values of a row as text, without a palloc per cell.
 *
 * One encoder per column is resolved when the work starts, by type and
 * typmod; the fallback is the type's output function.  The text is byte for
 * byte what the server writes under the session's DateStyle,
 * IntervalStyle, TimeZone, extra_float_digits and bytea_output, as they are
 * when the row is written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_ENCODE_H
#define SYNCPORT_ENCODE_H

#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "pgtime.h"

typedef struct RowEncoder RowEncoder;

typedef struct EncodeOptions
{
	bool		int8_as_text;	/* write int8 as a JSON string */
	bool		numeric_as_text;	/* write numeric as a JSON string */
	bool		single_line;	/* no line breaks out of json values either */
	pg_tz	   *time_zone;		/* for timestamptz; NULL: the session's */
} EncodeOptions;

/*
 * Prepare to write rows of desc as JSON objects equal to row_to_json's text.
 * Only the first ncolumns attributes are written (a caller may carry others
 * behind them), dropped ones are left out.  options may be NULL.  The
 * encoder lives in the current memory context and is freed with it; desc
 * must live as long.
 */
extern RowEncoder *sp_encode_begin_json(TupleDesc desc, int ncolumns,
										const EncodeOptions *options);

/*
 * Append the slot's row as one JSON object to out.  May leave garbage in the
 * current memory context (fallback output functions): run it in a context
 * that is reset per row or page.
 */
extern void sp_encode_json_row(RowEncoder *encoder, TupleTableSlot *slot,
							   StringInfo out);

/*
 * The time zone of a name.  Errors: 22023 where there is none, and for one
 * with leap seconds.
 */
extern pg_tz *sp_encode_time_zone(const char *name);

#endif							/* SYNCPORT_ENCODE_H */
