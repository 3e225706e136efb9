/*-------------------------------------------------------------------------
 *
 * version_index.h
 *	  The index by row_version of tables without partitions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_FEED_VERSION_INDEX_H
#define SYNCPORT_FEED_VERSION_INDEX_H

#include "utils/rel.h"

/*
 * The valid btree index of rel that leads with a column, ascending, over all
 * rows; 0: none.  Remembered by the session until rel changes.
 */
extern Oid	sp_version_index_find(Relation rel, AttrNumber column);

/*
 * Whether the active snapshot sees no row with a version from first up to
 * last in a table, whoever may see it.  False also where no index tells.
 */
extern bool sp_version_index_is_empty(Oid relid, const char *column,
									  int64 first, int64 last);

#endif							/* SYNCPORT_FEED_VERSION_INDEX_H */
