/*-------------------------------------------------------------------------
 *
 * writer_csv.c
 *	  CSV, byte for byte what core's COPY writes.
 *
 * What has a meaning in CSV is ASCII, and in every server encoding an ASCII
 * byte is never part of another character, so fields are looked through
 * eight bytes at a time.  The quotes inside a field that needs them are found
 * by memchr: they are rare, and it is fast.
 *
 * FORMULAS 'escape' puts an apostrophe ahead of text that a spreadsheet
 * would take for a formula, and ahead of text that looks as if that had
 * been done: whoever takes one off again gets back what there was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/copy.h"
#include "utils/lsyscache.h"

#include "export/delimited.h"

#define EVERY_BYTE(byte)	(UINT64CONST(0x0101010101010101) * (byte))

/* the marker of harmless text */
#define FORMULA_MARKER		'\''

typedef struct CsvWriter
{
	DelimitedWriter base;		/* must be first */
	uint64		delimiters;		/* eight of each byte that needs quotes */
	uint64		quotes;
} CsvWriter;

static ExportWriter *begin_csv(TupleDesc desc, const ExportOptions *options,
							   StringInfo out);
static void mark_columns(CsvWriter *writer, TupleDesc desc,
						 const ExportOptions *options);
static void mark_force_quote(CsvWriter *writer, TupleDesc desc,
							 List *names);
static bool is_text(Oid type);
static void write_csv_field(DelimitedWriter *self,
							const DelimitedColumn *column,
							const TextSpan *span, StringInfo out);
static bool needs_quotes(const CsvWriter *writer, const TextSpan *span);
static bool has_special(const CsvWriter *writer, const TextSpan *span);
static inline uint64 zero_bytes(uint64 word);
static bool is_formula(const TextSpan *span);
static void write_quoted(const CsvWriter *writer, const TextSpan *span,
						 bool marked, StringInfo out);
static size_t find_escape(const CsvWriter *writer, const char *data,
						  size_t length);

const ExportFormat sp_writer_csv = {
	.name = "csv",
	.media_type = "text/csv",
	.extension = "csv",
	.options = EXPORT_CSV | EXPORT_HEADER | EXPORT_COMPRESSION |
	EXPORT_TIME_ZONE,
	.begin = begin_csv,
	.row = sp_delimited_row,
	.end = sp_delimited_end
};

/* Set up the columns and write the header. */
static ExportWriter *
begin_csv(TupleDesc desc, const ExportOptions *options, StringInfo out)
{
	CsvWriter  *writer = palloc0(sizeof(CsvWriter));
	char		special[2] = {options->quote, '\0'};
	DelimitedWriter *base = sp_delimited_begin(desc, options,
											   write_csv_field, special);

	writer->base = *base;
	writer->delimiters = EVERY_BYTE((unsigned char) options->delimiter);
	writer->quotes = EVERY_BYTE((unsigned char) options->quote);
	mark_columns(writer, desc, options);
	if (options->header)
		sp_delimited_header(&writer->base, desc, out);
	return (ExportWriter *) writer;
}

/* Which columns have to be quoted, or looked through, and why. */
static void
mark_columns(CsvWriter *writer, TupleDesc desc, const ExportOptions *options)
{
	bool		null_is_plain = options->null_print[0] != '\0';
	const char *c;
	int			i;

	/* a plain value that equals what stands for NULL is quoted */
	for (c = options->null_print; *c != '\0'; c++)
		null_is_plain = null_is_plain && TEXT_IS_PLAIN(*c);
	mark_force_quote(writer, desc, options->force_quote);
	for (i = 0; i < writer->base.ncolumns; i++)
	{
		DelimitedColumn *column = &writer->base.columns[i];
		Oid			type = TupleDescAttr(desc, column->attribute)->atttypid;

		column->force_quote |= options->force_quote_all;
		column->always_field |= null_is_plain || column->force_quote;
		column->escape_formulas = options->escape_formulas && is_text(type);
	}
}

/* FORCE_QUOTE with a list of columns, of equal ones the first. */
static void
mark_force_quote(CsvWriter *writer, TupleDesc desc, List *names)
{
	ListCell   *cell;
	int			i;

	foreach(cell, names)
	{
		const char *name = strVal(lfirst(cell));
		bool		found = false;

		for (i = 0; i < writer->base.ncolumns; i++)
		{
			DelimitedColumn *column = &writer->base.columns[i];

			Form_pg_attribute attribute = TupleDescAttr(desc,
														column->attribute);

			if (strcmp(NameStr(attribute->attname), name) != 0)
				continue;
			column->force_quote = true;
			found = true;
			break;
		}
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("FORCE_QUOTE column \"%s\" not referenced by COPY",
							name)));
	}
}

/* Does a type hold text?  Numbers and times are no formulas. */
static bool
is_text(Oid type)
{
	char		category;
	bool		is_preferred;

	get_type_category_preferred(getBaseType(type), &category, &is_preferred);
	return category != TYPCATEGORY_NUMERIC &&
		category != TYPCATEGORY_DATETIME &&
		category != TYPCATEGORY_TIMESPAN &&
		category != TYPCATEGORY_BOOLEAN &&
		getBaseType(type) != UUIDOID;
}

/* Append a field, in quotes where it needs them. */
static void
write_csv_field(DelimitedWriter *self, const DelimitedColumn *column,
				const TextSpan *span, StringInfo out)
{
	CsvWriter  *writer = (CsvWriter *) self;
	bool		marked = column->escape_formulas && is_formula(span);
	char	   *position;

	if (column->force_quote || needs_quotes(writer, span))
	{
		write_quoted(writer, span, marked, out);
		return;
	}
	position = sp_value_reserve(out, span->length + 1);
	if (marked)
		*position++ = FORMULA_MARKER;
	memcpy(position, span->data, span->length);
	out->len = position + span->length - out->data;
}

/* Could a field be mistaken for another without quotes? */
static bool
needs_quotes(const CsvWriter *writer, const TextSpan *span)
{
	const DelimitedWriter *base = &writer->base;

	if (span->length == base->null_length &&
		memcmp(span->data, base->options->null_print, span->length) == 0)
		return true;
	/* the end of data, to some readers */
	if (base->single && span->length == 2 &&
		memcmp(span->data, "\\.", 2) == 0)
		return true;
	return has_special(writer, span);
}

/* Does a field hold a delimiter, a quote or a line break? */
static bool
has_special(const CsvWriter *writer, const TextSpan *span)
{
	const char *data = span->data;
	const char *end = data + span->length;
	char		delimiter = writer->base.delimiter;
	char		quote = writer->base.options->quote;
	uint64		word;

	for (; end - data >= (ptrdiff_t) sizeof(word); data += sizeof(word))
	{
		memcpy(&word, data, sizeof(word));
		if (zero_bytes(word ^ writer->delimiters) |
			zero_bytes(word ^ writer->quotes) |
			zero_bytes(word ^ EVERY_BYTE('\n')) |
			zero_bytes(word ^ EVERY_BYTE('\r')))
			return true;
	}
	for (; data < end; data++)
	{
		if (*data == delimiter || *data == quote || *data == '\n' ||
			*data == '\r')
			return true;
	}
	return false;
}

/* Not 0 where one of the eight bytes is 0. */
static inline uint64
zero_bytes(uint64 word)
{
	return (word - EVERY_BYTE(1)) & ~word & EVERY_BYTE(0x80);
}

/*
 * Would a spreadsheet take a field for a formula, or a reader one that has
 * a marker?
 */
static bool
is_formula(const TextSpan *span)
{
	size_t		i = 0;

	while (i < span->length && span->data[i] == FORMULA_MARKER)
		i++;
	while (i < span->length && span->data[i] == ' ')
		i++;
	return i < span->length && strchr("=+-@\t\r\n", span->data[i]) != NULL;
}

/* Append a field in quotes, those inside escaped. */
static void
write_quoted(const CsvWriter *writer, const TextSpan *span, bool marked,
			 StringInfo out)
{
	const ExportOptions *options = writer->base.options;
	const char *data = span->data;
	size_t		left = span->length;

	appendStringInfoCharMacro(out, options->quote);
	if (marked)
		appendStringInfoCharMacro(out, FORMULA_MARKER);
	while (left > 0)
	{
		size_t		plain = find_escape(writer, data, left);
		char	   *position = sp_value_reserve(out, plain + 2);

		memcpy(position, data, plain);
		position += plain;
		if (plain < left)
		{
			*position++ = options->escape;
			*position++ = data[plain++];
		}
		out->len = position - out->data;
		data += plain;
		left -= plain;
	}
	appendStringInfoCharMacro(out, options->quote);
}

/* How many bytes there are ahead of the next one that needs an escape. */
static size_t
find_escape(const CsvWriter *writer, const char *data, size_t length)
{
	const ExportOptions *options = writer->base.options;
	const char *quote = memchr(data, options->quote, length);

	if (quote != NULL)
		length = quote - data;
	if (options->escape != options->quote)
	{
		const char *escape = memchr(data, options->escape, length);

		if (escape != NULL)
			length = escape - data;
	}
	return length;
}
