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
#include "utils/array.h"
#include "utils/rel.h"

#include "table/key.h"

/* The images of a key that is erased. */
typedef struct ErasedImages
{
	ArrayType  *ids;			/* bigint[]: those that were found last */
	Datum		key;			/* json, of the newest; 0 where none were */
	text	   *image;			/* of it, reduced */
} ErasedImages;

/*
 * Reduce the images of a key that the caller is shown and could delete;
 * *erased tells of them, and is zeroed by the caller first.  Waits for who is
 * restoring one of them.  SPI must be connected.
 */
extern void sp_erase_images(Relation rel, const RowKey *key,
							ErasedImages *erased);

/*
 * Leave what clients need, an incomplete image of this transaction: of a row
 * that it has removed from its table, or else of the newest image.
 */
extern void sp_erase_leave_row(Relation rel, TupleTableSlot *row,
							   const ErasedImages *erased);
extern void sp_erase_leave_image(Relation rel, const ErasedImages *erased);

#endif							/* SYNCPORT_TABLE_ERASE_H */
