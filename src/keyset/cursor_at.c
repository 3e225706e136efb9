/*-------------------------------------------------------------------------
 *
 * cursor_at.c
 *	  A cursor for a place that the user names.
 *
 * The cursor stands just ahead of the first row at or behind the given
 * values, so that a page after it begins with that row.  Given a key that
 * does not lead the order, the row is read as the caller to learn where it
 * stands.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "keyset/cursor.h"
#include "keyset/order.h"
#include "support/error.h"
#include "support/json_value.h"
#include "support/quote.h"
#include "support/relation.h"

typedef struct PlaceRequest
{
	Relation	rel;
	OrderSpec  *order;
	JsonbContainer *members;	/* of the position that the user gave */
	int			nmembers;
	Datum	   *values;			/* one for each of the order's columns */
	bool	   *isnull;
} PlaceRequest;

static void check_members(PlaceRequest *request);
static bool leads_order(PlaceRequest *request);
static bool is_whole_key(PlaceRequest *request);
static JsonbValue *find_member(PlaceRequest *request, const char *name);
static void convert_member(PlaceRequest *request, int column);
static text *encode_prefix(PlaceRequest *request);
static text *encode_row(PlaceRequest *request);
static char *build_lookup(PlaceRequest *request, Oid *types, Datum *values);
static const char *expected_columns(PlaceRequest *request);

PG_FUNCTION_INFO_V1(syncport_cursor_at);

/* cursor_at(target regclass, order_by text, position jsonb) returns text */
Datum
syncport_cursor_at(PG_FUNCTION_ARGS)
{
	PlaceRequest request = {NULL};
	Jsonb	   *position;
	text	   *cursor;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null",
						PG_ARGISNULL(0) ? "target" : "position")));
	position = PG_GETARG_JSONB_P(2);
	request.rel = sp_relation_open_pageable(PG_GETARG_OID(0),
											AccessShareLock);
	request.order = sp_order_parse(request.rel, PG_ARGISNULL(1) ? NULL :
								   text_to_cstring(PG_GETARG_TEXT_PP(1)), true);
	request.values = palloc0(request.order->ncolumns * sizeof(Datum));
	request.isnull = palloc0(request.order->ncolumns * sizeof(bool));
	request.members = &position->root;
	request.nmembers = JB_ROOT_IS_OBJECT(position) ?
		JB_ROOT_COUNT(position) : 0;

	check_members(&request);
	cursor = leads_order(&request) ? encode_prefix(&request) :
		encode_row(&request);
	relation_close(request.rel, NoLock);
	PG_RETURN_TEXT_P(cursor);
}

/* A position gives leading columns of the order, or the whole key. */
static void
check_members(PlaceRequest *request)
{
	if (request->nmembers > 0 &&
		(leads_order(request) || is_whole_key(request)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
			 errmsg("position names neither leading columns of the order nor the primary key"),
			 errhint("%s", expected_columns(request))));
}

/* Are the members the first columns of the order, and nothing else? */
static bool
leads_order(PlaceRequest *request)
{
	const OrderSpec *order = request->order;

	if (request->nmembers > order->ncolumns)
		return false;
	for (int i = 0; i < request->nmembers; i++)
		if (find_member(request, order->columns[i].name) == NULL)
			return false;
	return true;
}

/* Are the members the columns of the key, and nothing else? */
static bool
is_whole_key(PlaceRequest *request)
{
	List	   *key = sp_relation_key(request->rel);
	const OrderSpec *order = request->order;

	for (int i = 0; i < order->ncolumns; i++)
		if (list_member_int(key, order->columns[i].attnum) &&
			find_member(request, order->columns[i].name) == NULL)
			return false;
	return list_length(key) == request->nmembers;
}

/* The value of a member, NULL where the position has none of that name. */
static JsonbValue *
find_member(PlaceRequest *request, const char *name)
{
	return getKeyJsonValueFromContainer(request->members, name, strlen(name),
										NULL);
}

/* The value given for one of the order's columns. */
static void
convert_member(PlaceRequest *request, int i)
{
	const OrderColumn *column = &request->order->columns[i];
	JsonbValue *json = find_member(request, column->name);

	request->isnull[i] = json->type == jbvNull;
	if (!request->isnull[i])
		request->values[i] = sp_json_value(ERRCODE_SP_INVALID_ORDER_OR_FILTER,
										   column->name,
										   column->base_type, json);
	else if (!column->nullable)
		ereport(ERROR,
				(errcode(ERRCODE_SP_INVALID_ORDER_OR_FILTER),
				 errmsg("position gives null for column \"%s\", which is never null",
						column->name)));
}

/* A cursor of the values as they are given. */
static text *
encode_prefix(PlaceRequest *request)
{
	CursorPosition place = {.nvalues = request->nmembers};

	for (int i = 0; i < place.nvalues; i++)
		convert_member(request, i);
	place.values = request->values;
	place.isnull = request->isnull;
	return sp_cursor_encode(sp_cursor_codec(request->order), &place);
}

/* A cursor of the values that the row with this key has. */
static text *
encode_row(PlaceRequest *request)
{
	int			ncolumns = request->order->ncolumns;
	CursorCodec *codec = sp_cursor_codec(request->order);
	CursorPosition place = {.nvalues = ncolumns};
	MemoryContext context = CurrentMemoryContext;
	Oid		   *types = palloc(ncolumns * sizeof(Oid));
	Datum	   *key = palloc(ncolumns * sizeof(Datum));
	char	   *sql = build_lookup(request, types, key);
	text	   *cursor;

	SPI_connect();
	if (SPI_execute_with_args(sql, request->nmembers, types, key, NULL, true,
							  1) != SPI_OK_SELECT)
		elog(ERROR, "lookup failed: %s", sql);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("table \"%s\" has no row with this key",
						RelationGetRelationName(request->rel)),
				 errhint("Give values of the leading columns of the order; a row need not exist there.")));
	for (int i = 0; i < ncolumns; i++)
		request->values[i] = SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, i + 1,
										   &request->isnull[i]);
	place.values = request->values;
	place.isnull = request->isnull;
	context = MemoryContextSwitchTo(context);
	cursor = sp_cursor_encode(codec, &place);
	MemoryContextSwitchTo(context);
	SPI_finish();
	return cursor;
}

/* The query for a row by its key, with the key's values. */
static char *
build_lookup(PlaceRequest *request, Oid *types, Datum *values)
{
	const OrderSpec *order = request->order;
	TupleDesc	desc = RelationGetDescr(request->rel);
	StringInfoData sql;
	int			nparams = 0;

	initStringInfo(&sql);
	for (int i = 0; i < order->ncolumns; i++)
		appendStringInfo(&sql, "%s t.%s", i == 0 ? "SELECT" : ",",
						 quote_identifier(order->columns[i].name));
	appendStringInfo(&sql, " FROM %s t", sp_quote_from(request->rel));
	for (int i = 0; i < order->ncolumns; i++)
	{
		const OrderColumn *column = &order->columns[i];

		if (find_member(request, column->name) == NULL)
			continue;
		convert_member(request, i);
		types[nparams] = column->base_type;
		values[nparams] = request->values[i];
		appendStringInfo(&sql, " %s %s %s $%d",
						 nparams == 0 ? "WHERE" : "AND",
						 sp_quote_column(TupleDescAttr(desc,
													   column->attnum - 1)),
						 sp_quote_operator(column->eq_op), nparams + 1);
		nparams++;
	}
	return sql.data;
}

/* What a position may give, for a hint. */
static const char *
expected_columns(PlaceRequest *request)
{
	const OrderSpec *order = request->order;
	List	   *key = sp_relation_key(request->rel);
	StringInfoData hint;
	int			count = 0;

	initStringInfo(&hint);
	appendStringInfoString(&hint, "The order is ");
	for (int i = 0; i < order->ncolumns; i++)
		appendStringInfo(&hint, "%s%s", i > 0 ? ", " : "",
						 order->columns[i].name);
	appendStringInfoString(&hint, "; give its first column or more of them, or the key ");
	for (int i = 0; i < order->ncolumns; i++)
		if (list_member_int(key, order->columns[i].attnum))
			appendStringInfo(&hint, "%s%s", count++ > 0 ? ", " : "",
							 order->columns[i].name);
	appendStringInfoChar(&hint, '.');
	return hint.data;
}
