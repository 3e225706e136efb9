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

/* 16 moved VARDATA and its kind out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 took the argument execute_once out of ExecutorRun */
#if PG_VERSION_NUM >= 180000
#define sp_compat_executor_run(desc, direction, count) \
	ExecutorRun(desc, direction, count)
#else
#define sp_compat_executor_run(desc, direction, count) \
	ExecutorRun(desc, direction, count, true)
#endif

/*
 * 18 has NOT NULL constraints that are not yet valid: attnotnull alone does
 * not say that a column holds no NULL.
 */
#if PG_VERSION_NUM >= 180000
#define SP_COLUMN_NOT_NULL(desc, i) \
	(TupleDescCompactAttr(desc, i)->attnullability == ATTNULLABLE_VALID)
#else
#define SP_COLUMN_NOT_NULL(desc, i) (TupleDescAttr(desc, i)->attnotnull)
#endif

/* 16 made the checks of owner and privileges one function for all objects */
#if PG_VERSION_NUM >= 160000
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#define SP_OWNS_RELATION(relid, roleid) \
	object_ownercheck(RelationRelationId, relid, roleid)
#define SP_MAY_USE_SCHEMA(nspid, roleid) \
	(object_aclcheck(NamespaceRelationId, nspid, roleid, ACL_USAGE) == \
	 ACLCHECK_OK)
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

/* 18 knows CHECK constraints that are not enforced */
#if PG_VERSION_NUM >= 180000
#define SP_CHECK_ENFORCED(check)	((check)->ccenforced)
#else
#define SP_CHECK_ENFORCED(check)	true
#endif

/* 18 computes virtual generated columns where they are used */
#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteHandler.h"
#define SP_EXPAND_GENERATED(expr, rel) \
	((Expr *) expand_generated_columns_in_expr((Node *) (expr), rel, 1))
#else
#define SP_EXPAND_GENERATED(expr, rel)	((Expr *) (expr))
#endif

/* 18 knows foreign keys that are not enforced */
#if PG_VERSION_NUM >= 180000
#define SP_FOREIGN_KEY_ENFORCED(key)	((key)->conenforced)
#else
#define SP_FOREIGN_KEY_ENFORCED(key)	true
#endif

/* 17 lets a generated column's expression be changed */
#if PG_VERSION_NUM >= 170000
#define SP_SETS_EXPRESSION(subtype)	((subtype) == AT_SetExpression)
#else
#define SP_SETS_EXPRESSION(subtype)	false
#endif

/* 17 lets access methods keep resources between the rows of a statement */
#if PG_VERSION_NUM >= 170000
#define SP_INDEX_INSERT_CLEANUP(index, info) index_insert_cleanup(index, info)
#else
#define SP_INDEX_INSERT_CLEANUP(index, info) ((void) 0)
#endif

/* 16 added onlySummarizing */
#if PG_VERSION_NUM >= 160000
#define sp_compat_insert_index_tuples(info, slot, estate) \
	ExecInsertIndexTuples(info, slot, estate, false, false, NULL, NIL, false)
#else
#define sp_compat_insert_index_tuples(info, slot, estate) \
	ExecInsertIndexTuples(info, slot, estate, false, false, NULL, NIL)
#endif

/* 18 wants the tuple's own address, invalid before it is inserted */
#if PG_VERSION_NUM >= 180000
#define sp_compat_check_index_constraints(info, slot, estate, conflict, keys) \
	ExecCheckIndexConstraints(info, slot, estate, conflict, \
							  &(slot)->tts_tid, keys)
#else
#define sp_compat_check_index_constraints(info, slot, estate, conflict, keys) \
	ExecCheckIndexConstraints(info, slot, estate, conflict, keys)
#endif

/* 18 counts the searches of a scan where it is told to */
#if PG_VERSION_NUM >= 180000
#define sp_compat_index_beginscan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, NULL, nkeys, 0)
#else
#define sp_compat_index_beginscan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, nkeys, 0)
#endif

/* 16 moved what a query needs of a table out of its range table entry */
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#define sp_compat_require_select(query, rte) \
	(addRTEPermissionInfo(&(query)->rteperminfos, rte)->requiredPerms = \
	 ACL_SELECT)
#else
#define sp_compat_require_select(query, rte) \
	((rte)->requiredPerms = ACL_SELECT)
#endif

/* 18 has generated columns that are not stored */
#if PG_VERSION_NUM >= 180000
#define SP_VIRTUAL_GENERATED(att) \
	((att)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#define SP_GENERATION_EXPRESSION(rel, attnum) \
	((Expr *) build_generation_expression(rel, attnum))
#else
#define SP_VIRTUAL_GENERATED(att)	false
#define SP_GENERATION_EXPRESSION(rel, attnum)	((Expr *) NULL)
#endif

/* 17 made the search for stronger locks an argument */
#if PG_VERSION_NUM >= 170000
#define SP_HOLDS_WRITE_LOCK(tag)	LockHeldByMe(tag, RowExclusiveLock, true)
#else
#define SP_HOLDS_WRITE_LOCK(tag) \
	(LockHeldByMe(tag, RowExclusiveLock) || \
	 LockHeldByMe(tag, ShareUpdateExclusiveLock) || \
	 LockHeldByMe(tag, ShareLock) || \
	 LockHeldByMe(tag, ShareRowExclusiveLock) || \
	 LockHeldByMe(tag, ExclusiveLock) || \
	 LockHeldByMe(tag, AccessExclusiveLock))
#endif

/* 18 replaced it by pg_noreturn, which stands ahead of the declaration */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#endif							/* SYNCPORT_COMPAT_H */
