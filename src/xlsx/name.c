/*-------------------------------------------------------------------------
 *
 * name.c
 *	  Names of sheets and of the columns of tables, as Excel wants them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "utils/formatting.h"

#include "xlsx/book.h"

/* UTF-16 units in the name of a sheet */
#define SHEET_UNITS_MAX		31

/* characters in the heading of a table's column */
#define TABLE_HEADING_MAX	255

#define DEFAULT_NAME		"Sheet1"

/* a sheet that Excel keeps to itself */
#define RESERVED_NAME		"History"


static void cut_units(char *name, int limit);
static int	character_units(const char *character);
static bool is_forbidden(const char *character);
static void trim_apostrophes(char *name);
static void refuse_heading(const char *column, const char *reason);

char *
sp_xlsx_sheet_name(const char *text)
{
	const char *utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);
	StringInfoData name;
	const char *next;

	initStringInfo(&name);
	for (next = utf8; *next != '\0';)
	{
		int			nbytes = pg_utf_mblen((const unsigned char *) next);

		/* _x0041_ would be read as the letter A */
		if (next[0] == '_' && next[1] == 'x')
			appendStringInfoChar(&name, '-');
		else if (is_forbidden(next))
			appendStringInfoChar(&name, '_');
		else
			appendBinaryStringInfo(&name, next, nbytes);
		next += nbytes;
	}
	cut_units(name.data, SHEET_UNITS_MAX);
	trim_apostrophes(name.data);
	if (strspn(name.data, " ") == strlen(name.data))
		return pstrdup(DEFAULT_NAME);
	if (pg_strcasecmp(name.data, RESERVED_NAME) == 0)
		return psprintf("%s_", name.data);
	return name.data;
}

char *
sp_xlsx_next_sheet_name(const char *first, int number)
{
	char	   *suffix = psprintf(" (%d)", number);
	char	   *base = pstrdup(first);
	char	   *name;

	if (number == 1)
		return base;
	cut_units(base, SHEET_UNITS_MAX - (int) strlen(suffix));
	name = psprintf("%s%s", base, suffix);
	/* the first one may end in a number, too */
	if (strcmp(name, first) == 0)
	{
		cut_units(base, SHEET_UNITS_MAX - (int) strlen(suffix) - 1);
		return psprintf("%s_%s", base, suffix);
	}
	return name;
}

void
sp_xlsx_check_table_headings(const XlsxColumn *columns, int ncolumns)
{
	char	  **folded = palloc(ncolumns * sizeof(char *));
	int			i;
	int			j;

	for (i = 0; i < ncolumns; i++)
	{
		const char *heading = columns[i].heading;
		const char *next;

		if (heading[0] == '\0')
			refuse_heading(columns[i].name, "is empty");
		if (pg_mbstrlen(heading) > TABLE_HEADING_MAX)
			refuse_heading(columns[i].name, "has more than 255 characters");
		for (next = heading; *next != '\0'; next++)
		{
			if ((unsigned char) *next < ' ')
				refuse_heading(columns[i].name,
							   "holds a line break or another control character");
		}
		folded[i] = str_tolower(heading, strlen(heading),
								DEFAULT_COLLATION_OID);
		for (j = 0; j < i; j++)
		{
			if (strcmp(folded[i], folded[j]) == 0)
				refuse_heading(columns[i].name,
							   psprintf("is that of column %d, too", j + 1));
		}
	}
	for (i = 0; i < ncolumns; i++)
		pfree(folded[i]);
	pfree(folded);
}

/* Cut a name to so many UTF-16 units. */
static void
cut_units(char *name, int limit)
{
	char	   *next = name;
	int			units = 0;

	while (*next != '\0')
	{
		units += character_units(next);
		if (units > limit)
		{
			*next = '\0';
			return;
		}
		next += pg_utf_mblen((const unsigned char *) next);
	}
}

/* UTF-16 units of a character in UTF-8. */
static int
character_units(const char *character)
{
	return pg_utf_mblen((const unsigned char *) character) == 4 ? 2 : 1;
}

/* Is a character in UTF-8 one that names of sheets cannot have? */
static bool
is_forbidden(const char *character)
{
	return (unsigned char) character[0] < ' ' ||
		strchr("[]:*?/\\\x7F", character[0]) != NULL ||
		strncmp(character, "\xEF\xBF\xBE", 3) == 0 ||
		strncmp(character, "\xEF\xBF\xBF", 3) == 0;
}

/* Names neither begin nor end with an apostrophe. */
static void
trim_apostrophes(char *name)
{
	size_t		length = strlen(name);
	size_t		leading = strspn(name, "'");

	while (length > leading && name[length - 1] == '\'')
		length--;
	memmove(name, name + leading, length - leading);
	name[length - leading] = '\0';
}

/* A heading that the columns of tables cannot have. */
static void
refuse_heading(const char *column, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("headings cannot head a table"),
			 errdetail("The heading of column \"%s\" %s.", column, reason),
			 errhint("A table needs distinct headings, upper and lower case being the same; give others by HEADINGS or AS, or leave out TABLE.")));
}
