/*-------------------------------------------------------------------------
 *
 * writer_xlsx.c
 *	  Rows as an Excel workbook: the format's entry, see src/xlsx.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "export/writer.h"
#include "xlsx/xlsx.h"

struct ExportWriter
{
	XlsxBook   *book;
};

static ExportWriter *begin_xlsx(TupleDesc desc, const ExportOptions *options,
								StringInfo out);
static void check_table(const ExportOptions *options);
static void write_xlsx_row(ExportWriter *writer, TupleTableSlot *slot,
						   StringInfo out);
static void end_xlsx(ExportWriter *writer, StringInfo out);

const ExportFormat sp_writer_xlsx = {
	.name = "xlsx",
	.binary = true,
	.media_type = XLSX_MEDIA_TYPE,
	.extension = "xlsx",
	.options = EXPORT_XLSX | EXPORT_HEADER | EXPORT_TIME_ZONE,
	.begin = begin_xlsx,
	.row = write_xlsx_row,
	.end = end_xlsx
};

/* Begin the first sheet. */
static ExportWriter *
begin_xlsx(TupleDesc desc, const ExportOptions *options, StringInfo out)
{
	ExportWriter *writer = palloc0(sizeof(ExportWriter));
	XlsxOptions xlsx = {0};
	int			i;

	check_table(options);
	xlsx.sheet = options->sheet;
	xlsx.header = options->header;
	xlsx.headings = palloc0(sizeof(char *) * Max(desc->natts, 1));
	for (i = 0; i < desc->natts; i++)
		xlsx.headings[i] = sp_writer_heading(options,
											 TupleDescAttr(desc, i));
	xlsx.table = options->table;
	xlsx.replace = options->on_unrepresentable == UNREPRESENTABLE_REPLACE;
	xlsx.time_zone = options->time_zone;
	xlsx.level = options->deflate_level;
	writer->book = sp_xlsx_begin(desc, &xlsx, out);
	return writer;
}

/* The columns of a table are known by their headings. */
static void
check_table(const ExportOptions *options)
{
	if (options->table && !options->header)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("COPY option \"%s\" needs a header", "table"),
				 errhint("Leave out HEADER false.")));
}

/* A row of a sheet. */
static void
write_xlsx_row(ExportWriter *writer, TupleTableSlot *slot, StringInfo out)
{
	sp_xlsx_row(writer->book, slot, out);
}

/* The last sheet's end, and what describes them all. */
static void
end_xlsx(ExportWriter *writer, StringInfo out)
{
	sp_xlsx_end(writer->book, out);
}
