/*-------------------------------------------------------------------------
 *
 * pull_request.h
 *	  What a client asks of syncport.pull.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_FEED_PULL_REQUEST_H
#define SYNCPORT_FEED_PULL_REQUEST_H

#include "encode/encode.h"
#include "utils/array.h"
#include "utils/jsonb.h"

/* One table of a request. */
typedef struct PullTable
{
	char	   *name;			/* as sent */
	Oid			relid;
	text	   *cursor;			/* NULL: from the start */
	ArrayType  *columns;		/* text[]; NULL: all */
	Jsonb	   *filter;			/* NULL: none */
	bool		include_deleted;
} PullTable;

typedef struct PullRequest
{
	List	   *tables;			/* of PullTable, in the order of the jsonb */
	int64		page_size;		/* rows of the answer */
	int64		max_bytes;		/* of their JSON */
	int64		at_least_seq;	/* 0: not asked for */
	EncodeOptions options;		/* how values are written */
} PullRequest;

/*
 * Read a request; palloc'd.  Errors: 22004 for NULL, 22023 for what is not
 * as it should be, naming the member, 42P01 and alike for table names.
 */
extern PullRequest *sp_pull_request(FunctionCallInfo fcinfo, int arg);

#endif							/* SYNCPORT_FEED_PULL_REQUEST_H */
