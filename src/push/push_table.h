/*-------------------------------------------------------------------------
 *
 * push_table.h
 *	  A table that a call pushes to.
 *
 * It is locked ahead of the first mutation and stays so: what is said here
 * of its columns holds until the call ends, whatever is rolled back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_TABLE_H
#define SYNCPORT_PUSH_TABLE_H

#include "executor/spi.h"

#include "encode/json.h"
#include "table/image_query.h"
#include "table/table.h"

typedef struct PushColumn
{
	char	   *name;			/* NULL: dropped */
	Oid			type;			/* domains looked through */
	int32		typmod;			/* same */
	FmgrInfo	fit;			/* gives a value typmod's length; fn_oid is
								 * invalid where none is needed */
	FmgrInfo	equal;			/* of the type; fn_oid is invalid for json and
								 * for types without equality */
	int16		length;			/* of the type */
	bool		byval;			/* same */
	bool		key;			/* part of the primary key */
	bool		reference;		/* part of a foreign key */
	bool		ignored;		/* not the client's: stamps, generated */
	bool		readable;		/* the caller may read it */
} PushColumn;

typedef struct PushTable
{
	char	   *name;			/* as mutations have it */
	ErrorData  *error;			/* why nobody can push to it; else NULL */
	Oid			relid;
	EnabledTable *table;
	char	   *from;			/* schema.table or ONLY schema.table */
	char	   *into;			/* schema.table */
	int			natts;
	PushColumn *columns;		/* by attribute number - 1 */
	int			nkey;
	AttrNumber *key;			/* in the order of the primary key */
	Oid		   *key_types;		/* of the columns, domains looked through */
	char	   *key_condition;	/* over t, parameters $1 .. $nkey */
	AttrNumber	row_version;
	AttrNumber	deleted_at;		/* InvalidAttrNumber in image mode */
	int			nread;
	AttrNumber *read;			/* columns that the caller may read */
	bool		returning;		/* RETURNING tells how UPDATE leaves the row:
								 * no rule, no trigger changes it afterwards */
	SPIPlanPtr	read_plan;		/* SELECT of them by key; NULL at first */
	ImageKeyQuery *image_query; /* the same of images; NULL at first */
	List	   *writes;			/* prepared statements, see row_write.c */
	RowEncoder *row_encoder;	/* of the columns in read */
	RowEncoder *key_encoder;	/* of those in key */
} PushTable;

/*
 * Lock the table of that name and learn about it; palloc'd in the current
 * context.  Errors: those of regclass, SY003, 42809, 55000.
 */
extern PushTable *sp_push_table_open(const char *name, JsonJob *job);

/* The column of that name; 42703 where there is none. */
extern AttrNumber sp_push_table_column(const PushTable *table,
									   const char *name);

/* The name of a column as SQL. */
extern const char *sp_push_table_quote(const PushTable *table,
									   AttrNumber attnum);

#endif							/* SYNCPORT_PUSH_TABLE_H */
