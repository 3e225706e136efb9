/*-------------------------------------------------------------------------
 *
 * merge.c
 *	  Images of deleted rows among the rows of a page.
 *
 * Images have no index by their columns.  The session's cache knows which
 * come behind the position; a query asks for the columns of order and filter
 * of these, or of all images of the table where the cache cannot help, and
 * keeps as many as a page has, in the page's order.  The rows of the table come from their index
 * ranges as ever, and between two of them stand the images that sort there.
 * Only an image that gets onto the page is read as a whole.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"

#include "keyset/image_cache.h"
#include "keyset/merge.h"

/* how many cached images are asked about at once */
#define WINDOW_MIN	16
#define WINDOW_MAX	65536

/* an image that may be on the page */
typedef struct ImagePosition
{
	CursorPosition position;	/* where it stands */
	int64		id;				/* what sp_image_fetch finds it by */
	ItemPointerData tid;		/* same */
} ImagePosition;

/* Collects what the query over images returns. */
typedef struct ImageReceiver
{
	DestReceiver pub;			/* callbacks, must be first */
	const PagePlan *plan;
	MemoryContext context;		/* of images */
	ImagePosition *images;		/* in the order of the page */
	int			nimages;
} ImageReceiver;

/* Receives the rows of the table. */
typedef struct MergeReceiver
{
	DestReceiver pub;			/* callbacks, must be first */
	const PagePlan *plan;
	DestReceiver *out;			/* the page's own */
	bool		started;		/* out knows the columns */
	MemoryContext context;		/* of all of this */
	ImagePosition *images;		/* in the order of the page */
	int			nimages;
	int			next;			/* the first one not handed on */
	int			nrows;			/* handed on, of both kinds */
	CursorPosition position;	/* of the table's row at hand */
	SortSupport order;			/* by column of the order */
	ImageReader *reader;		/* NULL until an image is on the page */
	MemoryContext row_context;	/* of one image */
	TupleTableSlot *slot;		/* same: as the page wants it */
	Datum	   *values;			/* same: by attribute number - 1 */
	bool	   *isnull;
} MergeReceiver;

static void find_images(MergeReceiver *merge, PagePlan *plan,
						const CursorPosition *position, const Rung *rung,
						const SPIExecuteOptions *options);
static bool find_nearby(ImageReceiver *receiver, ImageTicket *ticket,
						SPIPlanPtr query, const CursorPosition *position,
						SPIExecuteOptions *options);
static void ask_cached(ImageReceiver *receiver, ImageTicket *ticket,
					   SPIPlanPtr query, ImageWalk *walk,
					   SPIExecuteOptions *options);
static void run_query(SPIPlanPtr query, SPIExecuteOptions *options);
static SPIPlanPtr find_query(PagePlan *plan, const Rung *rung);
static SPIPlanPtr prepare_query(PagePlan *plan, const Rung *rung);
static void ignore_startup(DestReceiver *self, int operation,
						   TupleDesc desc);
static void ignore_end(DestReceiver *self);
static bool collect_image(TupleTableSlot *slot, DestReceiver *self);
static SortSupport prepare_order(const PagePlan *plan);
static TupleDesc describe_result(const PagePlan *plan);
static void start_merge(DestReceiver *self, int operation, TupleDesc desc);
static bool receive_row(TupleTableSlot *slot, DestReceiver *self);
static bool is_ahead(const MergeReceiver *merge,
					 const CursorPosition *image);
static void send_image(MergeReceiver *merge);
static void begin_reading(MergeReceiver *merge);

DestReceiver *
sp_merge_begin(PagePlan *plan, const CursorPosition *position,
			   const Rung *rung, const SPIExecuteOptions *options)
{
	MergeReceiver *merge = palloc0(sizeof(MergeReceiver));

	merge->pub.receiveSlot = receive_row;
	merge->pub.rStartup = start_merge;
	merge->pub.rShutdown = ignore_end;
	merge->pub.rDestroy = ignore_end;
	merge->pub.mydest = DestTuplestore; /* DestNone: not counted */
	merge->plan = plan;
	merge->out = options->dest;
	merge->context = CurrentMemoryContext;
	find_images(merge, plan, position, rung, options);
	merge->position.values = palloc(plan->order->ncolumns * sizeof(Datum));
	merge->position.isnull = palloc(plan->order->ncolumns * sizeof(bool));
	merge->order = prepare_order(plan);
	return &merge->pub;
}

void
sp_merge_end(DestReceiver *self)
{
	MergeReceiver *merge = (MergeReceiver *) self;

	while (merge->next < merge->nimages &&
		   merge->nrows < merge->plan->limit)
		send_image(merge);
	if (merge->reader)
	{
		ExecDropSingleTupleTableSlot(merge->slot);
		sp_image_reader_end(merge->reader);
	}
}

/* Run the query over images, which must prove where it comes from. */
static void
find_images(MergeReceiver *merge, PagePlan *plan,
			const CursorPosition *position, const Rung *rung,
			const SPIExecuteOptions *options)
{
	SPIPlanPtr	query = find_query(plan, rung);
	SPIExecuteOptions image_options = *options;
	ParamExternData *param = &options->params->params[plan->nparams];
	ImageReceiver receiver = {{0}};
	ImageTicket ticket;

	receiver.pub.receiveSlot = collect_image;
	receiver.pub.rStartup = ignore_startup;
	receiver.pub.rShutdown = ignore_end;
	receiver.pub.rDestroy = ignore_end;
	receiver.pub.mydest = DestTuplestore;
	receiver.plan = plan;
	receiver.context = merge->context;
	receiver.images = palloc(plan->limit * sizeof(ImagePosition));
	image_options.dest = &receiver.pub;
	sp_image_open(&ticket, plan->images);
	param->value = Int64GetDatum(ticket.number);
	param->isnull = false;
	param->pflags = 0;
	param->ptype = INT8OID;
	PG_TRY();
	{
		if (!find_nearby(&receiver, &ticket, query, position, &image_options))
		{
			receiver.nimages = 0;
			ticket.only = NULL;
			run_query(query, &image_options);
		}
	}
	PG_FINALLY();
	{
		sp_image_close(&ticket);
	}
	PG_END_TRY();
	merge->images = receiver.images;
	merge->nimages = receiver.nimages;
}

/*
 * Ask about the images that the cache has behind the position, some more
 * each time, until there are enough.  False where that cannot be done.
 */
static bool
find_nearby(ImageReceiver *receiver, ImageTicket *ticket, SPIPlanPtr query,
			const CursorPosition *position, SPIExecuteOptions *options)
{
	ImageWalk	walk;

	if (!sp_image_walk_begin(&walk, receiver->plan, position))
		return false;
	PG_TRY();
	{
		ask_cached(receiver, ticket, query, &walk, options);
	}
	PG_FINALLY();
	{
		sp_image_walk_end(&walk, ticket->stale);
	}
	PG_END_TRY();
	return !ticket->stale;
}

/* Run the query over the images of a walk until there are enough. */
static void
ask_cached(ImageReceiver *receiver, ImageTicket *ticket, SPIPlanPtr query,
		   ImageWalk *walk, SPIExecuteOptions *options)
{
	int			limit = receiver->plan->limit;
	int			window = Max(limit, WINDOW_MIN);

	while (receiver->nimages < limit && !ticket->stale)
	{
		ImageEntry *entries = palloc(window * sizeof(ImageEntry));

		ticket->only = entries;
		ticket->nonly = sp_image_walk_next(walk, entries, window);
		if (ticket->nonly == 0)
			break;
		run_query(query, options);
		pfree(entries);
		window = Min(window * 4, WINDOW_MAX);
	}
}

/* Run the query. */
static void
run_query(SPIPlanPtr query, SPIExecuteOptions *options)
{
	int			result = SPI_execute_plan_extended(query, options);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "query over images failed: %s",
			 SPI_result_code_string(result));
}

/* The query of a rung, kept with the plan. */
static SPIPlanPtr
find_query(PagePlan *plan, const Rung *rung)
{
	RungPlan   *entry = plan->image_rungs;

	while (entry && memcmp(&entry->rung, rung, sizeof(Rung)) != 0)
		entry = entry->next;
	return entry ? entry->plan : prepare_query(plan, rung);
}

/* Prepare it and keep it.  All images are read, so any plan is as good. */
static SPIPlanPtr
prepare_query(PagePlan *plan, const Rung *rung)
{
	RungPlan   *entry = MemoryContextAllocZero(plan->context,
											   sizeof(RungPlan));
	Oid		   *types = palloc((plan->nparams + 1) * sizeof(Oid));
	StringInfoData sql;

	memcpy(types, plan->types, plan->nparams * sizeof(Oid));
	types[plan->nparams] = INT8OID;
	initStringInfo(&sql);
	appendStringInfoString(&sql, plan->image_head);
	sp_rung_condition(&sql, plan->columns, rung, plan->nfilter + 1);
	appendStringInfoString(&sql, plan->tail);
	entry->rung = *rung;
	entry->plan = sp_image_prepare(plan->images, sql.data, plan->nparams + 1,
								   types, CURSOR_OPT_GENERIC_PLAN);
	SPI_keepplan(entry->plan);
	entry->next = plan->image_rungs;
	plan->image_rungs = entry;
	return entry->plan;
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

/* Callback: an image's columns of the order, and where it is. */
static bool
collect_image(TupleTableSlot *slot, DestReceiver *self)
{
	ImageReceiver *receiver = (ImageReceiver *) self;
	const OrderSpec *order = receiver->plan->order;
	MemoryContext caller;
	CursorPosition *position;
	int			i;

	if (receiver->nimages == receiver->plan->limit)
		return true;
	caller = MemoryContextSwitchTo(receiver->context);
	position = &receiver->images[receiver->nimages].position;
	slot_getallattrs(slot);
	position->nvalues = order->ncolumns;
	position->at_row = true;
	position->values = palloc(order->ncolumns * sizeof(Datum));
	position->isnull = palloc(order->ncolumns * sizeof(bool));
	for (i = 0; i < order->ncolumns; i++)
	{
		Form_pg_attribute att =
		TupleDescAttr(receiver->plan->rowdesc,
					  order->columns[i].attnum - 1);

		position->isnull[i] = slot->tts_isnull[i];
		if (!slot->tts_isnull[i])
			position->values[i] = datumCopy(slot->tts_values[i],
											att->attbyval, att->attlen);
	}
	receiver->images[receiver->nimages].id =
		DatumGetInt64(slot->tts_values[i]);
	receiver->images[receiver->nimages++].tid =
		*(ItemPointer) DatumGetPointer(slot->tts_values[i + 1]);
	MemoryContextSwitchTo(caller);
	return true;
}

/* How the query sorts, in its direction. */
static SortSupport
prepare_order(const PagePlan *plan)
{
	SortSupport order = palloc0(plan->order->ncolumns *
								sizeof(SortSupportData));
	int			i;

	for (i = 0; i < plan->order->ncolumns; i++)
	{
		const OrderColumn *column = &plan->order->columns[i];

		order[i].ssup_cxt = CurrentMemoryContext;
		order[i].ssup_collation = column->collation;
		order[i].ssup_nulls_first = plan->columns[i].nulls_first;
		order[i].ssup_attno = i + 1;
		PrepareSortSupportFromOrderingOp(plan->columns[i].descending ?
										 column->gt_op : column->lt_op,
										 &order[i]);
	}
	return order;
}

/* The columns of the page's rows. */
static TupleDesc
describe_result(const PagePlan *plan)
{
	TupleDesc	desc = CreateTemplateTupleDesc(plan->nresult);
	int			i;

	for (i = 0; i < plan->nresult; i++)
		TupleDescCopyEntry(desc, i + 1, plan->rowdesc, plan->selected[i]);
	return desc;
}

/* Callback: the columns of the rows, the same each time. */
static void
start_merge(DestReceiver *self, int operation, TupleDesc desc)
{
	MergeReceiver *merge = (MergeReceiver *) self;

	merge->out->rStartup(merge->out, operation, desc);
	merge->started = true;
}

/* Callback: a row of the table, behind the images that sort ahead of it. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	MergeReceiver *merge = (MergeReceiver *) self;

	if (merge->next < merge->nimages)
	{
		sp_plan_position(merge->plan, slot, &merge->position);
		while (merge->next < merge->nimages &&
			   merge->nrows < merge->plan->limit &&
			   is_ahead(merge, &merge->images[merge->next].position))
			send_image(merge);
	}
	if (merge->nrows == merge->plan->limit)
		return true;
	merge->nrows++;
	return merge->out->receiveSlot(slot, merge->out);
}

/* Whether an image sorts ahead of the row at hand. */
static bool
is_ahead(const MergeReceiver *merge, const CursorPosition *image)
{
	int			i;

	for (i = 0; i < image->nvalues; i++)
	{
		int			result = ApplySortComparator(image->values[i],
												 image->isnull[i],
												 merge->position.values[i],
												 merge->position.isnull[i],
												 &merge->order[i]);

		if (result != 0)
			return result < 0;
	}
	return false;
}

/* Read the next image as a whole and hand it on. */
static void
send_image(MergeReceiver *merge)
{
	const PagePlan *plan = merge->plan;
	const ImagePosition *image = &merge->images[merge->next++];
	MemoryContext caller;
	int			i;

	if (merge->reader == NULL)
		begin_reading(merge);
	if (!merge->started)
		start_merge(&merge->pub, CMD_SELECT,
					merge->slot->tts_tupleDescriptor);
	caller = MemoryContextSwitchTo(merge->row_context);
	if (!sp_image_fetch(merge->reader, &image->tid, image->id, merge->values,
						merge->isnull))
		elog(ERROR, "image " INT64_FORMAT " has gone", image->id);
	ExecClearTuple(merge->slot);
	for (i = 0; i < plan->nresult; i++)
	{
		merge->slot->tts_values[i] = merge->values[plan->selected[i] - 1];
		merge->slot->tts_isnull[i] = merge->isnull[plan->selected[i] - 1];
	}
	ExecStoreVirtualTuple(merge->slot);
	MemoryContextSwitchTo(caller);
	merge->nrows++;
	merge->out->receiveSlot(merge->slot, merge->out);
	MemoryContextReset(merge->row_context);
}

/* Prepare to read images as a whole. */
static void
begin_reading(MergeReceiver *merge)
{
	const PagePlan *plan = merge->plan;
	MemoryContext caller = MemoryContextSwitchTo(merge->context);
	Bitmapset  *columns = NULL;
	int			i;

	for (i = 0; i < plan->nresult; i++)
		columns = bms_add_member(columns, plan->selected[i]);
	merge->reader = sp_image_reader(plan->images, columns);
	merge->row_context = AllocSetContextCreate(merge->context,
											   "syncport image",
											   ALLOCSET_DEFAULT_SIZES);
	merge->slot = MakeSingleTupleTableSlot(describe_result(plan),
										   &TTSOpsVirtual);
	merge->values = palloc(plan->rowdesc->natts * sizeof(Datum));
	merge->isnull = palloc(plan->rowdesc->natts * sizeof(bool));
	MemoryContextSwitchTo(caller);
}
