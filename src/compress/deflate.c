/*-------------------------------------------------------------------------
 *
 * deflate.c
 *	  Raw deflate streams by one of two libraries, and their CRC-32.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compress/deflate_library.h"

struct Deflater
{
	const DeflateLibrary *library;
	void	   *state;			/* of the library */
	uint32		crc;
	uint64		bytes_in;
	uint64		bytes_out;
};

static const DeflateLibrary *choose_library(int level);

Deflater *
sp_deflate_create(int level)
{
	Deflater   *deflater = palloc0(sizeof(Deflater));

	deflater->library = choose_library(level);
	deflater->state = deflater->library->create(level);
	return deflater;
}

void
sp_deflate_begin(Deflater *deflater)
{
	deflater->library->reset(deflater->state);
	deflater->crc = 0;
	deflater->bytes_in = 0;
	deflater->bytes_out = 0;
}

void
sp_deflate_write(Deflater *deflater, const char *data, size_t length,
				 DeflateEnd end, StringInfo out)
{
	int			start = out->len;

	deflater->crc = deflater->library->crc(deflater->crc, data, length);
	deflater->bytes_in += length;
	deflater->library->write(deflater->state, data, length, end, out);
	deflater->bytes_out += out->len - start;
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

/* The quick library for the levels that it has. */
static const DeflateLibrary *
choose_library(int level)
{
#ifdef SP_HAVE_ISAL
	if (level <= DEFLATE_ISAL_LEVEL_MAX)
		return &sp_deflate_isal;
#endif
	return &sp_deflate_zlib;
}
