/*-------------------------------------------------------------------------
 *
 * key.h
 *	  A row named by its primary key, as JSON.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_KEY_H
#define SYNCPORT_TABLE_KEY_H

#include "fmgr.h"
#include "storage/lockdefs.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "table/table.h"

typedef struct RowKey
{
	int			ncolumns;
	Oid		   *types;			/* of the values, no domains */
	Datum	   *values;			/* in the order of the key */
	char	   *condition;		/* over the alias t: its parameters are $1 and
								 * so on, its operators the default equality */
} RowKey;

/*
 * The enabled table in argument 0, open and locked; *table is its entry.
 * No privilege is looked at.  Errors: 22004 where it is NULL, and those of
 * sp_target_enabled.
 */
extern Relation sp_key_open_target(FunctionCallInfo fcinfo, LOCKMODE mode,
								   EnabledTable **table);

/*
 * Read the object in an argument, which has to name the columns of the
 * primary key of rel and nothing else.  Palloc'd.  Errors: 22004 for NULL,
 * 22023 for other columns and for a value that its column's type refuses,
 * 55000 where there is no primary key.
 */
extern RowKey *sp_key_argument(FunctionCallInfo fcinfo, int arg,
							   Relation rel);

/* "a.id = b.id AND ...": rows of rel under two aliases have one key. */
extern char *sp_key_join(Relation rel, const char *one, const char *other);

#endif							/* SYNCPORT_TABLE_KEY_H */
