/*-------------------------------------------------------------------------
 *
 * trigger.c
 *	  The stamp of an enabled table, and what its triggers share.
 *
 * The stamp runs for every row written, so nothing is looked up per row:
 * columns are resolved once per statement and relation and kept in fn_extra.
 * The version is the id of the top-level transaction: a snapshot tells from
 * it alone what is visible, whatever savepoints did.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "table/registry.h"
#include "table/trigger.h"

PG_FUNCTION_INFO_V1(syncport_stamp);

#define CHANNEL			"syncport"
#define ARGUMENT_COUNT	4

/* the last notification, so that a further row costs three comparisons */
static struct
{
	FullTransactionId xid;		/* top-level transaction */
	SubTransactionId subxact;	/* a rollback to a savepoint takes it back */
	Oid			target;			/* the enabled table */
} last_notify;

static void look_at_insert(Relation rel, HeapTuple tuple,
						   const StampColumns *columns);
static void look_at_update(Relation rel, HeapTuple old, HeapTuple new,
						   const StampColumns *columns);
static bool key_differs(Relation rel, HeapTuple old, HeapTuple new,
						const Bitmapset *key);
static void check_moving_row(Relation rel, HeapTuple new);
static AttrNumber find_column(Relation rel, const char *name, Oid type);

/*
 * syncport.stamp() RETURNS trigger: sets updated_at and row_version,
 * whatever the caller supplied.
 */
Datum
syncport_stamp(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	StampColumns *columns = fcinfo->flinfo->fn_extra;
	Relation	rel;
	HeapTuple	tuple;
	int			numbers[2];
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!TRIGGER_FIRED_BEFORE(data->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired BEFORE INSERT OR UPDATE for each row",
						"syncport.stamp"),
				 errhint("Call syncport.enable, which creates the triggers of a table.")));

	rel = data->tg_relation;
	if (columns == NULL || columns->relid != RelationGetRelid(rel))
	{
		MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		columns = palloc0(sizeof(StampColumns));
		sp_trigger_columns(columns, data);
		fcinfo->flinfo->fn_extra = columns;
		MemoryContextSwitchTo(caller);
	}

	sp_trigger_notify(columns);
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
	{
		tuple = data->tg_trigtuple;
		look_at_insert(rel, tuple, columns);
	}
	else
	{
		tuple = data->tg_newtuple;
		look_at_update(rel, data->tg_trigtuple, tuple, columns);
	}
	numbers[0] = columns->updated_at;
	values[0] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	numbers[1] = columns->row_version;
	values[1] = Int64GetDatum(sp_trigger_version());
	tuple = heap_modify_tuple_by_cols(tuple, RelationGetDescr(rel), 2,
									  numbers, values, nulls);
	return PointerGetDatum(tuple);
}

/*
 * Replication sends a tombstone as a DELETE, which has put one back here,
 * and an INSERT.  Where the publisher kept an image only it sends nothing
 * but the DELETE, and perhaps a new row of that key later.
 */
static void
look_at_insert(Relation rel, HeapTuple tuple, const StampColumns *columns)
{
	if (columns->deleted_at != InvalidAttrNumber && IsLogicalWorker())
		sp_put_back_yield(rel, tuple, columns);
}

/*
 * A row that gets another key or comes back to life has to be looked at when
 * the update is done; what moves to another partition is out of reach then.
 */
static void
look_at_update(Relation rel, HeapTuple old, HeapTuple new,
			   const StampColumns *columns)
{
	TupleDesc	desc = RelationGetDescr(rel);
	bool		rekeyed = key_differs(rel, old, new, columns->key);
	bool		undeleted = columns->deleted_at != InvalidAttrNumber &&
	!heap_attisnull(old, columns->deleted_at, desc) &&
	heap_attisnull(new, columns->deleted_at, desc);

	if (rekeyed || undeleted)
		sp_settle_queue(rel, &old->t_self, false);
	if (rekeyed && undeleted && rel->rd_rel->relispartition)
		check_moving_row(rel, new);
}

/* Whether the bytes of the key change. */
static bool
key_differs(Relation rel, HeapTuple old, HeapTuple new, const Bitmapset *key)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			member = -1;

	while ((member = bms_next_member(key, member)) >= 0)
	{
		AttrNumber	attnum = member + FirstLowInvalidHeapAttributeNumber;
		Form_pg_attribute att = TupleDescAttr(desc, attnum - 1);
		bool		old_null;
		bool		new_null;
		Datum		before = heap_getattr(old, attnum, desc, &old_null);
		Datum		after = heap_getattr(new, attnum, desc, &new_null);

		if (old_null != new_null ||
			(!old_null && !datum_image_eq(before, after, att->attbyval,
										  att->attlen)))
			return true;
	}
	return false;
}

/* A row that may change its partition must not come back to life alone. */
static void
check_moving_row(Relation rel, HeapTuple new)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel),
													&TTSOpsHeapTuple);

	ExecStoreHeapTuple(new, slot, false);
	slot_getallattrs(slot);
	sp_parents_require_live(rel, slot);
	ExecDropSingleTupleTableSlot(slot);
}

void
sp_trigger_columns(StampColumns *columns, TriggerData *data)
{
	Relation	rel = data->tg_relation;
	char	  **args = data->tg_trigger->tgargs;

	if (data->tg_trigger->tgnargs != ARGUMENT_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" of table \"%s\" has the wrong arguments",
						data->tg_trigger->tgname,
						RelationGetRelationName(rel)),
				 errdetail("It has %d arguments instead of %d.",
						   data->tg_trigger->tgnargs, ARGUMENT_COUNT),
				 errhint("Call syncport.enable, which creates the triggers of a table.")));

	columns->updated_at = find_column(rel, args[0], TIMESTAMPTZOID);
	columns->row_version = find_column(rel, args[1], INT8OID);
	columns->deleted_at = args[2][0] == '\0'
		? InvalidAttrNumber : find_column(rel, args[2], TIMESTAMPTZOID);
	columns->notify = strcmp(args[3], "true") == 0;
	if (columns->notify)
	{
		columns->target = sp_image_target(rel);
		columns->payload = sp_table_quoted_name(columns->target);
	}
	columns->key = RelationGetIndexAttrBitmap(rel,
											  INDEX_ATTR_BITMAP_PRIMARY_KEY);
	columns->relid = RelationGetRelid(rel);
}

/* The number of a column that has to have a type. */
static AttrNumber
find_column(Relation rel, const char *name, Oid type)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped || strcmp(NameStr(attr->attname), name) != 0)
			continue;
		if (attr->atttypid != type)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of table \"%s\" has the wrong type",
							name, RelationGetRelationName(rel)),
					 errdetail("It is of type %s, syncport needs %s.",
							   format_type_be(attr->atttypid),
							   format_type_be(type)),
					 errhint("Give the column its type back.")));
		return attr->attnum;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of table \"%s\" does not exist",
					name, RelationGetRelationName(rel)),
			 errdetail("syncport was told to keep it and it was renamed or dropped since."),
			 errhint("Rename the column back, or call syncport.disable and then syncport.enable, which takes the new name as an argument.")));
	return InvalidAttrNumber;
}

void
sp_trigger_require_delete(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_BY_DELETE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired AFTER DELETE for each row",
						function),
				 errhint("Call syncport.enable, which creates the triggers of a table.")));
}

void
sp_trigger_notify(const StampColumns *columns)
{
	FullTransactionId xid;
	SubTransactionId subxact;

	if (!columns->notify)
		return;
	xid = GetTopFullTransactionId();
	subxact = GetCurrentSubTransactionId();
	if (last_notify.target == columns->target &&
		last_notify.subxact == subxact &&
		FullTransactionIdEquals(last_notify.xid, xid))
		return;
	Async_Notify(CHANNEL, columns->payload);
	last_notify.target = columns->target;
	last_notify.subxact = subxact;
	last_notify.xid = xid;
}

int64
sp_trigger_version(void)
{
	return (int64) U64FromFullTransactionId(GetTopFullTransactionId());
}
