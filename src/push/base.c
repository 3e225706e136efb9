/*-------------------------------------------------------------------------
 *
 * base.c
 *	  What a client saw of a row, against what the row is now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "feed/origin.h"
#include "feed/position.h"
#include "keyset/cursor.h"
#include "push/base.h"
#include "support/error.h"

static bool cursor_covers(const PushInput *input, Relation rel,
						  const PushRow *row);
static bool is_passed(const FeedPosition *position, const PushTable *table,
					  Relation rel, const PushRow *row);
static int	compare_key(const OrderSpec *order, const Datum *last,
						const PushRow *row);

bool
sp_base_is_changed(const PushInput *input, Relation rel, const PushRow *row)
{
	const Mutation *mutation = input->mutation;

	switch (mutation->base)
	{
		case BASE_VERSION:
			return row->row_version != mutation->number;
		case BASE_SEQ:
			return row->row_version >= mutation->number;
		case BASE_CURSOR:
			return !cursor_covers(input, rel, row);
		case BASE_ROW:
			return (row->state == ROW_DELETED) != input->base_deleted ||
				!bms_is_empty(sp_row_unequal(input->table, row, &input->base,
											 input->digits));
		case BASE_NONE:
			break;
	}
	return false;
}

/* Whether a client with a cursor has seen this version of the row. */
static bool
cursor_covers(const PushInput *input, Relation rel, const PushRow *row)
{
	FeedPosition *position = sp_position_decode(input->mutation->cursor);
	FeedReset	reset;

	if (position->mark.relid != input->table->relid)
		sp_cursor_refuse("It belongs to another table.");
	reset = sp_origin_check(&position->origin);
	if (FEED_MUST_RESET(reset))
		ereport(ERROR,
				(errcode(ERRCODE_SP_RESET_REQUIRED),
				 errmsg("base_cursor of table \"%s\" is from before a reset",
						input->table->name),
				 errdetail_internal("%s", sp_reset_reason(reset)),
				 errhint("%s", sp_reset_hint(reset))));
	if (position->base && sp_snapshot_sees(position->base, row->row_version))
		return true;
	return position->target &&
		sp_snapshot_sees(position->target, row->row_version) &&
		is_passed(position, input->table, rel, row);
}

/* Whether a round that is under way has passed the row. */
static bool
is_passed(const FeedPosition *position, const PushTable *table,
		  Relation rel, const PushRow *row)
{
	OrderSpec  *order;
	CursorPosition *last;

	if (position->part == FEED_PART_START ||
		row->row_version > position->row_version)
		return false;
	if (row->row_version < position->row_version ||
		position->part == FEED_PART_IMAGES)
		return true;
	if (row->image)
		return false;
	order = sp_order_parse(rel, sp_push_table_quote(table,
													table->row_version), true);
	last = sp_cursor_parse(sp_cursor_codec(order), position->row,
						   position->row_length);
	return compare_key(order, last->values, row) <= 0;
}

/* The row's key against that of a position, in the order of the feed. */
static int
compare_key(const OrderSpec *order, const Datum *last, const PushRow *row)
{
	int			i;

	for (i = 1; i < order->ncolumns; i++)
	{
		const OrderColumn *column = &order->columns[i];
		Datum		value = row->values[column->attnum - 1];

		if (DatumGetBool(OidFunctionCall2Coll(get_opcode(column->lt_op),
											  column->collation, value,
											  last[i])))
			return -1;
		if (DatumGetBool(OidFunctionCall2Coll(get_opcode(column->gt_op),
											  column->collation, value,
											  last[i])))
			return 1;
	}
	return 0;
}

Bitmapset *
sp_base_conflict(const PushInput *input, const PushRow *row)
{
	if (row->state == ROW_MISSING)
		return NULL;
	if (input->mutation->base == BASE_ROW)
		return sp_row_unequal(input->table, row, &input->base,
							  input->digits);
	return sp_row_unequal(input->table, row, &input->set, NULL);
}

Bitmapset *
sp_base_merge(const PushInput *input, const PushRow *row, Bitmapset **apply)
{
	Bitmapset  *differ = sp_row_stored_otherwise(input->table, row,
												 &input->set);
	Bitmapset  *server = sp_row_unequal(input->table, row, &input->base,
										input->digits);
	Bitmapset  *client = sp_base_touched(input);
	Bitmapset  *unknown = bms_difference(input->set.columns,
										 input->base.columns);

	server = bms_union(server, unknown);
	*apply = bms_difference(bms_intersect(differ, client), server);
	return bms_intersect(bms_intersect(differ, client), server);
}

Bitmapset *
sp_base_touched(const PushInput *input)
{
	PushRow		base = {.values = input->base.values,
	.isnull = input->base.isnull};
	ColumnValues set = input->set;

	set.columns = bms_intersect(input->set.columns, input->base.columns);
	return bms_union(sp_row_unequal(input->table, &base, &set, NULL),
					 bms_difference(input->set.columns,
									input->base.columns));
}
