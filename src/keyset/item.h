/*-------------------------------------------------------------------------
 *
 * item.h
 *	  Rows of a table as values of its row type.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_ITEM_H
#define SYNCPORT_KEYSET_ITEM_H

#include "fmgr.h"

#include "keyset/plan.h"

typedef struct ItemMaker
{
	const PagePlan *plan;
	Datum	   *values;			/* of a row that is put together */
	bool	   *isnull;			/* same; all true in between */
} ItemMaker;

/*
 * The table of whose row type argument 0, an anyelement, is.  Errors: 42804
 * where it is no row of a table.
 */
extern Oid	sp_item_table(FunctionCallInfo fcinfo);

/* Prepare to make rows; palloc'd in the current context. */
extern void sp_item_begin(ItemMaker *maker, const PagePlan *plan);

/*
 * The row in a slot that the plan delivered.  A slot that still holds the
 * table's own tuple becomes the value as it is.
 */
extern Datum sp_item_make(ItemMaker *maker, TupleTableSlot *slot);

/* A row of which the columns of the plan's order alone are known. */
extern Datum sp_item_make_partial(ItemMaker *maker, const Datum *values);

#endif							/* SYNCPORT_KEYSET_ITEM_H */
