/*-------------------------------------------------------------------------
 *
 * row_write.c
 *	  The statements that mutations become.
 *
 * UPDATE and DELETE name the row by its key and row_version.  Every writer
 * stamps its own version, so a row that somebody else changed since it was
 * read is not met, also when the statement waited for him: the server looks
 * at the condition again (READ COMMITTED) or raises 40001.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "push/row_write.h"
#include "push/run.h"

typedef enum WriteKind
{
	WRITE_INSERT,
	WRITE_INSERT_RETURNING,		/* the key */
	WRITE_UPDATE,
	WRITE_UPDATE_RETURNING,		/* the row */
	WRITE_DELETE
} WriteKind;

/* A prepared statement; its parameters: key and row_version, columns. */
typedef struct RowWrite
{
	WriteKind	kind;
	Bitmapset  *columns;		/* attribute numbers, those written */
	SPIPlanPtr	plan;
	int			nparams;
} RowWrite;

static bool has_key(const PushTable *table, const Bitmapset *columns);
static RowWrite *find_write(PushTable *table, WriteKind kind,
							Bitmapset *columns);
static RowWrite *prepare_write(PushTable *table, WriteKind kind,
							   Bitmapset *columns);
static char *insert_sql(const PushTable *table, const RowWrite *write);
static char *update_sql(const PushTable *table, const RowWrite *write);
static char *where_sql(const PushTable *table);
static Oid *param_types(const PushTable *table, RowWrite *write);
static bool names_row(const RowWrite *write);
static bool run_write(const PushTable *table, RowWrite *write,
					  const ColumnValues *set, const PushRow *row);
static void take_key(const PushTable *table, ColumnValues *key);

bool
sp_row_insert(PushTable *table, const ColumnValues *set, ColumnValues *key)
{
	bool		complete = bms_num_members(key->columns) == table->nkey;
	ColumnValues all = *set;
	RowWrite   *write;
	int			attnum = -1;

	all.columns = bms_union(set->columns, key->columns);
	all.values = palloc(table->natts * sizeof(Datum));
	all.isnull = palloc(table->natts * sizeof(bool));
	memcpy(all.values, set->values, table->natts * sizeof(Datum));
	memcpy(all.isnull, set->isnull, table->natts * sizeof(bool));
	while ((attnum = bms_next_member(key->columns, attnum)) >= 0)
	{
		all.values[attnum - 1] = key->values[attnum - 1];
		all.isnull[attnum - 1] = false;
	}
	write = find_write(table, complete ? WRITE_INSERT :
					   WRITE_INSERT_RETURNING, all.columns);
	if (!run_write(table, write, &all, NULL))
		return false;
	if (!complete)
		take_key(table, key);
	return true;
}

bool
sp_row_update(PushTable *table, const PushRow *row, const ColumnValues *set,
			  Bitmapset *columns, PushRow **left)
{
	bool		returning = table->returning && !has_key(table, columns);
	WriteKind	kind = returning ? WRITE_UPDATE_RETURNING : WRITE_UPDATE;

	*left = NULL;
	if (!run_write(table, find_write(table, kind, columns), set, row))
		return false;
	if (returning)
		*left = sp_row_take(table);
	return true;
}

/* Whether a column of the key is among them. */
static bool
has_key(const PushTable *table, const Bitmapset *columns)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		if (table->columns[attnum - 1].key)
			return true;
	}
	return false;
}

bool
sp_row_delete(PushTable *table, const PushRow *row)
{
	return run_write(table, find_write(table, WRITE_DELETE, NULL), NULL, row);
}

bool
sp_row_restore(PushTable *table, const PushRow *row)
{
	Oid			types[] = {REGCLASSOID, JSONBOID};
	Datum		values[2];
	bool		isnull;
	bool		restored;

	values[0] = ObjectIdGetDatum(table->relid);
	values[1] = JsonbPGetDatum(sp_row_key(table, row->values));
	sp_run_sql("SELECT syncport.restore($1, $2)", 2, types, values,
			   SPI_OK_SELECT);
	restored = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 1,
										   &isnull)) > 0;
	SPI_freetuptable(SPI_tuptable);
	return restored;
}

/* The statement for these columns, prepared once in a call. */
static RowWrite *
find_write(PushTable *table, WriteKind kind, Bitmapset *columns)
{
	ListCell   *lc;

	foreach(lc, table->writes)
	{
		RowWrite   *write = lfirst(lc);

		if (write->kind == kind && bms_equal(write->columns, columns))
			return write;
	}
	return prepare_write(table, kind, columns);
}

/* Prepare it, to live as long as the table. */
static RowWrite *
prepare_write(PushTable *table, WriteKind kind, Bitmapset *columns)
{
	MemoryContext caller =
	MemoryContextSwitchTo(GetMemoryChunkContext(table));
	RowWrite   *write = palloc0(sizeof(RowWrite));
	Oid		   *types;
	char	   *sql = NULL;

	write->kind = kind;
	write->columns = bms_copy(columns);
	switch (kind)
	{
		case WRITE_INSERT:
		case WRITE_INSERT_RETURNING:
			sql = insert_sql(table, write);
			break;
		case WRITE_UPDATE:
		case WRITE_UPDATE_RETURNING:
			sql = update_sql(table, write);
			break;
		case WRITE_DELETE:
			sql = psprintf("DELETE FROM %s t%s", table->from,
						   where_sql(table));
			break;
	}
	types = param_types(table, write);
	write->plan = sp_run_prepare(sql, write->nparams, types);
	table->writes = lappend(table->writes, write);
	MemoryContextSwitchTo(caller);
	return write;
}

/* INSERT */
static char *
insert_sql(const PushTable *table, const RowWrite *write)
{
	StringInfoData names;
	StringInfoData params;
	StringInfoData returning;
	int			attnum = -1;
	int			i;

	initStringInfo(&names);
	initStringInfo(&params);
	initStringInfo(&returning);
	for (i = 1; (attnum = bms_next_member(write->columns, attnum)) >= 0; i++)
	{
		appendStringInfo(&names, "%s%s", i > 1 ? ", " : "",
						 sp_push_table_quote(table, attnum));
		appendStringInfo(&params, "%s$%d", i > 1 ? ", " : "", i);
	}
	if (write->kind == WRITE_INSERT_RETURNING)
	{
		for (i = 0; i < table->nkey; i++)
			appendStringInfo(&returning, "%s%s",
							 i > 0 ? ", " : " RETURNING ",
							 sp_push_table_quote(table, table->key[i]));
	}
	if (bms_is_empty(write->columns))
		return psprintf("INSERT INTO %s DEFAULT VALUES%s", table->into,
						returning.data);
	return psprintf("INSERT INTO %s (%s) VALUES (%s)%s", table->into,
					names.data, params.data, returning.data);
}

/* UPDATE */
static char *
update_sql(const PushTable *table, const RowWrite *write)
{
	StringInfoData sql;
	int			attnum = -1;
	int			i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s t SET ", table->from);
	for (i = 0; (attnum = bms_next_member(write->columns, attnum)) >= 0; i++)
		appendStringInfo(&sql, "%s%s = $%d", i > 0 ? ", " : "",
						 sp_push_table_quote(table, attnum),
						 table->nkey + 2 + i);
	appendStringInfoString(&sql, where_sql(table));
	if (write->kind == WRITE_UPDATE_RETURNING)
		appendStringInfo(&sql, " RETURNING %s", sp_row_select_list(table));
	return sql.data;
}

/* The row by key and version. */
static char *
where_sql(const PushTable *table)
{
	return psprintf(" WHERE %s AND t.%s OPERATOR(pg_catalog.=) $%d",
					table->key_condition,
					sp_push_table_quote(table, table->row_version),
					table->nkey + 1);
}

/* The types of the parameters, and how many there are. */
static Oid *
param_types(const PushTable *table, RowWrite *write)
{
	Oid		   *types = palloc((table->nkey + 1 + table->natts) *
							   sizeof(Oid));
	int			attnum = -1;
	int			n = 0;

	if (names_row(write))
	{
		memcpy(types, table->key_types, table->nkey * sizeof(Oid));
		types[table->nkey] = INT8OID;
		n = table->nkey + 1;
	}
	while ((attnum = bms_next_member(write->columns, attnum)) >= 0)
		types[n++] = table->columns[attnum - 1].type;
	write->nparams = n;
	return types;
}

/* Whether a statement is about a row that is there. */
static bool
names_row(const RowWrite *write)
{
	return write->kind == WRITE_UPDATE ||
		write->kind == WRITE_UPDATE_RETURNING ||
		write->kind == WRITE_DELETE;
}

/* Run it; true if it met a row. */
static bool
run_write(const PushTable *table, RowWrite *write, const ColumnValues *set,
		  const PushRow *row)
{
	static const int results[] = {
		[WRITE_INSERT] = SPI_OK_INSERT,
		[WRITE_INSERT_RETURNING] = SPI_OK_INSERT_RETURNING,
		[WRITE_UPDATE] = SPI_OK_UPDATE,
		[WRITE_UPDATE_RETURNING] = SPI_OK_UPDATE_RETURNING,
		[WRITE_DELETE] = SPI_OK_DELETE
	};
	Datum	   *values = palloc(Max(write->nparams, 1) * sizeof(Datum));
	char	   *nulls = palloc(Max(write->nparams, 1));
	int			attnum = -1;
	int			n = 0;

	memset(nulls, ' ', Max(write->nparams, 1));
	if (names_row(write))
	{
		for (; n < table->nkey; n++)
			values[n] = row->values[table->key[n] - 1];
		values[n++] = Int64GetDatum(row->row_version);
	}
	while ((attnum = bms_next_member(write->columns, attnum)) >= 0)
	{
		values[n] = set->values[attnum - 1];
		nulls[n++] = set->isnull[attnum - 1] ? 'n' : ' ';
	}
	sp_run_plan(write->plan, values, nulls, results[write->kind]);
	if (SPI_processed == 0 && SPI_tuptable != NULL)
		SPI_freetuptable(SPI_tuptable);
	return SPI_processed > 0;
}

/* The key that RETURNING gave. */
static void
take_key(const PushTable *table, ColumnValues *key)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	int			i;

	for (i = 0; i < table->nkey; i++)
	{
		const PushColumn *column = &table->columns[table->key[i] - 1];
		AttrNumber	attnum = table->key[i];
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], desc, i + 1,
										  &key->isnull[attnum - 1]);

		key->values[attnum - 1] = datumCopy(value, column->byval,
											column->length);
		key->columns = bms_add_member(key->columns, attnum);
	}
	SPI_freetuptable(SPI_tuptable);
}
