/*-------------------------------------------------------------------------
 *
 * base.h
 *	  What a client saw of a row, against what the row is now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_BASE_H
#define SYNCPORT_PUSH_BASE_H

#include "push/row.h"

/*
 * Whether the row, which is not missing, is another one than the client saw
 * by the base of its mutation.  Errors: SY001 for a cursor, SY002 for one
 * from before a restore or a failover.
 */
extern bool sp_base_is_changed(const PushInput *input, Relation rel,
							   const PushRow *row);

/*
 * The columns to show for a conflict: of BASE_ROW those that the row has
 * otherwise, else those of set that differ from the row.
 */
extern Bitmapset *sp_base_conflict(const PushInput *input,
								   const PushRow *row);

/*
 * The columns of set that the client has changed, as far as BASE_ROW tells:
 * all without one, and those that base does not give.
 */
extern Bitmapset *sp_base_touched(const PushInput *input);

/*
 * Merge set into the row by column, with BASE_ROW: *apply gets the columns
 * of set that only the client has changed.  Returns those that both have, or
 * that base does not give.
 */
extern Bitmapset *sp_base_merge(const PushInput *input, const PushRow *row,
								Bitmapset **apply);

#endif							/* SYNCPORT_PUSH_BASE_H */
