/*-------------------------------------------------------------------------
 *
 * table.h
 *	  What other capabilities may know of an enabled table.
 *
 * The registry is the table syncport.enabled_table.  enable and disable
 * send a relcache invalidation for the target (and its leaves), so whoever
 * caches what is said here only has to listen to those.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_H
#define SYNCPORT_TABLE_H

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

typedef struct EnabledTable
{
	Oid			relid;			/* the table named in enable: for a leaf, the
								 * partitioned table above it */
	char	   *updated_at;		/* column names, never NULL */
	char	   *deleted_at;		/* the table has it in row mode only */
	char	   *row_version;
	List	   *prefix;			/* of char *, column names that lead every
								 * index; NIL where none */
	List	   *sort_keys;		/* of char *, entries of sort_keys as given */
	bool		row_mode;		/* tombstones stay in the table; else deleted
								 * rows leave it and images are kept */
	Interval	retention;		/* how long a tombstone is kept */
	char	   *live_view;		/* name in the target's schema, or NULL */
	bool		notify;			/* writes send NOTIFY syncport */
	int64		purge_horizon;	/* highest row_version purge has removed */
} EnabledTable;

/*
 * The registry's entry that governs relid: its own or, for a partition, the
 * nearest partitioned ancestor's.  NULL where there is none.  Palloc'd in
 * the current context.  Reads the registry without regard to privileges:
 * what it says is no secret (it stands in triggers and indexes).  The owner
 * of a table can write its entry, so a column named here may not exist.
 */
extern EnabledTable *sp_table_find(Oid relid);

/*
 * What the active snapshot has of an enabled table's entry: the highest
 * row_version that purge has removed, and the mode.  False where it sees no
 * entry.
 */
extern bool sp_table_state(Oid relid, int64 *horizon, bool *row_mode);

#endif							/* SYNCPORT_TABLE_H */
