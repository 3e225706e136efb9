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

/* names of our triggers; the second must sort before referential triggers */
#define STAMP_TRIGGER		"syncport_stamp"
#define PUT_BACK_TRIGGER	"00_syncport_put_back"

typedef struct TablePlan
{
	Relation	rel;			/* the target, open while planning */
	const EnabledTable *want;	/* what shall be in force */
	const EnabledTable *have;	/* what is in force, or NULL */
	bool		online;			/* for a script: short locks, and each step
								 * its own transaction */
	List	   *steps;			/* of char *, the statements */
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
extern void sp_plan_put_back(TablePlan *plan);
extern void sp_plan_live_view(TablePlan *plan);

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
