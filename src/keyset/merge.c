/*-------------------------------------------------------------------------
 *
 * merge.c
 *	  Images of deleted rows among the rows of a page.
 *
 * Images have no index by their columns.  The session's cache knows which
 * come behind the position; a query asks for the columns of order and filter
 * of the next few of these, again and again, or once of all images of the
 * table where the cache cannot help.  The rows of the table come from their
 * index ranges as ever, and between two of them stand the images that sort
 * there.
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
	SPIPlanPtr	query;			/* over images */
	SPIExecuteOptions options;	/* of query */
	ImageTicket ticket;			/* for query */
	bool		has_ticket;
	ImageWalk	walk;			/* over the images not asked about */
	bool		walking;		/* there is a walk */
	int			window;			/* so many are asked about next */
	ImageReceiver images;		/* what query returned last */
	int			next;			/* the first of them not handed on */
	CursorPosition *last;		/* of the last one handed on, or NULL */
	int			nrows;			/* handed on, of both kinds */
	CursorPosition position;	/* of the table's row at hand */
	SortSupport order;			/* by column of the order */
	ImageReader *reader;		/* NULL until an image is on the page */
	MemoryContext row_context;	/* of one image */
	TupleTableSlot *slot;		/* same: as the page wants it */
	Datum	   *values;			/* same: by attribute number - 1 */
	bool	   *isnull;
} MergeReceiver;

static void bind_ticket(MergeReceiver *merge, ParamListInfo params);
static bool find_image(MergeReceiver *merge);
static void ask_cached(MergeReceiver *merge);
static void ask_all(MergeReceiver *merge);
static void run_query(MergeReceiver *merge);
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
static int	compare_positions(const MergeReceiver *merge,
							  const CursorPosition *a,
							  const CursorPosition *b);
static void send_image(MergeReceiver *merge);
static void begin_reading(MergeReceiver *merge);

DestReceiver *
sp_merge_begin(PagePlan *plan, const Rung *rung,
			   const SPIExecuteOptions *options)
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
	merge->position.values = palloc(plan->order->ncolumns * sizeof(Datum));
	merge->position.isnull = palloc(plan->order->ncolumns * sizeof(bool));
	merge->order = prepare_order(plan);
	merge->images.pub = merge->pub;
	merge->images.pub.receiveSlot = collect_image;
	merge->images.pub.rStartup = ignore_startup;
	merge->images.plan = plan;
	merge->images.context = merge->context;
	merge->images.images = palloc(plan->limit * sizeof(ImagePosition));
	merge->query = find_query(plan, rung);
	merge->options = *options;
	merge->options.dest = &merge->images.pub;
	return &merge->pub;
}

void
sp_merge_start(DestReceiver *self, const CursorPosition *position)
{
	MergeReceiver *merge = (MergeReceiver *) self;

	sp_image_open(&merge->ticket, merge->plan->images);
	merge->has_ticket = true;
	bind_ticket(merge, merge->options.params);
	merge->walking = sp_image_walk_begin(&merge->walk, merge->plan, position);
	merge->window = merge->plan->image_window;
	if (!merge->walking)
		ask_all(merge);
}

void
sp_merge_end(DestReceiver *self)
{
	MergeReceiver *merge = (MergeReceiver *) self;

	while (merge->nrows < merge->plan->limit && find_image(merge))
		send_image(merge);
	if (merge->reader)
	{
		ExecDropSingleTupleTableSlot(merge->slot);
		sp_image_reader_end(merge->reader);
	}
}

void
sp_merge_close(DestReceiver *self)
{
	MergeReceiver *merge = (MergeReceiver *) self;

	if (merge->walking)
		sp_image_walk_end(&merge->walk, merge->ticket.stale);
	merge->walking = false;
	if (merge->has_ticket)
		sp_image_close(&merge->ticket);
	merge->has_ticket = false;
}

/* The parameter by which the query proves where it comes from. */
static void
bind_ticket(MergeReceiver *merge, ParamListInfo params)
{
	ParamExternData *param = &params->params[merge->plan->nparams];

	param->value = Int64GetDatum(merge->ticket.number);
	param->isnull = false;
	param->pflags = 0;
	param->ptype = INT8OID;
}

/* Whether there is another image; asks about more of them if need be. */
static bool
find_image(MergeReceiver *merge)
{
	while (merge->next == merge->images.nimages && merge->walking)
		ask_cached(merge);
	return merge->next < merge->images.nimages;
}

/* Ask about the next images of the walk, more each time. */
static void
ask_cached(MergeReceiver *merge)
{
	MemoryContext caller = MemoryContextSwitchTo(merge->context);
	int			window = Min(merge->window, merge->plan->limit);
	ImageEntry *entries = palloc(window * sizeof(ImageEntry));

	merge->ticket.only = entries;
	merge->ticket.nonly = sp_image_walk_next(&merge->walk, entries, window);
	merge->window = window * 2;
	merge->next = merge->images.nimages = 0;
	if (merge->ticket.nonly > 0)
		run_query(merge);
	if (merge->ticket.nonly == 0 || merge->ticket.stale)
	{
		sp_image_walk_end(&merge->walk, merge->ticket.stale);
		merge->walking = false;
	}
	if (merge->ticket.stale)
		ask_all(merge);
	pfree(entries);
	MemoryContextSwitchTo(caller);
}

/* Ask about all images and go on behind the last one handed on. */
static void
ask_all(MergeReceiver *merge)
{
	merge->ticket.only = NULL;
	merge->next = merge->images.nimages = 0;
	run_query(merge);
	while (merge->last != NULL && merge->next < merge->images.nimages &&
		   compare_positions(merge,
							 &merge->images.images[merge->next].position,
							 merge->last) <= 0)
		merge->next++;
}

/* Run the query, in an SPI call of its own: another one may be under way. */
static void
run_query(MergeReceiver *merge)
{
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	result = SPI_execute_plan_extended(merge->query, &merge->options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "query over images failed: %s",
			 SPI_result_code_string(result));
	SPI_finish();
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

	if (merge->nrows < merge->plan->limit && find_image(merge))
	{
		sp_plan_position(merge->plan, slot, &merge->position);
		while (merge->nrows < merge->plan->limit && find_image(merge) &&
			   compare_positions(merge,
								 &merge->images.images[merge->next].position,
								 &merge->position) < 0)
			send_image(merge);
	}
	if (merge->nrows == merge->plan->limit)
		return true;
	merge->nrows++;
	return merge->out->receiveSlot(slot, merge->out);
}

/* Comparison of two positions in the direction of the page. */
static int
compare_positions(const MergeReceiver *merge, const CursorPosition *a,
				  const CursorPosition *b)
{
	int			i;

	for (i = 0; i < a->nvalues; i++)
	{
		int			result = ApplySortComparator(a->values[i], a->isnull[i],
												 b->values[i], b->isnull[i],
												 &merge->order[i]);

		if (result != 0)
			return result;
	}
	return 0;
}

/* Read the next image as a whole and hand it on. */
static void
send_image(MergeReceiver *merge)
{
	const PagePlan *plan = merge->plan;
	const ImagePosition *image = &merge->images.images[merge->next++];
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
	*merge->last = image->position;
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
	merge->last = palloc(sizeof(CursorPosition));
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
