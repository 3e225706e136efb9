/*-------------------------------------------------------------------------
 *
 * restore_write.c
 *	  Writes rows that come back.
 *
 * Tombstones are updated, images are inserted, all in one statement.  The
 * texts of an image are read below SQL, since the caller has been shown the
 * row already, and converted here under the settings they were written
 * with: the statement itself runs under the caller's, as its triggers must.
 * Rows travel as an array of the table's row type, which any column fits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/bitmapset.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "support/quote.h"
#include "support/value.h"
#include "table/image.h"
#include "table/image_parse.h"
#include "table/key.h"
#include "table/registry.h"
#include "table/restore.h"
#include "table/trigger.h"

/* the statement that writes everything */
typedef struct Writer
{
	StringInfoData sql;
	StringInfoData sum;			/* of the rows that its parts have written */
	int			nparts;			/* each has one parameter */
	Oid		   *types;
	Datum	   *values;
	List	   *inserted;		/* of Inserted */
} Writer;

/* Rows that a part inserts. */
typedef struct Inserted
{
	Relation	rel;
	List	   *rows;			/* of HeapTuple */
} Inserted;

/* Images that hold the same columns. */
typedef struct ImageGroup
{
	Bitmapset  *columns;		/* attribute numbers */
	List	   *rows;			/* of HeapTuple */
} ImageGroup;

/* reads images of one table */
typedef struct TextReader
{
	Relation	rel;
	int			ncolumns;
	AttrNumber *attnums;		/* the columns that images may fill */
	const char **names;			/* theirs */
	char	  **texts;			/* of the image at hand */
	ImageParser *parser;
} TextReader;

static void add_updates(Writer *writer, RestoreSet *set);
static void add_inserts(Writer *writer, RestoreSet *set);
static void begin_part(Writer *writer, Relation rel, List *rows);
static void require_parents(const Inserted *inserted);
static List *group_images(RestoreSet *set);
static void prepare_reader(TextReader *reader, RestoreSet *set);
static bool is_restored(const RestoreSet *set, Form_pg_attribute att);
static void read_images(List *ids);
static void add_image(List **groups, TextReader *reader, text *image);
static Datum convert_text(Relation rel, Form_pg_attribute att,
						  char *string);

int64
sp_restore_write(List *sets)
{
	Writer		writer = {.nparts = 0};
	ListCell   *lc;
	int64		written;
	bool		isnull;

	initStringInfo(&writer.sql);
	initStringInfo(&writer.sum);
	foreach(lc, sets)
	{
		add_updates(&writer, lfirst(lc));
		add_inserts(&writer, lfirst(lc));
	}
	if (writer.nparts == 0)
		return 0;
	appendStringInfo(&writer.sql, " SELECT %s", writer.sum.data);
	if (SPI_execute_with_args(writer.sql.data, writer.nparts, writer.types,
							  writer.values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "restoring failed: %s", writer.sql.data);
	written = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 1, &isnull));
	foreach(lc, writer.inserted)
	{
		require_parents(lfirst(lc));
	}
	return written;
}

Datum
sp_restore_array(Relation rel, List *rows, Oid *type)
{
	Oid			row_type = rel->rd_rel->reltype;
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(rows), 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, rows)
	{
		values[count++] = heap_copy_tuple_as_datum(lfirst(lc),
												   RelationGetDescr(rel));
	}
	*type = get_array_type(row_type);
	return PointerGetDatum(construct_array(values, count, row_type, -1, false,
										   TYPALIGN_DOUBLE));
}

/* The part that gives a table's tombstones their life back. */
static void
add_updates(Writer *writer, RestoreSet *set)
{
	const char *deleted = quote_identifier(set->table->deleted_at);

	if (set->tombstones == NIL)
		return;
	begin_part(writer, set->rel, set->tombstones);
	appendStringInfo(&writer->sql, "UPDATE %s t SET %s = NULL"
					 " FROM pg_catalog.unnest($%d) k"
					 " WHERE %s AND t.%s IS NOT NULL RETURNING 1)",
					 sp_quote_from(set->rel), deleted, writer->nparts,
					 sp_key_join(set->rel, "t", "k"), deleted);
}

/* The parts that insert a table's images. */
static void
add_inserts(Writer *writer, RestoreSet *set)
{
	ListCell   *lc;

	if (set->image_ids == NIL)
		return;
	foreach(lc, group_images(set))
	{
		ImageGroup *group = lfirst(lc);
		StringInfoData target;
		StringInfoData source;
		Inserted   *inserted = palloc(sizeof(Inserted));
		int			attnum = -1;

		initStringInfo(&target);
		initStringInfo(&source);
		while ((attnum = bms_next_member(group->columns, attnum)) >= 0)
		{
			Form_pg_attribute att = TupleDescAttr(RelationGetDescr(set->rel),
												  attnum - 1);
			const char *name = quote_identifier(NameStr(att->attname));
			const char *glue = target.len == 0 ? "" : ", ";

			appendStringInfo(&target, "%s%s", glue, name);
			appendStringInfo(&source, "%sk.%s", glue, name);
		}
		begin_part(writer, set->rel, group->rows);
		inserted->rel = set->rel;
		inserted->rows = group->rows;
		writer->inserted = lappend(writer->inserted, inserted);
		appendStringInfo(&writer->sql, "INSERT INTO %s (%s)"
						 " OVERRIDING SYSTEM VALUE"
						 " SELECT %s FROM pg_catalog.unnest($%d) k"
						 " RETURNING 1)",
						 sp_table_quoted_name(set->table->relid),
						 target.data, source.data, writer->nparts);
	}
}

/* Begin a part for some rows; the caller appends what closes it. */
static void
begin_part(Writer *writer, Relation rel, List *rows)
{
	int			i = writer->nparts++;

	if (i == 0)
	{
		writer->types = palloc(sizeof(Oid));
		writer->values = palloc(sizeof(Datum));
	}
	writer->types = repalloc(writer->types,
							 sizeof(Oid) * writer->nparts);
	writer->values = repalloc(writer->values,
							  sizeof(Datum) * writer->nparts);
	writer->values[i] = sp_restore_array(rel, rows, &writer->types[i]);
	appendStringInfo(&writer->sql, "%s p%d AS (", i == 0 ? "WITH" : ",", i);
	appendStringInfo(&writer->sum, "%s(SELECT pg_catalog.count(*) FROM p%d)",
					 i == 0 ? "" : " OPERATOR(pg_catalog.+) ", i);
}

/*
 * What comes back must not stand below a tombstone.  An UPDATE is seen to by
 * the table's triggers; an INSERT may do so, but a restored row may not.
 */
static void
require_parents(const Inserted *inserted)
{
	TupleTableSlot *slot =
	MakeSingleTupleTableSlot(RelationGetDescr(inserted->rel),
							 &TTSOpsHeapTuple);
	ListCell   *lc;

	foreach(lc, inserted->rows)
	{
		ExecStoreHeapTuple(lfirst(lc), slot, false);
		slot_getallattrs(slot);
		sp_parents_require_live(inserted->rel, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* Read a set's images; those with the same columns go together. */
static List *
group_images(RestoreSet *set)
{
	TextReader	reader;
	List	   *groups = NIL;
	int			nest_level;
	uint64		row;
	bool		isnull;

	prepare_reader(&reader, set);
	read_images(set->image_ids);
	nest_level = sp_image_enter_settings();
	for (row = 0; row < SPI_processed; row++)
	{
		Datum		image = SPI_getbinval(SPI_tuptable->vals[row],
										  SPI_tuptable->tupdesc, 1, &isnull);

		add_image(&groups, &reader, DatumGetTextPCopy(image));
	}
	AtEOXact_GUC(true, nest_level);
	return groups;
}

/* Which columns images of a set's table may fill. */
static void
prepare_reader(TextReader *reader, RestoreSet *set)
{
	TupleDesc	desc = RelationGetDescr(set->rel);
	int			i;

	reader->rel = set->rel;
	reader->ncolumns = 0;
	reader->attnums = palloc(sizeof(AttrNumber) * desc->natts);
	reader->names = palloc(sizeof(char *) * desc->natts);
	reader->texts = palloc(sizeof(char *) * desc->natts);
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!is_restored(set, att))
			continue;
		reader->names[reader->ncolumns] = NameStr(att->attname);
		reader->attnums[reader->ncolumns++] = att->attnum;
	}
	reader->parser = sp_image_parser(reader->names, reader->ncolumns);
}

/* Neither computed nor stamped. */
static bool
is_restored(const RestoreSet *set, Form_pg_attribute att)
{
	const EnabledTable *table = set->table;
	const char *name = NameStr(att->attname);

	return !att->attisdropped && att->attgenerated == '\0' &&
		strcmp(name, table->updated_at) != 0 &&
		strcmp(name, table->row_version) != 0 &&
		(!table->row_mode || strcmp(name, table->deleted_at) != 0);
}

/*
 * The images of these ids, as their table's owner.  Their locks keep an
 * erasure waiting, which finds the row live then; what was erased meanwhile
 * is left out.
 */
static void
read_images(List *ids)
{
	Oid			types[] = {INT8ARRAYOID};
	Datum	   *elements = palloc(sizeof(Datum) * list_length(ids));
	Datum		values[1];
	RoleSwitch	saved;
	int			count = 0;
	ListCell   *lc;

	foreach(lc, ids)
	{
		elements[count++] = Int64GetDatum(*(int64 *) lfirst(lc));
	}
	values[0] = PointerGetDatum(construct_array(elements, count, INT8OID,
												sizeof(int64),
												FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	sp_table_become(&saved, sp_table_owner(sp_table_own_oid("tombstone")));
	if (SPI_execute_with_args("SELECT t.image FROM syncport.tombstone t"
							  " WHERE t.id OPERATOR(pg_catalog.=) ANY ($1)"
							  " AND t.complete ORDER BY t.id FOR UPDATE",
							  1, types, values, NULL, false,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "could not read images");
	sp_table_unbecome(&saved);
}

/* Add an image's row to the group of its columns; overwrites the text. */
static void
add_image(List **groups, TextReader *reader, text *image)
{
	TupleDesc	desc = RelationGetDescr(reader->rel);
	Datum	   *values = palloc0(desc->natts * sizeof(Datum));
	bool	   *isnull = palloc(desc->natts * sizeof(bool));
	ImageGroup *group = NULL;
	Bitmapset  *columns = NULL;
	ListCell   *lc;
	int			i;

	memset(isnull, true, desc->natts * sizeof(bool));
	if (!sp_image_parse(reader->parser, VARDATA(image),
						VARSIZE(image) - VARHDRSZ, reader->texts))
		elog(ERROR, "an image of table \"%s\" is damaged",
			 RelationGetRelationName(reader->rel));
	for (i = 0; i < reader->ncolumns; i++)
	{
		AttrNumber	attnum = reader->attnums[i];

		if (reader->texts[i] == sp_image_missing)
			continue;
		columns = bms_add_member(columns, attnum);
		if (reader->texts[i] == NULL)
			continue;
		values[attnum - 1] = convert_text(reader->rel,
										  TupleDescAttr(desc, attnum - 1),
										  reader->texts[i]);
		isnull[attnum - 1] = false;
	}
	foreach(lc, *groups)
	{
		if (bms_equal(((ImageGroup *) lfirst(lc))->columns, columns))
			group = lfirst(lc);
	}
	if (group == NULL)
	{
		group = palloc0(sizeof(ImageGroup));
		group->columns = columns;
		*groups = lappend(*groups, group);
	}
	group->rows = lappend(group->rows, heap_form_tuple(desc, values, isnull));
}

/* A column's value from its text; the error says which column it is. */
static Datum
convert_text(Relation rel, Form_pg_attribute att, char *string)
{
	MemoryContext context = CurrentMemoryContext;
	Datum volatile value = (Datum) 0;
	Oid			input;
	Oid			param;

	getTypeInputInfo(att->atttypid, &input, &param);
	PG_TRY();
	{
		value = OidInputFunctionCall(input, string, param, att->atttypmod);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!sp_value_is_refused(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("column \"%s\" of a deleted row of table \"%s\" cannot be restored",
						NameStr(att->attname), RelationGetRelationName(rel)),
				 errdetail("%s.", error->message),
				 errhint("The column's type was changed after the row was deleted; insert the row by hand.")));
	}
	PG_END_TRY();
	return value;
}
