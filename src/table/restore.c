/*-------------------------------------------------------------------------
 *
 * restore.c
 *	  syncport.restore: brings deleted rows back.
 *
 * First the rows are found, as the caller and without changing anything:
 * the one that was asked for, then along foreign keys what was deleted at
 * the same time below it, level by level.  A row that was found already is
 * not looked for again, so cycles end.  Then all are written by one
 * statement, whose checks come at its end: neither cycles nor children of
 * two parents need an order.
 *
 * Deletion times are transactions' start times, in microseconds: equal ones
 * mean, in practice, the same transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "support/quote.h"
#include "support/relation.h"
#include "table/image_query.h"
#include "table/key.h"
#include "table/reference.h"
#include "table/registry.h"
#include "table/restore.h"

PG_FUNCTION_INFO_V1(syncport_restore);

typedef struct Restore
{
	MemoryContext context;		/* outlives SPI */
	List	   *sets;			/* of RestoreSet *, one for each table */
	Datum		deleted_at;		/* of the row asked for */
} Restore;

/* Rows whose children are to be found. */
typedef struct Level
{
	RestoreSet *set;
	List	   *rows;			/* of HeapTuple */
} Level;

/* the parameters of the queries for children */
enum ChildParameter
{
	CHILD_PARENTS,				/* rows of the parent */
	CHILD_DELETED_AT,
	CHILD_KNOWN,				/* rows, or ids of images, found already */
	CHILD_TICKET,				/* for images */
	CHILD_PARAMETERS
};

static bool find_row(Restore *restore, RestoreSet *set, RowKey *key);
static bool find_tombstone(Restore *restore, RestoreSet *set, RowKey *key);
static bool find_image(Restore *restore, RestoreSet *set, RowKey *key);
static void find_children(Restore *restore, RestoreSet *set);
static List *find_level(Restore *restore, const Level *parents,
						const ForeignReference *reference, RestoreSet *set);
static void add_tombstones(Restore *restore, const Level *parents,
						   const ForeignReference *reference,
						   RestoreSet *set);
static void add_images(Restore *restore, const Level *parents,
					   const ForeignReference *reference, RestoreSet *set);
static RestoreSet *find_set(Restore *restore, EnabledTable *table);
static RestoreSet *add_set(Restore *restore, EnabledTable *table,
						   Relation rel);
static void list_columns(RestoreSet *set);
static char *select_columns(const RestoreSet *set, const char *alias);
static void keep_tombstones(Restore *restore, RestoreSet *set);
static void keep_images(Restore *restore, RestoreSet *set);
static HeapTuple keep_row(const RestoreSet *set, uint64 row, int first);
static Datum array_of_ids(List *ids);

/* restore(target regclass, key jsonb, cascade boolean) returns bigint */
Datum
syncport_restore(PG_FUNCTION_ARGS)
{
	Restore		restore = {.context = CurrentMemoryContext};
	EnabledTable *table;
	Relation	rel;
	RowKey	   *key;
	RestoreSet *set;
	int64		restored = 0;
	ListCell   *lc;

	PreventCommandIfReadOnly("syncport.restore()");
	rel = sp_key_open_target(fcinfo, RowExclusiveLock, &table);
	key = sp_key_argument(fcinfo, 1, rel);
	set = add_set(&restore, table, rel);
	SPI_connect();
	if (find_row(&restore, set, key))
	{
		if (!PG_ARGISNULL(2) && PG_GETARG_BOOL(2))
			find_children(&restore, set);
		restored = sp_restore_write(restore.sets);
	}
	SPI_finish();
	foreach(lc, restore.sets)
	{
		table_close(((RestoreSet *) lfirst(lc))->rel, NoLock);
	}
	PG_RETURN_INT64(restored);
}

/* The row asked for, wherever it is kept; false if nowhere. */
static bool
find_row(Restore *restore, RestoreSet *set, RowKey *key)
{
	return (set->table->row_mode && find_tombstone(restore, set, key)) ||
		find_image(restore, set, key);
}

/* As a tombstone of its table. */
static bool
find_tombstone(Restore *restore, RestoreSet *set, RowKey *key)
{
	const char *deleted = quote_identifier(set->table->deleted_at);
	char	   *sql = psprintf("SELECT t.%s%s FROM %s t WHERE %s"
							   " AND t.%s IS NOT NULL", deleted,
							   select_columns(set, "t"),
							   sp_quote_from(set->rel), key->condition,
							   deleted);
	bool		isnull;

	if (SPI_execute_with_args(sql, key->ncolumns, key->types, key->values,
							  NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "looking for a tombstone failed: %s", sql);
	if (SPI_processed == 0)
		return false;
	restore->deleted_at = SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, 1, &isnull);
	restore->deleted_at =
		TimestampTzGetDatum(DatumGetTimestampTz(restore->deleted_at));
	keep_tombstones(restore, set);
	return true;
}

/* As an image, unless the table has a row with its key. */
static bool
find_image(Restore *restore, RestoreSet *set, RowKey *key)
{
	ImageKeyQuery *query =
	sp_image_key_query(set->rel,
					   psprintf("t.syncport_id, t.syncport_removed_at%s",
								select_columns(set, "t")),
					   key->condition, key->types);
	bool		isnull;
	Datum		removed_at;

	if (!sp_image_key_query_run(query, set->rel, key->values))
		return false;
	removed_at = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
							   2, &isnull);
	restore->deleted_at =
		TimestampTzGetDatum(DatumGetTimestampTz(removed_at));
	keep_images(restore, set);
	return true;
}

/* Everything deleted with the row and below it, nearest first. */
static void
find_children(Restore *restore, RestoreSet *set)
{
	Level	   *first = palloc(sizeof(Level));
	List	   *levels = list_make1(first);
	ListCell   *lc;

	first->set = set;
	first->rows = list_concat_copy(set->tombstones, set->images);
	while (levels != NIL)
	{
		Level	   *level = linitial(levels);

		levels = list_delete_first(levels);
		foreach(lc, level->set->references)
		{
			ForeignReference *reference = lfirst(lc);
			EnabledTable *child = sp_table_find(reference->child);
			Level	   *next;

			CHECK_FOR_INTERRUPTS();
			if (child == NULL)
				continue;
			next = palloc(sizeof(Level));
			next->set = find_set(restore, child);
			next->rows = find_level(restore, level, reference, next->set);
			if (next->rows != NIL)
				levels = lappend(levels, next);
		}
	}
}

/* The rows that refer to those of a level by one key and are new to us. */
static List *
find_level(Restore *restore, const Level *parents,
		   const ForeignReference *reference, RestoreSet *set)
{
	int			ntombstones = list_length(set->tombstones);
	int			nimages = list_length(set->images);

	if (set->table->row_mode)
		add_tombstones(restore, parents, reference, set);
	add_images(restore, parents, reference, set);
	return list_concat(list_copy_tail(set->tombstones, ntombstones),
					   list_copy_tail(set->images, nimages));
}

/* Those of them that are tombstones of their table. */
static void
add_tombstones(Restore *restore, const Level *parents,
			   const ForeignReference *reference, RestoreSet *set)
{
	Oid			types[CHILD_PARAMETERS];
	Datum		values[CHILD_PARAMETERS];
	char	   *sql;

	sql = psprintf("SELECT 1%s FROM %s c WHERE c.%s"
				   " OPERATOR(pg_catalog.=) $2"
				   " AND EXISTS (SELECT FROM pg_catalog.unnest($1) k WHERE %s)"
				   " AND NOT EXISTS (SELECT FROM pg_catalog.unnest($3) s WHERE %s)",
				   select_columns(set, "c"), sp_quote_from(set->rel),
				   quote_identifier(set->table->deleted_at),
				   sp_reference_join(reference, "k", "c"),
				   sp_key_join(set->rel, "s", "c"));
	values[CHILD_PARENTS] = sp_restore_array(parents->set->rel, parents->rows,
											 &types[CHILD_PARENTS]);
	types[CHILD_DELETED_AT] = TIMESTAMPTZOID;
	values[CHILD_DELETED_AT] = restore->deleted_at;
	values[CHILD_KNOWN] = sp_restore_array(set->rel, set->tombstones,
										   &types[CHILD_KNOWN]);
	if (SPI_execute_with_args(sql, CHILD_TICKET, types, values, NULL, false,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "looking for tombstones failed: %s", sql);
	keep_tombstones(restore, set);
}

/* Those of them that are images. */
static void
add_images(Restore *restore, const Level *parents,
		   const ForeignReference *reference, RestoreSet *set)
{
	Oid			types[CHILD_PARAMETERS];
	Datum		values[CHILD_PARAMETERS];
	ImageSource *source = sp_image_source(set->rel, CHILD_PARAMETERS);

	values[CHILD_PARENTS] = sp_restore_array(parents->set->rel, parents->rows,
											 &types[CHILD_PARENTS]);
	types[CHILD_DELETED_AT] = TIMESTAMPTZOID;
	values[CHILD_DELETED_AT] = restore->deleted_at;
	types[CHILD_KNOWN] = INT8ARRAYOID;
	values[CHILD_KNOWN] = array_of_ids(set->image_ids);
	types[CHILD_TICKET] = INT8OID;
	sp_image_query_run(source,
					   psprintf("SELECT t.syncport_id, 1%s FROM %s"
								" WHERE t.syncport_removed_at"
								" OPERATOR(pg_catalog.=) $2"
								" AND EXISTS (SELECT FROM pg_catalog.unnest($1) k"
								" WHERE %s)"
								" AND t.syncport_id"
								" OPERATOR(pg_catalog.<>) ALL ($3) AND %s",
								select_columns(set, "t"), source->from,
								sp_reference_join(reference, "k", "t"),
								source->not_live),
					   CHILD_PARAMETERS, types, values);
	keep_images(restore, set);
}

/* The set of a table, made if there is none. */
static RestoreSet *
find_set(Restore *restore, EnabledTable *table)
{
	ListCell   *lc;

	foreach(lc, restore->sets)
	{
		RestoreSet *set = lfirst(lc);

		if (set->table->relid == table->relid)
			return set;
	}
	return add_set(restore, table, table_open(table->relid,
											  RowExclusiveLock));
}

/* A new set of a table. */
static RestoreSet *
add_set(Restore *restore, EnabledTable *table, Relation rel)
{
	MemoryContext caller = MemoryContextSwitchTo(restore->context);
	RestoreSet *set = palloc0(sizeof(RestoreSet));

	set->table = table;
	set->rel = rel;
	set->references = sp_reference_list(table->relid);
	list_columns(set);
	restore->sets = lappend(restore->sets, set);
	MemoryContextSwitchTo(caller);
	return set;
}

/* The key, and what others refer to. */
static void
list_columns(RestoreSet *set)
{
	ListCell   *lc;
	int			i;

	set->columns = list_copy(sp_relation_key(set->rel));
	foreach(lc, set->references)
	{
		ForeignReference *reference = lfirst(lc);

		for (i = 0; i < reference->ncolumns; i++)
			set->columns =
				list_append_unique_int(set->columns,
									   get_attnum(set->table->relid,
												  reference->parent_columns[i]));
	}
}

/* ", t.id, ...": the set's columns, as the table has them. */
static char *
select_columns(const RestoreSet *set, const char *alias)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, set->columns)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(set->rel),
											  lfirst_int(lc) - 1);

		appendStringInfo(&sql, ", %s.%s", alias,
						 quote_identifier(NameStr(att->attname)));
	}
	return sql.data;
}

/* Add what a query for tombstones has returned. */
static void
keep_tombstones(Restore *restore, RestoreSet *set)
{
	MemoryContext caller = MemoryContextSwitchTo(restore->context);
	uint64		row;

	for (row = 0; row < SPI_processed; row++)
		set->tombstones = lappend(set->tombstones, keep_row(set, row, 2));
	MemoryContextSwitchTo(caller);
	SPI_freetuptable(SPI_tuptable);
}

/* Add what a query for images has returned. */
static void
keep_images(Restore *restore, RestoreSet *set)
{
	MemoryContext caller = MemoryContextSwitchTo(restore->context);
	uint64		row;

	for (row = 0; row < SPI_processed; row++)
	{
		bool		isnull;
		int64	   *id = palloc(sizeof(int64));

		*id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row],
										  SPI_tuptable->tupdesc, 1, &isnull));
		set->image_ids = lappend(set->image_ids, id);
		set->images = lappend(set->images, keep_row(set, row, 3));
	}
	MemoryContextSwitchTo(caller);
	SPI_freetuptable(SPI_tuptable);
}

/* A row of the table with the set's columns, which start at one of SPI's. */
static HeapTuple
keep_row(const RestoreSet *set, uint64 row, int first)
{
	TupleDesc	desc = RelationGetDescr(set->rel);
	Datum	   *values = palloc0(desc->natts * sizeof(Datum));
	bool	   *isnull = palloc(desc->natts * sizeof(bool));
	HeapTuple	tuple;
	ListCell   *lc;

	memset(isnull, true, desc->natts * sizeof(bool));
	foreach(lc, set->columns)
	{
		int			i = lfirst_int(lc) - 1;

		values[i] = SPI_getbinval(SPI_tuptable->vals[row],
								  SPI_tuptable->tupdesc, first++, &isnull[i]);
	}
	tuple = heap_form_tuple(desc, values, isnull);
	pfree(values);
	pfree(isnull);
	return tuple;
}

/* bigint[] of ids */
static Datum
array_of_ids(List *ids)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(ids), 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, ids)
	{
		values[count++] = Int64GetDatum(*(int64 *) lfirst(lc));
	}
	return PointerGetDatum(construct_array(values, count, INT8OID,
										   sizeof(int64), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}
