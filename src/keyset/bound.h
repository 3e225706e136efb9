/*-------------------------------------------------------------------------
 *
 * bound.h
 *	  Comparisons that may bound an index scan under row-level security.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_BOUND_H
#define SYNCPORT_KEYSET_BOUND_H

/* names of the SQL functions, in the order of the btree strategies */
#define BOUND_FUNCTIONS \
	{"sort_lt", "sort_le", "sort_eq", "sort_ge", "sort_gt"}

/*
 * Whether syncport.sort_lt and its kin accept values of the type: its
 * default btree comparison, and those of everything it is made of, are the
 * server's own.
 */
extern bool sp_bound_accepts(Oid type);

#endif							/* SYNCPORT_KEYSET_BOUND_H */
