/*-------------------------------------------------------------------------
 *
 * json_value.h
 *	  JSON values to values of a column's type.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_JSON_VALUE_H
#define SYNCPORT_JSON_VALUE_H

#include "utils/jsonb.h"

/*
 * The value of type (no domain) that a JSON value other than null stands
 * for.  Scalars go through the type's input function, without a length;
 * arrays and objects also fit array and composite types, and everything fits
 * jsonb.  Errors: sqlstate, naming the column, with the type's message in
 * DETAIL.
 */
extern Datum sp_json_value(int sqlstate, const char *column, Oid type,
						   const JsonbValue *json);

/*
 * The array of element type (no domain) with the elements of a JSON array;
 * null becomes NULL.  array_type is the element type's array type.
 */
extern Datum sp_json_list(int sqlstate, const char *column, Oid type,
						  const JsonbValue *json);

#endif							/* SYNCPORT_JSON_VALUE_H */
