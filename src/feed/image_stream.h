/*-------------------------------------------------------------------------
 *
 * image_stream.h
 *	  The images of a table that are deletes for a client, by row_version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_FEED_IMAGE_STREAM_H
#define SYNCPORT_FEED_IMAGE_STREAM_H

#include "feed/snapshot.h"
#include "keyset/plan.h"

/* A deleted key. */
typedef struct FeedImage
{
	int64		row_version;
	int64		id;				/* orders the images of a version */
	Datum	   *key;			/* in the order of the primary key, not NULL */
} FeedImage;

typedef struct ImageStream ImageStream;

/*
 * A stream for rel, the table of plan, which is for the feed and stays
 * pinned as long; target: the enabled table.  Works with the active snapshot
 * and as the caller, like image_read.
 * Palloc'd in the current context.
 */
extern ImageStream *sp_image_stream_begin(PagePlan *plan, Relation rel,
										  Oid target);

/*
 * Whether there is any image of a table with a row_version from first up to
 * last, whoever may see it.
 */
extern bool sp_image_stream_exists(Oid target, int64 first, int64 last);

/*
 * Go to the images with a row_version from first up to last that target
 * sees; of version first, those with a higher id than after_id.
 */
extern void sp_image_stream_range(ImageStream *stream,
								  const FeedSnapshot *target, int64 first,
								  int64 after_id, int64 last);

/*
 * The next image of the range, or NULL.  The same until it is popped.  Left
 * out are images that the caller may not see, those with whose key he sees a
 * row in the table, and older ones of the same key close by.
 */
extern const FeedImage *sp_image_stream_peek(ImageStream *stream);
extern void sp_image_stream_pop(ImageStream *stream);

/* Close what is open; not needed after an error. */
extern void sp_image_stream_end(ImageStream *stream);

#endif							/* SYNCPORT_FEED_IMAGE_STREAM_H */
