/*-------------------------------------------------------------------------
 *
 * principal.h
 *	  Who owns a thing: the one file that decides.
 *
 * Jobs, artifacts, batches, presets, ledgers and temp ids belong to a pair
 * (role, principal).  A pooled application has one role for all its users;
 * syncport.principal says in which setting the session names the user.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PRINCIPAL_H
#define SYNCPORT_PRINCIPAL_H

/*
 * The session's principal, palloc'd in the current context, or NULL where
 * none is configured or the session names none.  An empty value is NULL.
 * Errors (22P02) where the setting should hold JSON and does not.
 */
extern char *sp_principal_current(void);

#endif							/* SYNCPORT_PRINCIPAL_H */
