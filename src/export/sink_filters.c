/*-------------------------------------------------------------------------
 *
 * sink_filters.c
 *	  The filters that the options of an export ask for.
 *
 * Bytes come by in this order: encoding, byte order mark, compression.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "export/sink_filters.h"

ExportSink *
sp_sink_filters(const CopyOptions *options, ExportSink *sink)
{
	if (options->compression == COMPRESSION_GZIP)
		sink = sp_sink_gzip(options->compression_level, sink);
	else if (options->compression == COMPRESSION_ZSTD)
		sink = sp_sink_zstd(options->compression_level, sink);
	if (options->export.bom)
		sink = sp_sink_bom(sink);
	if (!options->format->binary &&
		options->encoding != GetDatabaseEncoding() &&
		options->encoding != PG_SQL_ASCII)
		sink = sp_sink_encoding(options->encoding, sink);
	return sink;
}
