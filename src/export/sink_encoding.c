/*-------------------------------------------------------------------------
 *
 * sink_encoding.c
 *	  A filter that converts text from the server's encoding.
 *
 * It sees whole rows, so no character is ever cut at the edge of a chunk.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

#include "export/sink.h"

typedef struct EncodingSink
{
	ExportSink	base;
	int			encoding;		/* to convert to */
	ExportSink *next;
} EncodingSink;

static void check_conversion(int encoding);
static void open_next(ExportSink *sink, bool binary);
static void write_converted(ExportSink *sink, const char *data,
							size_t length);
static void finish_next(ExportSink *sink);

static const ExportSinkMethods encoding_methods = {
	.open = open_next,
	.write = write_converted,
	.finish = finish_next
};

ExportSink *
sp_sink_encoding(int encoding, ExportSink *next)
{
	EncodingSink *sink = palloc0(sizeof(EncodingSink));

	check_conversion(encoding);
	sink->base.methods = &encoding_methods;
	sink->encoding = encoding;
	sink->next = next;
	return &sink->base;
}

/* Is there a conversion?  Core would ask at the first bytes. */
static void
check_conversion(int encoding)
{
	int			server = GetDatabaseEncoding();

	if (server == PG_SQL_ASCII ||
		OidIsValid(FindDefaultConversionProc(server, encoding)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 errmsg("default conversion function for encoding \"%s\" to \"%s\" does not exist",
					pg_encoding_to_char(server),
					pg_encoding_to_char(encoding))));
}

/* Nothing of its own to open. */
static void
open_next(ExportSink *sink, bool binary)
{
	ExportSink *next = ((EncodingSink *) sink)->next;

	next->methods->open(next, binary);
}

/* Convert and pass on. */
static void
write_converted(ExportSink *sink, const char *data, size_t length)
{
	EncodingSink *self = (EncodingSink *) sink;
	char	   *converted = pg_server_to_any(data, length, self->encoding);

	if (converted != data)
		length = strlen(converted);
	self->next->methods->write(self->next, converted, length);
	if (converted != data)
		pfree(converted);
}

/* Nothing of its own to finish. */
static void
finish_next(ExportSink *sink)
{
	ExportSink *next = ((EncodingSink *) sink)->next;

	next->methods->finish(next);
}
