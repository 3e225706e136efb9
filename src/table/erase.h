/*-------------------------------------------------------------------------
 *
 * erase.h
 *	  The images of a row that is erased.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_ERASE_H
#define SYNCPORT_TABLE_ERASE_H

#include "executor/tuptable.h"
#include "utils/rel.h"

#include "table/key.h"

/* The newest of the images that went. */
typedef struct ErasedImage
{
	Datum		key;			/* json; 0 where none went */
	text	   *image;			/* a copy */
} ErasedImage;

/*
 * Remove the images of a key that the caller is shown and could delete;
 * *newest is set if there are any.  Waits for who is restoring one of them.
 * SPI must be connected.
 */
extern void sp_erase_images(Relation rel, const RowKey *key,
							ErasedImage *newest);

/*
 * Leave what clients need, an incomplete image: of a row that this
 * transaction has removed from its table, or else of an image.
 */
extern void sp_erase_leave_row(Relation rel, TupleTableSlot *row);
extern void sp_erase_leave_image(Relation rel, const ErasedImage *newest);

#endif							/* SYNCPORT_TABLE_ERASE_H */
