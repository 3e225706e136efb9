/*-------------------------------------------------------------------------
 *
 * selection.h
 *	  Which rows and columns of a table are exported, as a query.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_EXPORT_SELECTION_H
#define SYNCPORT_EXPORT_SELECTION_H

#include "nodes/params.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/portal.h"
#include "utils/rel.h"

typedef struct ExportSelection
{
	List	   *columns;		/* of char *, in order; NIL: all but
								 * syncport's */
	Jsonb	   *filter;			/* NULL: all rows */
	const char *order_by;		/* NULL: as they come */
	List	   *headings;		/* of ExportHeading *, of a preset */
	bool		include_deleted;	/* tombstones, too */
} ExportSelection;

typedef struct SelectionQuery
{
	char	   *sql;
	int			nparams;
	Oid		   *types;			/* of the parameters */
	ParamListInfo params;		/* their values; NULL: none */
} SelectionQuery;

/* Rows have to meet this filter, too; NULL is none. */
extern void sp_selection_add_filter(ExportSelection *selection,
									Jsonb *filter);

/*
 * Take over from a preset of a table what the selection leaves open, and add
 * its filter.  "all" is every table's.  Errors: 42704 where the caller sees
 * none of that name.
 */
extern void sp_selection_add_preset(ExportSelection *selection, Oid relid,
									const char *name);

/*
 * The query that selects from rel, open and locked, palloc'd.  Rows in no
 * order of their own keep that of the table; where there is an order, the
 * key, if there is one, makes it unique.  Errors: SY004 as filter.h and
 * order.h say, 42703 and 42701 for columns, 0A000 for images.
 */
extern SelectionQuery *sp_selection_query(const ExportSelection *selection,
										  Relation rel);

/*
 * A portal for the query, in the snapshot of the calling one; SPI connected.
 * Opening it checks the caller's privileges.
 */
extern Portal sp_selection_open(const SelectionQuery *query);

/*
 * The names of a text[], as a List of char *; 22004 where one is NULL and
 * 22023 where there are none.
 */
extern List *sp_selection_names(ArrayType *names);

#endif							/* SYNCPORT_EXPORT_SELECTION_H */
