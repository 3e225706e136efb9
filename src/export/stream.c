/*-------------------------------------------------------------------------
 *
 * stream.c
 *	  An export whose bytes are fetched a chunk at a time.
 *
 * A portal gives rows until they make a chunk, and rests: the receiver tells
 * the executor to stop, however small or large rows are.
 *
 * The portal goes with its transaction or savepoint, and that may end before
 * the query that calls us does: a cursor WITH HOLD is read to its end while
 * the transaction commits, when our portal may be gone.  So it is looked up
 * by its name each time.  Others can find it by that name, too: rows that
 * somebody else has fetched would be missing, so they are an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"

#include "export/receiver.h"
#include "export/sink_filters.h"
#include "export/stream.h"
#include "support/compat.h"

struct ExportStream
{
	Portal		portal;			/* NULL: at its end */
	char	   *portal_name;
	ExprContext *econtext;		/* closes the portal */
	DestReceiver *receiver;
	StringInfo	bytes;			/* made so far, from taken on */
	int			taken;
	int			chunk_bytes;
	uint64		position;		/* of the portal, as we left it */
};

static void close_portal(Datum stream);
static void check_portal(const ExportStream *stream);
static void fetch_rows(ExportStream *stream);
static void drop_taken(ExportStream *stream);
static bytea *take_chunk(ExportStream *stream);

ExportStream *
sp_stream_begin(Portal portal, const CopyOptions *options, int chunk_bytes,
				ExprContext *econtext)
{
	ExportStream *stream = palloc0(sizeof(ExportStream));
	ExportSink *sink = sp_sink_chunk(&stream->bytes);

	stream->portal = portal;
	stream->portal_name = pstrdup(portal->name);
	stream->chunk_bytes = chunk_bytes;
	stream->econtext = econtext;
	RegisterExprContextCallback(econtext, close_portal,
								PointerGetDatum(stream));
	stream->receiver = sp_receiver_create(options->format, &options->export,
										  sp_sink_filters(options, sink), 0);
	sp_receiver_pause_at(stream->receiver, stream->bytes, chunk_bytes);
	sp_receiver_begin(stream->receiver, portal->tupDesc);
	portal->visible = false;
	return stream;
}

bytea *
sp_stream_next(ExportStream *stream)
{
	while (stream->portal != NULL &&
		   stream->bytes->len - stream->taken < stream->chunk_bytes)
		fetch_rows(stream);
	if (stream->bytes->len == stream->taken)
		return NULL;
	return take_chunk(stream);
}

/* The query above ends, or starts anew: give up what is left. */
static void
close_portal(Datum stream)
{
	ExportStream *self = (ExportStream *) DatumGetPointer(stream);

	if (self->portal != NULL &&
		GetPortalByName(self->portal_name) == self->portal)
		PortalDrop(self->portal, false);
	self->portal = NULL;
}

/* Is the portal still there? */
static void
check_portal(const ExportStream *stream)
{
	if (GetPortalByName(stream->portal_name) == stream->portal &&
		stream->portal->portalPos == stream->position)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_CURSOR_STATE),
			 errmsg("the query of the export is gone"),
			 errdetail("Its transaction or savepoint is over, or its cursor was used by somebody else."),
			 errhint("Read an export to its end where it was begun.")));
}

/* Rows for a chunk, or the end. */
static void
fetch_rows(ExportStream *stream)
{
	Portal		portal = stream->portal;

	drop_taken(stream);
	check_portal(stream);
	(void) PortalRunFetch(portal, FETCH_FORWARD, FETCH_ALL, stream->receiver);
	stream->position = portal->portalPos;
	if (sp_receiver_paused(stream->receiver))
	{
		/* all were asked for, and the portal believes that all came */
		portal->atEnd = false;
		return;
	}
	(void) sp_receiver_finish(stream->receiver);
	UnregisterExprContextCallback(stream->econtext, close_portal,
								  PointerGetDatum(stream));
	close_portal(PointerGetDatum(stream));
}

/* Give up the bytes that have been taken. */
static void
drop_taken(ExportStream *stream)
{
	StringInfo	bytes = stream->bytes;
	int			left = bytes->len - stream->taken;

	if (left == 0)
		sp_sink_buffer_reset(bytes);
	else
		memmove(bytes->data, bytes->data + stream->taken, left);
	bytes->len = left;
	stream->taken = 0;
}

/* A chunk of what there is, or the rest. */
static bytea *
take_chunk(ExportStream *stream)
{
	int			length = Min(stream->bytes->len - stream->taken,
							 stream->chunk_bytes);
	bytea	   *chunk = palloc(VARHDRSZ + length);

	SET_VARSIZE(chunk, VARHDRSZ + length);
	memcpy(VARDATA(chunk), stream->bytes->data + stream->taken, length);
	stream->taken += length;
	return chunk;
}
