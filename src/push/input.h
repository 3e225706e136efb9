/*-------------------------------------------------------------------------
 *
 * input.h
 *	  A mutation in the types of its table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_INPUT_H
#define SYNCPORT_PUSH_INPUT_H

#include "nodes/bitmapset.h"

#include "push/mutation.h"
#include "push/push_table.h"

/* Values of some columns, by attribute number - 1. */
typedef struct ColumnValues
{
	Bitmapset  *columns;		/* attribute numbers of those that are given */
	Datum	   *values;
	bool	   *isnull;
} ColumnValues;

/* A temp id that is to become a value of the key. */
typedef struct TempColumn
{
	AttrNumber	attnum;
	char	   *temp;
} TempColumn;

typedef struct PushInput
{
	const Mutation *mutation;
	PushTable  *table;
	const char *client_id;		/* or NULL */
	ColumnValues key;			/* what is known of the key */
	bool		key_complete;	/* all of it is */
	List	   *temps;			/* of TempColumn *: what is not */
	Jsonb	   *temp_key;		/* key columns given as temp ids; or NULL */
	ColumnValues set;			/* to be written, key columns of "key" left
								 * out */
	ColumnValues base;			/* of BASE_ROW */
	bool		base_deleted;	/* BASE_ROW says that the row was deleted */
	int8	   *digits;			/* of base: of the fraction of a second as it
								 * was sent; -1: does not matter */
} PushInput;

/*
 * Convert the key of a mutation; palloc'd, SPI connected.  Errors: SY005 for
 * the key and temp ids, 42703, and 22P02 and alike for values, naming the
 * column.
 */
extern PushInput *sp_push_input(const Mutation *mutation, PushTable *table,
								const char *client_id);

/* Convert the rest, set and base.  The same errors. */
extern void sp_push_input_values(PushInput *input);

/*
 * Convert a complete key that we wrote; values by attribute number - 1.
 */
extern void sp_push_input_key(const PushTable *table, Jsonb *json,
							  ColumnValues *key);

#endif							/* SYNCPORT_PUSH_INPUT_H */
