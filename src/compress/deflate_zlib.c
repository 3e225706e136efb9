/*-------------------------------------------------------------------------
 *
 * deflate_zlib.c
 *	  Deflate by zlib.
 *
 * zlib allocates while a stream is set up, through functions of ours, so
 * that its memory goes with the compressor's context.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <zlib.h>

#include "utils/memutils.h"

#include "compress/deflate_method.h"

/* a raw stream, with the largest window */
#define WINDOW_BITS		(-MAX_WBITS)
#define MEMORY_LEVEL	8

typedef struct ZlibDeflater
{
	Deflater	base;
	z_stream	stream;
} ZlibDeflater;

static void begin_stream(Deflater *deflater);
static void compress_bytes(Deflater *deflater, const char *data,
						   uint32 length, DeflateGoal goal, StringInfo out);
static void *allocate(void *context, unsigned int nitems, unsigned int size);
static void release(void *context, void *chunk);

static const DeflateMethods zlib_methods = {
	.begin = begin_stream,
	.compress = compress_bytes
};

Deflater *
sp_deflate_zlib_create(int level)
{
	ZlibDeflater *self = palloc0(sizeof(ZlibDeflater));

	self->base.methods = &zlib_methods;
	self->stream.zalloc = allocate;
	self->stream.zfree = release;
	self->stream.opaque = CurrentMemoryContext;
	if (deflateInit2(&self->stream, level, Z_DEFLATED, WINDOW_BITS,
					 MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		elog(ERROR, "could not set up zlib: %s",
			 self->stream.msg ? self->stream.msg : "no reason given");
	return &self->base;
}

/* Begin a stream in the memory of the one before. */
static void
begin_stream(Deflater *deflater)
{
	if (deflateReset(&((ZlibDeflater *) deflater)->stream) != Z_OK)
		elog(ERROR, "could not reset zlib");
}

/* Call zlib until it leaves room in the output: then it has no more. */
static void
compress_bytes(Deflater *deflater, const char *data, uint32 length,
			   DeflateGoal goal, StringInfo out)
{
	static const int flushes[] = {
		[DEFLATE_GO_ON] = Z_NO_FLUSH,
		[DEFLATE_FLUSH] = Z_SYNC_FLUSH,
		[DEFLATE_END] = Z_FINISH
	};
	z_stream   *stream = &((ZlibDeflater *) deflater)->stream;

	stream->next_in = (Bytef *) data;
	stream->avail_in = length;
	do
	{
		uint32		room = deflate_room(out);
		int			result;

		stream->next_out = (Bytef *) out->data + out->len;
		stream->avail_out = room;
		result = deflate(stream, flushes[goal]);
		if (result == Z_STREAM_ERROR)
			elog(ERROR, "zlib lost its state");
		out->len += room - stream->avail_out;
	} while (stream->avail_out == 0);
	Assert(stream->avail_in == 0);
}

/* zlib's malloc; runs out of memory as palloc does. */
static void *
allocate(void *context, unsigned int nitems, unsigned int size)
{
	return MemoryContextAlloc(context, (Size) nitems * size);
}

/* zlib's free */
static void
release(void *context, void *chunk)
{
	pfree(chunk);
}
