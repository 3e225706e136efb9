/*-------------------------------------------------------------------------
 *
 * image_cache.h
 *	  The images of a table in the order of a page, kept for the session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_IMAGE_CACHE_H
#define SYNCPORT_KEYSET_IMAGE_CACHE_H

#include "keyset/plan.h"

typedef struct ImageCache ImageCache;

/* Walks over cached images in the direction of a page. */
typedef struct ImageWalk
{
	ImageCache *cache;
	bool		backward;
	int			next;			/* of the images in order, or out of them */
} ImageWalk;

/*
 * Start a walk at the first image that can stand behind position (NULL: at
 * the start).  False where the cache cannot serve the active snapshot.  The
 * walk must be ended on every way.
 */
extern bool sp_image_walk_begin(ImageWalk *walk, const PagePlan *plan,
								const CursorPosition *position);

/* The next images, at most max; how many were written to entries. */
extern int	sp_image_walk_next(ImageWalk *walk, ImageEntry *entries, int max);

/*
 * End it.  stale: an image was not there any more, so the cache is to be
 * built anew.
 */
extern void sp_image_walk_end(ImageWalk *walk, bool stale);

#endif							/* SYNCPORT_KEYSET_IMAGE_CACHE_H */
