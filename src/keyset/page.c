/*-------------------------------------------------------------------------
 *
 * page.c
 *	  syncport.page: a page as rows of the table, each with its cursor.
 *
 * Rows go from the executor's slot into the result without a copy in
 * between; only the columns that the cursor needs are taken apart.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/memutils.h"

#include "keyset/item.h"
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
	ItemMaker	maker;			/* of rows */
} ItemReceiver;

static void start_items(ItemReceiver *receiver, PageFetch *page,
						ReturnSetInfo *result);
static void ignore_startup(DestReceiver *self, int operation,
						   TupleDesc desc);
static void ignore_end(DestReceiver *self);
static bool receive_item(TupleTableSlot *slot, DestReceiver *self);
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
		sp_page_begin(&page, fcinfo, sp_item_table(fcinfo), &arguments, 0);
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
	sp_item_begin(&receiver->maker, plan);
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
	item = sp_item_make(&receiver->maker, slot);
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

/* Add a row to the result. */
static void
put_item(ItemReceiver *receiver, Datum item, Datum cursor)
{
	Datum		values[RESULT_COLUMNS] = {item, cursor};
	bool		isnull[RESULT_COLUMNS] = {false, false};

	tuplestore_putvalues(receiver->result->setResult,
						 receiver->result->setDesc, values, isnull);
}
