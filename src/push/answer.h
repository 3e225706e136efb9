/*-------------------------------------------------------------------------
 *
 * answer.h
 *	  What became of a mutation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_ANSWER_H
#define SYNCPORT_PUSH_ANSWER_H

#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/jsonb.h"

typedef enum PushStatus
{
	PUSH_APPLIED,
	PUSH_NOOP,					/* the row is as the mutation wants it */
	PUSH_DUPLICATE,				/* answered before, by what follows */
	PUSH_CONFLICT,
	PUSH_REJECTED,
	PUSH_ROLLED_BACK			/* undone, as another one of an atomic call
								 * failed */
} PushStatus;

/* All of it palloc'd in the context of the call. */
typedef struct PushAnswer
{
	PushStatus	status;
	Jsonb	   *key;			/* of the row, real; NULL: not known */
	Jsonb	   *temp_key;		/* its columns that were temp ids; or NULL */
	char	   *server;			/* the row as it is now, JSON; NULL: none */
	Jsonb	   *client;			/* key and set as sent */
	ArrayType  *conflict_columns;	/* text[]; not NULL for a conflict */
	Jsonb	   *error;			/* why it was rejected; else NULL */
	bool		retryable;		/* rejected, and the same may pass later: not
								 * to be remembered */
} PushAnswer;

/* "applied" and so on */
extern const char *sp_answer_status(PushStatus status);

/* An error as JSON; palloc'd. */
extern Jsonb *sp_answer_error(const ErrorData *error, bool retryable);

#endif							/* SYNCPORT_PUSH_ANSWER_H */
