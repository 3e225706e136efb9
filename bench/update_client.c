/*
 * A client that changes rows one by one, or sends a push that was made
 * before; how long that takes.
 *
 *	  update_client own|one|pipe TABLE < lines of "key value"
 *	  update_client push FIRST < mutations as JSON
 *
 * own: each UPDATE is a transaction; one: all are one; pipe: the same without
 * waiting for answers.  Before the time is taken the statement is prepared and
 * executed six times on a key that nobody has, and the push FIRST is sent.
 * Prints seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#define CHANGES_MAX 100000

static char keys[CHANGES_MAX][32];
static char values[CHANGES_MAX][32];
static PGconn *connection;

/* Seconds of a clock that only goes forward. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Fail unless the server did as told. */
static void
check(PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_PIPELINE_SYNC)
	{
		fprintf(stderr, "%s", PQerrorMessage(connection));
		exit(1);
	}
	PQclear(result);
}

/* Execute the prepared statement and wait for it. */
static void
update(const char *key, const char *value, int expected)
{
	const char *const arguments[] = {value, key};
	PGresult   *result = PQexecPrepared(connection, "change", 2, arguments, NULL, NULL, 0);

	if (PQresultStatus(result) == PGRES_COMMAND_OK && atoi(PQcmdTuples(result)) != expected)
	{
		fprintf(stderr, "row %s: %s rows changed\n", key, PQcmdTuples(result));
		exit(1);
	}
	check(result);
}

static void
update_in_pipeline(int count)
{
	int			i;

	PQenterPipelineMode(connection);
	for (i = 0; i < count; i++)
	{
		const char *const arguments[] = {values[i], keys[i]};

		PQsendQueryPrepared(connection, "change", 2, arguments, NULL, NULL, 0);
	}
	PQpipelineSync(connection);
	for (i = 0; i < count; i++)
	{
		check(PQgetResult(connection));
		PQgetResult(connection);
	}
	check(PQgetResult(connection));
	PQexitPipelineMode(connection);
}

static double
time_updates(const char *mode, const char *table)
{
	char		sql[256];
	int			count = 0;
	int			i;
	double		start;

	while (count < CHANGES_MAX && scanf("%31s %31s", keys[count], values[count]) == 2)
		count++;
	snprintf(sql, sizeof(sql), "UPDATE %s SET sale_price = $1 WHERE n = $2", table);
	check(PQprepare(connection, "change", sql, 0, NULL));
	for (i = 0; i < 6; i++)
		update("0", "0", 0);
	start = now();
	if (strcmp(mode, "own") != 0)
		check(PQexec(connection, "BEGIN"));
	if (strcmp(mode, "pipe") == 0)
		update_in_pipeline(count);
	else
	{
		for (i = 0; i < count; i++)
			update(keys[i], values[i], 1);
	}
	if (strcmp(mode, "own") != 0)
		check(PQexec(connection, "COMMIT"));
	return now() - start;
}

/* The answer has to say "applied" as often as there are lines in the push. */
static double
time_push(const char *first)
{
	static char mutations[16 * 1024 * 1024];
	size_t		length = fread(mutations, 1, sizeof(mutations) - 1, stdin);
	const char *const arguments[] = {mutations};
	const char *sql = "SELECT syncport.push_json($1::jsonb, 'bench')";
	int			lines = 0;
	int			applied = 0;
	double		start;
	double		end;
	PGresult   *result;
	const char *p;

	mutations[length] = '\0';
	check(PQexecParams(connection, sql, 1, NULL, &first, NULL, NULL, 0));
	start = now();
	result = PQexecParams(connection, sql, 1, NULL, arguments, NULL, NULL, 0);
	end = now();
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
	{
		for (p = mutations; (p = strchr(p, '\n')) != NULL; p++)
			lines++;
		for (p = PQgetvalue(result, 0, 0); (p = strstr(p, "\"applied\"")) != NULL; p++)
			applied++;
		if (applied != lines)
		{
			fprintf(stderr, "%d of %d applied: %.1000s\n", applied, lines, PQgetvalue(result, 0, 0));
			exit(1);
		}
	}
	check(result);
	return end - start;
}

int
main(int argc, char **argv)
{
	double		seconds;

	if (argc != 3)
		return 2;
	connection = PQconnectdb("");
	if (PQstatus(connection) != CONNECTION_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(connection));
		return 1;
	}
	seconds = strcmp(argv[1], "push") == 0 ? time_push(argv[2]) :
		time_updates(argv[1], argv[2]);
	printf("%.6f\n", seconds);
	PQfinish(connection);
	return 0;
}
