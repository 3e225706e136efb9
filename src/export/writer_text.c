/*-------------------------------------------------------------------------
 *
 * writer_text.c
 *	  COPY's text format, byte for byte what core writes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "export/delimited.h"

typedef struct TextWriter
{
	DelimitedWriter base;		/* must be first */
	char		escapes[256];	/* what follows the backslash that a byte
								 * needs; 0: it needs none */
} TextWriter;

static ExportWriter *begin_text(TupleDesc desc, const ExportOptions *options,
								StringInfo out);
static void write_text_field(DelimitedWriter *self,
							 const DelimitedColumn *column,
							 const TextSpan *span, StringInfo out);

const ExportFormat sp_writer_text = {
	.name = "text",
	.media_type = "text/tab-separated-values",
	.extension = "txt",
	.options = EXPORT_TEXT | EXPORT_HEADER | EXPORT_COMPRESSION |
	EXPORT_TIME_ZONE,
	.begin = begin_text,
	.row = sp_delimited_row,
	.end = sp_delimited_end
};

/* Set up the columns and write the header. */
static ExportWriter *
begin_text(TupleDesc desc, const ExportOptions *options, StringInfo out)
{
	TextWriter *writer = palloc0(sizeof(TextWriter));

	writer->base = *sp_delimited_begin(desc, options, write_text_field, "");
	writer->escapes['\b'] = 'b';
	writer->escapes['\f'] = 'f';
	writer->escapes['\n'] = 'n';
	writer->escapes['\r'] = 'r';
	writer->escapes['\t'] = 't';
	writer->escapes['\v'] = 'v';
	writer->escapes['\\'] = '\\';
	if (writer->escapes[(unsigned char) options->delimiter] == 0)
		writer->escapes[(unsigned char) options->delimiter] =
			options->delimiter;
	if (options->header)
		sp_delimited_header(&writer->base, desc, out);
	return (ExportWriter *) writer;
}

/* Append a field with its escapes. */
static void
write_text_field(DelimitedWriter *self, const DelimitedColumn *column,
				 const TextSpan *span, StringInfo out)
{
	const TextWriter *writer = (TextWriter *) self;
	const char *data = span->data;
	const char *end = data + span->length;
	const char *plain = data;

	for (; data < end; data++)
	{
		char		escape = writer->escapes[(unsigned char) *data];

		if (likely(escape == 0))
			continue;
		appendBinaryStringInfo(out, plain, data - plain);
		appendStringInfoCharMacro(out, '\\');
		appendStringInfoCharMacro(out, escape);
		plain = data + 1;
	}
	appendBinaryStringInfo(out, plain, data - plain);
}
