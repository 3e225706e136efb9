/*-------------------------------------------------------------------------
 *
 * reset_event.h
 *	  What makes feed positions start anew.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_RESET_EVENT_H
#define SYNCPORT_TABLE_RESET_EVENT_H

/*
 * Record, without regard to privileges, that something happened to a leaf
 * of an enabled table: reason 'truncated' or 'schema'.  The caller's
 * transaction holds AccessExclusiveLock on the leaf, so that what it
 * supersedes can go: who sees this event sees the ones before it.
 */
extern void sp_reset_event_add(Oid target, Oid leaf, const char *reason);

#endif							/* SYNCPORT_TABLE_RESET_EVENT_H */
