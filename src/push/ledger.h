/*-------------------------------------------------------------------------
 *
 * ledger.h
 *	  Which mutations were answered, and what: nothing is applied twice.
 *
 * An entry belongs to (role, principal, client_id, mutation id).  The ids of
 * a call are reserved before its first mutation runs, in their order, so
 * that of two calls with the same id the later one waits until the other
 * has ended, and then finds its answers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_LEDGER_H
#define SYNCPORT_PUSH_LEDGER_H

#include "storage/itemptr.h"

#include "push/answer.h"

#define LEDGER_HASH_BYTES	32	/* SHA-256 */

/* What a mutation has to do with the ledger. */
typedef struct LedgerEntry
{
	char	   *id;				/* of the mutation, as sent */
	uint8		hash[LEDGER_HASH_BYTES];	/* of its body */
	ItemPointerData tid;		/* where it was reserved, if it was */
	bool		known;			/* it was answered by an earlier call: */
	uint8		known_hash[LEDGER_HASH_BYTES];	/* the body of then */
	int64		seq;			/* that call's transaction */
	Jsonb	   *key;			/* its answer; or NULL, like the next three */
	Jsonb	   *temp_key;
	ArrayType  *conflict_columns;
	Jsonb	   *error;
	PushAnswer *answer;			/* set by the caller ahead of sp_ledger_write;
								 * NULL: nothing is to be remembered, as for a
								 * retryable answer */
} LedgerEntry;

/*
 * SHA-256 of a mutation without its member "id": equal for equal JSON.
 */
extern void sp_ledger_hash(Jsonb *mutation, uint8 *hash);

/*
 * Reserve the ids of entries (a List of LedgerEntry *, ids distinct) and
 * fill in what is known.  client_id: NULL where there is none.  SPI must be
 * connected; runs as the caller.  Palloc'd in context.
 * Errors: 40001 in a REPEATABLE READ transaction whose snapshot does not see
 * the one that wrote an id.
 */
extern void sp_ledger_reserve(List *entries, const char *client_id,
							  MemoryContext context);

/*
 * Write the answers of all entries that are not known; reservations of those
 * without an answer are taken back.  SPI must be connected.
 */
extern void sp_ledger_write(List *entries);

#endif							/* SYNCPORT_PUSH_LEDGER_H */
