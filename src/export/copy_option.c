/*-------------------------------------------------------------------------
 *
 * copy_option.c
 *	  Reads the options of COPY.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"

#include "export/copy_option.h"

static const ExportFormat *const formats[] = {
	&sp_writer_json,
	&sp_writer_ndjson
};

static const ExportFormat *find_format(DefElem *option);
static void check_once(List *options);
static void read_encoding(DefElem *option, int *encoding);
static void refuse_option(const ExportFormat *format, const char *name);

const ExportFormat *
sp_copy_option_format(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		const ExportFormat *format = find_format(lfirst_node(DefElem, cell));

		if (format != NULL)
			return format;
	}
	return NULL;
}

void
sp_copy_option_read(const ExportFormat *format, List *options,
					CopyOptions *result)
{
	ListCell   *cell;

	memset(result, 0, sizeof(*result));
	result->format = format;
	result->encoding = pg_get_client_encoding();
	check_once(options);
	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "format") == 0)
			continue;
		else if (strcmp(option->defname, "force_array") == 0 &&
				 format->takes_force_array)
			result->export.force_array = defGetBoolean(option);
		else if (strcmp(option->defname, "encoding") == 0)
			read_encoding(option, &result->encoding);
		else
			refuse_option(format, option->defname);
	}
}

/* The format of ours that an option names, or NULL. */
static const ExportFormat *
find_format(DefElem *option)
{
	int			i;

	if (strcmp(option->defname, "format") != 0 || option->arg == NULL ||
		!IsA(option->arg, String))
		return NULL;
	for (i = 0; i < lengthof(formats); i++)
	{
		if (strcmp(strVal(option->arg), formats[i]->name) == 0)
			return formats[i];
	}
	return NULL;
}

/* No option twice, the format above all. */
static void
check_once(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		const char *name = lfirst_node(DefElem, cell)->defname;
		ListCell   *other;

		for_each_cell(other, options, lnext(options, cell))
		{
			if (strcmp(name, lfirst_node(DefElem, other)->defname) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_SYNTAX_ERROR),
						 errmsg("COPY option \"%s\" is given twice", name),
						 errhint("Give it once.")));
		}
	}
}

/* ENCODING */
static void
read_encoding(DefElem *option, int *encoding)
{
	const char *name = defGetString(option);

	*encoding = pg_char_to_encoding(name);
	if (*encoding < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("COPY option \"%s\" is not a valid encoding name",
						option->defname),
				 errdetail("The name is \"%s\".", name),
				 errhint("UTF8 is one that JSON readers expect.")));
}

/* An option that the format does not have. */
static void
refuse_option(const ExportFormat *format, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("COPY option \"%s\" is not valid with format \"%s\"",
					name, format->name),
			 errhint("Valid options are %s.", format->valid_options)));
}
