/*-------------------------------------------------------------------------
 *
 * rung.c
 *	  Splits what follows a position into index ranges and writes them.
 *
 * A rung carries everything that its text depends on, NULLs among the
 * values included, and nothing of the values: it is the key of a prepared
 * plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"

#include "keyset/rung.h"

/*
 * For a composite IS NULL would ask about its fields.  The parser makes
 * plain null tests of these.
 */
#define IS_NULL		"%s IS NOT DISTINCT FROM NULL"
#define IS_NOT_NULL "%s IS DISTINCT FROM NULL"

static Rung make_rung(RungKind kind, int from, int level,
					  const CursorPosition *position);
static int	merge_start(const RungColumn *columns,
						const CursorPosition *position, int level);
static bool can_merge(const RungColumn *ahead, const RungColumn *column);
static void append_equal(StringInfo out, const RungColumn *columns,
						 const Rung *rung, int first_param);
static void append_comparison(StringInfo out, const RungColumn *columns,
							  const Rung *rung, int first_param);
static void append_row(StringInfo out, const RungColumn *columns,
					   const Rung *rung, int first_param);
static void append_compare(StringInfo out, const RungColumn *column,
						   StrategyNumber strategy, int param);
static StrategyNumber strategy_behind(const RungColumn *column,
									  bool inclusive);
static void append_any(StringInfo out, const RungColumn *columns,
					   const Rung *rung, int first_param);

int
sp_rung_list(const RungColumn *columns, const CursorPosition *position,
			 bool inclusive, Rung *rungs)
{
	int			level = position->nvalues - 1;
	int			n = 0;

	while (level >= 0)
	{
		const RungColumn *column = &columns[level];
		int			from = level;

		if (!position->isnull[level])
		{
			from = merge_start(columns, position, level);
			column = &columns[from];
			rungs[n] = make_rung(RUNG_COMPARE, from, level, position);
			rungs[n++].inclusive = inclusive;
			if (column->nullable && !column->nulls_first)
				rungs[n++] = make_rung(RUNG_NULL, from, from, position);
		}
		else if (inclusive)
			rungs[n++] = make_rung(column->nulls_first ?
								   RUNG_PREFIX : RUNG_NULL,
								   level, level, position);
		else if (column->nulls_first)
			rungs[n++] = make_rung(RUNG_NOT_NULL, level, level, position);
		inclusive = false;
		level = from - 1;
	}
	return n;
}

Rung
sp_rung_any(const CursorPosition *position, bool inclusive)
{
	Rung		rung = make_rung(RUNG_ANY, position->nvalues,
								 position->nvalues, position);

	rung.inclusive = inclusive;
	rung.nvalues = position->nvalues;
	return rung;
}

void
sp_rung_condition(StringInfo out, const RungColumn *columns,
				  const Rung *rung, int first_param)
{
	if (rung->kind == RUNG_START)
	{
		appendStringInfoString(out, "true");
		return;
	}
	if (rung->kind == RUNG_ANY)
	{
		append_any(out, columns, rung, first_param);
		return;
	}
	appendStringInfoChar(out, '(');
	append_equal(out, columns, rung, first_param);
	switch ((RungKind) rung->kind)
	{
		case RUNG_COMPARE:
			append_comparison(out, columns, rung, first_param);
			break;
		case RUNG_NULL:
			appendStringInfo(out, IS_NULL, columns[rung->level].expr);
			break;
		case RUNG_NOT_NULL:
			appendStringInfo(out, IS_NOT_NULL, columns[rung->level].expr);
			break;
		default:
			appendStringInfoString(out, "true");
			break;
	}
	appendStringInfoChar(out, ')');
}

/* A rung with the NULLs among the values it compares with. */
static Rung
make_rung(RungKind kind, int from, int level, const CursorPosition *position)
{
	Rung		rung;
	int			i;

	memset(&rung, 0, sizeof(rung));
	rung.kind = kind;
	rung.from = from;
	rung.level = level;
	for (i = 0; i < from; i++)
		if (position->isnull[i])
			rung.nulls |= UINT64CONST(1) << i;
	return rung;
}

/* The first column of the row comparison that ends with column level. */
static int
merge_start(const RungColumn *columns, const CursorPosition *position,
			int level)
{
	int			from = level;

	while (from > 0 && !position->isnull[from - 1] &&
		   can_merge(&columns[from - 1], &columns[from]))
		from--;
	return from;
}

/*
 * Whether one row comparison orders two neighbours right.  The second must
 * not be NULL: a row comparison that reaches a NULL is unknown, and the row
 * would be on no page.
 */
static bool
can_merge(const RungColumn *ahead, const RungColumn *column)
{
	StrategyNumber strategy = strategy_behind(column, false);

	return ahead->mergeable && column->mergeable && !column->nullable &&
		ahead->descending == column->descending &&
		strcmp(ahead->compare[strategy - 1],
			   column->compare[strategy - 1]) == 0;
}

/* "c1 = v1 AND c2 IS NULL AND " for the columns ahead of the rung's. */
static void
append_equal(StringInfo out, const RungColumn *columns, const Rung *rung,
			 int first_param)
{
	int			i;

	for (i = 0; i < rung->from; i++)
	{
		if (rung->nulls & (UINT64CONST(1) << i))
			appendStringInfo(out, IS_NULL, columns[i].expr);
		else
			append_compare(out, &columns[i], BTEqualStrategyNumber,
						   first_param + i);
		appendStringInfoString(out, " AND ");
	}
}

/* "c > v", or a row comparison. */
static void
append_comparison(StringInfo out, const RungColumn *columns,
				  const Rung *rung, int first_param)
{
	const RungColumn *column = &columns[rung->from];

	if (rung->from < rung->level)
		append_row(out, columns, rung, first_param);
	else
		append_compare(out, column, strategy_behind(column, rung->inclusive),
					   first_param + rung->from);
}

/* "ROW(c1, c2) > ROW(v1, v2)". */
static void
append_row(StringInfo out, const RungColumn *columns, const Rung *rung,
		   int first_param)
{
	const RungColumn *column = &columns[rung->from];
	StrategyNumber strategy = strategy_behind(column, rung->inclusive);
	int			i;

	for (i = rung->from; i <= rung->level; i++)
		appendStringInfo(out, "%s%s", i == rung->from ? "ROW(" : ", ",
						 columns[i].expr);
	appendStringInfo(out, ") %s ", column->compare[strategy - 1]);
	for (i = rung->from; i <= rung->level; i++)
		appendStringInfo(out, "%s$%d", i == rung->from ? "ROW(" : ", ",
						 first_param + i);
	appendStringInfoChar(out, ')');
}

/* One column against its parameter, by operator or function. */
static void
append_compare(StringInfo out, const RungColumn *column,
			   StrategyNumber strategy, int param)
{
	const char *compare = column->compare[strategy - 1];

	if (column->use_function)
		appendStringInfo(out, "%s(%s, $%d)", compare, column->expr, param);
	else
		appendStringInfo(out, "%s %s $%d", column->expr, compare, param);
}

/* The strategy that says "behind" in the column's direction. */
static StrategyNumber
strategy_behind(const RungColumn *column, bool inclusive)
{
	if (column->descending)
		return inclusive ? BTLessEqualStrategyNumber : BTLessStrategyNumber;
	return inclusive ?
		BTGreaterEqualStrategyNumber : BTGreaterStrategyNumber;
}

/* All rungs of the position, ORed; "false" where nothing follows it. */
static void
append_any(StringInfo out, const RungColumn *columns, const Rung *rung,
		   int first_param)
{
	Rung		rungs[RUNGS_MAX(64)];
	bool		isnull[64];
	CursorPosition position = {.nvalues = rung->nvalues,.isnull = isnull};
	int			n;
	int			i;

	for (i = 0; i < rung->nvalues; i++)
		isnull[i] = (rung->nulls & (UINT64CONST(1) << i)) != 0;
	n = sp_rung_list(columns, &position, rung->inclusive, rungs);
	appendStringInfoString(out, n == 0 ? "(false" : "(");
	for (i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoString(out, " OR ");
		sp_rung_condition(out, columns, &rungs[i], first_param);
	}
	appendStringInfoChar(out, ')');
}
