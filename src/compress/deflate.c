/*-------------------------------------------------------------------------
 *
 * deflate.c
 *	  Chooses the library for a level, and counts what goes in and out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef SP_HAVE_ISAL
#include <isa-l/crc.h>
#else
#include <zlib.h>
#endif

#include "compress/deflate_method.h"

/*
 * Input is taken in pieces of this size: the libraries count it in 32 bits,
 * and what the checksum has read should still be in the cache.
 */
#define PIECE_BYTES		(256 * 1024)

static void compress_piece(Deflater *deflater, const char *data,
						   uint32 length, DeflateGoal goal, StringInfo out);
static uint32 update_crc(uint32 crc, const char *data, uint32 length);

Deflater *
sp_deflate_create(int level)
{
	Deflater   *deflater;

	Assert(level >= DEFLATE_LEVEL_MIN && level <= DEFLATE_LEVEL_MAX);
#ifdef SP_HAVE_ISAL
	if (level <= DEFLATE_ISAL_LEVEL_MAX)
		deflater = sp_deflate_isal_create(level);
	else
#endif
		deflater = sp_deflate_zlib_create(level);
	sp_deflate_begin(deflater);
	return deflater;
}

void
sp_deflate_begin(Deflater *deflater)
{
	deflater->methods->begin(deflater);
	deflater->crc = 0;
	deflater->bytes_in = 0;
	deflater->bytes_out = 0;
}

void
sp_deflate_write(Deflater *deflater, const char *data, size_t length,
				 bool last, StringInfo out)
{
	while (length > PIECE_BYTES)
	{
		compress_piece(deflater, data, PIECE_BYTES, DEFLATE_GO_ON, out);
		data += PIECE_BYTES;
		length -= PIECE_BYTES;
	}
	if (length > 0 || last)
		compress_piece(deflater, data, length,
					   last ? DEFLATE_END : DEFLATE_GO_ON, out);
}

void
sp_deflate_flush(Deflater *deflater, StringInfo out)
{
	compress_piece(deflater, NULL, 0, DEFLATE_FLUSH, out);
}

uint32
sp_deflate_crc(const Deflater *deflater)
{
	return deflater->crc;
}

uint64
sp_deflate_bytes_in(const Deflater *deflater)
{
	return deflater->bytes_in;
}

uint64
sp_deflate_bytes_out(const Deflater *deflater)
{
	return deflater->bytes_out;
}

/* Check, compress and count one piece. */
static void
compress_piece(Deflater *deflater, const char *data, uint32 length,
			   DeflateGoal goal, StringInfo out)
{
	int			old_len = out->len;

	if (length > 0)
		deflater->crc = update_crc(deflater->crc, data, length);
	deflater->methods->compress(deflater, data, length, goal, out);
	out->data[out->len] = '\0';
	deflater->bytes_in += length;
	deflater->bytes_out += out->len - old_len;
}

/* The CRC-32 of what crc covers and these bytes. */
static uint32
update_crc(uint32 crc, const char *data, uint32 length)
{
#ifdef SP_HAVE_ISAL
	return crc32_gzip_refl(crc, (const unsigned char *) data, length);
#else
	return crc32(crc, (const Bytef *) data, length);
#endif
}
