/*-------------------------------------------------------------------------
 *
 * event_trigger.c
 *	  What DDL does to enabled tables.
 *
 * A new partition gets the row triggers from its parent, but not the one for
 * TRUNCATE.  A rewrite (ALTER COLUMN ... TYPE ... USING) and a changed
 * expression of a generated column change rows and stamp none.  A dropped
 * table takes its images along: its OID may come back after a restore, as
 * that of another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "support/compat.h"
#include "syncport.h"
#include "table/plan.h"
#include "table/registry.h"
#include "table/reset_event.h"

PG_FUNCTION_INFO_V1(syncport_table_rewritten);
PG_FUNCTION_INFO_V1(syncport_table_altered);
PG_FUNCTION_INFO_V1(syncport_table_dropped);

/* what a command may mean for us */
typedef struct CommandKind
{
	bool		attaches;		/* partitions come */
	bool		changes_rows;	/* values of generated columns change */
	List	   *detached;		/* of RangeVar, partitions that leave */
} CommandKind;

static void check_event(FunctionCallInfo fcinfo, const char *event);
static bool is_ours_there(void);
static bool sets_expression(Node *statement);
static CommandKind classify(Node *statement);
static List *list_tables(const char *source);
static void add_missing_triggers(const EnabledTable *table);
static void note_detached(const EnabledTable *table, RangeVar *detached);
static void drop_triggers(RangeVar *detached);

/*
 * syncport.table_rewritten() RETURNS event_trigger: values may have changed.
 */
Datum
syncport_table_rewritten(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;
	Datum		relid;
	Datum		reason;
	EnabledTable *table;

	check_event(fcinfo, "table_rewrite");
	if (!is_ours_there())
		PG_RETURN_NULL();
	relid = OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_OID);
	reason = OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_REASON);
	table = sp_table_find(DatumGetObjectId(relid));
	if (table != NULL &&
		((DatumGetInt32(reason) & AT_REWRITE_COLUMN_REWRITE) != 0 ||
		 sets_expression(data->parsetree)))
		sp_reset_event_add(table->relid, DatumGetObjectId(relid), "schema");
	PG_RETURN_NULL();
}

/*
 * syncport.table_altered() RETURNS event_trigger: partitions come and go,
 * virtual generated columns change.
 */
Datum
syncport_table_altered(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;
	CommandKind kind;
	ListCell   *lc;
	ListCell   *leaving;

	check_event(fcinfo, "ddl_command_end");
	kind = classify(data->parsetree);
	if (!is_ours_there() || (!kind.attaches && !kind.changes_rows &&
							 kind.detached == NIL))
		PG_RETURN_NULL();
	SPI_connect();
	foreach(lc, list_tables("pg_event_trigger_ddl_commands"))
	{
		EnabledTable *table = sp_table_find(lfirst_oid(lc));

		if (table != NULL && kind.attaches)
			add_missing_triggers(table);
		if (table != NULL && kind.changes_rows)
			sp_reset_event_add(table->relid, lfirst_oid(lc), "schema");
		foreach(leaving, kind.detached)
		{
			if (table != NULL)
				note_detached(table, lfirst(leaving));
		}
	}
	foreach(lc, kind.detached)
	{
		drop_triggers(lfirst(lc));
	}
	SPI_finish();
	PG_RETURN_NULL();
}

/*
 * syncport.table_dropped() RETURNS event_trigger: nothing of it stays.
 */
Datum
syncport_table_dropped(PG_FUNCTION_ARGS)
{
	static const char *const own[] = {"enabled_table", "tombstone",
	"reset_event", "saved_preset"};
	ListCell   *lc;
	RoleSwitch	saved;
	int			i;

	check_event(fcinfo, "sql_drop");
	if (!is_ours_there())
		PG_RETURN_NULL();
	SPI_connect();
	foreach(lc, list_tables("pg_event_trigger_dropped_objects"))
	{
		Oid			types[] = {OIDOID};
		Datum		values[] = {ObjectIdGetDatum(lfirst_oid(lc))};

		for (i = 0; i < lengthof(own); i++)
		{
			sp_table_become(&saved, sp_table_owner(sp_table_own_oid(own[i])));
			if (SPI_execute_with_args(psprintf("DELETE FROM %s.%s WHERE target"
											   " OPERATOR(pg_catalog.=) $1",
											   SP_SCHEMA, own[i]),
									  1, types, values, NULL, false,
									  0) != SPI_OK_DELETE)
				elog(ERROR, "could not forget a dropped table");
			sp_table_unbecome(&saved);
		}
	}
	SPI_finish();
	PG_RETURN_NULL();
}

/* Called by the server for that event. */
static void
check_event(FunctionCallInfo fcinfo, const char *event)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo) || strcmp(data->event, event) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be fired by event trigger on \"%s\"",
						event),
				 errhint("The event triggers of syncport come with the extension.")));
}

/* While the extension itself is created or dropped its tables are missing. */
static bool
is_ours_there(void)
{
	Oid			schema = get_namespace_oid(SP_SCHEMA, true);

	return OidIsValid(schema) &&
		OidIsValid(get_relname_relid("reset_event", schema)) &&
		OidIsValid(get_relname_relid("enabled_table", schema)) &&
		OidIsValid(get_relname_relid("tombstone", schema));
}

/* Whether a statement gives a generated column another expression. */
static bool
sets_expression(Node *statement)
{
	return classify(statement).changes_rows;
}

/* What a statement does, as far as it matters here. */
static CommandKind
classify(Node *statement)
{
	CommandKind kind = {false, false, NIL};
	ListCell   *lc;

	if (IsA(statement, CreateStmt))
		kind.attaches = ((CreateStmt *) statement)->partbound != NULL;
	if (!IsA(statement, AlterTableStmt))
		return kind;
	foreach(lc, ((AlterTableStmt *) statement)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AttachPartition)
			kind.attaches = true;
		else if (cmd->subtype == AT_DetachPartition ||
				 cmd->subtype == AT_DetachPartitionFinalize)
			kind.detached = lappend(kind.detached,
									castNode(PartitionCmd, cmd->def)->name);
		else if (SP_SETS_EXPRESSION(cmd->subtype))
			kind.changes_rows = true;
	}
	return kind;
}

/* OIDs of the tables that a function of the event gives. */
static List *
list_tables(const char *source)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	uint64		i;

	if (SPI_execute(psprintf("SELECT objid FROM pg_catalog.%s()"
							 " WHERE classid OPERATOR(pg_catalog.=)"
							 " 'pg_catalog.pg_class'::pg_catalog.regclass"
							 " AND objsubid OPERATOR(pg_catalog.=) 0"
							 " AND object_type OPERATOR(pg_catalog.=) 'table'",
							 source), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read what a command did");
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);

		MemoryContextSwitchTo(context);
		result = lappend_oid(result, DatumGetObjectId(value));
	}
	return result;
}

/*
 * Every leaf of an enabled table has our trigger for TRUNCATE.  Whoever
 * creates partitions may have no right to our schema, so it is made in the
 * name of the extension's owner; none of the table owner's code runs.
 */
static void
add_missing_triggers(const EnabledTable *table)
{
	RoleSwitch	saved;
	ListCell   *lc;

	sp_table_become(&saved, sp_table_owner(sp_table_own_oid("tombstone")));
	foreach(lc, sp_plan_leaf_triggers(table->relid))
	{
		if (SPI_execute(lfirst(lc), false, 0) < 0)
			elog(ERROR, "could not run \"%s\"", (char *) lfirst(lc));
	}
	sp_table_unbecome(&saved);
}

/*
 * A partition that left may come back: what changes in it meanwhile leaves no
 * trace, and a feed position from before could not tell.
 */
static void
note_detached(const EnabledTable *table, RangeVar *detached)
{
	Oid			relid = RangeVarGetRelid(detached, NoLock, true);
	ListCell   *lc;

	if (!OidIsValid(relid) || sp_table_find(relid) != NULL)
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		sp_reset_event_add(table->relid, lfirst_oid(lc), "truncated");
	}
}

/* A partition that left is an ordinary table: no trigger of ours stays. */
static void
drop_triggers(RangeVar *detached)
{
	Oid			relid = RangeVarGetRelid(detached, NoLock, true);
	ListCell   *lc;

	if (!OidIsValid(relid) || sp_table_find(relid) != NULL)
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_RELATION ||
			!SP_OWNS_RELATION(lfirst_oid(lc), GetUserId()))
			continue;
		SPI_execute(psprintf("DROP TRIGGER IF EXISTS %s ON %s",
							 TRUNCATE_TRIGGER,
							 sp_table_quoted_name(lfirst_oid(lc))), false, 0);
	}
}
