/*-------------------------------------------------------------------------
 *
 * sheet.c
 *	  Rows into sheets, and sheets into the archive.
 *
 * A sheet's XML is collected and compressed in chunks.  The widths of the
 * columns stand ahead of the rows, so the first rows are held back until
 * they have shown how wide they are.
 *
 * A sheet ends at Excel's number of rows, or where its XML comes close to
 * the 4 GiB that an entry of the archive may have.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "support/compat.h"
#include "xlsx/book.h"
#include "xlsx/parts.h"
#include "xlsx/xlsx.h"
#include "xlsx/zip.h"

/* XML is compressed when there is so much of it */
#define CHUNK_BYTES			(128 * 1024)

/* and within a row when there is so much */
#define ROW_CHUNK_BYTES		(1024 * 1024)

/* rows that show the widths of columns, by number and by size */
#define WIDTH_ROWS			25
#define WIDTH_BYTES			(64 * 1024)

/* in characters; a heading has a button beside it */
#define WIDTH_MIN			8
#define WIDTH_MAX			60
#define WIDTH_BUTTON		3

/* a row may add 1,600 cells of 7 bytes for every UTF-16 unit */
#define SHEET_BYTES_MAX		UINT64CONST(3900000000)

/* scratch memory that has grown over this is not kept */
#define SCRATCH_KEEP_BYTES	(1024 * 1024)

#define SHEET_HEAD \
	"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n" \
	"<worksheet" \
	" xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"" \
	" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/" \
	"relationships\"><sheetViews>"

#define FROZEN_PANE \
	"<pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\"" \
	" state=\"frozen\"/><selection pane=\"bottomLeft\"/>"

#define PAGE_MARGINS \
	"<pageMargins left=\"0.7\" right=\"0.7\" top=\"0.75\" bottom=\"0.75\"" \
	" header=\"0.3\" footer=\"0.3\"/>"

struct XlsxBook
{
	XlsxJob		job;
	ZipWriter  *zip;
	bool		header;			/* as in XlsxOptions */
	bool		table;
	bool		filter;			/* a filter over header and rows */
	int			nattributes;	/* leading attributes to deform */
	int			ncolumns;
	XlsxColumn *columns;
	bool		measuring;		/* the first sheet has no head yet */
	int			nsheets;
	int			maxsheets;		/* room in sheets */
	XlsxSheet  *sheets;			/* the last one is being written */
	uint64		sheet_bytes;	/* its XML handed on */
};

static void init_columns(XlsxBook *book, TupleDesc desc,
						 const XlsxOptions *options);
static void init_column(XlsxBook *book, XlsxColumn *column,
						Form_pg_attribute attribute, const char *heading);
static void begin_sheet(XlsxBook *book, StringInfo out);
static void end_sheet(XlsxBook *book, StringInfo out);
static XlsxSheet *current_sheet(XlsxBook *book);
static void begin_row(XlsxBook *book);
static void end_row(XlsxBook *book);
static void write_header(XlsxBook *book);
static void append_head(XlsxBook *book, StringInfo xml);
static void append_tail(XlsxBook *book, StringInfo xml);
static void append_range(XlsxBook *book, StringInfo xml);
static void measure_cell(XlsxColumn *column, const char *cell, int length);
static void flush_xml(XlsxBook *book, StringInfo out);
static char **table_headings(XlsxBook *book);
static char *without_entities(char *xml);

XlsxBook *
sp_xlsx_begin(TupleDesc desc, const XlsxOptions *options, StringInfo out)
{
	XlsxBook   *book = palloc0(sizeof(XlsxBook));
	XlsxJob    *job = &book->job;

	job->context = CurrentMemoryContext;
	job->replace = options->replace;
	job->encoding = GetDatabaseEncoding();
	job->zone = options->time_zone ? options->time_zone : pg_tzset("UTC");
	initStringInfo(&job->xml);
	initStringInfo(&job->scratch);
	book->header = options->header;
	book->table = options->table;
	init_columns(book, desc, options);
	book->filter = book->header && !book->table && book->ncolumns > 0;
	if (book->table)
		sp_xlsx_check_table_headings(book->columns, book->ncolumns);
	else if (book->header)
		job->styles.header = ++job->styles.nstyles;
	book->zip = sp_zip_create(options->level);
	book->maxsheets = 4;
	book->sheets = palloc(book->maxsheets * sizeof(XlsxSheet));
	book->sheets[0].name = sp_xlsx_sheet_name(options->sheet ?
											  options->sheet : "");
	book->measuring = true;
	begin_sheet(book, out);
	return book;
}

void
sp_xlsx_row(XlsxBook *book, TupleTableSlot *slot, StringInfo out)
{
	XlsxJob    *job = &book->job;
	XlsxColumn *column = book->columns;
	XlsxColumn *end = column + book->ncolumns;

	if (current_sheet(book)->nrows == XLSX_ROWS_MAX ||
		book->sheet_bytes > SHEET_BYTES_MAX)
	{
		end_sheet(book, out);
		begin_sheet(book, out);
	}
	job->row++;
	slot_getsomeattrs(slot, book->nattributes);
	begin_row(book);
	for (; column < end; column++)
	{
		int			start = job->xml.len;

		if (slot->tts_isnull[column->attribute])
			continue;
		(void) sp_value_reserve(&job->xml, XLSX_CELL_BYTES);
		column->write(job, column, slot->tts_values[column->attribute]);
		if (book->measuring && !column->fixed_width)
			measure_cell(column, job->xml.data + start, job->xml.len - start);
		if (job->xml.len >= ROW_CHUNK_BYTES)
			flush_xml(book, out);
	}
	end_row(book);
	if (job->xml.len >= CHUNK_BYTES ||
		(book->measuring && (job->row == WIDTH_ROWS ||
							 job->xml.len >= WIDTH_BYTES)))
		flush_xml(book, out);
	if (job->scratch.maxlen > SCRATCH_KEEP_BYTES)
	{
		MemoryContext old_context = MemoryContextSwitchTo(job->context);

		pfree(job->scratch.data);
		initStringInfo(&job->scratch);
		MemoryContextSwitchTo(old_context);
	}
}

void
sp_xlsx_end(XlsxBook *book, StringInfo out)
{
	XlsxParts	parts = {0};

	end_sheet(book, out);
	parts.styles = &book->job.styles;
	parts.nsheets = book->nsheets;
	parts.sheets = book->sheets;
	parts.ncolumns = book->ncolumns;
	parts.filter = book->filter;
	parts.table = book->table && book->ncolumns > 0;
	if (parts.table)
		parts.headings = table_headings(book);
	sp_xlsx_add_parts(&parts, book->zip, out);
	sp_zip_finish(book->zip, out);
}

/* The columns of the rows. */
static void
init_columns(XlsxBook *book, TupleDesc desc, const XlsxOptions *options)
{
	int			i;

	book->nattributes = desc->natts;
	book->columns = palloc0(sizeof(XlsxColumn) * Max(desc->natts, 1));
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped)
			continue;
		init_column(book, &book->columns[book->ncolumns], attribute,
					options->headings[i]);
		book->ncolumns++;
	}
}

/* One of them. */
static void
init_column(XlsxBook *book, XlsxColumn *column, Form_pg_attribute attribute,
			const char *heading)
{
	column->attribute = attribute->attnum - 1;
	column->name = NameStr(attribute->attname);
	column->heading = heading;
	column->typmod = attribute->atttypmod;
	column->type = getBaseTypeAndTypmod(attribute->atttypid, &column->typmod);
	memcpy(column->reference, "<c r=\"", 6);
	column->reference_length = 6 +
		sp_xlsx_column_letters(book->ncolumns, column->reference + 6);
	sp_xlsx_column_init(&book->job, column);
}

/* Begin the next sheet. */
static void
begin_sheet(XlsxBook *book, StringInfo out)
{
	MemoryContext old_context = MemoryContextSwitchTo(book->job.context);
	XlsxSheet  *sheet;
	char		name[64];

	if (book->nsheets == book->maxsheets)
	{
		book->maxsheets *= 2;
		book->sheets = repalloc(book->sheets, book->maxsheets *
								sizeof(XlsxSheet));
	}
	sheet = &book->sheets[book->nsheets++];
	sheet->name = sp_xlsx_next_sheet_name(book->sheets[0].name,
										  book->nsheets);
	sheet->nrows = 0;
	book->sheet_bytes = 0;
	snprintf(name, sizeof(name), "xl/worksheets/sheet%d.xml", book->nsheets);
	sp_zip_begin(book->zip, name, out);
	if (!book->measuring)
		append_head(book, &book->job.xml);
	if (book->header)
		write_header(book);
	MemoryContextSwitchTo(old_context);
}

/* End the sheet. */
static void
end_sheet(XlsxBook *book, StringInfo out)
{
	flush_xml(book, out);
	append_tail(book, &book->job.xml);
	flush_xml(book, out);
	sp_zip_end(book->zip, out);
}

/* The sheet being written. */
static XlsxSheet *
current_sheet(XlsxBook *book)
{
	return &book->sheets[book->nsheets - 1];
}

/* Begin the next row of the sheet. */
static void
begin_row(XlsxBook *book)
{
	XlsxJob    *job = &book->job;
	char	   *out = sp_value_reserve(&job->xml, XLSX_CELL_BYTES);

	job->ndigits = pg_ultoa_n(++current_sheet(book)->nrows, job->digits);
	memcpy(out, "<row r=\"", 8);
	out += 8;
	memcpy(out, job->digits, XLSX_DIGITS_BYTES);
	out += job->ndigits;
	memcpy(out, "\">", 2);
	job->xml.len = out + 2 - job->xml.data;
}

/* End it. */
static void
end_row(XlsxBook *book)
{
	StringInfo	xml = &book->job.xml;

	memcpy(sp_value_reserve(xml, 6), "</row>", 6);
	xml->len += 6;
}

/* The headings are the first row. */
static void
write_header(XlsxBook *book)
{
	XlsxJob    *job = &book->job;
	uint64		row = job->row;
	int			i;

	job->row = 0;
	begin_row(book);
	for (i = 0; i < book->ncolumns; i++)
	{
		XlsxColumn *column = &book->columns[i];
		int			start = job->xml.len;

		sp_xlsx_text_cell(job, column, job->styles.header, column->heading,
						  strlen(column->heading));
		if (book->measuring)
		{
			int			width = column->width;

			column->width = 0;
			measure_cell(column, job->xml.data + start,
						 job->xml.len - start);
			column->width = Max(column->width + WIDTH_BUTTON, width);
		}
	}
	end_row(book);
	job->row = row;
}

/* What stands ahead of the rows. */
static void
append_head(XlsxBook *book, StringInfo xml)
{
	int			i;

	appendStringInfoString(xml, SHEET_HEAD);
	appendStringInfo(xml, "<sheetView%s workbookViewId=\"0\"",
					 book->nsheets == 1 ? " tabSelected=\"1\"" : "");
	if (book->header)
		appendStringInfoString(xml, ">" FROZEN_PANE "</sheetView>");
	else
		appendStringInfoString(xml, "/>");
	appendStringInfoString(xml, "</sheetViews>"
						   "<sheetFormatPr defaultRowHeight=\"15\"/>");
	for (i = 0; i < book->ncolumns; i++)
	{
		int			width = Max(book->columns[i].width, WIDTH_MIN);

		/* five pixels of seven around the characters */
		appendStringInfo(xml, "%s<col min=\"%d\" max=\"%d\""
						 " width=\"%d.7109375\" customWidth=\"1\"/>",
						 i == 0 ? "<cols>" : "", i + 1, i + 1,
						 Min(width, WIDTH_MAX));
	}
	appendStringInfo(xml, "%s<sheetData>", i > 0 ? "</cols>" : "");
}

/* What stands behind them. */
static void
append_tail(XlsxBook *book, StringInfo xml)
{
	appendStringInfoString(xml, "</sheetData>");
	if (book->filter)
		append_range(book, xml);
	appendStringInfoString(xml, PAGE_MARGINS);
	if (book->table && book->ncolumns > 0)
		appendStringInfoString(xml, "<tableParts count=\"1\">"
							   "<tablePart r:id=\"rId1\"/></tableParts>");
	appendStringInfoString(xml, "</worksheet>");
}

/* The filter over all that the sheet holds. */
static void
append_range(XlsxBook *book, StringInfo xml)
{
	char		letters[XLSX_REFERENCE_BYTES];

	sp_xlsx_column_letters(book->ncolumns - 1, letters);
	appendStringInfo(xml, "<autoFilter ref=\"A1:%s%d\"/>", letters,
					 current_sheet(book)->nrows);
}

/*
 * See how wide a cell is, which is what stands between its tags; characters
 * of East Asia count twice.
 */
static void
measure_cell(XlsxColumn *column, const char *cell, int length)
{
	const char *end = cell + length;
	bool		in_tag = false;
	int			width = 0;

	for (; cell < end; cell++)
	{
		unsigned char byte = (unsigned char) *cell;

		if (byte == '<' || byte == '>')
			in_tag = byte == '<';
		else if (byte == '\n')
			width = 0;
		else if (!in_tag && (byte & 0xC0) != 0x80)
		{
			width += byte >= 0xE3 ? 2 : 1;
			if (byte == '&')
				cell = memchr(cell, ';', end - cell);
			column->width = Max(column->width, width);
		}
	}
}

/* Compress what has been collected; the widths are known by then. */
static void
flush_xml(XlsxBook *book, StringInfo out)
{
	StringInfo	xml = &book->job.xml;
	bool		first = book->measuring;

	if (first)
	{
		StringInfoData head;

		book->measuring = false;
		initStringInfo(&head);
		append_head(book, &head);
		sp_zip_write(book->zip, head.data, head.len, out);
		book->sheet_bytes += head.len;
		pfree(head.data);
	}
	sp_zip_write(book->zip, xml->data, xml->len, out);
	book->sheet_bytes += xml->len;
	resetStringInfo(xml);
	/* whoever reads may see the first rows at once */
	if (first)
		sp_zip_flush(book->zip, out);
}

/* The headings as a table's columns bear them. */
static char **
table_headings(XlsxBook *book)
{
	XlsxJob    *job = &book->job;
	char	  **headings = palloc(book->ncolumns * sizeof(char *));
	int			i;

	job->row = 0;
	for (i = 0; i < book->ncolumns; i++)
	{
		const XlsxColumn *column = &book->columns[i];

		resetStringInfo(&job->xml);
		sp_xlsx_text(job, column, column->heading, strlen(column->heading));
		appendStringInfoChar(&job->xml, '\0');
		headings[i] = without_entities(pstrdup(job->xml.data));
	}
	return headings;
}

/* Undo the escapes that whoever writes an attribute makes again. */
static char *
without_entities(char *xml)
{
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;"};
	static const char characters[] = {'&', '<', '>'};
	char	   *from = xml;
	char	   *to = xml;

	while (*from != '\0')
	{
		int			i;

		for (i = 0; i < lengthof(entities); i++)
		{
			if (strncmp(from, entities[i], strlen(entities[i])) == 0)
				break;
		}
		if (i < lengthof(entities))
		{
			*to++ = characters[i];
			from += strlen(entities[i]);
		}
		else
			*to++ = *from++;
	}
	*to = '\0';
	return xml;
}
