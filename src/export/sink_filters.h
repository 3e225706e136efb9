/*-------------------------------------------------------------------------
 *
 * sink_filters.h
 *	  The filters that the options of an export ask for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_SINK_FILTERS_H
#define SYNCPORT_EXPORT_SINK_FILTERS_H

#include "export/copy_option.h"
#include "export/sink.h"

/*
 * The sink that a writer is to write to, so that what reaches sink is in
 * the encoding and the compression that the options say.
 */
extern ExportSink *sp_sink_filters(const CopyOptions *options,
								   ExportSink *sink);

#endif							/* SYNCPORT_EXPORT_SINK_FILTERS_H */
