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

#include "table/table.h"

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

/*
 * The registry's entry of a table.  Errors: 42P01 where it does not exist,
 * SY003 where it is not enabled, 42809 for a partition of an enabled table.
 */
extern EnabledTable *sp_target_enabled(Oid relid);

#endif							/* SYNCPORT_TABLE_TARGET_H */
