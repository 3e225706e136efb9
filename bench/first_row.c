/*
 * How long statements take until the first byte of a data row is here.
 *
 *	  first_row ROUNDS (SETTINGS SKIP STATEMENT)...
 *
 * In each round every statement, a COPY to STDOUT, is sent once, after its
 * SETTINGS (SQL, may be empty) which are not timed; the clock stops when more
 * than SKIP bytes of CopyData have come, SKIP being what a format has before
 * its rows.  The rest is cancelled.  A first round is not counted.  Prints one
 * line "number-of-statement microseconds" each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

static PGconn *connection;

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
	fprintf(stderr, "first_row: %s: %s", what, PQerrorMessage(connection));
	exit(1);
}

static void
set(const char *settings)
{
	PGresult   *result;

	if (settings[0] == '\0')
		return;
	result = PQexec(connection, settings);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail(settings);
	PQclear(result);
}

/* Give up the statement; its end is an error, or came before. */
static void
cancel(void)
{
	char		message[256];
	char	   *data;
	PGcancel   *request = PQgetCancel(connection);
	PGresult   *result;

	if (!PQcancel(request, message, sizeof(message)))
		fail(message);
	PQfreeCancel(request);
	while (PQgetCopyData(connection, &data, 0) > 0)
		PQfreemem(data);
	while ((result = PQgetResult(connection)) != NULL)
	{
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

		if (state != NULL && strcmp(state, "57014") != 0)
			fail("the end");
		PQclear(result);
	}
}

static double
time_statement(const char *statement, int skip)
{
	double		start = now();
	double		end;
	int			bytes = 0;
	char	   *data;
	PGresult   *result;

	if (!PQsendQuery(connection, statement))
		fail(statement);
	result = PQgetResult(connection);
	if (PQresultStatus(result) != PGRES_COPY_OUT)
		fail(statement);
	PQclear(result);
	while (bytes <= skip)
	{
		int			length = PQgetCopyData(connection, &data, 0);

		if (length < 0)
			fail("no row");
		PQfreemem(data);
		bytes += length;
	}
	end = now();
	cancel();
	return end - start;
}

int
main(int argc, char **argv)
{
	int			rounds;
	int			round;
	int			i;

	if (argc < 5 || (argc - 2) % 3 != 0)
		return 2;
	rounds = atoi(argv[1]);
	connection = PQconnectdb("");
	if (PQstatus(connection) != CONNECTION_OK)
		fail("connection");
	for (round = 0; round <= rounds; round++)
	{
		for (i = 2; i < argc; i += 3)
		{
			double		seconds;

			set(argv[i]);
			seconds = time_statement(argv[i + 2], atoi(argv[i + 1]));
			set("RESET ALL");
			if (round > 0)
				printf("%d %.1f\n", (i - 2) / 3, seconds * 1e6);
		}
	}
	PQfinish(connection);
	return 0;
}
