/*-------------------------------------------------------------------------
 *
 * text.h
 *	  Values as the text that their output functions give.
 *
 * For formats that write the text itself, between delimiters.  A value comes
 * in one of two ways: short ones of well-known types are written straight to
 * where they belong and hold nothing but plain characters; all others are
 * handed over as a span of bytes that the format looks through.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_ENCODE_TEXT_H
#define SYNCPORT_ENCODE_TEXT_H

#include "fmgr.h"
#include "lib/stringinfo.h"

#include "encode/value.h"

/* Is a byte one of those that plain values are made of? */
#define TEXT_IS_PLAIN(byte) \
	(((byte) >= '0' && (byte) <= '9') || \
	 ((byte) >= 'a' && (byte) <= 'z') || \
	 ((byte) >= 'A' && (byte) <= 'Z') || \
	 (byte) == '+' || (byte) == '-' || (byte) == '.' || \
	 (byte) == ':' || (byte) == ' ')

/* What all values of an export have in common. */
typedef struct TextJob
{
	pg_tz	   *time_zone;		/* for timestamptz; NULL: the session's */
	MemoryContext context;		/* lives as long as the job */
	ZoneCache	zone;			/* offsets of the zone in use */
	StringInfoData scratch;		/* holds the span of the last value */
} TextJob;

typedef struct TextSpan
{
	const char *data;			/* not terminated */
	size_t		length;			/* in bytes */
} TextSpan;

typedef struct TextEncoder TextEncoder;

/*
 * Write a value, at most VALUE_BYTES_MAX plain characters, and return where
 * they end; NULL where the value needs another way.
 */
typedef char *(*TextPlain) (TextEncoder *encoder, Datum value, char *out);

/*
 * The text of a value; good until the next call for the same job or the
 * reset of the current context.
 */
typedef void (*TextGet) (TextEncoder *encoder, Datum value, TextSpan *span);

/* How to write the values of one column. */
struct TextEncoder
{
	TextPlain	plain;			/* NULL: never plain */
	TextGet		get;
	TextJob    *job;
	FmgrInfo	function;		/* the output function */
	void	   *state;			/* labels of an enum */
};

/* Set up a job in the current context. */
extern TextJob *sp_text_job(pg_tz *time_zone);

/* Set up the encoder of a type. */
extern void sp_text_encoder_init(TextEncoder *encoder, TextJob *job,
								 Oid type);

#endif							/* SYNCPORT_ENCODE_TEXT_H */
