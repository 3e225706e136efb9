/*-------------------------------------------------------------------------
 *
 * delimited.h
 *	  Rows of fields between delimiters: what CSV and text share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_DELIMITED_H
#define SYNCPORT_EXPORT_DELIMITED_H

#include "encode/text.h"
#include "export/writer.h"

typedef struct DelimitedColumn
{
	int			attribute;		/* index in the row's values */
	bool		always_field;	/* even plain values go through field */
	bool		force_quote;	/* CSV: quote it in any case */
	bool		escape_formulas;	/* CSV: it is text, and formulas are to be
									 * made harmless */
	TextEncoder encoder;
} DelimitedColumn;

typedef struct DelimitedWriter DelimitedWriter;

/* Append a field that needs to be looked through. */
typedef void (*DelimitedField) (DelimitedWriter *writer,
								const DelimitedColumn *column,
								const TextSpan *span, StringInfo out);

struct DelimitedWriter
{
	const ExportOptions *options;
	DelimitedField field;
	TextJob    *job;
	int			natts;			/* leading attributes to deform */
	int			ncolumns;
	DelimitedColumn *columns;
	char		delimiter;
	int			null_length;	/* of options->null_print */
	bool		single;			/* rows have one field */
};

/*
 * Set up a writer of desc's columns in the current context; palloc'd.  The
 * caller sets what the columns need beyond their type.  special: bytes that
 * have a meaning to the format, beside the delimiter and line breaks; where
 * one of them could occur in a plain value, none is written straight.
 */
extern DelimitedWriter *sp_delimited_begin(TupleDesc desc,
										   const ExportOptions *options,
										   DelimitedField field,
										   const char *special);

/* Append the headings as a row. */
extern void sp_delimited_header(DelimitedWriter *writer, TupleDesc desc,
								StringInfo out);

/* ExportFormat.row and .end of both. */
extern void sp_delimited_row(ExportWriter *writer, TupleTableSlot *slot,
							 StringInfo out);
extern void sp_delimited_end(ExportWriter *writer, StringInfo out);

#endif							/* SYNCPORT_EXPORT_DELIMITED_H */
