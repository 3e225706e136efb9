/*-------------------------------------------------------------------------
 *
 * image.c
 *	  Writes the images of removed rows to syncport.tombstone.
 *
 * Whoever deletes has no privilege on syncport.tombstone and needs none:
 * the rows go in below the executor, as a catalog's do.  One at a time they
 * would cost ten times what the DELETE costs, so images wait in memory until
 * the statement has fired its triggers (settle.c sees to that), and are
 * written together.  They wait for the subtransaction that made them: if
 * that is rolled back they are forgotten.
 *
 * An image that cannot be built must not make the DELETE fail: of a huge row
 * only what clients and policies need is kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_policy.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "support/compat.h"
#include "table/image.h"
#include "table/registry.h"
#include "table/trigger.h"

#define TOMBSTONE			"tombstone"
#define TOMBSTONE_SEQUENCE	"tombstone_id_seq"

/* a row with more bytes than this, as stored or as text, is reduced */
#define IMAGE_LIMIT			((Size) 200 * 1024 * 1024)

/* and loses values that are longer than this */
#define REDUCED_VALUE_LIMIT	((Size) 64 * 1024)

/* so many images, or bytes, wait at most */
#define WAITING_MAX			1000
#define WAITING_BYTES_MAX	((Size) 1024 * 1024)

/* so many are written in one call */
#define WRITE_AT_ONCE		100

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

struct ImageWriter
{
	Oid			target;			/* the enabled table */
	int			ncolumns;
	ImageColumn *columns;		/* in the order of the table */
	int			nkey;
	int		   *key;			/* positions in columns, in key order */
	bool		settings;		/* a column needs them */
	MemoryContext scratch;		/* reset with each row */
};

/* an image that is not written yet */
typedef struct WaitingImage
{
	Oid			target;
	SubTransactionId subxact;	/* which it goes with */
	bool		complete;
	struct varlena *key;		/* both in waiting_context */
	struct varlena *image;
} WaitingImage;

static WaitingImage waiting[WAITING_MAX];
static int	nwaiting = 0;
static MemoryContext waiting_context = NULL;
static Size waiting_bytes = 0;

static bool is_policy_of(Oid policy, Oid target);
static void collect_columns(ImageWriter *writer, Relation rel);
static void collect_key(ImageWriter *writer, Relation rel);
static bool is_small(ImageWriter *writer, TupleTableSlot *slot);
static bool build_image(ImageWriter *writer, TupleTableSlot *slot,
						ImageKind kind, StringInfo out);
static struct varlena *build_key(ImageWriter *writer, StringInfo image);
static struct varlena *keep_bytes(const char *data, int length);
static void drop_waiting(WaitingImage *image);
static void write_waiting(Relation rel, int first);
static void write_slots(EState *estate, ResultRelInfo *info,
						TupleTableSlot **slots, int first, int count);
static void fill_slot(TupleTableSlot *slot, const WaitingImage *image,
					  Oid sequence);
static void forget_images(void);
static void end_transaction(XactEvent event, void *arg);
static void end_subtransaction(SubXactEvent event, SubTransactionId subxact,
							   SubTransactionId parent, void *arg);

void
sp_image_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
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

ImageWriter *
sp_image_begin(Relation rel)
{
	ImageWriter *writer = palloc0(sizeof(ImageWriter));

	writer->target = sp_image_target(rel);
	collect_columns(writer, rel);
	collect_key(writer, rel);
	writer->scratch = AllocSetContextCreate(CurrentMemoryContext,
											"syncport image",
											ALLOCSET_DEFAULT_SIZES);
	return writer;
}

bool
sp_image_add(ImageWriter *writer, TupleTableSlot *slot, ImageKind kind)
{
	MemoryContext caller = MemoryContextSwitchTo(writer->scratch);
	int			nest_level = writer->settings ? sp_image_enter_settings() : 0;
	StringInfoData image;
	WaitingImage *entry;

	initStringInfo(&image);
	if (!build_image(writer, slot, kind, &image))
	{
		kind = IMAGE_REDUCED;
		if (!build_image(writer, slot, kind, &image))
			elog(ERROR, "could not build a reduced image");
	}
	if (writer->settings)
		AtEOXact_GUC(true, nest_level);

	if (waiting_context == NULL)
		waiting_context = AllocSetContextCreate(TopTransactionContext,
												"syncport images",
												ALLOCSET_DEFAULT_SIZES);
	entry = &waiting[nwaiting++];
	entry->target = writer->target;
	entry->subxact = GetCurrentSubTransactionId();
	entry->complete = kind == IMAGE_COMPLETE;
	entry->key = build_key(writer, &image);
	entry->image = keep_bytes(image.data, image.len);
	waiting_bytes += VARSIZE(entry->image);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(writer->scratch);
	/* there is room for one more, whatever waits in outer transactions */
	if (nwaiting == WAITING_MAX || waiting_bytes > WAITING_BYTES_MAX)
	{
		sp_image_flush();
		return false;
	}
	return nwaiting == 1 ||
		waiting[nwaiting - 2].subxact != entry->subxact;
}

void
sp_image_flush(void)
{
	SubTransactionId subxact = GetCurrentSubTransactionId();
	int			first = nwaiting;
	Relation	rel;

	while (first > 0 && waiting[first - 1].subxact == subxact)
		first--;
	if (first == nwaiting)
		return;
	rel = table_open(sp_table_own_oid(TOMBSTONE), RowExclusiveLock);
	write_waiting(rel, first);
	table_close(rel, RowExclusiveLock);
	while (nwaiting > first)
		drop_waiting(&waiting[--nwaiting]);
}

List *
sp_image_reduced_columns(Oid target)
{
	EnabledTable *table = sp_table_read(target);
	List	   *result = table != NULL ? list_copy(table->prefix) : NIL;
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(target));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2,
							  keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == PolicyRelationId && form->refobjsubid > 0 &&
			is_policy_of(form->objid, target))
			result = lappend(result, get_attname(target, form->refobjsubid,
												 false));
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return result;
}

/* Whether a policy is the table's; another's may look at the table, too. */
static bool
is_policy_of(Oid policy, Oid target)
{
	Relation	catalog = table_open(PolicyRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		result;

	ScanKeyInit(&key, Anum_pg_policy_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(policy));
	scan = systable_beginscan(catalog, PolicyOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	result = HeapTupleIsValid(tuple) &&
		((Form_pg_policy) GETSTRUCT(tuple))->polrelid == target;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/* The columns that an image may hold, and which a reduced one does. */
static void
collect_columns(ImageWriter *writer, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *reduced = sp_image_reduced_columns(writer->target);
	int			i;

	writer->columns = palloc0(sizeof(ImageColumn) * Max(desc->natts, 1));
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ImageColumn *column = &writer->columns[writer->ncolumns];
		ListCell   *lc;

		if (att->attisdropped ||
			(att->attgenerated != '\0' &&
			 att->attgenerated != ATTRIBUTE_GENERATED_STORED))
			continue;
		sp_image_column_init(column, att);
		writer->settings = writer->settings || column->settings;
		foreach(lc, reduced)
		{
			if (strcmp(lfirst(lc), NameStr(att->attname)) == 0)
				column->reduced = true;
		}
		writer->ncolumns++;
	}
}

/* Find the primary key's columns among them. */
static void
collect_key(ImageWriter *writer, Relation rel)
{
	Relation	index;
	Oid			index_oid;
	int			i;
	int			k;

	(void) RelationGetIndexList(rel);
	index_oid = SP_PRIMARY_KEY_INDEX(rel);
	if (!OidIsValid(index_oid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key",
						RelationGetRelationName(rel)),
				 errdetail("Without one syncport cannot tell clients which row was deleted."),
				 errhint("Add a primary key, or call syncport.disable.")));
	index = relation_open(index_oid, AccessShareLock);
	writer->nkey = index->rd_index->indnkeyatts;
	writer->key = palloc(sizeof(int) * writer->nkey);
	for (i = 0; i < writer->nkey; i++)
	{
		for (k = 0; k < writer->ncolumns; k++)
		{
			if (writer->columns[k].index + 1 !=
				index->rd_index->indkey.values[i])
				continue;
			writer->key[i] = k;
			writer->columns[k].reduced = true;
			writer->columns[k].key = true;
			break;
		}
		if (k == writer->ncolumns)
			elog(ERROR, "a key column is not in the image");
	}
	relation_close(index, AccessShareLock);
}

/*
 * Whether the row's long values, decompressed, may be kept; reads none of
 * them.
 */
static bool
is_small(ImageWriter *writer, TupleTableSlot *slot)
{
	Size		total = 0;
	int			i;

	for (i = 0; i < writer->ncolumns; i++)
	{
		ImageColumn *column = &writer->columns[i];

		if (column->varlena && !slot->tts_isnull[column->index])
			total += toast_raw_datum_size(slot->tts_values[column->index]);
	}
	return total <= IMAGE_LIMIT;
}

/*
 * The image as JSON; false where that is too much to keep.  A reduced image
 * always can be built: what an index holds of the key is short, and another
 * value that no policy can sensibly test is NULL.
 */
static bool
build_image(ImageWriter *writer, TupleTableSlot *slot, ImageKind kind,
			StringInfo out)
{
	int			i;

	if (kind == IMAGE_COMPLETE && !is_small(writer, slot))
		return false;
	resetStringInfo(out);
	for (i = 0; i < writer->ncolumns; i++)
	{
		ImageColumn *column = &writer->columns[i];
		Datum		value = slot->tts_values[column->index];

		if (kind == IMAGE_REDUCED && !column->reduced)
			continue;
		appendStringInfoCharMacro(out, out->len == 0 ? '{' : ',');
		column->start = out->len;
		appendBinaryStringInfo(out, column->label, column->label_length);
		if (slot->tts_isnull[column->index] ||
			(kind == IMAGE_REDUCED && column->varlena && !column->key &&
			 toast_raw_datum_size(value) > REDUCED_VALUE_LIMIT))
			appendStringInfoString(out, "null");
		else if (!column->write(column, value, out))
			return false;
		column->end = out->len;
		if (out->len > IMAGE_LIMIT)
			return false;
	}
	appendStringInfoChar(out, '}');
	return true;
}

/* The key's members of the image, in the order of the key. */
static struct varlena *
build_key(ImageWriter *writer, StringInfo image)
{
	StringInfoData key;
	int			i;

	initStringInfo(&key);
	for (i = 0; i < writer->nkey; i++)
	{
		ImageColumn *column = &writer->columns[writer->key[i]];

		appendStringInfoChar(&key, i == 0 ? '{' : ',');
		appendBinaryStringInfo(&key, image->data + column->start,
							   column->end - column->start);
	}
	appendStringInfoChar(&key, '}');
	return keep_bytes(key.data, key.len);
}

/* A text value that lives until it is written. */
static struct varlena *
keep_bytes(const char *data, int length)
{
	struct varlena *result = MemoryContextAlloc(waiting_context,
												length + VARHDRSZ);

	SET_VARSIZE(result, length + VARHDRSZ);
	memcpy(VARDATA(result), data, length);
	return result;
}

/* Free what waits no more. */
static void
drop_waiting(WaitingImage *image)
{
	waiting_bytes -= VARSIZE(image->image);
	pfree(image->key);
	pfree(image->image);
}

/* Put the images from first on into their table, with its indexes. */
static void
write_waiting(Relation rel, int first)
{
	EState	   *estate = CreateExecutorState();
	MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	ResultRelInfo *info = makeNode(ResultRelInfo);

	/* a copy is not counted, which is dear for each slot */
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(rel));
	TupleTableSlot *slots[WRITE_AT_ONCE];
	int			i;

	InitResultRelInfo(info, rel, 0, NULL, 0);
	ExecOpenIndices(info, false);
	for (i = 0; i < WRITE_AT_ONCE; i++)
		slots[i] = MakeSingleTupleTableSlot(desc, table_slot_callbacks(rel));
	for (i = first; i < nwaiting; i += WRITE_AT_ONCE)
		write_slots(estate, info, slots, i, Min(WRITE_AT_ONCE, nwaiting - i));
	for (i = 0; i < WRITE_AT_ONCE; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	ExecCloseIndices(info);
	MemoryContextSwitchTo(caller);
	FreeExecutorState(estate);
}

/* Write so many images from first on. */
static void
write_slots(EState *estate, ResultRelInfo *info, TupleTableSlot **slots,
			int first, int count)
{
	Oid			sequence = sp_table_own_oid(TOMBSTONE_SEQUENCE);
	int			i;

	for (i = 0; i < count; i++)
		fill_slot(slots[i], &waiting[first + i], sequence);
	table_multi_insert(info->ri_RelationDesc, slots, count,
					   GetCurrentCommandId(true), 0, NULL);
	for (i = 0; i < count; i++)
	{
		ResetPerTupleExprContext(estate);
		(void) sp_compat_insert_index_tuples(info, slots[i], estate);
	}
}

/* One image as a row of syncport.tombstone. */
static void
fill_slot(TupleTableSlot *slot, const WaitingImage *image, Oid sequence)
{
	Datum	   *values = slot->tts_values;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, false, TOMBSTONE_COLUMNS * sizeof(bool));
	values[TOMBSTONE_ID] = Int64GetDatum(nextval_internal(sequence, false));
	values[TOMBSTONE_TARGET] = ObjectIdGetDatum(image->target);
	values[TOMBSTONE_ROW_VERSION] = Int64GetDatum(sp_trigger_version());
	values[TOMBSTONE_REMOVED_AT] =
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[TOMBSTONE_COMPLETE] = BoolGetDatum(image->complete);
	values[TOMBSTONE_KEY] = PointerGetDatum(image->key);
	values[TOMBSTONE_IMAGE] = PointerGetDatum(image->image);
	ExecStoreVirtualTuple(slot);
}

/* The transaction's memory goes, and what waits in it. */
static void
forget_images(void)
{
	nwaiting = 0;
	waiting_bytes = 0;
	waiting_context = NULL;
}

/* Callback: the end of a transaction. */
static void
end_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (nwaiting > 0)
				elog(ERROR, "%d images were not written", nwaiting);
			break;
		default:
			forget_images();
			break;
	}
}

/* Callback: a savepoint is rolled back, or becomes part of its parent. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId subxact,
				   SubTransactionId parent, void *arg)
{
	int			i;

	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (nwaiting > 0 && waiting[nwaiting - 1].subxact == subxact)
			drop_waiting(&waiting[--nwaiting]);
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (i = nwaiting; i > 0 && waiting[i - 1].subxact == subxact; i--)
			waiting[i - 1].subxact = parent;
	}
}
