/*-------------------------------------------------------------------------
 *
 * request.h
 *	  The arguments that page and page_json share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_REQUEST_H
#define SYNCPORT_KEYSET_REQUEST_H

#include "fmgr.h"

#include "keyset/plan.h"

/* argument numbers, -1 where the function has no such argument */
typedef struct PageArguments
{
	int			after;
	int			before;
	int			page_size;
	int			order_by;
	int			columns;
	int			filter;
	int			include_deleted;
} PageArguments;

/* A page that is being fetched. */
typedef struct PageFetch
{
	PageRequest request;		/* its limit is page_size plus extra rows */
	int			page_size;
	text	   *cursor;			/* NULL: from the start, or from the end */
	PagePlan   *plan;			/* pinned until sp_page_release */
	CursorPosition *position;	/* what cursor says, or NULL */
} PageFetch;

/*
 * Read and check the arguments, open relid and find the plan.  extra: rows
 * to fetch beyond page_size.  22023 for page_size and cursors given twice,
 * SY001 and SY004 as cursor.h, order.h and filter.h say.  *page is zeroed
 * before.
 */
extern void sp_page_begin(PageFetch *page, FunctionCallInfo fcinfo, Oid relid,
						  const PageArguments *arguments, int extra);

/* An argument page_size; 22023 where it is NULL or out of its limits. */
extern int	sp_page_size_argument(FunctionCallInfo fcinfo, int arg);

/*
 * Check that the elements of a text[] are columns of rel, each named once;
 * 22023 where there are none, 42703, 42701.
 */
extern void sp_page_check_columns(Relation rel, ArrayType *columns);

/* Fetch the rows into a receiver. */
extern void sp_page_fetch(PageFetch *page, DestReceiver *receiver);

/* Unpin the plan; to be called after sp_page_begin, also if that failed. */
extern void sp_page_release(PageFetch *page);

/* Close the table, whose lock stays; not after an error. */
extern void sp_page_close(PageFetch *page);

#endif							/* SYNCPORT_KEYSET_REQUEST_H */
