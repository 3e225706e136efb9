/*-------------------------------------------------------------------------
 *
 * round.h
 *	  Reading a table's feed from a position on.
 *
 * A round brings a client from what one snapshot saw (base) to what a later
 * one saw (target), in the order of (row_version, key), in as many pages as
 * it takes:
 *
 *		cursor (base) --first page--> (base, target, last row) --...-->
 *		(base, target, last row) --last page--> (base := target)
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_FEED_ROUND_H
#define SYNCPORT_FEED_ROUND_H

#include "feed/image_stream.h"
#include "feed/reset.h"
#include "keyset/plan.h"

/* What a client gets of one key. */
typedef struct FeedRow
{
	int64		row_version;
	bool		deleted;		/* a delete; else the slot's row, complete */
	bool		matches;		/* it is in the slot and matches the filter:
								 * for a delete, a tombstone in the table */
	TupleTableSlot *slot;		/* as plan delivers it; NULL for an image */
	const Datum *key;			/* in the order of the primary key */
} FeedRow;

typedef struct FeedRead FeedRead;

/*
 * Called with each row, in a memory context that is reset behind it; false
 * to refuse the row: the page is full.
 */
typedef bool (*FeedDeliver) (FeedRead *read, const FeedRow *row, void *arg);

/* One client at one table. */
struct FeedRead
{
	FeedScope  *scope;			/* what he reads */
	FeedReset	reset;			/* FEED_CONTINUE, or nothing is read */
	FeedPosition *given;		/* the position he brought, or NULL */
	FeedPosition position;		/* where he is now, but for the origin */
	const FeedSnapshot *now;	/* what the caller's snapshot sees */
	bool		complete;		/* the round ended at this call's snapshot */
	bool		moved;			/* he needs a new cursor */
	PagePlan   *plan;			/* at work, pinned; NULL: none */

	/* private to round.c */
	FeedDeliver deliver;		/* takes the rows */
	void	   *arg;			/* its last argument */
	int			limit;			/* rows of a query */
	int64		next_id;		/* no transaction had this id or a later one */
	bool		initial;		/* plan is for an initial load */
	FilterCondition *condition; /* of plan */
	ImageStream *images;		/* NULL where none are wanted */
	bool		full;			/* a row was refused */
	int			ndelivered;		/* rows taken */
	StringInfoData last;		/* the position within the version */
	MemoryContext context;		/* of all of this */
	MemoryContext row_context;	/* of one row */
};

/*
 * Start to read: check the cursor (NULL: from the start) and what happened
 * since.  page_size: rows the client wants, at least.  Errors: 42501 where
 * the caller may not read what the scope asks for, SY001 for the cursor,
 * SY003 where there is none and the table is not enabled.  read is zeroed by
 * the caller; it lives in the current memory context and must be released on
 * every way.
 */
extern void sp_round_begin(FeedRead *read, FeedScope *scope,
						   const text *cursor, const FeedSnapshot *now,
						   int page_size);

/*
 * Hand what follows to deliver, until it refuses a row or nothing is left.
 * Only where read->reset is FEED_CONTINUE.
 */
extern void sp_round_run(FeedRead *read, FeedDeliver deliver, void *arg);

/* Go to the position of now: what there is counts as delivered. */
extern void sp_round_skip(FeedRead *read);

/* The cursor of where read is; origin is that of all cursors of an answer. */
extern text *sp_round_cursor(FeedRead *read, const FeedOrigin *origin);

/* Close what is open; not needed after an error. */
extern void sp_round_end(FeedRead *read);

/* Unpin the plan; also after an error. */
extern void sp_round_release(FeedRead *read);

#endif							/* SYNCPORT_FEED_ROUND_H */
