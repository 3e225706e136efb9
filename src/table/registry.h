/*-------------------------------------------------------------------------
 *
 * registry.h
 *	  The registry of enabled tables, for the files of this folder.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_REGISTRY_H
#define SYNCPORT_TABLE_REGISTRY_H

#include "utils/array.h"

#include "table/table.h"

/* values of tombstones: deleted rows stay in the table, or leave it */
#define MODE_ROW	"row"
#define MODE_IMAGE	"image"

/* The one in force. */
extern const char *sp_table_mode(const EnabledTable *table);

/* The entry of relid itself, ancestors left alone; NULL where none. */
extern EnabledTable *sp_table_read(Oid relid);

/*
 * Every entry, also those of tables that are no more (a table dropped while
 * enabled leaves its entry behind).
 */
extern List *sp_table_read_all(void);

/*
 * Write or remove an entry as the current user, whom the registry's row
 * policies must let pass.  Needs a connected SPI; sends the invalidations.
 */
extern void sp_table_save(const EnabledTable *table);
extern void sp_table_remove(Oid relid);

/*
 * Raise the entry's purge horizon, as the registry's owner.  One that lies
 * above all ids, which a dump has brought, is replaced: see
 * sp_table_next_version.  Needs SPI.
 */
extern void sp_table_raise_horizon(Oid relid, int64 row_version);

/*
 * The least version that nothing written here can have yet.  What has one
 * from there on was written in another cluster, and says nothing here.
 */
extern int64 sp_table_next_version(void);

/*
 * Whether what the registry says of a table can be true: it is a table and
 * has the columns of its mode with their types.  Its owner may write
 * anything into the entry, so whoever queries the table on behalf of others
 * asks first.
 */
extern bool sp_table_intact(const EnabledTable *table);

/* OID of one of our tables, or an error where the extension is damaged. */
extern Oid	sp_table_own_oid(const char *name);

/*
 * Work as another role, as referential integrity does: until
 * sp_table_unbecome, which restores the caller and must be reached on every
 * way but an error (a transaction's abort restores it, too).  The
 * statements run in between are ours alone and name everything in full.
 */
typedef struct RoleSwitch
{
	Oid			userid;			/* the caller */
	int			sec_context;	/* its security context */
} RoleSwitch;

extern void sp_table_become(RoleSwitch *saved, Oid userid);
extern void sp_table_unbecome(const RoleSwitch *saved);

/* The strings of a text[] or name[], NULL elements left out. */
extern List *sp_table_array_strings(ArrayType *array, Oid element);

/* The owner of a relation. */
extern Oid	sp_table_owner(Oid relid);

/* Whether a table's owner may read it, as work in his name has to. */
extern bool sp_table_owner_reads(Oid relid);

/* schema.table of a relation, quoted. */
extern char *sp_table_quoted_name(Oid relid);

#endif							/* SYNCPORT_TABLE_REGISTRY_H */
