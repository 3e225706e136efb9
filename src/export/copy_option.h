/*-------------------------------------------------------------------------
 *
 * copy_option.h
 *	  The options of a COPY statement with one of our formats.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_COPY_OPTION_H
#define SYNCPORT_EXPORT_COPY_OPTION_H

#include "nodes/pg_list.h"

#include "export/writer.h"

typedef struct CopyOptions
{
	const ExportFormat *format;
	ExportOptions export;		/* for the format */
	int			encoding;		/* of the text to write */
} CopyOptions;

/*
 * Does a list of DefElem name one of our formats?  Never errors: what is
 * not ours is for core to refuse.
 */
extern const ExportFormat *sp_copy_option_format(List *options);

/*
 * Read the options of a statement that is ours.  Errors: 42601 for one
 * given twice, 22023 for one that the format does not take.
 */
extern void sp_copy_option_read(const ExportFormat *format, List *options,
								CopyOptions *result);

#endif							/* SYNCPORT_EXPORT_COPY_OPTION_H */
