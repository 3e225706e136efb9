/*-------------------------------------------------------------------------
 *
 * mutation.h
 *	  What a client asks for, as it was sent.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_MUTATION_H
#define SYNCPORT_PUSH_MUTATION_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "support/compat.h"

/* ids of mutations and of clients */
#define MUTATION_ID_BYTES_MAX	255

typedef enum PushOp
{
	PUSH_INSERT,
	PUSH_UPSERT,
	PUSH_UPDATE,
	PUSH_DELETE,
	PUSH_RESTORE
} PushOp;

/* How a mutation says what the client saw of the row. */
typedef enum PushBase
{
	BASE_NONE,					/* not at all: the last write wins */
	BASE_VERSION,				/* the row_version */
	BASE_ROW,					/* columns of the row */
	BASE_CURSOR,				/* everything up to a pull's cursor */
	BASE_SEQ					/* everything below a pull's seq */
} PushBase;

/* All of it points into the JSON that it was read from, or is palloc'd. */
typedef struct Mutation
{
	char	   *table;			/* its name, by the rules of regclass */
	PushOp		op;
	Jsonb	   *key;			/* an object; NULL: it stands in set */
	Jsonb	   *set;			/* an object, or NULL */
	PushBase	base;
	int64		number;			/* of BASE_VERSION and BASE_SEQ */
	Jsonb	   *row;			/* of BASE_ROW, an object */
	text	   *cursor;			/* of BASE_CURSOR */
} Mutation;

/* The mutations in an argument: a List of Jsonb *.  SY005, 22004. */
extern List *sp_mutation_list(Jsonb *json);

/* The id of a mutation, NULL where it has none that is a string. */
extern char *sp_mutation_id(Jsonb *json);

/* The name of its table, NULL where it has none that is a string. */
extern char *sp_mutation_table(Jsonb *json);

/* Key and set of whatever was sent, as one object; NULL: it has neither. */
extern Jsonb *sp_mutation_client(Jsonb *json);

/* Read a mutation.  Errors: SY005, DETAIL and HINT say what is wrong. */
extern Mutation *sp_mutation_read(Jsonb *json);

/* Raise SY005; hint may be NULL. */
extern void sp_mutation_refuse(const char *message, const char *detail,
							   const char *hint) pg_attribute_noreturn();

#endif							/* SYNCPORT_PUSH_MUTATION_H */
