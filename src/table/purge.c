/*-------------------------------------------------------------------------
 *
 * purge.c
 *	  CALL syncport.purge: removes old tombstones for good.
 *
 * The positions of all tombstones that are due are collected first, sorted,
 * and then worked off in batches of one transaction each, so the walk ends
 * whatever is skipped, and no transaction is long.  A position may meanwhile
 * hold another row; it is looked at again under its batch's snapshot.
 *
 * Rows are deleted below the executor: no trigger fires, as the application
 * has seen the deletion already.  What referential triggers would do is done
 * here: the batch locks its rows exclusively, then looks for references
 * under a newer snapshot.  A child inserted earlier is seen, or still holds
 * its key lock and the row was skipped; one inserted later waits for the
 * batch and then finds no parent.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "support/compat.h"
#include "table/reference.h"
#include "table/registry.h"
#include "table/target.h"

PG_FUNCTION_INFO_V1(syncport_purge);

#define BATCH_SIZE_MAX	1000000
#define FETCH_ROWS		10000

/* how long images of a disabled table are kept */
#define ORPHAN_RETENTION	"INTERVAL '30 days'"

/*
 * Tombstones may refer to one another, so that one must go before the next
 * can; a purge goes over its tables this often while it gets anywhere.
 */
#define ROUNDS_MAX		20

/* where a tombstone lies */
typedef struct Position
{
	Oid			leaf;			/* the table that holds it */
	ItemPointerData tid;
} Position;

typedef struct Purge
{
	MemoryContext context;		/* outlives the transactions */
	MemoryContext batch_context;	/* reset with each batch */
	int			batch_size;
	TimestampTz now;			/* the start, for every table and round */
	Oid			target;			/* the table being purged */
	TimestampTz cutoff;			/* of target: older tombstones go */
	Position   *positions;		/* what is due, sorted */
	int64		npositions;
	int64		capacity;
	int64		purged;			/* in all rounds */
	int64		skipped;		/* in this round */
} Purge;

/* One batch's rows, and what is to become of them. */
typedef struct Batch
{
	Relation	rel;			/* the leaf */
	AttrNumber	updated_at;		/* columns of the leaf */
	AttrNumber	deleted_at;
	AttrNumber	row_version;
	ItemPointerData *tids;		/* rows that are due, and locked if need be */
	int64	   *versions;		/* their row versions */
	bool		locked;			/* whether the rows are locked by us */
	bool	   *referenced;		/* whether a row refers to it */
	int			count;
	TupleTableSlot *slot;		/* for rows of the leaf */
	int64		horizon;		/* highest version removed, of those that were
								 * given here */
} Batch;

static void check_context(FunctionCallInfo fcinfo);
static List *list_targets(FunctionCallInfo fcinfo);
static bool may_purge(Oid relid, bool complain);
static bool is_intact(const EnabledTable *table, int level);
static void remove_orphans(void);
static void purge_round(Purge *purge, List *targets);
static void begin_transaction(void);
static bool collect_positions(Purge *purge);
static void add_position(Purge *purge, Oid leaf, ItemPointer tid);
static int	compare_positions(const void *a, const void *b);
static void purge_positions(Purge *purge);
static void purge_batch(Purge *purge, const Position *positions, int count);
static bool open_batch(Purge *purge, Batch *batch, Oid leaf, int count);
static AttrNumber find_column(Relation rel, const char *name, Oid type);
static void take_rows(Purge *purge, Batch *batch, const Position *positions,
					  int count);
static bool is_due(Purge *purge, Batch *batch, int64 *version);
static void mark_referenced(Batch *batch, const ForeignReference *reference);
static Datum collect_column(Batch *batch, const char *name, Oid *array_type);
static void delete_rows(Purge *purge, Batch *batch);
static void purge_images(Purge *purge);
static void raise_horizon_of_images(Purge *purge);

/*
 * CALL syncport.purge(target, batch_size, purged, skipped)
 */
Datum
syncport_purge(PG_FUNCTION_ARGS)
{
	Purge		purge = {0};
	List	   *targets;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	MemoryContext caller = CurrentMemoryContext;
	int64		before;
	int			round;

	check_context(fcinfo);
	purge.batch_size = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	if (purge.batch_size < 1 || purge.batch_size > BATCH_SIZE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch_size must be between 1 and %d", BATCH_SIZE_MAX),
				 errhint("Leave it out for batches of 10000 rows.")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);

	purge.context = AllocSetContextCreate(PortalContext, "syncport purge",
										  ALLOCSET_DEFAULT_SIZES);
	purge.batch_context = AllocSetContextCreate(purge.context,
												"syncport purge batch",
												ALLOCSET_DEFAULT_SIZES);
	purge.now = GetCurrentTransactionStartTimestamp();
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(purge.context);
	targets = list_targets(fcinfo);
	for (round = 0; round < ROUNDS_MAX; round++)
	{
		before = purge.purged;
		purge.skipped = 0;
		purge_round(&purge, targets);
		if (purge.skipped == 0 || purge.purged == before)
			break;
	}
	SPI_finish();

	MemoryContextSwitchTo(caller);
	values[0] = Int64GetDatum(purge.purged);
	values[1] = Int64GetDatum(purge.skipped);
	MemoryContextDelete(purge.context);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* It commits, so it must be called where it can. */
static void
check_context(FunctionCallInfo fcinfo)
{
	CallContext *context = (CallContext *) fcinfo->context;

	PreventCommandIfReadOnly("CALL syncport.purge()");
	if (context == NULL || !IsA(context, CallContext) || context->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("purge cannot run inside a transaction block"),
				 errdetail("It commits after every batch."),
				 errhint("Use CALL syncport.purge() as a statement of its own.")));
}

/* What to purge: the table given, or all that the caller may. */
static List *
list_targets(FunctionCallInfo fcinfo)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (!PG_ARGISNULL(0))
	{
		Oid			relid = PG_GETARG_OID(0);
		EnabledTable *table = sp_target_enabled(relid);

		may_purge(relid, true);
		is_intact(table, ERROR);
		return list_make1_oid(relid);
	}
	remove_orphans();
	foreach(lc, sp_table_read_all())
	{
		EnabledTable *table = lfirst(lc);

		if (get_rel_name(table->relid) != NULL &&
			may_purge(table->relid, false))
			result = lappend_oid(result, table->relid);
	}
	return result;
}

/* Whether the caller may delete every row of a table; complain: or else. */
static bool
may_purge(Oid relid, bool complain)
{
	bool		allowed = pg_class_aclcheck(relid, GetUserId(),
											ACL_DELETE) == ACLCHECK_OK;
	bool		visible = allowed &&
	check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
	bool		readable = sp_table_owner_reads(relid);

	if (complain && !allowed)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to purge table \"%s\"",
						get_rel_name(relid)),
				 errhint("Purge needs the DELETE privilege on the table.")));
	if (complain && !visible)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security would hide tombstones of table \"%s\" from purge",
						get_rel_name(relid)),
				 errhint("Purge as a role that row security does not apply to, such as the table's owner.")));
	if (complain && !readable)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("table \"%s\" cannot be purged in its owner's name",
						get_rel_name(relid)),
				 errdetail("Its owner may not read it."),
				 errhint("Grant USAGE on the schema and SELECT on the table to the owner.")));
	return visible && readable;
}

/* Whether the table is as enable left it; said at this level if not. */
static bool
is_intact(const EnabledTable *table, int level)
{
	if (sp_table_intact(table))
		return true;
	ereport(level,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" cannot be purged",
					get_rel_name(table->relid)),
			 errdetail("A column that syncport.enable named was renamed, dropped or changed since."),
			 errhint("Rename the column back, or call syncport.disable and then syncport.enable.")));
	return false;
}

/*
 * Forget tables that were dropped while enabled, and after a while what was
 * kept of tables that were disabled.
 */
static void
remove_orphans(void)
{
	RoleSwitch	saved;

	if (SPI_execute("DELETE FROM syncport.enabled_table e WHERE NOT EXISTS"
					" (SELECT FROM pg_catalog.pg_class c"
					" WHERE c.oid OPERATOR(pg_catalog.=) e.target)",
					false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not write the registry of enabled tables");
	sp_table_become(&saved, sp_table_owner(sp_table_own_oid("tombstone")));
	if (SPI_execute("DELETE FROM syncport.tombstone t WHERE t.removed_at"
					" OPERATOR(pg_catalog.<) (pg_catalog.now()"
					" OPERATOR(pg_catalog.-) " ORPHAN_RETENTION ")"
					" AND NOT EXISTS (SELECT FROM syncport.enabled_table e"
					" WHERE e.target OPERATOR(pg_catalog.=) t.target)",
					false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not delete images");
	sp_table_unbecome(&saved);
}

/* Go over all tables once. */
static void
purge_round(Purge *purge, List *targets)
{
	ListCell   *lc;

	foreach(lc, targets)
	{
		begin_transaction();
		purge->target = lfirst_oid(lc);
		if (!collect_positions(purge))
			continue;
		purge_positions(purge);
		purge_images(purge);
	}
	begin_transaction();
}

/*
 * A transaction whose every statement sees what was committed before it,
 * whatever default_transaction_isolation says.
 */
static void
begin_transaction(void)
{
	SPI_commit();
	XactIsoLevel = XACT_READ_COMMITTED;
	CHECK_FOR_INTERRUPTS();
}

/* Find what is due; false where the table is no longer enabled. */
static bool
collect_positions(Purge *purge)
{
	Oid			types[] = {TIMESTAMPTZOID};
	EnabledTable *table;
	Datum		cutoff;
	Portal		portal;
	RoleSwitch	saved;

	LockRelationOid(purge->target, AccessShareLock);
	table = sp_table_read(purge->target);
	if (table == NULL || get_rel_name(purge->target) == NULL ||
		!is_intact(table, WARNING))
		return false;
	if (table->purge_horizon >= sp_table_next_version())
		sp_table_raise_horizon(purge->target, 0);
	cutoff = DirectFunctionCall2(timestamptz_mi_interval,
								 TimestampTzGetDatum(purge->now),
								 IntervalPGetDatum(&table->retention));
	purge->cutoff = DatumGetTimestampTz(cutoff);
	purge->npositions = 0;
	if (!table->row_mode)
		return true;
	/* what the planner may evaluate is the owner's, not the caller's */
	sp_table_become(&saved, sp_table_owner(purge->target));
	portal = SPI_cursor_open_with_args(NULL,
									   psprintf("SELECT t.tableoid, t.ctid FROM %s t"
												" WHERE t.%s IS NOT NULL"
												" AND t.%s OPERATOR(pg_catalog.<) $1",
												sp_table_quoted_name(purge->target),
												quote_identifier(table->deleted_at),
												quote_identifier(table->updated_at)),
									   1, types, &cutoff, NULL, false, 0);
	for (;;)
	{
		uint64		i;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (i = 0; i < SPI_processed; i++)
		{
			HeapTuple	row = SPI_tuptable->vals[i];
			bool		isnull;
			Datum		leaf = SPI_getbinval(row, SPI_tuptable->tupdesc, 1,
											 &isnull);
			Datum		tid = SPI_getbinval(row, SPI_tuptable->tupdesc, 2,
											&isnull);

			add_position(purge, DatumGetObjectId(leaf),
						 (ItemPointer) DatumGetPointer(tid));
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	sp_table_unbecome(&saved);
	qsort(purge->positions, purge->npositions, sizeof(Position),
		  compare_positions);
	return true;
}

/* Append a position to the list, which may become huge. */
static void
add_position(Purge *purge, Oid leaf, ItemPointer tid)
{
	if (purge->npositions == purge->capacity)
	{
		purge->capacity = Max(purge->capacity * 2, FETCH_ROWS);
		purge->positions = purge->positions == NULL
			? MemoryContextAllocHuge(purge->context,
									 purge->capacity * sizeof(Position))
			: repalloc_huge(purge->positions,
							purge->capacity * sizeof(Position));
	}
	purge->positions[purge->npositions].leaf = leaf;
	purge->positions[purge->npositions].tid = *tid;
	purge->npositions++;
}

/* By table, then in physical order. */
static int
compare_positions(const void *a, const void *b)
{
	const Position *first = a;
	const Position *second = b;

	if (first->leaf != second->leaf)
		return first->leaf < second->leaf ? -1 : 1;
	return ItemPointerCompare((ItemPointer) &first->tid,
							  (ItemPointer) &second->tid);
}

/* Work off the list, a batch and a transaction at a time. */
static void
purge_positions(Purge *purge)
{
	int64		start = 0;

	while (start < purge->npositions)
	{
		Oid			leaf = purge->positions[start].leaf;
		int64		end = start;

		while (end < purge->npositions && end - start < purge->batch_size &&
			   purge->positions[end].leaf == leaf)
			end++;
		begin_transaction();
		MemoryContextReset(purge->batch_context);
		MemoryContextSwitchTo(purge->batch_context);
		purge_batch(purge, &purge->positions[start], end - start);
		MemoryContextSwitchTo(purge->context);
		start = end;
	}
}

/* One batch of rows of one leaf. */
static void
purge_batch(Purge *purge, const Position *positions, int count)
{
	Batch		batch = {0};
	List	   *references;
	ListCell   *lc;

	if (!open_batch(purge, &batch, positions->leaf, count))
		return;
	references = sp_reference_list(positions->leaf);
	batch.locked = references != NIL;
	PushActiveSnapshot(GetLatestSnapshot());
	take_rows(purge, &batch, positions, count);
	foreach(lc, references)
	{
		mark_referenced(&batch, lfirst(lc));
	}
	delete_rows(purge, &batch);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(batch.slot);
	table_close(batch.rel, NoLock);
	if (batch.horizon > 0)
		sp_table_raise_horizon(purge->target, batch.horizon);
}

/* Open the leaf, unless it or the table's being enabled has gone. */
static bool
open_batch(Purge *purge, Batch *batch, Oid leaf, int count)
{
	EnabledTable *table;

	LockRelationOid(purge->target, RowExclusiveLock);
	table = sp_table_find(leaf);
	if (table == NULL || !table->row_mode || table->relid != purge->target ||
		!may_purge(purge->target, false))
		return false;
	batch->rel = try_table_open(leaf, RowExclusiveLock);
	if (batch->rel == NULL)
		return false;
	batch->updated_at = find_column(batch->rel, table->updated_at,
									TIMESTAMPTZOID);
	batch->deleted_at = find_column(batch->rel, table->deleted_at,
									TIMESTAMPTZOID);
	batch->row_version = find_column(batch->rel, table->row_version, INT8OID);
	batch->tids = palloc(sizeof(ItemPointerData) * count);
	batch->versions = palloc(sizeof(int64) * count);
	batch->referenced = palloc0(sizeof(bool) * count);
	batch->slot = table_slot_create(batch->rel, NULL);
	return true;
}

/* A column that the registry names, with the type that it must have. */
static AttrNumber
find_column(Relation rel, const char *name, Oid type)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);

	if (attnum <= 0 ||
		TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid != type)
		elog(ERROR, "column \"%s\" of table \"%s\" is not as enable left it",
			 name, RelationGetRelationName(rel));
	return attnum;
}

/* Keep the positions that hold a due row, locked if others may refer to it. */
static void
take_rows(Purge *purge, Batch *batch, const Position *positions, int count)
{
	Snapshot	snapshot = GetActiveSnapshot();
	int			i;

	for (i = 0; i < count; i++)
	{
		ItemPointerData tid = positions[i].tid;
		TM_FailureData failure;
		TM_Result	result = TM_Ok;

		if (!table_tuple_fetch_row_version(batch->rel, &tid, snapshot,
										   batch->slot) ||
			!is_due(purge, batch, &batch->versions[batch->count]))
			continue;
		if (batch->locked)
			result = table_tuple_lock(batch->rel, &tid, snapshot, batch->slot,
									  GetCurrentCommandId(true),
									  LockTupleExclusive, LockWaitSkip, 0,
									  &failure);
		if (result == TM_Ok)
			batch->tids[batch->count++] = tid;
		else if (result == TM_WouldBlock)
			purge->skipped++;
		CHECK_FOR_INTERRUPTS();
	}
	ExecClearTuple(batch->slot);
}

/* Whether the row in the slot is a tombstone past its time. */
static bool
is_due(Purge *purge, Batch *batch, int64 *version)
{
	bool		isnull;
	Datum		value;

	slot_getattr(batch->slot, batch->deleted_at, &isnull);
	if (isnull)
		return false;
	value = slot_getattr(batch->slot, batch->updated_at, &isnull);
	if (isnull || DatumGetTimestampTz(value) >= purge->cutoff)
		return false;
	value = slot_getattr(batch->slot, batch->row_version, &isnull);
	*version = isnull ? 0 : DatumGetInt64(value);
	return true;
}

/*
 * Mark the rows that a foreign key refers to, as the child's owner and under
 * a snapshot newer than our locks.  A row may refer to itself.
 */
static void
mark_referenced(Batch *batch, const ForeignReference *reference)
{
	int			ncolumns = reference->ncolumns;
	Oid		   *types = palloc(sizeof(Oid) * (ncolumns + 2));
	Datum	   *values = palloc(sizeof(Datum) * (ncolumns + 2));
	StringInfoData names;
	StringInfoData sources;
	char	   *condition = sp_reference_condition(reference, "k");
	RoleSwitch	saved;
	uint64		row;
	int			i;

	if (batch->count == 0)
		return;
	initStringInfo(&names);
	initStringInfo(&sources);
	for (i = 0; i < ncolumns; i++)
	{
		const char *name = reference->parent_columns[i];

		values[i] = collect_column(batch, name, &types[i]);
		appendStringInfo(&names, "%s, ", quote_identifier(name));
		appendStringInfo(&sources, "pg_catalog.unnest($%d), ", i + 1);
	}
	values[ncolumns] = collect_column(batch, "ctid", &types[ncolumns]);
	types[ncolumns + 1] = OIDOID;
	values[ncolumns + 1] = ObjectIdGetDatum(RelationGetRelid(batch->rel));
	condition[strlen(condition) - 1] = '\0';

	sp_table_become(&saved, sp_table_owner(reference->child));
	if (SPI_execute_with_args(psprintf("SELECT k.syncport_row FROM ROWS FROM (%s"
									   "pg_catalog.unnest($%d)) WITH ORDINALITY"
									   " AS k (%ssyncport_tid, syncport_row)"
									   " WHERE %s AND NOT (c.tableoid"
									   " OPERATOR(pg_catalog.=) $%d AND c.ctid"
									   " OPERATOR(pg_catalog.=) k.syncport_tid))",
									   sources.data, ncolumns + 1, names.data,
									   condition, ncolumns + 2),
							  ncolumns + 2, types, values, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the references of a table");
	sp_table_unbecome(&saved);
	for (row = 0; row < SPI_processed; row++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
										  SPI_tuptable->tupdesc, 1, &isnull);

		batch->referenced[DatumGetInt64(value) - 1] = true;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The values of a column, or ctid, in the batch's rows as an array. */
static Datum
collect_column(Batch *batch, const char *name, Oid *array_type)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(batch->rel), name);
	Oid			type = attnum > 0
	? TupleDescAttr(RelationGetDescr(batch->rel), attnum - 1)->atttypid
	: TIDOID;
	Datum	   *values = palloc(sizeof(Datum) * batch->count);
	bool	   *nulls = palloc0(sizeof(bool) * batch->count);
	int			lower = 1;
	int16		length;
	bool		byval;
	char		align;
	int			i;

	get_typlenbyvalalign(type, &length, &byval, &align);
	*array_type = get_array_type(type);
	for (i = 0; i < batch->count; i++)
	{
		if (attnum < 0)
		{
			values[i] = PointerGetDatum(&batch->tids[i]);
			continue;
		}
		if (!table_tuple_fetch_row_version(batch->rel, &batch->tids[i],
										   GetActiveSnapshot(), batch->slot))
			elog(ERROR, "a locked row has vanished");
		values[i] = slot_getattr(batch->slot, attnum, &nulls[i]);
		if (!nulls[i])
			values[i] = datumCopy(values[i], byval, length);
	}
	ExecClearTuple(batch->slot);
	return PointerGetDatum(construct_md_array(values, nulls, 1, &batch->count,
											  &lower, type, length, byval,
											  align));
}

/*
 * Delete the rows that nothing refers to.  To "wait" for a row that we have
 * locked ourselves is to pass; one that another has locked is skipped.
 */
static void
delete_rows(Purge *purge, Batch *batch)
{
	/* behind the snapshot: what is due and written here is below */
	int64		next = sp_table_next_version();
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		TM_FailureData failure;
		TM_Result	result;

		if (batch->referenced[i])
		{
			purge->skipped++;
			continue;
		}
		result = table_tuple_delete(batch->rel, &batch->tids[i],
									GetCurrentCommandId(true),
									GetActiveSnapshot(), InvalidSnapshot,
									batch->locked, &failure, false);
		if (result == TM_Ok)
		{
			purge->purged++;
			if (batch->versions[i] < next)
				batch->horizon = Max(batch->horizon, batch->versions[i]);
		}
		else if (result == TM_BeingModified || result == TM_WouldBlock)
			purge->skipped++;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Delete the table's old images, as their owner. */
static void
purge_images(Purge *purge)
{
	Oid			types[] = {OIDOID, TIMESTAMPTZOID, INT4OID};
	Datum		values[3];
	uint64		count;

	values[0] = ObjectIdGetDatum(purge->target);
	values[1] = TimestampTzGetDatum(purge->cutoff);
	values[2] = Int32GetDatum(purge->batch_size);
	do
	{
		RoleSwitch	saved;

		begin_transaction();
		LockRelationOid(purge->target, RowExclusiveLock);
		if (sp_table_read(purge->target) == NULL ||
			!may_purge(purge->target, false))
			return;
		sp_table_become(&saved,
						sp_table_owner(sp_table_own_oid("tombstone")));
		if (SPI_execute_with_args("WITH due AS (SELECT t.ctid, t.row_version"
								  " FROM syncport.tombstone t"
								  " WHERE t.target OPERATOR(pg_catalog.=) $1"
								  " AND t.removed_at OPERATOR(pg_catalog.<) $2"
								  " ORDER BY t.row_version, t.id LIMIT $3"
								  " FOR UPDATE SKIP LOCKED),"
								  " gone AS (DELETE FROM syncport.tombstone t"
								  " USING due WHERE t.ctid"
								  " OPERATOR(pg_catalog.=) due.ctid)"
								  " SELECT row_version FROM due",
								  3, types, values, NULL,
								  false, 0) != SPI_OK_SELECT)
			elog(ERROR, "could not delete images");
		sp_table_unbecome(&saved);
		count = SPI_processed;
		purge->purged += count;
		raise_horizon_of_images(purge);
	} while (count == purge->batch_size);
}

/* The versions of the images are SPI's result. */
static void
raise_horizon_of_images(Purge *purge)
{
	SPITupleTable *images = SPI_tuptable;
	int64		next = sp_table_next_version();
	int64		horizon = 0;
	uint64		i;

	for (i = 0; i < images->numvals; i++)
	{
		bool		isnull;
		int64		version =
		DatumGetInt64(SPI_getbinval(images->vals[i], images->tupdesc, 1,
									&isnull));

		if (version < next)
			horizon = Max(horizon, version);
	}
	SPI_freetuptable(images);
	if (horizon > 0)
		sp_table_raise_horizon(purge->target, horizon);
}
