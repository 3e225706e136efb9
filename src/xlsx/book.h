/*-------------------------------------------------------------------------
 *
 * book.h
 *	  What the files of this folder share about a workbook.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_XLSX_BOOK_H
#define SYNCPORT_XLSX_BOOK_H

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "pgtime.h"

#include "encode/value.h"

/* UTF-16 units in a cell */
#define XLSX_TEXT_UNITS_MAX		32767

/* rows in a sheet, the header among them */
#define XLSX_ROWS_MAX			1048576

/* numbered from 1 in the order of their first use; 0 is the default */
#define XLSX_STYLES_MAX			40

#define XLSX_STYLE_BYTES		48

/* blocks in which the fixed parts of a cell are copied */
#define XLSX_REFERENCE_BYTES	16
#define XLSX_DIGITS_BYTES		8
#define XLSX_HEAD_BYTES			32

/*
 * What a writer of cells may write without making room: every cell finds
 * this much reserved.
 */
#define XLSX_CELL_BYTES			256

/* The number formats in use; the header's style has none. */
typedef struct XlsxStyles
{
	int			nstyles;
	char		formats[XLSX_STYLES_MAX][XLSX_STYLE_BYTES];
	int			header;			/* the one of headings, or 0 */
} XlsxStyles;

/* What the cells of a workbook have in common. */
typedef struct XlsxJob
{
	MemoryContext context;		/* lives as long as the workbook */
	StringInfoData xml;			/* of the sheet, not compressed yet */
	StringInfoData scratch;		/* text on its way into a cell */
	bool		replace;		/* as in XlsxOptions */
	int			encoding;		/* of the server */
	uint64		row;			/* of the data, from 1; 0: headings */
	int			ndigits;		/* of the row in the sheet */
	char		digits[XLSX_DIGITS_BYTES];	/* its number, from 1 */
	bool		line_break;		/* the text last escaped holds one */
	pg_tz	   *zone;			/* for timestamptz */
	ZoneCache	zone_cache;		/* its offsets */
	XlsxStyles	styles;
} XlsxJob;

typedef struct XlsxColumn XlsxColumn;

/* Append the cell of a value, which is not NULL, to job->xml. */
typedef void (*XlsxWrite) (XlsxJob *job, XlsxColumn *column, Datum value);

struct XlsxColumn
{
	XlsxWrite	write;
	int			attribute;		/* index in the row's values */
	const char *name;			/* in the query, for messages */
	const char *heading;		/* in the server's encoding */
	Oid			type;			/* domains looked through */
	int32		typmod;			/* of the type */
	int			style;			/* of its numbers */
	bool		fixed_width;	/* width is that of all values */
	int			width;			/* of the widest value seen, in characters */
	FmgrInfo	function;		/* output function, where one is needed */
	void	   *state;			/* of the writer */
	int			reference_length;
	char		reference[XLSX_REFERENCE_BYTES];	/* a cell up to its row */
	int			head_length;
	char		head[XLSX_HEAD_BYTES];	/* a number's from there to its value */
};

/* Write a cell's tag up to its row; there has to be room for it. */
static inline char *
sp_xlsx_begin_cell(const XlsxJob *job, const XlsxColumn *column)
{
	char	   *out = job->xml.data + job->xml.len;

	memcpy(out, column->reference, XLSX_REFERENCE_BYTES);
	out += column->reference_length;
	memcpy(out, job->digits, XLSX_DIGITS_BYTES);
	return out + job->ndigits;
}

/* Write the letters of a column, from 0, with a NUL; returns their number. */
extern int	sp_xlsx_column_letters(int column, char *letters);

/* Choose how to write the cells of a type; the rest of column is set. */
extern void sp_xlsx_column_init(XlsxJob *job, XlsxColumn *column);

/* Append a cell of text in the server's encoding, in a style. */
extern void sp_xlsx_text_cell(XlsxJob *job, const XlsxColumn *column,
							  int style, const char *text, size_t length);

/*
 * Append text as XML to job->xml, by the policy for what a cell cannot hold.
 */
extern void sp_xlsx_text(XlsxJob *job, const XlsxColumn *column,
						 const char *text, size_t length);

/*
 * A name for a sheet made of text in the server's encoding: UTF-8, as Excel
 * wants it, palloc'd.
 */
extern char *sp_xlsx_sheet_name(const char *text);

/*
 * The name of the sheet of a number, from 1, of a workbook that begins with
 * first; palloc'd.
 */
extern char *sp_xlsx_next_sheet_name(const char *first, int number);

/* May the headings head tables?  22023 if not. */
extern void sp_xlsx_check_table_headings(const XlsxColumn *columns,
										 int ncolumns);

#endif							/* SYNCPORT_XLSX_BOOK_H */
