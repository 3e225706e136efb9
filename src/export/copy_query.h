/*-------------------------------------------------------------------------
 *
 * copy_query.h
 *	  The query that gives the rows of a COPY statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_COPY_QUERY_H
#define SYNCPORT_EXPORT_COPY_QUERY_H

#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

#include "export/copy_option.h"

typedef struct CopyQuery
{
	PlannedStmt *plan;
	Oid			relid;			/* the table copied; InvalidOid: a query */
	int			ncolumns;		/* of the rows */
	ParamListInfo params;		/* of the plan; NULL: none */
} CopyQuery;

/*
 * Analyze, rewrite and plan what is to be copied.  The statement is
 * scribbled on: give a copy.  Takes the locks; privileges and row security
 * are left to the executor.  in_order: rows of a table come as they are
 * stored, so no parallel plan.  options: PRESET, FILTER and ORDER_BY select
 * from a table; headings of a preset are put in.  Errors as core's COPY TO
 * has them, and selection.h.
 */
extern void sp_copy_query_plan(CopyStmt *statement, PlannedStmt *utility,
							   const char *source, bool in_order,
							   CopyOptions *options, CopyQuery *result);

#endif							/* SYNCPORT_EXPORT_COPY_QUERY_H */
