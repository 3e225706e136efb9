/*-------------------------------------------------------------------------
 *
 * parts.c
 *	  The small parts of a workbook, as libxlsxwriter writes them.
 *
 * libxlsxwriter is given the sheets' names and the formats, but no rows; of
 * its archive we keep everything but the sheets, compressed as it is.
 *
 * It cannot be trusted to fail well: where an allocation fails it often
 * reads through a null pointer, it leaks open files when it returns early,
 * and it says that all went well when its temporary files are cut short for
 * want of space.  So it runs in a child process, that takes all of this with
 * it, and writes to a memory file; here every part is looked through before
 * it goes into an export.  Whatever the child prints is a failure, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xlsxwriter.h>
#include <zlib.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "support/compat.h"
#include "xlsx/parts.h"

/* how the child ends */
#define CHILD_DONE			0
#define CHILD_NO_MEMORY		1
#define CHILD_FAILED		2

/* it works for milliseconds */
#define CHILD_SECONDS_MAX	60

#define MEMORY_DIRECTORY	"/dev/shm"

/* a row of the first sheet, from 0, where every style is used once */
#define STYLE_ROW			2

#define HEADER_COLOR		0xDDEBF7

/* 2020-01-01, the date of every workbook */
#define CREATED				INT64CONST(1577836800)

/* more than any part becomes: 65,535 sheets or 1,600 long headings */
#define PART_BYTES_MAX		(64 * 1024 * 1024)

#define XML_DEPTH_MAX		32

#define SHEET_PREFIX		"xl/worksheets/sheet"

/* How often a part has to hold a text. */
typedef struct Expectation
{
	const char *part;			/* its name begins so */
	const char *text;
	enum
	{
		EXPECT_PER_SHEET,
		EXPECT_PER_TABLE,
		EXPECT_PER_FILTER,
		EXPECT_PER_STYLE,
		EXPECT_PER_COLUMN,
		EXPECT_ONE
	}			times;
} Expectation;

static const Expectation expectations[] = {
	{"[Content_Types].xml", "worksheet+xml\"", EXPECT_PER_SHEET},
	{"[Content_Types].xml", "table+xml\"", EXPECT_PER_TABLE},
	{"[Content_Types].xml", "styles+xml\"", EXPECT_ONE},
	{"[Content_Types].xml", "theme+xml\"", EXPECT_ONE},
	{"[Content_Types].xml", "sheet.main+xml\"", EXPECT_ONE},
	{"[Content_Types].xml", "core-properties+xml\"", EXPECT_ONE},
	{"[Content_Types].xml", "extended-properties+xml\"", EXPECT_ONE},
	{"_rels/.rels", "\"xl/workbook.xml\"", EXPECT_ONE},
	{"_rels/.rels", "\"docProps/core.xml\"", EXPECT_ONE},
	{"_rels/.rels", "\"docProps/app.xml\"", EXPECT_ONE},
	{"xl/_rels/workbook.xml.rels", "\"worksheets/sheet", EXPECT_PER_SHEET},
	{"xl/_rels/workbook.xml.rels", "\"styles.xml\"", EXPECT_ONE},
	{"xl/_rels/workbook.xml.rels", "\"theme/theme1.xml\"", EXPECT_ONE},
	{"xl/workbook.xml", "<sheet name=", EXPECT_PER_SHEET},
	{"xl/workbook.xml", "<definedName name=", EXPECT_PER_FILTER},
	{"xl/styles.xml", "<xf ", EXPECT_PER_STYLE},
	{"xl/theme/theme1.xml", "</a:themeElements>", EXPECT_ONE},
	{"docProps/core.xml", ">2020-01-01T00:00:00Z</dcterms:created>", EXPECT_ONE},
	{"docProps/app.xml", "<Application>", EXPECT_ONE},
	{"xl/worksheets/_rels/", "\"../tables/table", EXPECT_ONE},
	{"xl/sharedStrings.xml", "<si>", EXPECT_PER_COLUMN},
	{"xl/tables/", "<tableColumn ", EXPECT_PER_COLUMN}
};

/* An archive that the child has written. */
typedef struct Archive
{
	char	   *data;
	size_t		length;
} Archive;

static void make_archive(const XlsxParts *parts, Archive *archive);
static void fill_archive(const XlsxParts *parts, const int *files,
						 Archive *archive);
static void close_files(const int *files);
static int	fork_author(const XlsxParts *parts, int archive, int messages);
static void be_child(const XlsxParts *parts, int archive, int messages)
			pg_attribute_noreturn();
static lxw_error author_workbook(const XlsxParts *parts, const char *path);
static lxw_error author_sheets(const XlsxParts *parts,
							   lxw_workbook *workbook);
static bool quote_name(lxw_worksheet *worksheet);
static lxw_error author_styles(const XlsxParts *parts,
							   lxw_workbook *workbook,
							   lxw_worksheet *worksheet);
static lxw_error author_range(const XlsxParts *parts, const XlsxSheet *sheet,
							  lxw_worksheet *worksheet);
static void check_child(int status, int messages);
static bool is_crash(int number);
static Archive read_memory_file(int file);
static void take_archive(const XlsxParts *parts, const Archive *archive,
						 ZipWriter *zip, StringInfo out);
static const char *find_directory(const Archive *archive, int *nentries);
static const char *next_entry(const Archive *archive, const char *position,
							  ZipEntry *entry, const char **data);
static char *unpack(const ZipEntry *entry, const char *data);
static void check_part(const XlsxParts *parts, const ZipEntry *entry,
					   const char *content);
static void check_styles(const XlsxParts *parts, const char *sheet);
static int	expected_times(const XlsxParts *parts,
						   const Expectation *expectation);
static int	count_text(const char *content, const char *text);
static bool is_whole_xml(const char *xml);
static void fail(int code, const char *reason) pg_attribute_noreturn();
static void fail_broken(const char *part) pg_attribute_noreturn();

void
sp_xlsx_add_parts(const XlsxParts *parts, ZipWriter *zip, StringInfo out)
{
	Archive		archive;

	make_archive(parts, &archive);
	take_archive(parts, &archive, zip, out);
	pfree(archive.data);
}

/* Have the workbook written by a child, and read it. */
static void
make_archive(const XlsxParts *parts, Archive *archive)
{
	int			files[2];

	files[0] = memfd_create("syncport workbook", MFD_CLOEXEC);
	files[1] = memfd_create("syncport messages", MFD_CLOEXEC);
	PG_TRY();
	{
		fill_archive(parts, files, archive);
	}
	PG_CATCH();
	{
		close_files(files);
		PG_RE_THROW();
	}
	PG_END_TRY();
	close_files(files);
}

/* The same with memory files for what the child writes, and what it says. */
static void
fill_archive(const XlsxParts *parts, const int *files, Archive *archive)
{
	if (files[0] < 0 || files[1] < 0)
		fail(ERRCODE_SYSTEM_ERROR, "There is no memory file.");
	check_child(fork_author(parts, files[0], files[1]), files[1]);
	*archive = read_memory_file(files[0]);
}

/* Close both. */
static void
close_files(const int *files)
{
	int			i;

	for (i = 0; i < 2; i++)
	{
		if (files[i] >= 0)
			close(files[i]);
	}
}

/*
 * Run the child and return how it ended.  It must not act on signals that
 * are meant for us, by handlers that it has from us, so none arrives before
 * it has got rid of them.
 */
static int
fork_author(const XlsxParts *parts, int archive, int messages)
{
	sigset_t	all;
	sigset_t	before;
	pid_t		child;
	int			status;
	int			error;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	child = fork();
	if (child == 0)
		be_child(parts, archive, messages);
	error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (child < 0)
		fail(error == ENOMEM ? ERRCODE_OUT_OF_MEMORY : ERRCODE_SYSTEM_ERROR,
			 psprintf("There is no process for it: %s.", strerror(error)));
	while (waitpid(child, &status, 0) < 0)
	{
		if (errno != EINTR)
			fail(ERRCODE_SYSTEM_ERROR,
				 psprintf("Its process is lost: %s.", strerror(errno)));
	}
	return status;
}

/* The child: nothing of the server is called from here on. */
static void
be_child(const XlsxParts *parts, int archive, int messages)
{
	const struct rlimit no_core = {0, 0};
	char		path[64];
	sigset_t	none;
	lxw_error	error;
	int			i;

	for (i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);

	/* whoever cancels us signals all our processes; it is done in no time */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	alarm(CHILD_SECONDS_MAX);
	if (dup2(messages, STDERR_FILENO) < 0 ||
		dup2(messages, STDOUT_FILENO) < 0)
		_exit(CHILD_FAILED);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", archive);
	error = author_workbook(parts, path);
	if (error == LXW_NO_ERROR)
		_exit(CHILD_DONE);
	if (error == LXW_ERROR_MEMORY_MALLOC_FAILED)
		_exit(CHILD_NO_MEMORY);
	fputs(lxw_strerror(error), stderr);
	_exit(CHILD_FAILED);
}

/* Write the workbook. */
static lxw_error
author_workbook(const XlsxParts *parts, const char *path)
{
	lxw_workbook_options options = {0};
	lxw_doc_properties properties = {0};
	lxw_workbook *workbook;
	lxw_error	error;

	if (access(MEMORY_DIRECTORY, W_OK) == 0)
		options.tmpdir = MEMORY_DIRECTORY;
	workbook = workbook_new_opt(path, &options);
	if (workbook == NULL)
		return LXW_ERROR_MEMORY_MALLOC_FAILED;
	properties.created = CREATED;
	error = workbook_set_properties(workbook, &properties);
	if (error == LXW_NO_ERROR)
		error = author_sheets(parts, workbook);
	if (error != LXW_NO_ERROR)
		return error;
	return workbook_close(workbook);
}

/* Its sheets, without a row. */
static lxw_error
author_sheets(const XlsxParts *parts, lxw_workbook *workbook)
{
	lxw_error	error = LXW_NO_ERROR;
	int			i;

	for (i = 0; i < parts->nsheets && error == LXW_NO_ERROR; i++)
	{
		lxw_worksheet *worksheet;

		error = workbook_validate_sheet_name(workbook,
											 parts->sheets[i].name);
		if (error != LXW_NO_ERROR)
			break;
		worksheet = workbook_add_worksheet(workbook, parts->sheets[i].name);
		if (worksheet == NULL || !quote_name(worksheet))
			return LXW_ERROR_MEMORY_MALLOC_FAILED;
		if (i == 0)
			error = author_styles(parts, workbook, worksheet);
		if (error == LXW_NO_ERROR)
			error = author_range(parts, &parts->sheets[i], worksheet);
	}
	return error;
}

/*
 * Quote the name that references bear.  libxlsxwriter leaves 2024 or A1 as
 * they are, which Excel then takes for something else.
 */
static bool
quote_name(lxw_worksheet *worksheet)
{
	const char *from = worksheet->name;
	char	   *quoted = malloc(2 * strlen(from) + 3);
	char	   *to = quoted;

	if (quoted == NULL)
		return false;
	*to++ = '\'';
	for (; *from != '\0'; from++)
	{
		if (*from == '\'')
			*to++ = '\'';
		*to++ = *from;
	}
	strcpy(to, "'");
	free((void *) worksheet->quoted_name);
	worksheet->quoted_name = quoted;
	return true;
}

/* A cell per style, since what no cell has is not written. */
static lxw_error
author_styles(const XlsxParts *parts, lxw_workbook *workbook,
			  lxw_worksheet *worksheet)
{
	const XlsxStyles *styles = parts->styles;
	lxw_error	error = LXW_NO_ERROR;
	int			i;

	for (i = 0; i < styles->nstyles && error == LXW_NO_ERROR; i++)
	{
		lxw_format *format = workbook_add_format(workbook);

		if (format == NULL)
			return LXW_ERROR_MEMORY_MALLOC_FAILED;
		if (i + 1 == styles->header)
		{
			format_set_bold(format);
			format_set_bg_color(format, HEADER_COLOR);
		}
		else
			format_set_num_format(format, styles->formats[i]);
		error = worksheet_write_blank(worksheet, STYLE_ROW, i, format);
	}
	return error;
}

/* The filter or table over a sheet. */
static lxw_error
author_range(const XlsxParts *parts, const XlsxSheet *sheet,
			 lxw_worksheet *worksheet)
{
	lxw_table_options options = {0};
	lxw_table_column *columns;
	lxw_table_column **pointers;
	int			i;

	if (parts->filter)
		return worksheet_autofilter(worksheet, 0, 0, sheet->nrows - 1,
									parts->ncolumns - 1);
	if (!parts->table)
		return LXW_NO_ERROR;
	columns = calloc(parts->ncolumns, sizeof(*columns));
	pointers = calloc(parts->ncolumns + 1, sizeof(*pointers));
	if (columns == NULL || pointers == NULL)
		return LXW_ERROR_MEMORY_MALLOC_FAILED;
	for (i = 0; i < parts->ncolumns; i++)
	{
		columns[i].header = parts->headings[i];
		pointers[i] = &columns[i];
	}
	options.columns = pointers;
	/* a table has a row at least */
	return worksheet_add_table(worksheet, 0, 0, Max(sheet->nrows, 2) - 1,
							   parts->ncolumns - 1, &options);
}

/* Did the child do all, without a word? */
static void
check_child(int status, int messages)
{
	Archive		words;

	CHECK_FOR_INTERRUPTS();
	words = read_memory_file(messages);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_DONE &&
		words.length == 0)
		return;
	if (WIFSIGNALED(status) && !is_crash(WTERMSIG(status)))
		fail(ERRCODE_SYSTEM_ERROR,
			 psprintf("Its process was ended by signal %d.",
					  WTERMSIG(status)));
	if (WIFSIGNALED(status) || WEXITSTATUS(status) == CHILD_NO_MEMORY ||
		strstr(words.data, "emory allocation failed") != NULL)
		fail(ERRCODE_OUT_OF_MEMORY, "libxlsxwriter had too little memory.");
	fail(ERRCODE_IO_ERROR,
		 psprintf("libxlsxwriter says: %s", words.data));
}

/*
 * Is it a signal that the child has brought upon itself?  It reads through
 * null pointers that it got for memory, or frees what it never had.
 */
static bool
is_crash(int number)
{
	return number == SIGSEGV || number == SIGBUS || number == SIGABRT;
}

/* What is in a memory file, with a NUL behind it. */
static Archive
read_memory_file(int file)
{
	Archive		archive;
	struct stat info;
	size_t		done = 0;

	if (fstat(file, &info) != 0)
		fail(errcode_for_file_access(), "Its file cannot be read.");
	archive.length = info.st_size;
	archive.data = palloc(archive.length + 1);
	while (done < archive.length)
	{
		ssize_t		nbytes = pread(file, archive.data + done,
								   archive.length - done, done);

		if (nbytes <= 0)
			fail(errcode_for_file_access(), "Its file cannot be read.");
		done += nbytes;
	}
	archive.data[archive.length] = '\0';
	return archive;
}

/* Check the parts and take them over. */
static void
take_archive(const XlsxParts *parts, const Archive *archive, ZipWriter *zip,
			 StringInfo out)
{
	int			nentries;
	int			expected = parts->table ? 9 + 3 * parts->nsheets :
	8 + parts->nsheets;
	const char *position = find_directory(archive, &nentries);
	int			i;

	if (nentries != expected)
		fail_broken("directory");
	for (i = 0; i < nentries; i++)
	{
		ZipEntry	entry;
		const char *data;
		char	   *content;

		position = next_entry(archive, position, &entry, &data);
		content = unpack(&entry, data);
		if (!is_whole_xml(content))
			fail_broken(entry.name);
		if (strncmp(entry.name, SHEET_PREFIX, strlen(SHEET_PREFIX)) != 0)
		{
			check_part(parts, &entry, content);
			sp_zip_add(zip, &entry, data, out);
		}
		else if (strcmp(entry.name, SHEET_PREFIX "1.xml") == 0)
			check_styles(parts, content);
		pfree(content);
	}
}

/* The first entry of the archive's directory. */
static const char *
find_directory(const Archive *archive, int *nentries)
{
	const char *end = archive->data + archive->length - ZIP_END_BYTES;
	uint32		offset;

	if (archive->length < ZIP_END_BYTES ||
		sp_zip_read4(end) != ZIP_END_SIGNATURE)
		fail_broken("directory");
	*nentries = sp_zip_read2(end + 10);
	offset = sp_zip_read4(end + 16);
	if (offset > archive->length - ZIP_END_BYTES)
		fail_broken("directory");
	return archive->data + offset;
}

/* Read an entry of the directory; returns where the next one begins. */
static const char *
next_entry(const Archive *archive, const char *position, ZipEntry *entry,
		   const char **data)
{
	const char *end = archive->data + archive->length - ZIP_END_BYTES;
	const char *local;
	uint32		name_length;

	if (end - position < ZIP_CENTRAL_BYTES ||
		sp_zip_read4(position) != ZIP_CENTRAL_SIGNATURE)
		fail_broken("directory");
	name_length = sp_zip_read2(position + 28);
	if (end - position - ZIP_CENTRAL_BYTES < name_length)
		fail_broken("directory");
	memset(entry, 0, sizeof(*entry));
	entry->method = sp_zip_read2(position + 10);
	entry->crc = sp_zip_read4(position + 16);
	entry->packed = sp_zip_read4(position + 20);
	entry->bytes = sp_zip_read4(position + 24);
	entry->offset = sp_zip_read4(position + 42);
	entry->name = pnstrdup(position + ZIP_CENTRAL_BYTES, name_length);
	if (entry->offset > archive->length - ZIP_LOCAL_BYTES)
		fail_broken(entry->name);
	local = archive->data + entry->offset;
	*data = local + ZIP_LOCAL_BYTES + sp_zip_read2(local + 26) +
		sp_zip_read2(local + 28);
	if (*data > end || end - *data < entry->packed ||
		entry->bytes > PART_BYTES_MAX)
		fail_broken(entry->name);
	return position + ZIP_CENTRAL_BYTES + name_length +
		sp_zip_read2(position + 30) + sp_zip_read2(position + 32);
}

/* The content of an entry, with a NUL behind it. */
static char *
unpack(const ZipEntry *entry, const char *data)
{
	char	   *content = palloc(entry->bytes + 1);
	z_stream	stream = {0};
	int			result;

	if (entry->method != ZIP_METHOD_DEFLATED || entry->bytes == 0)
		fail_broken(entry->name);
	if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
		fail(ERRCODE_OUT_OF_MEMORY, "zlib had too little memory.");
	stream.next_in = (Bytef *) data;
	stream.avail_in = entry->packed;
	stream.next_out = (Bytef *) content;
	stream.avail_out = entry->bytes;
	result = inflate(&stream, Z_FINISH);
	(void) inflateEnd(&stream);
	if (result != Z_STREAM_END || stream.avail_out != 0 ||
		crc32(0, (Bytef *) content, entry->bytes) != entry->crc)
		fail_broken(entry->name);
	content[entry->bytes] = '\0';
	return content;
}

/* Does a part hold what it is there for? */
static void
check_part(const XlsxParts *parts, const ZipEntry *entry, const char *content)
{
	int			i;

	for (i = 0; i < lengthof(expectations); i++)
	{
		const Expectation *expectation = &expectations[i];

		if (strncmp(entry->name, expectation->part,
					strlen(expectation->part)) == 0 &&
			count_text(content, expectation->text) !=
			expected_times(parts, expectation))
			fail_broken(entry->name);
	}
	if (strcmp(entry->name, "xl/workbook.xml") == 0 &&
		strstr(content, "<sheets>") == NULL)
		fail_broken(entry->name);
}

/* Have the styles the numbers that our cells bear? */
static void
check_styles(const XlsxParts *parts, const char *sheet)
{
	int			i;

	for (i = 0; i < parts->styles->nstyles; i++)
	{
		char		letters[XLSX_REFERENCE_BYTES];
		char		cell[64];

		sp_xlsx_column_letters(i, letters);
		snprintf(cell, sizeof(cell), "<c r=\"%s%d\" s=\"%d\"/>", letters,
				 STYLE_ROW + 1, i + 1);
		if (strstr(sheet, cell) == NULL)
			fail_broken("xl/styles.xml");
	}
}

/* How often a text has to be there. */
static int
expected_times(const XlsxParts *parts, const Expectation *expectation)
{
	switch (expectation->times)
	{
		case EXPECT_PER_SHEET:
			return parts->nsheets;
		case EXPECT_PER_TABLE:
			return parts->table ? parts->nsheets : 0;
		case EXPECT_PER_FILTER:
			return parts->filter ? parts->nsheets : 0;
		case EXPECT_PER_STYLE:
			/* and the default, which stands there twice */
			return parts->styles->nstyles + 2;
		case EXPECT_PER_COLUMN:
			return parts->ncolumns;
		default:
			return 1;
	}
}

/* How often a text is there. */
static int
count_text(const char *content, const char *text)
{
	int			count = 0;

	while ((content = strstr(content, text)) != NULL)
	{
		count++;
		content += strlen(text);
	}
	return count;
}

/*
 * Is it XML from its declaration to the end of its one root, every element
 * closed?  A > never stands inside of a tag here.
 */
static bool
is_whole_xml(const char *xml)
{
	const char *names[XML_DEPTH_MAX];
	size_t		lengths[XML_DEPTH_MAX];
	int			depth = 0;
	const char *next = xml;

	if (strncmp(xml, "<?xml ", 6) != 0)
		return false;
	while ((next = strchr(next, '<')) != NULL)
	{
		const char *end = strchr(next, '>');

		if (end == NULL)
			return false;
		if (next[1] == '/')
		{
			if (depth == 0 || end - next - 2 != lengths[depth - 1] ||
				strncmp(next + 2, names[depth - 1], lengths[depth - 1]) != 0)
				return false;
			depth--;
		}
		else if (next[1] != '?' && end[-1] != '/')
		{
			if (depth == XML_DEPTH_MAX)
				return false;
			names[depth] = next + 1;
			lengths[depth++] = strcspn(next + 1, " \n/>");
		}
		next = end + 1;
		if (depth == 0 && end[-1] != '?')
			return next[strspn(next, "\n")] == '\0';
	}
	return false;
}

/* There is no workbook without its parts. */
static void
fail(int code, const char *reason)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("could not write the parts of a workbook"),
			 errdetail("%s", reason)));
	pg_unreachable();
}

/* A part is not what it should be. */
static void
fail_broken(const char *part)
{
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not write the parts of a workbook"),
			 errdetail("\"%s\" is not whole.", part),
			 errhint("Check that there is space left in %s, or in the directory for temporary files.",
					 MEMORY_DIRECTORY)));
	pg_unreachable();
}
