/*-------------------------------------------------------------------------
 *
 * image_list.h
 *	  The images of a table that are the newest of their keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_IMAGE_LIST_H
#define SYNCPORT_TABLE_IMAGE_LIST_H

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "storage/itemptr.h"

/* an image */
typedef struct ImageEntry
{
	int64		id;
	int64		row_version;
	TimestampTz removed_at;
	ItemPointerData tid;		/* where it is */
	bool		shown;			/* the newest of its key, and complete */
} ImageEntry;

/* the images of a table */
typedef struct ImageList
{
	MemoryContext context;		/* holds all of this */
	bool		every;			/* set it before the list is extended: older
								 * images of a key are shown, too */
	ImageEntry *entries;
	int			nentries;
	int			room;			/* for so many entries */
	struct newest_hash *keys;	/* of the newest entry of each key */
} ImageList;

/* An empty list in the current context. */
extern ImageList *sp_image_list(void);

/*
 * Append the images of a table, as sp_image_target has it, from a
 * row_version on, as the active snapshot sees them.  Those already listed
 * stay as they are, unless a newer image of their key comes: then they are
 * not shown any more.
 */
extern void sp_image_list_extend(ImageList *list, Oid target,
								 int64 from_version);

/* A row of syncport.tombstone as an entry, newest of its key or not. */
extern void sp_image_list_read(HeapTuple tuple, TupleDesc desc,
							   ImageEntry *entry);

/*
 * If a row of syncport.tombstone has this key, the text of json, and is newer
 * than the entry, it becomes the entry.  The entry's id is 0 at first.
 */
extern void sp_image_list_newest(TupleTableSlot *slot, const text *key,
								 ImageEntry *entry);

#endif							/* SYNCPORT_TABLE_IMAGE_LIST_H */
