/*-------------------------------------------------------------------------
 *
 * stream.h
 *	  An export whose bytes are fetched a chunk at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_STREAM_H
#define SYNCPORT_EXPORT_STREAM_H

#include "nodes/execnodes.h"
#include "utils/portal.h"

#include "export/copy_option.h"

typedef struct ExportStream ExportStream;

/*
 * Export the rows of a portal that was just opened, which the stream then
 * owns.  Palloc'd in the current context, which must live as long.  The
 * portal is closed when the bytes are at their end, or earlier when the
 * expression context is shut down.
 */
extern ExportStream *sp_stream_begin(Portal portal,
									 const CopyOptions *options,
									 int chunk_bytes, ExprContext *econtext);

/*
 * The next chunk, palloc'd in the current context: chunk_bytes long, but for
 * the last one.  NULL behind that.  Errors: 24000 where the transaction that
 * began the export is over.
 */
extern bytea *sp_stream_next(ExportStream *stream);

#endif							/* SYNCPORT_EXPORT_STREAM_H */
