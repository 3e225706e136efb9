/*-------------------------------------------------------------------------
 *
 * digits.h
 *	  Decimal digits, two at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_ENCODE_DIGITS_H
#define SYNCPORT_ENCODE_DIGITS_H

#include "utils/builtins.h"

/* "00" to "99", defined in value_number.c */
extern const char sp_digits_pairs[];

/* Write value, 0 to 99, as two digits. */
static inline char *
sp_digits_two(char *out, unsigned int value)
{
	memcpy(out, sp_digits_pairs + 2 * value, 2);
	return out + 2;
}

/* Write value, 0 to 9999, as four digits. */
static inline char *
sp_digits_four(char *out, unsigned int value)
{
	sp_digits_two(out, value / 100);
	return sp_digits_two(out + 2, value % 100);
}

/* Write a number, small ones without a call. */
static inline char *
sp_digits_int32(char *out, int32 value)
{
	uint32		digits = value;

	if (value < 0)
	{
		*out++ = '-';
		digits = 0 - digits;
	}
	if (digits >= 10000)
		return out + pg_ultoa_n(digits, out);
	if (digits >= 1000)
		return sp_digits_four(out, digits);
	if (digits >= 100)
	{
		*out++ = '0' + digits / 100;
		return sp_digits_two(out, digits % 100);
	}
	if (digits >= 10)
		return sp_digits_two(out, digits);
	*out++ = '0' + digits;
	return out;
}

#endif							/* SYNCPORT_ENCODE_DIGITS_H */
