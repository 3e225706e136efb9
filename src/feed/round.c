/*-------------------------------------------------------------------------
 *
 * round.c
 *	  Reading a table's feed from a position on.
 *
 * The rows of a round are those whose version target sees and base does not.
 * As ids they are a few single ones, which were in progress when base was
 * taken, and the range between the two snapshots; each is a range of the
 * index (row_version, key).  A single range from the oldest of them would
 * read everything again that was written since the oldest transaction began.
 *
 * A row that is updated while a round goes on leaves it, for its version is
 * too new, and comes in the next one.  So a round only ever shrinks, and a
 * position in it stays good.
 *
 * An initial load has no base.  It takes live rows of every version that
 * target sees, and those above all ids of this server, which a dump of
 * another server brought: the reading snapshot alone decides about these.
 *
 * Everything is read with one snapshot, the caller's, which sees all of base
 * and target: else a row could be hidden that a position passes by.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "feed/origin.h"
#include "feed/round.h"
#include "feed/version_index.h"
#include "support/error.h"
#include "support/quote.h"

/*
 * A client whose filter or policies hide what others write gets a new cursor
 * when it is so many ids behind: else purge would reset it one day.
 */
#define POSITION_AGE_MAX	1000

/*
 * So many transactions in progress are left out of the ranges: one that has
 * written much would be read in vain at every poll.  With more of them the
 * looks at many ranges would cost more than that.
 */
#define GAPS_MAX			64

/* versions of an index range, both ends included */
typedef struct VersionRange
{
	int64		first;
	int64		last;
} VersionRange;

/* Receives the rows of the table. */
typedef struct RowReceiver
{
	DestReceiver pub;			/* callbacks, must be first */
	FeedRead   *read;
	int			nrows;			/* received by this query */
	CursorPosition *last;		/* of the last of them, where the LIMIT ended
								 * the query; else NULL */
	CursorPosition position;	/* of the row at hand */
} RowReceiver;

static void check_privilege(const FeedScope *scope);
static FeedReset check_position(FeedRead *read);
static void start_round(FeedRead *read);
static bool end_round(FeedRead *read);
static bool run_ranges(FeedRead *read);
static VersionRange *list_ranges(FeedRead *read, int *count);
static bool is_empty(FeedRead *read, const VersionRange *range);
static void use_plan(FeedRead *read);
static const char *quote_version(const FeedRead *read);
static ArrayType *add_key(const FeedScope *scope);
static FilterCondition *bound_condition(FeedRead *read,
										FilterCondition *filter);
static bool run_range(FeedRead *read, const VersionRange *range);
static void read_rows(FeedRead *read, const VersionRange *range);
static CursorPosition *start_position(FeedRead *read, int64 first);
static void start_receiver(RowReceiver *receiver, FeedRead *read);
static void ignore_startup(DestReceiver *self, int operation,
						   TupleDesc desc);
static void ignore_end(DestReceiver *self);
static bool receive_row(TupleTableSlot *slot, DestReceiver *self);
static bool is_wanted(const FeedRead *read, int64 version);
static bool deliver_images(FeedRead *read, int64 version, bool inclusive);
static bool deliver_row(RowReceiver *receiver, TupleTableSlot *slot);
static bool hand_on(FeedRead *read, const FeedRow *row);
static void keep_position(RowReceiver *receiver);

void
sp_round_begin(FeedRead *read, FeedScope *scope, const text *cursor,
			   const FeedSnapshot *now, int page_size)
{
	read->scope = scope;
	read->now = now;
	read->limit = page_size + 1;
	read->context = CurrentMemoryContext;
	read->row_context = AllocSetContextCreate(CurrentMemoryContext,
											  "syncport feed row",
											  ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&read->last);
	check_privilege(scope);
	if (cursor == NULL)
	{
		if (scope->table == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_SP_TABLE_NOT_ENABLED),
					 errmsg("table \"%s\" is not enabled",
							RelationGetRelationName(scope->rel)),
					 errhint("Call syncport.enable for it.")));
		read->moved = true;
		read->position.mark = sp_scope_mark(scope, 0);
		if (sp_scope_is_newer(scope))
			read->reset = FEED_BEHIND;
		return;
	}
	read->given = sp_position_decode(cursor);
	read->position = *read->given;
	read->reset = check_position(read);
	/* columns that have come since are in the rows from now on */
	if (read->reset == FEED_CONTINUE)
		read->position.mark = sp_scope_mark(scope, 0);
}

/*
 * A caller who may not read all that was asked for learns nothing, not even
 * whether there is anything: neither a reset nor an empty answer.
 */
static void
check_privilege(const FeedScope *scope)
{
	if (!sp_scope_is_readable(scope))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s",
						RelationGetRelationName(scope->rel)),
				 errhint("The feed reads the key, the columns and those of the filter, row_version and deleted_at.")));
}

/* Whether the client may go on from the position he brought. */
static FeedReset
check_position(FeedRead *read)
{
	const FeedPosition *given = read->given;
	Oid			relid = RelationGetRelid(read->scope->rel);
	FeedReset	reset = sp_origin_check(&given->origin);

	/* a server that lags may not even know the table */
	if (reset == FEED_BEHIND)
		return reset;
	/* OIDs of another database say nothing here */
	if (reset == FEED_CONTINUE && given->mark.relid != relid &&
		get_rel_name(given->mark.relid) != NULL)
		sp_cursor_refuse("The cursor belongs to another table.");
	if (read->scope->table == NULL)
		return FEED_DISABLED;
	if (reset != FEED_CONTINUE)
		return reset;
	if (given->mark.relid != relid)
		return FEED_SCHEMA;
	if (!sp_snapshot_contains(read->now, given->base) ||
		!sp_snapshot_contains(read->now, given->target) ||
		sp_scope_is_newer(read->scope))
		return FEED_BEHIND;
	return sp_reset_check(read->scope, given);
}

void
sp_round_run(FeedRead *read, FeedDeliver deliver, void *arg)
{
	bool		current = false;
	bool		ended = false;

	read->deliver = deliver;
	read->arg = arg;
	read->next_id = U64FromFullTransactionId(ReadNextFullTransactionId());
	while (!current || read->position.target != NULL)
	{
		if (read->position.target == NULL)
		{
			start_round(read);
			current = true;
		}
		if (!run_ranges(read))
			break;
		ended = true;
		if (!end_round(read))
			break;
	}
	read->complete = current && read->position.target == NULL;
	read->moved |= read->ndelivered > 0 ||
		(ended && read->given != NULL &&
		 (read->given->base == NULL || read->given->part != FEED_PART_START ||
		  read->now->xmax - read->given->base->xmax >= POSITION_AGE_MAX)) ||
		(!ended && read->given != NULL && read->given->target == NULL);
}

void
sp_round_skip(FeedRead *read)
{
	start_round(read);
	(void) end_round(read);
}

/* Take the caller's snapshot as the target. */
static void
start_round(FeedRead *read)
{
	read->position.target =
		sp_snapshot_fit(unconstify(FeedSnapshot *, read->now),
						read->position.base);
	read->position.part = FEED_PART_START;
}

/*
 * The client has what the target saw.  False if it must not go on at once:
 * something that came after the target may be purged already.
 */
static bool
end_round(FeedRead *read)
{
	read->position.base = read->position.target;
	read->position.target = NULL;
	read->position.part = FEED_PART_START;
	return !sp_reset_is_purged(read->scope, read->position.base);
}

/* Read what is left of the round; false if the page is full before. */
static bool
run_ranges(FeedRead *read)
{
	int			count;
	VersionRange *ranges;
	int			i;

	if (read->position.base != NULL &&
		sp_snapshot_equals(read->position.base, read->position.target))
		return true;
	ranges = list_ranges(read, &count);
	for (i = 0; i < count; i++)
	{
		if (read->position.part != FEED_PART_START &&
			ranges[i].last < read->position.row_version)
			continue;
		if (is_empty(read, &ranges[i]))
			continue;
		use_plan(read);
		if (!run_range(read, &ranges[i]))
			return false;
	}
	return true;
}

/* The ranges of versions of the round, in order; none is empty. */
static VersionRange *
list_ranges(FeedRead *read, int *count)
{
	const FeedSnapshot *base = read->position.base;
	const FeedSnapshot *target = read->position.target;
	VersionRange *ranges = palloc(((base ? base->nxip : 0) + target->nxip +
								   2) * sizeof(VersionRange));
	int64		first = base ? (int64) base->xmax : PG_INT64_MIN;
	int			n = 0;
	int			i;

	for (i = 0; base != NULL && i < base->nxip; i++)
	{
		if (!sp_snapshot_sees(target, base->xip[i]))
			continue;
		ranges[n].first = base->xip[i];
		ranges[n++].last = base->xip[i];
	}
	for (i = 0; base != NULL && target->nxip <= GAPS_MAX &&
		 i < target->nxip; i++)
	{
		if ((int64) target->xip[i] < first)
			continue;
		if (first < (int64) target->xip[i])
		{
			ranges[n].first = first;
			ranges[n++].last = target->xip[i] - 1;
		}
		first = target->xip[i] + 1;
	}
	if (first < (int64) target->xmax)
	{
		ranges[n].first = first;
		ranges[n++].last = target->xmax - 1;
	}
	if (base == NULL)
	{
		ranges[n].first = read->next_id;
		ranges[n++].last = PG_INT64_MAX;
	}
	*count = n;
	return ranges;
}

/*
 * Whether there is nothing in a range, whoever may see it.  Most polls find
 * nothing new, and a look at the indexes is cheaper than any query.
 */
static bool
is_empty(FeedRead *read, const VersionRange *range)
{
	const FeedTable *table = read->scope->table;
	const char *column = NameStr(table->row_version);
	ListCell   *lc;

	if (read->position.base == NULL)
		return false;
	if (read->scope->rel->rd_rel->relkind == RELKIND_RELATION &&
		!sp_version_index_is_empty(RelationGetRelid(read->scope->rel), column,
								   range->first, range->last))
		return false;
	foreach(lc, read->scope->leaves)
	{
		if (!sp_version_index_is_empty(lfirst_oid(lc), column, range->first,
									   range->last))
			return false;
	}
	return !sp_image_stream_exists(table->relid, range->first, range->last);
}

/* Pin the plan of the kind of round at hand. */
static void
use_plan(FeedRead *read)
{
	PageRequest request = {0};
	FilterCondition *filter;
	MemoryContext caller;

	if (read->plan != NULL && read->initial == (read->position.base == NULL))
		return;
	sp_round_end(read);
	sp_round_release(read);
	caller = MemoryContextSwitchTo(read->context);
	read->initial = read->position.base == NULL;
	filter = sp_filter_compile(read->scope->rel, read->scope->filter, 2);
	request.rel = read->scope->rel;
	request.order_by =
		cstring_to_text(quote_version(read));
	request.columns = add_key(read->scope);
	request.filter = read->initial ? read->scope->filter : NULL;
	request.condition = read->condition = bound_condition(read, filter);
	request.mark = read->initial || filter == NULL ? NULL : filter->sql;
	request.include_deleted = !read->initial || read->scope->include_deleted;
	request.limit = read->limit;
	request.feed = true;
	request.generic = !read->initial || filter == NULL;
	read->plan = sp_plan_get(&request);
	if (request.include_deleted)
		read->images = sp_image_stream_begin(read->plan, read->scope->rel,
											 read->scope->table->relid);
	MemoryContextSwitchTo(caller);
}

/* The column row_version, quoted. */
static const char *
quote_version(const FeedRead *read)
{
	return quote_identifier(NameStr(read->scope->table->row_version));
}

/* The columns asked for and, ahead of them, what they lack of the key. */
static ArrayType *
add_key(const FeedScope *scope)
{
	Datum	   *names;
	Datum	   *all;
	int			nnames;
	int			n = 0;
	ListCell   *lc;

	if (scope->columns == NULL)
		return NULL;
	deconstruct_array(scope->columns, TEXTOID, -1, false, TYPALIGN_INT,
					  &names, NULL, &nnames);
	all = palloc((nnames + list_length(scope->key)) * sizeof(Datum));
	foreach(lc, scope->key)
	{
		const char *column =
		NameStr(TupleDescAttr(RelationGetDescr(scope->rel),
							  lfirst_int(lc) - 1)->attname);
		int			i;

		for (i = 0; i < nnames; i++)
			if (strcmp(TextDatumGetCString(names[i]), column) == 0)
				break;
		if (i == nnames)
			all[n++] = CStringGetTextDatum(column);
	}
	memcpy(all + n, names, nnames * sizeof(Datum));
	return construct_array(all, n + nnames, TEXTOID, -1, false,
						   TYPALIGN_INT);
}

/*
 * "row_version <= $1", and in an initial load the filter, whose parameters
 * follow in any case.
 */
static FilterCondition *
bound_condition(FeedRead *read, FilterCondition *filter)
{
	FilterCondition *bound = palloc0(sizeof(FilterCondition));
	int			nfilter = filter ? filter->nparams : 0;

	bound->sql = psprintf("t.%s OPERATOR(pg_catalog.<=) $1",
						  quote_version(read));
	if (read->initial && filter)
		bound->sql = psprintf("%s AND (%s)", bound->sql, filter->sql);
	bound->nparams = nfilter + 1;
	bound->types = palloc(bound->nparams * sizeof(Oid));
	bound->values = palloc(bound->nparams * sizeof(Datum));
	bound->isnull = palloc(bound->nparams * sizeof(bool));
	bound->types[0] = INT8OID;
	bound->isnull[0] = false;
	if (nfilter > 0)
	{
		memcpy(bound->types + 1, filter->types, nfilter * sizeof(Oid));
		memcpy(bound->values + 1, filter->values, nfilter * sizeof(Datum));
		memcpy(bound->isnull + 1, filter->isnull, nfilter * sizeof(bool));
	}
	return bound;
}

/* Read a range, rows and images; false if the page is full before its end. */
static bool
run_range(FeedRead *read, const VersionRange *range)
{
	const FeedPosition *position = &read->position;
	bool		inside = position->part != FEED_PART_START &&
	position->row_version >= range->first;

	if (read->images)
		sp_image_stream_range(read->images, position->target,
							  inside ? position->row_version : range->first,
							  inside && position->part == FEED_PART_IMAGES ?
							  position->image_id : 0,
							  range->last);
	read_rows(read, range);
	return !read->full && deliver_images(read, range->last, true);
}

/* Read the rows of a range, by as many queries as it takes. */
static void
read_rows(FeedRead *read, const VersionRange *range)
{
	CursorPosition *start = start_position(read, range->first);
	RowReceiver receiver;

	/* the images of the last version were all that was left of it */
	if (!start->at_row && DatumGetInt64(start->values[0]) > range->last)
		return;
	read->condition->values[0] = Int64GetDatum(range->last);
	start_receiver(&receiver, read);
	do
	{
		receiver.nrows = 0;
		receiver.last = NULL;
		sp_plan_run(read->plan, read->condition, start, &receiver.pub);
		start = receiver.last;
	} while (start != NULL && !read->full);
}

/* Behind what was delivered, or at the first version of a range. */
static CursorPosition *
start_position(FeedRead *read, int64 first)
{
	const FeedPosition *position = &read->position;
	CursorPosition *start;

	if (position->part == FEED_PART_ROWS && position->row_version >= first)
		return sp_cursor_parse(read->plan->codec, position->row,
							   position->row_length);
	if (position->part == FEED_PART_IMAGES && position->row_version >= first)
		first = position->row_version + 1;
	start = palloc0(sizeof(CursorPosition));
	start->nvalues = 1;
	start->values = palloc(sizeof(Datum));
	start->isnull = palloc0(sizeof(bool));
	start->values[0] = Int64GetDatum(first);
	return start;
}

/* Prepare to receive rows. */
static void
start_receiver(RowReceiver *receiver, FeedRead *read)
{
	int			ncolumns = read->plan->order->ncolumns;

	memset(receiver, 0, sizeof(RowReceiver));
	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = ignore_startup;
	receiver->pub.rShutdown = ignore_end;
	receiver->pub.rDestroy = ignore_end;
	receiver->pub.mydest = DestTuplestore;	/* DestNone: not counted */
	receiver->read = read;
	receiver->position.values = palloc(ncolumns * sizeof(Datum));
	receiver->position.isnull = palloc(ncolumns * sizeof(bool));
}

/* Callback: nothing to do, the plan knows the columns. */
static void
ignore_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

/* Callback: nothing to do, everything lives in memory contexts. */
static void
ignore_end(DestReceiver *self)
{
}

/* Callback: one row of the range. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	FeedRead   *read = receiver->read;
	MemoryContext caller;
	int64		version;

	if (read->full)
		return false;
	caller = MemoryContextSwitchTo(read->row_context);
	sp_plan_position(read->plan, slot, &receiver->position);
	version = DatumGetInt64(receiver->position.values[0]);
	if (is_wanted(read, version) && deliver_images(read, version, false))
		(void) deliver_row(receiver, slot);
	if (++receiver->nrows == read->limit && !read->full)
		keep_position(receiver);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(read->row_context);
	return !read->full;
}

/* Whether a version of a range belongs to the round. */
static bool
is_wanted(const FeedRead *read, int64 version)
{
	return sp_snapshot_sees(read->position.target, version) ||
		(read->initial && version >= read->next_id);
}

/*
 * Hand on the images ahead of a version, or up to it; false if the page is
 * full.
 */
static bool
deliver_images(FeedRead *read, int64 version, bool inclusive)
{
	const FeedImage *image;

	if (read->images == NULL)
		return true;
	while ((image = sp_image_stream_peek(read->images)) != NULL &&
		   (image->row_version < version ||
			(inclusive && image->row_version == version)))
	{
		FeedRow		row = {0};

		row.row_version = image->row_version;
		row.deleted = true;
		row.key = image->key;
		if (!hand_on(read, &row))
			return false;
		read->position.part = FEED_PART_IMAGES;
		read->position.image_id = image->id;
		sp_image_stream_pop(read->images);
	}
	return true;
}

/* Hand on a row of the table. */
static bool
deliver_row(RowReceiver *receiver, TupleTableSlot *slot)
{
	FeedRead   *read = receiver->read;
	PagePlan   *plan = read->plan;
	FeedRow		row = {0};
	bool		isnull = true;

	row.row_version = DatumGetInt64(receiver->position.values[0]);
	row.slot = slot;
	row.key = receiver->position.values + 1;
	row.matches = true;
	if (plan->mark_slot >= 0)
		row.matches = DatumGetBool(slot_getattr(slot, plan->mark_slot + 1,
												&isnull)) && !isnull;
	if (plan->deleted_slot >= 0)
		row.deleted = !slot_attisnull(slot, plan->deleted_slot + 1);
	row.deleted = row.deleted || !row.matches;
	if (!hand_on(read, &row))
		return false;
	read->position.part = FEED_PART_ROWS;
	resetStringInfo(&read->last);
	sp_cursor_append(plan->codec, &read->last, &receiver->position);
	read->position.row = read->last.data;
	read->position.row_length = read->last.len;
	return true;
}

/* Hand on a row of either kind; the caller keeps its place in the version. */
static bool
hand_on(FeedRead *read, const FeedRow *row)
{
	if (!read->deliver(read, row, read->arg))
	{
		read->full = true;
		return false;
	}
	read->ndelivered++;
	read->position.row_version = row->row_version;
	return true;
}

/* Copy the position of the last row that the LIMIT lets through. */
static void
keep_position(RowReceiver *receiver)
{
	MemoryContext caller = MemoryContextSwitchTo(receiver->read->context);
	StringInfoData bytes;

	initStringInfo(&bytes);
	sp_cursor_append(receiver->read->plan->codec, &bytes,
					 &receiver->position);
	receiver->last = sp_cursor_parse(receiver->read->plan->codec,
									 bytes.data, bytes.len);
	MemoryContextSwitchTo(caller);
}

text *
sp_round_cursor(FeedRead *read, const FeedOrigin *origin)
{
	read->position.origin = *origin;
	return sp_position_encode(&read->position);
}

void
sp_round_end(FeedRead *read)
{
	if (read->images)
		sp_image_stream_end(read->images);
	read->images = NULL;
}

void
sp_round_release(FeedRead *read)
{
	if (read->plan)
		sp_plan_release(read->plan);
	read->plan = NULL;
}
