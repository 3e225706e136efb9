/*-------------------------------------------------------------------------
 *
 * image_query.h
 *	  A query over images that is run once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_IMAGE_QUERY_H
#define SYNCPORT_TABLE_IMAGE_QUERY_H

#include "table/image_read.h"

/*
 * Run a SELECT over source->from, SPI connected.  The last of its parameters
 * is the ticket, which is filled in; none is NULL.  The result is SPI's.
 */
extern void sp_image_query_run(ImageSource *source, const char *sql,
							   int nparams, const Oid *types, Datum *values);

#endif							/* SYNCPORT_TABLE_IMAGE_QUERY_H */
