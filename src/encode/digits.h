/*-------------------------------------------------------------------------
 *
 * digits.h
 *	  Decimal digits, two at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SYNCPORT_ENCODE_DIGITS_H
#define SYNCPORT_ENCODE_DIGITS_H

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

#endif							/* SYNCPORT_ENCODE_DIGITS_H */
