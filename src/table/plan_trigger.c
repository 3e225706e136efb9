/*-------------------------------------------------------------------------
 *
 * plan_trigger.c
 *	  The steps of enable that concern triggers.
 *
 * Triggers of rows are created on the table named and cloned by the server
 * to its partitions; the one for TRUNCATE each leaf needs for itself.  Their
 * names decide when they fire: ours are the first to see a deleted row,
 * ahead of referential integrity, and the last to touch a written one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "syncport.h"
#include "table/plan.h"

/* a trigger of rows */
typedef struct RowTrigger
{
	const char *name;
	const char *function;		/* in our schema */
	const char *event;
	const char *options;		/* between FOR EACH ROW and EXECUTE */
	bool		constraint;		/* deferred */
	bool		arguments;		/* gets the columns */
} RowTrigger;

static const RowTrigger row_triggers[] = {
	{STAMP_TRIGGER, "stamp", "BEFORE INSERT OR UPDATE", "", false, true},
	{KEEP_TRIGGER, "keep", "AFTER DELETE", "", false, true},
	{SETTLE_TRIGGER, "settle", "AFTER DELETE", " WHEN (false)", false, false},
	{SETTLE_DEFERRED_TRIGGER, "settle", "AFTER DELETE", " WHEN (false)",
	true, false}
};

static const RowTrigger *find_row_trigger(const char *name);
static char *create_sql(TablePlan *plan, const RowTrigger *trigger);
static char *arguments_sql(const EnabledTable *want);
static char *truncate_sql(Oid leaf);
static char *always_sql(Oid leaf);
static bool fires_always(const TriggerDesc *triggers, const char *name);

char *
sp_plan_trigger_sql(TablePlan *plan, const char *name)
{
	const RowTrigger *trigger = find_row_trigger(name);

	return psprintf("%s%s",
					sp_plan_trigger_exists(plan->rel, name, trigger->function)
					? psprintf("DROP TRIGGER %s ON %s; ",
							   quote_identifier(name),
							   sp_table_quoted_name(plan->want->relid)) : "",
					create_sql(plan, trigger));
}

void
sp_plan_triggers(TablePlan *plan)
{
	int			i;
	ListCell   *lc;

	for (i = 0; i < lengthof(row_triggers); i++)
	{
		/* the stamp came with the columns */
		if (strcmp(row_triggers[i].name, STAMP_TRIGGER) != 0)
			sp_plan_add(plan, "%s",
						sp_plan_trigger_sql(plan, row_triggers[i].name));
	}
	foreach(lc, sp_plan_leaf_triggers(plan->want->relid))
	{
		sp_plan_add(plan, "%s", (char *) lfirst(lc));
	}
}

List *
sp_plan_leaf_triggers(Oid target)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(target, NoLock, NULL))
	{
		Relation	rel;

		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_RELATION)
			continue;
		rel = table_open(lfirst_oid(lc), AccessShareLock);
		if (!sp_plan_trigger_exists(rel, TRUNCATE_TRIGGER, "truncated"))
			result = lappend(result, truncate_sql(lfirst_oid(lc)));
		else if (!fires_always(rel->trigdesc, TRUNCATE_TRIGGER))
			result = lappend(result, always_sql(lfirst_oid(lc)));
		table_close(rel, NoLock);
	}
	return result;
}

void
sp_plan_drop_triggers(TablePlan *plan)
{
	const char *target = sp_table_quoted_name(plan->have->relid);
	ListCell   *lc;
	int			i;

	for (i = 0; i < lengthof(row_triggers); i++)
		sp_plan_add(plan, "DROP TRIGGER IF EXISTS %s ON %s",
					quote_identifier(row_triggers[i].name), target);
	foreach(lc, find_all_inheritors(plan->have->relid, NoLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			sp_plan_add(plan, "DROP TRIGGER IF EXISTS %s ON %s",
						TRUNCATE_TRIGGER,
						sp_table_quoted_name(lfirst_oid(lc)));
	}
}

bool
sp_plan_trigger_exists(Relation rel, const char *name, const char *function)
{
	TriggerDesc *triggers = rel->trigdesc;
	Oid			ours = LookupFuncName(list_make2(makeString(SP_SCHEMA),
												 makeString(pstrdup(function))),
									  0, NULL, false);
	int			i;

	for (i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (strcmp(trigger->tgname, name) != 0)
			continue;
		if (trigger->tgfoid == ours)
			return true;
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("trigger \"%s\" of table \"%s\" is not syncport's",
						name, RelationGetRelationName(rel)),
				 errdetail("syncport needs a trigger of that name."),
				 errhint("Rename the trigger with ALTER TRIGGER.")));
	}
	return false;
}

List *
sp_plan_weak_triggers(Relation rel)
{
	List	   *weak = NIL;
	List	   *names = NIL;
	ListCell   *lc;
	int			i;

	for (i = 0; i < lengthof(row_triggers); i++)
		names = lappend(names, pstrdup(row_triggers[i].name));
	if (rel->rd_rel->relkind == RELKIND_RELATION)
		names = lappend(names, TRUNCATE_TRIGGER);
	foreach(lc, names)
	{
		if (!fires_always(rel->trigdesc, lfirst(lc)))
			weak = lappend(weak, lfirst(lc));
	}
	return weak;
}

/* A trigger of the list by name. */
static const RowTrigger *
find_row_trigger(const char *name)
{
	int			i;

	for (i = 0; i < lengthof(row_triggers); i++)
	{
		if (strcmp(row_triggers[i].name, name) == 0)
			return &row_triggers[i];
	}
	elog(ERROR, "there is no trigger \"%s\"", name);
}

/* The statements that create a trigger. */
static char *
create_sql(TablePlan *plan, const RowTrigger *trigger)
{
	const char *target = sp_table_quoted_name(plan->want->relid);
	const char *name = quote_identifier(trigger->name);

	return psprintf("CREATE %sTRIGGER %s %s ON %s%s FOR EACH ROW%s"
					" EXECUTE FUNCTION %s.%s(%s);"
					" ALTER TABLE %s ENABLE ALWAYS TRIGGER %s",
					trigger->constraint ? "CONSTRAINT " : "", name,
					trigger->event, target,
					trigger->constraint ? " DEFERRABLE INITIALLY DEFERRED" : "",
					trigger->options, SP_SCHEMA, trigger->function,
					trigger->arguments ? arguments_sql(plan->want) : "",
					target, name);
}

/* updated_at, row_version, deleted_at (empty for images), notify */
static char *
arguments_sql(const EnabledTable *want)
{
	return psprintf("%s, %s, %s, %s",
					quote_literal_cstr(want->updated_at),
					quote_literal_cstr(want->row_version),
					quote_literal_cstr(want->row_mode ? want->deleted_at : ""),
					want->notify ? "'true'" : "'false'");
}

/* The statements that create the trigger for TRUNCATE. */
static char *
truncate_sql(Oid leaf)
{
	const char *name = sp_table_quoted_name(leaf);

	return psprintf("CREATE TRIGGER %s BEFORE TRUNCATE ON %s"
					" FOR EACH STATEMENT EXECUTE FUNCTION %s.truncated(); %s",
					TRUNCATE_TRIGGER, name, SP_SCHEMA, always_sql(leaf));
}

/* The statement that lets it fire always. */
static char *
always_sql(Oid leaf)
{
	return psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s",
					sp_table_quoted_name(leaf), TRUNCATE_TRIGGER);
}

/* Whether a trigger is there and ENABLE ALWAYS. */
static bool
fires_always(const TriggerDesc *triggers, const char *name)
{
	int			i;

	for (i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (strcmp(triggers->triggers[i].tgname, name) == 0)
			return triggers->triggers[i].tgenabled == TRIGGER_FIRES_ALWAYS;
	}
	return false;
}
