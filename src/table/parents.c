/*-------------------------------------------------------------------------
 *
 * parents.c
 *	  Locks the rows that a row to be put back references.
 *
 * The row left its table and with it core's guarantee that its parents
 * stand: between the DELETE and the put-back a parent may have gone.  So
 * each is locked again under the latest snapshot, as referential integrity
 * does when a child is inserted, as the parent's owner and without forced
 * row security.  It must not wait, since whoever holds the parent may be
 * waiting for the very row that is being deleted.
 *
 * To come back to life a row needs live parents; then there is time to wait.
 *
 * A parent that the same command deletes and whose own put-back comes later
 * counts as gone, too: that its tombstone will stand is not certain yet.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "support/compat.h"
#include "table/registry.h"
#include "table/trigger.h"

/* what is asked of a parent */
typedef struct ParentQuestion
{
	Oid			constraint;		/* the foreign key */
	bool		live;			/* that it is no tombstone, and wait for it */
} ParentQuestion;

/* a saved plan per question and session */
typedef struct ParentPlan
{
	ParentQuestion question;	/* hash key */
	SPIPlanPtr	plan;			/* NULL until prepared */
} ParentPlan;

static HTAB *parent_plans = NULL;

static bool is_copy(ForeignKeyCacheInfo *key);
static bool is_half_null(ForeignKeyCacheInfo *key, TupleTableSlot *slot);
static bool has_null(ForeignKeyCacheInfo *key, TupleTableSlot *slot);
static bool is_own_parent(ForeignKeyCacheInfo *key, Relation rel,
						  TupleTableSlot *slot);
static bool lock_parent(ForeignKeyCacheInfo *key, Relation rel,
						TupleTableSlot *slot, const char *deleted_at);
static SPIPlanPtr find_plan(ForeignKeyCacheInfo *key, Relation rel,
							const char *deleted_at);
static SPIPlanPtr prepare_plan(ForeignKeyCacheInfo *key, Relation rel,
							   const char *deleted_at);
static void report_deleted_parent(ForeignKeyCacheInfo *key, Relation rel);

bool
sp_parents_lock(Relation rel, TupleTableSlot *slot)
{
	ListCell   *lc;

	/* the list may go with the relcache entry while a query runs */
	foreach(lc, copyObject(RelationGetFKeyList(rel)))
	{
		ForeignKeyCacheInfo *key = lfirst(lc);

		if (is_half_null(key, slot))
			return false;
		if (has_null(key, slot) || is_copy(key) ||
			is_own_parent(key, rel, slot))
			continue;
		if (!lock_parent(key, rel, slot, NULL))
			return false;
	}
	return true;
}

void
sp_parents_require_live(Relation rel, TupleTableSlot *slot)
{
	ListCell   *lc;

	/* the list may go with the relcache entry while a query runs */
	foreach(lc, copyObject(RelationGetFKeyList(rel)))
	{
		ForeignKeyCacheInfo *key = lfirst(lc);
		EnabledTable *parent = sp_table_find(key->confrelid);

		if (parent == NULL || !parent->row_mode || has_null(key, slot) ||
			is_copy(key) || is_own_parent(key, rel, slot))
			continue;
		if (!lock_parent(key, rel, slot, parent->deleted_at))
			report_deleted_parent(key, rel);
	}
}

/*
 * A foreign key to a partitioned table has a copy for each partition of it,
 * on the same referencing table; the topmost covers them.  Keys that are
 * not enforced are nobody's to check.
 */
static bool
is_copy(ForeignKeyCacheInfo *key)
{
	HeapTuple	tuple;
	Oid			parent;
	bool		copy = false;

	if (!SP_FOREIGN_KEY_ENFORCED(key))
		return true;
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(key->conoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", key->conoid);
	parent = ((Form_pg_constraint) GETSTRUCT(tuple))->conparentid;
	ReleaseSysCache(tuple);
	if (!OidIsValid(parent))
		return false;
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(parent));
	if (HeapTupleIsValid(tuple))
	{
		copy = ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid ==
			key->conrelid;
		ReleaseSysCache(tuple);
	}
	return copy;
}

/*
 * Does a key of MATCH FULL hold nulls and values?  A deferred check would
 * have refused such a row, had it not been deleted.
 */
static bool
is_half_null(ForeignKeyCacheInfo *key, TupleTableSlot *slot)
{
	HeapTuple	tuple;
	bool		full;
	int			nulls = 0;
	int			i;

	for (i = 0; i < key->nkeys; i++)
		nulls += slot->tts_isnull[key->conkey[i] - 1] ? 1 : 0;
	if (nulls == 0 || nulls == key->nkeys)
		return false;
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(key->conoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", key->conoid);
	full = ((Form_pg_constraint) GETSTRUCT(tuple))->confmatchtype ==
		FKCONSTR_MATCH_FULL;
	ReleaseSysCache(tuple);
	return full;
}

/* With a null in it a key references nothing. */
static bool
has_null(ForeignKeyCacheInfo *key, TupleTableSlot *slot)
{
	int			i;

	for (i = 0; i < key->nkeys; i++)
	{
		if (slot->tts_isnull[key->conkey[i] - 1])
			return true;
	}
	return false;
}

/* Does the row reference itself?  Then its tombstone is its parent. */
static bool
is_own_parent(ForeignKeyCacheInfo *key, Relation rel, TupleTableSlot *slot)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			i;

	if (key->confrelid != RelationGetRelid(rel))
		return false;
	for (i = 0; i < key->nkeys; i++)
	{
		int			child = key->conkey[i] - 1;
		int			parent = key->confkey[i] - 1;
		Form_pg_attribute attr = TupleDescAttr(desc, child);

		if (slot->tts_isnull[parent] ||
			attr->atttypid != TupleDescAttr(desc, parent)->atttypid ||
			!datum_image_eq(slot->tts_values[child],
							slot->tts_values[parent],
							attr->attbyval, attr->attlen))
			return false;
	}
	return true;
}

/*
 * Lock the referenced row; false where it cannot be had at once.  With the
 * parent's column deleted_at: wait for it; false where it is not live.
 */
static bool
lock_parent(ForeignKeyCacheInfo *key, Relation rel, TupleTableSlot *slot,
			const char *deleted_at)
{
	Datum		values[INDEX_MAX_KEYS];
	RoleSwitch	saved;
	bool		found;
	int			i;

	for (i = 0; i < key->nkeys; i++)
		values[i] = slot->tts_values[key->conkey[i] - 1];

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	sp_table_become(&saved, sp_table_owner(key->confrelid));
	if (SPI_execute_snapshot(find_plan(key, rel, deleted_at), values, NULL,
							 GetLatestSnapshot(), InvalidSnapshot,
							 false, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not lock a referenced row");
	found = SPI_processed > 0;
	sp_table_unbecome(&saved);
	SPI_finish();
	return found;
}

/* The saved plan, prepared again when something it uses has changed. */
static SPIPlanPtr
find_plan(ForeignKeyCacheInfo *key, Relation rel, const char *deleted_at)
{
	ParentQuestion question;
	ParentPlan *entry;
	bool		found;

	if (parent_plans == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(ParentQuestion),
		.entrysize = sizeof(ParentPlan)};

		parent_plans = hash_create("syncport parents", 16, &control,
								   HASH_ELEM | HASH_BLOBS);
	}
	memset(&question, 0, sizeof(question));
	question.constraint = key->conoid;
	question.live = deleted_at != NULL;
	entry = hash_search(parent_plans, &question, HASH_ENTER, &found);
	if (!found)
		entry->plan = NULL;
	if (entry->plan != NULL && SPI_plan_is_valid(entry->plan))
		return entry->plan;
	if (entry->plan != NULL)
	{
		SPIPlanPtr	stale = entry->plan;

		entry->plan = NULL;
		SPI_freeplan(stale);
	}
	entry->plan = prepare_plan(key, rel, deleted_at);
	return entry->plan;
}

/* Prepare the query that locks the row, under the key's own operators. */
static SPIPlanPtr
prepare_plan(ForeignKeyCacheInfo *key, Relation rel, const char *deleted_at)
{
	TupleDesc	desc = RelationGetDescr(rel);
	bool		partitioned = get_rel_relkind(key->confrelid) ==
	RELKIND_PARTITIONED_TABLE;
	Oid			types[INDEX_MAX_KEYS];
	StringInfoData sql;
	SPIPlanPtr	plan;
	int			i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s%s x WHERE ",
					 partitioned ? "" : "ONLY ",
					 sp_table_quoted_name(key->confrelid));
	for (i = 0; i < key->nkeys; i++)
	{
		char	   *name = get_attname(key->confrelid, key->confkey[i], false);
		char	   *left = psprintf("x.%s", quote_identifier(name));
		char	   *right = psprintf("$%d", i + 1);

		types[i] = TupleDescAttr(desc, key->conkey[i] - 1)->atttypid;
		if (i > 0)
			appendStringInfoString(&sql, " AND ");
		generate_operator_clause(&sql, left,
								 get_atttype(key->confrelid, key->confkey[i]),
								 key->conpfeqop[i], right, types[i]);
	}
	if (deleted_at != NULL)
		appendStringInfo(&sql, " AND x.%s IS NULL FOR KEY SHARE OF x",
						 quote_identifier(deleted_at));
	else
		appendStringInfoString(&sql, " FOR KEY SHARE OF x SKIP LOCKED");
	plan = SPI_prepare(sql.data, key->nkeys, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare: %s", sql.data);
	return plan;
}

/* A row cannot live below a deleted one. */
static void
report_deleted_parent(ForeignKeyCacheInfo *key, Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("row of table \"%s\" cannot be restored below a deleted row of table \"%s\"",
					RelationGetRelationName(rel),
					get_rel_name(key->confrelid)),
			 errdetail("It refers to it by foreign key \"%s\".",
					   get_constraint_name(key->conoid)),
			 errhint("Restore the row that it refers to first."),
			 errtableconstraint(rel, get_constraint_name(key->conoid))));
}
