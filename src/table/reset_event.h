/*-------------------------------------------------------------------------
 *
 * reset_event.h
 *	  What makes feed positions start anew.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_RESET_EVENT_H
#define SYNCPORT_TABLE_RESET_EVENT_H

#include "nodes/pg_list.h"

/* Something that happened. */
typedef struct ResetEvent
{
	Oid			leaf;			/* table or partition that it happened to */
	char	   *reason;			/* truncated, schema, access or disabled */
	char	   *principal;		/* whom it is about; NULL: everyone */
	int64		row_version;	/* the transaction that did it */
} ResetEvent;

/*
 * The events of an enabled table that the active snapshot sees, as a List of
 * ResetEvent; palloc'd.  Needs no privilege.
 */
extern List *sp_reset_event_list(Oid target);

/*
 * Record, without regard to privileges, that something happened to a leaf
 * of an enabled table: reason 'truncated', 'schema' or 'disabled'.  The
 * caller's transaction holds AccessExclusiveLock on the leaf, so that what it
 * supersedes can go: who sees this event sees the ones before it.
 */
extern void sp_reset_event_add(Oid target, Oid leaf, const char *reason);

#endif							/* SYNCPORT_TABLE_RESET_EVENT_H */
