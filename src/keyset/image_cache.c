/*-------------------------------------------------------------------------
 *
 * image_cache.c
 *	  The images of a table in the order of a page, kept for the session.
 *
 * No index can give images in the order of a page, and reading all of them
 * for every page would cost more than the page.  So the session keeps where
 * they stand: the values of the order's columns and the place in
 * syncport.tombstone.  The caller's query still reads those that may be on
 * the page and decides about each, policies and all; the cache only says
 * which to look at.
 *
 * It holds what some snapshot saw, and serves those that see at least as
 * much.  Images only come, each with the id of its transaction as
 * row_version, and what the older snapshot did not see has one of its xmin
 * or above: a short range of the index.  Where an image has gone (erased or
 * purged) reading it finds nothing, and all is built anew.  A transaction
 * that writes could see its own images and roll them back; it does without
 * the cache, and so does a standby, whose snapshots are of another make.
 *
 * A relcache message for the table or for syncport.tombstone ends a cache:
 * column types, the mode, or the places may have changed.  While a walk is
 * under way a cache is neither changed nor freed; whoever comes inside it
 * (a policy may fetch a page) does without.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/sortsupport.h"

#include "keyset/image_cache.h"
#include "support/compat.h"
#include "syncport.h"

#define TOMBSTONE	"tombstone"

/* so many are kept; the one least recently used goes first */
#define CACHES_MAX	4

/* a table with more images, or larger orders, goes without */
#define IMAGES_MAX	500000
#define BYTES_MAX	((Size) 16 * 1024 * 1024)

/* more new images than this are sorted in together */
#define INSERT_MAX	16

/* the values that an image is sorted by, behind the entry's number */
typedef struct SortedImage
{
	int			entry;			/* of the list */
	Datum	   *values;			/* by column of the order */
	bool	   *isnull;
} SortedImage;

struct ImageCache
{
	MemoryContext context;		/* holds all of this */
	MemoryContext data;			/* in it: the images */
	bool		too_large;		/* given up, there is no data */
	Oid			relid;
	Oid			tombstone;		/* OID of syncport.tombstone */
	uint64		binding;		/* of the order */
	bool		valid;
	int			walks;			/* under way */
	uint64		last_use;
	TransactionId xmin;			/* of the snapshot */
	TransactionId xmax;
	TransactionId *xip;			/* what it saw in progress, sorted */
	uint32		nxip;
	int64		version;		/* xmin with its epoch */
	ImageList  *list;
	SortedImage **sorted;		/* those shown, in the order */
	int			nsorted;
	int			room;			/* for so many of them */
	int			ncolumns;		/* of the order */
	SortSupport order;
};

static ImageCache *caches[CACHES_MAX];
static int	ncaches = 0;
static uint64 use_counter = 0;
static bool callback_registered = false;

static bool is_usable(Snapshot snapshot);
static void invalidate_caches(Datum arg, Oid relid);
static ImageCache *find_cache(const PagePlan *plan);
static void make_room(void);
static void free_cache(int i);
static ImageCache *build_cache(const PagePlan *plan);
static SortSupport prepare_order(const OrderSpec *order);
static bool sees_as_much(const ImageCache *cache, Snapshot snapshot);
static bool is_same(const ImageCache *cache, Snapshot snapshot);
static void extend_cache(ImageCache *cache, const PagePlan *plan,
						 Snapshot snapshot);
static void note_snapshot(ImageCache *cache, Snapshot snapshot);
static void add_images(ImageCache *cache, const PagePlan *plan, int first);
static SortedImage *copy_image(const PagePlan *plan, int entry,
							   const Datum *values, const bool *isnull);
static void insert_image(ImageCache *cache, SortedImage *image);
static int	compare_images(const void *a, const void *b, void *arg);
static int	compare_values(const ImageCache *cache, const SortedImage *image,
						   const CursorPosition *position);
static int	find_position(const ImageCache *cache,
						  const CursorPosition *position, bool behind);
static int	compare_xids(const void *a, const void *b);

bool
sp_image_walk_begin(ImageWalk *walk, const PagePlan *plan,
					const CursorPosition *position)
{
	Snapshot	snapshot = GetActiveSnapshot();
	ImageCache *cache;

	if (!is_usable(snapshot))
		return false;
	if (!callback_registered)
	{
		CacheRegisterRelcacheCallback(invalidate_caches, (Datum) 0);
		callback_registered = true;
	}
	cache = find_cache(plan);
	if (cache != NULL && (cache->walks > 0 || cache->too_large ||
						  !sees_as_much(cache, snapshot)))
		return false;
	if (cache == NULL)
	{
		make_room();
		if (ncaches == CACHES_MAX)
			return false;
		cache = build_cache(plan);
		caches[ncaches++] = cache;
	}
	cache->last_use = ++use_counter;
	if (!is_same(cache, snapshot))
		extend_cache(cache, plan, snapshot);
	if (cache->list->nentries > IMAGES_MAX ||
		MemoryContextMemAllocated(cache->data, true) > BYTES_MAX)
	{
		MemoryContextDelete(cache->data);
		cache->too_large = true;
		return false;
	}
	cache->walks++;
	walk->cache = cache;
	walk->backward = plan->backward;
	if (position != NULL)
		walk->next = find_position(cache, position, plan->backward);
	else
		walk->next = plan->backward ? cache->nsorted : 0;
	if (plan->backward)
		walk->next--;
	return true;
}

int
sp_image_walk_next(ImageWalk *walk, ImageEntry *entries, int max)
{
	ImageCache *cache = walk->cache;
	int			n = 0;

	while (n < max && walk->next >= 0 && walk->next < cache->nsorted)
	{
		ImageEntry *entry =
		&cache->list->entries[cache->sorted[walk->next]->entry];

		walk->next += walk->backward ? -1 : 1;
		if (entry->shown)
			entries[n++] = *entry;
	}
	return n;
}

void
sp_image_walk_end(ImageWalk *walk, bool stale)
{
	walk->cache->walks--;
	if (stale)
		walk->cache->valid = false;
}

/* Whether a snapshot tells what it sees, for this and the next calls. */
static bool
is_usable(Snapshot snapshot)
{
	return snapshot->snapshot_type == SNAPSHOT_MVCC &&
		!snapshot->takenDuringRecovery &&
		!TransactionIdIsValid(GetTopTransactionIdIfAny());
}

/* Relcache callback: a table has changed, or (InvalidOid) all may have. */
static void
invalidate_caches(Datum arg, Oid relid)
{
	int			i;

	for (i = 0; i < ncaches; i++)
		if (relid == InvalidOid || caches[i]->relid == relid ||
			caches[i]->tombstone == relid)
			caches[i]->valid = false;
}

/* The valid cache for a plan's table and order, or NULL. */
static ImageCache *
find_cache(const PagePlan *plan)
{
	int			i;

	for (i = 0; i < ncaches; i++)
		if (caches[i]->valid && caches[i]->relid == plan->relid &&
			caches[i]->binding == plan->order->binding)
			return caches[i];
	return NULL;
}

/* Free what is not valid or, if there is no room, used least recently. */
static void
make_room(void)
{
	int			oldest = -1;
	int			i;

	for (i = ncaches - 1; i >= 0; i--)
		if (!caches[i]->valid && caches[i]->walks == 0)
			free_cache(i);
	if (ncaches < CACHES_MAX)
		return;
	for (i = 0; i < ncaches; i++)
		if (caches[i]->walks == 0 &&
			(oldest < 0 || caches[i]->last_use < caches[oldest]->last_use))
			oldest = i;
	if (oldest >= 0)
		free_cache(oldest);
}

/* Free caches[i]. */
static void
free_cache(int i)
{
	MemoryContextDelete(caches[i]->context);
	caches[i] = caches[--ncaches];
}

/* A cache without images, older than any snapshot. */
static ImageCache *
build_cache(const PagePlan *plan)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "syncport image cache",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ImageCache *cache = palloc0(sizeof(ImageCache));

	cache->context = context;
	cache->relid = plan->relid;
	cache->tombstone = get_relname_relid(TOMBSTONE,
										 get_namespace_oid(SP_SCHEMA, false));
	cache->binding = plan->order->binding;
	cache->valid = true;
	cache->version = PG_INT64_MIN;
	cache->data = AllocSetContextCreate(context, "syncport cached images",
										ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(cache->data);
	cache->list = sp_image_list();
	cache->ncolumns = plan->order->ncolumns;
	cache->order = prepare_order(plan->order);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, CacheMemoryContext);
	return cache;
}

/* How the images are sorted: as the user sees the order. */
static SortSupport
prepare_order(const OrderSpec *order)
{
	SortSupport keys = palloc0(order->ncolumns * sizeof(SortSupportData));
	int			i;

	for (i = 0; i < order->ncolumns; i++)
	{
		const OrderColumn *column = &order->columns[i];

		keys[i].ssup_cxt = CurrentMemoryContext;
		keys[i].ssup_collation = column->collation;
		keys[i].ssup_nulls_first = column->nulls_first;
		keys[i].ssup_attno = i + 1;
		PrepareSortSupportFromOrderingOp(column->descending ?
										 column->gt_op : column->lt_op,
										 &keys[i]);
	}
	return keys;
}

/* Whether a snapshot sees all that the cache's saw. */
static bool
sees_as_much(const ImageCache *cache, Snapshot snapshot)
{
	uint32		i;

	if (!TransactionIdIsValid(cache->xmax))
		return true;
	if (TransactionIdPrecedes(snapshot->xmax, cache->xmax))
		return false;
	for (i = 0; i < snapshot->xcnt; i++)
		if (TransactionIdPrecedes(snapshot->xip[i], cache->xmax) &&
			(cache->nxip == 0 ||
			 bsearch(&snapshot->xip[i], cache->xip, cache->nxip,
					 sizeof(TransactionId), compare_xids) == NULL))
			return false;
	return true;
}

/* Whether a snapshot that sees as much sees no more. */
static bool
is_same(const ImageCache *cache, Snapshot snapshot)
{
	return TransactionIdEquals(cache->xmax, snapshot->xmax) &&
		cache->nxip == snapshot->xcnt;
}

/* Add what a snapshot sees beyond the cache's. */
static void
extend_cache(ImageCache *cache, const PagePlan *plan, Snapshot snapshot)
{
	int			known = cache->list->nentries;

	/* an error leaves it half done */
	cache->valid = false;
	sp_image_list_extend(cache->list, plan->images->target, cache->version);
	if (cache->list->nentries > known &&
		cache->list->nentries <= IMAGES_MAX)
		add_images(cache, plan, known);
	note_snapshot(cache, snapshot);
	cache->valid = true;
}

/* Remember what a snapshot sees. */
static void
note_snapshot(ImageCache *cache, Snapshot snapshot)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32		epoch = EpochFromFullTransactionId(next);

	if (cache->xip != NULL)
		pfree(cache->xip);
	cache->xip = NULL;
	cache->xmin = snapshot->xmin;
	cache->xmax = snapshot->xmax;
	cache->nxip = snapshot->xcnt;
	if (cache->nxip > 0)
	{
		cache->xip = MemoryContextAlloc(cache->data, cache->nxip *
										sizeof(TransactionId));
		memcpy(cache->xip, snapshot->xip,
			   cache->nxip * sizeof(TransactionId));
		qsort(cache->xip, cache->nxip, sizeof(TransactionId), compare_xids);
	}
	if (cache->xmin > XidFromFullTransactionId(next))
		epoch--;
	cache->version = (int64) (((uint64) epoch << 32) | cache->xmin);
}

/* Sort in the images from the list's entry first on. */
static void
add_images(ImageCache *cache, const PagePlan *plan, int first)
{
	ImageList  *list = cache->list;
	int			nnew = list->nentries - first;
	ImageSource source = {0};
	ImageReader *reader;
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext,
												"syncport images",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = CurrentMemoryContext;
	Datum	   *values = palloc(plan->rowdesc->natts * sizeof(Datum));
	bool	   *isnull = palloc(plan->rowdesc->natts * sizeof(bool));
	int			i;

	/* whatever policies need is not the cache's business */
	source.relid = plan->relid;
	source.target = plan->images->target;
	for (i = 0; i < plan->order->ncolumns; i++)
		source.used = bms_add_member(source.used,
									 plan->order->columns[i].attnum);
	reader = sp_image_reader(&source, source.used);
	if (cache->nsorted + nnew > cache->room)
	{
		cache->room = Max(cache->room * 2, cache->nsorted + nnew);
		cache->sorted = cache->sorted == NULL ?
			MemoryContextAlloc(cache->data,
							   cache->room * sizeof(SortedImage *)) :
			repalloc(cache->sorted, cache->room * sizeof(SortedImage *));
	}
	for (i = first; i < list->nentries; i++)
	{
		SortedImage *image;

		CHECK_FOR_INTERRUPTS();
		if (!list->entries[i].shown)
			continue;
		MemoryContextSwitchTo(batch);
		if (sp_image_fetch(reader, &list->entries[i].tid,
						   list->entries[i].id, values, isnull))
		{
			MemoryContextSwitchTo(cache->data);
			image = copy_image(plan, i, values, isnull);
			if (nnew <= INSERT_MAX)
				insert_image(cache, image);
			else
				cache->sorted[cache->nsorted++] = image;
		}
		MemoryContextSwitchTo(caller);
		MemoryContextReset(batch);
	}
	if (nnew > INSERT_MAX)
		qsort_arg(cache->sorted, cache->nsorted, sizeof(SortedImage *),
				  compare_images, cache);
	sp_image_reader_end(reader);
	MemoryContextDelete(batch);
}

/* The values that an image is sorted by, copied into the current context. */
static SortedImage *
copy_image(const PagePlan *plan, int entry, const Datum *values,
		   const bool *isnull)
{
	int			n = plan->order->ncolumns;
	SortedImage *image = palloc(sizeof(SortedImage) +
								n * (sizeof(Datum) + sizeof(bool)));
	int			i;

	image->entry = entry;
	image->values = (Datum *) (image + 1);
	image->isnull = (bool *) (image->values + n);
	for (i = 0; i < n; i++)
	{
		int			column = plan->order->columns[i].attnum - 1;
		Form_pg_attribute att = TupleDescAttr(plan->rowdesc, column);

		image->isnull[i] = isnull[column];
		if (!isnull[column])
			image->values[i] = datumCopy(values[column], att->attbyval,
										 att->attlen);
	}
	return image;
}

/* Put an image where it belongs; there is room. */
static void
insert_image(ImageCache *cache, SortedImage *image)
{
	CursorPosition position = {
		.nvalues = cache->ncolumns,
		.values = image->values,
		.isnull = image->isnull
	};
	int			place = find_position(cache, &position, false);

	memmove(&cache->sorted[place + 1], &cache->sorted[place],
			(cache->nsorted - place) * sizeof(SortedImage *));
	cache->sorted[place] = image;
	cache->nsorted++;
}

/* Comparison of two images. */
static int
compare_images(const void *a, const void *b, void *arg)
{
	const ImageCache *cache = arg;
	const SortedImage *other = *(SortedImage *const *) b;
	CursorPosition position = {
		.nvalues = cache->ncolumns,
		.values = other->values,
		.isnull = other->isnull
	};

	return compare_values(cache, *(SortedImage *const *) a, &position);
}

/* Comparison of an image with a position, as far as that goes. */
static int
compare_values(const ImageCache *cache, const SortedImage *image,
			   const CursorPosition *position)
{
	int			i;

	for (i = 0; i < position->nvalues; i++)
	{
		int			result = ApplySortComparator(image->values[i],
												 image->isnull[i],
												 position->values[i],
												 position->isnull[i],
												 &cache->order[i]);

		if (result != 0)
			return result;
	}
	return 0;
}

/* The first image at or behind a position, or the first one behind it. */
static int
find_position(const ImageCache *cache, const CursorPosition *position,
			  bool behind)
{
	int			low = 0;
	int			high = cache->nsorted;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			result = compare_values(cache, cache->sorted[middle],
											position);

		if (result < 0 || (behind && result == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Comparison for qsort and bsearch. */
static int
compare_xids(const void *a, const void *b)
{
	TransactionId x = *(const TransactionId *) a;
	TransactionId y = *(const TransactionId *) b;

	return x < y ? -1 : x > y;
}
