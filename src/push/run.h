/*-------------------------------------------------------------------------
 *
 * run.h
 *	  Statements, run in the caller's memory context.
 *
 * SPI leaves its own context behind, which lives as long as the whole call:
 * what a mutation needs would pile up there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_RUN_H
#define SYNCPORT_PUSH_RUN_H

#include "executor/spi.h"

/*
 * Run a prepared statement, or one that is given as SQL, with SPI connected.
 * nulls as for SPI_execute_plan.  expected: what SPI is to return.  The
 * result is SPI's.
 */
extern void sp_run_plan(SPIPlanPtr plan, Datum *values, const char *nulls,
						int expected);
extern void sp_run_sql(const char *sql, int nparams, Oid *types,
					   Datum *values, int expected);

/*
 * The same of one that is always the same: it is prepared once in a session
 * and kept in *plan, which is NULL at first.
 */
extern void sp_run_kept(SPIPlanPtr *plan, const char *sql, int nparams,
						Oid *types, Datum *values, int expected);

/*
 * Prepare a statement, for as long as SPI is connected.  It is planned once:
 * what we run finds rows by their keys, whatever these are.
 */
extern SPIPlanPtr sp_run_prepare(const char *sql, int nparams, Oid *types);

#endif							/* SYNCPORT_PUSH_RUN_H */
