/*-------------------------------------------------------------------------
 *
 * copy_option.c
 *	  Reads the options of an export.
 *
 * An option of ours has an entry in a table that says which formats take it.
 * What core's csv and text have is read by core, so that it means the same
 * there and here, and is refused in the same words.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/copy.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_node.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compress/deflate.h"
#include "export/copy_option.h"
#include "support/compat.h"

/* formats that take an option: a bit of each, or any */
#define ANY_FORMAT		(~0)

/* one that core's COPY has, too */
#define IS_CORE_FORMAT(format) \
	(((format)->options & (EXPORT_CSV | EXPORT_TEXT)) != 0)

#define ZSTD_LEVEL_MAX		19
#define ZSTD_LEVEL_DEFAULT	1

/* XML shrinks well at any level */
#define XLSX_LEVEL_DEFAULT	1

typedef struct OptionEntry
{
	const char *name;
	int			formats;		/* with one of these EXPORT_ bits */
	bool		core;			/* core's csv and text have it */

	/* NULL: core reads it */
	void		(*read) (DefElem *option, CopyOptions *result);
} OptionEntry;

static void read_force_array(DefElem *option, CopyOptions *result);
static void read_header(DefElem *option, CopyOptions *result);
static void read_headings(DefElem *option, CopyOptions *result);
static void refuse_headings(const char *text);
static void read_time_zone(DefElem *option, CopyOptions *result);
static void read_encoding(DefElem *option, CopyOptions *result);
static void read_bom(DefElem *option, CopyOptions *result);
static void read_formulas(DefElem *option, CopyOptions *result);
static void read_sheet(DefElem *option, CopyOptions *result);
static void read_table(DefElem *option, CopyOptions *result);
static void read_unrepresentable(DefElem *option, CopyOptions *result);
static void read_compression(DefElem *option, CopyOptions *result);
static void read_compression_level(DefElem *option, CopyOptions *result);
static void read_preset(DefElem *option, CopyOptions *result);
static void read_filter(DefElem *option, CopyOptions *result);
static void read_order_by(DefElem *option, CopyOptions *result);
static const ExportFormat *find_format(const char *name);
static const ExportFormat *find_named_format(List *options);
static const OptionEntry *find_entry(const ExportFormat *format,
									 const char *name);
static bool is_ours_alone(const char *name);
static bool takes(const ExportFormat *format, const OptionEntry *entry);
static const char *find_repeated(List *options);
static void check_once(List *options);
static void read_core(const ExportFormat *format, List *options,
					  const char *source, CopyOptions *result);
static bool names_format(List *options);
static void check_compression_level(CopyOptions *result);
static void check_bom(const CopyOptions *result);
static void check_formulas(const CopyOptions *result);
static void check_encoding(const CopyOptions *result);
static int	read_choice(DefElem *option, const char *const *choices,
						int nchoices);
static void refuse_option(const ExportFormat *format, const char *name);

static const ExportFormat *const formats[] = {
	&sp_writer_csv,
	&sp_writer_json,
	&sp_writer_ndjson,
	&sp_writer_raw,
	&sp_writer_text,
	&sp_writer_xlsx
};

static const OptionEntry entries[] = {
	{"format", ANY_FORMAT, true, NULL},
	{"force_array", EXPORT_FORCE_ARRAY, false, read_force_array},
	{"header", EXPORT_XLSX, false, read_header},
	{"header", EXPORT_CSV | EXPORT_TEXT, true, NULL},
	{"delimiter", EXPORT_CSV | EXPORT_TEXT, true, NULL},
	{"null", EXPORT_CSV | EXPORT_TEXT, true, NULL},
	{"quote", EXPORT_CSV, true, NULL},
	{"escape", EXPORT_CSV, true, NULL},
	{"force_quote", EXPORT_CSV, true, NULL},
	{"bom", EXPORT_CSV, false, read_bom},
	{"formulas", EXPORT_CSV, false, read_formulas},
	{"sheet", EXPORT_XLSX, false, read_sheet},
	{"table", EXPORT_XLSX, false, read_table},
	{"on_unrepresentable", EXPORT_XLSX, false, read_unrepresentable},
	{"headings", EXPORT_HEADER, false, read_headings},
	{"time_zone", EXPORT_TIME_ZONE, false, read_time_zone},
	{"encoding", EXPORT_CSV | EXPORT_TEXT, true, NULL},
	{"encoding", EXPORT_ENCODING, false, read_encoding},
	{"compression", EXPORT_COMPRESSION, false, read_compression},
	{"compression_level", EXPORT_COMPRESSION | EXPORT_XLSX, false,
	read_compression_level},
	{"preset", ANY_FORMAT, false, read_preset},
	{"filter", ANY_FORMAT, false, read_filter},
	{"order_by", ANY_FORMAT, false, read_order_by}
};

const ExportFormat *
sp_copy_option_format(List *options)
{
	const ExportFormat *format = find_named_format(options);
	ListCell   *cell;

	if (format == NULL || !IS_CORE_FORMAT(format))
		return format;
	foreach(cell, options)
	{
		if (is_ours_alone(lfirst_node(DefElem, cell)->defname))
			return format;
	}
	return NULL;
}

const ExportFormat *
sp_copy_option_core_format(List *options)
{
	const ExportFormat *format = find_named_format(options);
	ListCell   *cell;

	if (format == NULL || !IS_CORE_FORMAT(format) ||
		find_repeated(options) != NULL)
		return NULL;
	foreach(cell, options)
	{
		const OptionEntry *entry =
		find_entry(format, lfirst_node(DefElem, cell)->defname);

		if (entry == NULL || !entry->core)
			return NULL;
	}
	return format;
}

const ExportFormat *
sp_copy_option_named_format(const char *name)
{
	const ExportFormat *format = find_format(name);

	if (format == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("export format \"%s\" not recognized", name),
				 errhint("Formats are csv, json, ndjson, raw, text and xlsx.")));
	return format;
}

void
sp_copy_option_read(const ExportFormat *format, List *options,
					const char *source, CopyOptions *result)
{
	List	   *core_options = NIL;
	ListCell   *cell;

	memset(result, 0, sizeof(*result));
	result->format = format;
	result->encoding = pg_get_client_encoding();
	result->export.header = (format->options & EXPORT_XLSX) != 0;
	check_once(options);
	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);
		const OptionEntry *entry = find_entry(format, option->defname);

		if (entry == NULL)
			refuse_option(format, option->defname);
		else if (entry->read != NULL)
			entry->read(option, result);
		else
			core_options = lappend(core_options, option);
	}
	if (IS_CORE_FORMAT(format))
		read_core(format, core_options, source, result);
	check_compression_level(result);
	check_bom(result);
	check_formulas(result);
	check_encoding(result);
}

/* The format of a name, or NULL. */
static const ExportFormat *
find_format(const char *name)
{
	int			i;

	for (i = 0; i < lengthof(formats); i++)
	{
		if (strcmp(name, formats[i]->name) == 0)
			return formats[i];
	}
	return NULL;
}

/*
 * The format that the options name, text without a name, or NULL where it is
 * none of ours.  Of several one that core lacks counts, so that it is for us
 * to refuse them.
 */
static const ExportFormat *
find_named_format(List *options)
{
	const ExportFormat *format = NULL;
	bool		named = false;
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "format") != 0)
			continue;
		named = true;
		if (option->arg != NULL && IsA(option->arg, String) &&
			(format == NULL || IS_CORE_FORMAT(format)))
			format = find_format(strVal(option->arg));
	}
	return named ? format : &sp_writer_text;
}

/* The entry of an option that a format takes, or NULL. */
static const OptionEntry *
find_entry(const ExportFormat *format, const char *name)
{
	int			i;

	for (i = 0; i < lengthof(entries); i++)
	{
		if (takes(format, &entries[i]) && strcmp(name, entries[i].name) == 0)
			return &entries[i];
	}
	return NULL;
}

/* Is an option one that core has in no format? */
static bool
is_ours_alone(const char *name)
{
	bool		found = false;
	int			i;

	for (i = 0; i < lengthof(entries); i++)
	{
		if (strcmp(name, entries[i].name) != 0)
			continue;
		if (entries[i].core)
			return false;
		found = true;
	}
	return found;
}

/* Does a format take an option? */
static bool
takes(const ExportFormat *format, const OptionEntry *entry)
{
	return (format->options & entry->formats) != 0;
}

/* No option twice, the format above all. */
static void
check_once(List *options)
{
	const char *name = find_repeated(options);

	if (name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("COPY option \"%s\" is given twice", name),
				 errhint("Give it once.")));
}

/* The first option that is given twice, or NULL. */
static const char *
find_repeated(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		const char *name = lfirst_node(DefElem, cell)->defname;
		ListCell   *other;

		for_each_cell(other, options, lnext(options, cell))
		{
			if (strcmp(name, lfirst_node(DefElem, other)->defname) == 0)
				return name;
		}
	}
	return NULL;
}

/* What core's csv and text have. */
static void
read_core(const ExportFormat *format, List *options, const char *source,
		  CopyOptions *result)
{
	ParseState *pstate = make_parsestate(NULL);
	CopyFormatOptions core = {0};
	ExportOptions *export = &result->export;

	/* the functions name the format elsewhere */
	if (!names_format(options))
		options = lappend(options,
						  makeDefElem("format",
									  (Node *) makeString(pstrdup(format->name)),
									  -1));
	pstate->p_sourcetext = source;
	ProcessCopyOptions(pstate, &core, false, options);
	export->header = core.header_line != COPY_HEADER_FALSE;
	export->delimiter = core.delim[0];
	export->null_print = core.null_print;
	export->force_quote_all = core.force_quote_all;
	export->force_quote = core.force_quote;
	if (core.csv_mode)
	{
		export->quote = core.quote[0];
		export->escape = core.escape[0];
	}
	if (core.file_encoding >= 0)
		result->encoding = core.file_encoding;
	/* an encoding that cannot say it is refused at once */
	(void) pg_server_to_any(core.null_print, strlen(core.null_print),
							result->encoding);
}

/* Is the format among the options? */
static bool
names_format(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		if (strcmp(lfirst_node(DefElem, cell)->defname, "format") == 0)
			return true;
	}
	return false;
}

/* FORCE_ARRAY */
static void
read_force_array(DefElem *option, CopyOptions *result)
{
	result->export.force_array = defGetBoolean(option);
}

/* HEADER of a format that core lacks */
static void
read_header(DefElem *option, CopyOptions *result)
{
	result->export.header = defGetBoolean(option);
}

/* HEADINGS */
static void
read_headings(DefElem *option, CopyOptions *result)
{
	result->export.headings = sp_copy_option_headings(defGetString(option));
}

List *
sp_copy_option_headings(const char *text)
{
	Jsonb	   *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
														  CStringGetDatum(text)));
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	ExportHeading *heading = NULL;
	List	   *headings = NIL;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_OBJECT(json))
		refuse_headings(text);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char	   *string;

		if (token != WJB_KEY && token != WJB_VALUE)
			continue;
		if (value.type != jbvString)
			refuse_headings(text);
		string = pnstrdup(value.val.string.val, value.val.string.len);
		if (token == WJB_KEY)
		{
			heading = palloc(sizeof(ExportHeading));
			heading->column = string;
			continue;
		}
		heading->heading = string;
		headings = lappend(headings, heading);
	}
	return headings;
}

/* Headings that are something else. */
static void
refuse_headings(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"headings\" is not an object of strings"),
			 errdetail("It is %s.", text),
			 errhint("Write {\"column\": \"Heading\"}.")));
}

/* TIME_ZONE, a name as in SET TimeZone */
static void
read_time_zone(DefElem *option, CopyOptions *result)
{
	const char *name = defGetString(option);
	pg_tz	   *zone = pg_tzset(name);

	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("COPY option \"%s\" is not a valid time zone name",
						option->defname),
				 errdetail("The name is \"%s\".", name),
				 errhint("pg_timezone_names lists the names.")));
	result->export.time_zone = zone;
}

/* ENCODING of a format that core lacks */
static void
read_encoding(DefElem *option, CopyOptions *result)
{
	const char *name = defGetString(option);

	result->encoding = pg_char_to_encoding(name);
	if (result->encoding < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("COPY option \"%s\" is not a valid encoding name",
						option->defname),
				 errdetail("The name is \"%s\".", name),
				 errhint("UTF8 is one that JSON readers expect.")));
}

/* BOM */
static void
read_bom(DefElem *option, CopyOptions *result)
{
	result->export.bom = defGetBoolean(option);
}

/* FORMULAS */
static void
read_formulas(DefElem *option, CopyOptions *result)
{
	static const char *const choices[] = {"keep", "escape"};

	result->export.escape_formulas =
		read_choice(option, choices, lengthof(choices)) == 1;
}

/* SHEET, any text: the writer makes a name of it */
static void
read_sheet(DefElem *option, CopyOptions *result)
{
	result->export.sheet = defGetString(option);
}

/* TABLE */
static void
read_table(DefElem *option, CopyOptions *result)
{
	result->export.table = defGetBoolean(option);
}

/* ON_UNREPRESENTABLE */
static void
read_unrepresentable(DefElem *option, CopyOptions *result)
{
	static const char *const choices[] = {"error", "replace"};

	result->export.on_unrepresentable =
		read_choice(option, choices, lengthof(choices));
}

/* COMPRESSION */
static void
read_compression(DefElem *option, CopyOptions *result)
{
	static const char *const choices[] = {"none", "gzip", "zstd"};

	result->compression = read_choice(option, choices, lengthof(choices));
}

/* COMPRESSION_LEVEL; its range is known when all options are */
static void
read_compression_level(DefElem *option, CopyOptions *result)
{
	result->compression_level = defGetInt32(option);
	if (result->compression_level == 0)
		result->compression_level = -1;
}

/* PRESET */
static void
read_preset(DefElem *option, CopyOptions *result)
{
	result->preset = defGetString(option);
}

/* FILTER */
static void
read_filter(DefElem *option, CopyOptions *result)
{
	result->filter = defGetString(option);
}

/* ORDER_BY */
static void
read_order_by(DefElem *option, CopyOptions *result)
{
	result->order_by = defGetString(option);
}

/* Put in the default level, and check one that was given. */
static void
check_compression_level(CopyOptions *result)
{
	bool		xlsx = (result->format->options & EXPORT_XLSX) != 0;
	bool		zstd = result->compression == COMPRESSION_ZSTD;
	int			max = zstd ? ZSTD_LEVEL_MAX : DEFLATE_LEVEL_MAX;
	int			level = result->compression_level;

	if (level != 0 && !xlsx && result->compression == COMPRESSION_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("COPY option \"%s\" needs a compression",
						"compression_level"),
				 errhint("Give COMPRESSION 'gzip' or 'zstd', too.")));
	if (level < 0 || level > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("COPY option \"%s\" is out of range",
						"compression_level"),
				 errhint("The levels of %s are 1 to %d.",
						 zstd ? "zstd" : "deflate", max)));
	if (level == 0)
		level = zstd ? ZSTD_LEVEL_DEFAULT :
			xlsx ? XLSX_LEVEL_DEFAULT : DEFLATE_LEVEL_DEFAULT;
	result->compression_level = level;
	result->export.deflate_level = level;
}

/* Only UTF-8 has a byte order mark. */
static void
check_bom(const CopyOptions *result)
{
	if (result->export.bom && result->encoding != PG_UTF8)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("COPY option \"%s\" needs the encoding UTF8", "bom"),
				 errdetail("The encoding is \"%s\".",
						   pg_encoding_to_char(result->encoding)),
				 errhint("Give ENCODING 'UTF8', too.")));
}

/* The mark of a formula must have no other meaning. */
static void
check_formulas(const CopyOptions *result)
{
	const ExportOptions *export = &result->export;

	if (export->escape_formulas &&
		(export->quote == '\'' || export->delimiter == '\''))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("COPY option \"%s\" needs the apostrophe",
						"formulas"),
				 errhint("Give another quote or delimiter.")));
}

bool
sp_copy_option_is_shift_jis(int encoding)
{
	return encoding == PG_SJIS || encoding == PG_SHIFT_JIS_2004;
}

/*
 * Text is converted when it has been written: what becomes a backslash or a
 * tilde then has not been escaped.
 */
static void
check_encoding(const CopyOptions *result)
{
	const ExportOptions *export = &result->export;

	if (result->format->binary ||
		!sp_copy_option_is_shift_jis(result->encoding))
		return;
	if ((result->format->options & EXPORT_CSV) &&
		strchr("\\~", export->delimiter) == NULL &&
		strchr("\\~", export->quote) == NULL &&
		strchr("\\~", export->escape) == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("format \"%s\" cannot be written in encoding \"%s\"",
					result->format->name,
					pg_encoding_to_char(result->encoding)),
			 errdetail("A character could become a backslash there."),
			 errhint("Use UTF8, or format csv with other special characters.")));
}

/* The number of the word that an option gives; 22023 for another one. */
static int
read_choice(DefElem *option, const char *const *choices, int nchoices)
{
	const char *word = defGetString(option);
	StringInfoData list;
	int			i;

	for (i = 0; i < nchoices; i++)
	{
		if (pg_strcasecmp(word, choices[i]) == 0)
			return i;
	}
	initStringInfo(&list);
	for (i = 0; i < nchoices; i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" :
						 i == nchoices - 1 ? " or " : ", ", choices[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("COPY option \"%s\" has no choice \"%s\"",
					option->defname, word),
			 errhint("It is %s.", list.data)));
	return 0;					/* not reached */
}

/* An option that the format does not have. */
static void
refuse_option(const ExportFormat *format, const char *name)
{
	StringInfoData list;
	int			i;

	initStringInfo(&list);
	for (i = 0; i < lengthof(entries); i++)
	{
		if (takes(format, &entries[i]))
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 entries[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("COPY option \"%s\" is not valid with format \"%s\"",
					name, format->name),
			 errhint("Valid options are %s.", list.data)));
}
