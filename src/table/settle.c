/*-------------------------------------------------------------------------
 *
 * settle.c
 *	  What has to wait until a statement has changed its rows.
 *
 * Some things can only be told when the triggers of a statement, referential
 * ones included, have fired: whether live children of a deleted row are left
 * (the server's own check finds the tombstone and is content), what a row's
 * key or deletion time became, and that no further images come.  A trigger
 * that fires for every row would make every write dearer, so ours never fire
 * by themselves (WHEN (false)): where there is something to settle, their
 * event is queued from here, for one row, behind those that wait already.
 *
 * The event carries an old version of the row.  What became of it is told by
 * its header: deleted, moved to another partition, or replaced by the
 * version that t_ctid points to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "parser/parse_func.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "syncport.h"
#include "support/compat.h"
#include "table/image.h"
#include "table/plan.h"
#include "table/registry.h"
#include "table/trigger.h"

PG_FUNCTION_INFO_V1(syncport_settle);

/* what all events of one statement and relation share */
typedef struct Settler
{
	Relation	rel;			/* open as long as the statement runs */
	AttrNumber	deleted_at;		/* its column, 0 in image mode */
	ImageWriter *images;		/* NULL until one is written */
	MemoryContext context;		/* of the statement */
} Settler;

static Settler *begin_settling(FunctionCallInfo fcinfo, Relation rel);
static Trigger *find_trigger(Relation rel, const char *name);
static TriggerDesc *trigger_alone(const Trigger *trigger);
static bool is_deleted(HeapTupleHeader row);
static void settle_update(Settler *settler, HeapTuple old,
						  TupleTableSlot *slot);
static bool fetch_next(Relation rel, HeapTuple old, TupleTableSlot *next);
static bool is_rekeyed(Relation rel, TupleTableSlot *old,
					   TupleTableSlot *next);
static bool values_equal(Form_pg_attribute att, Datum a, Datum b);
static void write_reduced(Settler *settler, TupleTableSlot *old);
static bool is_undeleted(const Settler *settler, TupleTableSlot *old,
						 TupleTableSlot *next);

void
sp_settle_queue(Relation rel, ItemPointer tid, bool deferred)
{
	Trigger    *trigger = find_trigger(rel, deferred ? SETTLE_DEFERRED_TRIGGER
									   : SETTLE_TRIGGER);
	EState	   *estate = CreateExecutorState();
	MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	ResultRelInfo *info = makeNode(ResultRelInfo);

	InitResultRelInfo(info, rel, 0, NULL, 0);
	info->ri_TrigDesc = trigger_alone(trigger);
	ExecARDeleteTriggers(estate, info, tid, NULL, NULL, false);
	ExecResetTupleTable(estate->es_tupleTable, false);
	MemoryContextSwitchTo(caller);
	FreeExecutorState(estate);
}

/*
 * syncport.settle() RETURNS trigger: see above.
 */
Datum
syncport_settle(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Settler    *settler = fcinfo->flinfo->fn_extra;
	Relation	rel;
	HeapTuple	old;

	sp_trigger_require_delete(fcinfo, "syncport.settle");

	rel = data->tg_relation;
	if (settler == NULL || settler->rel != rel)
		settler = begin_settling(fcinfo, rel);
	old = data->tg_trigtuple;
	slot_getallattrs(data->tg_trigslot);
	if (data->tg_trigger->tgdeferrable)
		sp_children_require_none(rel, data->tg_trigslot, true);
	else if (HeapTupleHeaderIndicatesMovedPartitions(old->t_data) ||
			 !ItemPointerEquals(&old->t_self, &old->t_data->t_ctid))
		settle_update(settler, old, data->tg_trigslot);
	else if (settler->deleted_at != InvalidAttrNumber &&
			 SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA &&
			 is_deleted(old->t_data))
		sp_children_require_none(rel, data->tg_trigslot, false);
	sp_image_flush();
	return PointerGetDatum(NULL);
}

/* What the events to come need, in memory that goes with the statement. */
static Settler *
begin_settling(FunctionCallInfo fcinfo, Relation rel)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	Settler    *settler = MemoryContextAllocZero(context, sizeof(Settler));
	EnabledTable *table = sp_table_find(RelationGetRelid(rel));

	settler->rel = rel;
	settler->context = context;
	if (table != NULL && table->row_mode)
		settler->deleted_at = get_attnum(RelationGetRelid(rel),
										 table->deleted_at);
	fcinfo->flinfo->fn_extra = settler;
	return settler;
}

/* Our trigger of that name, which must be there. */
static Trigger *
find_trigger(Relation rel, const char *name)
{
	TriggerDesc *triggers = rel->trigdesc;
	int			i;

	for (i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (strcmp(triggers->triggers[i].tgname, name) == 0)
			return &triggers->triggers[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("trigger \"%s\" of table \"%s\" is missing", name,
					RelationGetRelationName(rel)),
			 errdetail("Without it syncport cannot keep what is deleted."),
			 errhint("Call syncport.enable, which creates the triggers of a table.")));
	return NULL;				/* not reached */
}

/* A description with one trigger, without what keeps it from firing. */
static TriggerDesc *
trigger_alone(const Trigger *trigger)
{
	TriggerDesc *desc = palloc0(sizeof(TriggerDesc));

	desc->triggers = palloc(sizeof(Trigger));
	desc->triggers[0] = *trigger;
	desc->triggers[0].tgqual = NULL;
	desc->triggers[0].tgenabled = TRIGGER_FIRES_ALWAYS;
	desc->numtriggers = 1;
	desc->trig_delete_after_row = true;
	return desc;
}

/* Whether this transaction has deleted a row: a trigger may have kept it. */
static bool
is_deleted(HeapTupleHeader row)
{
	return (row->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(row->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(row));
}

/* The row was updated: its key may be gone, or it is live again. */
static void
settle_update(Settler *settler, HeapTuple old, TupleTableSlot *slot)
{
	Relation	rel = settler->rel;
	TupleTableSlot *next;

	if (HeapTupleHeaderIndicatesMovedPartitions(old->t_data))
	{
		/* what decides about the partition is part of the key */
		write_reduced(settler, slot);
		return;
	}
	next = table_slot_create(rel, NULL);
	if (fetch_next(rel, old, next))
	{
		if (is_rekeyed(rel, slot, next))
			write_reduced(settler, slot);
		if (is_undeleted(settler, slot, next))
			sp_parents_require_live(rel, next);
	}
	ExecDropSingleTupleTableSlot(next);
}

/* The version that replaced one. */
static bool
fetch_next(Relation rel, HeapTuple old, TupleTableSlot *next)
{
	ItemPointerData tid = old->t_data->t_ctid;

	if (!table_tuple_fetch_row_version(rel, &tid, SnapshotAny, next))
		return false;
	slot_getallattrs(next);
	return true;
}

/* Whether the primary key differs for those who read it as text. */
static bool
is_rekeyed(Relation rel, TupleTableSlot *old, TupleTableSlot *next)
{
	Bitmapset  *key = RelationGetIndexAttrBitmap(rel,
												 INDEX_ATTR_BITMAP_PRIMARY_KEY);
	int			member = -1;

	while ((member = bms_next_member(key, member)) >= 0)
	{
		int			i = member + FirstLowInvalidHeapAttributeNumber - 1;

		if (!values_equal(TupleDescAttr(RelationGetDescr(rel), i),
						  old->tts_values[i], next->tts_values[i]))
			return true;
	}
	return false;
}

/*
 * Whether two values are the same to clients: 1.1 and 1.10 are, but not what
 * a collation, or a type such as citext, takes for equal.
 */
static bool
values_equal(Form_pg_attribute att, Datum a, Datum b)
{
	TypeCacheEntry *type;
	char		category;
	bool		preferred;

	if (datum_image_eq(a, b, att->attbyval, att->attlen))
		return true;
	get_type_category_preferred(getBaseType(att->atttypid), &category,
								&preferred);
	if (category != TYPCATEGORY_NUMERIC)
		return false;
	type = lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR_FINFO);
	return OidIsValid(type->eq_opr) &&
		DatumGetBool(FunctionCall2Coll(&type->eq_opr_finfo, att->attcollation,
									   a, b));
}

/* Keep what clients need to know of a key that is no more. */
static void
write_reduced(Settler *settler, TupleTableSlot *old)
{
	if (settler->images == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(settler->context);

		settler->images = sp_image_begin(settler->rel);
		MemoryContextSwitchTo(caller);
	}
	(void) sp_image_add(settler->images, old, IMAGE_REDUCED);
}

/* Whether a tombstone became a live row. */
static bool
is_undeleted(const Settler *settler, TupleTableSlot *old,
			 TupleTableSlot *next)
{
	AttrNumber	deleted_at = settler->deleted_at;

	return deleted_at != InvalidAttrNumber &&
		!old->tts_isnull[deleted_at - 1] && next->tts_isnull[deleted_at - 1];
}
