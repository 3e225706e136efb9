/*-------------------------------------------------------------------------
 *
 * target.h
 *	  The table a function of this folder is called for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_TARGET_H
#define SYNCPORT_TABLE_TARGET_H

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/*
 * The regclass in an argument.  Errors: 22004 where it is NULL, 42P01 where
 * there is no such relation, 42501 unless the caller owns it.
 */
extern Oid	sp_target_argument(FunctionCallInfo fcinfo, int arg);

/*
 * Lock the target and its partitions, top first, and check once more that
 * it is there and the caller's.
 */
extern void sp_target_lock(Oid relid, LOCKMODE mode);

/*
 * Refuse everything that cannot be enabled: what is no table, partitions,
 * inheritance, temporary and unlogged tables, the server's and our own.
 */
extern void sp_target_check(Oid relid);

/* The relations that hold the rows: the target itself or its leaves. */
extern List *sp_target_leaves(Oid relid, LOCKMODE mode);

#endif							/* SYNCPORT_TABLE_TARGET_H */
