/*-------------------------------------------------------------------------
 *
 * origin.c
 *	  Where positions come from: database, cluster, timeline.
 *
 * Row versions are transaction ids, and a position trusts that none is ever
 * given out again for something else.  Three things break that.  Another
 * database with the same rows, from a dump or a template, has another
 * incarnation.  A server that goes on from an older state of the same
 * database, whether it was promoted, recovered to a point in time, or is the
 * clone of another, forks the WAL: the history of timelines tells whether a
 * position in WAL lies ahead of every fork.  Storage that was rolled back
 * leaves no trace but positions ahead of the end of WAL; syncport.restamp
 * gives the database a new incarnation.
 *
 * pg_upgrade keeps database and ids, but gives the cluster another
 * identifier and its first timeline; WAL goes on behind the old one's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/timeline.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogrecovery.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "feed/origin.h"
#include "table/registry.h"

/* columns of syncport.incarnation */
#define INCARNATION_ID	1

/* what the server writes of a fork that no recovery target asked for */
#define PROMOTED	"no recovery target specified"

/* longest line of a history file that matters */
#define LINE_MAX_BYTES	1024

/* Where this server is. */
typedef struct WalEnd
{
	bool		in_recovery;
	TimeLineID	timeline;
	XLogRecPtr	lsn;			/* end of what was inserted, or replayed */
} WalEnd;

/* The past of a timeline. */
typedef struct Past
{
	TimeLineID	timeline;		/* 0: none was read */
	List	   *entries;		/* of TimeLineHistoryEntry, newest first */
} Past;

/* read once */
static Past past;

static FeedReset check_other_incarnation(const FeedOrigin *origin,
										 const WalEnd *here);
static FeedReset check_other_system(const FeedOrigin *origin,
									const WalEnd *here);
static FeedReset check_timeline(const FeedOrigin *origin, const WalEnd *here);
static FeedReset check_end(const FeedOrigin *origin, const WalEnd *here);
static WalEnd find_wal_end(void);
static XLogRecPtr end_of_record(XLogRecPtr next);
static uint64 read_incarnation(Snapshot snapshot);
static List *read_history(TimeLineID timeline);
static const TimeLineHistoryEntry *find_timeline(const List *entries,
												 TimeLineID timeline);
static FeedReset reason_of_fork(TimeLineID timeline, TimeLineID left);
static bool was_promoted(FILE *file, TimeLineID left);

FeedReset
sp_origin_check(const FeedOrigin *origin)
{
	WalEnd		here = find_wal_end();

	if (origin->incarnation != read_incarnation(GetActiveSnapshot()))
		return check_other_incarnation(origin, &here);
	if (origin->system != GetSystemIdentifier())
		return check_other_system(origin, &here);
	return check_timeline(origin, &here);
}

FeedOrigin
sp_origin_now(void)
{
	WalEnd		here = find_wal_end();
	const TimeLineHistoryEntry *entry =
	find_timeline(read_history(here.timeline), here.timeline);
	FeedOrigin	origin;

	origin.incarnation = read_incarnation(GetActiveSnapshot());
	origin.system = GetSystemIdentifier();
	origin.timeline = here.timeline;
	origin.timeline_start = entry->begin;
	origin.lsn = here.lsn;
	if (!here.in_recovery)
		XLogFlush(here.lsn);
	return origin;
}

/*
 * A client that has seen a new incarnation ahead of this snapshot or server
 * may have been right.
 */
static FeedReset
check_other_incarnation(const FeedOrigin *origin, const WalEnd *here)
{
	Snapshot	latest;
	uint64		incarnation;

	if (here->in_recovery && origin->system == GetSystemIdentifier() &&
		(origin->timeline > here->timeline ||
		 (origin->timeline == here->timeline && origin->lsn > here->lsn)))
		return FEED_BEHIND;
	latest = RegisterSnapshot(GetLatestSnapshot());
	incarnation = read_incarnation(latest);
	UnregisterSnapshot(latest);
	return incarnation == origin->incarnation ? FEED_BEHIND : FEED_RESTORED;
}

/*
 * The same database in another cluster: from before an upgrade, if that one
 * is older.  Identifiers begin with the time of initdb.  Then it lies in our
 * past if it is ahead of the first fork.
 */
static FeedReset
check_other_system(const FeedOrigin *origin, const WalEnd *here)
{
	const TimeLineHistoryEntry *first = llast(read_history(here->timeline));

	if (origin->system > GetSystemIdentifier())
		return FEED_RESTORED;
	if (!XLogRecPtrIsInvalid(first->end) && origin->lsn > first->end)
		return reason_of_fork(here->timeline, first->tli);
	return check_end(origin, here);
}

/* The same database in this cluster, or in one that forked from it. */
static FeedReset
check_timeline(const FeedOrigin *origin, const WalEnd *here)
{
	List	   *entries = read_history(here->timeline);
	const TimeLineHistoryEntry *entry = find_timeline(entries,
													  origin->timeline);

	if (here->in_recovery && origin->timeline > here->timeline)
		return FEED_BEHIND;
	if (entry == NULL || entry->begin != origin->timeline_start)
		return here->timeline > 1 && list_length(entries) == 1 ?
			FEED_FAILOVER : FEED_RESTORED;
	if (XLogRecPtrIsInvalid(entry->end))
		return check_end(origin, here);
	if (origin->lsn > entry->end)
		return reason_of_fork(here->timeline, entry->tli);
	return FEED_CONTINUE;
}

/* On our own timeline: positions behind the end of WAL. */
static FeedReset
check_end(const FeedOrigin *origin, const WalEnd *here)
{
	if (origin->lsn <= here->lsn)
		return FEED_CONTINUE;
	return here->in_recovery ? FEED_BEHIND : FEED_RESTORED;
}

/*
 * The timeline in the control file lags behind a promotion, so it is asked
 * of those who write or replay WAL.
 */
static WalEnd
find_wal_end(void)
{
	WalEnd		here;

	here.in_recovery = RecoveryInProgress();
	if (here.in_recovery)
		here.lsn = GetXLogReplayRecPtr(&here.timeline);
	else
	{
		here.timeline = GetWALInsertionTimeLine();
		here.lsn = end_of_record(GetXLogInsertRecPtr());
	}
	return here;
}

/*
 * Where the last record ends, from where the next one begins: behind the
 * header if the last one has filled its page.  Nobody can flush or replay
 * a header alone.
 */
static XLogRecPtr
end_of_record(XLogRecPtr next)
{
	uint32		offset = next % XLOG_BLCKSZ;
	uint32		in_segment = XLogSegmentOffset(next, wal_segment_size);

	if (offset == (in_segment < XLOG_BLCKSZ ? SizeOfXLogLongPHD : SizeOfXLogShortPHD))
		return next - offset;
	return next;
}

/*
 * The incarnation as a hash, with the database: one that was created from
 * this as a template has the same row.  By the index, because a scan of the
 * table would ask the kernel for its size at every poll.
 */
static uint64
read_incarnation(Snapshot snapshot)
{
	Relation	rel = table_open(sp_table_own_oid("incarnation"),
								 AccessShareLock);
	Oid			index = sp_table_own_oid("incarnation_single_idx");
	SysScanDesc scan = systable_beginscan(rel, index, true, snapshot, 0,
										  NULL);
	HeapTuple	tuple = systable_getnext(scan);
	bool		isnull;
	pg_uuid_t  *id;
	uint64		hash;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "table %s.%s is empty", "syncport", "incarnation");
	id = DatumGetUUIDP(heap_getattr(tuple, INCARNATION_ID,
									RelationGetDescr(rel), &isnull));
	hash = hash_bytes_extended(id->data, UUID_LEN, MyDatabaseId);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return hash;
}

/*
 * The past of a timeline, from newest to oldest; itself alone if its file is
 * missing, which is looked for again.
 */
static List *
read_history(TimeLineID timeline)
{
	MemoryContext caller;

	if (past.timeline == timeline)
		return past.entries;
	past.timeline = 0;
	list_free_deep(past.entries);
	past.entries = NIL;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	past.entries = readTimeLineHistory(timeline);
	MemoryContextSwitchTo(caller);
	if (timeline == 1 || list_length(past.entries) > 1)
		past.timeline = timeline;
	return past.entries;
}

/* The entry of a timeline, or NULL. */
static const TimeLineHistoryEntry *
find_timeline(const List *entries, TimeLineID timeline)
{
	ListCell   *lc;

	foreach(lc, entries)
	{
		const TimeLineHistoryEntry *entry = lfirst(lc);

		if (entry->tli == timeline)
			return entry;
	}
	return NULL;
}

/*
 * Why the past of our timeline leaves another one: the server keeps the
 * reason in the history file, as text.
 */
static FeedReset
reason_of_fork(TimeLineID timeline, TimeLineID left)
{
	char		path[MAXPGPATH];
	FILE	   *file;
	bool		promoted;

	TLHistoryFilePath(path, timeline);
	file = AllocateFile(path, "r");
	if (file == NULL)
		return FEED_FAILOVER;
	promoted = was_promoted(file, left);
	FreeFile(file);
	return promoted ? FEED_FAILOVER : FEED_RESTORED;
}

/* Lines hold a timeline, where it was left, and why. */
static bool
was_promoted(FILE *file, TimeLineID left)
{
	char		line[LINE_MAX_BYTES];
	TimeLineID	timeline;

	while (fgets(line, sizeof(line), file) != NULL)
	{
		if (sscanf(line, "%u", &timeline) == 1 && timeline == left)
			return strstr(line, PROMOTED) != NULL;
	}
	return true;
}
