/*-------------------------------------------------------------------------
 *
 * children.c
 *	  Refuses that a row is deleted while live rows refer to it.
 *
 * A foreign key of NO ACTION refuses it in core, but core looks for a row
 * with the key, and finds the tombstone.  So its question is asked here: is
 * there a live child, in the newest state, whatever the isolation level?  It
 * is locked, as core does, so that it cannot go away unseen.  Children that
 * are tombstones do not count, and neither does anything if a live row has
 * taken the key again.
 *
 * The server's own triggers on the table say which keys there are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "support/compat.h"
#include "table/reference.h"
#include "table/registry.h"
#include "table/trigger.h"

/*
 * What a foreign key needs, kept for the session.  A change of either table
 * invalidates the plans, and with them the rest.
 */
typedef struct ChildPlans
{
	Oid			constraint;		/* hash key */
	Oid			owner;			/* of the child */
	Oid			parent_owner;
	int			ncolumns;
	AttrNumber	columns[INDEX_MAX_KEYS];	/* the parent's */
	SPIPlanPtr	child;			/* finds a live child; NULL until prepared */
	SPIPlanPtr	parent;			/* finds a live row with the key */
} ChildPlans;

static HTAB *child_plans = NULL;

static bool is_checked(const Trigger *trigger, bool deferrable);
static void require_none(Relation rel, TupleTableSlot *slot, Oid constraint);
static ChildPlans *find_plans(Relation rel, Oid constraint);
static bool is_valid(const ChildPlans *plans);
static void fill_plans(ChildPlans *plans, Relation rel);
static void free_plans(ChildPlans *plans);
static SPIPlanPtr prepare(Relation rel, const ForeignReference *reference,
						  Oid relid, char **columns, bool lock);
static bool finds_row(SPIPlanPtr plan, Datum *values, Oid owner);
static void report_child(Relation rel, TupleTableSlot *slot, Oid constraint);

bool
sp_children_exist(Relation rel, bool deferrable)
{
	TriggerDesc *triggers = rel->trigdesc;
	int			i;

	for (i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (is_checked(&triggers->triggers[i], deferrable))
			return true;
	}
	return false;
}

void
sp_children_require_none(Relation rel, TupleTableSlot *slot, bool deferrable)
{
	List	   *constraints = NIL;
	ListCell   *lc;
	int			i;

	for (i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &rel->trigdesc->triggers[i];

		if (is_checked(trigger, deferrable))
			constraints = lappend_oid(constraints, trigger->tgconstraint);
	}
	foreach(lc, constraints)
	{
		require_none(rel, slot, lfirst_oid(lc));
	}
	list_free(constraints);
}

/* Whether core would check NO ACTION by this trigger. */
static bool
is_checked(const Trigger *trigger, bool deferrable)
{
	return trigger->tgfoid == F_RI_FKEY_NOACTION_DEL &&
		trigger->tgdeferrable == deferrable &&
		trigger->tgenabled != TRIGGER_DISABLED;
}

/* The same for one key. */
static void
require_none(Relation rel, TupleTableSlot *slot, Oid constraint)
{
	Datum		values[INDEX_MAX_KEYS];
	ChildPlans *plans = find_plans(rel, constraint);
	int			i;

	for (i = 0; i < plans->ncolumns; i++)
	{
		if (slot->tts_isnull[plans->columns[i] - 1])
			return;
		values[i] = slot->tts_values[plans->columns[i] - 1];
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (finds_row(plans->child, values, plans->owner) &&
		!finds_row(plans->parent, values, plans->parent_owner))
		report_child(rel, slot, constraint);
	SPI_finish();
}

/* What is kept of a key, made anew when something it uses has changed. */
static ChildPlans *
find_plans(Relation rel, Oid constraint)
{
	ChildPlans *entry;
	bool		found;

	if (child_plans == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid),
		.entrysize = sizeof(ChildPlans)};

		child_plans = hash_create("syncport children", 16, &control,
								  HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(child_plans, &constraint, HASH_ENTER, &found);
	if (!found)
		entry->child = entry->parent = NULL;
	if (!is_valid(entry))
	{
		free_plans(entry);
		fill_plans(entry, rel);
	}
	return entry;
}

/* Whether everything is there and up to date. */
static bool
is_valid(const ChildPlans *plans)
{
	return plans->child != NULL && plans->parent != NULL &&
		SPI_plan_is_valid(plans->child) && SPI_plan_is_valid(plans->parent);
}

/* Read the key and prepare its queries. */
static void
fill_plans(ChildPlans *plans, Relation rel)
{
	ForeignReference *reference = sp_reference_read(plans->constraint);
	Oid			relid = RelationGetRelid(rel);
	RoleSwitch	saved;
	int			i;

	plans->owner = sp_table_owner(reference->child);
	plans->parent_owner = sp_table_owner(relid);
	plans->ncolumns = reference->ncolumns;
	for (i = 0; i < reference->ncolumns; i++)
		plans->columns[i] = get_attnum(relid, reference->parent_columns[i]);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* policies are part of a plan: prepare it as it will be run */
	sp_table_become(&saved, plans->owner);
	plans->child = prepare(rel, reference, reference->child,
						   reference->child_columns, true);
	sp_table_unbecome(&saved);
	sp_table_become(&saved, plans->parent_owner);
	plans->parent = prepare(rel, reference, relid, reference->parent_columns,
							false);
	sp_table_unbecome(&saved);
	SPI_finish();
}

/* Give up what is not valid any more. */
static void
free_plans(ChildPlans *plans)
{
	SPIPlanPtr	child = plans->child;
	SPIPlanPtr	parent = plans->parent;

	plans->child = plans->parent = NULL;
	if (child != NULL)
		SPI_freeplan(child);
	if (parent != NULL)
		SPI_freeplan(parent);
}

/* The query for a live row of a table with the key's values in columns. */
static SPIPlanPtr
prepare(Relation rel, const ForeignReference *reference, Oid relid,
		char **columns, bool lock)
{
	EnabledTable *table = sp_table_find(relid);
	Oid			types[INDEX_MAX_KEYS];
	StringInfoData sql;
	SPIPlanPtr	plan;
	int			i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s%s x WHERE ",
					 get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE
					 ? "" : "ONLY ", sp_table_quoted_name(relid));
	for (i = 0; i < reference->ncolumns; i++)
	{
		AttrNumber	attnum = get_attnum(relid, columns[i]);
		char	   *column = psprintf("x.%s", quote_identifier(columns[i]));
		char	   *value = psprintf("$%d", i + 1);

		types[i] = get_atttype(RelationGetRelid(rel),
							   get_attnum(RelationGetRelid(rel),
										  reference->parent_columns[i]));
		if (i > 0)
			appendStringInfoString(&sql, " AND ");
		if (lock)
			generate_operator_clause(&sql, value, types[i],
									 reference->operators[i], column,
									 get_atttype(relid, attnum));
		else
			generate_operator_clause(&sql, column, types[i],
									 reference->parent_operators[i], value,
									 types[i]);
	}
	if (table != NULL && table->row_mode)
		appendStringInfo(&sql, " AND x.%s IS NULL",
						 quote_identifier(table->deleted_at));
	if (lock)
		appendStringInfoString(&sql, " FOR KEY SHARE OF x");
	plan = SPI_prepare(sql.data, reference->ncolumns, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare: %s", sql.data);
	return plan;
}

/* Whether a query finds anything, as the table's owner, in what is newest. */
static bool
finds_row(SPIPlanPtr plan, Datum *values, Oid owner)
{
	RoleSwitch	saved;
	bool		found;

	sp_table_become(&saved, owner);
	if (SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
							 InvalidSnapshot, false, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for a referring row");
	found = SPI_processed > 0;
	sp_table_unbecome(&saved);
	return found;
}

/* As core says it, with what can be done. */
static void
report_child(Relation rel, TupleTableSlot *slot, Oid constraint)
{
	ForeignReference *reference = sp_reference_read(constraint);
	StringInfoData names;
	StringInfoData values;
	int			i;

	initStringInfo(&names);
	initStringInfo(&values);
	for (i = 0; i < reference->ncolumns; i++)
	{
		AttrNumber	attnum = get_attnum(RelationGetRelid(rel),
										reference->parent_columns[i]);
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(get_atttype(RelationGetRelid(rel), attnum),
						  &output, &is_varlena);
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 reference->parent_columns[i]);
		appendStringInfo(&values, "%s%s", i > 0 ? ", " : "",
						 OidOutputFunctionCall(output,
											   slot->tts_values[attnum - 1]));
	}
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"",
					RelationGetRelationName(rel), reference->name,
					get_rel_name(reference->child)),
			 errdetail("Key (%s)=(%s) is still referenced from table \"%s\".",
					   names.data, values.data,
					   get_rel_name(reference->child)),
			 errhint("Delete or change those rows first.")));
}
