/*-------------------------------------------------------------------------
 *
 * value_number.c
 *	  Text of numbers, uuid and bytes.
 *
 * A numeric is read straight from its stored form, which core keeps to
 * itself (NumericData in numeric.c) but cannot change: it is what stands on
 * disk.  A 16-bit header, of which the two highest bits say how to read it:
 *
 *	00, 01	long: sign, 14 bits of dscale; then a 16-bit weight
 *	10		short: 1 bit sign, 6 of dscale, 7 of signed weight
 *	11		NaN, infinity, -infinity
 *
 * and then digits of base 10000, the first one worth 10000 ^ weight, without
 * zeros at either end.  A packed varlena is not aligned.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>

#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/numeric.h"

#include "encode/digits.h"
#include "encode/value.h"
#include "support/compat.h"

#define HEADER_SPECIAL_MASK		0xF000
#define HEADER_NAN				0xC000
#define HEADER_INFINITY			0xD000
#define HEADER_NEGATIVE			0x4000
#define HEADER_SHORT			0x8000
#define HEADER_DSCALE_MASK		0x3FFF
#define SHORT_NEGATIVE			0x2000
#define SHORT_DSCALE_MASK		0x1F80
#define SHORT_DSCALE_SHIFT		7
#define SHORT_WEIGHT_NEGATIVE	0x0040
#define SHORT_WEIGHT_MASK		0x003F

/* decimal digits in one digit of a numeric */
#define GROUP_DIGITS			4

typedef struct NumericParts
{
	bool		negative;
	int			dscale;			/* decimal digits behind the point */
	int			weight;			/* of the first group, in groups */
	int			ngroups;		/* groups stored */
	const char *groups;			/* int16 each, not aligned */
} NumericParts;

const char	sp_digits_pairs[] =
"00010203040506070809101112131415161718192021222324"
"25262728293031323334353637383940414243444546474849"
"50515253545556575859606162636465666768697071727374"
"75767778798081828384858687888990919293949596979899";

#define HEX_ROW(high) \
	high "0" high "1" high "2" high "3" high "4" high "5" high "6" high "7" \
	high "8" high "9" high "a" high "b" high "c" high "d" high "e" high "f"

/* "00" to "ff" */
static const char hex_pairs[] =
HEX_ROW("0") HEX_ROW("1") HEX_ROW("2") HEX_ROW("3")
HEX_ROW("4") HEX_ROW("5") HEX_ROW("6") HEX_ROW("7")
HEX_ROW("8") HEX_ROW("9") HEX_ROW("a") HEX_ROW("b")
HEX_ROW("c") HEX_ROW("d") HEX_ROW("e") HEX_ROW("f");

static inline char *write_hex(char *out, const char *bytes, size_t nbytes);
static char *write_special(char *out, const struct varlena *value);
static inline int bytes_needed(const NumericParts *parts);
static inline char *write_parts(char *out, const NumericParts *parts);
static inline uint16 read_header(const struct varlena *value);
static inline void split_numeric(const struct varlena *value,
								 NumericParts *parts);
static inline int group_at(const NumericParts *parts, int position);
static inline char *write_integer_part(char *out, const NumericParts *parts);
static inline char *write_fraction(char *out, const NumericParts *parts);

char *
sp_value_float4(char *out, float4 value)
{
	if (extra_float_digits > 0)
		return out + float_to_shortest_decimal_bufn(value, out);
	return out + pg_strfromd(out, VALUE_BYTES_MAX / 2,
							 FLT_DIG + extra_float_digits, value);
}

char *
sp_value_float8(char *out, float8 value)
{
	if (extra_float_digits > 0)
		return out + double_to_shortest_decimal_bufn(value, out);
	return out + pg_strfromd(out, VALUE_BYTES_MAX / 2,
							 DBL_DIG + extra_float_digits, value);
}

/* Two digits per byte. */
static inline char *
write_hex(char *out, const char *bytes, size_t nbytes)
{
	size_t		i;

	for (i = 0; i < nbytes; i++)
	{
		memcpy(out, hex_pairs + 2 * (unsigned char) bytes[i], 2);
		out += 2;
	}
	return out;
}

char *
sp_value_hex(char *out, const char *bytes, size_t nbytes)
{
	return write_hex(out, bytes, nbytes);
}

char *
sp_value_uuid(char *out, const pg_uuid_t *value)
{
	const char *bytes = (const char *) value->data;

	out = write_hex(out, bytes, 4);
	*out++ = '-';
	out = write_hex(out, bytes + 4, 2);
	*out++ = '-';
	out = write_hex(out, bytes + 6, 2);
	*out++ = '-';
	out = write_hex(out, bytes + 8, 2);
	*out++ = '-';
	return write_hex(out, bytes + 10, 6);
}

bool
sp_value_numeric_is_special(const struct varlena *value)
{
	return (read_header(value) & HEADER_NAN) == HEADER_NAN;
}

void
sp_value_numeric(StringInfo out, const struct varlena *value)
{
	NumericParts parts;
	char	   *position;

	if (sp_value_numeric_is_special(value))
	{
		position = sp_value_reserve(out, VALUE_BYTES_MAX);
		out->len = write_special(position, value) - out->data;
		return;
	}
	split_numeric(value, &parts);
	position = sp_value_reserve(out, bytes_needed(&parts));
	out->len = write_parts(position, &parts) - out->data;
}

char *
sp_value_short_numeric(char *out, const struct varlena *value)
{
	NumericParts parts;

	if (unlikely((read_header(value) & HEADER_NAN) == HEADER_NAN))
		return write_special(out, value);
	split_numeric(value, &parts);
	if (unlikely(bytes_needed(&parts) > VALUE_BYTES_MAX))
		return NULL;
	return write_parts(out, &parts);
}

/* NaN or an infinity */
static char *
write_special(char *out, const struct varlena *value)
{
	uint16		header = read_header(value) & HEADER_SPECIAL_MASK;
	const char *name = header == HEADER_NAN ? "NaN" :
	header == HEADER_INFINITY ? "Infinity" : "-Infinity";

	memcpy(out, name, strlen(name));
	return out + strlen(name);
}

/* Room for a number, and for digits that are written and given up. */
static inline int
bytes_needed(const NumericParts *parts)
{
	return parts->dscale + 4 * GROUP_DIGITS +
		Max(parts->weight + 1, 0) * GROUP_DIGITS;
}

/* Sign, integer part and fraction. */
static inline char *
write_parts(char *out, const NumericParts *parts)
{
	if (parts->negative)
		*out++ = '-';
	out = write_integer_part(out, parts);
	if (parts->dscale > 0)
		out = write_fraction(out, parts);
	return out;
}

/* The first 16 bits of a numeric. */
static inline uint16
read_header(const struct varlena *value)
{
	uint16		header;

	memcpy(&header, VARDATA_ANY(value), sizeof(header));
	return header;
}

/* Take the stored form of a number apart. */
static inline void
split_numeric(const struct varlena *value, NumericParts *parts)
{
	uint16		header = read_header(value);
	int			header_bytes = sizeof(uint16);

	if (header & HEADER_SHORT)
	{
		parts->negative = (header & SHORT_NEGATIVE) != 0;
		parts->dscale = (header & SHORT_DSCALE_MASK) >> SHORT_DSCALE_SHIFT;
		parts->weight = header & SHORT_WEIGHT_MASK;
		if (header & SHORT_WEIGHT_NEGATIVE)
			parts->weight |= ~SHORT_WEIGHT_MASK;
	}
	else
	{
		int16		weight;

		memcpy(&weight, VARDATA_ANY(value) + header_bytes, sizeof(weight));
		header_bytes += sizeof(weight);
		parts->negative = (header & HEADER_NEGATIVE) != 0;
		parts->dscale = header & HEADER_DSCALE_MASK;
		parts->weight = weight;
	}
	parts->groups = VARDATA_ANY(value) + header_bytes;
	parts->ngroups = (VARSIZE_ANY_EXHDR(value) - header_bytes) /
		(int) sizeof(int16);
}

/* The group at a position, counted from the first one stored. */
static inline int
group_at(const NumericParts *parts, int position)
{
	int16		group;

	if (position < 0 || position >= parts->ngroups)
		return 0;
	memcpy(&group, parts->groups + position * sizeof(group), sizeof(group));
	return group;
}

/* What stands ahead of the point, at least one digit. */
static inline char *
write_integer_part(char *out, const NumericParts *parts)
{
	int			i;

	if (parts->weight < 0)
	{
		*out++ = '0';
		return out;
	}
	out += pg_ultoa_n(group_at(parts, 0), out);
	for (i = 1; i <= parts->weight; i++)
		out = sp_digits_four(out, group_at(parts, i));
	return out;
}

/*
 * The point and dscale digits.  The last group is written whole: the caller
 * has reserved room for the digits that are then given up.
 */
static inline char *
write_fraction(char *out, const NumericParts *parts)
{
	int			position = parts->weight + 1;
	int			remaining = parts->dscale;

	*out++ = '.';
	while (remaining > 0)
	{
		sp_digits_four(out, group_at(parts, position++));
		out += Min(remaining, GROUP_DIGITS);
		remaining -= GROUP_DIGITS;
	}
	return out;
}
