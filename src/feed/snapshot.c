/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *	  Snapshots as sets of transaction ids, to be kept beyond a statement.
 *
 * The server's snapshot has 32-bit ids, which are widened by the id that
 * comes next: none of them is more than half the space away from it.
 *
 * On a primary xip lists the top-level transactions in progress, prepared
 * ones among them.  In recovery xip is empty and subxip lists what was in
 * progress on the primary, subtransactions, too.  Where that list is too
 * long for the server it leaves subtransactions out, never others; row
 * versions are ids of top-level transactions, so that nothing is lost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"

#include "feed/position.h"
#include "feed/snapshot.h"

static uint64 widen_id(TransactionId xid, FullTransactionId next);
static int	compare_ids(const void *a, const void *b);
static void tidy_ids(FeedSnapshot *set);
static int	find_id(const FeedSnapshot *set, uint64 id);
static FeedSnapshot *lower_and_unite(const FeedSnapshot *target, uint64 xmax,
									 const FeedSnapshot *base);

FeedSnapshot *
sp_snapshot_take(Snapshot snapshot)
{
	FeedSnapshot *set = palloc(sizeof(FeedSnapshot));
	FullTransactionId next = ReadNextFullTransactionId();
	FullTransactionId own = GetTopFullTransactionIdIfAny();
	bool		recovery = snapshot->takenDuringRecovery;
	TransactionId *xip = recovery ? snapshot->subxip : snapshot->xip;
	int			n = recovery ? snapshot->subxcnt : snapshot->xcnt;
	int			i;

	set->xmax = widen_id(snapshot->xmax, next);
	set->xip = palloc((n + 1) * sizeof(uint64));
	for (i = 0; i < n; i++)
		set->xip[i] = widen_id(xip[i], next);
	if (FullTransactionIdIsValid(own))
		set->xip[n++] = U64FromFullTransactionId(own);
	set->nxip = n;
	tidy_ids(set);
	return set;
}

/* An id with its epoch. */
static uint64
widen_id(TransactionId xid, FullTransactionId next)
{
	uint32		epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return U64FromFullTransactionId(FullTransactionIdFromEpochAndXid(epoch,
																	 xid));
}

/* qsort: ascending */
static int
compare_ids(const void *a, const void *b)
{
	uint64		left = *(const uint64 *) a;
	uint64		right = *(const uint64 *) b;

	return left < right ? -1 : left > right;
}

/*
 * Sort the ids, each once, and leave out those from xmax on.  Those just
 * below xmax lower it instead: so the xmax of a set that contains another is
 * never the lower one, and equal sets look the same.
 */
static void
tidy_ids(FeedSnapshot *set)
{
	int			kept = 0;
	int			i;

	qsort(set->xip, set->nxip, sizeof(uint64), compare_ids);
	for (i = 0; i < set->nxip && set->xip[i] < set->xmax; i++)
		if (kept == 0 || set->xip[kept - 1] != set->xip[i])
			set->xip[kept++] = set->xip[i];
	while (kept > 0 && set->xip[kept - 1] == set->xmax - 1)
	{
		set->xmax--;
		kept--;
	}
	set->nxip = kept;
}

bool
sp_snapshot_sees(const FeedSnapshot *set, int64 version)
{
	uint64		id = version < 0 ? 0 : (uint64) version;
	int			i;

	if (set == NULL || id >= set->xmax)
		return false;
	i = find_id(set, id);
	return i == set->nxip || set->xip[i] != id;
}

/* The place of the first id of xip that is not less than id. */
static int
find_id(const FeedSnapshot *set, uint64 id)
{
	int			low = 0;
	int			high = set->nxip;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (set->xip[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * What whole does not see, below the xmax of part, must all be in the list
 * of part: its own list, and every id behind its xmax.
 */
bool
sp_snapshot_contains(const FeedSnapshot *whole, const FeedSnapshot *part)
{
	int			i;

	if (part == NULL)
		return true;
	for (i = 0; i < whole->nxip && whole->xip[i] < part->xmax; i++)
		if (sp_snapshot_sees(part, whole->xip[i]))
			return false;
	return part->xmax <= whole->xmax ||
		part->nxip - find_id(part, whole->xmax) == part->xmax - whole->xmax;
}

bool
sp_snapshot_equals(const FeedSnapshot *a, const FeedSnapshot *b)
{
	return a->xmax == b->xmax && a->nxip == b->nxip &&
		memcmp(a->xip, b->xip, a->nxip * sizeof(uint64)) == 0;
}

uint64
sp_snapshot_xmin(const FeedSnapshot *set)
{
	return set->nxip > 0 ? set->xip[0] : set->xmax;
}

/*
 * What base lists costs a bit in the target; what is new costs its bytes.
 */
FeedSnapshot *
sp_snapshot_fit(FeedSnapshot *target, const FeedSnapshot *base)
{
	int			room = POSITION_LIST_BYTES;
	uint64		last = 0;
	int			i;

	for (i = 0; i < target->nxip; i++)
	{
		room -= sp_position_number_bytes(target->xip[i] - last);
		if (room < 0)
			return lower_and_unite(target, target->xip[i], base);
		last = target->xip[i];
	}
	return target;
}

/* "target below xmax" united with base. */
static FeedSnapshot *
lower_and_unite(const FeedSnapshot *target, uint64 xmax,
				const FeedSnapshot *base)
{
	FeedSnapshot *set = palloc(sizeof(FeedSnapshot));
	int			nbase = base ? base->nxip : 0;
	int			i;

	set->xmax = base ? Max(base->xmax, xmax) : xmax;
	set->xip = palloc((target->nxip + nbase) * sizeof(uint64));
	set->nxip = 0;
	for (i = 0; i < target->nxip && target->xip[i] < set->xmax; i++)
		if (!sp_snapshot_sees(base, target->xip[i]))
			set->xip[set->nxip++] = target->xip[i];
	for (i = 0; i < nbase; i++)
		if (base->xip[i] >= xmax)
			set->xip[set->nxip++] = base->xip[i];
	tidy_ids(set);
	return set;
}
