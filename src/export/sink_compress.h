/*-------------------------------------------------------------------------
 *
 * sink_compress.h
 *	  What the filters that compress share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_SINK_COMPRESS_H
#define SYNCPORT_EXPORT_SINK_COMPRESS_H

#include "lib/stringinfo.h"

#include "export/sink.h"

typedef struct CompressSink
{
	ExportSink	base;			/* must be first */
	ExportSink *next;
	StringInfoData out;			/* compressed, not passed on yet */
	bool		started;		/* something has been passed on */
} CompressSink;

/* Set up the shared part, in the current context. */
extern void sp_sink_compress_init(CompressSink *sink, ExportSink *next);

/*
 * Pass on what has come together: the first bytes at once, then chunks;
 * all: whatever there is.
 */
extern void sp_sink_compress_pass_on(CompressSink *sink, bool all);

#endif							/* SYNCPORT_EXPORT_SINK_COMPRESS_H */
