/*-------------------------------------------------------------------------
 *
 * sink.h
 *	  Where bytes go: the client, a server file, a program.
 *
 * A filter (a change of encoding, compression) is a sink that passes on
 * what it makes to the next one.  All sinks are palloc'd in the current
 * context when they are made, and open nothing before open is called.
 * Nobody aborts a sink: what it holds outside of memory is released when
 * its context goes, or by the server at the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_SINK_H
#define SYNCPORT_EXPORT_SINK_H

#include "lib/stringinfo.h"

/* bytes are collected until there are so many, then passed on */
#define SINK_CHUNK_BYTES	(64 * 1024)

/* a buffer that has grown over this is not kept */
#define SINK_BUFFER_KEEP_BYTES	(16 * SINK_CHUNK_BYTES)

typedef struct ExportSink ExportSink;

typedef struct ExportSinkMethods
{
	/* Make ready for bytes; binary: they are not text. */
	void		(*open) (ExportSink *sink, bool binary);

	/* Take bytes; text always comes in whole rows. */
	void		(*write) (ExportSink *sink, const char *data, size_t length);

	/* All is written: make it visible and check that it arrived. */
	void		(*finish) (ExportSink *sink);
} ExportSinkMethods;

struct ExportSink
{
	const ExportSinkMethods *methods;
};

/*
 * Empty a buffer; one that a huge row has blown up is given back.
 */
static inline void
sp_sink_buffer_reset(StringInfo buffer)
{
	if (buffer->maxlen > SINK_BUFFER_KEEP_BYTES)
	{
		buffer->maxlen = 2 * SINK_CHUNK_BYTES;
		buffer->data = repalloc(buffer->data, buffer->maxlen);
	}
	resetStringInfo(buffer);
}

/*
 * CopyData messages to the client, announced as so many columns: one where
 * the messages are chunks of a stream of bytes.
 */
extern ExportSink *sp_sink_client(int ncolumns);

/*
 * A file of the server, of which a failed export leaves no trace; in_place:
 * a file that is overwritten as core does it.  Checks at once that the path
 * is absolute.
 */
extern ExportSink *sp_sink_file(const char *path, bool in_place);

/* The standard input of a shell command. */
extern ExportSink *sp_sink_program(const char *command);

/* Bytes that stay in *bytes until the caller takes them. */
extern ExportSink *sp_sink_chunk(StringInfo *bytes);

/*
 * Filters that compress; level as deflate.h says, and 1 to 19 for zstd.
 */
extern ExportSink *sp_sink_gzip(int level, ExportSink *next);
extern ExportSink *sp_sink_zstd(int level, ExportSink *next);

/* A filter that puts a byte order mark (UTF-8) ahead of everything. */
extern ExportSink *sp_sink_bom(ExportSink *next);

/* A filter that converts text to an encoding. */
extern ExportSink *sp_sink_encoding(int encoding, ExportSink *next);

#endif							/* SYNCPORT_EXPORT_SINK_H */
