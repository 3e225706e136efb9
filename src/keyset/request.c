/*-------------------------------------------------------------------------
 *
 * request.c
 *	  The arguments that page and page_json share.
 *
 * Everything about the arguments is checked before the first row is read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "keyset/request.h"
#include "support/compat.h"
#include "support/error.h"
#include "support/relation.h"
#include "syncport.h"

/* value of before that asks for the last page */
#define END_OF_TABLE	"end"

static text *read_text(FunctionCallInfo fcinfo, int arg);
static void read_cursors(PageFetch *page, text *after, text *before);
static bool is_end(const text *cursor);
static void check_column(Relation rel, Datum *names, bool *nulls, int i);
static char *list_columns(Relation rel);

void
sp_page_begin(PageFetch *page, FunctionCallInfo fcinfo, Oid relid,
			  const PageArguments *arguments, int extra)
{
	PageRequest *request = &page->request;

	page->page_size = sp_page_size_argument(fcinfo, arguments->page_size);
	read_cursors(page, read_text(fcinfo, arguments->after),
				 read_text(fcinfo, arguments->before));
	request->limit = page->page_size + extra;
	request->order_by = read_text(fcinfo, arguments->order_by);
	request->include_deleted =
		!PG_ARGISNULL(arguments->include_deleted) &&
		PG_GETARG_BOOL(arguments->include_deleted);
	request->rel = sp_relation_open_pageable(relid, AccessShareLock);
	if (arguments->columns >= 0 && !PG_ARGISNULL(arguments->columns))
	{
		request->columns = PG_GETARG_ARRAYTYPE_P(arguments->columns);
		sp_page_check_columns(request->rel, request->columns);
	}
	if (!PG_ARGISNULL(arguments->filter))
	{
		request->filter = PG_GETARG_JSONB_P(arguments->filter);
		request->condition = sp_filter_compile(request->rel,
											   request->filter, 1);
	}
	page->plan = sp_plan_get(request);
	if (page->cursor)
		page->position = sp_cursor_decode(page->plan->codec, page->cursor);
}

void
sp_page_fetch(PageFetch *page, DestReceiver *receiver)
{
	sp_plan_run(page->plan, page->request.condition, page->position,
				receiver);
}

void
sp_page_release(PageFetch *page)
{
	if (page->plan)
		sp_plan_release(page->plan);
}

void
sp_page_close(PageFetch *page)
{
	table_close(page->request.rel, NoLock);
}

int
sp_page_size_argument(FunctionCallInfo fcinfo, int arg)
{
	int			page_size = PG_ARGISNULL(arg) ? 0 : PG_GETARG_INT32(arg);

	if (page_size < SP_PAGE_SIZE_MIN || page_size > SP_PAGE_SIZE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 PG_ARGISNULL(arg) ?
				 errmsg("invalid page_size: NULL") :
				 errmsg("invalid page_size: %d", page_size),
				 errhint("page_size is a number from %d to %d.",
						 SP_PAGE_SIZE_MIN, SP_PAGE_SIZE_MAX)));
	return page_size;
}

/* A text argument, or NULL. */
static text *
read_text(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : PG_GETARG_TEXT_PP(arg);
}

/* Where the page starts and which way it goes. */
static void
read_cursors(PageFetch *page, text *after, text *before)
{
	if (after && before)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("both after and before are given"),
				 errhint("Give after for the page behind a cursor or before for the page ahead of one.")));
	page->request.backward = before != NULL;
	page->cursor = before ? before : after;
	if (before && is_end(before))
		page->cursor = NULL;
}

/* Whether before asks for the last page. */
static bool
is_end(const text *cursor)
{
	return VARSIZE_ANY_EXHDR(cursor) == strlen(END_OF_TABLE) &&
		memcmp(VARDATA_ANY(cursor), END_OF_TABLE,
			   strlen(END_OF_TABLE)) == 0;
}

void
sp_page_check_columns(Relation rel, ArrayType *columns)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;
	int			i;

	deconstruct_array(columns, TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &count);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns is empty"),
				 errhint("Leave it NULL for all columns; there are: %s.",
						 list_columns(rel))));
	for (i = 0; i < count; i++)
		check_column(rel, names, nulls, i);
}

/* Refuse names[i] if it is no column or was named before. */
static void
check_column(Relation rel, Datum *names, bool *nulls, int i)
{
	char	   *name = nulls[i] ? NULL : TextDatumGetCString(names[i]);
	int			k;

	if (name == NULL ||
		get_attnum(RelationGetRelid(rel), name) <= InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						name ? name : "NULL", RelationGetRelationName(rel)),
				 errdetail("It is named in columns."),
				 errhint("Columns are: %s.", list_columns(rel))));
	for (k = 0; k < i; k++)
		if (strcmp(TextDatumGetCString(names[k]), name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("column \"%s\" is named twice in columns", name),
					 errhint("Name each column once.")));
}

/* "a, b, c": the columns of a table. */
static char *
list_columns(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData list;
	int			i;

	initStringInfo(&list);
	for (i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 NameStr(TupleDescAttr(desc, i)->attname));
	return list.data;
}
