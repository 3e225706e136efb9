/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *	  Snapshots as sets of transaction ids, to be kept beyond a statement.
 *
 * Ids are those of top-level transactions, with their epoch: the values of
 * row_version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_FEED_SNAPSHOT_H
#define SYNCPORT_FEED_SNAPSHOT_H

#include "utils/snapshot.h"

/* The set of the ids below xmax that are not in xip. */
typedef struct FeedSnapshot
{
	uint64		xmax;			/* no id from here on is in the set */
	int			nxip;
	uint64	   *xip;			/* ascending, below xmax - 1 */
} FeedSnapshot;

/*
 * The set that an MVCC snapshot sees, taken on a primary or in recovery.
 * The caller's own transaction is not in it.  Palloc'd.
 */
extern FeedSnapshot *sp_snapshot_take(Snapshot snapshot);

/* Whether a version is in the set; NULL is the empty set. */
extern bool sp_snapshot_sees(const FeedSnapshot *set, int64 version);

/* Whether every id of part (NULL: none) is in whole. */
extern bool sp_snapshot_contains(const FeedSnapshot *whole,
								 const FeedSnapshot *part);

extern bool sp_snapshot_equals(const FeedSnapshot *a, const FeedSnapshot *b);

/* The least id that may not be in the set. */
extern uint64 sp_snapshot_xmin(const FeedSnapshot *set);

/*
 * The largest set of the form "target with a lower xmax, united with base"
 * whose list of ids, written as position.c does, is so short that a cursor
 * that holds base and it stays below its limit.  base may be NULL; target
 * contains base.  Returns target itself where it fits.
 */
extern FeedSnapshot *sp_snapshot_fit(FeedSnapshot *target,
									 const FeedSnapshot *base);

#endif							/* SYNCPORT_FEED_SNAPSHOT_H */
