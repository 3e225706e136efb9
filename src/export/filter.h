/*-------------------------------------------------------------------------
 *
 * filter.h
 *	  The filters that options put ahead of a sink.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_FILTER_H
#define SYNCPORT_EXPORT_FILTER_H

#include "export/copy_option.h"
#include "export/sink.h"

/*
 * The sink to write to so that the last one, given, gets what the options
 * ask for: text is converted first, then compressed.
 */
extern ExportSink *sp_export_filters(const CopyOptions *options,
									 ExportSink *sink);

#endif							/* SYNCPORT_EXPORT_FILTER_H */
