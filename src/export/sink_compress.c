/*-------------------------------------------------------------------------
 *
 * sink_compress.c
 *	  What the filters that compress share.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "export/sink_compress.h"

void
sp_sink_compress_init(CompressSink *sink, ExportSink *next)
{
	sink->next = next;
	initStringInfo(&sink->out);
	enlargeStringInfo(&sink->out, 2 * SINK_CHUNK_BYTES);
}

void
sp_sink_compress_pass_on(CompressSink *sink, bool all)
{
	if (sink->out.len == 0 ||
		(sink->started && !all && sink->out.len < SINK_CHUNK_BYTES))
		return;
	sink->started = true;
	sink->next->methods->write(sink->next, sink->out.data, sink->out.len);
	resetStringInfo(&sink->out);
}
