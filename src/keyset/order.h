/*-------------------------------------------------------------------------
 *
 * order.h
 *	  The order of a page: the columns of order_by and then the key.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_ORDER_H
#define SYNCPORT_KEYSET_ORDER_H

#include "utils/rel.h"

/* order_by names at most this many columns; the key comes on top */
#define ORDER_COLUMNS_MAX	4

typedef struct OrderColumn
{
	char	   *name;			/* as in the catalog, unquoted */
	AttrNumber	attnum;			/* in the relation the order was parsed for */
	Oid			type;			/* declared type, may be a domain */
	int32		typmod;
	Oid			collation;		/* InvalidOid where not collatable */
	Oid			base_type;		/* domains looked through */
	Oid			eq_op;			/* default btree operators of the type */
	Oid			lt_op;
	Oid			gt_op;
	bool		descending;
	bool		nulls_first;
	bool		nullable;		/* false where NOT NULL or part of the key */
} OrderColumn;

typedef struct OrderSpec
{
	Oid			relid;
	int			ncolumns;		/* order_by's columns and the key's */
	int			norder;			/* how many of them order_by named */
	OrderColumn *columns;
	uint64		binding;		/* hash of relid and every column's attnum,
								 * type, collation and direction: what a
								 * cursor is bound to */
} OrderSpec;

/*
 * Parse order_by (NULL or blank: the key alone) for a table with a primary
 * key, or any table where that is not required; key columns that order_by
 * does not name are appended, ascending.
 * Names fold case as in SQL unless quoted.  Palloc'd in the current context,
 * independent of rel afterwards.  Errors: SY004 (unknown, dropped or system
 * column, no btree order, named twice, more than ORDER_COLUMNS_MAX, syntax),
 * 55000 where the table has no primary key.
 */
extern OrderSpec *sp_order_parse(Relation rel, const char *order_by,
								 bool key_required);

#endif							/* SYNCPORT_KEYSET_ORDER_H */
