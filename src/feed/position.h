/*-------------------------------------------------------------------------
 *
 * position.h
 *	  What a feed cursor holds, and its codec.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_FEED_POSITION_H
#define SYNCPORT_FEED_POSITION_H

#include "access/xlogdefs.h"
#include "c.h"

#include "feed/snapshot.h"

/* Where a position was taken: origin.h decides what may follow. */
typedef struct FeedOrigin
{
	uint64		incarnation;	/* hash of the database's incarnation */
	uint64		system;			/* system identifier of the cluster */
	TimeLineID	timeline;		/* that the node was on */
	XLogRecPtr	timeline_start; /* where that one began; 0 for the first */
	XLogRecPtr	lsn;			/* everything the position covers was written
								 * ahead of it */
} FeedOrigin;

/* What a position is about: scope.h computes and compares it. */
typedef struct FeedMark
{
	Oid			relid;			/* the table */
	int			nleaves;		/* partitions with rows; 0: not partitioned */
	Oid		   *leaves;			/* ascending */
	int			natts;			/* highest attribute number covered by the
								 * hashes, where all columns are wanted */
	uint64		schema;			/* of the definitions of the columns */
	uint64		filter;			/* of filter, columns and include_deleted */
	uint64		access;			/* of role, principal, readable columns and
								 * policies */
} FeedMark;

/* Within a version rows come first, by key, then images, by id. */
typedef enum FeedPart
{
	FEED_PART_START,			/* nothing of the round was delivered */
	FEED_PART_ROWS,				/* a row was the last */
	FEED_PART_IMAGES			/* an image was the last */
} FeedPart;

/* A cursor, taken apart. */
typedef struct FeedPosition
{
	FeedOrigin	origin;
	FeedMark	mark;
	FeedSnapshot *base;			/* the client has all of it; NULL: nothing, an
								 * initial load */
	FeedSnapshot *target;		/* of the round at work, contains base; NULL
								 * between rounds, where part is START */
	FeedPart	part;
	int64		row_version;	/* of the last; not for START */
	int64		image_id;		/* of the last, for IMAGES */
	char	   *row;			/* for ROWS: row_version and key of the last
								 * as sp_cursor_append writes them */
	int			row_length;		/* bytes of it */
} FeedPosition;

/* bytes that the ids in progress of a snapshot may take in a cursor */
#define POSITION_LIST_BYTES		2400

/* Bytes that a number takes. */
extern int	sp_position_number_bytes(uint64 number);

/*
 * Write a cursor, URL-safe; palloc'd.  54000 where it would be longer than
 * CURSOR_BYTES_MAX.
 */
extern text *sp_position_encode(const FeedPosition *position);

/*
 * Read a cursor; palloc'd.  The only error is SY001, whatever the text
 * holds; a position that passes fulfils what is said above.
 */
extern FeedPosition *sp_position_decode(const text *cursor);

#endif							/* SYNCPORT_FEED_POSITION_H */
