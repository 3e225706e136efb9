/*-------------------------------------------------------------------------
 *
 * base64.c
 *	  URL-safe base64 without padding.
 *
 * The server's own functions speak the other alphabet and forgive white
 * space; here every byte string has exactly one text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "support/base64.h"

static int	digit_value(char c);

static const char digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Three bytes to four digits; the rest to two or three. */
void
sp_base64_encode(const uint8 *bytes, int len, char *out)
{
	uint32		bits;

	for (; len >= 3; len -= 3, bytes += 3)
	{
		bits = bytes[0] << 16 | bytes[1] << 8 | bytes[2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = digits[bits >> 6 & 63];
		*out++ = digits[bits & 63];
	}
	if (len == 0)
		return;
	bits = bytes[0] << 16 | (len == 2 ? bytes[1] << 8 : 0);
	*out++ = digits[bits >> 18];
	*out++ = digits[bits >> 12 & 63];
	if (len == 2)
		*out++ = digits[bits >> 6 & 63];
}

/* Bits that no byte takes must be zero. */
int
sp_base64_decode(const char *text, int len, uint8 *out)
{
	uint32		bits = 0;
	int			nbits = 0;
	int			nbytes = 0;

	if (len % 4 == 1)
		return -1;
	for (int i = 0; i < len; i++)
	{
		int			value = digit_value(text[i]);

		if (value < 0)
			return -1;
		bits = (bits << 6 | value) & 0xffff;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			out[nbytes++] = bits >> nbits & 0xff;
		}
	}
	return (bits & ((1 << nbits) - 1)) == 0 ? nbytes : -1;
}

/* The six bits of a digit, -1 for any other character. */
static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}
