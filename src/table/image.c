/*-------------------------------------------------------------------------
 *
 * image.c
 *	  Writes the images of removed rows to syncport.tombstone.
 *
 * Whoever deletes has no privilege on syncport.tombstone and needs none:
 * the row goes in below the executor, as a catalog's does.  The text of a
 * value must mean the same in every session, so output runs under the
 * settings that pg_dump uses.  An image that cannot be built must not make
 * the DELETE fail: a huge row keeps its key alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_attribute.h"
#include "commands/sequence.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "support/compat.h"
#include "table/registry.h"
#include "table/trigger.h"

#define TOMBSTONE			"tombstone"
#define TOMBSTONE_SEQUENCE	"tombstone_id_seq"

/* a row with more bytes than this, as stored or as text, keeps its key */
#define IMAGE_LIMIT			((Size) 200 * 1024 * 1024)

/* columns of syncport.tombstone, in the order of its definition */
enum TombstoneColumn
{
	TOMBSTONE_ID,
	TOMBSTONE_TARGET,
	TOMBSTONE_ROW_VERSION,
	TOMBSTONE_REMOVED_AT,
	TOMBSTONE_COMPLETE,
	TOMBSTONE_KEY,
	TOMBSTONE_IMAGE,
	TOMBSTONE_COLUMNS
};

static int	enter_output_settings(void);
static text *build_key(Relation rel, TupleTableSlot *slot);
static text *build_image(Relation rel, TupleTableSlot *slot);
static Size measure_row(TupleDesc desc, TupleTableSlot *slot);
static char *column_text(Form_pg_attribute attr, TupleTableSlot *slot);
static void append_member(StringInfo json, const char *name,
						  const char *value);
static void insert_tombstone(Relation rel, text *key, text *image);

void
sp_image_write(Relation rel, TupleTableSlot *slot)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "syncport image",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int			nest_level = enter_output_settings();
	text	   *key;
	text	   *image;

	slot_getallattrs(slot);
	key = build_key(rel, slot);
	image = build_image(rel, slot);
	AtEOXact_GUC(true, nest_level);
	insert_tombstone(rel, key, image);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

Oid
sp_image_target(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	EnabledTable *table = sp_table_find(relid);

	if (table != NULL)
		return table->relid;
	if (!rel->rd_rel->relispartition)
		return relid;
	return llast_oid(get_partition_ancestors(relid));
}

/* Set what decides how values are written; the caller ends the level. */
static int
enter_output_settings(void)
{
	static const char *const settings[][2] = {
		{"extra_float_digits", "3"},
		{"datestyle", "ISO"},
		{"intervalstyle", "postgres"},
		{"search_path", ""}
	};
	int			nest_level = NewGUCNestLevel();
	int			i;

	for (i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1],
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nest_level;
}

/* The primary key's columns, in the order of the key. */
static text *
build_key(Relation rel, TupleTableSlot *slot)
{
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData json;
	Relation	index;
	Oid			index_oid;
	int			i;

	(void) RelationGetIndexList(rel);
	index_oid = SP_PRIMARY_KEY_INDEX(rel);
	if (!OidIsValid(index_oid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key",
						RelationGetRelationName(rel)),
				 errdetail("Without one syncport cannot tell clients which row was deleted."),
				 errhint("Add a primary key, or call syncport.disable.")));

	initStringInfo(&json);
	index = relation_open(index_oid, AccessShareLock);
	for (i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		int			number = index->rd_index->indkey.values[i];
		Form_pg_attribute attr = TupleDescAttr(desc, number - 1);

		append_member(&json, NameStr(attr->attname), column_text(attr, slot));
	}
	relation_close(index, AccessShareLock);
	appendStringInfoChar(&json, '}');
	return cstring_to_text_with_len(json.data, json.len);
}

/* Every column, or NULL where that is too much to keep. */
static text *
build_image(Relation rel, TupleTableSlot *slot)
{
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData json;
	int			i;

	if (measure_row(desc, slot) > IMAGE_LIMIT)
		return NULL;
	initStringInfo(&json);
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		char	   *value;

		if (attr->attisdropped ||
			(attr->attgenerated != '\0' &&
			 attr->attgenerated != ATTRIBUTE_GENERATED_STORED))
			continue;
		value = column_text(attr, slot);
		/* a control character takes six bytes */
		if (value != NULL &&
			json.len + strlen(value) > IMAGE_LIMIT)
			return NULL;
		if (value != NULL && strlen(value) > (MaxAllocSize - json.len) / 6)
			return NULL;
		append_member(&json, NameStr(attr->attname), value);
		if (json.len > IMAGE_LIMIT)
			return NULL;
		if (value != NULL)
			pfree(value);
	}
	appendStringInfoString(&json, json.len == 0 ? "{}" : "}");
	return cstring_to_text_with_len(json.data, json.len);
}

/* Bytes of the row's long values, decompressed; reads none of them. */
static Size
measure_row(TupleDesc desc, TupleTableSlot *slot)
{
	Size		total = 0;
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped || attr->attlen != -1 || slot->tts_isnull[i])
			continue;
		total += toast_raw_datum_size(slot->tts_values[i]);
	}
	return total;
}

/* A column's value as text, or NULL. */
static char *
column_text(Form_pg_attribute attr, TupleTableSlot *slot)
{
	Oid			output;
	bool		is_varlena;

	if (slot->tts_isnull[attr->attnum - 1])
		return NULL;
	getTypeOutputInfo(attr->atttypid, &output, &is_varlena);
	return OidOutputFunctionCall(output, slot->tts_values[attr->attnum - 1]);
}

/* One more member of the object that json holds so far. */
static void
append_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfoChar(json, json->len == 0 ? '{' : ',');
	escape_json(json, name);
	appendStringInfoChar(json, ':');
	if (value == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}

/* Put the image into its table, with the indexes. */
static void
insert_tombstone(Relation rel, text *key, text *image)
{
	Relation	tombstone = table_open(sp_table_own_oid(TOMBSTONE),
									   RowExclusiveLock);
	Datum		values[TOMBSTONE_COLUMNS];
	bool		nulls[TOMBSTONE_COLUMNS];

	memset(nulls, false, sizeof(nulls));
	values[TOMBSTONE_ID] =
		Int64GetDatum(nextval_internal(sp_table_own_oid(TOMBSTONE_SEQUENCE),
									   false));
	values[TOMBSTONE_TARGET] = ObjectIdGetDatum(sp_image_target(rel));
	values[TOMBSTONE_ROW_VERSION] = Int64GetDatum(sp_trigger_version());
	values[TOMBSTONE_REMOVED_AT] =
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[TOMBSTONE_COMPLETE] = BoolGetDatum(image != NULL);
	values[TOMBSTONE_KEY] = PointerGetDatum(key);
	values[TOMBSTONE_IMAGE] = PointerGetDatum(image);
	nulls[TOMBSTONE_IMAGE] = image == NULL;
	CatalogTupleInsert(tombstone,
					   heap_form_tuple(RelationGetDescr(tombstone), values,
									   nulls));
	table_close(tombstone, RowExclusiveLock);
}
