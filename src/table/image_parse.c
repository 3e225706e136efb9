/*-------------------------------------------------------------------------
 *
 * image_parse.c
 *	  Finds the texts of columns in an image.
 *
 * The images of a table name their members in the same order, so the parser
 * remembers what stood at each position: a name costs one comparison.  Texts
 * are unescaped where they stand, and end where their quote stood.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "table/image_parse.h"

/* what the last image held at a position */
typedef struct Member
{
	char	   *name;			/* as written, with escapes, or NULL */
	int			length;			/* of name */
	int			column;			/* its column, or -1 */
} Member;

struct ImageParser
{
	const char *const *names;	/* of the columns wanted */
	int			count;
	Member	   *members;		/* by position in the image */
	int			nmembers;		/* so many are known */
	MemoryContext context;		/* holds members' names */
};

char		sp_image_missing[] = "";

static char *end_of_string(char *from, char *end);
static int	find_column(ImageParser *parser, int position, const char *name,
						int length);
static void add_members(ImageParser *parser);
static bool unescape(char *from, char *to);
static int	read_code(const char *digits, const char *end);

ImageParser *
sp_image_parser(const char *const *names, int count)
{
	ImageParser *parser = palloc0(sizeof(ImageParser));

	parser->names = names;
	parser->count = count;
	parser->context = CurrentMemoryContext;
	return parser;
}

bool
sp_image_parse(ImageParser *parser, char *json, int length, char **texts)
{
	char	   *end = json + length;
	char	   *p = json;
	int			position = 0;
	int			left = parser->count;
	int			i;

	for (i = 0; i < parser->count; i++)
		texts[i] = sp_image_missing;
	if (length < 2 || *p++ != '{')
		return false;
	if (*p == '}')
		return p + 1 == end;
	while (left > 0)
	{
		char	   *name = p + 1;
		char	   *stop;
		int			column;

		if (p == end || *p != '"' ||
			(stop = end_of_string(name, end)) == NULL)
			return false;
		column = find_column(parser, position++, name, stop - name);
		p = stop + 1;
		if (column >= 0 && texts[column] == sp_image_missing)
			left--;
		if (end - p < 2 || *p++ != ':')
			return false;
		if (*p == '"')
		{
			char	   *value = ++p;

			if ((stop = end_of_string(value, end)) == NULL)
				return false;
			p = stop + 1;
			if (column >= 0)
			{
				if (!unescape(value, stop))
					return false;
				texts[column] = value;
			}
		}
		else if (end - p >= 4 && memcmp(p, "null", 4) == 0)
		{
			p += 4;
			if (column >= 0)
				texts[column] = NULL;
		}
		else
			return false;
		if (p == end)
			return false;
		if (*p == '}')
			return p + 1 == end;
		if (*p++ != ',')
			return false;
	}
	return true;
}

/* The quote that ends a string, or NULL. */
static char *
end_of_string(char *from, char *end)
{
	char	   *p = from;

	while ((p = memchr(p, '"', end - p)) != NULL)
	{
		char	   *ahead = p;

		while (ahead > from && ahead[-1] == '\\')
			ahead--;
		if ((p - ahead) % 2 == 0)
			return p;
		p++;
	}
	return NULL;
}

/* The column of the name at a position of the image, or -1. */
static int
find_column(ImageParser *parser, int position, const char *name, int length)
{
	Member	   *member;
	char	   *plain;
	int			i;

	if (position >= parser->nmembers)
		add_members(parser);
	member = &parser->members[position];
	if (member->name != NULL && member->length == length &&
		memcmp(member->name, name, length) == 0)
		return member->column;
	if (member->name != NULL)
		pfree(member->name);
	member->name = MemoryContextAlloc(parser->context, length + 1);
	memcpy(member->name, name, length);
	member->length = length;
	member->column = -1;
	plain = pnstrdup(name, length);
	if (unescape(plain, plain + length))
		for (i = 0; i < parser->count; i++)
			if (strcmp(parser->names[i], plain) == 0)
				member->column = i;
	pfree(plain);
	return member->column;
}

/* Room for more members. */
static void
add_members(ImageParser *parser)
{
	int			n = Max(parser->nmembers * 2, 16);

	if (parser->members == NULL)
		parser->members = MemoryContextAlloc(parser->context,
											 n * sizeof(Member));
	else
		parser->members = repalloc(parser->members, n * sizeof(Member));
	memset(&parser->members[parser->nmembers], 0,
		   (n - parser->nmembers) * sizeof(Member));
	parser->nmembers = n;
}

/* Undo the escapes of [from, to) in place and terminate it, there is room. */
static bool
unescape(char *from, char *to)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	char	   *in = memchr(from, '\\', to - from);
	char	   *out = in;

	*to = '\0';
	if (in == NULL)
		return true;
	while (in < to)
	{
		const char *escape;
		int			code;

		if (*in != '\\')
		{
			*out++ = *in++;
			continue;
		}
		in++;
		if (*in == 'u')
		{
			code = read_code(in + 1, to);
			if (code < 0)
				return false;
			*out++ = (char) code;
			in += 5;
			continue;
		}
		escape = *in == '\0' ? NULL : strchr(escapes, *in);
		if (escape == NULL)
			return false;
		*out++ = meanings[escape - escapes];
		in++;
	}
	*out = '\0';
	return true;
}

/* The ASCII character of four hexadecimal digits, or -1. */
static int
read_code(const char *digits, const char *end)
{
	int			code = 0;
	int			i;

	if (end - digits < 4)
		return -1;
	for (i = 0; i < 4; i++)
	{
		if (digits[i] >= '0' && digits[i] <= '9')
			code = code * 16 + digits[i] - '0';
		else if (digits[i] >= 'a' && digits[i] <= 'f')
			code = code * 16 + digits[i] - 'a' + 10;
		else if (digits[i] >= 'A' && digits[i] <= 'F')
			code = code * 16 + digits[i] - 'A' + 10;
		else
			return -1;
	}
	return code > 0 && code < 128 ? code : -1;
}
