/*-------------------------------------------------------------------------
 *
 * below_triggers.h
 *	  Statements that fire no trigger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_BELOW_TRIGGERS_H
#define SYNCPORT_TABLE_BELOW_TRIGGERS_H

/*
 * Run a DELETE or UPDATE, planned and checked as the current user's, as if
 * its tables had no triggers: what referential ones would do is up to the
 * caller.  No parameter is NULL.  How many rows it was; -1 if a rule makes
 * something else of the statement, which is not run.  SPI is connected.
 */
extern int64 sp_below_triggers_run(const char *sql, int nparams, Oid *types,
								   Datum *values);

#endif							/* SYNCPORT_TABLE_BELOW_TRIGGERS_H */
