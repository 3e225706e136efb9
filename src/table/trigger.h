/*-------------------------------------------------------------------------
 *
 * trigger.h
 *	  What the trigger functions of an enabled table share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_TRIGGER_H
#define SYNCPORT_TABLE_TRIGGER_H

#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/rel.h"

/*
 * The columns a trigger works with, resolved from its arguments in the
 * relation it fires on: a partition's numbers differ from its parent's.
 */
typedef struct StampColumns
{
	Oid			relid;			/* the relation they were resolved in */
	AttrNumber	updated_at;		/* timestamptz */
	AttrNumber	row_version;	/* bigint */
	AttrNumber	deleted_at;		/* timestamptz; 0 where nothing is kept */
	bool		notify;			/* send NOTIFY syncport */
	Oid			target;			/* the enabled table, for notify; else 0 */
	char	   *payload;		/* its quoted name, for notify; else NULL */
} StampColumns;

/* Resolve the arguments of a trigger.  Errors: 42703, 42804. */
extern void sp_trigger_columns(StampColumns *columns, TriggerData *data);

/* NOTIFY syncport once per transaction and enabled table, if asked to. */
extern void sp_trigger_notify(const StampColumns *columns);

/* The row_version of what this transaction writes. */
extern int64 sp_trigger_version(void);

/*
 * While suspended for a table, deleting a tombstone of that table leaves
 * nothing behind, not even an image.  Live rows and other tables, also those
 * that cascades reach, are kept as ever.  relid is the table named in
 * enable.  Returns what was in force; hand it to sp_put_back_resume in
 * PG_FINALLY, since nothing else ends it.
 */
extern Oid	sp_put_back_suspend(Oid relid);
extern void sp_put_back_resume(Oid saved);

/*
 * True if every row that the slot's row references stands and is locked FOR
 * KEY SHARE.  Never waits: a parent that somebody else holds counts as gone.
 */
extern bool sp_parents_lock(Relation rel, TupleTableSlot *slot);

/*
 * Write the image of a row that leaves its table to syncport.tombstone.
 * Needs no privilege there.  Errors: 55000 where the table has no primary
 * key.
 */
extern void sp_image_write(Relation rel, TupleTableSlot *slot);

/* The enabled table that governs rel; without one, the topmost ancestor. */
extern Oid	sp_image_target(Relation rel);

#endif							/* SYNCPORT_TABLE_TRIGGER_H */
