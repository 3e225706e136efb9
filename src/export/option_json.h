/*-------------------------------------------------------------------------
 *
 * option_json.h
 *	  The options of an export as a JSON object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_OPTION_JSON_H
#define SYNCPORT_EXPORT_OPTION_JSON_H

#include "utils/jsonb.h"

#include "export/copy_option.h"

#define CHUNK_BYTES_MIN			1024
#define CHUNK_BYTES_MAX			(16 * 1024 * 1024)
#define CHUNK_BYTES_DEFAULT		(64 * 1024)

/*
 * Read the options of a function that exports: those of COPY, with its
 * checks, but UTF-8, a header in CSV and an array in JSON are the defaults;
 * and chunk_bytes.  json may be NULL.  Palloc'd in the current context.
 * Errors: 22023, and what copy_option.h says.
 */
extern void sp_option_json_read(const ExportFormat *format, Jsonb *json,
								CopyOptions *result, int *chunk_bytes);

#endif							/* SYNCPORT_EXPORT_OPTION_JSON_H */
