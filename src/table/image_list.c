/*-------------------------------------------------------------------------
 *
 * image_list.c
 *	  The images of a table that are the newest of their keys.
 *
 * The index gives them by row_version, which does not order the images of a
 * key: the transaction with the lower id may have deleted later.  So a hash
 * table remembers every key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "support/compat.h"
#include "table/image_list.h"
#include "table/registry.h"

#define TOMBSTONE			"tombstone"
#define TOMBSTONE_INDEX		"tombstone_target_row_version_id_idx"

/* columns of syncport.tombstone */
enum TombstoneColumn
{
	TOMBSTONE_ID = 1,
	TOMBSTONE_TARGET,
	TOMBSTONE_ROW_VERSION,
	TOMBSTONE_REMOVED_AT,
	TOMBSTONE_COMPLETE,
	TOMBSTONE_KEY,
	TOMBSTONE_IMAGE
};

/* the json text of a key */
typedef struct KeyText
{
	const char *data;			/* not terminated */
	int			length;
} KeyText;

/* the newest image of a key */
typedef struct KeyEntry
{
	KeyText		key;
	uint32		hash;			/* of key */
	char		status;			/* of the hash table */
	int			newest;			/* position among the images */
} KeyEntry;

#define SH_PREFIX		newest
#define SH_ELEMENT_TYPE KeyEntry
#define SH_KEY_TYPE		KeyText
#define SH_KEY			key
#define SH_HASH_KEY(tb, key)	\
	hash_bytes((const unsigned char *) (key).data, (key).length)
#define SH_EQUAL(tb, a, b)	\
	((a).length == (b).length && memcmp((a).data, (b).data, (a).length) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry)	(entry)->hash
#define SH_SCOPE		static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static void list_image(ImageList *list, HeapTuple tuple, TupleDesc desc);
static void add_entry(ImageList *list, const ImageEntry *entry);

ImageList *
sp_image_list(void)
{
	ImageList  *list = palloc0(sizeof(ImageList));

	list->context = CurrentMemoryContext;
	list->keys = newest_create(CurrentMemoryContext, 256, NULL);
	return list;
}

void
sp_image_list_extend(ImageList *list, Oid target, int64 from_version)
{
	Relation	tombstone = table_open(sp_table_own_oid(TOMBSTONE),
									   AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], TOMBSTONE_TARGET, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(target));
	ScanKeyInit(&keys[1], TOMBSTONE_ROW_VERSION,
				BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(from_version));
	scan = systable_beginscan(tombstone, sp_table_own_oid(TOMBSTONE_INDEX),
							  true, GetActiveSnapshot(), 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		list_image(list, tuple, RelationGetDescr(tombstone));
	}
	systable_endscan(scan);
	table_close(tombstone, NoLock);
}

/* Add one image; of two with one key the higher id is newer. */
static void
list_image(ImageList *list, HeapTuple tuple, TupleDesc desc)
{
	ImageEntry	entry;
	bool		isnull;
	bool		found;
	text	   *key;
	KeyText		key_text;
	KeyEntry   *newest;

	sp_image_list_read(tuple, desc, &entry);
	if (list->every)
	{
		add_entry(list, &entry);
		return;
	}
	key = DatumGetTextPP(heap_getattr(tuple, TOMBSTONE_KEY, desc, &isnull));
	key_text.data = VARDATA_ANY(key);
	key_text.length = VARSIZE_ANY_EXHDR(key);
	newest = newest_insert(list->keys, key_text, &found);
	if (!found)
	{
		char	   *copy = MemoryContextAlloc(list->context,
											  Max(key_text.length, 1));

		memcpy(copy, key_text.data, key_text.length);
		newest->key.data = copy;
	}
	else if (list->entries[newest->newest].id < entry.id)
		list->entries[newest->newest].shown = false;
	else
		return;
	newest->newest = list->nentries;
	add_entry(list, &entry);
}

void
sp_image_list_read(HeapTuple tuple, TupleDesc desc, ImageEntry *entry)
{
	bool		isnull;

	entry->id = DatumGetInt64(heap_getattr(tuple, TOMBSTONE_ID, desc,
										   &isnull));
	entry->row_version =
		DatumGetInt64(heap_getattr(tuple, TOMBSTONE_ROW_VERSION, desc,
								   &isnull));
	entry->removed_at =
		DatumGetTimestampTz(heap_getattr(tuple, TOMBSTONE_REMOVED_AT, desc,
										 &isnull));
	entry->tid = tuple->t_self;
	entry->shown = DatumGetBool(heap_getattr(tuple, TOMBSTONE_COMPLETE, desc,
											 &isnull)) &&
		!heap_attisnull(tuple, TOMBSTONE_IMAGE, desc);
}

void
sp_image_list_newest(TupleTableSlot *slot, const text *key,
					 ImageEntry *entry)
{
	bool		free_tuple;
	bool		isnull;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, false, &free_tuple);
	text	   *found = DatumGetTextPP(slot_getattr(slot, TOMBSTONE_KEY,
													&isnull));
	int			length = VARSIZE_ANY_EXHDR(found);

	if (length == VARSIZE_ANY_EXHDR(key) &&
		memcmp(VARDATA_ANY(found), VARDATA_ANY(key), length) == 0 &&
		DatumGetInt64(slot_getattr(slot, TOMBSTONE_ID, &isnull)) > entry->id)
		sp_image_list_read(tuple, slot->tts_tupleDescriptor, entry);
	if (free_tuple)
		heap_freetuple(tuple);
}

/* Append an image. */
static void
add_entry(ImageList *list, const ImageEntry *entry)
{
	if (list->nentries == list->room)
	{
		list->room = Max(list->room * 2, 256);
		list->entries = list->entries == NULL ?
			MemoryContextAllocHuge(list->context,
								   list->room * sizeof(ImageEntry)) :
			repalloc_huge(list->entries, list->room * sizeof(ImageEntry));
	}
	list->entries[list->nentries++] = *entry;
}
