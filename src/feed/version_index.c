/*-------------------------------------------------------------------------
 *
 * version_index.c
 *	  The index by row_version of tables without partitions.
 *
 * A poll looks into every leaf of its table, so which index that is must not
 * be found out each time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "feed/version_index.h"

/* so many tables, and the session starts anew to remember */
#define KNOWN_MAX			10000

typedef struct KnownIndex
{
	Oid			relid;			/* key of the hash table */
	AttrNumber	column;			/* that the index leads with */
	Oid			index;			/* 0: none */
} KnownIndex;

static HTAB *known = NULL;
static bool callback_registered = false;

static void remember(void);
static void forget(Datum arg, Oid relid);
static Oid	search_indexes(Relation rel, AttrNumber column);

Oid
sp_version_index_find(Relation rel, AttrNumber column)
{
	Oid			relid = RelationGetRelid(rel);
	KnownIndex *entry;
	Oid			index;

	remember();
	entry = hash_search(known, &relid, HASH_FIND, NULL);
	if (entry != NULL && entry->column == column)
		return entry->index;
	/* opening indexes may bring news: what is remembered comes behind it */
	index = search_indexes(rel, column);
	remember();
	entry = hash_search(known, &relid, HASH_ENTER, NULL);
	entry->column = column;
	entry->index = index;
	return index;
}

/* Have a hash table that is not too large. */
static void
remember(void)
{
	HASHCTL		control = {0};

	if (!callback_registered)
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	callback_registered = true;
	if (known != NULL && hash_get_num_entries(known) >= KNOWN_MAX)
		forget((Datum) 0, InvalidOid);
	if (known != NULL)
		return;
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(KnownIndex);
	known = hash_create("syncport version indexes", 64, &control,
						HASH_ELEM | HASH_BLOBS);
}

/* Callback: a table has changed, or (InvalidOid) all may have. */
static void
forget(Datum arg, Oid relid)
{
	if (known == NULL)
		return;
	if (relid != InvalidOid)
	{
		(void) hash_search(known, &relid, HASH_REMOVE, NULL);
		return;
	}
	hash_destroy(known);
	known = NULL;
}

/* Look at every index of a table. */
static Oid
search_indexes(Relation rel, AttrNumber column)
{
	Oid			found = InvalidOid;
	ListCell   *lc;

	if (rel->rd_rel->relkind != RELKIND_RELATION)
		return InvalidOid;
	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisvalid &&
			index->rd_rel->relam == BTREE_AM_OID &&
			index->rd_index->indkey.values[0] == column &&
			(index->rd_indoption[0] & INDOPTION_DESC) == 0 &&
			RelationGetIndexPredicate(index) == NIL)
			found = lfirst_oid(lc);
		index_close(index, AccessShareLock);
	}
	return found;
}

bool
sp_version_index_is_empty(Oid relid, const char *column, int64 first,
						  int64 last)
{
	Relation	rel = table_open(relid, AccessShareLock);
	AttrNumber	attnum = get_attnum(relid, column);
	Oid			index_oid = sp_version_index_find(rel, attnum);
	bool		empty = false;

	if (OidIsValid(index_oid))
	{
		Relation	index = index_open(index_oid, AccessShareLock);
		ScanKeyData keys[2];
		SysScanDesc scan;

		ScanKeyInit(&keys[0], attnum, BTGreaterEqualStrategyNumber, F_INT8GE,
					Int64GetDatum(first));
		ScanKeyInit(&keys[1], attnum, BTLessEqualStrategyNumber, F_INT8LE,
					Int64GetDatum(last));
		scan = systable_beginscan_ordered(rel, index, GetActiveSnapshot(), 2,
										  keys);
		empty = !HeapTupleIsValid(systable_getnext_ordered(scan,
														   ForwardScanDirection));
		systable_endscan_ordered(scan);
		index_close(index, AccessShareLock);
	}
	table_close(rel, NoLock);
	return empty;
}
