/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  From what a table is to what enable wants it to be.
 *
 * A plan is a list of SQL statements.  enable runs them in its transaction,
 * enable_script hands them out; both are computed from the catalogs alone,
 * before the first statement runs, so columns and indexes are compared by
 * name: a column that a step will add cannot be in an existing index.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_PLAN_H
#define SYNCPORT_TABLE_PLAN_H

#include "utils/rel.h"

#include "table/registry.h"

/*
 * Names of our triggers: the stamp sorts behind those of the application,
 * keep before those of referential integrity.
 */
#define STAMP_TRIGGER			"zz_syncport_stamp"
#define KEEP_TRIGGER			"00_syncport_keep"
#define SETTLE_TRIGGER			"syncport_settle"
#define SETTLE_DEFERRED_TRIGGER	"syncport_settle_deferred"
#define TRUNCATE_TRIGGER		"syncport_truncate"

typedef struct TablePlan
{
	Relation	rel;			/* the target, open while planning */
	const EnabledTable *want;	/* what shall be in force */
	const EnabledTable *have;	/* what is in force, or NULL */
	bool		online;			/* for a script: short locks, and each step
								 * its own transaction */
	List	   *steps;			/* of char *, the statements */
	char	   *restamp;		/* UPDATE ahead of the steps, as the table's
								 * owner; NULL: none, or part of a script */
} TablePlan;

/* Append a step, printf-like. */
extern void sp_plan_add(TablePlan *plan, const char *format,...)
			pg_attribute_printf(2, 3);

/*
 * Check that rel can hold what the plan wants (columns: type, nullability,
 * generated or identity; triggers and view: names free) and append the
 * steps.  Errors name what is in the way.
 */
extern void sp_plan_columns(TablePlan *plan);
extern void sp_plan_triggers(TablePlan *plan);
extern void sp_plan_live_view(TablePlan *plan);

/* The statements that create, or create anew, one of our row triggers. */
extern char *sp_plan_trigger_sql(TablePlan *plan, const char *name);

/* The statements that create missing triggers for TRUNCATE on leaves. */
extern List *sp_plan_leaf_triggers(Oid target);

/* Append the steps that drop all our triggers of the table in plan->have. */
extern void sp_plan_drop_triggers(TablePlan *plan);

/*
 * Whether a trigger of that name is there and calls our function.  Errors:
 * 42710 where the name is another's.
 */
extern bool sp_plan_trigger_exists(Relation rel, const char *name,
								   const char *function);

/* Names of our triggers on rel that are missing or not ENABLE ALWAYS. */
extern List *sp_plan_weak_triggers(Relation rel);

/*
 * Refuse (0A000) policies that test system columns or the whole row, which
 * images do not have.
 */
extern void sp_policy_check(Relation rel);

/*
 * Take the tombstones out of the table, which is locked, and keep their
 * images; no trigger fires.
 * Needs SPI.  Errors: 23503 where one is referenced, 42501 where row
 * security would hide one.
 */
extern void sp_disable_move_tombstones(const EnabledTable *table);

/*
 * Append the steps that create missing indexes and drop those of ours that
 * nothing asks for any more.  Errors: SY004 for sort_keys and prefix.
 */
extern void sp_plan_indexes(TablePlan *plan);

/* OIDs of the indexes of rel that enable made, told by their names. */
extern List *sp_plan_own_indexes(Relation rel);

/*
 * Attribute numbers of the primary key, or an error (55000) where there is
 * none, or a deferrable one.
 */
extern List *sp_plan_key_columns(Relation rel);

/*
 * One entry of sort_keys: a list of SortColumn.  Errors: SY004.
 */
typedef struct SortColumn
{
	char	   *name;			/* as in the catalog */
	bool		descending;
	bool		nulls_first;
} SortColumn;

extern List *sp_sortkey_parse(Relation rel, const char *entry);

/* "a, b, c": the columns of rel, for a hint. */
extern char *sp_sortkey_valid_columns(Relation rel);

#endif							/* SYNCPORT_TABLE_PLAN_H */
