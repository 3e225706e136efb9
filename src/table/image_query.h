/*-------------------------------------------------------------------------
 *
 * image_query.h
 *	  Queries over images.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_IMAGE_QUERY_H
#define SYNCPORT_TABLE_IMAGE_QUERY_H

#include "table/image_read.h"

/*
 * Run a SELECT over source->from once, SPI connected.  The last of its
 * parameters is the ticket, which is filled in; none is NULL.  The result is
 * SPI's.
 */
extern void sp_image_query_run(ImageSource *source, const char *sql,
							   int nparams, const Oid *types, Datum *values);

/* A query for the newest image of a key. */
typedef struct ImageKeyQuery ImageKeyQuery;

/*
 * A query for rel, which has a primary key and is open and locked, as long
 * as its definition stays.  select: the SELECT list, over t; condition: over
 * t, its parameters $1 and so on are the columns of the key, of types (no
 * domains).  Prepared when it is run first.  Palloc'd in the current context.
 */
extern ImageKeyQuery *sp_image_key_query(Relation rel, const char *select,
										 const char *condition,
										 const Oid *types);

/*
 * Run it, SPI connected, for the key with these values in its order; false
 * where there is no image, or a row in the table that the caller sees.  The
 * result is SPI's.  It costs a search of an index where equal keys have equal
 * texts; else all images of the table are read.
 */
extern bool sp_image_key_query_run(ImageKeyQuery *query, Relation rel,
								   const Datum *key);

#endif							/* SYNCPORT_TABLE_IMAGE_QUERY_H */
