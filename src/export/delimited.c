/*-------------------------------------------------------------------------
 *
 * delimited.c
 *	  Rows of fields between delimiters: what CSV and text share.
 *
 * Room for the plain values of a whole row is reserved once; only a field
 * that is looked through reserves for itself, and then again for the rest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "export/delimited.h"

static bool is_plain_safe(const DelimitedWriter *writer, const char *special);
static char *reserve_rest(const DelimitedWriter *writer, int column,
						  StringInfo out);
static void write_field(DelimitedWriter *writer, DelimitedColumn *column,
						Datum value, StringInfo out);

DelimitedWriter *
sp_delimited_begin(TupleDesc desc, const ExportOptions *options,
				   DelimitedField field, const char *special)
{
	DelimitedWriter *writer = palloc0(sizeof(DelimitedWriter));
	bool		plain_safe;
	int			i;

	writer->options = options;
	writer->field = field;
	writer->job = sp_text_job(options->time_zone);
	writer->natts = desc->natts;
	writer->columns = palloc0(sizeof(DelimitedColumn) * Max(desc->natts, 1));
	writer->delimiter = options->delimiter;
	writer->null_length = strlen(options->null_print);
	plain_safe = is_plain_safe(writer, special);
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		DelimitedColumn *column = &writer->columns[writer->ncolumns];

		if (attribute->attisdropped)
			continue;
		column->attribute = i;
		column->always_field = !plain_safe;
		sp_text_encoder_init(&column->encoder, writer->job,
							 attribute->atttypid);
		writer->ncolumns++;
	}
	writer->single = writer->ncolumns == 1;
	return writer;
}

/* Can no plain value be mistaken for something else? */
static bool
is_plain_safe(const DelimitedWriter *writer, const char *special)
{
	if (TEXT_IS_PLAIN(writer->delimiter))
		return false;
	for (; *special != '\0'; special++)
	{
		if (TEXT_IS_PLAIN(*special))
			return false;
	}
	return true;
}

void
sp_delimited_header(DelimitedWriter *writer, TupleDesc desc, StringInfo out)
{
	DelimitedColumn column = {0};
	int			i;

	for (i = 0; i < writer->ncolumns; i++)
	{
		TextSpan	span;

		span.data = sp_writer_heading(writer->options,
									  TupleDescAttr(desc,
													writer->columns[i].attribute));
		span.length = strlen(span.data);
		column.escape_formulas = writer->options->escape_formulas;
		if (i > 0)
			appendStringInfoCharMacro(out, writer->delimiter);
		writer->field(writer, &column, &span, out);
	}
	appendStringInfoCharMacro(out, '\n');
}

void
sp_delimited_row(ExportWriter *self, TupleTableSlot *slot, StringInfo out)
{
	DelimitedWriter *writer = (DelimitedWriter *) self;
	char	   *position = reserve_rest(writer, 0, out);
	const Datum *values = slot->tts_values;
	const bool *isnull = slot->tts_isnull;
	int			i;

	slot_getsomeattrs(slot, writer->natts);
	for (i = 0; i < writer->ncolumns; i++)
	{
		DelimitedColumn *column = &writer->columns[i];
		Datum		value = values[column->attribute];
		char	   *end = NULL;

		if (i > 0)
			*position++ = writer->delimiter;
		if (isnull[column->attribute] && writer->null_length <=
			VALUE_BYTES_MAX)
		{
			memcpy(position, writer->options->null_print,
				   writer->null_length);
			position += writer->null_length;
			continue;
		}
		if (column->encoder.plain != NULL && !column->always_field &&
			!isnull[column->attribute])
			end = column->encoder.plain(&column->encoder, value, position);
		if (end != NULL)
		{
			position = end;
			continue;
		}
		out->len = position - out->data;
		if (isnull[column->attribute])
			appendBinaryStringInfo(out, writer->options->null_print,
								   writer->null_length);
		else
			write_field(writer, column, value, out);
		position = reserve_rest(writer, i + 1, out);
	}
	*position++ = '\n';
	out->len = position - out->data;
}

void
sp_delimited_end(ExportWriter *writer, StringInfo out)
{
}

/*
 * Room for the delimiters and plain values of a column and all behind it; a
 * longer text for NULL reserves for itself.
 */
static char *
reserve_rest(const DelimitedWriter *writer, int column, StringInfo out)
{
	int			nfields = writer->ncolumns - column;

	return sp_value_reserve(out, 1 + nfields * (1 + VALUE_BYTES_MAX));
}

/* Append a value that needs to be looked through. */
static void
write_field(DelimitedWriter *writer, DelimitedColumn *column, Datum value,
			StringInfo out)
{
	TextEncoder *encoder = &column->encoder;
	char		plain[VALUE_BYTES_MAX];
	TextSpan	span;

	span.data = NULL;
	if (encoder->plain != NULL && column->always_field)
	{
		char	   *end = encoder->plain(encoder, value, plain);

		if (end != NULL)
		{
			span.data = plain;
			span.length = end - plain;
		}
	}
	if (span.data == NULL)
		encoder->get(encoder, value, &span);
	writer->field(writer, column, &span, out);
}
