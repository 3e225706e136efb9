/*-------------------------------------------------------------------------
 *
 * writer.h
 *	  A format: how rows become bytes.
 *
 * A format is a constant struct of functions; adding one is a file and an
 * entry in the table of copy_option.c.  A writer only appends to the buffer
 * it is given; the receiver hands the bytes on and empties the buffer
 * between calls, so that what one call appends is never torn apart.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_WRITER_H
#define SYNCPORT_EXPORT_WRITER_H

#include "catalog/pg_attribute.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "pgtime.h"

typedef struct ExportWriter ExportWriter;

/* What to do with a value that the format cannot say. */
typedef enum UnrepresentablePolicy
{
	UNREPRESENTABLE_ERROR,		/* SY008 */
	UNREPRESENTABLE_REPLACE		/* write what comes nearest */
} UnrepresentablePolicy;

/* A column's name for people. */
typedef struct ExportHeading
{
	const char *column;			/* as in the query */
	const char *heading;		/* any text, in the server's encoding */
} ExportHeading;

/*
 * What the options of a statement say to a writer.  A format takes some of
 * them (ExportFormat.options); the others are at their defaults.
 */
typedef struct ExportOptions
{
	pg_tz	   *time_zone;		/* for timestamptz; NULL: the session's */
	bool		force_array;	/* JSON: one array instead of lines */
	bool		header;			/* write a row of headings first */
	List	   *headings;		/* of ExportHeading *; else a column's name */
	char		delimiter;		/* CSV and text */
	char		quote;			/* CSV */
	char		escape;			/* CSV */
	const char *null_print;		/* CSV and text: what stands for NULL */
	bool		force_quote_all;	/* CSV: quote whatever is not NULL */
	List	   *force_quote;	/* CSV: of String, names of columns to quote */
	bool		bom;			/* CSV: begin with a byte order mark */
	bool		escape_formulas;	/* CSV: an apostrophe ahead of text that a
									 * spreadsheet would take for a formula */
	const char *sheet;			/* XLSX: name of the first sheet */
	bool		table;			/* XLSX: format the rows as a table */
	UnrepresentablePolicy on_unrepresentable;	/* XLSX */
	int			deflate_level;	/* XLSX: see compress/deflate.h */
} ExportOptions;

/* Options that a format takes. */
#define EXPORT_FORCE_ARRAY		0x0001
#define EXPORT_HEADER			0x0002	/* and HEADINGS */
#define EXPORT_CSV				0x0004	/* what core's CSV has, and ours */
#define EXPORT_TEXT				0x0008	/* what core's text has */
#define EXPORT_XLSX				0x0010	/* SHEET, TABLE, ON_UNREPRESENTABLE,
										 * COMPRESSION_LEVEL */
#define EXPORT_ENCODING			0x0020	/* ENCODING, where core lacks the
										 * format */
#define EXPORT_COMPRESSION		0x0040	/* COMPRESSION, COMPRESSION_LEVEL */
#define EXPORT_TIME_ZONE		0x0080	/* TIME_ZONE */
#define EXPORT_RAW				0x0100	/* none of its own */

typedef struct ExportFormat
{
	const char *name;			/* as in the option FORMAT */
	bool		binary;			/* not text in the client's encoding */
	const char *media_type;		/* of a file of this format */
	const char *extension;		/* of its name, without the dot */
	int			options;		/* set of EXPORT_ bits */

	/*
	 * Write what stands ahead of the rows.  The writer is palloc'd in the
	 * current context; desc lives longer.
	 */
	ExportWriter *(*begin) (TupleDesc desc, const ExportOptions *options,
							StringInfo out);

	/* Write a row; the current context is reset behind it. */
	void		(*row) (ExportWriter *writer, TupleTableSlot *slot,
						StringInfo out);

	/* Write what stands behind the rows. */
	void		(*end) (ExportWriter *writer, StringInfo out);
} ExportFormat;

/* The text that heads a column of desc. */
extern const char *sp_writer_heading(const ExportOptions *options,
									 Form_pg_attribute attribute);

extern const ExportFormat sp_writer_csv;
extern const ExportFormat sp_writer_json;
extern const ExportFormat sp_writer_ndjson;
extern const ExportFormat sp_writer_raw;
extern const ExportFormat sp_writer_text;
extern const ExportFormat sp_writer_xlsx;

#endif							/* SYNCPORT_EXPORT_WRITER_H */
