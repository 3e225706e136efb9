/*-------------------------------------------------------------------------
 *
 * item.c
 *	  Rows of a table as values of its row type.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "keyset/item.h"

static bool holds_row(const PagePlan *plan, TupleTableSlot *slot);
static Datum form_item(ItemMaker *maker);

Oid
sp_item_table(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relid = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("target is not a row of a table"),
				 errdetail("It is of type %s.",
						   OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errhint("Name the table by a NULL of its row type: NULL::schema.table.")));
	return relid;
}

void
sp_item_begin(ItemMaker *maker, const PagePlan *plan)
{
	maker->plan = plan;
	maker->values = palloc0(plan->rowdesc->natts * sizeof(Datum));
	maker->isnull = palloc(plan->rowdesc->natts * sizeof(bool));
	memset(maker->isnull, true, plan->rowdesc->natts * sizeof(bool));
}

Datum
sp_item_make(ItemMaker *maker, TupleTableSlot *slot)
{
	const PagePlan *plan = maker->plan;
	int			i;

	if (holds_row(plan, slot))
		return heap_copy_tuple_as_datum(ExecFetchSlotHeapTuple(slot, false,
															   NULL),
										plan->rowdesc);
	slot_getallattrs(slot);
	for (i = 0; i < plan->nselected; i++)
	{
		maker->values[plan->selected[i] - 1] = slot->tts_values[i];
		maker->isnull[plan->selected[i] - 1] = slot->tts_isnull[i];
	}
	return form_item(maker);
}

Datum
sp_item_make_partial(ItemMaker *maker, const Datum *values)
{
	const OrderSpec *order = maker->plan->order;
	int			i;

	for (i = 0; i < order->ncolumns; i++)
	{
		maker->values[order->columns[i].attnum - 1] = values[i];
		maker->isnull[order->columns[i].attnum - 1] = false;
	}
	return form_item(maker);
}

/* The row of the values at hand, which are forgotten. */
static Datum
form_item(ItemMaker *maker)
{
	TupleDesc	desc = maker->plan->rowdesc;
	HeapTuple	tuple = toast_build_flattened_tuple(desc, maker->values,
													maker->isnull);

	memset(maker->isnull, true, desc->natts * sizeof(bool));
	/* formed by the row type and flat: it is a datum as it stands */
	return HeapTupleHeaderGetDatum(tuple->t_data);
}

/*
 * Whether the slot holds a stored tuple that is a complete row of the type:
 * nothing projected, dropped, added since or stored out of line.
 */
static bool
holds_row(const PagePlan *plan, TupleTableSlot *slot)
{
	HeapTuple	tuple;

	if (!TTS_IS_BUFFERTUPLE(slot) ||
		plan->nselected != plan->rowdesc->natts)
		return false;
	tuple = ExecFetchSlotHeapTuple(slot, false, NULL);
	return HeapTupleHeaderGetNatts(tuple->t_data) == plan->nselected &&
		!HeapTupleHasExternal(tuple);
}
