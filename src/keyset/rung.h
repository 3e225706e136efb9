/*-------------------------------------------------------------------------
 *
 * rung.h
 *	  What follows a position, as a sequence of index ranges.
 *
 * For a position (v1 .. vn) in an order c1 .. cn the rows behind it are, in
 * this order: those with c1 = v1 .. c(n-1) = v(n-1) and cn behind vn; then
 * those with c1 = v1 .. c(n-2) = v(n-2) and c(n-1) behind v(n-1); and so on
 * up to c1 behind v1.  Each of these rungs is one range of an index that
 * leads with the order, whatever its directions and null orders are; run in
 * sequence until the page is full they read nothing but the page.  One
 * condition that ORs them would read everything ahead of the position.
 *
 * NULLs make rungs of their own: where they sort last, "c IS NULL" follows
 * "c > v"; behind a NULL that sorts first comes "c IS NOT NULL".  Where
 * neighbouring columns have one direction and the later ones are NOT NULL
 * their rungs are one row comparison, so that the usual order is a single
 * query, the one written by hand.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_KEYSET_RUNG_H
#define SYNCPORT_KEYSET_RUNG_H

#include "lib/stringinfo.h"

#include "keyset/cursor.h"

/* btree strategies, counted from 0 */
#define RUNG_STRATEGIES		5

/* how the query compares one column of the order */
typedef struct RungColumn
{
	char	   *expr;			/* t.column, cast to param_type if need be */
	Oid			param_type;		/* of the parameter that holds its value */
	bool		descending;		/* in the order that the query runs in, which
								 * a page ahead of a cursor reverses */
	bool		nulls_first;
	bool		nullable;
	bool		use_function;	/* compare[] are functions, not operators */
	bool		mergeable;		/* may stand in a row comparison */
	char	   *compare[RUNG_STRATEGIES];	/* qualified, by strategy */
} RungColumn;

typedef enum RungKind
{
	RUNG_START,					/* every row */
	RUNG_COMPARE,				/* equal up to from, then behind the values of
								 * from .. level */
	RUNG_NULL,					/* equal up to from, then level is NULL */
	RUNG_NOT_NULL,				/* equal up to from, then level is not NULL */
	RUNG_PREFIX,				/* equal up to from */
	RUNG_ANY					/* all rungs of the position at once */
} RungKind;

/* one range; zeroed before it is filled, so that it can be compared */
typedef struct Rung
{
	uint8		kind;			/* RungKind */
	uint8		from;			/* columns ahead of it equal the position's */
	uint8		level;			/* last column compared, >= from */
	uint8		inclusive;		/* RUNG_COMPARE: equal values are in */
	uint8		nvalues;		/* RUNG_ANY: of the position */
	uint64		nulls;			/* which of the values it uses are NULL */
} Rung;

/* a position of n values has at most so many rungs */
#define RUNGS_MAX(n)	(2 * (n))

/*
 * The rungs behind a position, in order; returns how many were written to
 * rungs, which has room for RUNGS_MAX(position->nvalues).  inclusive: rows
 * with exactly the position's values follow it.
 */
extern int	sp_rung_list(const RungColumn *columns,
						 const CursorPosition *position, bool inclusive,
						 Rung *rungs);

/* All rungs of a position as one. */
extern Rung sp_rung_any(const CursorPosition *position, bool inclusive);

/*
 * Append the condition of a rung, in parentheses or free of operators;
 * column i's value is parameter first_param + i.  "true" for RUNG_START.
 */
extern void sp_rung_condition(StringInfo out, const RungColumn *columns,
							  const Rung *rung, int first_param);

#endif							/* SYNCPORT_KEYSET_RUNG_H */
