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

/*
 * Remove the images of a key that the caller is shown and could delete, and
 * leave what clients need: an incomplete image, built from row, or from the
 * newest image where row is NULL.  SPI must be connected.  False where there
 * was neither row nor image.
 */
extern bool sp_erase_images(Relation rel, const RowKey *key,
							TupleTableSlot *row);

#endif							/* SYNCPORT_TABLE_ERASE_H */
