/*-------------------------------------------------------------------------
 *
 * temp_id.h
 *	  Ids that clients made up offline, and the real ones they became.
 *
 * A temp id is "temp-" and a UUID.  It belongs to (role, principal,
 * client_id); what it became is kept as the text of the column's value, so
 * that any column takes it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_PUSH_TEMP_ID_H
#define SYNCPORT_PUSH_TEMP_ID_H

#include "utils/jsonb.h"

/* Whether a string is written as a temp id: "temp-" and a UUID. */
extern bool sp_temp_id_is(const char *string, int length);

/* Whether there is any in a JSON value, at any depth, keys left out. */
extern bool sp_temp_id_occurs(Jsonb *json);

/*
 * What a temp id became: a JSON value (a number or a string, as the column
 * it came from is written in JSON), or NULL where it is not known.  SPI must
 * be connected; palloc'd in the current context of the caller, not SPI's.
 */
extern JsonbValue *sp_temp_id_find(const char *client_id, const char *temp);

/*
 * Remember what a temp id became.  False where it became something already,
 * by another transaction that has committed meanwhile.  SPI must be
 * connected.  Errors: 40001 where the snapshot of a REPEATABLE READ
 * transaction does not see that one.
 */
extern bool sp_temp_id_add(const char *client_id, const char *temp,
						   const JsonbValue *value);

/*
 * json with every string that is a known temp id replaced by what it became;
 * strings that are none, or unknown, stay.  Returns json itself where there
 * is nothing to replace.  SPI must be connected.
 */
extern Jsonb *sp_temp_id_replace(const char *client_id, Jsonb *json);

#endif							/* SYNCPORT_PUSH_TEMP_ID_H */
