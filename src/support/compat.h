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

/* 16 made the ownership check one function for all kinds of objects */
#if PG_VERSION_NUM >= 160000
#define SP_OWNS_RELATION(relid, roleid) \
	object_ownercheck(RelationRelationId, relid, roleid)
#else
#define SP_OWNS_RELATION(relid, roleid) pg_class_ownercheck(relid, roleid)
#endif

/* 18 finds deferrable keys too, if asked */
#if PG_VERSION_NUM >= 180000
#define SP_PRIMARY_KEY_INDEX(rel)	RelationGetPrimaryKeyIndex(rel, false)
#else
#define SP_PRIMARY_KEY_INDEX(rel)	RelationGetPrimaryKeyIndex(rel)
#endif

#endif							/* SYNCPORT_COMPAT_H */
