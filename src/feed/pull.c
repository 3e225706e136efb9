/*-------------------------------------------------------------------------
 *
 * pull.c
 *	  syncport.pull: what is new in several tables, as one JSON object.
 *
 * First every position is looked at, then the tables are read in the order
 * of the request until the page is full.  A table that is not reached is
 * still looked into: nothing new there means that it is complete.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "encode/json.h"
#include "feed/origin.h"
#include "feed/pull_request.h"
#include "feed/round.h"
#include "feed/scope.h"

PG_FUNCTION_INFO_V1(syncport_pull);

/* What is the same for all tables of an answer. */
typedef struct PullAnswer
{
	PullRequest *request;
	FeedSnapshot *now;			/* what the caller's snapshot sees */
	bool		behind;			/* it does not see what the client has */
	int64		nrows;			/* so far, of all tables */
	int64		nbytes;			/* of their JSON */
	FeedOrigin	origin;			/* of new cursors */
	bool		has_origin;		/* it was asked for */
	MemoryContext context;		/* of all of this */
} PullAnswer;

/* One table of the answer. */
typedef struct PullPart
{
	PullTable  *table;
	PullAnswer *answer;
	FeedRead	read;
	PagePlan   *plan;			/* what the encoder was made for */
	RowEncoder *encoder;		/* of rows */
	RowEncoder *key_encoder;	/* of keys */
	StringInfoData upserts;		/* "{...},{...}" */
	StringInfoData deletes;		/* same */
} PullPart;

static void begin_parts(PullAnswer *answer, PullPart *parts);
static void run_parts(PullAnswer *answer, PullPart *parts);
static bool put_row(FeedRead *read, const FeedRow *row, void *arg);
static void begin_encoding(PullPart *part);
static bool fits(PullPart *part, StringInfo out, int start);
static text *write_answer(PullAnswer *answer, PullPart *parts);
static void write_part(StringInfo out, PullPart *part);
static void write_text(StringInfo out, const char *label, const text *value);
static int64 find_seq(PullAnswer *answer, PullPart *parts);

/* syncport.pull(request jsonb) RETURNS json */
Datum
syncport_pull(PG_FUNCTION_ARGS)
{
	PullAnswer	answer = {0};
	PullPart   *parts;
	text	   *volatile json = NULL;
	int			count;
	int			i;

	answer.context = CurrentMemoryContext;
	answer.request = sp_pull_request(fcinfo, 0);
	answer.now = sp_snapshot_take(GetActiveSnapshot());
	answer.behind = answer.request->at_least_seq > 0 &&
		!sp_snapshot_sees(answer.now, answer.request->at_least_seq);
	count = list_length(answer.request->tables);
	parts = palloc0(count * sizeof(PullPart));
	PG_TRY();
	{
		begin_parts(&answer, parts);
		if (!answer.behind)
			run_parts(&answer, parts);
		json = write_answer(&answer, parts);
	}
	PG_FINALLY();
	{
		for (i = 0; i < count; i++)
			sp_round_release(&parts[i].read);
	}
	PG_END_TRY();
	for (i = 0; i < count; i++)
		sp_scope_close(parts[i].read.scope);
	PG_RETURN_TEXT_P(json);
}

/* Open the tables and look at the positions. */
static void
begin_parts(PullAnswer *answer, PullPart *parts)
{
	ListCell   *lc;

	foreach(lc, answer->request->tables)
	{
		PullPart   *part = &parts[foreach_current_index(lc)];
		PullTable  *table = lfirst(lc);

		part->table = table;
		part->answer = answer;
		initStringInfo(&part->upserts);
		initStringInfo(&part->deletes);
		sp_round_begin(&part->read,
					   sp_scope_open(table->relid, table->columns,
									 table->filter, table->include_deleted),
					   table->cursor, answer->now,
					   answer->request->page_size);
		if (part->read.reset == FEED_BEHIND)
			answer->behind = true;
	}
}

/* Read the tables. */
static void
run_parts(PullAnswer *answer, PullPart *parts)
{
	int			i;

	for (i = 0; i < list_length(answer->request->tables); i++)
	{
		if (parts[i].read.reset != FEED_CONTINUE)
			continue;
		sp_round_run(&parts[i].read, put_row, &parts[i]);
		sp_round_end(&parts[i].read);
	}
}

/* Callback: one row; false if the answer is full. */
static bool
put_row(FeedRead *read, const FeedRow *row, void *arg)
{
	PullPart   *part = arg;
	StringInfo	out = row->deleted ? &part->deletes : &part->upserts;
	int			start = out->len;
	bool		none[INDEX_MAX_KEYS] = {false};

	if (part->answer->nrows == part->answer->request->page_size)
		return false;
	if (part->plan != read->plan)
		begin_encoding(part);
	if (start > 0)
		appendStringInfoChar(out, ',');
	if (row->deleted)
		sp_json_row(part->key_encoder, row->key, none, out);
	else
		sp_encode_json_row(part->encoder, row->slot, out);
	return fits(part, out, start);
}

/* Prepare to write the rows of the plan at work. */
static void
begin_encoding(PullPart *part)
{
	MemoryContext caller = MemoryContextSwitchTo(part->answer->context);
	const EncodeOptions *options = &part->answer->request->options;
	PagePlan   *plan = part->read.plan;
	TupleDesc	row = CreateTemplateTupleDesc(plan->nselected);
	TupleDesc	key = CreateTemplateTupleDesc(plan->order->ncolumns - 1);
	int			i;

	for (i = 0; i < plan->nselected; i++)
		TupleDescCopyEntry(row, i + 1, plan->rowdesc, plan->selected[i]);
	for (i = 1; i < plan->order->ncolumns; i++)
		TupleDescCopyEntry(key, i, plan->rowdesc,
						   plan->order->columns[i].attnum);
	part->encoder = sp_encode_begin_json(row, plan->nselected, options);
	part->key_encoder = sp_encode_begin_json(key,
											 plan->order->ncolumns - 1,
											 options);
	part->plan = plan;
	MemoryContextSwitchTo(caller);
}

/*
 * Whether what was written behind start has room; else it is taken back.
 * The first row of an answer always has.
 */
static bool
fits(PullPart *part, StringInfo out, int start)
{
	PullAnswer *answer = part->answer;
	int64		nbytes = answer->nbytes + out->len - start;

	if (nbytes > answer->request->max_bytes && answer->nrows > 0)
	{
		out->len = start;
		out->data[start] = '\0';
		return false;
	}
	answer->nbytes = nbytes;
	answer->nrows++;
	return true;
}

/* The answer. */
static text *
write_answer(PullAnswer *answer, PullPart *parts)
{
	StringInfoData out;
	ZoneCache	zone = {0};
	char		time[VALUE_BYTES_MAX];
	char	   *end;
	int			i;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	appendStringInfoString(&out, "{\"tables\":{");
	for (i = 0; i < list_length(answer->request->tables); i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		write_part(&out, &parts[i]);
	}
	end = sp_value_timestamptz(time, GetCurrentStatementStartTimestamp(),
							   pg_tzset("UTC"), &zone, TIME_STYLE_XSD);
	appendStringInfo(&out, "},\"seq\":" INT64_FORMAT ",\"behind\":%s,"
					 "\"server_time\":\"%.*s\"}",
					 find_seq(answer, parts),
					 answer->behind ? "true" : "false",
					 (int) (end - time), time);
	SET_VARSIZE(out.data, out.len);
	return (text *) out.data;
}

/* "name":{...} */
static void
write_part(StringInfo out, PullPart *part)
{
	PullAnswer *answer = part->answer;
	FeedRead   *read = &part->read;
	text	   *cursor = part->table->cursor;

	sp_json_string(out, part->table->name, strlen(part->table->name));
	if (FEED_MUST_RESET(read->reset))
	{
		appendStringInfo(out, ":{\"reset\":\"%s\"",
						 sp_reset_reason(read->reset));
		write_text(out, ",\"hint\":",
				   cstring_to_text(sp_reset_hint(read->reset)));
		appendStringInfoChar(out, '}');
		return;
	}
	if (!answer->behind && read->moved)
	{
		if (!answer->has_origin)
			answer->origin = sp_origin_now();
		answer->has_origin = true;
		cursor = sp_round_cursor(read, &answer->origin);
	}
	appendStringInfoString(out, ":{\"upserts\":[");
	appendBinaryStringInfo(out, part->upserts.data, part->upserts.len);
	appendStringInfoString(out, "],\"deletes\":[");
	appendBinaryStringInfo(out, part->deletes.data, part->deletes.len);
	appendStringInfoChar(out, ']');
	write_text(out, ",\"cursor\":", cursor);
	appendStringInfo(out, ",\"complete\":%s",
					 read->complete ? "true" : "false");
	write_text(out, ",\"schema_version\":",
			   cstring_to_text(sp_scope_version(read->scope)));
	appendStringInfoChar(out, '}');
}

/* A label and a string, or null. */
static void
write_text(StringInfo out, const char *label, const text *value)
{
	appendStringInfoString(out, label);
	if (value == NULL)
		appendStringInfoString(out, "null");
	else
		sp_json_string(out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/*
 * The seq of the answer: the client has everything older.  A table that is
 * to start anew does not count.
 */
static int64
find_seq(PullAnswer *answer, PullPart *parts)
{
	uint64		seq = sp_snapshot_xmin(answer->now);
	int			i;

	for (i = 0; i < list_length(answer->request->tables); i++)
	{
		FeedRead   *read = &parts[i].read;

		if (!FEED_MUST_RESET(read->reset))
			seq = Min(seq, read->position.base == NULL ? 1 :
					  sp_snapshot_xmin(read->position.base));
	}
	return (int64) seq;
}
