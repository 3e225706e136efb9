/*-------------------------------------------------------------------------
 *
 * merge.h
 *	  Images of deleted rows among the rows of a page.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_MERGE_H
#define SYNCPORT_KEYSET_MERGE_H

#include "executor/spi.h"

#include "keyset/plan.h"

/*
 * For a plan with images: find those that rung asks for, all those behind
 * position (NULL: from the start), and return a
 * receiver for the table's rows, in the plan's order, which hands the first
 * plan->limit of both to options->dest.  options->params has room for the
 * ticket behind the plan's parameters.  SPI is connected.
 */
extern DestReceiver *sp_merge_begin(PagePlan *plan,
									const CursorPosition *position,
									const Rung *rung,
									const SPIExecuteOptions *options);

/* Hand on what follows the last row. */
extern void sp_merge_end(DestReceiver *self);

#endif							/* SYNCPORT_KEYSET_MERGE_H */
