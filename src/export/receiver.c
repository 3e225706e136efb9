/*-------------------------------------------------------------------------
 *
 * receiver.c
 *	  Collects what a writer makes of rows, and passes it on in chunks.
 *
 * Memory does not grow with the rows: one buffer, given back when a huge row
 * has blown it up, and one context that is reset per row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"

#include "export/receiver.h"

/* what is passed on first: nobody should wait for a whole chunk */
#define FIRST_CHUNK_BYTES	4096

typedef struct ExportReceiver
{
	DestReceiver base;
	const ExportFormat *format;
	ExportOptions options;		/* of the format */
	ExportSink *sink;
	ExportWriter *writer;
	StringInfoData buffer;		/* rows not passed on yet */
	MemoryContext context;		/* of all this */
	MemoryContext row_context;	/* reset per row */
	bool		by_row;			/* pass on each row by itself */
	bool		progress;		/* of a command: report it */
	int			chunk_bytes;	/* pass on when there are so many */
	uint64		nrows;
	uint64		nbytes;			/* passed on */
	const StringInfoData *pause_bytes;	/* rest when these are ... */
	int			pause_length;	/* ... so many; or NULL: never */
	bool		paused;
} ExportReceiver;

static void start_rows(DestReceiver *receiver, int operation, TupleDesc desc);
static bool receive_row(TupleTableSlot *slot, DestReceiver *receiver);
static void stop_rows(DestReceiver *receiver);
static void destroy_receiver(DestReceiver *receiver);
static void flush_buffer(ExportReceiver *receiver);

DestReceiver *
sp_receiver_create(const ExportFormat *format, const ExportOptions *options,
				   ExportSink *sink, int flags)
{
	ExportReceiver *receiver = palloc0(sizeof(ExportReceiver));

	receiver->base.receiveSlot = receive_row;
	receiver->base.rStartup = start_rows;
	receiver->base.rShutdown = stop_rows;
	receiver->base.rDestroy = destroy_receiver;
	receiver->base.mydest = DestCopyOut;
	receiver->format = format;
	receiver->options = *options;
	receiver->sink = sink;
	receiver->by_row = (flags & RECEIVER_BY_ROW) != 0;
	receiver->progress = (flags & RECEIVER_PROGRESS) != 0;
	receiver->chunk_bytes = receiver->by_row ? 1 : FIRST_CHUNK_BYTES;
	receiver->context = CurrentMemoryContext;
	receiver->row_context = AllocSetContextCreate(CurrentMemoryContext,
												  "syncport export row",
												  ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&receiver->buffer);
	/* room for a chunk and the row that completes it */
	enlargeStringInfo(&receiver->buffer, 2 * SINK_CHUNK_BYTES);
	return &receiver->base;
}

void
sp_receiver_begin(DestReceiver *receiver, TupleDesc desc)
{
	ExportReceiver *self = (ExportReceiver *) receiver;
	MemoryContext old_context = MemoryContextSwitchTo(self->context);

	self->writer = self->format->begin(desc, &self->options, &self->buffer);
	self->sink->methods->open(self->sink, self->format->binary);
	if (self->by_row && self->buffer.len > 0)
		flush_buffer(self);
	MemoryContextSwitchTo(old_context);
}

void
sp_receiver_pause_at(DestReceiver *receiver, const StringInfoData *bytes,
					 int length)
{
	ExportReceiver *self = (ExportReceiver *) receiver;

	self->pause_bytes = bytes;
	self->pause_length = length;
}

bool
sp_receiver_paused(const DestReceiver *receiver)
{
	return ((const ExportReceiver *) receiver)->paused;
}

uint64
sp_receiver_finish(DestReceiver *receiver)
{
	ExportReceiver *self = (ExportReceiver *) receiver;

	self->format->end(self->writer, &self->buffer);
	if (self->buffer.len > 0)
		flush_buffer(self);
	self->sink->methods->finish(self->sink);
	return self->nrows;
}

/* The executor starts, or goes on; sp_receiver_begin has done the rest. */
static void
start_rows(DestReceiver *receiver, int operation, TupleDesc desc)
{
	((ExportReceiver *) receiver)->paused = false;
}

/* One row from the executor. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *receiver)
{
	ExportReceiver *self = (ExportReceiver *) receiver;
	MemoryContext old_context = MemoryContextSwitchTo(self->row_context);

	CHECK_FOR_INTERRUPTS();
	self->format->row(self->writer, slot, &self->buffer);
	if (self->buffer.len >= self->chunk_bytes)
		flush_buffer(self);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(self->row_context);
	self->nrows++;
	if (self->progress)
		pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED,
									 self->nrows);
	self->paused = self->pause_bytes != NULL &&
		self->pause_bytes->len >= self->pause_length;
	return !self->paused;
}

/* The executor stops; sp_receiver_finish does what is left. */
static void
stop_rows(DestReceiver *receiver)
{
}

/* All memory goes with the context. */
static void
destroy_receiver(DestReceiver *receiver)
{
}

/* Pass on what has been collected. */
static void
flush_buffer(ExportReceiver *receiver)
{
	receiver->sink->methods->write(receiver->sink, receiver->buffer.data,
								   receiver->buffer.len);
	receiver->nbytes += receiver->buffer.len;
	if (!receiver->by_row)
		receiver->chunk_bytes = SINK_CHUNK_BYTES;
	if (receiver->progress)
		pgstat_progress_update_param(PROGRESS_COPY_BYTES_PROCESSED,
									 receiver->nbytes);
	sp_sink_buffer_reset(&receiver->buffer);
}
