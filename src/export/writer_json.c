/*-------------------------------------------------------------------------
 *
 * writer_json.c
 *	  Rows as JSON: one object per line, or one array.
 *
 * Lines are lines for every reader: a line break inside a json value is
 * written as a space there.  The array looks as core 19 writes it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "encode/encode.h"
#include "export/writer.h"

struct ExportWriter
{
	RowEncoder *encoder;
	bool		array;			/* write one array */
	char		separator;		/* what stands ahead of the next row of it */
};

static ExportWriter *begin_json(TupleDesc desc, const ExportOptions *options,
								StringInfo out);
static void write_json_row(ExportWriter *writer, TupleTableSlot *slot,
						   StringInfo out);
static void end_json(ExportWriter *writer, StringInfo out);

const ExportFormat sp_writer_json = {
	.name = "json",
	.media_type = "application/json",
	.extension = "json",
	.options = EXPORT_FORCE_ARRAY | EXPORT_ENCODING | EXPORT_COMPRESSION |
	EXPORT_TIME_ZONE,
	.begin = begin_json,
	.row = write_json_row,
	.end = end_json
};

const ExportFormat sp_writer_ndjson = {
	.name = "ndjson",
	.media_type = "application/x-ndjson",
	.extension = "ndjson",
	.options = EXPORT_ENCODING | EXPORT_COMPRESSION | EXPORT_TIME_ZONE,
	.begin = begin_json,
	.row = write_json_row,
	.end = end_json
};

/* Open the array, where there is one. */
static ExportWriter *
begin_json(TupleDesc desc, const ExportOptions *options, StringInfo out)
{
	ExportWriter *writer = palloc0(sizeof(ExportWriter));
	EncodeOptions encode = {0};

	encode.single_line = !options->force_array;
	encode.time_zone = options->time_zone;
	writer->encoder = sp_encode_begin_json(desc, desc->natts, &encode);
	writer->array = options->force_array;
	writer->separator = ' ';
	if (writer->array)
		appendStringInfoString(out, "[\n");
	return writer;
}

/* One row is one line in both shapes. */
static void
write_json_row(ExportWriter *writer, TupleTableSlot *slot, StringInfo out)
{
	if (writer->array)
	{
		appendStringInfoCharMacro(out, writer->separator);
		writer->separator = ',';
	}
	sp_encode_json_row(writer->encoder, slot, out);
	appendStringInfoCharMacro(out, '\n');
}

/* Close the array. */
static void
end_json(ExportWriter *writer, StringInfo out)
{
	if (writer->array)
		appendStringInfoString(out, "]\n");
}
