/*-------------------------------------------------------------------------
 *
 * push_call.h
 *	  A call of push: its mutations, one after the other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_CALL_H
#define SYNCPORT_PUSH_CALL_H

#include "fmgr.h"

#include "push/apply.h"
#include "push/ledger.h"

/* A mutation and what became of it. */
typedef struct PushItem
{
	int			ordinal;		/* from 1 */
	Jsonb	   *json;			/* as sent */
	char	   *id;				/* or NULL */
	LedgerEntry *entry;			/* of its id; or NULL */
	uint8		hash[LEDGER_HASH_BYTES];	/* of its body; for its id */
	PushTable  *table;			/* NULL where it does not name one */
	PushAnswer	answer;
} PushItem;

typedef struct PushCall
{
	List	   *items;			/* of PushItem * */
	char	   *client_id;		/* or NULL */
	bool		atomic;
	ConflictPolicy policy;
	JsonJob    *job;			/* how rows are written */
	MemoryContext context;		/* of all of this */
	NameMap    *tables;			/* PushTable by name */
	NameMap    *written;		/* rows written so far, see apply.h */
	List	   *entries;		/* of LedgerEntry *, one for each id */
	int64		seq;			/* the answer's */
} PushCall;

/*
 * Read mutations, client_id, atomic and on_conflict, the first four
 * arguments, apply the mutations and answer all of them.  Palloc'd in the
 * current context.  Errors: 22004, 22023 and SY005 for the arguments, 25006,
 * and those that are no answer to a mutation: of the classes 40, 53, 57, 58
 * and XX.
 */
extern PushCall *sp_push_call(FunctionCallInfo fcinfo,
							  const EncodeOptions *options);

#endif							/* SYNCPORT_PUSH_CALL_H */
