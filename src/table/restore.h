/*-------------------------------------------------------------------------
 *
 * restore.h
 *	  What is to be restored, and how it is written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_RESTORE_H
#define SYNCPORT_TABLE_RESTORE_H

#include "utils/rel.h"

#include "table/table.h"

/* Deleted rows of one table. */
typedef struct RestoreSet
{
	EnabledTable *table;
	Relation	rel;			/* the table, open */
	List	   *references;		/* of ForeignReference: who refers to it */
	List	   *columns;		/* attribute numbers of the key and of what is
								 * referred to */
	List	   *tombstones;		/* of HeapTuple: rows with these columns */
	List	   *images;			/* of HeapTuple: the same of images */
	List	   *image_ids;		/* of int64 *: syncport.tombstone.id, in the
								 * same order */
} RestoreSet;

/*
 * Bring the rows of all sets back in one statement as the caller, so that no
 * order between them is needed.  SPI must be connected.  Returns how many
 * came back.  Errors: 22P02 where an image holds what its column does not
 * take any more, and those of INSERT and UPDATE.
 */
extern int64 sp_restore_write(List *sets);

/* The rows as an array of the table's row type, and the array's type. */
extern Datum sp_restore_array(Relation rel, List *rows, Oid *type);

#endif							/* SYNCPORT_TABLE_RESTORE_H */
