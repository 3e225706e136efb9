/*-------------------------------------------------------------------------
 *
 * copy_option.h
 *	  The options of an export, as COPY and the functions take them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_COPY_OPTION_H
#define SYNCPORT_EXPORT_COPY_OPTION_H

#include "nodes/pg_list.h"

#include "export/writer.h"

typedef enum ExportCompression
{
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD
} ExportCompression;

typedef struct CopyOptions
{
	const ExportFormat *format;
	ExportOptions export;		/* for the format */
	int			encoding;		/* of the text to write */
	ExportCompression compression;
	int			compression_level;	/* of gzip or zstd */
	const char *preset;			/* of a table, or NULL */
	const char *filter;			/* of a table, JSON, or NULL */
	const char *order_by;		/* of a table, or NULL */
} CopyOptions;

/*
 * Does a list of DefElem name a format that core lacks, or options that only
 * ours take?  Never errors: what is not ours is for core to refuse.
 */
extern const ExportFormat *sp_copy_option_format(List *options);

/*
 * The format of a statement that core runs and we could: csv, or text; NULL
 * where an option is not core's.
 */
extern const ExportFormat *sp_copy_option_core_format(List *options);

/* The format of a name; 22023 where there is none. */
extern const ExportFormat *sp_copy_option_named_format(const char *name);

/*
 * Is it one of the encodings that make a backslash of the yen sign and a
 * tilde of the overline?  Of all others ASCII comes from nothing but ASCII.
 */
extern bool sp_copy_option_is_shift_jis(int encoding);

/*
 * The List of ExportHeading * that a JSON object of strings stands for;
 * 22023 for anything else.
 */
extern List *sp_copy_option_headings(const char *text);

/*
 * Read the options of a statement that is ours, with core's defaults.
 * Errors: 42601 for one given twice, 22023 for one that the format does not
 * take or a wrong value, and what core says of its own, with the place in
 * source (NULL: none).
 */
extern void sp_copy_option_read(const ExportFormat *format, List *options,
								const char *source, CopyOptions *result);

#endif							/* SYNCPORT_EXPORT_COPY_OPTION_H */
