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
	AttrNumber	deleted_at;		/* timestamptz; 0 in image mode */
	bool		notify;			/* send NOTIFY syncport */
	Oid			target;			/* the enabled table, for notify; else 0 */
	char	   *payload;		/* its quoted name, for notify; else NULL */
	Bitmapset  *key;			/* columns of the primary key, offset as
								 * bitmaps of attributes are */
} StampColumns;

/* Resolve the arguments of a trigger.  Errors: 42703, 42804. */
extern void sp_trigger_columns(StampColumns *columns, TriggerData *data);

/* Refuse (39P01) to be called but AFTER DELETE FOR EACH ROW. */
extern void sp_trigger_require_delete(FunctionCallInfo fcinfo,
									  const char *function);

/* NOTIFY syncport once per transaction and enabled table, if asked to. */
extern void sp_trigger_notify(const StampColumns *columns);

/* The row_version of what this transaction writes. */
extern int64 sp_trigger_version(void);

/*
 * True if every row that the slot's row references stands and is locked FOR
 * KEY SHARE.  Never waits: a parent that somebody else holds counts as gone.
 */
extern bool sp_parents_lock(Relation rel, TupleTableSlot *slot);

/*
 * Lock every row that the slot's row references and that can be a tombstone
 * FOR KEY SHARE, waiting for others.  Errors: 23503 where one is a tombstone.
 */
extern void sp_parents_require_live(Relation rel, TupleTableSlot *slot);

/*
 * Refuse (23503) that the slot's row has been deleted while live rows refer
 * to it by a key of NO ACTION, unless a live row has its key again.
 * deferrable: look at the deferrable keys, else at the others.
 */
extern void sp_children_require_none(Relation rel, TupleTableSlot *slot,
									 bool deferrable);

/* Whether such keys refer to rel. */
extern bool sp_children_exist(Relation rel, bool deferrable);

/*
 * Put deleted rows of one relation back.  What they share is kept in the
 * current memory context.
 */
typedef struct PutBack PutBack;

extern PutBack *sp_put_back_begin(Relation rel, const StampColumns *columns);

/* Insert the row's tombstone; false where it cannot stand. */
extern bool sp_put_back(PutBack *state, TupleTableSlot *old);

/*
 * In an apply worker, ahead of the insertion of a row: remove the tombstone
 * that has its key here, if there is one.
 */
extern void sp_put_back_yield(Relation rel, HeapTuple row,
							  const StampColumns *columns);

/*
 * Let syncport.settle look at the row at tid, a version that the running
 * statement has removed or is about to, once the triggers that wait already
 * have fired; deferred: when deferred constraints are checked.
 */
extern void sp_settle_queue(Relation rel, ItemPointer tid, bool deferred);

/* The enabled table that governs rel; without one, the topmost ancestor. */
extern Oid	sp_image_target(Relation rel);

#endif							/* SYNCPORT_TABLE_TRIGGER_H */
