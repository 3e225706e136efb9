/*-------------------------------------------------------------------------
 *
 * reset.c
 *	  Why a client has to start anew.
 *
 * A position says which transactions the client knows of.  What happened
 * beside the rows left an event with the transaction that did it: if the
 * client does not know that one, he has missed the event.  In the middle of
 * an initial load, which has no base yet, the target stands for it.
 *
 * A restored dump brings events and a purge horizon of another server, above
 * all ids of this one.  They say nothing about positions taken here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "feed/reset.h"
#include "feed/version_index.h"
#include "support/principal.h"
#include "table/reset_event.h"

/* what a reset means to whoever reads the answer */
typedef struct ResetText
{
	const char *reason;
	const char *hint;
} ResetText;

static const ResetText reset_texts[] = {
	[FEED_DISABLED] = {"disabled", "The table is not enabled, or was not for a while: call syncport.enable where it is wanted, and start again without a cursor."},
	[FEED_RESTORED] = {"restored", "The database was restored, cloned or rolled back: start again without a cursor.  Its owner calls syncport.restamp once after a restore."},
	[FEED_FAILOVER] = {"failover", "The server that gave the cursor was replaced by one that had not received all of it: start again without a cursor."},
	[FEED_SCHEMA] = {"schema", "The table's definition has changed: start again without a cursor."},
	[FEED_TRUNCATED] = {"truncated", "The table or a partition was truncated, detached or dropped: start again without a cursor."},
	[FEED_FILTER] = {"filter", "Filter, columns or include_deleted are not those the cursor was made with: start again without a cursor."},
	[FEED_ACCESS] = {"access", "What the caller may read has changed: start again without a cursor."},
	[FEED_PURGED] = {"purged", "Tombstones that the client has not seen were purged: start again without a cursor, and pull more often than the retention."}
};

static FeedReset check_leaves(const FeedScope *scope, const FeedMark *mark,
							  const FeedMark *given,
							  const FeedSnapshot *base);
static bool has_event(const FeedScope *scope, const FeedSnapshot *base,
					  const char *reason);
static bool concerns(const FeedScope *scope, const ResetEvent *event);
static bool has_leaf(const FeedMark *mark, Oid leaf);
static bool has_seen_row(const FeedScope *scope, Oid leaf,
						 const FeedSnapshot *base);
static int64 next_version(void);

const char *
sp_reset_reason(FeedReset reset)
{
	Assert(FEED_MUST_RESET(reset));
	return reset_texts[reset].reason;
}

const char *
sp_reset_hint(FeedReset reset)
{
	Assert(FEED_MUST_RESET(reset));
	return reset_texts[reset].hint;
}

FeedReset
sp_reset_check(const FeedScope *scope, const FeedPosition *position)
{
	const FeedMark *given = &position->mark;
	FeedMark	mark = sp_scope_mark(scope, given->natts);
	const FeedSnapshot *base = position->base ? position->base :
	position->target;
	FeedReset	reset;

	if (has_event(scope, base, "disabled"))
		return FEED_DISABLED;
	/* with other columns the definitions cannot be compared */
	if (mark.filter != given->filter)
		return FEED_FILTER;
	if (mark.schema != given->schema || has_event(scope, base, "schema"))
		return FEED_SCHEMA;
	/* rows of a new leaf that the round at work has passed are missed, too */
	reset = check_leaves(scope, &mark, given,
						 position->target ? position->target : base);
	if (reset != FEED_CONTINUE)
		return reset;
	if (has_event(scope, base, "truncated"))
		return FEED_TRUNCATED;
	if (mark.access != given->access || has_event(scope, base, "access"))
		return FEED_ACCESS;
	if (position->base != NULL && sp_reset_is_purged(scope, position->base))
		return FEED_PURGED;
	return FEED_CONTINUE;
}

/* Compare the partitions that there are with those that were given. */
static FeedReset
check_leaves(const FeedScope *scope, const FeedMark *mark,
			 const FeedMark *given, const FeedSnapshot *base)
{
	int			i;

	if (mark->nleaves == given->nleaves &&
		memcmp(mark->leaves, given->leaves, mark->nleaves * sizeof(Oid)) == 0)
		return FEED_CONTINUE;
	for (i = 0; i < mark->nleaves; i++)
		if (!has_leaf(given, mark->leaves[i]) &&
			has_seen_row(scope, mark->leaves[i], base))
			return FEED_SCHEMA;
	for (i = 0; i < given->nleaves; i++)
		if (!has_leaf(mark, given->leaves[i]))
			return FEED_TRUNCATED;
	return FEED_CONTINUE;
}

/* Whether an event of that reason happened that base does not see. */
static bool
has_event(const FeedScope *scope, const FeedSnapshot *base,
		  const char *reason)
{
	ListCell   *lc;

	foreach(lc, scope->events)
	{
		ResetEvent *event = lfirst(lc);

		if (strcmp(event->reason, reason) == 0 &&
			!sp_snapshot_sees(base, event->row_version) &&
			event->row_version < next_version() &&
			concerns(scope, event))
			return true;
	}
	return false;
}

/* Whether an event is about what this caller reads. */
static bool
concerns(const FeedScope *scope, const ResetEvent *event)
{
	if (event->principal != NULL)
	{
		char	   *principal = sp_principal_current();

		if (principal == NULL || strcmp(principal, event->principal) != 0)
			return false;
	}
	return event->leaf == scope->table->relid ||
		RelationGetRelid(scope->rel) == scope->table->relid ||
		event->leaf == RelationGetRelid(scope->rel) ||
		list_member_oid(scope->leaves, event->leaf);
}

/* Whether a leaf is among those of a mark. */
static bool
has_leaf(const FeedMark *mark, Oid leaf)
{
	int			i;

	for (i = 0; i < mark->nleaves; i++)
		if (mark->leaves[i] == leaf)
			return true;
	return false;
}

/*
 * Whether a leaf has a row that the client should have, or one that no round
 * will reach, of another server, whoever may see it: the partition came with
 * rows.
 */
static bool
has_seen_row(const FeedScope *scope, Oid leaf, const FeedSnapshot *base)
{
	Relation	rel = table_open(leaf, AccessShareLock);
	AttrNumber	attnum = get_attnum(leaf,
									NameStr(scope->table->row_version));
	Oid			index_oid = sp_version_index_find(rel, attnum);
	Relation	index = OidIsValid(index_oid) ?
	index_open(index_oid, AccessShareLock) : NULL;
	Snapshot	snapshot = GetActiveSnapshot();
	int64		next = next_version();
	SysScanDesc scan = index ?
	systable_beginscan_ordered(rel, index, snapshot, 0, NULL) :
	systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	bool		found = false;

	while (!found)
	{
		HeapTuple	tuple = index ?
		systable_getnext_ordered(scan, ForwardScanDirection) :
		systable_getnext(scan);
		bool		isnull;
		Datum		version;

		CHECK_FOR_INTERRUPTS();
		if (!HeapTupleIsValid(tuple))
			break;
		version = heap_getattr(tuple, attnum, RelationGetDescr(rel),
							   &isnull);
		found = isnull || DatumGetInt64(version) >= next ||
			sp_snapshot_sees(base, DatumGetInt64(version));
		if (index && !found && DatumGetInt64(version) >= base->xmax)
			break;
	}
	if (index)
	{
		systable_endscan_ordered(scan);
		index_close(index, AccessShareLock);
		found = found ||
			!sp_version_index_is_empty(leaf,
									   NameStr(scope->table->row_version),
									   next, PG_INT64_MAX);
	}
	else
		systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

bool
sp_reset_is_purged(const FeedScope *scope, const FeedSnapshot *base)
{
	return scope->horizon >= (int64) sp_snapshot_xmin(base) &&
		scope->horizon < next_version();
}

/* No row was written with this version here, or a later one. */
static int64
next_version(void)
{
	return (int64) U64FromFullTransactionId(ReadNextFullTransactionId());
}
