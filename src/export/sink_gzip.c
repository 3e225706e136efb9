/*-------------------------------------------------------------------------
 *
 * sink_gzip.c
 *	  A filter that makes a gzip file (RFC 1952) of one member.
 *
 * The header says nothing of a name or a time, so that the same rows give
 * the same file.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compress/deflate.h"
#include "export/sink_compress.h"

typedef struct GzipSink
{
	CompressSink base;			/* must be first */
	Deflater   *deflater;
} GzipSink;

static void open_gzip(ExportSink *sink, bool binary);
static void compress_piece(ExportSink *sink, const char *data, size_t length,
						   bool flush);
static void finish_gzip(ExportSink *sink);
static void append_uint32(StringInfo out, uint32 value);

static const ExportSinkMethods gzip_methods = {
	.open = open_gzip,
	.write = sp_sink_compress_write,
	.finish = finish_gzip
};

ExportSink *
sp_sink_gzip(int level, ExportSink *next)
{
	GzipSink   *sink = palloc0(sizeof(GzipSink));

	sink->base.base.methods = &gzip_methods;
	sp_sink_compress_init(&sink->base, next);
	sink->base.compress = compress_piece;
	sink->deflater = sp_deflate_create(level);
	return &sink->base.base;
}

/* Open the next sink, and write the header. */
static void
open_gzip(ExportSink *sink, bool binary)
{
	/* magic, deflate, no flags, no time, no extra flags, unknown system */
	static const char header[] = "\x1F\x8B\x08\0\0\0\0\0\0\xFF";
	CompressSink *self = (CompressSink *) sink;

	self->next->methods->open(self->next, true);
	sp_deflate_begin(((GzipSink *) sink)->deflater);
	appendBinaryStringInfo(&self->out, header, sizeof(header) - 1);
}

/* Compress some bytes. */
static void
compress_piece(ExportSink *sink, const char *data, size_t length, bool flush)
{
	GzipSink   *self = (GzipSink *) sink;

	sp_deflate_write(self->deflater, data, length,
					 flush ? DEFLATE_FLUSH : DEFLATE_CONTINUE,
					 &self->base.out);
}

/* End the stream; CRC and length follow it. */
static void
finish_gzip(ExportSink *sink)
{
	GzipSink   *self = (GzipSink *) sink;
	StringInfo	out = &self->base.out;

	sp_deflate_write(self->deflater, "", 0, DEFLATE_END, out);
	append_uint32(out, sp_deflate_crc(self->deflater));
	append_uint32(out, (uint32) sp_deflate_bytes_in(self->deflater));
	sp_sink_compress_pass_on(&self->base, true);
	self->base.next->methods->finish(self->base.next);
}

/* Four bytes, the lowest first. */
static void
append_uint32(StringInfo out, uint32 value)
{
	int			i;

	for (i = 0; i < 4; i++)
		appendStringInfoCharMacro(out, (char) (value >> (8 * i)));
}
