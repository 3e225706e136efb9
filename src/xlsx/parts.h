/*-------------------------------------------------------------------------
 *
 * parts.h
 *	  The small parts of a workbook, as libxlsxwriter writes them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_XLSX_PARTS_H
#define SYNCPORT_XLSX_PARTS_H

#include "xlsx/book.h"
#include "xlsx/zip.h"

/* A sheet that has been written. */
typedef struct XlsxSheet
{
	char	   *name;			/* in UTF-8 */
	int			nrows;			/* the header among them */
} XlsxSheet;

typedef struct XlsxParts
{
	const XlsxStyles *styles;
	int			nsheets;
	const XlsxSheet *sheets;
	int			ncolumns;
	char	  **headings;		/* one per column, as XML without entities;
								 * needed for tables only */
	bool		filter;			/* the sheets have an autofilter */
	bool		table;			/* or are tables */
} XlsxParts;

/*
 * Add everything but the sheets to the archive: styles, workbook, tables,
 * properties, relations, content types.  Errors: 53200 where libxlsxwriter
 * has no memory, 58030 where what it wrote is not whole.
 */
extern void sp_xlsx_add_parts(const XlsxParts *parts, ZipWriter *zip,
							  StringInfo out);

#endif							/* SYNCPORT_XLSX_PARTS_H */
