/*-------------------------------------------------------------------------
 *
 * reset.h
 *	  Why a client has to start anew.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_FEED_RESET_H
#define SYNCPORT_FEED_RESET_H

#include "feed/position.h"
#include "feed/scope.h"

/* what to do with a position that a client brings */
typedef enum FeedReset
{
	FEED_CONTINUE,				/* go on from it */
	FEED_BEHIND,				/* this node or snapshot has not seen what the
								 * client has: no rows, the same cursor */
	FEED_DISABLED,				/* the others: start anew */
	FEED_RESTORED,
	FEED_FAILOVER,
	FEED_SCHEMA,
	FEED_TRUNCATED,
	FEED_FILTER,
	FEED_ACCESS,
	FEED_PURGED
} FeedReset;

/* Whether it is one of the others. */
#define FEED_MUST_RESET(reset)	((reset) > FEED_BEHIND)

/* "purged" and so on, as answers have it; for FEED_MUST_RESET. */
extern const char *sp_reset_reason(FeedReset reset);

/* What an operator or client can do about it, for HINT. */
extern const char *sp_reset_hint(FeedReset reset);

/*
 * Look at everything that may have happened since a position was taken, but
 * for what origin.h and snapshot.h know: definition, leaves, truncations,
 * filter, access, purge.  Works with the active snapshot and with no
 * privilege of the caller.
 */
extern FeedReset sp_reset_check(const FeedScope *scope,
								const FeedPosition *position);

/*
 * Whether what is purged now, as the active snapshot has it, may have been
 * missed by a client that has base (not NULL).
 */
extern bool sp_reset_is_purged(const FeedScope *scope,
							   const FeedSnapshot *base);

#endif							/* SYNCPORT_FEED_RESET_H */
