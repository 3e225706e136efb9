/*
 * A plain libxlsxwriter program in constant_memory mode, as its manual shows
 * them: one call for each cell, one format for each kind of value.
 *
 *	  xlsx_writer KINDS OUTPUT < rows
 *
 * KINDS has a letter for each column: s text, i integer, n number of two
 * decimals, b boolean, d date, t timestamp.  The rows are what core COPY writes
 * as text, ISO dates and UTC.  All are read into typed cells, days of dates
 * computed, before the time is taken, so that it is the writing alone.  Prints
 * seconds, and rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xlsxwriter.h>

#define COLUMNS_MAX 64

typedef struct Cell
{
	char		kind;			/* of its column, 0 for NULL */
	union
	{
		double		number;
		char	   *string;
	}			value;
} Cell;

static lxw_format *formats[256];

/* Seconds of a clock that only goes forward. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void
fail(const char *what)
{
	fprintf(stderr, "xlsx_writer: %s\n", what);
	exit(1);
}

static void
check(lxw_error error)
{
	if (error != LXW_NO_ERROR)
		fail(lxw_strerror(error));
}

/* The number that a spreadsheet keeps for an ISO date or timestamp in UTC. */
static double
serial_of(const char *text)
{
	struct tm	t = {0};
	double		seconds = 0;
	int			fields = sscanf(text, "%d-%d-%d %d:%d:%lf", &t.tm_year, &t.tm_mon,
								&t.tm_mday, &t.tm_hour, &t.tm_min, &seconds);

	if (fields != 3 && fields != 6)
		fail(text);
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	return (timegm(&t) + seconds) / 86400.0 + 25569;
}

static Cell
read_cell(char kind, const char *text)
{
	Cell		cell = {kind, {0}};

	if (strcmp(text, "\\N") == 0)
		cell.kind = 0;
	else if (strchr(text, '\\') != NULL)
		fail("rows with escapes are not for this program");
	else if (kind == 's')
		cell.value.string = strdup(text);
	else if (kind == 'b')
		cell.value.number = text[0] == 't';
	else if (kind == 'd' || kind == 't')
		cell.value.number = serial_of(text);
	else
		cell.value.number = strtod(text, NULL);
	return cell;
}

/* All cells of the input, row by row. */
static Cell *
read_rows(const char *kinds, size_t *nrows)
{
	size_t		ncolumns = strlen(kinds);
	size_t		space = 0;
	size_t		line_space = 0;
	Cell	   *cells = NULL;
	char	   *line = NULL;

	*nrows = 0;
	while (getline(&line, &line_space, stdin) > 0)
	{
		char	   *rest = line;
		size_t		i;

		line[strcspn(line, "\n")] = '\0';
		if ((*nrows + 1) * ncolumns > space)
		{
			space = space * 2 + 1024 * ncolumns;
			cells = realloc(cells, space * sizeof(Cell));
			if (cells == NULL)
				fail("out of memory");
		}
		for (i = 0; i < ncolumns; i++)
		{
			char	   *field = strsep(&rest, "\t");

			if (field == NULL)
				fail("a row is short of columns");
			cells[*nrows * ncolumns + i] = read_cell(kinds[i], field);
		}
		(*nrows)++;
	}
	free(line);
	return cells;
}

static void
write_cell(lxw_worksheet *sheet, lxw_row_t row, lxw_col_t column, const Cell *cell)
{
	switch (cell->kind)
	{
		case 0:
			break;
		case 's':
			check(worksheet_write_string(sheet, row, column, cell->value.string, NULL));
			break;
		case 'b':
			check(worksheet_write_boolean(sheet, row, column, (int) cell->value.number, NULL));
			break;
		default:
			check(worksheet_write_number(sheet, row, column, cell->value.number,
										 formats[(unsigned char) cell->kind]));
	}
}

static void
write_workbook(const char *file, const char *kinds, const Cell *cells, size_t nrows)
{
	lxw_workbook_options options = {.constant_memory = LXW_TRUE};
	lxw_workbook *workbook = workbook_new_opt(file, &options);
	lxw_worksheet *sheet = workbook_add_worksheet(workbook, NULL);
	lxw_format *bold = workbook_add_format(workbook);
	size_t		ncolumns = strlen(kinds);
	size_t		row;
	size_t		i;

	format_set_bold(bold);
	for (i = 0; i < 3; i++)
	{
		formats[(unsigned char) "ndt"[i]] = workbook_add_format(workbook);
		format_set_num_format(formats[(unsigned char) "ndt"[i]],
							  ((const char *[]) {"0.00", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"})[i]);
	}
	check(worksheet_set_column(sheet, 0, ncolumns - 1, 18, NULL));
	worksheet_freeze_panes(sheet, 1, 0);
	check(worksheet_autofilter(sheet, 0, 0, nrows, ncolumns - 1));
	for (i = 0; i < ncolumns; i++)
		check(worksheet_write_string(sheet, 0, i, "heading", bold));
	for (row = 0; row < nrows; row++)
	{
		for (i = 0; i < ncolumns; i++)
			write_cell(sheet, row + 1, i, &cells[row * ncolumns + i]);
	}
	check(workbook_close(workbook));
}

int
main(int argc, char **argv)
{
	size_t		nrows;
	Cell	   *cells;
	double		start;

	if (argc != 3 || strlen(argv[1]) > COLUMNS_MAX)
		return 2;
	cells = read_rows(argv[1], &nrows);
	start = now();
	write_workbook(argv[2], argv[1], cells, nrows);
	printf("%.6f %zu\n", now() - start, nrows);
	return 0;
}
