/*-------------------------------------------------------------------------
 *
 * deflate_method.h
 *	  What the libraries behind deflate.h have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_COMPRESS_DEFLATE_METHOD_H
#define SYNCPORT_COMPRESS_DEFLATE_METHOD_H

#include "lib/stringinfo.h"

#include "compress/deflate.h"

/* output grows by so much, and is given to a library with at least that */
#define DEFLATE_ROOM_BYTES	(64 * 1024)

/* How far the output of a call has to go. */
typedef enum DeflateGoal
{
	DEFLATE_GO_ON,				/* keep back what makes better output later */
	DEFLATE_FLUSH,				/* all input can be read from the output */
	DEFLATE_END					/* and the stream ends */
} DeflateGoal;

typedef struct DeflateMethods
{
	/* Begin a stream. */
	void		(*begin) (Deflater *deflater);

	/* Take all of the input, append what comes out. */
	void		(*compress) (Deflater *deflater, const char *data,
							 uint32 length, DeflateGoal goal, StringInfo out);
} DeflateMethods;

struct Deflater
{
	const DeflateMethods *methods;
	uint32		crc;			/* of the stream so far */
	uint64		bytes_in;		/* likewise */
	uint64		bytes_out;
};

/* Compressors of a library, palloc'd in the current context, not begun. */
extern Deflater *sp_deflate_zlib_create(int level);

/* The levels that ISA-L has are its own; only where SP_HAVE_ISAL. */
#define DEFLATE_ISAL_LEVEL_MAX	3
extern Deflater *sp_deflate_isal_create(int level);

/* Room at the end of out for output; returns its size. */
static inline uint32
deflate_room(StringInfo out)
{
	if (out->maxlen - out->len - 1 < DEFLATE_ROOM_BYTES)
		enlargeStringInfo(out, DEFLATE_ROOM_BYTES);
	return out->maxlen - out->len - 1;
}

#endif							/* SYNCPORT_COMPRESS_DEFLATE_METHOD_H */
