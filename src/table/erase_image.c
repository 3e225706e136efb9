/*-------------------------------------------------------------------------
 *
 * erase_image.c
 *	  The images of a row that is erased.
 *
 * Which images go is decided as the caller, by the policies for DELETE over
 * each of them.  The work on syncport.tombstone, which nobody has a right
 * to, is done as its owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "support/relation.h"
#include "table/erase.h"
#include "table/image.h"
#include "table/image_parse.h"
#include "table/image_query.h"
#include "table/registry.h"
#include "table/trigger.h"

static Datum find_images(Relation rel, const RowKey *key);
static void delete_superseded(Oid target);
static text *reduce_image(Relation rel, text *image);
static List *list_columns(Relation rel);
static void run_as_owner(const char *sql, int nparams, Oid *types,
						 Datum *values, int expected);

void
sp_erase_images(Relation rel, const RowKey *key, ErasedImage *newest)
{
	Oid			types[] = {INT8ARRAYOID};
	Datum		ids = find_images(rel, key);
	TupleDesc	desc;
	HeapTuple	row;
	bool		isnull;

	run_as_owner("WITH gone AS (DELETE FROM syncport.tombstone t"
				 " WHERE t.id OPERATOR(pg_catalog.=) ANY ($1)"
				 " RETURNING t.id, t.key, t.image)"
				 " SELECT g.key, g.image FROM gone g"
				 " ORDER BY g.id DESC LIMIT 1",
				 lengthof(types), types, &ids, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return;
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	newest->key = PointerGetDatum(DatumGetTextPCopy(SPI_getbinval(row, desc, 1,
																  &isnull)));
	newest->image = DatumGetTextPCopy(SPI_getbinval(row, desc, 2, &isnull));
}

void
sp_erase_leave_row(Relation rel, TupleTableSlot *row)
{
	ImageWriter *writer = sp_image_begin(rel);

	(void) sp_image_add(writer, row, IMAGE_REDUCED);
	sp_image_flush();
	CommandCounterIncrement();
	delete_superseded(sp_image_target(rel));
}

void
sp_erase_leave_image(Relation rel, const ErasedImage *newest)
{
	Oid			types[] = {OIDOID, INT8OID, TIMESTAMPTZOID, JSONOID, JSONOID};
	Datum		values[lengthof(types)];

	values[0] = ObjectIdGetDatum(sp_image_target(rel));
	values[1] = Int64GetDatum(sp_trigger_version());
	values[2] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[3] = newest->key;
	values[4] = PointerGetDatum(reduce_image(rel, newest->image));
	run_as_owner("INSERT INTO syncport.tombstone (target, row_version,"
				 " removed_at, complete, key, image)"
				 " VALUES ($1, $2, $3, false, $4, $5)",
				 lengthof(types), types, values, SPI_OK_INSERT);
}

/* bigint[]: the images that the caller may remove. */
static Datum
find_images(Relation rel, const RowKey *key)
{
	int			nparams = key->ncolumns + 1;
	ImageSource *source = sp_image_source(rel, nparams);
	Oid		   *types = palloc(nparams * sizeof(Oid));
	Datum	   *values = palloc(nparams * sizeof(Datum));
	Datum	   *ids;
	uint64		i;
	bool		isnull;

	source->erasing = true;
	memcpy(types, key->types, key->ncolumns * sizeof(Oid));
	memcpy(values, key->values, key->ncolumns * sizeof(Datum));
	types[key->ncolumns] = INT8OID;
	sp_image_query_run(source,
					   psprintf("SELECT t.syncport_id FROM %s WHERE %s",
								source->from, key->condition),
					   nparams, types, values);
	ids = palloc(sizeof(Datum) * Max(SPI_processed, 1));
	for (i = 0; i < SPI_processed; i++)
		ids[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
							   1, &isnull);
	return PointerGetDatum(construct_array(ids, SPI_processed, INT8OID,
										   sizeof(int64), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

/*
 * Remove what this transaction has written of the same key before: the image
 * of the deletion, also if no policy shows it.
 */
static void
delete_superseded(Oid target)
{
	Oid			types[] = {OIDOID, INT8OID};
	Datum		values[2];

	values[0] = ObjectIdGetDatum(target);
	values[1] = Int64GetDatum(sp_trigger_version());
	run_as_owner("DELETE FROM syncport.tombstone t"
				 " USING (SELECT n.id, n.key FROM syncport.tombstone n"
				 " WHERE n.target OPERATOR(pg_catalog.=) $1"
				 " AND n.row_version OPERATOR(pg_catalog.=) $2"
				 " ORDER BY n.id DESC LIMIT 1) n"
				 " WHERE t.target OPERATOR(pg_catalog.=) $1"
				 " AND t.row_version OPERATOR(pg_catalog.=) $2"
				 " AND t.id OPERATOR(pg_catalog.<) n.id"
				 " AND t.key::pg_catalog.text OPERATOR(pg_catalog.=)"
				 " n.key::pg_catalog.text",
				 lengthof(types), types, values, SPI_OK_DELETE);
}

/* What a reduced image keeps of a complete one, whose text is overwritten. */
static text *
reduce_image(Relation rel, text *image)
{
	List	   *columns = list_columns(rel);
	int			count = list_length(columns);
	const char **names = palloc(sizeof(char *) * count);
	char	  **texts = palloc(sizeof(char *) * count);
	StringInfoData json;
	int			i;

	for (i = 0; i < count; i++)
		names[i] = list_nth(columns, i);
	if (!sp_image_parse(sp_image_parser(names, count), VARDATA(image),
						VARSIZE(image) - VARHDRSZ, texts))
		elog(ERROR, "an image of table \"%s\" is damaged",
			 RelationGetRelationName(rel));
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (i = 0; i < count; i++)
	{
		if (texts[i] == sp_image_missing)
			continue;
		if (json.len > 1)
			appendStringInfoChar(&json, ',');
		escape_json(&json, names[i]);
		appendStringInfoChar(&json, ':');
		if (texts[i] == NULL)
			appendStringInfoString(&json, "null");
		else
			escape_json(&json, texts[i]);
	}
	appendStringInfoChar(&json, '}');
	return cstring_to_text_with_len(json.data, json.len);
}

/* Names of the columns that a reduced image keeps, in the table's order. */
static List *
list_columns(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *key = sp_relation_key(rel);
	List	   *reduced = sp_image_reduced_columns(sp_image_target(rel));
	List	   *result = NIL;
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		char	   *name = NameStr(TupleDescAttr(desc, i)->attname);
		bool		kept = list_member_int(key, i + 1);
		ListCell   *lc;

		foreach(lc, reduced)
		{
			kept = kept || strcmp(lfirst(lc), name) == 0;
		}
		if (kept)
			result = lappend(result, name);
	}
	return result;
}

/* Run a statement as the owner of syncport.tombstone. */
static void
run_as_owner(const char *sql, int nparams, Oid *types, Datum *values,
			 int expected)
{
	RoleSwitch	saved;

	sp_table_become(&saved, sp_table_owner(sp_table_own_oid("tombstone")));
	if (SPI_execute_with_args(sql, nparams, types, values, NULL, false,
							  0) != expected)
		elog(ERROR, "could not change images: %s", sql);
	sp_table_unbecome(&saved);
}
