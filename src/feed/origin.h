/*-------------------------------------------------------------------------
 *
 * origin.h
 *	  Where positions come from: database, cluster, timeline.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_FEED_ORIGIN_H
#define SYNCPORT_FEED_ORIGIN_H

#include "feed/position.h"
#include "feed/reset.h"

/*
 * Whether what was done by the time of an origin is part of this database's
 * past: FEED_CONTINUE.  FEED_RESTORED: another database, a restored dump, a
 * clone, storage that was rolled back, point-in-time recovery.
 * FEED_FAILOVER: on a timeline that lost what came last.  FEED_BEHIND: in
 * recovery, and not there yet.  Works with the active snapshot, without
 * regard to the caller's privileges.
 */
extern FeedReset sp_origin_check(const FeedOrigin *origin);

/*
 * The origin of a position that leaves now.  Everything the active snapshot
 * sees is durable when it returns: it flushes WAL, except in recovery.
 */
extern FeedOrigin sp_origin_now(void);

#endif							/* SYNCPORT_FEED_ORIGIN_H */
