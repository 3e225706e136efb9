/*-------------------------------------------------------------------------
 *
 * sink_gzip.c
 *	  A filter that compresses to a gzip file (RFC 1952).
 *
 * What the first call brings is flushed and passed on at once, so that a
 * reader need not wait for a whole chunk of compressed bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "compress/deflate.h"
#include "export/sink.h"

/* so much is compressed between two looks at the buffer and at interrupts */
#define PIECE_BYTES		(16 * SINK_CHUNK_BYTES)

/* in the header: how much effort was made, and that no system is named */
#define HEADER_BEST		2
#define HEADER_FASTEST	4
#define HEADER_NO_OS	255

typedef struct GzipSink
{
	ExportSink	base;
	ExportSink *next;
	int			level;			/* as in deflate.h */
	Deflater   *deflater;
	StringInfoData buffer;		/* compressed, not passed on yet */
	bool		started;		/* something has been passed on */
} GzipSink;

static void open_gzip(ExportSink *sink, bool binary);
static void write_gzip(ExportSink *sink, const char *data, size_t length);
static void finish_gzip(ExportSink *sink);
static void pass_on(GzipSink *sink);
static void append_le32(StringInfo buffer, uint32 value);

static const ExportSinkMethods gzip_methods = {
	.open = open_gzip,
	.write = write_gzip,
	.finish = finish_gzip
};

ExportSink *
sp_sink_gzip(int level, ExportSink *next)
{
	GzipSink   *sink = palloc0(sizeof(GzipSink));

	sink->base.methods = &gzip_methods;
	sink->next = next;
	sink->level = level;
	sink->deflater = sp_deflate_create(level);
	initStringInfo(&sink->buffer);
	enlargeStringInfo(&sink->buffer, 2 * SINK_CHUNK_BYTES);
	return &sink->base;
}

/* The header: no name and no time, so that equal rows make equal files. */
static void
open_gzip(ExportSink *sink, bool binary)
{
	GzipSink   *self = (GzipSink *) sink;
	char		header[] = {
		'\x1f', '\x8b', 8, 0, 0, 0, 0, 0, 0, (char) HEADER_NO_OS
	};

	if (self->level == DEFLATE_LEVEL_MIN)
		header[8] = HEADER_FASTEST;
	else if (self->level == DEFLATE_LEVEL_MAX)
		header[8] = HEADER_BEST;
	self->next->methods->open(self->next, true);
	appendBinaryStringInfo(&self->buffer, header, sizeof(header));
}

/* Compress, and pass on what is worth it. */
static void
write_gzip(ExportSink *sink, const char *data, size_t length)
{
	GzipSink   *self = (GzipSink *) sink;

	while (length > 0)
	{
		size_t		piece = Min(length, PIECE_BYTES);

		CHECK_FOR_INTERRUPTS();
		sp_deflate_write(self->deflater, data, piece, false, &self->buffer);
		if (!self->started)
			sp_deflate_flush(self->deflater, &self->buffer);
		if (!self->started || self->buffer.len >= SINK_CHUNK_BYTES)
			pass_on(self);
		data += piece;
		length -= piece;
	}
}

/* The end of the stream, its CRC-32 and the length of what went in. */
static void
finish_gzip(ExportSink *sink)
{
	GzipSink   *self = (GzipSink *) sink;

	sp_deflate_write(self->deflater, NULL, 0, true, &self->buffer);
	append_le32(&self->buffer, sp_deflate_crc(self->deflater));
	append_le32(&self->buffer,
				(uint32) sp_deflate_bytes_in(self->deflater));
	pass_on(self);
	self->next->methods->finish(self->next);
}

/* Hand over what is in the buffer. */
static void
pass_on(GzipSink *sink)
{
	sink->next->methods->write(sink->next, sink->buffer.data,
							   sink->buffer.len);
	resetStringInfo(&sink->buffer);
	sink->started = true;
}

/* Four bytes, the lowest first. */
static void
append_le32(StringInfo buffer, uint32 value)
{
	char		bytes[] = {value, value >> 8, value >> 16, value >> 24};

	appendBinaryStringInfo(buffer, bytes, sizeof(bytes));
}
