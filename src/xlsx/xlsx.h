/*-------------------------------------------------------------------------
 *
 * xlsx.h
 *	  Rows as an Excel workbook, streamed.
 *
 * Memory does not grow with the rows, and nothing of them is kept on disk:
 * the sheets go straight into the ZIP archive, what describes them follows.
 * Every function appends what is ready of the archive to out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_XLSX_H
#define SYNCPORT_XLSX_H

#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "pgtime.h"

/* the media type of a workbook */
#define XLSX_MEDIA_TYPE \
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

typedef struct XlsxBook XlsxBook;

typedef struct XlsxOptions
{
	const char *sheet;			/* name of the first sheet, of which a valid
								 * one is made; NULL: Sheet1 */
	bool		header;			/* the first row of a sheet is headings */
	const char **headings;		/* one per attribute, dropped ones too */
	bool		table;			/* every sheet is a table; needs header */
	bool		replace;		/* what XML or a cell cannot hold is replaced;
								 * else it is refused */
	pg_tz	   *time_zone;		/* for timestamptz; NULL: UTC */
	int			level;			/* as in compress/deflate.h */
} XlsxOptions;

/*
 * Begin a workbook of rows of desc, which has to live as long, in the
 * current memory context.  Errors: 22023 for headings that a table cannot
 * have, SY008 for those that hold what XML cannot.
 */
extern XlsxBook *sp_xlsx_begin(TupleDesc desc, const XlsxOptions *options,
							   StringInfo out);

/*
 * Add a row.  May leave garbage in the current memory context.  Errors:
 * SY008 where a value cannot be written, 54000 where the file would become
 * too large for its format.
 */
extern void sp_xlsx_row(XlsxBook *book, TupleTableSlot *slot, StringInfo out);

/* End the workbook. */
extern void sp_xlsx_end(XlsxBook *book, StringInfo out);

#endif							/* SYNCPORT_XLSX_H */
