/*-------------------------------------------------------------------------
 *
 * sink_zstd.c
 *	  A filter that makes a Zstandard file (RFC 8878) of one frame.
 *
 * The library allocates by malloc; a callback of the memory context gives
 * that back, whatever ends the work.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "utils/memutils.h"

#include "export/sink_compress.h"

typedef struct ZstdSink
{
	CompressSink base;			/* must be first */
	ZSTD_CCtx  *stream;
	int			level;
	MemoryContextCallback cleanup;	/* frees stream */
} ZstdSink;

static void free_stream(void *arg);
static void set_parameter(ZstdSink *sink, ZSTD_cParameter parameter,
						  int value);
static void open_zstd(ExportSink *sink, bool binary);
static void compress_piece(ExportSink *sink, const char *data, size_t length,
						   bool flush);
static void finish_zstd(ExportSink *sink);
static void compress_bytes(ZstdSink *sink, const char *data, size_t length,
						   ZSTD_EndDirective end);
static void check_result(const ZstdSink *sink, size_t result);
static void refuse_memory(int level);

static const ExportSinkMethods zstd_methods = {
	.open = open_zstd,
	.write = sp_sink_compress_write,
	.finish = finish_zstd
};

ExportSink *
sp_sink_zstd(int level, ExportSink *next)
{
	ZstdSink   *sink = palloc0(sizeof(ZstdSink));

	sink->base.base.methods = &zstd_methods;
	sp_sink_compress_init(&sink->base, next);
	sink->base.compress = compress_piece;
	sink->level = level;
	sink->cleanup.func = free_stream;
	sink->cleanup.arg = sink;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &sink->cleanup);
	sink->stream = ZSTD_createCCtx();
	if (sink->stream == NULL)
		refuse_memory(level);
	set_parameter(sink, ZSTD_c_compressionLevel, level);
	set_parameter(sink, ZSTD_c_checksumFlag, 1);
	return &sink->base.base;
}

/* The memory context goes. */
static void
free_stream(void *arg)
{
	ZSTD_freeCCtx(((ZstdSink *) arg)->stream);
}

/* Set a parameter of the stream. */
static void
set_parameter(ZstdSink *sink, ZSTD_cParameter parameter, int value)
{
	check_result(sink, ZSTD_CCtx_setParameter(sink->stream, parameter, value));
}

/* Open the next sink; the library writes the header. */
static void
open_zstd(ExportSink *sink, bool binary)
{
	CompressSink *self = (CompressSink *) sink;

	self->next->methods->open(self->next, true);
}

/* Compress some bytes. */
static void
compress_piece(ExportSink *sink, const char *data, size_t length, bool flush)
{
	compress_bytes((ZstdSink *) sink, data, length,
				   flush ? ZSTD_e_flush : ZSTD_e_continue);
}

/* End the frame. */
static void
finish_zstd(ExportSink *sink)
{
	ZstdSink   *self = (ZstdSink *) sink;

	compress_bytes(self, "", 0, ZSTD_e_end);
	sp_sink_compress_pass_on(&self->base, true);
	self->base.next->methods->finish(self->base.next);
}

/* Compress until all is taken and, at a flush or the end, all is out. */
static void
compress_bytes(ZstdSink *sink, const char *data, size_t length,
			   ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = {data, length, 0};
	StringInfo	out = &sink->base.out;
	size_t		left;

	do
	{
		ZSTD_outBuffer room;

		enlargeStringInfo(out, SINK_CHUNK_BYTES);
		room.dst = out->data + out->len;
		room.size = SINK_CHUNK_BYTES;
		room.pos = 0;
		left = ZSTD_compressStream2(sink->stream, &room, &in, end);
		check_result(sink, left);
		out->len += room.pos;
	} while (end == ZSTD_e_continue ? in.pos < in.size : left > 0);
}

/* Only for want of memory should the library fail. */
static void
check_result(const ZstdSink *sink, size_t result)
{
	if (!ZSTD_isError(result))
		return;
	if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
		refuse_memory(sink->level);
	elog(ERROR, "could not compress data: %s", ZSTD_getErrorName(result));
}

/* The library asked the system in vain; does not return. */
static void
refuse_memory(int level)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("zstd could not allocate what its level %d needs.",
					   level),
			 errhint("A lower COMPRESSION_LEVEL needs less.")));
}
