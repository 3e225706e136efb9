/*-------------------------------------------------------------------------
 *
 * filter.h
 *	  The filter language: JSON to a condition with bound values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_FILTER_H
#define SYNCPORT_KEYSET_FILTER_H

#include "nodes/bitmapset.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

typedef struct FilterCondition
{
	char	   *sql;			/* over the alias t, operators qualified,
								 * never containing a value: equal filters of
								 * equal shape give equal text, so it can key
								 * a cache */
	int			nparams;
	Oid		   *types;			/* of $first .. $(first + nparams - 1) */
	Datum	   *values;
	bool	   *isnull;
	Bitmapset  *columns;		/* attribute numbers that it names */
} FilterCondition;

/*
 * Compile a filter for rel into a condition whose parameters are numbered
 * from first_param.  A NULL or empty filter gives NULL.  Palloc'd in the
 * current context, independent of rel afterwards.  Errors: SY004 naming
 * column, operator and value; a value that the column's type refuses is
 * SY004 too, with the type's message in DETAIL.
 */
extern FilterCondition *sp_filter_compile(Relation rel, Jsonb *filter,
										  int first_param);

#endif							/* SYNCPORT_KEYSET_FILTER_H */
