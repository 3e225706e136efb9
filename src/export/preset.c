/*-------------------------------------------------------------------------
 *
 * preset.c
 *	  Saved selections of a table.
 *
 * Row policies of syncport.saved_preset decide whose presets a caller sees
 * and writes; a preset says what to select and gives no right to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "export/copy_option.h"
#include "export/selection.h"
#include "support/relation.h"

/* the preset that every table has */
#define PRESET_ALL		"all"

/* arguments of save_preset, in the order of its parameters */
#define ARG_TARGET		0
#define ARG_NAME		1
#define ARG_COLUMNS		2
#define ARG_FILTER		3
#define ARG_ORDER_BY	4
#define ARG_HEADINGS	5
#define ARG_SHARED		6
#define NARGS			7

/* columns of what find_preset reads */
#define FOUND_COLUMNS	1
#define FOUND_FILTER	2
#define FOUND_ORDER_BY	3
#define FOUND_HEADINGS	4

#define IS_MINE \
	"(owner OPERATOR(pg_catalog.=) CURRENT_USER" \
	" AND principal OPERATOR(pg_catalog.=)" \
	" COALESCE((SELECT syncport.principal()), ''))"

static void take_over(ExportSelection *selection, HeapTuple row,
					  TupleDesc desc);
static void refuse_unknown(Oid relid, const char *name);
static char *list_presets(Oid relid);
static void check_name(const char *name);
static void check_preset(FunctionCallInfo fcinfo);
static void save_preset(FunctionCallInfo fcinfo);
static void require_arguments(FunctionCallInfo fcinfo);

PG_FUNCTION_INFO_V1(syncport_save_preset);
PG_FUNCTION_INFO_V1(syncport_drop_preset);

/*
 * syncport.save_preset(target regclass, name text, columns text[],
 *		filter jsonb, order_by text, headings jsonb, shared boolean)
 */
Datum
syncport_save_preset(PG_FUNCTION_ARGS)
{
	require_arguments(fcinfo);
	check_name(text_to_cstring(PG_GETARG_TEXT_PP(ARG_NAME)));
	check_preset(fcinfo);
	save_preset(fcinfo);
	PG_RETURN_VOID();
}

/* syncport.drop_preset(target regclass, name text) RETURNS boolean */
Datum
syncport_drop_preset(PG_FUNCTION_ARGS)
{
	Oid			types[] = {REGCLASSOID, TEXTOID};
	Datum		values[2];
	bool		dropped;

	require_arguments(fcinfo);
	values[0] = PG_GETARG_DATUM(ARG_TARGET);
	values[1] = PG_GETARG_DATUM(ARG_NAME);
	SPI_connect();
	if (SPI_execute_with_args("DELETE FROM syncport.saved_preset"
							  " WHERE target OPERATOR(pg_catalog.=) $1"
							  " AND name OPERATOR(pg_catalog.=) $2"
							  " AND " IS_MINE,
							  2, types, values, NULL, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not drop a preset");
	dropped = SPI_processed > 0;
	SPI_finish();
	PG_RETURN_BOOL(dropped);
}

void
sp_selection_add_preset(ExportSelection *selection, Oid relid,
						const char *name)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {REGCLASSOID, TEXTOID};
	Datum		values[2];

	if (strcmp(name, PRESET_ALL) == 0)
		return;
	values[0] = ObjectIdGetDatum(relid);
	values[1] = CStringGetTextDatum(name);
	SPI_connect();
	/* one's own, else the one that was shared first */
	if (SPI_execute_with_args("SELECT columns, filter, order_by, headings"
							  " FROM syncport.saved_preset"
							  " WHERE target OPERATOR(pg_catalog.=) $1"
							  " AND name OPERATOR(pg_catalog.=) $2"
							  " ORDER BY " IS_MINE " DESC, saved_at, owner,"
							  " principal LIMIT 1",
							  2, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read presets");
	if (SPI_processed == 0)
		refuse_unknown(relid, name);
	MemoryContextSwitchTo(context);
	take_over(selection, SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
	SPI_finish();
}

/* What a preset says of what is left open. */
static void
take_over(ExportSelection *selection, HeapTuple row, TupleDesc desc)
{
	bool		isnull;
	Datum		value;

	value = SPI_getbinval(row, desc, FOUND_COLUMNS, &isnull);
	if (!isnull && selection->columns == NIL)
		selection->columns = sp_selection_names(DatumGetArrayTypePCopy(value));
	value = SPI_getbinval(row, desc, FOUND_FILTER, &isnull);
	if (!isnull)
		sp_selection_add_filter(selection, DatumGetJsonbPCopy(value));
	value = SPI_getbinval(row, desc, FOUND_ORDER_BY, &isnull);
	if (!isnull && selection->order_by == NULL)
		selection->order_by = TextDatumGetCString(value);
	value = SPI_getbinval(row, desc, FOUND_HEADINGS, &isnull);
	if (!isnull)
	{
		Jsonb	   *json = DatumGetJsonbP(value);

		selection->headings =
			sp_copy_option_headings(JsonbToCString(NULL, &json->root,
												   VARSIZE(json)));
	}
}

/* There is no such preset, or it is not for the caller. */
static void
refuse_unknown(Oid relid, const char *name)
{
	char	   *names = list_presets(relid);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("preset \"%s\" does not exist", name),
			 errhint("Presets of the table: %s.", names)));
}

/* The names that the caller sees; SPI connected. */
static char *
list_presets(Oid relid)
{
	Oid			types[] = {REGCLASSOID};
	Datum		values[1];

	values[0] = ObjectIdGetDatum(relid);
	if (SPI_execute_with_args("SELECT pg_catalog.string_agg(n.name, ', '"
							  " ORDER BY n.name) FROM (SELECT 'all' AS name"
							  " UNION SELECT name FROM syncport.saved_preset"
							  " WHERE target OPERATOR(pg_catalog.=) $1) n",
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read presets");
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Names are free, but one is taken. */
static void
check_name(const char *name)
{
	if (name[0] == '\0' || strcmp(name, PRESET_ALL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a preset cannot be named \"%s\"", name),
				 errhint("\"all\" is built in, and a name is not empty.")));
}

/* Could the caller export with it now?  Opening the query tells. */
static void
check_preset(FunctionCallInfo fcinfo)
{
	ExportSelection selection = {0};
	Relation	rel = sp_relation_open_pageable(PG_GETARG_OID(ARG_TARGET),
												AccessShareLock);
	SelectionQuery *query;

	if (!PG_ARGISNULL(ARG_COLUMNS))
		selection.columns =
			sp_selection_names(PG_GETARG_ARRAYTYPE_P(ARG_COLUMNS));
	if (!PG_ARGISNULL(ARG_FILTER))
		selection.filter = PG_GETARG_JSONB_P(ARG_FILTER);
	if (!PG_ARGISNULL(ARG_ORDER_BY))
		selection.order_by =
			text_to_cstring(PG_GETARG_TEXT_PP(ARG_ORDER_BY));
	if (!PG_ARGISNULL(ARG_HEADINGS))
	{
		Jsonb	   *json = PG_GETARG_JSONB_P(ARG_HEADINGS);

		(void) sp_copy_option_headings(JsonbToCString(NULL, &json->root,
													  VARSIZE(json)));
	}
	query = sp_selection_query(&selection, rel);
	SPI_connect();
	SPI_cursor_close(sp_selection_open(query));
	SPI_finish();
	table_close(rel, NoLock);
}

/* Put it in the place of one's own of that name. */
static void
save_preset(FunctionCallInfo fcinfo)
{
	Oid			types[NARGS] = {REGCLASSOID, TEXTOID, TEXTARRAYOID, JSONBOID,
	TEXTOID, JSONBOID, BOOLOID};
	Datum		values[NARGS];
	char		nulls[NARGS + 1];
	int			i;

	for (i = 0; i < NARGS; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	nulls[NARGS] = '\0';
	SPI_connect();
	if (SPI_execute_with_args("INSERT INTO syncport.saved_preset"
							  " (target, name, columns, filter, order_by,"
							  " headings, shared)"
							  " VALUES ($1, $2, $3, $4, $5, $6,"
							  " COALESCE($7, false))"
							  " ON CONFLICT (owner, principal, target, name)"
							  " DO UPDATE SET columns = EXCLUDED.columns,"
							  " filter = EXCLUDED.filter,"
							  " order_by = EXCLUDED.order_by,"
							  " headings = EXCLUDED.headings,"
							  " shared = EXCLUDED.shared",
							  NARGS, types, values, nulls, false,
							  0) != SPI_OK_INSERT)
		elog(ERROR, "could not save a preset");
	SPI_finish();
}

/* A table and a name there must be. */
static void
require_arguments(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(ARG_TARGET) || PG_ARGISNULL(ARG_NAME))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null",
						PG_ARGISNULL(ARG_TARGET) ? "target" : "name")));
}
