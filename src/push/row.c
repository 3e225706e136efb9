/*-------------------------------------------------------------------------
 *
 * row.c
 *	  The row that a mutation is about, as the caller sees it.
 *
 * Reading takes no lock: what is decided by a row is written on the
 * condition that its row_version is still the same (row_write.c), so no
 * privilege is needed but those of reading and of the write itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "push/row.h"
#include "push/run.h"
#include "support/compat.h"

static PushRow *make_row(const PushTable *table);
static bool read_image(PushTable *table, Relation rel,
					   const ColumnValues *key, PushRow *row);
static void prepare_read(PushTable *table);
static void prepare_image_query(PushTable *table, Relation rel);
static HeapTuple take_tuple(TupleDesc *desc);
static void take_columns(const PushTable *table, HeapTuple tuple,
						 TupleDesc desc, PushRow *row);
static Datum *key_values(const PushTable *table, const ColumnValues *key);
static bool is_same(PushTable *table, const PushRow *row,
					const ColumnValues *given, AttrNumber attnum, int digits);
static bool is_json(Oid type);
static bool is_json_null(Oid type, Datum value);
static bool is_equal(PushColumn *column, Datum given, Datum stored,
					 int digits);
static int64 floor_to(int64 microseconds, int digits);
static Jsonb *as_jsonb(Datum value);

PushRow *
sp_row_read(PushTable *table, const Relation rel, const ColumnValues *key)
{
	PushRow    *row;

	if (table->read_plan == NULL)
		prepare_read(table);
	sp_run_plan(table->read_plan, key_values(table, key), NULL,
				SPI_OK_SELECT);
	if (SPI_processed > 0)
		return sp_row_take(table);
	SPI_freetuptable(SPI_tuptable);
	row = make_row(table);
	(void) read_image(table, rel, key, row);
	return row;
}

/* A row that is not there. */
static PushRow *
make_row(const PushTable *table)
{
	PushRow    *row = palloc0(sizeof(PushRow));

	row->values = palloc0(table->natts * sizeof(Datum));
	row->isnull = palloc(table->natts * sizeof(bool));
	memset(row->isnull, true, table->natts * sizeof(bool));
	return row;
}

PushRow *
sp_row_take(const PushTable *table)
{
	PushRow    *row = make_row(table);
	TupleDesc	desc;
	HeapTuple	tuple = take_tuple(&desc);

	take_columns(table, tuple, desc, row);
	row->row_version = DatumGetInt64(row->values[table->row_version - 1]);
	row->state = table->deleted_at != InvalidAttrNumber &&
		!row->isnull[table->deleted_at - 1] ? ROW_DELETED : ROW_LIVE;
	return row;
}

/* The newest image, unless the row is there in another way of writing. */
static bool
read_image(PushTable *table, Relation rel, const ColumnValues *key,
		   PushRow *row)
{
	MemoryContext caller = CurrentMemoryContext;
	HeapTuple	tuple;
	TupleDesc	desc;
	bool		isnull;
	bool		found;

	if (table->image_query == NULL)
		prepare_image_query(table, rel);
	found = sp_image_key_query_run(table->image_query, rel,
								   key_values(table, key));
	MemoryContextSwitchTo(caller);
	if (!found)
		return false;
	tuple = take_tuple(&desc);
	take_columns(table, tuple, desc, row);
	row->state = ROW_DELETED;
	row->image = true;
	row->row_version = DatumGetInt64(heap_getattr(tuple, table->nread + 1,
												  desc, &isnull));
	row->removed_at =
		DatumGetTimestampTz(heap_getattr(tuple, table->nread + 2, desc,
										 &isnull));
	row->values[table->row_version - 1] = Int64GetDatum(row->row_version);
	row->isnull[table->row_version - 1] = false;
	if (table->deleted_at != InvalidAttrNumber &&
		row->isnull[table->deleted_at - 1])
	{
		/* it left the table before it could become a tombstone */
		row->values[table->deleted_at - 1] =
			TimestampTzGetDatum(row->removed_at);
		row->isnull[table->deleted_at - 1] = false;
	}
	return true;
}

/* Prepare the SELECT by key. */
static void
prepare_read(PushTable *table)
{
	char	   *sql = psprintf("SELECT %s FROM %s t WHERE %s",
							   sp_row_select_list(table), table->from,
							   table->key_condition);

	table->read_plan = sp_run_prepare(sql, table->nkey, table->key_types);
}

/* Make the query for images, to live as long as the table. */
static void
prepare_image_query(PushTable *table, Relation rel)
{
	MemoryContext caller =
	MemoryContextSwitchTo(GetMemoryChunkContext(table));
	char	   *select = psprintf("%s, t.syncport_row_version,"
								  " t.syncport_removed_at",
								  sp_row_select_list(table));

	table->image_query = sp_image_key_query(rel, select,
											table->key_condition,
											table->key_types);
	MemoryContextSwitchTo(caller);
}

char *
sp_row_select_list(const PushTable *table)
{
	StringInfoData sql;
	int			i;

	initStringInfo(&sql);
	for (i = 0; i < table->nread; i++)
		appendStringInfo(&sql, "%st.%s", i > 0 ? ", " : "",
						 sp_push_table_quote(table, table->read[i]));
	return sql.data;
}

/* The row of the result, copied. */
static HeapTuple
take_tuple(TupleDesc *desc)
{
	HeapTuple	tuple = heap_copytuple(SPI_tuptable->vals[0]);

	*desc = CreateTupleDescCopy(SPI_tuptable->tupdesc);
	SPI_freetuptable(SPI_tuptable);
	return tuple;
}

/* Spread the first columns of a result. */
static void
take_columns(const PushTable *table, HeapTuple tuple, TupleDesc desc,
			 PushRow *row)
{
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *isnull = palloc(desc->natts * sizeof(bool));
	int			i;

	heap_deform_tuple(tuple, desc, values, isnull);
	for (i = 0; i < table->nread; i++)
	{
		row->values[table->read[i] - 1] = values[i];
		row->isnull[table->read[i] - 1] = isnull[i];
	}
}

/* The values of a key in its order. */
static Datum *
key_values(const PushTable *table, const ColumnValues *key)
{
	Datum	   *values = palloc(table->nkey * sizeof(Datum));
	int			i;

	for (i = 0; i < table->nkey; i++)
		values[i] = key->values[table->key[i] - 1];
	return values;
}

char *
sp_row_json(const PushTable *table, const PushRow *row)
{
	const char *deleted_at = table->table->deleted_at;
	Datum	   *values = palloc(table->nread * sizeof(Datum));
	bool	   *isnull = palloc(table->nread * sizeof(bool));
	StringInfoData out;
	ZoneCache	zone = {0};
	char		time[VALUE_BYTES_MAX];
	char	   *end;
	int			i;

	if (row->state == ROW_MISSING)
		return NULL;
	for (i = 0; i < table->nread; i++)
	{
		values[i] = row->values[table->read[i] - 1];
		isnull[i] = row->isnull[table->read[i] - 1];
	}
	initStringInfo(&out);
	sp_json_row(table->row_encoder, values, isnull, &out);
	if (!row->image || table->deleted_at != InvalidAttrNumber)
		return out.data;
	/* the table has no such column, but clients must see what happened */
	out.len--;
	appendStringInfoChar(&out, ',');
	sp_json_string(&out, deleted_at, strlen(deleted_at));
	end = sp_value_timestamptz(time, row->removed_at,
							   table->row_encoder->job->options.time_zone,
							   &zone, TIME_STYLE_XSD);
	appendStringInfo(&out, ":\"%.*s\"}", (int) (end - time), time);
	return out.data;
}

Jsonb *
sp_row_key(const PushTable *table, const Datum *values)
{
	char	   *key = sp_row_key_text(table, values);

	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(key)));
}

char *
sp_row_key_text(const PushTable *table, const Datum *values)
{
	Datum	   *key = palloc(table->nkey * sizeof(Datum));
	bool		none[INDEX_MAX_KEYS] = {false};
	StringInfoData out;
	int			i;

	for (i = 0; i < table->nkey; i++)
		key[i] = values[table->key[i] - 1];
	initStringInfo(&out);
	sp_json_row(table->key_encoder, key, none, &out);
	return out.data;
}

Bitmapset *
sp_row_stored_otherwise(PushTable *table, const PushRow *row,
						const ColumnValues *given)
{
	Bitmapset  *columns = NULL;
	int			attnum = -1;

	while ((attnum = bms_next_member(given->columns, attnum)) >= 0)
	{
		PushColumn *column = &table->columns[attnum - 1];
		bool		isnull = given->isnull[attnum - 1];

		if (!column->readable || (is_json(column->type) ?
								  !is_same(table, row, given, attnum, -1) :
								  isnull != row->isnull[attnum - 1] ||
								  (!isnull &&
								   !datum_image_eq(given->values[attnum - 1],
												   row->values[attnum - 1],
												   column->byval,
												   column->length))))
			columns = bms_add_member(columns, attnum);
	}
	return columns;
}

Bitmapset *
sp_row_unequal(PushTable *table, const PushRow *row,
			   const ColumnValues *given, const int8 *digits)
{
	Bitmapset  *columns = NULL;
	int			attnum = -1;

	while ((attnum = bms_next_member(given->columns, attnum)) >= 0)
	{
		if (table->columns[attnum - 1].readable &&
			!is_same(table, row, given, attnum,
					 digits ? digits[attnum - 1] : -1))
			columns = bms_add_member(columns, attnum);
	}
	return columns;
}

/* Whether a column is given as the row has it. */
static bool
is_same(PushTable *table, const PushRow *row, const ColumnValues *given,
		AttrNumber attnum, int digits)
{
	PushColumn *column = &table->columns[attnum - 1];
	Datum		stored = row->values[attnum - 1];

	/* we show a JSON null as null, so that is what clients send for it */
	if (given->isnull[attnum - 1])
		return row->isnull[attnum - 1] ||
			(is_json(column->type) && is_json_null(column->type, stored));
	return !row->isnull[attnum - 1] &&
		is_equal(column, given->values[attnum - 1], stored, digits);
}

/* Whether a type is json or jsonb. */
static bool
is_json(Oid type)
{
	return type == JSONOID || type == JSONBOID;
}

/* Whether a value of such a type is null. */
static bool
is_json_null(Oid type, Datum value)
{
	Jsonb	   *json = type == JSONOID ? as_jsonb(value) :
	DatumGetJsonbP(value);

	return JB_ROOT_IS_SCALAR(json) &&
		getIthJsonbValueFromContainer(&json->root, 0)->type == jbvNull;
}

/*
 * Whether two values of a column are equal: as its type says, but text byte
 * by byte; json by its content; times to the precision sent.
 */
static bool
is_equal(PushColumn *column, Datum given, Datum stored, int digits)
{
	Oid			output;
	bool		varlena;

	if (digits >= 0)
		return floor_to(DatumGetInt64(given), digits) ==
			floor_to(DatumGetInt64(stored), digits);
	if (OidIsValid(column->equal.fn_oid))
		return DatumGetBool(FunctionCall2Coll(&column->equal, C_COLLATION_OID,
											  given, stored));
	if (column->type == JSONOID)
		return DatumGetBool(DirectFunctionCall2(jsonb_eq,
												JsonbPGetDatum(as_jsonb(given)),
												JsonbPGetDatum(as_jsonb(stored))));
	getTypeOutputInfo(column->type, &output, &varlena);
	return strcmp(OidOutputFunctionCall(output, given),
				  OidOutputFunctionCall(output, stored)) == 0;
}

/* A time without what lies behind some digits of its seconds. */
static int64
floor_to(int64 microseconds, int digits)
{
	int64		unit = 1;

	for (; digits < 6; digits++)
		unit *= 10;
	return microseconds >= 0 ? microseconds / unit :
		-((-microseconds + unit - 1) / unit);
}

/* A json value as jsonb. */
static Jsonb *
as_jsonb(Datum value)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(TextDatumGetCString(value))));
}
