/*-------------------------------------------------------------------------
 *
 * keyset.h
 *	  What other capabilities may use of pages: counting a filtered table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_KEYSET_H
#define SYNCPORT_KEYSET_KEYSET_H

#include "keyset/filter.h"

/* Hook syncport.page into the planner; called once, from _PG_init. */
extern void sp_keyset_init(void);

typedef enum CountMode
{
	COUNT_NONE,
	COUNT_AUTO,
	COUNT_EXACT,
	COUNT_ESTIMATE
} CountMode;

typedef struct RowCount
{
	int64		rows;			/* counted or estimated */
	bool		exact;			/* false: the planner's estimate */
} RowCount;

/*
 * The mode that a user named; 22023 for anything else, and for 'none'
 * unless none_allowed.
 */
extern CountMode sp_keyset_count_mode(const char *name, bool none_allowed);

/*
 * Count the rows of rel that the caller sees under a filter (NULL: all)
 * whose parameters are numbered from 1, tombstones only if include_deleted.
 * mode is not COUNT_NONE.
 */
extern RowCount sp_keyset_count(Relation rel, const FilterCondition *filter,
								bool include_deleted, CountMode mode);

#endif							/* SYNCPORT_KEYSET_KEYSET_H */
