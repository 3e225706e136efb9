/*-------------------------------------------------------------------------
 *
 * reference.h
 *	  The foreign keys that refer to a table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_TABLE_REFERENCE_H
#define SYNCPORT_TABLE_REFERENCE_H

#include "nodes/pg_list.h"

typedef struct ForeignReference
{
	Oid			oid;			/* of the constraint */
	char	   *name;
	Oid			child;			/* the referring table, partitioned or not */
	int			ncolumns;
	char	  **parent_columns; /* names of the referenced columns */
	char	  **child_columns;	/* names of the referring columns */
	Oid		   *operators;		/* parent value = child value */
	Oid		   *parent_operators;	/* parent value = parent value */
} ForeignReference;

/*
 * Foreign keys that rows of relid can be referred to by: those on relid and
 * on the partitioned tables above it.  List of ForeignReference.
 */
extern List *sp_reference_list(Oid relid);

/* The foreign key of that OID. */
extern ForeignReference *sp_reference_read(Oid constraint);

/*
 * "EXISTS (...)": whether a row of the child refers to the row of the given
 * alias, whose columns bear the parent's names.
 */
extern char *sp_reference_condition(const ForeignReference *reference,
									const char *alias);

/* "parent.id = child.parent_id AND ...", for these aliases. */
extern char *sp_reference_join(const ForeignReference *reference,
							   const char *parent, const char *child);

#endif							/* SYNCPORT_TABLE_REFERENCE_H */
