/*-------------------------------------------------------------------------
 *
 * relation.c
 *	  Opening the tables that users name, and their keys.
 *
 * The key is read from the index list and not from the relcache's own idea
 * of a primary key, which leaves out deferrable keys in some releases.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "support/relation.h"

static List *read_primary_key(Oid index);

/* Open it, then refuse what is no table. */
Relation
sp_relation_open_pageable(Oid relid, LOCKMODE lockmode)
{
	Relation	rel = try_relation_open(relid, lockmode);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table",
						RelationGetRelationName(rel)),
				 errhint("Name an ordinary table, a partitioned table or a partition.")));
	return rel;
}

/* The first index that is the primary key; there is at most one. */
List *
sp_relation_key(Relation rel)
{
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(rel))
	{
		List	   *key = read_primary_key(lfirst_oid(cell));

		if (key != NIL)
			return key;
	}
	return NIL;
}

List *
sp_relation_enabled_key(Relation rel)
{
	List	   *key = sp_relation_key(rel);

	if (key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key",
						RelationGetRelationName(rel)),
				 errdetail("It was dropped after the table was enabled."),
				 errhint("Add a primary key, or call syncport.disable.")));
	return key;
}

/* The key columns of an index, NIL where it is not a primary key. */
static List *
read_primary_key(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	List	   *key = NIL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", index);
	form = (Form_pg_index) GETSTRUCT(tuple);
	if (form->indisprimary)
		for (int i = 0; i < form->indnkeyatts; i++)
			key = lappend_int(key, form->indkey.values[i]);
	ReleaseSysCache(tuple);
	return key;
}
