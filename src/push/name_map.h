/*-------------------------------------------------------------------------
 *
 * name_map.h
 *	  Things by name, for as long as a call lasts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_NAME_MAP_H
#define SYNCPORT_PUSH_NAME_MAP_H

typedef struct NameMap NameMap;

/* An empty map, in the current memory context with all that it holds. */
extern NameMap *sp_name_map(void);

/* What was put under a name; NULL where nothing was. */
extern void *sp_name_map_get(NameMap *map, const char *name);

/* Put a thing, which is not NULL, under a name, which is copied. */
extern void sp_name_map_put(NameMap *map, const char *name, void *thing);

#endif							/* SYNCPORT_PUSH_NAME_MAP_H */
