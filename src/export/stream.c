/*-------------------------------------------------------------------------
 *
 * stream.c
 *	  An export whose bytes are fetched a chunk at a time.
 *
 * A portal gives some rows and rests.  How many are asked for at once
 * follows from how many bytes rows have made so far, so that neither a
 * chunk's worth of small rows needs many calls nor a few huge ones much
 * memory.
 *
 * The portal goes with its transaction, and that may end before the
 * query that calls us does: a cursor WITH HOLD is read to its end while the
 * transaction commits, when our portal may be gone.  So it is looked up by
 * its name each time.
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

/* rows to ask for at once, at most */
#define ROWS_MAX		1000

struct ExportStream
{
	Portal		portal;			/* NULL: at its end */
	char	   *portal_name;
	ExprContext *econtext;		/* closes the portal */
	DestReceiver *receiver;
	StringInfo	bytes;			/* made so far, from taken on */
	int			taken;
	int			chunk_bytes;
	uint64		nrows;			/* fetched */
	uint64		nbytes;			/* made of them */
};

static void close_portal(Datum stream);
static void check_portal(const ExportStream *stream);
static void fetch_rows(ExportStream *stream);
static long rows_wanted(const ExportStream *stream);
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
	sp_receiver_begin(stream->receiver, portal->tupDesc);
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
	if (GetPortalByName(stream->portal_name) == stream->portal)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_CURSOR_STATE),
			 errmsg("the transaction that began the export is over"),
			 errhint("Read an export to its end in one transaction.")));
}

/* Some rows more, or the end. */
static void
fetch_rows(ExportStream *stream)
{
	int			before;

	if (stream->taken > 0)
	{
		StringInfo	bytes = stream->bytes;

		bytes->len -= stream->taken;
		memmove(bytes->data, bytes->data + stream->taken, bytes->len);
		stream->taken = 0;
	}
	check_portal(stream);
	before = stream->bytes->len;
	stream->nrows += PortalRunFetch(stream->portal, FETCH_FORWARD,
									rows_wanted(stream), stream->receiver);
	stream->nbytes += stream->bytes->len - before;
	if (!stream->portal->atEnd)
		return;
	(void) sp_receiver_finish(stream->receiver);
	UnregisterExprContextCallback(stream->econtext, close_portal,
								  PointerGetDatum(stream));
	close_portal(PointerGetDatum(stream));
}

/* As many rows as probably fill a chunk. */
static long
rows_wanted(const ExportStream *stream)
{
	if (stream->nrows == 0)
		return 1;
	if (stream->nbytes == 0)
		return Min(2 * stream->nrows, ROWS_MAX);
	return Min(Max(stream->chunk_bytes /
				   Max(stream->nbytes / stream->nrows, 1), 1), ROWS_MAX);
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
