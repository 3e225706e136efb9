/*-------------------------------------------------------------------------
 *
 * target.c
 *	  Which tables can be enabled, and by whom.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "support/compat.h"
#include "support/error.h"
#include "syncport.h"
#include "table/registry.h"
#include "table/target.h"

static const char *check_exists(Oid relid);
static void check_owner(Oid relid);
static void check_kind(Relation rel);
static void check_place(Relation rel);
static void check_partitions(Relation rel);

Oid
sp_target_argument(FunctionCallInfo fcinfo, int arg)
{
	Oid			relid;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("target must not be null"),
				 errhint("Name a table.")));
	relid = PG_GETARG_OID(arg);
	check_owner(relid);
	return relid;
}

void
sp_target_lock(Oid relid, LOCKMODE mode)
{
	LockRelationOid(relid, mode);
	check_owner(relid);
	(void) find_all_inheritors(relid, mode, NULL);
}

void
sp_target_check(Oid relid)
{
	Relation	rel = relation_open(relid, NoLock);

	check_kind(rel);
	check_place(rel);
	check_partitions(rel);
	relation_close(rel, NoLock);
}

EnabledTable *
sp_target_enabled(Oid relid)
{
	const char *name = check_exists(relid);
	EnabledTable *table = sp_table_find(relid);

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SP_TABLE_NOT_ENABLED),
				 errmsg("table \"%s\" is not enabled", name),
				 errhint("Call syncport.enable for it first.")));
	if (table->relid != relid)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partition", name),
				 errhint("Name the partitioned table \"%s\".",
						 get_rel_name(table->relid))));
	return table;
}

/* The name of the relation, which must exist. */
static const char *
check_exists(Oid relid)
{
	const char *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("Name a table that exists.")));
	return name;
}

/* The relation exists and the caller owns it. */
static void
check_owner(Oid relid)
{
	const char *name = check_exists(relid);

	if (!SP_OWNS_RELATION(relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"%s\"", name),
				 errdetail("Its owner is \"%s\".",
						   GetUserNameFromId(sp_table_owner(relid), false)),
				 errhint("Call it as the table's owner or a superuser.")));
}

/* A permanent table, partitioned or not. */
static void
check_kind(Relation rel)
{
	const char *name = RelationGetRelationName(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name),
				 errdetail("Views, foreign tables and other relations cannot be enabled."),
				 errhint("Name a table or a partitioned table.")));
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is not permanent", name),
				 errdetail("It is %s.",
						   rel->rd_rel->relpersistence ==
						   RELPERSISTENCE_UNLOGGED ? "unlogged" : "temporary"),
				 errhint("A table whose rows can vanish cannot be synchronised; use a permanent one.")));
	if (IsCatalogRelation(rel) ||
		RelationGetNamespace(rel) == get_namespace_oid(SP_SCHEMA, false))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a system table", name),
				 errdetail("Tables of the server and of syncport cannot be enabled."),
				 errhint("Name a table of the application.")));
}

/* No partition and no part of an inheritance tree. */
static void
check_place(Relation rel)
{
	const char *name = RelationGetRelationName(rel);
	Oid			relid = RelationGetRelid(rel);

	if (rel->rd_rel->relispartition)
	{
		Oid			root = llast_oid(get_partition_ancestors(relid));

		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partition", name),
				 errhint("Name the partitioned table \"%s\".",
						 get_rel_name(root))));
	}
	if (rel->rd_rel->relkind == RELKIND_RELATION &&
		(has_superclass(relid) ||
		 find_inheritance_children(relid, NoLock) != NIL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" takes part in inheritance", name),
				 errdetail("A key is unique within one table of an inheritance tree only."),
				 errhint("Use declarative partitioning.")));
}

/* Every partition is a table that row triggers can guard. */
static void
check_partitions(Relation rel)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(RelationGetRelid(rel), NoLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_FOREIGN_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("table \"%s\" has a foreign table as partition",
							RelationGetRelationName(rel)),
					 errdetail("\"%s\" is a foreign table.",
							   get_rel_name(lfirst_oid(lc))),
					 errhint("Detach it.")));
	}
}
