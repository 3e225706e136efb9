/*-------------------------------------------------------------------------
 *
 * keep.c
 *	  Keeps a deleted row: as a tombstone in its table, or as an image.
 *
 * The trigger sorts before those of referential integrity, so a tombstone
 * stands before the children are dealt with.  What one statement needs for
 * all its rows is kept in fn_extra and lives in the statement's own memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/memutils.h"

#include "guc.h"
#include "table/image.h"
#include "table/trigger.h"

PG_FUNCTION_INFO_V1(syncport_keep);

/* what all rows of one statement and relation share */
typedef struct Keeper
{
	Relation	rel;			/* open as long as the statement runs */
	StampColumns columns;		/* of rel */
	PutBack    *put_back;		/* NULL until a row is put back */
	ImageWriter *images;		/* NULL until an image is written */
	bool		settle;			/* rows of keys that NO ACTION guards */
	bool		settle_deferred;	/* the same of deferrable keys */
	MemoryContext context;		/* of the statement */
} Keeper;

static Keeper *begin_keeping(MemoryContext context, TriggerData *data);
static bool put_back_row(Keeper *keeper, Relation rel, TupleTableSlot *old);

/*
 * syncport.keep() RETURNS trigger: keeps a deleted row as a tombstone, or as
 * an image where it cannot or shall not stay in its table.
 */
Datum
syncport_keep(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Keeper	   *keeper = fcinfo->flinfo->fn_extra;
	Relation	rel;
	TupleTableSlot *old;

	sp_trigger_require_delete(fcinfo, "syncport.keep");

	/* moved to another partition: settle.c sees to its old key */
	if (HeapTupleHeaderIndicatesMovedPartitions(data->tg_trigtuple->t_data))
		return PointerGetDatum(NULL);

	rel = data->tg_relation;
	if (keeper == NULL || keeper->rel != rel)
	{
		keeper = begin_keeping(fcinfo->flinfo->fn_mcxt, data);
		fcinfo->flinfo->fn_extra = keeper;
	}
	sp_trigger_notify(&keeper->columns);
	old = data->tg_trigslot;
	slot_getallattrs(old);
	if (put_back_row(keeper, rel, old))
	{
		if (keeper->settle)
			sp_settle_queue(rel, &old->tts_tid, false);
		if (keeper->settle_deferred)
			sp_settle_queue(rel, &old->tts_tid, true);
		return PointerGetDatum(NULL);
	}
	if (keeper->images == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(keeper->context);

		keeper->images = sp_image_begin(rel);
		MemoryContextSwitchTo(caller);
	}
	if (sp_image_add(keeper->images, old, IMAGE_COMPLETE))
		sp_settle_queue(rel, &old->tts_tid, false);
	return PointerGetDatum(NULL);
}

/* What the rows to come need, in memory that goes with the statement. */
static Keeper *
begin_keeping(MemoryContext context, TriggerData *data)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	Keeper	   *keeper = palloc0(sizeof(Keeper));
	bool		referenced = SessionReplicationRole !=
	SESSION_REPLICATION_ROLE_REPLICA;

	sp_trigger_columns(&keeper->columns, data);
	keeper->rel = data->tg_relation;
	keeper->context = context;
	keeper->settle = referenced && sp_children_exist(data->tg_relation, false);
	keeper->settle_deferred = referenced &&
		sp_children_exist(data->tg_relation, true);
	MemoryContextSwitchTo(caller);
	return keeper;
}

/* Whether the row stays in its table, as a tombstone. */
static bool
put_back_row(Keeper *keeper, Relation rel, TupleTableSlot *old)
{
	AttrNumber	deleted_at = keeper->columns.deleted_at;

	/* image mode, a tombstone that is deleted, or tombstones are off */
	if (deleted_at == InvalidAttrNumber || !sp_guc_soft_delete ||
		!old->tts_isnull[deleted_at - 1] || !sp_parents_lock(rel, old))
		return false;
	if (keeper->put_back == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(keeper->context);

		keeper->put_back = sp_put_back_begin(rel, &keeper->columns);
		MemoryContextSwitchTo(caller);
	}
	return sp_put_back(keeper->put_back, old);
}
