/*-------------------------------------------------------------------------
 *
 * changes.c
 *	  syncport.changes: what is new in a table, a row and its cursor each.
 *
 * The cursor behind a row is known when the next one comes, or nothing does:
 * so one row always waits.  The last one of all gets the cursor of the round
 * that has ended.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "feed/origin.h"
#include "feed/round.h"
#include "keyset/item.h"
#include "keyset/request.h"
#include "support/error.h"

PG_FUNCTION_INFO_V1(syncport_changes);

/* arguments */
enum ChangesArgument
{
	ARG_TARGET,
	ARG_SINCE,
	ARG_PAGE_SIZE,
	ARG_FILTER
};

/* one row of the result: op, item, cursor */
#define RESULT_COLUMNS	3

/* Turns what the feed delivers into rows of the result. */
typedef struct ChangeWriter
{
	ReturnSetInfo *result;		/* where rows go */
	int			page_size;
	int			nrows;			/* taken */
	FeedOrigin	origin;			/* of all cursors */
	PagePlan   *plan;			/* what maker was made for */
	ItemMaker	maker;
	Datum	   *values;			/* of the columns of the plan's order */
	bool		waiting;		/* there is a row that waits: */
	bool		deleted;
	Datum		item;
	MemoryContext context;		/* of item */
	MemoryContext caller;		/* of everything else */
} ChangeWriter;

static void check_reset(const FeedRead *read);
static bool take_row(FeedRead *read, const FeedRow *row, void *arg);
static Datum make_item(ChangeWriter *writer, const FeedRow *row);
static void begin_items(ChangeWriter *writer, PagePlan *plan);
static void put_waiting(ChangeWriter *writer, FeedRead *read);

/*
 * syncport.changes(target anyelement, since text, page_size integer,
 *		filter jsonb) RETURNS TABLE (op text, item anyelement, cursor text)
 */
Datum
syncport_changes(PG_FUNCTION_ARGS)
{
	Oid			relid = sp_item_table(fcinfo);
	FeedRead	read = {0};
	ChangeWriter writer = {0};
	FeedScope  *scope;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	writer.result = (ReturnSetInfo *) fcinfo->resultinfo;
	writer.page_size = sp_page_size_argument(fcinfo, ARG_PAGE_SIZE);
	writer.caller = CurrentMemoryContext;
	writer.context = AllocSetContextCreate(CurrentMemoryContext,
										   "syncport change",
										   ALLOCSET_DEFAULT_SIZES);
	scope = sp_scope_open(relid, NULL, PG_ARGISNULL(ARG_FILTER) ? NULL :
						  PG_GETARG_JSONB_P(ARG_FILTER), false);
	PG_TRY();
	{
		sp_round_begin(&read, scope, PG_ARGISNULL(ARG_SINCE) ? NULL :
					   PG_GETARG_TEXT_PP(ARG_SINCE),
					   sp_snapshot_take(GetActiveSnapshot()),
					   writer.page_size);
		check_reset(&read);
		if (read.reset != FEED_BEHIND)
		{
			sp_round_run(&read, take_row, &writer);
			put_waiting(&writer, &read);
			/* without a row there is no cursor that the next call resets */
			if (writer.nrows == 0 && !read.complete)
				read.reset = FEED_PURGED;
			check_reset(&read);
			sp_round_end(&read);
		}
	}
	PG_FINALLY();
	{
		sp_round_release(&read);
	}
	PG_END_TRY();
	sp_scope_close(scope);
	return (Datum) 0;
}

/* Rows cannot say that the client has to start anew. */
static void
check_reset(const FeedRead *read)
{
	if (FEED_MUST_RESET(read->reset))
		ereport(ERROR,
				(errcode(ERRCODE_SP_RESET_REQUIRED),
				 errmsg("feed of table \"%s\" has to be read from the start",
						RelationGetRelationName(read->scope->rel)),
				 errdetail_internal("%s", sp_reset_reason(read->reset)),
				 errhint("%s", sp_reset_hint(read->reset))));
}

/* Callback: one row; false if the page is full. */
static bool
take_row(FeedRead *read, const FeedRow *row, void *arg)
{
	ChangeWriter *writer = arg;
	MemoryContext caller;

	if (writer->nrows == writer->page_size)
		return false;
	if (writer->nrows++ == 0)
		writer->origin = sp_origin_now();
	put_waiting(writer, read);
	if (writer->plan != read->plan)
		begin_items(writer, read->plan);
	MemoryContextReset(writer->context);
	caller = MemoryContextSwitchTo(writer->context);
	writer->item = make_item(writer, row);
	writer->deleted = row->deleted;
	writer->waiting = true;
	MemoryContextSwitchTo(caller);
	return true;
}

/*
 * The row, or tombstone, in the table; of what is not there, or has left the
 * filter, the key and the version.
 */
static Datum
make_item(ChangeWriter *writer, const FeedRow *row)
{
	int			nkey = writer->plan->order->ncolumns - 1;

	if (row->slot != NULL && row->matches)
		return sp_item_make(&writer->maker, row->slot);
	writer->values[0] = Int64GetDatum(row->row_version);
	memcpy(writer->values + 1, row->key, nkey * sizeof(Datum));
	return sp_item_make_partial(&writer->maker, writer->values);
}

/* Prepare to make items of what the plan at work delivers. */
static void
begin_items(ChangeWriter *writer, PagePlan *plan)
{
	MemoryContext caller = MemoryContextSwitchTo(writer->caller);

	sp_item_begin(&writer->maker, plan);
	writer->values = palloc(plan->order->ncolumns * sizeof(Datum));
	writer->plan = plan;
	MemoryContextSwitchTo(caller);
}

/* Add the row that waits to the result, with the cursor of here. */
static void
put_waiting(ChangeWriter *writer, FeedRead *read)
{
	Datum		values[RESULT_COLUMNS];
	bool		isnull[RESULT_COLUMNS] = {false};
	MemoryContext caller;

	if (!writer->waiting)
		return;
	caller = MemoryContextSwitchTo(writer->context);
	values[0] = CStringGetTextDatum(writer->deleted ? "delete" : "upsert");
	values[1] = writer->item;
	values[2] = PointerGetDatum(sp_round_cursor(read, &writer->origin));
	tuplestore_putvalues(writer->result->setResult, writer->result->setDesc,
						 values, isnull);
	writer->waiting = false;
	MemoryContextSwitchTo(caller);
}
