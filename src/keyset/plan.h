/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  The prepared queries of a page, kept for the session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_PLAN_H
#define SYNCPORT_KEYSET_PLAN_H

#include "executor/spi.h"
#include "tcop/dest.h"
#include "utils/array.h"

#include "keyset/cursor.h"
#include "keyset/filter.h"
#include "keyset/rung.h"
#include "table/image_read.h"

/* What a page is fetched by; everything but values decides about the plan. */
typedef struct PageRequest
{
	Relation	rel;			/* open and locked */
	text	   *order_by;		/* NULL: the key alone */
	ArrayType  *columns;		/* text[], names to select; NULL: all */
	Jsonb	   *filter;			/* as given; NULL: none */
	FilterCondition *condition; /* filter compiled from parameter 1 */
	bool		include_deleted;
	bool		backward;		/* rows come in reversed order */
	int			limit;			/* rows to fetch */
	bool		feed;			/* rows for the feed: images are its own work,
								 * deleted_at and mark come with each row */
	bool		generic;		/* no value of a parameter asks for a plan of
								 * its own */
	const char *mark;			/* feed: SQL of a boolean over t that rows
								 * come with, its parameters among
								 * condition's; NULL: none */
} PageRequest;

/* The prepared query of a rung. */
typedef struct RungPlan
{
	struct RungPlan *next;
	Rung		rung;			/* what it fetches */
	SPIPlanPtr	plan;			/* kept, freed with the PagePlan */
} RungPlan;

/* The queries of a request; valid while it is pinned. */
typedef struct PagePlan
{
	MemoryContext context;		/* holds all of this */
	uint64		hash;			/* of key */
	char	   *key;			/* the request, serialised */
	int			key_length;
	Oid			relid;			/* an invalidation of it ends the plan */
	bool		valid;			/* false: not to be found any more */
	int			pins;			/* callers at work with it */
	uint64		last_use;		/* the one least recently used goes first */

	OrderSpec  *order;			/* as the user sees it, not reversed */
	CursorCodec *codec;			/* of order */
	RungColumn *columns;		/* of order, in the query's direction */
	bool		by_index;		/* an index leads with the order: run rungs */
	bool		filter_leads;	/* an index leads with what the filter fixes */
	bool		backward;		/* copied from the request */
	bool		generic;		/* same */
	bool		feed;			/* same */
	int			limit;			/* same */

	TupleDesc	rowdesc;		/* the table's row type */
	int			nresult;		/* attributes of the result */
	int			nselected;		/* attributes of the result that were asked
								 * for; the others are there for cursors */
	AttrNumber *selected;		/* result attribute - 1 -> column */
	int		   *order_slot;		/* column of order -> result attribute - 1 */
	int			slot_needed;	/* so many attributes hold all of these */
	int			deleted_slot;	/* feed: result attribute - 1 of deleted_at,
								 * -1 where the table has none */
	int			mark_slot;		/* feed: same of mark, or -1 */

	char	   *head;			/* SELECT ... WHERE ... AND */
	char	   *tail;			/* ORDER BY ... LIMIT n */
	int			nfilter;		/* parameters of the filter, the first ones */
	int			nparams;		/* they and one per column of order */
	Oid		   *types;			/* of the parameters */
	RungPlan   *rungs;			/* prepared so far */
	ImageSource *images;		/* deleted rows that are not in the table;
								 * NULL: not wanted, or there are none */
	char	   *image_head;		/* same as head for them: SELECT of order's
								 * columns, syncport_id and syncport_tid */
	int			image_window;	/* so many of them are asked about first */
	RungPlan   *image_rungs;	/* prepared so far */
	ImageSource *feed_images;	/* for feed/image_stream.c; NULL: not yet */
	SPIPlanPtr	feed_query;		/* its query over them */
} PagePlan;

/*
 * The plan for a request, found in the session's cache or built; pinned
 * until sp_plan_release, which must be called also on error.
 */
extern PagePlan *sp_plan_get(const PageRequest *request);
extern void sp_plan_release(PagePlan *plan);

/*
 * Fetch at most plan->limit rows behind a position (NULL: from the start),
 * in the query's direction, with the active snapshot and as the caller.
 * The receiver gets the executor's slots as they are; its rStartup may be
 * called several times, with equal descriptors.
 */
extern void sp_plan_run(PagePlan *plan, const FilterCondition *condition,
						const CursorPosition *position,
						DestReceiver *receiver);

/*
 * Read the position of a row from a slot that sp_plan_run delivered; the
 * arrays of position have room for all columns of order.
 */
extern void sp_plan_position(const PagePlan *plan, TupleTableSlot *slot,
							 CursorPosition *position);

/* From index.c: does an index lead with the order? */

/*
 * Whether a btree index of rel can deliver the order of columns, given the
 * columns that filter and policies fix.  Adapts the null order of columns
 * that hold no NULLs to that of the index, where it would not fit otherwise.
 * live: the query leaves tombstones out by "deleted_at IS NULL" (attribute
 * number, or InvalidAttrNumber).  rls: policies may fix any column; the
 * planner finds out, at the price of a scan per rung where none is fixed.
 * *filter_leads is set where such an index begins with columns that the
 * filter fixes: then no value of them asks for another plan.
 */
extern bool sp_index_fits(const PageRequest *request, const OrderSpec *order,
						  RungColumn *columns, AttrNumber live, bool rls,
						  bool *filter_leads);

#endif							/* SYNCPORT_KEYSET_PLAN_H */
