/*-------------------------------------------------------------------------
 *
 * name_map.c
 *	  Things by name, for as long as a call lasts.
 *
 * The names of dynahash.c have a longest length; these have none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "push/name_map.h"

typedef struct NamedThing
{
	char	   *name;
	void	   *thing;
	char		status;			/* of simplehash.h */
} NamedThing;

#define SH_PREFIX		things
#define SH_ELEMENT_TYPE	NamedThing
#define SH_KEY_TYPE		char *
#define SH_KEY			name
#define SH_HASH_KEY(table, key) \
	hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(table, a, b)	(strcmp(a, b) == 0)
#define SH_SCOPE		static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct NameMap
{
	things_hash *things;
};

NameMap *
sp_name_map(void)
{
	NameMap    *map = palloc(sizeof(NameMap));

	map->things = things_create(CurrentMemoryContext, 64, NULL);
	return map;
}

void *
sp_name_map_get(NameMap *map, const char *name)
{
	NamedThing *found = things_lookup(map->things, (char *) name);

	return found ? found->thing : NULL;
}

void
sp_name_map_put(NameMap *map, const char *name, void *thing)
{
	char	   *copy = MemoryContextStrdup(map->things->ctx, name);
	bool		found;

	things_insert(map->things, copy, &found)->thing = thing;
}
