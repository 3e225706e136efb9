/*-------------------------------------------------------------------------
 *
 * sink_chunk.c
 *	  Bytes that stay in memory until somebody takes them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "export/sink.h"

typedef struct ChunkSink
{
	ExportSink	base;
	StringInfoData bytes;		/* written and not yet taken */
} ChunkSink;

static void open_chunk(ExportSink *sink, bool binary);
static void write_chunk(ExportSink *sink, const char *data, size_t length);
static void finish_chunk(ExportSink *sink);

static const ExportSinkMethods chunk_methods = {
	.open = open_chunk,
	.write = write_chunk,
	.finish = finish_chunk
};

ExportSink *
sp_sink_chunk(StringInfo *bytes)
{
	ChunkSink  *sink = palloc0(sizeof(ChunkSink));

	sink->base.methods = &chunk_methods;
	initStringInfo(&sink->bytes);
	*bytes = &sink->bytes;
	return &sink->base;
}

/* Nothing to open. */
static void
open_chunk(ExportSink *sink, bool binary)
{
}

/* Keep them. */
static void
write_chunk(ExportSink *sink, const char *data, size_t length)
{
	appendBinaryStringInfo(&((ChunkSink *) sink)->bytes, data, length);
}

/* Nothing to finish. */
static void
finish_chunk(ExportSink *sink)
{
}
