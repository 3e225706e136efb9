/*-------------------------------------------------------------------------
 *
 * page.c
 *	  syncport.page: a page as rows of the table, each with its cursor.
 *
 * Rows go from the executor's slot into the result without a copy in
 * between.  A slot that still holds the table's own tuple becomes the row
 * value as it is; only the columns that the cursor needs are taken apart.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "keyset/request.h"

PG_FUNCTION_INFO_V1(syncport_page);

/* one row of the result: item, cursor */
#define RESULT_COLUMNS	2

/* Turns the rows of a page into rows of the result. */
typedef struct ItemReceiver
{
	DestReceiver pub;			/* callbacks, must be first */
	PagePlan   *plan;			/* of the page */
	ReturnSetInfo *result;		/* where rows go */
	bool		backward;		/* rows arrive last first */
	MemoryContext context;		/* of one row; of all rows if backward */
	Datum	   *items;			/* backward: rows kept, as they arrived */
	Datum	   *cursors;		/* backward: theirs */
	int			nitems;			/* backward: how many */
	CursorPosition position;	/* of the row at hand */
	Datum	   *values;			/* of the row at hand, for a row taken apart */
	bool	   *isnull;			/* same */
} ItemReceiver;

static Oid	find_table(FunctionCallInfo fcinfo);
static void start_items(ItemReceiver *receiver, PageFetch *page,
						ReturnSetInfo *result);
static void ignore_startup(DestReceiver *self, int operation,
						   TupleDesc desc);
static void ignore_end(DestReceiver *self);
static bool receive_item(TupleTableSlot *slot, DestReceiver *self);
static Datum make_item(ItemReceiver *receiver, TupleTableSlot *slot);
static bool holds_row(const PagePlan *plan, TupleTableSlot *slot);
static void put_item(ItemReceiver *receiver, Datum item, Datum cursor);

/*
 * syncport.page(target anyelement, after text, before text,
 *		page_size integer, order_by text, filter jsonb,
 *		include_deleted boolean)
 *		RETURNS TABLE (item anyelement, cursor text)
 */
Datum
syncport_page(PG_FUNCTION_ARGS)
{
	static const PageArguments arguments = {
		.after = 1,.before = 2,.page_size = 3,.order_by = 4,
		.columns = -1,.filter = 5,.include_deleted = 6
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PageFetch	page = {0};
	ItemReceiver receiver = {{0}};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	PG_TRY();
	{
		sp_page_begin(&page, fcinfo, find_table(fcinfo), &arguments, 0);
		start_items(&receiver, &page, result);
		sp_page_fetch(&page, &receiver.pub);
		while (receiver.nitems-- > 0)
			put_item(&receiver, receiver.items[receiver.nitems],
					 receiver.cursors[receiver.nitems]);
	}
	PG_FINALLY();
	{
		sp_page_release(&page);
	}
	PG_END_TRY();
	sp_page_close(&page);
	return (Datum) 0;
}

/* The table whose row type target has. */
static Oid
find_table(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relid = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("target is not a row of a table"),
				 errdetail("It is of type %s.",
						   OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errhint("Name the table by a NULL of its row type: NULL::schema.table.")));
	return relid;
}

/* Prepare to receive the rows of a page. */
static void
start_items(ItemReceiver *receiver, PageFetch *page, ReturnSetInfo *result)
{
	PagePlan   *plan = page->plan;

	receiver->pub.receiveSlot = receive_item;
	receiver->pub.rStartup = ignore_startup;
	receiver->pub.rShutdown = ignore_end;
	receiver->pub.rDestroy = ignore_end;
	receiver->pub.mydest = DestTuplestore;	/* DestNone: not counted */
	receiver->plan = plan;
	receiver->result = result;
	receiver->backward = page->request.backward;
	receiver->context = AllocSetContextCreate(CurrentMemoryContext,
											  "syncport page rows",
											  ALLOCSET_DEFAULT_SIZES);
	if (receiver->backward)
	{
		receiver->items = palloc(page->page_size * sizeof(Datum));
		receiver->cursors = palloc(page->page_size * sizeof(Datum));
	}
	receiver->position.values = palloc(plan->order->ncolumns * sizeof(Datum));
	receiver->position.isnull = palloc(plan->order->ncolumns * sizeof(bool));
	receiver->values = palloc0(plan->rowdesc->natts * sizeof(Datum));
	receiver->isnull = palloc(plan->rowdesc->natts * sizeof(bool));
	memset(receiver->isnull, true, plan->rowdesc->natts * sizeof(bool));
}

/* Callback: nothing to do, the plan knows the columns. */
static void
ignore_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

/* Callback: nothing to do, everything lives in memory contexts. */
static void
ignore_end(DestReceiver *self)
{
}

/* Callback: one row. */
static bool
receive_item(TupleTableSlot *slot, DestReceiver *self)
{
	ItemReceiver *receiver = (ItemReceiver *) self;
	MemoryContext caller = MemoryContextSwitchTo(receiver->context);
	Datum		item;
	Datum		cursor;

	sp_plan_position(receiver->plan, slot, &receiver->position);
	cursor = PointerGetDatum(sp_cursor_encode(receiver->plan->codec,
											  &receiver->position));
	item = make_item(receiver, slot);
	if (receiver->backward)
	{
		receiver->items[receiver->nitems] = item;
		receiver->cursors[receiver->nitems++] = cursor;
	}
	else
	{
		put_item(receiver, item, cursor);
		MemoryContextReset(receiver->context);
	}
	MemoryContextSwitchTo(caller);
	return true;
}

/* The slot's row as a value of the table's row type. */
static Datum
make_item(ItemReceiver *receiver, TupleTableSlot *slot)
{
	PagePlan   *plan = receiver->plan;
	HeapTuple	tuple;
	int			i;

	if (holds_row(plan, slot))
		return heap_copy_tuple_as_datum(ExecFetchSlotHeapTuple(slot, false,
															   NULL),
										plan->rowdesc);
	slot_getallattrs(slot);
	for (i = 0; i < plan->nselected; i++)
	{
		receiver->values[plan->selected[i] - 1] = slot->tts_values[i];
		receiver->isnull[plan->selected[i] - 1] = slot->tts_isnull[i];
	}
	tuple = toast_build_flattened_tuple(plan->rowdesc, receiver->values,
										receiver->isnull);
	/* formed by the row type and flat: it is a datum as it stands */
	return HeapTupleHeaderGetDatum(tuple->t_data);
}

/*
 * Whether the slot holds a stored tuple that is a complete row of the type:
 * nothing projected, dropped, added since or stored out of line.
 */
static bool
holds_row(const PagePlan *plan, TupleTableSlot *slot)
{
	HeapTuple	tuple;

	if (!TTS_IS_BUFFERTUPLE(slot) ||
		plan->nselected != plan->rowdesc->natts)
		return false;
	tuple = ExecFetchSlotHeapTuple(slot, false, NULL);
	return HeapTupleHeaderGetNatts(tuple->t_data) == plan->nselected &&
		!HeapTupleHasExternal(tuple);
}

/* Add a row to the result. */
static void
put_item(ItemReceiver *receiver, Datum item, Datum cursor)
{
	Datum		values[RESULT_COLUMNS] = {item, cursor};
	bool		isnull[RESULT_COLUMNS] = {false, false};

	tuplestore_putvalues(receiver->result->setResult,
						 receiver->result->setDesc, values, isnull);
}
