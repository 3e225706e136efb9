/*-------------------------------------------------------------------------
 *
 * feed_position.c
 *	  syncport.feed_position: the cursor of now.
 *
 * A partition that was attached after the snapshot was taken would be among
 * those of the cursor, and its rows would never be sent.  There is no older
 * cursor to give back, so that is an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/snapmgr.h"

#include "feed/origin.h"
#include "feed/round.h"
#include "syncport.h"

PG_FUNCTION_INFO_V1(syncport_feed_position);

static void refuse_older_snapshot(const FeedRead *read);

/*
 * syncport.feed_position(target regclass, columns text[], filter jsonb)
 *		RETURNS text
 */
Datum
syncport_feed_position(PG_FUNCTION_ARGS)
{
	FeedRead	read = {0};
	FeedOrigin	origin;
	FeedScope  *scope;
	text	   *volatile cursor = NULL;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("target is NULL"),
				 errhint("Name a table.")));
	scope = sp_scope_open(PG_GETARG_OID(0),
						  PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1),
						  PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2),
						  false);
	PG_TRY();
	{
		sp_round_begin(&read, scope, NULL,
					   sp_snapshot_take(GetActiveSnapshot()),
					   SP_PAGE_SIZE_MIN);
		refuse_older_snapshot(&read);
		sp_round_skip(&read);
		origin = sp_origin_now();
		cursor = sp_round_cursor(&read, &origin);
		sp_round_end(&read);
	}
	PG_FINALLY();
	{
		sp_round_release(&read);
	}
	PG_END_TRY();
	sp_scope_close(scope);
	PG_RETURN_TEXT_P(cursor);
}

/* The definition of the table is that of a later time. */
static void
refuse_older_snapshot(const FeedRead *read)
{
	if (read->reset == FEED_BEHIND)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("table \"%s\" was redefined after the snapshot was taken",
						RelationGetRelationName(read->scope->rel)),
				 errdetail("A position of that snapshot would miss rows."),
				 errhint("Try again, in a new transaction.")));
}
