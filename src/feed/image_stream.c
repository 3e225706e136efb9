/*-------------------------------------------------------------------------
 *
 * image_stream.c
 *	  The images of a table that are deletes for a client, by row_version.
 *
 * An index range of syncport.tombstone gives the images of a round in the
 * order of (row_version, id).  Batches of them go through a query that knows
 * what the caller may see and whether a row has the key again.
 *
 * Transaction ids are not the order of events: 936 can delete a key that
 * 935, which commits later, inserts again.  So a row in the table always
 * wins: it was inserted after every image of its key was written, and its
 * own version has brought it to the client or will.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "feed/image_stream.h"
#include "support/quote.h"
#include "syncport.h"
#include "table/image_read.h"
#include "table/registry.h"

#define TOMBSTONE			"tombstone"
#define TOMBSTONE_INDEX		"tombstone_target_row_version_id_idx"

/* columns of syncport.tombstone */
#define TOMBSTONE_ID			1
#define TOMBSTONE_TARGET		2
#define TOMBSTONE_ROW_VERSION	3

/* images that the query is asked about at once, the first time and later */
#define BATCH_FIRST			32
#define BATCH_MAX			256

struct ImageStream
{
	PagePlan   *plan;
	Relation	rel;			/* the table */
	Oid			target;			/* whose images they are */
	int			nkey;			/* columns of the key */
	Relation	tombstone;
	Relation	index;			/* of tombstone */
	Snapshot	snapshot;		/* of the caller */
	const FeedSnapshot *set;	/* images it sees are wanted */
	int64		first;			/* of the range not scanned yet: row_version */
	int64		after_id;		/* id in first */
	int64		last;			/* row_version */
	bool		done;			/* all of it was scanned */
	SysScanDesc scan;			/* at work, or NULL */
	bool		single;			/* scan is about version first alone */
	MemoryContext owner;		/* of what is open */
	MemoryContext context;		/* of the batch */
	int			batch_size;		/* of the next batch */
	FeedImage  *images;			/* the batch, in order */
	int			nimages;
	int			next;			/* the one to peek at */
};

static bool fill_batch(ImageStream *stream);
static int	read_entries(ImageStream *stream, ImageEntry *entries);
static bool open_scan(ImageStream *stream);
static void close_scan(ImageStream *stream);
static void read_entry(ImageStream *stream, HeapTuple tuple,
					   ImageEntry *entry);
static void query_images(ImageStream *stream, const ImageEntry *entries,
						 int nentries);
static SPIPlanPtr find_query(PagePlan *plan, Relation rel);
static void keep_images(ImageStream *stream);
static int	compare_images(const void *a, const void *b);
static void drop_older(ImageStream *stream);
static bool keys_equal(const ImageStream *stream, const FeedImage *a,
					   const FeedImage *b);

ImageStream *
sp_image_stream_begin(PagePlan *plan, Relation rel, Oid target)
{
	ImageStream *stream = palloc0(sizeof(ImageStream));

	stream->plan = plan;
	stream->rel = rel;
	stream->target = target;
	stream->nkey = plan->order->ncolumns - 1;
	stream->snapshot = GetActiveSnapshot();
	stream->owner = CurrentMemoryContext;
	stream->context = AllocSetContextCreate(CurrentMemoryContext,
											"syncport feed images",
											ALLOCSET_DEFAULT_SIZES);
	stream->batch_size = BATCH_FIRST;
	return stream;
}

bool
sp_image_stream_exists(Oid target, int64 first, int64 last)
{
	ImageStream stream = {.target = target,.first = first,.last = last};
	bool		exists;

	stream.owner = CurrentMemoryContext;
	stream.snapshot = GetActiveSnapshot();
	(void) open_scan(&stream);
	exists = HeapTupleIsValid(systable_getnext_ordered(stream.scan,
													   ForwardScanDirection));
	sp_image_stream_end(&stream);
	return exists;
}

void
sp_image_stream_range(ImageStream *stream, const FeedSnapshot *target,
					  int64 first, int64 after_id, int64 last)
{
	close_scan(stream);
	stream->set = target;
	stream->first = first;
	stream->after_id = after_id;
	stream->last = last;
	stream->done = first > last;
	stream->nimages = stream->next = 0;
}

const FeedImage *
sp_image_stream_peek(ImageStream *stream)
{
	while (stream->next >= stream->nimages)
		if (!fill_batch(stream))
			return NULL;
	return &stream->images[stream->next];
}

void
sp_image_stream_pop(ImageStream *stream)
{
	Assert(stream->next < stream->nimages);
	stream->next++;
}

void
sp_image_stream_end(ImageStream *stream)
{
	close_scan(stream);
	if (stream->tombstone == NULL)
		return;
	index_close(stream->index, AccessShareLock);
	table_close(stream->tombstone, AccessShareLock);
}

/* Get the next batch, which may be empty; false at the end of the range. */
static bool
fill_batch(ImageStream *stream)
{
	MemoryContext caller;
	ImageEntry *entries;
	int			nentries;

	if (stream->scan == NULL && !open_scan(stream))
		return false;
	MemoryContextReset(stream->context);
	caller = MemoryContextSwitchTo(stream->context);
	stream->nimages = stream->next = 0;
	entries = palloc(stream->batch_size * sizeof(ImageEntry));
	/* the scan keeps things in the context that it is called in */
	MemoryContextSwitchTo(stream->owner);
	nentries = read_entries(stream, entries);
	MemoryContextSwitchTo(stream->context);
	if (nentries > 0)
		query_images(stream, entries, nentries);
	MemoryContextSwitchTo(caller);
	return true;
}

/* Take entries from the scan, which is closed at its end. */
static int
read_entries(ImageStream *stream, ImageEntry *entries)
{
	int			n = 0;

	while (n < stream->batch_size)
	{
		HeapTuple	tuple = systable_getnext_ordered(stream->scan,
													 ForwardScanDirection);

		CHECK_FOR_INTERRUPTS();
		if (!HeapTupleIsValid(tuple))
		{
			close_scan(stream);
			break;
		}
		read_entry(stream, tuple, &entries[n]);
		if (sp_snapshot_sees(stream->set, entries[n].row_version))
			n++;
	}
	if (n == stream->batch_size)
		stream->batch_size = Min(n * 2, BATCH_MAX);
	return n;
}

/*
 * Scan what is left of the range: first the rest of one version, so that a
 * large transaction is not read from its start again and again.
 */
static bool
open_scan(ImageStream *stream)
{
	ScanKeyData keys[3];
	MemoryContext caller;

	if (stream->done)
		return false;
	caller = MemoryContextSwitchTo(stream->owner);
	if (stream->tombstone == NULL)
	{
		stream->tombstone = table_open(sp_table_own_oid(TOMBSTONE),
									   AccessShareLock);
		stream->index = index_open(sp_table_own_oid(TOMBSTONE_INDEX),
								   AccessShareLock);
	}
	stream->single = stream->after_id > 0;
	ScanKeyInit(&keys[0], TOMBSTONE_TARGET, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(stream->target));
	if (stream->single)
	{
		ScanKeyInit(&keys[1], TOMBSTONE_ROW_VERSION, BTEqualStrategyNumber,
					F_INT8EQ, Int64GetDatum(stream->first));
		ScanKeyInit(&keys[2], TOMBSTONE_ID, BTGreaterStrategyNumber,
					F_INT8GT, Int64GetDatum(stream->after_id));
	}
	else
	{
		ScanKeyInit(&keys[1], TOMBSTONE_ROW_VERSION,
					BTGreaterEqualStrategyNumber, F_INT8GE,
					Int64GetDatum(stream->first));
		ScanKeyInit(&keys[2], TOMBSTONE_ROW_VERSION,
					BTLessEqualStrategyNumber, F_INT8LE,
					Int64GetDatum(stream->last));
	}
	stream->scan = systable_beginscan_ordered(stream->tombstone,
											  stream->index,
											  stream->snapshot, 3, keys);
	MemoryContextSwitchTo(caller);
	return true;
}

/* End a scan, which has covered all or the first version of the range. */
static void
close_scan(ImageStream *stream)
{
	if (stream->scan == NULL)
		return;
	systable_endscan_ordered(stream->scan);
	stream->scan = NULL;
	if (stream->single && stream->first < stream->last)
		stream->first++;
	else
		stream->done = true;
	stream->after_id = 0;
}

/* What image_read needs to know of an image. */
static void
read_entry(ImageStream *stream, HeapTuple tuple, ImageEntry *entry)
{
	sp_image_list_read(tuple, RelationGetDescr(stream->tombstone), entry);
	entry->shown = true;
}

/* Find out which of the entries are deletes for the caller. */
static void
query_images(ImageStream *stream, const ImageEntry *entries, int nentries)
{
	SPIExecuteOptions options = {0};
	SPIPlanPtr	query;
	ImageTicket ticket;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	query = find_query(stream->plan, stream->rel);
	sp_image_open(&ticket, stream->plan->feed_images);
	ticket.only = entries;
	ticket.nonly = nentries;
	options.read_only = true;
	options.params = makeParamList(1);
	options.params->params[0].value = Int64GetDatum(ticket.number);
	options.params->params[0].isnull = false;
	options.params->params[0].pflags = PARAM_FLAG_CONST;
	options.params->params[0].ptype = INT8OID;
	PG_TRY();
	{
		if (SPI_execute_plan_extended(query, &options) != SPI_OK_SELECT)
			elog(ERROR, "could not read images of deleted rows");
	}
	PG_FINALLY();
	{
		sp_image_close(&ticket);
	}
	PG_END_TRY();
	if (ticket.stale)
		elog(ERROR, "an image of a deleted row vanished");
	keep_images(stream);
	SPI_finish();
	drop_older(stream);
}

/* The query: key, id and version of the images that are deletes. */
static SPIPlanPtr
find_query(PagePlan *plan, Relation rel)
{
	Oid			types[] = {INT8OID};
	StringInfoData sql;
	int			i;

	if (plan->feed_query)
		return plan->feed_query;
	if (plan->feed_images == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(plan->context);

		plan->feed_images = sp_image_source(rel, 1);
		MemoryContextSwitchTo(caller);
	}
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT t.syncport_row_version,"
						   " t.syncport_id");
	for (i = 1; i < plan->order->ncolumns; i++)
	{
		AttrNumber	attnum = plan->order->columns[i].attnum;

		appendStringInfo(&sql, ", %s",
						 sp_quote_column(TupleDescAttr(plan->rowdesc,
													   attnum - 1)));
	}
	appendStringInfo(&sql, " FROM %s WHERE %s", plan->feed_images->from,
					 plan->feed_images->not_there);
	plan->feed_query = sp_image_prepare(plan->feed_images, sql.data, 1, types,
										CURSOR_OPT_GENERIC_PLAN);
	SPI_keepplan(plan->feed_query);
	return plan->feed_query;
}

/* Copy the result of the query into the batch, and sort it. */
static void
keep_images(ImageStream *stream)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	MemoryContext caller = MemoryContextSwitchTo(stream->context);
	uint64		i;

	stream->images = palloc(Max(SPI_processed, 1) * sizeof(FeedImage));
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		FeedImage  *image = &stream->images[stream->nimages++];
		bool		isnull;
		int			k;

		image->row_version = DatumGetInt64(heap_getattr(tuple, 1, desc,
														&isnull));
		image->id = DatumGetInt64(heap_getattr(tuple, 2, desc, &isnull));
		image->key = palloc(stream->nkey * sizeof(Datum));
		for (k = 0; k < stream->nkey; k++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, k + 2);

			image->key[k] = datumCopy(heap_getattr(tuple, k + 3, desc,
												   &isnull),
									  att->attbyval, att->attlen);
		}
	}
	MemoryContextSwitchTo(caller);
	qsort(stream->images, stream->nimages, sizeof(FeedImage),
		  compare_images);
}

/* qsort: by version, then by id. */
static int
compare_images(const void *a, const void *b)
{
	const FeedImage *left = a;
	const FeedImage *right = b;

	if (left->row_version != right->row_version)
		return left->row_version < right->row_version ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

/*
 * Keep one image of each key in the batch.  A key that was deleted twice may
 * still come twice, from two batches or two rounds: the client deletes what
 * it does not have any more.
 */
static void
drop_older(ImageStream *stream)
{
	int			kept = 0;
	int			i;
	int			k;

	for (i = 0; i < stream->nimages; i++)
	{
		for (k = i + 1; k < stream->nimages; k++)
			if (keys_equal(stream, &stream->images[i], &stream->images[k]))
				break;
		if (k == stream->nimages)
			stream->images[kept++] = stream->images[i];
	}
	stream->nimages = kept;
}

/* Whether two images are of one key, byte by byte. */
static bool
keys_equal(const ImageStream *stream, const FeedImage *a, const FeedImage *b)
{
	int			i;

	for (i = 0; i < stream->nkey; i++)
	{
		AttrNumber	attnum = stream->plan->order->columns[i + 1].attnum;
		Form_pg_attribute att = TupleDescAttr(stream->plan->rowdesc,
											  attnum - 1);

		if (!datumIsEqual(a->key[i], b->key[i], att->attbyval, att->attlen))
			return false;
	}
	return true;
}
