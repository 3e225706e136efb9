/*-------------------------------------------------------------------------
 *
 * sink_client.c
 *	  Bytes to the client in CopyData messages.
 *
 * A message holds what is written at once: a chunk, as clients read the
 * stream as bytes, or one row where the statement is core's, whose messages
 * are rows.
 *
 * The server's buffer for messages holds 8 kB, and goes to the socket when it
 * is full.  Messages that do not block make it grow instead, so that it goes
 * in large pieces; what would make it grow too far is sent as usual.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/libpq.h"
#include "libpq/pqformat.h"
#include "tcop/tcopprot.h"

#include "export/sink.h"

/* message types, which headers do not name before PostgreSQL 17 */
#define MESSAGE_COPY_OUT_RESPONSE	'H'
#define MESSAGE_COPY_DATA			'd'
#define MESSAGE_COPY_DONE			'c'

/* a larger message is not worth a larger buffer */
#define BUFFERED_BYTES_MAX		(2 * SINK_CHUNK_BYTES)

typedef struct ClientSink
{
	ExportSink	base;
	int			ncolumns;		/* to announce */
	bool		started;		/* something is on its way */
	size_t		waiting;		/* bytes in the server's buffer, about */
} ClientSink;

static void open_client(ExportSink *sink, bool binary);
static void write_client(ExportSink *sink, const char *data, size_t length);
static void finish_client(ExportSink *sink);

static const ExportSinkMethods client_methods = {
	.open = open_client,
	.write = write_client,
	.finish = finish_client
};

ExportSink *
sp_sink_client(int ncolumns)
{
	ClientSink *sink = palloc0(sizeof(ClientSink));

	if (whereToSendOutput != DestRemote)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY TO STDOUT needs a client"),
				 errdetail("This session has none."),
				 errhint("Name a file on the server.")));
	sink->base.methods = &client_methods;
	sink->ncolumns = ncolumns;
	return &sink->base;
}

/* Announce the stream. */
static void
open_client(ExportSink *sink, bool binary)
{
	int			ncolumns = ((ClientSink *) sink)->ncolumns;
	int			format = binary ? 1 : 0;
	StringInfoData message;
	int			i;

	pq_beginmessage(&message, MESSAGE_COPY_OUT_RESPONSE);
	pq_sendbyte(&message, format);
	pq_sendint16(&message, ncolumns);
	for (i = 0; i < ncolumns; i++)
		pq_sendint16(&message, format);
	pq_endmessage(&message);
}

/* One message; the first one shall leave at once. */
static void
write_client(ExportSink *sink, const char *data, size_t length)
{
	ClientSink *self = (ClientSink *) sink;

	if (length > BUFFERED_BYTES_MAX)
		(void) pq_putmessage(MESSAGE_COPY_DATA, data, length);
	else
		pq_putmessage_noblock(MESSAGE_COPY_DATA, data, length);
	self->waiting += length;
	if (self->started && self->waiting < SINK_CHUNK_BYTES)
		return;
	(void) pq_flush();
	self->started = true;
	self->waiting = 0;
}

/* The end of the stream. */
static void
finish_client(ExportSink *sink)
{
	pq_putemptymessage(MESSAGE_COPY_DONE);
}
