/*-------------------------------------------------------------------------
 *
 * sink_compress.c
 *	  What the filters that compress share.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "export/sink_compress.h"

/* bytes to compress at once: half a second of the slowest level */
#define PIECE_BYTES		(2 * SINK_CHUNK_BYTES)

void
sp_sink_compress_init(CompressSink *sink, ExportSink *next)
{
	sink->next = next;
	initStringInfo(&sink->out);
	enlargeStringInfo(&sink->out, 2 * SINK_CHUNK_BYTES);
}

void
sp_sink_compress_write(ExportSink *sink, const char *data, size_t length)
{
	CompressSink *self = (CompressSink *) sink;

	while (length > 0)
	{
		size_t		piece = Min(length, PIECE_BYTES);

		CHECK_FOR_INTERRUPTS();
		/* the first bytes shall leave at once */
		self->compress(sink, data, piece, !self->started);
		sp_sink_compress_pass_on(self, false);
		data += piece;
		length -= piece;
	}
}

void
sp_sink_compress_pass_on(CompressSink *sink, bool all)
{
	if (sink->out.len == 0 ||
		(sink->started && !all && sink->out.len < SINK_CHUNK_BYTES))
		return;
	sink->started = true;
	sink->next->methods->write(sink->next, sink->out.data, sink->out.len);
	sp_sink_buffer_reset(&sink->out);
}
