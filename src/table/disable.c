/*-------------------------------------------------------------------------
 *
 * disable.c
 *	  syncport.disable: takes back what enable made.
 *
 * Dropping deleted_at would bring every tombstone back, so they leave the
 * table first, and their images are kept.  A tombstone that other rows refer
 * to cannot leave: the reference would dangle.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "support/error.h"
#include "syncport.h"
#include "table/image.h"
#include "table/plan.h"
#include "table/reference.h"
#include "table/target.h"

PG_FUNCTION_INFO_V1(syncport_disable);

static void move_from_leaf(const EnabledTable *table, Oid leaf,
						   Snapshot snapshot);
static void check_unreferenced(const EnabledTable *table,
							   const ForeignReference *reference);
static void check_visible(Oid relid);
static void check_live_keys(TablePlan *plan);
static void plan_columns(TablePlan *plan, bool drop_columns);

/*
 * syncport.disable(target, drop_columns) RETURNS void
 */
Datum
syncport_disable(PG_FUNCTION_ARGS)
{
	Oid			relid = sp_target_argument(fcinfo, 0);
	bool		drop_columns = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	TablePlan	plan = {0};
	ListCell   *lc;

	sp_target_lock(relid, AccessExclusiveLock);
	plan.have = sp_target_enabled(relid);
	SPI_connect();
	if (drop_columns && plan.have->row_mode)
		sp_disable_move_tombstones(plan.have);

	plan.rel = table_open(relid, NoLock);
	sp_plan_drop_triggers(&plan);
	if (plan.have->live_view != NULL)
	{
		const char *schema = get_namespace_name(get_rel_namespace(relid));

		sp_plan_add(&plan, "DROP VIEW IF EXISTS %s",
					quote_qualified_identifier(schema, plan.have->live_view));
	}
	foreach(lc, sp_plan_own_indexes(plan.rel))
	{
		sp_plan_add(&plan, "DROP INDEX %s",
					sp_table_quoted_name(lfirst_oid(lc)));
	}
	if (drop_columns && plan.have->row_mode)
		check_live_keys(&plan);
	plan_columns(&plan, drop_columns);
	table_close(plan.rel, NoLock);

	foreach(lc, plan.steps)
	{
		if (SPI_execute(lfirst(lc), false, 0) < 0)
			elog(ERROR, "could not run \"%s\"", (char *) lfirst(lc));
	}
	sp_table_remove(relid);
	SPI_finish();
	PG_RETURN_VOID();
}

void
sp_disable_move_tombstones(const EnabledTable *table)
{
	Snapshot	snapshot;
	ListCell   *lc;

	check_visible(table->relid);
	foreach(lc, sp_reference_list(table->relid))
	{
		check_unreferenced(table, lfirst(lc));
	}
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	PushActiveSnapshot(snapshot);
	foreach(lc, find_all_inheritors(table->relid, NoLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			move_from_leaf(table, lfirst_oid(lc), snapshot);
	}
	sp_image_flush();
	PopActiveSnapshot();
	UnregisterSnapshot(snapshot);
	CommandCounterIncrement();
}

/*
 * Take the tombstones out of one table, below the triggers: the application
 * has seen the deletion, and whoever calls this must not run its code.
 */
static void
move_from_leaf(const EnabledTable *table, Oid leaf, Snapshot snapshot)
{
	Relation	rel = table_open(leaf, NoLock);
	AttrNumber	deleted_at = get_attnum(leaf, table->deleted_at);
	ImageWriter *images = sp_image_begin(rel);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (slot_attisnull(slot, deleted_at))
			continue;
		slot_getallattrs(slot);
		(void) sp_image_add(images, slot, IMAGE_COMPLETE);
		simple_table_tuple_delete(rel, &slot->tts_tid, snapshot);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
}

/* No row refers to a tombstone, unless it is one that leaves, too. */
static void
check_unreferenced(const EnabledTable *table,
				   const ForeignReference *reference)
{
	const char *deleted = quote_identifier(table->deleted_at);
	char	   *condition = sp_reference_condition(reference, "k");

	check_visible(reference->child);
	if (reference->child == table->relid)
	{
		condition[strlen(condition) - 1] = '\0';
		condition = psprintf("%s AND c.%s IS NULL)", condition, deleted);
	}
	if (SPI_execute(psprintf("SELECT FROM %s k WHERE k.%s IS NOT NULL AND %s"
							 " LIMIT 1", sp_table_quoted_name(table->relid),
							 deleted, condition), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the references of a table");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("a tombstone of table \"%s\" is still referenced",
						get_rel_name(table->relid)),
				 errdetail("Rows of table \"%s\", deleted or not, refer to it by foreign key \"%s\".",
						   get_rel_name(reference->child), reference->name),
				 errhint("Delete or change those rows first; a tombstone that is deleted leaves its table.")));
}

/* Row security must not hide rows from the work. */
static void
check_visible(Oid relid)
{
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("tombstones cannot be moved out past the row security of table \"%s\"",
						get_rel_name(relid)),
				 errhint("Call it as a role that row security does not apply to.")));
}

/* A key that holds among live rows would go with deleted_at, unsaid. */
static void
check_live_keys(TablePlan *plan)
{
	AttrNumber	deleted_at = get_attnum(plan->have->relid,
										plan->have->deleted_at);
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(plan->rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Bitmapset  *columns = NULL;

		pull_varattnos((Node *) RelationGetIndexPredicate(index), 1,
					   &columns);
		if ((index->rd_index->indisunique ||
			 index->rd_index->indisexclusion) &&
			bms_is_member(deleted_at - FirstLowInvalidHeapAttributeNumber,
						  columns))
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("key \"%s\" of table \"%s\" holds among live rows only",
							RelationGetRelationName(index),
							RelationGetRelationName(plan->rel)),
					 errdetail("It would be dropped together with column \"%s\".",
							   plan->have->deleted_at),
					 errhint("Create it without its WHERE clause and drop this one, or leave the columns.")));
		index_close(index, NoLock);
	}
}

/*
 * The columns go, or stay as ordinary ones: without the stamp trigger an
 * INSERT that does not name them must still work.
 */
static void
plan_columns(TablePlan *plan, bool drop_columns)
{
	const EnabledTable *have = plan->have;
	const char *names[3];
	int			i;

	names[0] = have->updated_at;
	names[1] = have->deleted_at;
	names[2] = have->row_version;
	for (i = 0; i < 3; i++)
	{
		const char *target = sp_table_quoted_name(have->relid);
		const char *column = quote_identifier(names[i]);
		AttrNumber	attnum = get_attnum(have->relid, names[i]);
		Form_pg_attribute att;

		/* in image mode a deleted_at is the application's */
		if (attnum <= 0 || (i == 1 && !have->row_mode))
			continue;
		att = TupleDescAttr(RelationGetDescr(plan->rel), attnum - 1);
		if (drop_columns)
			sp_plan_add(plan, "ALTER TABLE %s DROP COLUMN %s", target, column);
		else if (att->attnotnull && i == 2)
			sp_plan_add(plan, "ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL",
						target, column);
		else if (att->attnotnull && !att->atthasdef && i == 0)
			sp_plan_add(plan, "ALTER TABLE %s ALTER COLUMN %s"
						" SET DEFAULT pg_catalog.now()", target, column);
	}
}
