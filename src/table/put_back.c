/*-------------------------------------------------------------------------
 *
 * put_back.c
 *	  Puts a deleted row back as its tombstone.
 *
 * Insertion happens below the triggers: only rechecks of deferrable keys are
 * queued, by means of a trigger description that holds no other triggers.
 *
 * What one statement needs for all its rows lives in the statement's own
 * memory.  No relation, tuple descriptor or buffer stays pinned there between
 * two rows, since nothing would release it: the indexes are locked once, and
 * opened and closed for each row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "nodes/execnodes.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "support/compat.h"
#include "table/image.h"
#include "table/trigger.h"

/* what all rows of one statement and relation share */
struct PutBack
{
	const StampColumns *columns;	/* columns to set */
	EState	   *estate;			/* expressions and per-row memory */
	ResultRelInfo *info;		/* the relation, with its index infos */
	Oid		   *indexes;		/* OIDs, as in info */
	List	   *arbiters;		/* OIDs of keys that are checked at once */
	List	   *deferrable;		/* positions of keys that are not */
	List	   *checks;			/* the CHECK constraints, as ExprStates */
	TupleTableSlot *slot;		/* the tombstone */
};

static void collect_indexes(PutBack *state);
static void prepare_checks(PutBack *state);
static TriggerDesc *rechecks_only(const TriggerDesc *triggers);
static void fill_tombstone(PutBack *state, TupleTableSlot *old);
static void open_indexes(PutBack *state);
static void close_indexes(PutBack *state);
static bool key_is_free(PutBack *state);
static bool deferred_key_is_free(PutBack *state, int position);
static bool make_scan_keys(Relation index, IndexInfo *info, Datum *values,
						   bool *nulls, ScanKey keys);
static bool conflicts(PutBack *state, IndexInfo *info, Relation index,
					  const Datum *values, TupleTableSlot *found);
static bool constraints_hold(PutBack *state);
static bool insert_tombstone_row(PutBack *state);
static bool make_key_of_row(Relation rel, Relation index, HeapTuple row,
							ScanKey keys);
static void remove_tombstone(Relation rel, TupleTableSlot *tombstone,
							 bool keep);

PutBack *
sp_put_back_begin(Relation rel, const StampColumns *columns)
{
	MemoryContext caller = CurrentMemoryContext;
	PutBack    *state = palloc0(sizeof(PutBack));
	TupleDesc	desc;

	state->columns = columns;
	state->estate = CreateExecutorState();
	MemoryContextSwitchTo(state->estate->es_query_cxt);
	state->info = makeNode(ResultRelInfo);
	InitResultRelInfo(state->info, rel, 0, NULL, 0);
	state->info->ri_TrigDesc = rechecks_only(rel->trigdesc);
	/* a copy is not counted, so no resource owner knows of it */
	desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	state->slot = MakeSingleTupleTableSlot(desc, table_slot_callbacks(rel));
	collect_indexes(state);
	prepare_checks(state);
	MemoryContextSwitchTo(caller);
	return state;
}

bool
sp_put_back(PutBack *state, TupleTableSlot *old)
{
	bool		inserted;

	fill_tombstone(state, old);
	inserted = insert_tombstone_row(state);
	ExecClearTuple(state->slot);
	return inserted;
}

/* Lock the indexes for the transaction and keep what describes them. */
static void
collect_indexes(PutBack *state)
{
	ResultRelInfo *info = state->info;
	int			i;

	ExecOpenIndices(info, true);
	state->indexes = palloc(sizeof(Oid) * Max(info->ri_NumIndices, 1));
	for (i = 0; i < info->ri_NumIndices; i++)
	{
		Relation	index = info->ri_IndexRelationDescs[i];
		Oid			oid = RelationGetRelid(index);

		state->indexes[i] = oid;
		if (index->rd_index->indimmediate)
			state->arbiters = lappend_oid(state->arbiters, oid);
		else if (index->rd_index->indisunique ||
				 index->rd_index->indisexclusion)
			state->deferrable = lappend_int(state->deferrable, i);
		index_close(index, NoLock);
		info->ri_IndexRelationDescs[i] = NULL;
	}
}

/* Prepare the CHECK constraints: a tombstone breaking one is no error. */
static void
prepare_checks(PutBack *state)
{
	TupleConstr *constraints = state->slot->tts_tupleDescriptor->constr;
	int			i;

	for (i = 0; constraints != NULL && i < constraints->num_check; i++)
	{
		Expr	   *check;

		if (!SP_CHECK_ENFORCED(&constraints->check[i]))
			continue;
		check = SP_EXPAND_GENERATED(stringToNode(constraints->check[i].ccbin),
									state->info->ri_RelationDesc);
		state->checks = lappend(state->checks,
								ExecPrepareExpr(check, state->estate));
	}
}

/* The triggers that recheck deferrable keys, and no others. */
static TriggerDesc *
rechecks_only(const TriggerDesc *triggers)
{
	TriggerDesc *kept = palloc0(sizeof(TriggerDesc));
	int			i;

	kept->triggers = palloc0(sizeof(Trigger) * triggers->numtriggers);
	for (i = 0; i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgfoid == F_UNIQUE_KEY_RECHECK)
			kept->triggers[kept->numtriggers++] = triggers->triggers[i];
	}
	kept->trig_insert_after_row = kept->numtriggers > 0;
	return kept;
}

/* The deleted row with our columns set. */
static void
fill_tombstone(PutBack *state, TupleTableSlot *old)
{
	const StampColumns *columns = state->columns;
	TupleTableSlot *slot = state->slot;
	TupleDesc	desc = slot->tts_tupleDescriptor;
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	int			i;

	ResetPerTupleExprContext(state->estate);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, old->tts_values, sizeof(Datum) * desc->natts);
	memcpy(slot->tts_isnull, old->tts_isnull, sizeof(bool) * desc->natts);
	for (i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attisdropped)
			slot->tts_isnull[i] = true;
	}
	slot->tts_values[columns->updated_at - 1] = TimestampTzGetDatum(now);
	slot->tts_isnull[columns->updated_at - 1] = false;
	slot->tts_values[columns->deleted_at - 1] = TimestampTzGetDatum(now);
	slot->tts_isnull[columns->deleted_at - 1] = false;
	slot->tts_values[columns->row_version - 1] =
		Int64GetDatum(sp_trigger_version());
	slot->tts_isnull[columns->row_version - 1] = false;
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(state->info->ri_RelationDesc);
}

/*
 * Would the tombstone satisfy NOT NULL and CHECK?  One that does not is no
 * error: the row is deleted all the same, its image is kept.
 */
static bool
constraints_hold(PutBack *state)
{
	TupleTableSlot *slot = state->slot;
	TupleDesc	desc = slot->tts_tupleDescriptor;
	ExprContext *context = GetPerTupleExprContext(state->estate);
	ListCell   *lc;
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		/* a virtual column's value is not in the slot */
		if (att->attnotnull && slot->tts_isnull[i] && !att->attisdropped &&
			(att->attgenerated == '\0' ||
			 att->attgenerated == ATTRIBUTE_GENERATED_STORED))
			return false;
	}
	context->ecxt_scantuple = slot;
	foreach(lc, state->checks)
	{
		if (!ExecCheck(lfirst(lc), context))
			return false;
	}
	return true;
}

/* Insert the tombstone; false where a constraint or a key is in the way. */
static bool
insert_tombstone_row(PutBack *state)
{
	ResultRelInfo *info = state->info;
	Relation	rel = info->ri_RelationDesc;
	EState	   *estate = state->estate;
	TupleConstr *constraints = RelationGetDescr(rel)->constr;
	bool		inserted;

	if (constraints != NULL && constraints->has_generated_stored)
		ExecComputeStoredGenerated(info, estate, state->slot, CMD_INSERT);
	if (!constraints_hold(state))
		return false;
	open_indexes(state);
	inserted = key_is_free(state);
	if (inserted)
	{
		List	   *rechecks;

		table_tuple_insert(rel, state->slot, GetCurrentCommandId(true), 0,
						   NULL);
		rechecks = sp_compat_insert_index_tuples(info, state->slot, estate);
		if (rechecks != NIL)
			ExecARInsertTriggers(estate, info, state->slot, rechecks, NULL);
	}
	close_indexes(state);
	return inserted;
}

/* Open the indexes for one row; they are locked. */
static void
open_indexes(PutBack *state)
{
	ResultRelInfo *info = state->info;
	int			i;

	for (i = 0; i < info->ri_NumIndices; i++)
	{
		IndexInfo  *index = info->ri_IndexRelationInfo[i];

		info->ri_IndexRelationDescs[i] = index_open(state->indexes[i], NoLock);
		/* what an access method keeps here may point into the relation */
		index->ii_AmCache = NULL;
		index->ii_Context = CurrentMemoryContext;
	}
}

/* Close them again, their locks stay. */
static void
close_indexes(PutBack *state)
{
	ResultRelInfo *info = state->info;
	int			i;

	for (i = 0; i < info->ri_NumIndices; i++)
	{
		SP_INDEX_INSERT_CLEANUP(info->ri_IndexRelationDescs[i],
								info->ri_IndexRelationInfo[i]);
		index_close(info->ri_IndexRelationDescs[i], NoLock);
		info->ri_IndexRelationDescs[i] = NULL;
	}
}

/* Would the tombstone get in the way of a row that is there already? */
static bool
key_is_free(PutBack *state)
{
	ItemPointerData conflict;
	ListCell   *lc;

	if (state->arbiters != NIL &&
		!sp_compat_check_index_constraints(state->info, state->slot,
										   state->estate, &conflict,
										   state->arbiters))
		return false;
	foreach(lc, state->deferrable)
	{
		if (!deferred_key_is_free(state, lfirst_int(lc)))
			return false;
	}
	return true;
}

/*
 * The same for a key that core checks later.  What other transactions have
 * not committed does not count: the recheck will wait for it.
 */
static bool
deferred_key_is_free(PutBack *state, int position)
{
	Relation	rel = state->info->ri_RelationDesc;
	Relation	index = state->info->ri_IndexRelationDescs[position];
	IndexInfo  *info = state->info->ri_IndexRelationInfo[position];
	TupleTableSlot *found;
	IndexScanDesc scan;
	ScanKeyData keys[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	bool		is_free = true;

	GetPerTupleExprContext(state->estate)->ecxt_scantuple = state->slot;
	if (info->ii_Predicate != NIL &&
		!ExecQual(ExecPrepareQual(info->ii_Predicate, state->estate),
				  GetPerTupleExprContext(state->estate)))
		return true;
	FormIndexDatum(info, state->slot, state->estate, values, nulls);
	if (!make_scan_keys(index, info, values, nulls, keys))
		return true;
	found = table_slot_create(rel, NULL);
	scan = sp_compat_index_beginscan(rel, index, SnapshotSelf,
									 info->ii_NumIndexKeyAttrs);
	index_rescan(scan, keys, info->ii_NumIndexKeyAttrs, NULL, 0);
	while (is_free && index_getnext_slot(scan, ForwardScanDirection, found))
		is_free = scan->xs_recheck && !conflicts(state, info, index, values,
												 found);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(found);
	return is_free;
}

/* The conditions of a conflict; false where NULLs cannot conflict. */
static bool
make_scan_keys(Relation index, IndexInfo *info, Datum *values, bool *nulls,
			   ScanKey keys)
{
	bool		exclusion = info->ii_ExclusionOps != NULL;
	int			i;

	for (i = 0; i < info->ii_NumIndexKeyAttrs; i++)
	{
		bool		null = nulls[i];

		if (null && (exclusion || !info->ii_NullsNotDistinct))
			return false;
		ScanKeyEntryInitialize(&keys[i],
							   null ? SK_ISNULL | SK_SEARCHNULL : 0, i + 1,
							   null ? InvalidStrategy :
							   exclusion ? info->ii_ExclusionStrats[i] :
							   info->ii_UniqueStrats[i],
							   InvalidOid, index->rd_indcollation[i],
							   null ? InvalidOid :
							   exclusion ? info->ii_ExclusionProcs[i] :
							   info->ii_UniqueProcs[i],
							   null ? (Datum) 0 : values[i]);
	}
	return true;
}

/* What a lossy index has found: does it conflict by the operators? */
static bool
conflicts(PutBack *state, IndexInfo *info, Relation index,
		  const Datum *values, TupleTableSlot *found)
{
	ExprContext *context = GetPerTupleExprContext(state->estate);
	Datum		others[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	int			i;

	context->ecxt_scantuple = found;
	FormIndexDatum(info, found, state->estate, others, nulls);
	context->ecxt_scantuple = state->slot;
	for (i = 0; i < info->ii_NumIndexKeyAttrs; i++)
	{
		if (nulls[i] ||
			!DatumGetBool(OidFunctionCall2Coll(info->ii_ExclusionProcs[i],
											   index->rd_indcollation[i],
											   others[i], values[i])))
			return false;
	}
	return true;
}

void
sp_put_back_yield(Relation rel, HeapTuple row, const StampColumns *columns)
{
	ScanKeyData keys[INDEX_MAX_KEYS];
	TupleTableSlot *found;
	Relation	index;
	IndexScanDesc scan;
	int			nkeys;

	(void) RelationGetIndexList(rel);
	if (!OidIsValid(SP_PRIMARY_KEY_INDEX(rel)))
		return;
	index = index_open(SP_PRIMARY_KEY_INDEX(rel), AccessShareLock);
	nkeys = index->rd_index->indnkeyatts;
	if (make_key_of_row(rel, index, row, keys))
	{
		found = table_slot_create(rel, NULL);
		scan = sp_compat_index_beginscan(rel, index, SnapshotSelf, nkeys);
		index_rescan(scan, keys, nkeys, NULL, 0);
		if (index_getnext_slot(scan, ForwardScanDirection, found) &&
			!slot_attisnull(found, columns->deleted_at))
			remove_tombstone(rel, found,
							 heap_attisnull(row, columns->deleted_at,
											RelationGetDescr(rel)));
		index_endscan(scan);
		ExecDropSingleTupleTableSlot(found);
	}
	index_close(index, NoLock);
}

/* The conditions for a row's key; false where a column of it is NULL yet. */
static bool
make_key_of_row(Relation rel, Relation index, HeapTuple row, ScanKey keys)
{
	int			i;

	for (i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		Oid			type = index->rd_opcintype[i];
		Oid			operator = get_opfamily_member(index->rd_opfamily[i],
												   type, type,
												   BTEqualStrategyNumber);
		bool		isnull;
		Datum		value = heap_getattr(row,
										 index->rd_index->indkey.values[i],
										 RelationGetDescr(rel), &isnull);

		if (isnull)
			return false;
		ScanKeyEntryInitialize(&keys[i], 0, i + 1, BTEqualStrategyNumber,
							   InvalidOid, index->rd_indcollation[i],
							   get_opcode(operator), value);
	}
	return true;
}

/* Take a tombstone out; where a live row comes in its place, keep an image. */
static void
remove_tombstone(Relation rel, TupleTableSlot *tombstone, bool keep)
{
	simple_table_tuple_delete(rel, &tombstone->tts_tid, SnapshotSelf);
	if (!keep)
		return;
	slot_getallattrs(tombstone);
	if (sp_image_add(sp_image_begin(rel), tombstone, IMAGE_COMPLETE))
		sp_settle_queue(rel, &tombstone->tts_tid, false);
}
