/*-------------------------------------------------------------------------
 *
 * erase_image.c
 *	  The images of a row that is erased.
 *
 * A key may have images that not everybody sees, where policies let it pass
 * from one owner to another.  So each is reduced to what policies look at,
 * and only those that look the same then are one.
 *
 * Which images that are is decided as the caller, by the policies for DELETE
 * over each of them.  The work on syncport.tombstone, which nobody has a right
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

static ArrayType *find_images(Relation rel, const RowKey *key);
static void finish(Relation rel, const ErasedImages *erased);
static ArrayType *find_own(Oid target, ArrayType *others);
static void reduce_images(Relation rel, ArrayType *ids,
						  ErasedImages *erased);
static void reduce_one(List **kept, Datum id, Datum key, text *image);
static text *reduce_image(Relation rel, text *image);
static List *list_columns(Relation rel);
static void run_as_owner(const char *sql, int nparams, Oid *types,
						 Datum *values, int expected);

void
sp_erase_images(Relation rel, const RowKey *key, ErasedImages *erased)
{
	erased->ids = find_images(rel, key);
	reduce_images(rel, erased->ids, erased);
}

void
sp_erase_leave_row(Relation rel, TupleTableSlot *row,
				   const ErasedImages *erased)
{
	ImageWriter *writer = sp_image_begin(rel);

	(void) sp_image_add(writer, row, IMAGE_REDUCED);
	sp_image_flush();
	CommandCounterIncrement();
	finish(rel, erased);
}

void
sp_erase_leave_image(Relation rel, const ErasedImages *erased)
{
	Oid			types[] = {OIDOID, INT8OID, TIMESTAMPTZOID, JSONOID, JSONOID};
	Datum		values[lengthof(types)];

	values[0] = ObjectIdGetDatum(sp_image_target(rel));
	values[1] = Int64GetDatum(sp_trigger_version());
	values[2] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[3] = erased->key;
	values[4] = PointerGetDatum(erased->image);
	run_as_owner("INSERT INTO syncport.tombstone (target, row_version,"
				 " removed_at, complete, key, image)"
				 " VALUES ($1, $2, $3, false, $4, $5)",
				 lengthof(types), types, values, SPI_OK_INSERT);
	finish(rel, erased);
}

/*
 * Once the last image is there: what this transaction has written of its key
 * before, the image of the deletion, is reduced also if no policy shows it.
 */
static void
finish(Relation rel, const ErasedImages *erased)
{
	ErasedImages last = {0};

	reduce_images(rel, find_own(sp_image_target(rel), erased->ids), &last);
}

/*
 * bigint[]: the others, and this transaction's images with the key of its
 * last one.
 */
static ArrayType *
find_own(Oid target, ArrayType *others)
{
	Oid			types[] = {OIDOID, INT8OID, INT8ARRAYOID};
	Datum		values[lengthof(types)];
	bool		isnull;

	values[0] = ObjectIdGetDatum(target);
	values[1] = Int64GetDatum(sp_trigger_version());
	values[2] = PointerGetDatum(others);
	run_as_owner("SELECT pg_catalog.array_agg(t.id)"
				 " OPERATOR(pg_catalog.||) $3"
				 " FROM syncport.tombstone t,"
				 " (SELECT n.key FROM syncport.tombstone n"
				 " WHERE n.target OPERATOR(pg_catalog.=) $1"
				 " AND n.row_version OPERATOR(pg_catalog.=) $2"
				 " ORDER BY n.id DESC LIMIT 1) n"
				 " WHERE t.target OPERATOR(pg_catalog.=) $1"
				 " AND t.row_version OPERATOR(pg_catalog.=) $2"
				 " AND t.key::pg_catalog.text OPERATOR(pg_catalog.=)"
				 " n.key::pg_catalog.text",
				 lengthof(types), types, values, SPI_OK_SELECT);
	return DatumGetArrayTypePCopy(SPI_getbinval(SPI_tuptable->vals[0],
												SPI_tuptable->tupdesc, 1,
												&isnull));
}

/*
 * Leave of images, newest first, what a reduced one keeps, and of those that
 * are equal then the newest.  The others stay: each tells clients of its key
 * who may see it, as its policy columns say.  The newest is set, if any.
 */
static void
reduce_images(Relation rel, ArrayType *ids, ErasedImages *erased)
{
	Oid			types[] = {INT8ARRAYOID};
	Datum		values[] = {PointerGetDatum(ids)};
	SPITupleTable *found;
	List	   *kept = NIL;
	uint64		i;

	run_as_owner("SELECT t.id, t.key, t.image FROM syncport.tombstone t"
				 " WHERE t.id OPERATOR(pg_catalog.=) ANY ($1)"
				 " ORDER BY t.id DESC FOR UPDATE",
				 lengthof(types), types, values, SPI_OK_SELECT);
	found = SPI_tuptable;
	for (i = 0; i < found->numvals; i++)
	{
		HeapTuple	row = found->vals[i];
		bool		isnull;
		Datum		id = SPI_getbinval(row, found->tupdesc, 1, &isnull);
		Datum		key = SPI_getbinval(row, found->tupdesc, 2, &isnull);
		text	   *image = DatumGetTextPCopy(SPI_getbinval(row,
															found->tupdesc, 3,
															&isnull));

		image = reduce_image(rel, image);
		if (i == 0)
		{
			erased->key = PointerGetDatum(DatumGetTextPCopy(key));
			erased->image = image;
		}
		reduce_one(&kept, id, key, image);
	}
	SPI_freetuptable(found);
}

/* Write one of them, or remove it; kept: the texts of those that stay. */
static void
reduce_one(List **kept, Datum id, Datum key, text *image)
{
	char	   *content = psprintf("%s %s", TextDatumGetCString(key),
								   text_to_cstring(image));
	Oid			types[] = {INT8OID, JSONOID};
	Datum		values[] = {id, PointerGetDatum(image)};
	ListCell   *lc;

	foreach(lc, *kept)
	{
		if (strcmp(lfirst(lc), content) != 0)
			continue;
		run_as_owner("DELETE FROM syncport.tombstone t"
					 " WHERE t.id OPERATOR(pg_catalog.=) $1",
					 1, types, values, SPI_OK_DELETE);
		return;
	}
	*kept = lappend(*kept, content);
	run_as_owner("UPDATE syncport.tombstone AS t"
				 " SET complete = false, image = $2"
				 " WHERE t.id OPERATOR(pg_catalog.=) $1 AND t.complete",
				 lengthof(types), types, values, SPI_OK_UPDATE);
}

/* bigint[]: the images that the caller may remove. */
static ArrayType *
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
	return construct_array(ids, SPI_processed, INT8OID, sizeof(int64),
						   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
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
