/*-------------------------------------------------------------------------
 *
 * reset_event.c
 *	  Records what happens to a table beside its rows.
 *
 * TRUNCATE fires no row trigger, so each leaf has a trigger of its own for
 * it; the one on a partitioned table would not fire for a leaf that is
 * truncated alone.  Events are rows of a table that only grows, written
 * below the executor: a counter in the registry would make the TRUNCATE of
 * one partition wait for another's, and fail under REPEATABLE READ.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "table/registry.h"
#include "table/reset_event.h"
#include "table/trigger.h"

PG_FUNCTION_INFO_V1(syncport_truncated);

#define RESET_EVENT			"reset_event"
#define RESET_EVENT_INDEX	"reset_event_target_leaf_idx"

/* columns of syncport.reset_event, in the order of its definition */
enum ResetEventColumn
{
	EVENT_TARGET,
	EVENT_LEAF,
	EVENT_REASON,
	EVENT_PRINCIPAL,
	EVENT_ROW_VERSION,
	EVENT_CREATED_AT,
	EVENT_COLUMNS
};

static ResetEvent *read_event(HeapTuple tuple, TupleDesc desc);
static void remove_superseded(Relation events, Oid target, Oid leaf,
							  const char *reason);
static bool has_reason(HeapTuple tuple, TupleDesc desc, const char *reason);

/*
 * syncport.truncated() RETURNS trigger
 */
Datum
syncport_truncated(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	EnabledTable *table;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired BEFORE TRUNCATE",
						"syncport.truncated"),
				 errhint("Call syncport.enable, which creates the triggers of a table.")));

	table = sp_table_find(RelationGetRelid(data->tg_relation));
	if (table != NULL)
	{
		StampColumns columns = {.notify = table->notify};

		sp_reset_event_add(table->relid, RelationGetRelid(data->tg_relation),
						   "truncated");
		columns.target = table->relid;
		columns.payload = sp_table_quoted_name(table->relid);
		sp_trigger_notify(&columns);
	}
	return PointerGetDatum(NULL);
}

void
sp_reset_event_add(Oid target, Oid leaf, const char *reason)
{
	Relation	events = table_open(sp_table_own_oid(RESET_EVENT),
									RowExclusiveLock);
	Datum		values[EVENT_COLUMNS];
	bool		nulls[EVENT_COLUMNS] = {false};

	remove_superseded(events, target, leaf, reason);
	values[EVENT_TARGET] = ObjectIdGetDatum(target);
	values[EVENT_LEAF] = ObjectIdGetDatum(leaf);
	values[EVENT_REASON] = CStringGetTextDatum(reason);
	nulls[EVENT_PRINCIPAL] = true;
	values[EVENT_ROW_VERSION] = Int64GetDatum(sp_trigger_version());
	values[EVENT_CREATED_AT] =
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	CatalogTupleInsert(events,
					   heap_form_tuple(RelationGetDescr(events), values,
									   nulls));
	table_close(events, RowExclusiveLock);
	CommandCounterIncrement();
}

List *
sp_reset_event_list(Oid target)
{
	Relation	events = table_open(sp_table_own_oid(RESET_EVENT),
									AccessShareLock);
	TupleDesc	desc = RelationGetDescr(events);
	List	   *list = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, EVENT_TARGET + 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(target));
	scan = systable_beginscan(events, sp_table_own_oid(RESET_EVENT_INDEX),
							  true, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		list = lappend(list, read_event(tuple, desc));
	systable_endscan(scan);
	table_close(events, AccessShareLock);
	return list;
}

/* An event, copied. */
static ResetEvent *
read_event(HeapTuple tuple, TupleDesc desc)
{
	ResetEvent *event = palloc(sizeof(ResetEvent));
	Datum		values[EVENT_COLUMNS];
	bool		nulls[EVENT_COLUMNS];

	heap_deform_tuple(tuple, desc, values, nulls);
	event->leaf = DatumGetObjectId(values[EVENT_LEAF]);
	event->reason = TextDatumGetCString(values[EVENT_REASON]);
	event->principal = nulls[EVENT_PRINCIPAL] ? NULL :
		TextDatumGetCString(values[EVENT_PRINCIPAL]);
	event->row_version = DatumGetInt64(values[EVENT_ROW_VERSION]);
	return event;
}

/* Delete the older events of a leaf and reason. */
static void
remove_superseded(Relation events, Oid target, Oid leaf, const char *reason)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], EVENT_TARGET + 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(target));
	ScanKeyInit(&keys[1], EVENT_LEAF + 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(leaf));
	scan = systable_beginscan(events, sp_table_own_oid(RESET_EVENT_INDEX),
							  true, snapshot, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (has_reason(tuple, RelationGetDescr(events), reason))
			CatalogTupleDelete(events, &tuple->t_self);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
}

/* Whether an event is for that reason. */
static bool
has_reason(HeapTuple tuple, TupleDesc desc, const char *reason)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, EVENT_REASON + 1, desc, &isnull);

	return strcmp(TextDatumGetCString(value), reason) == 0;
}
