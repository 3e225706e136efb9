/*-------------------------------------------------------------------------
 *
 * answer.c
 *	  The names of answers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "push/answer.h"

static const char *const statuses[] = {
	[PUSH_APPLIED] = "applied",
	[PUSH_NOOP] = "noop",
	[PUSH_DUPLICATE] = "duplicate",
	[PUSH_CONFLICT] = "conflict",
	[PUSH_REJECTED] = "rejected",
	[PUSH_ROLLED_BACK] = "rolled_back"
};

const char *
sp_answer_status(PushStatus status)
{
	return statuses[status];
}
