/*-------------------------------------------------------------------------
 *
 * sink_bom.c
 *	  A filter that puts a byte order mark ahead of everything.
 *
 * It stands behind the change of encoding, which would take the mark for
 * text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "export/sink.h"

typedef struct BomSink
{
	ExportSink	base;
	ExportSink *next;
} BomSink;

static void open_marked(ExportSink *sink, bool binary);
static void pass_on(ExportSink *sink, const char *data, size_t length);
static void finish_next(ExportSink *sink);

static const ExportSinkMethods bom_methods = {
	.open = open_marked,
	.write = pass_on,
	.finish = finish_next
};

ExportSink *
sp_sink_bom(ExportSink *next)
{
	BomSink    *sink = palloc0(sizeof(BomSink));

	sink->base.methods = &bom_methods;
	sink->next = next;
	return &sink->base;
}

/* Open the next one and write U+FEFF in UTF-8. */
static void
open_marked(ExportSink *sink, bool binary)
{
	ExportSink *next = ((BomSink *) sink)->next;

	next->methods->open(next, binary);
	next->methods->write(next, "\xEF\xBB\xBF", 3);
}

/* Nothing to change. */
static void
pass_on(ExportSink *sink, const char *data, size_t length)
{
	ExportSink *next = ((BomSink *) sink)->next;

	next->methods->write(next, data, length);
}

/* Nothing of its own to finish. */
static void
finish_next(ExportSink *sink)
{
	ExportSink *next = ((BomSink *) sink)->next;

	next->methods->finish(next);
}
