/*-------------------------------------------------------------------------
 *
 * json_string.c
 *	  Text as a JSON string.
 *
 * What needs an escape in JSON is ASCII, and in every server encoding an
 * ASCII byte is never part of another character, so bytes can be looked at
 * one by one - or eight at a time, as one integer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "encode/json.h"

/* \u00XX, the longest that one byte can become */
#define ESCAPE_BYTES_MAX	6

/* so much is reserved for at once, in bytes of the source */
#define CHUNK_BYTES			1024

#define EVERY_BYTE(byte)	(UINT64CONST(0x0101010101010101) * (byte))

static inline bool needs_escape(uint64 word);
static inline bool has_zero_byte(uint64 word);
static char *copy_escaping(char *out, const char *text, size_t length);
static inline char *escape_byte(char *out, unsigned char byte);

void
sp_json_string(StringInfo out, const char *text, size_t length)
{
	char	   *position;

	position = sp_value_reserve(out, 2);
	*position = '"';
	out->len++;
	while (length > 0)
	{
		size_t		chunk = Min(length, CHUNK_BYTES);

		position = sp_value_reserve(out, chunk * ESCAPE_BYTES_MAX + 1);
		position = copy_escaping(position, text, chunk);
		out->len = position - out->data;
		text += chunk;
		length -= chunk;
	}
	position = sp_value_reserve(out, 1);
	*position = '"';
	out->len++;
}

/* Does a word hold a quote, a backslash or a control character? */
static inline bool
needs_escape(uint64 word)
{
	if (has_zero_byte(word ^ EVERY_BYTE('"')) ||
		has_zero_byte(word ^ EVERY_BYTE('\\')))
		return true;
	return ((word - EVERY_BYTE(' ')) & ~word & EVERY_BYTE(0x80)) != 0;
}

/* Is any of the eight bytes 0? */
static inline bool
has_zero_byte(uint64 word)
{
	return ((word - EVERY_BYTE(1)) & ~word & EVERY_BYTE(0x80)) != 0;
}

/* Copy length bytes with escapes; returns the end of what was written. */
static char *
copy_escaping(char *out, const char *text, size_t length)
{
	const char *end = text + length;
	uint64		word;

	while (end - text >= (ptrdiff_t) sizeof(word))
	{
		memcpy(&word, text, sizeof(word));
		if (unlikely(needs_escape(word)))
		{
			int			i;

			for (i = 0; i < (int) sizeof(word); i++)
				out = escape_byte(out, (unsigned char) *text++);
			continue;
		}
		memcpy(out, &word, sizeof(word));
		out += sizeof(word);
		text += sizeof(word);
	}
	while (text < end)
		out = escape_byte(out, (unsigned char) *text++);
	return out;
}

/* Write one byte, as an escape where JSON wants one. */
static inline char *
escape_byte(char *out, unsigned char byte)
{
	static const char hex_digits[] = "0123456789abcdef";
	static const char short_escapes[] = {
		['\b'] = 'b',['\f'] = 'f',['\n'] = 'n',['\r'] = 'r',['\t'] = 't'
	};

	if (likely(byte >= ' ' && byte != '"' && byte != '\\'))
	{
		*out++ = byte;
		return out;
	}
	*out++ = '\\';
	if (byte >= ' ')
		*out++ = byte;
	else if (byte < sizeof(short_escapes) && short_escapes[byte] != 0)
		*out++ = short_escapes[byte];
	else
	{
		memcpy(out, "u00", 3);
		out[3] = hex_digits[byte >> 4];
		out[4] = hex_digits[byte & 0x0F];
		out += 5;
	}
	return out;
}
