/*-------------------------------------------------------------------------
 *
 * row.h
 *	  The row that a mutation is about, as the caller sees it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_ROW_H
#define SYNCPORT_PUSH_ROW_H

#include "datatype/timestamp.h"

#include "push/input.h"

typedef enum RowState
{
	ROW_MISSING,				/* there is none that the caller sees */
	ROW_LIVE,
	ROW_DELETED					/* a tombstone, or its image */
} RowState;

typedef struct PushRow
{
	RowState	state;
	bool		image;			/* it is not in the table */
	TimestampTz removed_at;		/* of an image */
	int64		row_version;
	Datum	   *values;			/* by attribute number - 1; those that the
								 * caller may not read are NULL */
	bool	   *isnull;
} PushRow;

/*
 * Read the row with a key, under a new snapshot where the isolation level
 * has them.  SPI must be connected; palloc'd in the current context.
 * Errors: 42501 where the caller may not read key, row_version or
 * deleted_at.
 */
extern PushRow *sp_row_read(PushTable *table, const Relation rel,
							const ColumnValues *key);

/* "t.a, t.b": the columns in table->read. */
extern char *sp_row_select_list(const PushTable *table);

/*
 * The row of SPI's result, which begins with table->read, as one of the
 * table; palloc'd in the current context.  Frees the result.
 */
extern PushRow *sp_row_take(const PushTable *table);

/* The row as JSON, NULL where there is none; palloc'd. */
extern char *sp_row_json(const PushTable *table, const PushRow *row);

/* A key, of which all is known, as JSON; values by attribute number - 1. */
extern Jsonb *sp_row_key(const PushTable *table, const Datum *values);

/* The same as text. */
extern char *sp_row_key_text(const PushTable *table, const Datum *values);

/*
 * Columns among those given that differ from the row's in what is stored
 * (json in its content), and those that the caller may not read.
 */
extern Bitmapset *sp_row_stored_otherwise(PushTable *table,
										  const PushRow *row,
										  const ColumnValues *given);

/*
 * Columns among those given whose values are not equal to the row's, as far
 * as the caller may read them.  digits: how precise times are, see input.h;
 * NULL: all to the microsecond.
 */
extern Bitmapset *sp_row_unequal(PushTable *table, const PushRow *row,
								 const ColumnValues *given,
								 const int8 *digits);

#endif							/* SYNCPORT_PUSH_ROW_H */
