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
 * For a plan with images: a receiver for the table's rows, in the plan's
 * order, which hands the first plan->limit of them and of the images behind
 * position (NULL: from the start) to options->dest.  rung asks for these
 * images.  options->params has room for the ticket behind the plan's
 * parameters.  SPI is connected.
 */
extern DestReceiver *sp_merge_begin(PagePlan *plan, const Rung *rung,
									const SPIExecuteOptions *options);

/* Get ready for the first row; from here on it must be closed. */
extern void sp_merge_start(DestReceiver *self,
						   const CursorPosition *position);

/* Hand on what follows the last row. */
extern void sp_merge_end(DestReceiver *self);

/* Give up the right to read images; also after an error. */
extern void sp_merge_close(DestReceiver *self);

#endif							/* SYNCPORT_KEYSET_MERGE_H */
