/*-------------------------------------------------------------------------
 *
 * filter.c
 *	  Puts the filters that options ask for ahead of a sink.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "export/filter.h"

static bool needs_encoding(const CopyOptions *options);

ExportSink *
sp_export_filters(const CopyOptions *options, ExportSink *sink)
{
	if (options->compression == COMPRESSION_GZIP)
		sink = sp_sink_gzip(options->compression_level, sink);
	else if (options->compression == COMPRESSION_ZSTD)
		sink = sp_sink_zstd(options->compression_level, sink);
	if (needs_encoding(options))
		sink = sp_sink_encoding(options->encoding, sink);
	return sink;
}

/* Is there text to convert? */
static bool
needs_encoding(const CopyOptions *options)
{
	return !options->format->binary &&
		options->encoding != GetDatabaseEncoding() &&
		options->encoding != PG_SQL_ASCII;
}
