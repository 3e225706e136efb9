/*-------------------------------------------------------------------------
 *
 * text.c
 *	  Text as the content of a cell.
 *
 * What needs a look is ASCII, or begins with the byte of U+FFFE and U+FFFF,
 * so that eight bytes can be looked at as one integer.  Two layers say what
 * a character is: XML knows no control characters but three, and Excel reads
 * _x0041_ as the letter A, even where the A could stand there itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "support/error.h"
#include "xlsx/book.h"

#define EVERY_BYTE(byte)	(UINT64CONST(0x0101010101010101) * (byte))

/* first byte of U+F000 to U+FFFF */
#define LEAD_BYTE_F000		0xEF

/* U+FFFD in UTF-8 */
#define REPLACEMENT			"\xEF\xBF\xBD"

/* _x005F_ for one underscore is the longest */
#define ESCAPE_BYTES_MAX	7

/* so much is reserved for at once, in bytes of the source */
#define CHUNK_BYTES			1024

/* a step may take so many bytes more */
#define STEP_BYTES_MAX		16

#define TEXT_HEAD			"\" t=\"inlineStr\"><is><t>"
#define PRESERVE			" xml:space=\"preserve\""
#define TEXT_END			"</t></is></c>"

typedef struct TextScan
{
	XlsxJob    *job;
	const XlsxColumn *column;
	const char *source;			/* the next byte */
	const char *end;			/* behind the last one */
	char	   *out;			/* where to write */
} TextScan;

static const char *to_utf8(XlsxJob *job, const XlsxColumn *column,
						   const char *text, size_t *length);
static size_t cut_text(XlsxJob *job, const XlsxColumn *column,
					   const char *text, size_t length);
static inline bool needs_look(uint64 word);
static inline bool has_zero_byte(uint64 word);
static void copy_until(TextScan *scan, const char *stop);
static void escape_next(TextScan *scan);
static void write_replacement(TextScan *scan, unsigned int character,
							  int nbytes);
static bool is_escape(const char *source, const char *end);
static bool is_space(char byte);
static void refuse_value(const XlsxJob *job, const XlsxColumn *column,
						 const char *reason);

void
sp_xlsx_text_cell(XlsxJob *job, const XlsxColumn *column, int style,
				  const char *text, size_t length)
{
	StringInfo	xml = &job->xml;
	char	   *out;
	bool		preserve;
	int			start;

	preserve = length > 0 && (is_space(text[0]) || is_space(text[length - 1]));
	(void) sp_value_reserve(xml, XLSX_CELL_BYTES);
	out = sp_xlsx_begin_cell(job, column);
	if (style != 0)
		out += sprintf(out, "\" s=\"%d", style);
	memcpy(out, TEXT_HEAD, sizeof(TEXT_HEAD) - 1);
	xml->len = out - xml->data + sizeof(TEXT_HEAD) - 1;
	start = xml->len - 1;
	sp_xlsx_text(job, column, text, length);
	if (preserve || job->line_break)
	{
		int			nbytes = sizeof(PRESERVE) - 1;

		enlargeStringInfo(xml, nbytes);
		memmove(xml->data + start + nbytes, xml->data + start,
				xml->len - start);
		memcpy(xml->data + start, PRESERVE, nbytes);
		xml->len += nbytes;
	}
	out = sp_value_reserve(xml, sizeof(TEXT_END) - 1);
	memcpy(out, TEXT_END, sizeof(TEXT_END) - 1);
	xml->len += sizeof(TEXT_END) - 1;
}

void
sp_xlsx_text(XlsxJob *job, const XlsxColumn *column, const char *text,
			 size_t length)
{
	TextScan	scan;

	if (job->encoding != PG_UTF8)
		text = to_utf8(job, column, text, &length);

	if (length > XLSX_TEXT_UNITS_MAX)
		length = cut_text(job, column, text, length);
	scan.job = job;
	scan.column = column;
	scan.source = text;
	scan.end = text +length;

	job->line_break = false;
	while (scan.source < scan.end)
	{
		size_t		chunk = Min(scan.end - scan.source, CHUNK_BYTES);

		scan.out = sp_value_reserve(&job->xml, (chunk + STEP_BYTES_MAX) *
									ESCAPE_BYTES_MAX);
		copy_until(&scan, scan.source + chunk);
		job->xml.len = scan.out - job->xml.data;
	}
}

/* The text in UTF-8; in SQL_ASCII it has to be that already. */
static const char *
to_utf8(XlsxJob *job, const XlsxColumn *column, const char *text,
		size_t *length)
{
	char	   *utf8;

	if (job->encoding == PG_SQL_ASCII)
	{
		if (!pg_verify_mbstr(PG_UTF8, text, *length, true))
			ereport(ERROR,
					(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
					 errmsg("text of column \"%s\" is not valid in encoding \"%s\"",
							column->name, pg_encoding_to_char(PG_UTF8)),
					 errdetail("It is in row " UINT64_FORMAT ".", job->row),
					 errhint("The server's encoding is SQL_ASCII; convert the text in the query.")));
		return text;
	}
	utf8 = pg_server_to_any(text, *length, PG_UTF8);
	if (utf8 != text)
		*length = strlen(utf8);
	return utf8;
}

/*
 * How many bytes of a text a cell can hold: all, or what the policy allows.
 */
static size_t
cut_text(XlsxJob *job, const XlsxColumn *column, const char *text,
		 size_t length)
{
	size_t		position = 0;
	int			units = 0;

	while (position < length)
	{
		int			nbytes = pg_utf_mblen((const unsigned char *) text +
										  position);

		units += nbytes == 4 ? 2 : 1;
		if (units > XLSX_TEXT_UNITS_MAX)
			break;
		position += nbytes;
	}
	if (position < length && !job->replace)
		refuse_value(job, column,
					 psprintf("the text has more than %d UTF-16 units",
							  XLSX_TEXT_UNITS_MAX));
	return position;
}

/* May a word hold a byte that cannot be copied as it is? */
static inline bool
needs_look(uint64 word)
{
	if (has_zero_byte(word ^ EVERY_BYTE('&')) ||
		has_zero_byte(word ^ EVERY_BYTE('<')) ||
		has_zero_byte(word ^ EVERY_BYTE('>')) ||
		has_zero_byte(word ^ EVERY_BYTE('_')) ||
		has_zero_byte(word ^ EVERY_BYTE((uint64) LEAD_BYTE_F000)))
		return true;
	return ((word - EVERY_BYTE(' ')) & ~word & EVERY_BYTE(0x80)) != 0;
}

/* Is any of the eight bytes 0? */
static inline bool
has_zero_byte(uint64 word)
{
	return ((word - EVERY_BYTE(1)) & ~word & EVERY_BYTE(0x80)) != 0;
}

/* Copy with escapes up to a place in the source, or a little further. */
static void
copy_until(TextScan *scan, const char *stop)
{
	uint64		word;

	while (stop - scan->source >= (ptrdiff_t) sizeof(word))
	{
		memcpy(&word, scan->source, sizeof(word));
		if (unlikely(needs_look(word)))
		{
			const char *word_end = scan->source + sizeof(word);

			while (scan->source < word_end)
				escape_next(scan);
			continue;
		}
		memcpy(scan->out, &word, sizeof(word));
		scan->out += sizeof(word);
		scan->source += sizeof(word);
	}
	while (scan->source < stop)
		escape_next(scan);
}

/* Write the next byte, or the next character where it needs something. */
static void
escape_next(TextScan *scan)
{
	unsigned char byte = (unsigned char) *scan->source;
	const char *escape;

	switch (byte)
	{
		case '&':
			escape = "&amp;";
			break;
		case '<':
			escape = "&lt;";
			break;
		case '>':
			escape = "&gt;";
			break;
		case '\r':
			escape = "&#13;";
			scan->job->line_break = true;
			break;
		case '_':
			escape = is_escape(scan->source, scan->end) ? "_x005F_" : "_";
			break;
		default:
			if (byte == '\n')
				scan->job->line_break = true;
			if (byte < ' ' && byte != '\t' && byte != '\n')
				write_replacement(scan, byte, 1);
			else if (byte == LEAD_BYTE_F000 &&
					 (memcmp(scan->source + 1, "\xBF\xBE", 2) == 0 ||
					  memcmp(scan->source + 1, "\xBF\xBF", 2) == 0))
				write_replacement(scan, 0xFF40 +
								  (unsigned char) scan->source[2], 3);
			else
			{
				*scan->out++ = byte;
				scan->source++;
			}
			return;
	}
	while (*escape != '\0')
		*scan->out++ = *escape++;
	scan->source++;
}

/* A character of nbytes bytes that XML does not have. */
static void
write_replacement(TextScan *scan, unsigned int character, int nbytes)
{
	if (!scan->job->replace)
		refuse_value(scan->job, scan->column,
					 psprintf("the text holds the character U+%04X",
							  character));
	memcpy(scan->out, REPLACEMENT, sizeof(REPLACEMENT) - 1);
	scan->out += sizeof(REPLACEMENT) - 1;
	scan->source += nbytes;
}

/* Would Excel read _xHHHH_ here? */
static bool
is_escape(const char *source, const char *end)
{
	int			i;

	if (end - source < ESCAPE_BYTES_MAX || source[1] != 'x' ||
		source[ESCAPE_BYTES_MAX - 1] != '_')
		return false;
	for (i = 2; i < ESCAPE_BYTES_MAX - 1; i++)
	{
		if (!isxdigit((unsigned char) source[i]))
			return false;
	}
	return true;
}

/* What XML takes for white space. */
static bool
is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The policy is to refuse. */
static void
refuse_value(const XlsxJob *job, const XlsxColumn *column, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_SP_VALUE_NOT_REPRESENTABLE),
			 errmsg("value cannot be written in format \"xlsx\""),
			 job->row > 0 ?
			 errdetail("Column \"%s\", row " UINT64_FORMAT ": %s.",
					   column->name, job->row, reason) :
			 errdetail("Heading of column \"%s\": %s.", column->name, reason),
			 errhint("ON_UNREPRESENTABLE 'replace' writes U+FFFD for a character, and cuts text.")));
}
