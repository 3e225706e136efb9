/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  What differs between PostgreSQL 15, 16, 17 and 18.
 *
 * The only file that looks at PG_VERSION_NUM.  Every entry says which
 * release changed what, so that it can go when that release is the oldest
 * one supported.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_COMPAT_H
#define SYNCPORT_COMPAT_H

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "syncport supports PostgreSQL 15 to 18"
#endif

/* 18 took the argument execute_once out of ExecutorRun */
#if PG_VERSION_NUM >= 180000
#define sp_compat_executor_run(desc, direction, count) \
	ExecutorRun(desc, direction, count)
#else
#define sp_compat_executor_run(desc, direction, count) \
	ExecutorRun(desc, direction, count, true)
#endif

/* 16 made the checks of owner and privileges one function for all objects */
#if PG_VERSION_NUM >= 160000
#define SP_OWNS_RELATION(relid, roleid) \
	object_ownercheck(RelationRelationId, relid, roleid)
#define SP_MAY_USE_SCHEMA(nspid, roleid) \
	(object_aclcheck(NamespaceRelationId, nspid, roleid, ACL_USAGE) == ACLCHECK_OK)
#else
#define SP_OWNS_RELATION(relid, roleid) pg_class_ownercheck(relid, roleid)
#define SP_MAY_USE_SCHEMA(nspid, roleid) \
	(pg_namespace_aclcheck(nspid, roleid, ACL_USAGE) == ACLCHECK_OK)
#endif

/* 18 finds deferrable keys too, if asked */
#if PG_VERSION_NUM >= 180000
#define SP_PRIMARY_KEY_INDEX(rel)	RelationGetPrimaryKeyIndex(rel, false)
#else
#define SP_PRIMARY_KEY_INDEX(rel)	RelationGetPrimaryKeyIndex(rel)
#endif

#endif							/* SYNCPORT_COMPAT_H */
