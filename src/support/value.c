/*-------------------------------------------------------------------------
 *
 * value.c
 *	  Which errors of a type's function are about the value it was given.
 *
 * No release before 16 has soft errors, and no type need have them.  Who
 * only wants to word an error differently can catch it, without a
 * subtransaction, as long as another error is thrown in its place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "support/value.h"

/* By class: data, constraint of a domain, unknown name, protocol, limit. */
bool
sp_value_is_refused(int sqlstate)
{
	static const int refusing[] = {
		MAKE_SQLSTATE('2', '2', '0', '0', '0'),
		MAKE_SQLSTATE('2', '3', '0', '0', '0'),
		MAKE_SQLSTATE('4', '2', '0', '0', '0'),
		MAKE_SQLSTATE('0', '8', '0', '0', '0'),
		MAKE_SQLSTATE('0', 'A', '0', '0', '0'),
		MAKE_SQLSTATE('3', 'F', '0', '0', '0'),
		MAKE_SQLSTATE('5', '4', '0', '0', '0'),
		MAKE_SQLSTATE('P', '0', '0', '0', '0')
	};

	if (sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE)
		return false;
	for (int i = 0; i < lengthof(refusing); i++)
		if (ERRCODE_TO_CATEGORY(sqlstate) == refusing[i])
			return true;
	return false;
}
