/*-------------------------------------------------------------------------
 *
 * page_json.c
 *	  syncport.page_json: a page as one JSON object.
 *
 * Rows are written from the executor's slot into one buffer, which is the
 * result.  One row more than the page is fetched and not written: it says
 * whether there are more.  Going backward rows arrive last first; they are
 * written as they come and turned around by their offsets at the end.
 *
 * Only two cursors are made.  The row next to where the page started (near,
 * the first to arrive) leads back, the one farthest from it (far, number
 * page_size) leads on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "encode/encode.h"
#include "keyset/keyset.h"
#include "keyset/request.h"
#include "support/compat.h"

PG_FUNCTION_INFO_V1(syncport_page_json);

/* argument numbers */
#define ARG_TARGET			0
#define ARG_TOTAL			8
#define ARG_INT8_AS_TEXT	9
#define ARG_NUMERIC_AS_TEXT 10
#define ARG_TIME_ZONE		11

/* Writes the rows of a page. */
typedef struct JsonReceiver
{
	DestReceiver pub;			/* callbacks, must be first */
	PageFetch  *page;			/* being fetched */
	EncodeOptions options;		/* how values are written */
	TupleDesc	desc;			/* of the rows, once known */
	RowEncoder *encoder;		/* for desc */
	StringInfoData out;			/* the result, behind its varlena header */
	int		   *offsets;		/* backward: where each row starts in out */
	int			nrows;			/* arrived, the one too many included */
	MemoryContext query_context;	/* holds encoder and cursors */
	MemoryContext row_context;	/* reset for each row */
	CursorPosition position;	/* of the row at hand */
	text	   *near;			/* cursor of the first row to arrive */
	text	   *far;			/* cursor of row page_size */
} JsonReceiver;

static void read_options(FunctionCallInfo fcinfo, EncodeOptions *options);
static bool read_flag(FunctionCallInfo fcinfo, int arg);
static CountMode read_total(FunctionCallInfo fcinfo);
static void start_json(JsonReceiver *receiver, PageFetch *page);
static void receive_startup(DestReceiver *self, int operation,
							TupleDesc desc);
static void ignore_end(DestReceiver *self);
static bool receive_row(TupleTableSlot *slot, DestReceiver *self);
static text *make_cursor(JsonReceiver *receiver, TupleTableSlot *slot);
static void reverse_rows(JsonReceiver *receiver);
static void append_cursors(JsonReceiver *receiver);
static void append_cursor(StringInfo out, const char *key,
						  const text *cursor);
static void append_total(JsonReceiver *receiver, CountMode mode);

/*
 * syncport.page_json(target regclass, after text, before text,
 *		page_size integer, order_by text, columns text[], filter jsonb,
 *		include_deleted boolean, total text, int8_as_text boolean,
 *		numeric_as_text boolean, time_zone text) RETURNS json
 */
Datum
syncport_page_json(PG_FUNCTION_ARGS)
{
	static const PageArguments arguments = {
		.after = 1,.before = 2,.page_size = 3,.order_by = 4,
		.columns = 5,.filter = 6,.include_deleted = 7
	};
	PageFetch	page = {{0}};
	JsonReceiver receiver = {{0}};
	CountMode	total = read_total(fcinfo);

	if (PG_ARGISNULL(ARG_TARGET))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("target is NULL"),
				 errhint("Name a table.")));
	read_options(fcinfo, &receiver.options);
	PG_TRY();
	{
		sp_page_begin(&page, fcinfo, PG_GETARG_OID(ARG_TARGET), &arguments,
					  1);
		start_json(&receiver, &page);
		sp_page_fetch(&page, &receiver.pub);
		if (page.request.backward)
			reverse_rows(&receiver);
		append_cursors(&receiver);
		append_total(&receiver, total);
	}
	PG_FINALLY();
	{
		sp_page_release(&page);
	}
	PG_END_TRY();
	sp_page_close(&page);
	SET_VARSIZE(receiver.out.data, receiver.out.len);
	PG_RETURN_POINTER(receiver.out.data);
}

/* The arguments about values. */
static void
read_options(FunctionCallInfo fcinfo, EncodeOptions *options)
{
	options->int8_as_text = read_flag(fcinfo, ARG_INT8_AS_TEXT);
	options->numeric_as_text = read_flag(fcinfo, ARG_NUMERIC_AS_TEXT);
	options->time_zone = PG_ARGISNULL(ARG_TIME_ZONE) ? NULL :
		sp_encode_time_zone(text_to_cstring(PG_GETARG_TEXT_PP(ARG_TIME_ZONE)));
}

/* A boolean argument; NULL is false. */
static bool
read_flag(FunctionCallInfo fcinfo, int arg)
{
	return !PG_ARGISNULL(arg) && PG_GETARG_BOOL(arg);
}

/* The argument total. */
static CountMode
read_total(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(ARG_TOTAL))
		return COUNT_NONE;
	return sp_keyset_count_mode(text_to_cstring(PG_GETARG_TEXT_PP(ARG_TOTAL)),
								true);
}

/* Prepare to receive the rows of a page. */
static void
start_json(JsonReceiver *receiver, PageFetch *page)
{
	int			ncolumns = page->plan->order->ncolumns;

	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = receive_startup;
	receiver->pub.rShutdown = ignore_end;
	receiver->pub.rDestroy = ignore_end;
	receiver->pub.mydest = DestTuplestore;	/* DestNone: not counted */
	receiver->page = page;
	initStringInfo(&receiver->out);
	appendStringInfoSpaces(&receiver->out, VARHDRSZ);
	appendStringInfoString(&receiver->out, "{\"items\":[");
	receiver->query_context = CurrentMemoryContext;
	receiver->row_context = AllocSetContextCreate(CurrentMemoryContext,
												  "syncport page row",
												  ALLOCSET_DEFAULT_SIZES);
	receiver->position.values = palloc(ncolumns * sizeof(Datum));
	receiver->position.isnull = palloc(ncolumns * sizeof(bool));
	if (page->request.backward)
		receiver->offsets = palloc((page->page_size + 1) * sizeof(int));
}

/* Callback: the columns of the rows, the same each time. */
static void
receive_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	JsonReceiver *receiver = (JsonReceiver *) self;
	MemoryContext caller;

	if (receiver->encoder)
		return;
	caller = MemoryContextSwitchTo(receiver->query_context);
	receiver->desc = CreateTupleDescCopy(desc);
	receiver->encoder = sp_encode_begin_json(receiver->desc,
											 receiver->page->plan->nselected,
											 &receiver->options);
	MemoryContextSwitchTo(caller);
}

/* Callback: nothing to do, everything lives in memory contexts. */
static void
ignore_end(DestReceiver *self)
{
}

/* Callback: one row. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	JsonReceiver *receiver = (JsonReceiver *) self;
	int			page_size = receiver->page->page_size;
	MemoryContext caller;

	if (++receiver->nrows > page_size)
		return true;
	caller = MemoryContextSwitchTo(receiver->row_context);
	if (receiver->offsets)
		receiver->offsets[receiver->nrows - 1] = receiver->out.len;
	else if (receiver->nrows > 1)
		appendStringInfoChar(&receiver->out, ',');
	sp_encode_json_row(receiver->encoder, slot, &receiver->out);
	if (receiver->nrows == 1)
		receiver->near = make_cursor(receiver, slot);
	if (receiver->nrows == page_size)
		receiver->far = make_cursor(receiver, slot);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(receiver->row_context);
	return true;
}

/* The cursor of the slot's row, to be kept. */
static text *
make_cursor(JsonReceiver *receiver, TupleTableSlot *slot)
{
	MemoryContext caller = MemoryContextSwitchTo(receiver->query_context);
	text	   *cursor;

	sp_plan_position(receiver->page->plan, slot, &receiver->position);
	cursor = sp_cursor_encode(receiver->page->plan->codec,
							  &receiver->position);
	MemoryContextSwitchTo(caller);
	return cursor;
}

/* Put the rows, which arrived last first, in order. */
static void
reverse_rows(JsonReceiver *receiver)
{
	int			nrows = Min(receiver->nrows, receiver->page->page_size);
	StringInfo	out = &receiver->out;
	int			start = nrows > 0 ? receiver->offsets[0] : out->len;
	int			length = out->len - start;
	char	   *rows = palloc(Max(length, 1));
	int			end = length;
	int			i;

	memcpy(rows, out->data + start, length);
	out->len = start;
	for (i = nrows - 1; i >= 0; i--)
	{
		int			offset = receiver->offsets[i] - start;

		appendBinaryStringInfo(out, rows + offset, end - offset);
		if (i > 0)
			appendStringInfoChar(out, ',');
		end = offset;
	}
	pfree(rows);
}

/* Close the items and say where the pages on both sides start. */
static void
append_cursors(JsonReceiver *receiver)
{
	PageFetch  *page = receiver->page;
	bool		has_more = receiver->nrows > page->page_size;
	text	   *on = has_more ? receiver->far : NULL;
	text	   *back = page->cursor ? receiver->near : NULL;

	if (page->cursor && receiver->nrows == 0 && !page->request.backward)
		back = cstring_to_text("end");
	appendStringInfoChar(&receiver->out, ']');
	append_cursor(&receiver->out, "next_cursor",
				  page->request.backward ? back : on);
	append_cursor(&receiver->out, "prev_cursor",
				  page->request.backward ? on : back);
	appendStringInfo(&receiver->out, ",\"has_more\":%s",
					 has_more ? "true" : "false");
}

/* ,"key":"cursor"; a cursor holds nothing that JSON would escape. */
static void
append_cursor(StringInfo out, const char *key, const text *cursor)
{
	if (cursor == NULL)
	{
		appendStringInfo(out, ",\"%s\":null", key);
		return;
	}
	appendStringInfo(out, ",\"%s\":\"", key);
	appendBinaryStringInfo(out, VARDATA_ANY(cursor),
						   VARSIZE_ANY_EXHDR(cursor));
	appendStringInfoChar(out, '"');
}

/* The total, and the end of the object. */
static void
append_total(JsonReceiver *receiver, CountMode mode)
{
	PageRequest *request = &receiver->page->request;
	RowCount	count;

	if (mode == COUNT_NONE)
	{
		appendStringInfoString(&receiver->out, ",\"total\":null}");
		return;
	}
	count = sp_keyset_count(request->rel, request->condition,
							request->include_deleted, mode);
	appendStringInfo(&receiver->out,
					 ",\"total\":{\"rows\":" INT64_FORMAT ",\"kind\":\"%s\"}}",
					 count.rows, count.exact ? "exact" : "estimate");
}
