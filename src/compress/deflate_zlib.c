/*-------------------------------------------------------------------------
 *
 * deflate_zlib.c
 *	  Deflate by zlib, which every machine has.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <zlib.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compress/deflate_library.h"

static void *create_stream(int level);
static void *allocate(void *context, unsigned int count, unsigned int size);
static void release(void *context, void *pointer);
static void reset_stream(void *state);
static void write_stream(void *state, const char *data, size_t length,
						 DeflateEnd end, StringInfo out);
static uint32 add_crc(uint32 crc, const char *data, size_t length);

const DeflateLibrary sp_deflate_zlib = {
	.create = create_stream,
	.reset = reset_stream,
	.write = write_stream,
	.crc = add_crc
};

/* A raw stream that allocates in the current context. */
static void *
create_stream(int level)
{
	z_stream   *stream = palloc0(sizeof(z_stream));

	stream->zalloc = allocate;
	stream->zfree = release;
	stream->opaque = CurrentMemoryContext;
	if (deflateInit2(stream, level, Z_DEFLATED, -MAX_WBITS, 8,
					 Z_DEFAULT_STRATEGY) != Z_OK)
		elog(ERROR, "could not initialize compression library: %s",
			 stream->msg ? stream->msg : "unknown error");
	return stream;
}

/* Memory for zlib. */
static void *
allocate(void *context, unsigned int count, unsigned int size)
{
	return MemoryContextAllocHuge(context, (Size) count * size);
}

/* Memory back from zlib. */
static void
release(void *context, void *pointer)
{
	pfree(pointer);
}

/* The level stays. */
static void
reset_stream(void *state)
{
	if (deflateReset(state) != Z_OK)
		elog(ERROR, "could not reset compression library");
}

/* Compress until the library has room left. */
static void
write_stream(void *state, const char *data, size_t length,
			 DeflateEnd end, StringInfo out)
{
	z_stream   *stream = state;
	int			flush = end == DEFLATE_END ? Z_FINISH :
	end == DEFLATE_FLUSH ? Z_SYNC_FLUSH : Z_NO_FLUSH;

	stream->next_in = (Bytef *) data;
	stream->avail_in = length;
	do
	{
		CHECK_FOR_INTERRUPTS();
		enlargeStringInfo(out, DEFLATE_ROOM_BYTES);
		stream->next_out = (Bytef *) out->data + out->len;
		stream->avail_out = DEFLATE_ROOM_BYTES;
		if (deflate(stream, flush) == Z_STREAM_ERROR)
			elog(ERROR, "could not compress data");
		out->len += DEFLATE_ROOM_BYTES - stream->avail_out;
	} while (stream->avail_out == 0);
}

/* CRC-32 as gzip has it. */
static uint32
add_crc(uint32 crc, const char *data, size_t length)
{
	return crc32_z(crc, (const Bytef *) data, length);
}
