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

	/* append what bytes become to out; flush: with nothing held back */
	void		(*compress) (ExportSink *sink, const char *data,
							 size_t length, bool flush);
} CompressSink;

/* Set up the shared part, in the current context, but for compress. */
extern void sp_sink_compress_init(CompressSink *sink, ExportSink *next);

/*
 * The write method: compresses by pieces, between which a statement can be
 * cancelled.
 */
extern void sp_sink_compress_write(ExportSink *sink, const char *data,
								   size_t length);

/*
 * Pass on what has come together: the first bytes at once, then chunks;
 * all: whatever there is.
 */
extern void sp_sink_compress_pass_on(CompressSink *sink, bool all);

#endif							/* SYNCPORT_EXPORT_SINK_COMPRESS_H */
