/*-------------------------------------------------------------------------
 *
 * apply.h
 *	  Applying one mutation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_APPLY_H
#define SYNCPORT_PUSH_APPLY_H

#include "push/answer.h"
#include "push/name_map.h"
#include "push/row_write.h"

/* What to do where the row is not the one that the client saw. */
typedef enum ConflictPolicy
{
	CONFLICT_REPORT,			/* nothing, and show it */
	CONFLICT_SERVER,			/* nothing: the server's row wins */
	CONFLICT_CLIENT,			/* write over it */
	CONFLICT_MERGE				/* write what only the client has changed */
} ConflictPolicy;

/*
 * Apply a mutation and fill in answer: status, key, server and
 * conflict_columns.  The caller has a subtransaction around it and SPI
 * connected.  written: the rows that the call has written before, by table
 * and key; such a row is the client's own, whatever base says.  Palloc'd in
 * the current context.  Errors are why the mutation is rejected.
 */
extern void sp_push_apply(PushInput *input, ConflictPolicy policy,
						  NameMap *written, PushAnswer *answer);

#endif							/* SYNCPORT_PUSH_APPLY_H */
