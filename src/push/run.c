/*-------------------------------------------------------------------------
 *
 * run.c
 *	  Statements, run in the caller's memory context.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "push/run.h"

void
sp_run_plan(SPIPlanPtr plan, Datum *values, const char *nulls, int expected)
{
	MemoryContext caller = CurrentMemoryContext;
	int			result = SPI_execute_plan(plan, values, nulls, false, 0);

	if (result != expected)
		elog(ERROR, "statement failed: %s", SPI_result_code_string(result));
	MemoryContextSwitchTo(caller);
}

void
sp_run_sql(const char *sql, int nparams, Oid *types, Datum *values,
		   int expected)
{
	MemoryContext caller = CurrentMemoryContext;
	int			result = SPI_execute_with_args(sql, nparams, types, values,
											   NULL, false, 0);

	if (result != expected)
		elog(ERROR, "statement failed: %s: %s",
			 SPI_result_code_string(result), sql);
	MemoryContextSwitchTo(caller);
}

SPIPlanPtr
sp_run_prepare(const char *sql, int nparams, Oid *types)
{
	MemoryContext caller = CurrentMemoryContext;
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, nparams, types,
										  CURSOR_OPT_GENERIC_PLAN);

	if (plan == NULL)
		elog(ERROR, "could not prepare: %s", sql);
	MemoryContextSwitchTo(caller);
	return plan;
}

void
sp_run_kept(SPIPlanPtr *plan, const char *sql, int nparams, Oid *types,
			Datum *values, int expected)
{
	if (*plan == NULL)
	{
		SPIPlanPtr	prepared = sp_run_prepare(sql, nparams, types);

		if (SPI_keepplan(prepared) != 0)
			elog(ERROR, "could not keep: %s", sql);
		*plan = prepared;
	}
	sp_run_plan(*plan, values, NULL, expected);
}
