/*-------------------------------------------------------------------------
 *
 * scope.h
 *	  What a client reads by the feed: table, columns, filter.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_FEED_SCOPE_H
#define SYNCPORT_FEED_SCOPE_H

#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "feed/position.h"

/* What the feed has to know of an enabled table. */
typedef struct FeedTable
{
	Oid			relid;			/* the table named in enable */
	bool		row_mode;		/* tombstones stay in the table */
	NameData	row_version;	/* column names */
	NameData	deleted_at;		/* the table has it in row mode only */
} FeedTable;

typedef struct FeedScope
{
	Relation	rel;			/* open, AccessShareLock */
	FeedTable  *table;			/* of rel or the table above it; NULL where
								 * syncport does not manage it (any more) */
	ArrayType  *columns;		/* text[] as asked for; NULL: all */
	Jsonb	   *filter;			/* NULL: none, or an empty one */
	bool		include_deleted;
	List	   *key;			/* attribute numbers of the primary key */
	Bitmapset  *filter_columns; /* attribute numbers that the filter names */
	List	   *leaves;			/* OIDs, ascending; NIL: not partitioned */
	List	   *events;			/* of ResetEvent, those of the table */
	bool		stale;			/* the active snapshot has the table not
								 * enabled yet, or in the other mode */
	int64		horizon;		/* highest row_version purged, as the active
								 * snapshot has it */
} FeedScope;

/*
 * Open what a client wants to read.  Errors: 42P01 and 42809 for the table,
 * 42703 for a column that does not exist, 22004 for a NULL in columns, 25001
 * where this transaction has written to the table or to one of its
 * partitions (it has an id and holds RowExclusiveLock or more), and those
 * of sp_filter_compile.  No privilege is looked at: reading does that.
 */
extern FeedScope *sp_scope_open(Oid relid, ArrayType *columns,
								Jsonb *filter, bool include_deleted);

/* Close it; the lock stays. */
extern void sp_scope_close(FeedScope *scope);

/*
 * Compute what a cursor of this scope says of it, over the columns up to
 * attribute number natts (0: all there are), where all are wanted.  Cheap:
 * what needs more than the relation's cache entry is kept for the session
 * until the server says that it may have changed.
 */
extern FeedMark sp_scope_mark(const FeedScope *scope, int natts);

/*
 * Whether the caller may read all columns of the scope, and those that the
 * feed itself reads: no query on them will fail for lack of a privilege.
 */
extern bool sp_scope_is_readable(const FeedScope *scope);

/*
 * Whether the table, or a leaf of it, may have been rewritten, truncated,
 * enabled or redefined by a transaction that the active snapshot does not
 * see: then what the snapshot finds in it is not what was there.
 */
extern bool sp_scope_is_newer(const FeedScope *scope);

/*
 * Names the definition of what rows of this scope have now: for
 * schema_version, changes whenever a column comes, goes or changes.
 */
extern char *sp_scope_version(const FeedScope *scope);

#endif							/* SYNCPORT_FEED_SCOPE_H */
