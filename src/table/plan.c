/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  The steps of enable that concern columns, triggers and the live view.
 *
 * The stamp trigger comes in the same statement string as the columns: a row
 * written between the two would need the default that the column must not
 * keep.  The literal default of row_version makes the column appear without
 * a rewrite; any version that is already in the past does, since a feed
 * that starts after enable reads everything once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "syncport.h"
#include "table/plan.h"

static void check_reserved(Relation rel);
static bool check_column(TablePlan *plan, const char *role, const char *name,
						 Oid type, bool *notnull);
static void check_key_apart(TablePlan *plan, const char *name);
static void restamp_rows(TablePlan *plan, bool known);
static void set_not_null(TablePlan *plan, const char *column);

void
sp_plan_add(TablePlan *plan, const char *format,...)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&buf, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&buf, needed);
	}
	plan->steps = lappend(plan->steps, buf.data);
}

void
sp_plan_columns(TablePlan *plan)
{
	const EnabledTable *want = plan->want;
	const char *target = sp_table_quoted_name(want->relid);
	const char *version = quote_identifier(want->row_version);
	const char *updated = quote_identifier(want->updated_at);
	bool		updated_notnull;
	bool		deleted_notnull = false;
	bool		version_notnull;
	bool		has_updated;
	bool		has_deleted;
	bool		has_version;
	bool		has_stamp;
	StringInfoData add;
	StringInfoData drop;

	check_reserved(plan->rel);
	has_updated = check_column(plan, "updated_at", want->updated_at,
							   TIMESTAMPTZOID, &updated_notnull);
	has_deleted = !want->row_mode ||
		check_column(plan, "deleted_at", want->deleted_at, TIMESTAMPTZOID,
					 &deleted_notnull);
	has_version = check_column(plan, "row_version", want->row_version,
							   INT8OID, &version_notnull);
	if (deleted_notnull)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" of table \"%s\" must allow nulls",
						want->deleted_at, RelationGetRelationName(plan->rel)),
				 errdetail("A live row has no deletion time."),
				 errhint("Drop its NOT NULL constraint, or name another column with deleted_at.")));
	check_key_apart(plan, want->row_version);
	check_key_apart(plan, want->updated_at);
	if (want->row_mode)
		check_key_apart(plan, want->deleted_at);
	has_stamp = sp_plan_trigger_exists(plan->rel, STAMP_TRIGGER, "stamp");

	initStringInfo(&add);
	initStringInfo(&drop);
	if (!has_updated)
	{
		appendStringInfo(&add, ", ADD COLUMN %s timestamp with time zone"
						 " DEFAULT pg_catalog.now() NOT NULL", updated);
		appendStringInfo(&drop, ", ALTER COLUMN %s DROP DEFAULT", updated);
	}
	if (!has_deleted)
		appendStringInfo(&add, ", ADD COLUMN %s timestamp with time zone",
						 quote_identifier(want->deleted_at));
	if (!has_version)
	{
		appendStringInfo(&add, ", ADD COLUMN %s bigint DEFAULT "
						 UINT64_FORMAT " NOT NULL", version,
						 U64FromFullTransactionId(GetTopFullTransactionId()));
		appendStringInfo(&drop, ", ALTER COLUMN %s DROP DEFAULT", version);
	}

	/* the rows are stamped ahead of NOT NULL and of the trigger's arguments */
	if (!plan->online && has_version)
		restamp_rows(plan, has_stamp);
	if (plan->have == NULL || !has_stamp ||
		plan->have->row_mode != want->row_mode ||
		plan->have->notify != want->notify)
		sp_plan_add(plan, "%s%s%s",
					add.len ? psprintf("ALTER TABLE %s %s; ",
									   target, add.data + 2) : "",
					drop.len ? psprintf("ALTER TABLE %s %s; ",
										target, drop.data + 2) : "",
					sp_plan_trigger_sql(plan, STAMP_TRIGGER));
	else
		sp_plan_add(plan, "ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", target,
					quote_identifier(STAMP_TRIGGER));
	if (plan->online && has_version)
		restamp_rows(plan, has_stamp);
	if (has_version && !version_notnull)
		set_not_null(plan, want->row_version);
}

void
sp_plan_live_view(TablePlan *plan)
{
	const EnabledTable *want = plan->want;
	const char *before = plan->have ? plan->have->live_view : NULL;
	Oid			schema = RelationGetNamespace(plan->rel);
	const char *schema_name = get_namespace_name(schema);
	Oid			existing;

	if (before != NULL && (want->live_view == NULL ||
						   strcmp(before, want->live_view) != 0))
		sp_plan_add(plan, "DROP VIEW IF EXISTS %s",
					quote_qualified_identifier(schema_name, before));
	if (want->live_view == NULL)
		return;
	if (!want->row_mode)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a live view needs tombstones in the table"),
				 errdetail("With tombstones => '%s' the table \"%s\" holds live rows alone.",
						   MODE_IMAGE, RelationGetRelationName(plan->rel)),
				 errhint("Pass live_view => '' and query the table itself.")));
	existing = get_relname_relid(want->live_view, schema);
	if (OidIsValid(existing) &&
		(before == NULL || strcmp(before, want->live_view) != 0 ||
		 get_rel_relkind(existing) != RELKIND_VIEW))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("live view \"%s\" cannot be created",
						want->live_view),
				 errdetail("Schema \"%s\" holds another relation of that name.",
						   schema_name),
				 errhint("Choose another name for live_view.")));
	sp_plan_add(plan, "CREATE OR REPLACE VIEW %s"
				" WITH (security_invoker = true) AS"
				" SELECT * FROM %s WHERE %s IS NULL",
				quote_qualified_identifier(schema_name, want->live_view),
				sp_table_quoted_name(want->relid),
				quote_identifier(want->deleted_at));
}

List *
sp_plan_key_columns(Relation rel)
{
	Oid			index = InvalidOid;
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form;
		int			i;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(lc));
		form = (Form_pg_index) GETSTRUCT(tuple);
		if (form->indisprimary && form->indisvalid && form->indimmediate)
		{
			index = lfirst_oid(lc);
			for (i = 0; i < form->indnkeyatts; i++)
				result = lappend_int(result, form->indkey.values[i]);
		}
		ReleaseSysCache(tuple);
	}
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key",
						RelationGetRelationName(rel)),
				 errdetail("Clients tell rows apart by a primary key that is checked at once, not deferrable."),
				 errhint("Add one with ALTER TABLE ... ADD PRIMARY KEY.")));
	return result;
}

/* Images are read as rows of the table and columns of our own. */
static void
check_reserved(Relation rel)
{
	static const char *const names[] = {
		"syncport_id", "syncport_removed_at", "syncport_row_version",
		"syncport_tid"
	};
	int			i;

	for (i = 0; i < lengthof(names); i++)
	{
		if (get_attnum(RelationGetRelid(rel), names[i]) ==
			InvalidAttrNumber)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("column name \"%s\" is reserved", names[i]),
				 errdetail("Images of deleted rows have a column of that name beside those of the table."),
				 errhint("Rename the column.")));
	}
}

/*
 * Whether a column exists; if so it must be an ordinary one of that type.
 * Once a table is enabled its columns must be there: adding an empty
 * deleted_at beside a renamed one would bring the deleted rows back.
 */
static bool
check_column(TablePlan *plan, const char *role, const char *name, Oid type,
			 bool *notnull)
{
	Relation	rel = plan->rel;
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);
	Form_pg_attribute att;

	*notnull = false;
	if (attnum == InvalidAttrNumber && plan->have != NULL &&
		plan->have->row_mode == plan->want->row_mode)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of enabled table \"%s\" is missing",
						name, RelationGetRelationName(rel)),
				 errdetail("It was the table's %s column.", role),
				 errhint("Give the column its name back, or call syncport.disable first.")));
	if (attnum == InvalidAttrNumber)
		return false;
	if (attnum < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column \"%s\" cannot be the %s column", name, role),
				 errdetail("It is a system column."),
				 errhint("Name another column with %s.", role)));
	att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	if (att->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" cannot be the %s column", name, role),
				 errdetail("It has type %s, not %s.",
						   format_type_be(att->atttypid),
						   format_type_be(type)),
				 errhint("Change its type, or name another column with %s.",
						 role)));
	if (att->attgenerated != '\0' || att->attidentity != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" cannot be the %s column", name, role),
				 errdetail("It is a generated or identity column."),
				 errhint("Name another column with %s.", role)));
	*notnull = att->attnotnull;
	return true;
}

/* A column that every write changes cannot be part of the key. */
static void
check_key_apart(TablePlan *plan, const char *name)
{
	AttrNumber	attnum = get_attnum(plan->want->relid, name);

	if (attnum > 0 &&
		list_member_int(sp_plan_key_columns(plan->rel), attnum))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" is part of the primary key of table \"%s\"",
						name, RelationGetRelationName(plan->rel)),
				 errdetail("Every write changes this column, and a key must stay."),
				 errhint("Name another column.")));
}

/*
 * Give rows of a reused row_version a version of this server.  known: our
 * trigger has stamped the table since, so only versions that it cannot have
 * written are replaced (a script has stamped the rest before).
 */
static void
restamp_rows(TablePlan *plan, bool known)
{
	const char *version = quote_identifier(plan->want->row_version);
	char	   *update;
	uint64		now = U64FromFullTransactionId(GetTopFullTransactionId());

	if (plan->have != NULL)
		return;
	if (check_enable_rls(plan->want->relid, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("rows of table \"%s\" may be hidden by its row security policies",
						RelationGetRelationName(plan->rel)),
				 errdetail("Every row needs a new value in the existing column \"%s\".",
						   plan->want->row_version),
				 errhint("Call it as a role that row security does not apply to.")));
	update = psprintf("UPDATE %s SET %s = " UINT64_FORMAT "%s",
					  sp_table_quoted_name(plan->want->relid), version, now,
					  !known ? "" :
					  psprintf(" WHERE %s IS NULL"
							   " OR %s OPERATOR(pg_catalog.<) 3"
							   " OR %s OPERATOR(pg_catalog.>)"
							   " pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8",
							   version, version, version));
	if (plan->online)
		sp_plan_add(plan, "%s", update);
	else
		plan->restamp = update;
}

/* NOT NULL; online by a constraint that is validated under a weak lock. */
static void
set_not_null(TablePlan *plan, const char *column)
{
	const char *target = sp_table_quoted_name(plan->want->relid);
	const char *quoted = quote_identifier(column);

	if (plan->online)
	{
		sp_plan_add(plan, "ALTER TABLE %s ADD CONSTRAINT syncport_not_null"
					" CHECK (%s IS NOT NULL) NOT VALID", target, quoted);
		sp_plan_add(plan, "ALTER TABLE %s VALIDATE CONSTRAINT"
					" syncport_not_null", target);
	}
	sp_plan_add(plan, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL%s",
				target, quoted, plan->online
				? ", DROP CONSTRAINT syncport_not_null" : "");
}
