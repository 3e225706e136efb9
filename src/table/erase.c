/*-------------------------------------------------------------------------
 *
 * erase.c
 *	  syncport.erase: removes a row and its images for good.
 *
 * A live row is deleted as the caller would delete it, with all triggers.
 * A tombstone's deletion the application has seen already, so its row goes
 * without any: by an ordinary DELETE, planned and run as the caller under
 * his policies, whose result relations have lost their triggers before the
 * first row.
 *
 * What referential triggers would do is done here: the row is locked against
 * new references, as the table's owner, and then those that are there are
 * looked for under the newest snapshot, tombstones included.  As the
 * deletion of a live row fires triggers, it is done again after that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "support/compat.h"
#include "support/quote.h"
#include "table/below_triggers.h"
#include "table/erase.h"
#include "table/key.h"
#include "table/reference.h"
#include "table/registry.h"
#include "table/trigger.h"

PG_FUNCTION_INFO_V1(syncport_erase);

typedef struct Erasure
{
	MemoryContext context;		/* outlives SPI */
	EnabledTable *table;
	Relation	rel;			/* the table, open */
	RowKey	   *key;
	Oid			leaf;			/* where the row is */
	ItemPointerData tid;
	TupleTableSlot *row;		/* the row, locked; NULL: there is none */
} Erasure;

static void check_privilege(const Erasure *erasure);
static void erase_row(Erasure *erasure);
static bool is_visible(const Erasure *erasure);
static bool lock_row(Erasure *erasure);
static void keep_row(Erasure *erasure, HeapTuple tuple, TupleDesc desc);
static bool is_live(const Erasure *erasure);
static void check_unreferenced(const Erasure *erasure);
static bool is_referenced(const Erasure *erasure,
						  const ForeignReference *reference);
static void delete_row(Erasure *erasure);
static void delete_below_triggers(const Erasure *erasure);
static void require_gone(Erasure *erasure);

/* erase(target regclass, key jsonb) returns boolean */
Datum
syncport_erase(PG_FUNCTION_ARGS)
{
	Erasure		erasure = {.context = CurrentMemoryContext};
	StampColumns columns = {0};
	ErasedImages images = {0};
	bool		erased;

	PreventCommandIfReadOnly("syncport.erase()");
	erasure.rel = sp_key_open_target(fcinfo, RowExclusiveLock,
									 &erasure.table);
	erasure.key = sp_key_argument(fcinfo, 1, erasure.rel);
	check_privilege(&erasure);
	SPI_connect();
	/* first the images: who restores one may bring the row back */
	sp_erase_images(erasure.rel, erasure.key, &images);
	if (is_visible(&erasure))
	{
		erase_row(&erasure);
		sp_erase_images(erasure.rel, erasure.key, &images);
	}
	erased = erasure.row != NULL || images.key != (Datum) 0;
	if (erasure.row != NULL)
		sp_erase_leave_row(erasure.rel, erasure.row, &images);
	else if (erased)
		sp_erase_leave_image(erasure.rel, &images);
	SPI_finish();
	if (erased)
	{
		columns.notify = erasure.table->notify;
		columns.target = erasure.table->relid;
		columns.payload = sp_table_quoted_name(erasure.table->relid);
		sp_trigger_notify(&columns);
	}
	if (erasure.row != NULL)
		ExecDropSingleTupleTableSlot(erasure.row);
	table_close(erasure.rel, NoLock);
	PG_RETURN_BOOL(erased);
}

/* The caller may delete from the table. */
static void
check_privilege(const Erasure *erasure)
{
	if (pg_class_aclcheck(erasure->table->relid, GetUserId(), ACL_DELETE) !=
		ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to erase rows of table \"%s\"",
						RelationGetRelationName(erasure->rel)),
				 errhint("It needs the privileges DELETE on the table and SELECT on its key.")));
}

/* Remove the row from its table, unless it has gone meanwhile. */
static void
erase_row(Erasure *erasure)
{
	if (!lock_row(erasure))
		return;
	check_unreferenced(erasure);
	if (is_live(erasure))
	{
		delete_row(erasure);
		if (!erasure->table->row_mode || !lock_row(erasure))
			return;
		check_unreferenced(erasure);
	}
	delete_below_triggers(erasure);
	require_gone(erasure);
}

/* Whether the caller sees a row with the key, deleted or not. */
static bool
is_visible(const Erasure *erasure)
{
	char	   *sql = psprintf("SELECT 1 FROM %s t WHERE %s",
							   sp_quote_from(erasure->rel),
							   erasure->key->condition);

	if (SPI_execute_with_args(sql, erasure->key->ncolumns,
							  erasure->key->types, erasure->key->values,
							  NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "looking for a row failed: %s", sql);
	return SPI_processed > 0;
}

/* Lock the row against references and deletion; false where it has gone. */
static bool
lock_row(Erasure *erasure)
{
	/* a bare t could be a column */
	char	   *sql = psprintf("SELECT t.tableoid, t.ctid, (t.*)::%s FROM %s t"
							   " WHERE %s FOR UPDATE",
							   sp_table_quoted_name(erasure->table->relid),
							   sp_quote_from(erasure->rel),
							   erasure->key->condition);
	RoleSwitch	saved;

	sp_table_become(&saved, sp_table_owner(erasure->table->relid));
	if (SPI_execute_with_args(sql, erasure->key->ncolumns,
							  erasure->key->types, erasure->key->values,
							  NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "locking a row failed: %s", sql);
	sp_table_unbecome(&saved);
	if (SPI_processed == 0)
		return false;
	keep_row(erasure, SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
	SPI_freetuptable(SPI_tuptable);
	return true;
}

/* Copy the row that was found, and where it is. */
static void
keep_row(Erasure *erasure, HeapTuple tuple, TupleDesc desc)
{
	MemoryContext caller = MemoryContextSwitchTo(erasure->context);
	bool		isnull;
	HeapTupleHeader header;
	HeapTupleData row;

	erasure->leaf = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
	erasure->tid = *(ItemPointer)
		DatumGetPointer(SPI_getbinval(tuple, desc, 2, &isnull));
	header = DatumGetHeapTupleHeaderCopy(SPI_getbinval(tuple, desc, 3,
													   &isnull));
	row.t_len = HeapTupleHeaderGetDatumLength(header);
	row.t_tableOid = InvalidOid;
	ItemPointerSetInvalid(&row.t_self);
	row.t_data = header;
	if (erasure->row == NULL)
		erasure->row =
			MakeSingleTupleTableSlot(RelationGetDescr(erasure->rel),
									 &TTSOpsHeapTuple);
	ExecStoreHeapTuple(heap_copytuple(&row), erasure->row, true);
	slot_getallattrs(erasure->row);
	MemoryContextSwitchTo(caller);
}

/* Whether the row has not been deleted. */
static bool
is_live(const Erasure *erasure)
{
	const EnabledTable *table = erasure->table;

	return !table->row_mode ||
		erasure->row->tts_isnull[get_attnum(table->relid,
											table->deleted_at) - 1];
}

/* No row refers to the row, tombstones included, except itself. */
static void
check_unreferenced(const Erasure *erasure)
{
	ListCell   *lc;

	foreach(lc, sp_reference_list(erasure->leaf))
	{
		ForeignReference *reference = lfirst(lc);

		if (!is_referenced(erasure, reference))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("the row of table \"%s\" is still referenced",
						RelationGetRelationName(erasure->rel)),
				 errdetail("Rows of table \"%s\", deleted or not, refer to it by foreign key \"%s\".",
						   get_rel_name(reference->child), reference->name),
				 errhint("Erase those rows first.")));
	}
}

/* The same for one foreign key, as the child's owner. */
static bool
is_referenced(const Erasure *erasure, const ForeignReference *reference)
{
	int			nparams = reference->ncolumns + 2;
	Oid		   *types = palloc(sizeof(Oid) * nparams);
	Datum	   *values = palloc(sizeof(Datum) * nparams);
	StringInfoData columns;
	SPIPlanPtr	plan;
	RoleSwitch	saved;
	int			i;

	initStringInfo(&columns);
	for (i = 0; i < reference->ncolumns; i++)
	{
		const char *name = reference->parent_columns[i];
		AttrNumber	attnum = get_attnum(erasure->table->relid, name);

		if (erasure->row->tts_isnull[attnum - 1])
			return false;
		types[i] = get_atttype(erasure->table->relid, attnum);
		values[i] = erasure->row->tts_values[attnum - 1];
		appendStringInfo(&columns, "%s$%d AS %s", i == 0 ? "" : ", ", i + 1,
						 quote_identifier(name));
	}
	types[i] = OIDOID;
	values[i] = ObjectIdGetDatum(erasure->leaf);
	types[i + 1] = TIDOID;
	values[i + 1] = PointerGetDatum(&erasure->tid);
	/* policies are part of a plan: prepare it as it will be run */
	sp_table_become(&saved, sp_table_owner(reference->child));
	plan = SPI_prepare(psprintf("SELECT 1 FROM (SELECT %s) k, %s c WHERE %s"
								" AND NOT (c.tableoid"
								" OPERATOR(pg_catalog.=) $%d AND c.ctid"
								" OPERATOR(pg_catalog.=) $%d)",
								columns.data,
								sp_table_quoted_name(reference->child),
								sp_reference_join(reference, "k", "c"),
								i + 1, i + 2),
					   nparams, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare a query for references");
	if (SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
							 InvalidSnapshot, false, false,
							 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the references of a row");
	sp_table_unbecome(&saved);
	return SPI_processed > 0;
}

/* Delete the live row as anyone would. */
static void
delete_row(Erasure *erasure)
{
	char	   *sql = psprintf("DELETE FROM %s t WHERE %s",
							   sp_quote_from(erasure->rel),
							   erasure->key->condition);

	if (SPI_execute_with_args(sql, erasure->key->ncolumns,
							  erasure->key->types, erasure->key->values,
							  NULL, false, 0) < 0)
		elog(ERROR, "deleting a row failed: %s", sql);
	if (SPI_processed == 0)
		require_gone(erasure);
}

/* Delete the tombstone; no trigger fires.  If a rule keeps it, it stays. */
static void
delete_below_triggers(const Erasure *erasure)
{
	char	   *sql = psprintf("DELETE FROM %s t WHERE %s",
							   sp_quote_from(erasure->rel),
							   erasure->key->condition);

	(void) sp_below_triggers_run(sql, erasure->key->ncolumns,
								 erasure->key->types, erasure->key->values);
}

/* The row has left its table. */
static void
require_gone(Erasure *erasure)
{
	if (lock_row(erasure))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the row of table \"%s\" cannot be erased",
						RelationGetRelationName(erasure->rel)),
				 errdetail("A row policy for DELETE, a trigger or a rule keeps it."),
				 errhint("Erase it as a role that may delete it.")));
}
