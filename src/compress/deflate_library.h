/*-------------------------------------------------------------------------
 *
 * deflate_library.h
 *	  What deflate.c wants of a library.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_COMPRESS_DEFLATE_LIBRARY_H
#define SYNCPORT_COMPRESS_DEFLATE_LIBRARY_H

#include "compress/deflate.h"

/* room for output that a library is given at once */
#define DEFLATE_ROOM_BYTES		(64 * 1024)

/* highest level that ISA-L has */
#define DEFLATE_ISAL_LEVEL_MAX	3

typedef struct DeflateLibrary
{
	/* A stream of a level, palloc'd in the current context. */
	void	   *(*create) (int level);

	/* Begin a new stream. */
	void		(*reset) (void *state);

	/* Compress and append. */
	void		(*write) (void *state, const char *data, size_t length,
						  DeflateEnd end, StringInfo out);

	/* Go on with a CRC-32. */
	uint32		(*crc) (uint32 crc, const char *data, size_t length);
} DeflateLibrary;

extern const DeflateLibrary sp_deflate_isal;
extern const DeflateLibrary sp_deflate_zlib;

#endif							/* SYNCPORT_COMPRESS_DEFLATE_LIBRARY_H */
