/*-------------------------------------------------------------------------
 *
 * sink_client.c
 *	  Bytes to the client in CopyData messages.
 *
 * A message holds a chunk, not a row: clients read the stream as bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "tcop/tcopprot.h"

#include "export/sink.h"

/* message types, which headers do not name before PostgreSQL 17 */
#define MESSAGE_COPY_OUT_RESPONSE	'H'
#define MESSAGE_COPY_DATA			'd'
#define MESSAGE_COPY_DONE			'c'

typedef struct ClientSink
{
	ExportSink	base;
	StringInfoData message;		/* kept from one message to the next */
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
sp_sink_client(void)
{
	ClientSink *sink = palloc0(sizeof(ClientSink));

	if (whereToSendOutput != DestRemote)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY TO STDOUT needs a client"),
				 errdetail("This session has none."),
				 errhint("Name a file on the server.")));
	sink->base.methods = &client_methods;
	initStringInfo(&sink->message);
	return &sink->base;
}

/* Announce the stream as one column. */
static void
open_client(ExportSink *sink, bool binary)
{
	StringInfo	message = &((ClientSink *) sink)->message;
	int			format = binary ? 1 : 0;

	pq_beginmessage_reuse(message, MESSAGE_COPY_OUT_RESPONSE);
	pq_sendbyte(message, format);
	pq_sendint16(message, 1);
	pq_sendint16(message, format);
	pq_endmessage_reuse(message);
}

/* One message. */
static void
write_client(ExportSink *sink, const char *data, size_t length)
{
	StringInfo	message = &((ClientSink *) sink)->message;

	pq_beginmessage_reuse(message, MESSAGE_COPY_DATA);
	pq_sendbytes(message, data, length);
	pq_endmessage_reuse(message);
	if (message->maxlen > 16 * SINK_CHUNK_BYTES)
	{
		pfree(message->data);
		initStringInfo(message);
	}
}

/* The end of the stream. */
static void
finish_client(ExportSink *sink)
{
	pq_putemptymessage(MESSAGE_COPY_DONE);
}
