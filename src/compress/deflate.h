/*-------------------------------------------------------------------------
 *
 * deflate.h
 *	  Raw deflate streams with the CRC-32 of what went in, for gzip and ZIP.
 *
 * Levels 1 to 3 are made by ISA-L where it was there at build time, several
 * times faster than zlib at the same size; 4 to 9, and all of them without
 * it, by zlib.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_COMPRESS_DEFLATE_H
#define SYNCPORT_COMPRESS_DEFLATE_H

#include "lib/stringinfo.h"

#define DEFLATE_LEVEL_MIN		1
#define DEFLATE_LEVEL_MAX		9
#define DEFLATE_LEVEL_DEFAULT	2

typedef struct Deflater Deflater;

/* What comes behind the bytes of a call. */
typedef enum DeflateEnd
{
	DEFLATE_CONTINUE = false,	/* more */
	DEFLATE_END = true,			/* nothing: end the stream */
	DEFLATE_FLUSH				/* more, but a reader shall see these now */
} DeflateEnd;

/*
 * A compressor for streams of a level, all of it palloc'd in the current
 * context.
 */
extern Deflater *sp_deflate_create(int level);

/* Begin a stream: forget the one before, finished or not. */
extern void sp_deflate_begin(Deflater *deflater);

/*
 * Compress length bytes, which may be 0, and append what comes out to out.
 * Fails only for want of memory; a long call can be cancelled.
 */
extern void sp_deflate_write(Deflater *deflater, const char *data,
							 size_t length, DeflateEnd end, StringInfo out);

/* Of the stream so far: CRC-32 (IEEE, as gzip and ZIP have it), bytes. */
extern uint32 sp_deflate_crc(const Deflater *deflater);
extern uint64 sp_deflate_bytes_in(const Deflater *deflater);
extern uint64 sp_deflate_bytes_out(const Deflater *deflater);

#endif							/* SYNCPORT_COMPRESS_DEFLATE_H */
