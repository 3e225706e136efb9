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

#include "executor/tuptable.h"
#include "lib/stringinfo.h"

typedef struct ExportWriter ExportWriter;

typedef struct ExportOptions
{
	bool		force_array;	/* JSON: one array instead of lines */
} ExportOptions;

typedef struct ExportFormat
{
	const char *name;			/* as in the option FORMAT */
	bool		binary;			/* not text in the client's encoding */
	const char *valid_options;	/* for the hint of a wrong one */
	bool		takes_force_array;	/* is FORCE_ARRAY one of them */

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

extern const ExportFormat sp_writer_json;
extern const ExportFormat sp_writer_ndjson;

#endif							/* SYNCPORT_EXPORT_WRITER_H */
