-- The contract of COPY with FORMAT json and ndjson: SQLSTATEs, roles, counts.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
LOAD 'syncport';
SET client_min_messages = warning;

CREATE SCHEMA copy_contract;
CREATE TABLE copy_contract.record (id integer, secret text,
	twice integer GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO copy_contract.record (id) VALUES (1), (2), (3);
CREATE VIEW copy_contract.some_view AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW copy_contract.unfilled AS SELECT 1 AS a WITH NO DATA;
CREATE ROLE regress_copy_reader;
GRANT USAGE ON SCHEMA copy_contract TO regress_copy_reader;
GRANT SELECT (id) ON copy_contract.record TO regress_copy_reader;

-- How many rows a COPY counts.
CREATE FUNCTION copy_contract.count_copied(statement text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	nrows bigint;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS nrows = ROW_COUNT;
	RETURN nrows;
END $$;

SELECT plan(32);

SELECT throws_ok(format('COPY %s', s), e, NULL, s) FROM (VALUES
	($$copy_contract.record TO '/dev/null' (FORMAT 'json', HEADER)$$, '22023'),
	($$copy_contract.record TO '/dev/null' (FORMAT 'json', DELIMITER ',')$$, '22023'),
	($$copy_contract.record TO '/dev/null' (FORMAT 'json', NULL 'x')$$, '22023'),
	($$copy_contract.record TO '/dev/null' (FORMAT 'json', FREEZE)$$, '22023'),
	($$copy_contract.record TO '/dev/null' (FORMAT 'json', FORCE_QUOTE *)$$, '22023'),
	($$copy_contract.record TO '/dev/null' (FORMAT ndjson, FORCE_ARRAY)$$, '22023'),
	($$copy_contract.record TO '/dev/null' (FORMAT 'json', ENCODING 'none')$$, '22023'),
	($$copy_contract.record TO '/dev/null' (FORMAT 'json', FORCE_ARRAY 7)$$, '42601'),
	($$copy_contract.record TO '/dev/null' (FORMAT 'json', FORMAT 'json')$$, '42601'),
	($$copy_contract.record TO '/dev/null' (FORMAT ndjson, FORMAT csv)$$, '42601'),
	($$copy_contract.record FROM '/dev/null' (FORMAT 'json')$$, '0A000'),
	($$copy_contract.record FROM PROGRAM 'true' (FORMAT ndjson)$$, '0A000'),
	($$copy_contract.some_view TO '/dev/null' (FORMAT 'json')$$, '42809'),
	($$copy_contract.unfilled TO '/dev/null' (FORMAT 'json')$$, '55000'),
	($$copy_contract.absent TO '/dev/null' (FORMAT 'json')$$, '42P01'),
	($$copy_contract.record (absent) TO '/dev/null' (FORMAT 'json')$$, '42703'),
	($$copy_contract.record (id, id) TO '/dev/null' (FORMAT 'json')$$, '42701'),
	($$copy_contract.record (twice) TO '/dev/null' (FORMAT 'json')$$, '42P10'),
	($$copy_contract.record TO 'relative' (FORMAT 'json')$$, '42602'),
	($$copy_contract.record TO '/' (FORMAT 'json')$$, '42809'),
	($$copy_contract.record TO '/no/such/file' (FORMAT 'json')$$, '58P01'),
	($$copy_contract.record TO '/dev/full' (FORMAT 'json')$$, '53100'),
	($$copy_contract.record TO PROGRAM 'exit 1' (FORMAT 'json')$$, '38000'),
	($$(DELETE FROM copy_contract.record) TO '/dev/null' (FORMAT 'json')$$, '0A000')
	) v(s, e);

SELECT is(copy_contract.count_copied(
	$$COPY copy_contract.record TO '/dev/null' (FORMAT 'json')$$), 3::bigint,
	'a table is counted');
SELECT is(copy_contract.count_copied(
	$$COPY (SELECT FROM generate_series(1, 70000)) TO '/dev/null' (FORMAT 'json', FORCE_ARRAY)$$),
	70000::bigint, 'a query is counted');
SELECT is(copy_contract.count_copied(
	$$COPY (DELETE FROM copy_contract.record WHERE id = 3 RETURNING 1) TO '/dev/null' (FORMAT 'json')$$),
	1::bigint, 'what a query returns is counted');
SELECT is((SELECT count(*) FROM copy_contract.record), 2::bigint,
	'and what it does is done');

GRANT EXECUTE ON FUNCTION copy_contract.count_copied TO regress_copy_reader;
SET LOCAL ROLE regress_copy_reader;
SELECT throws_ok(
	$$COPY copy_contract.record (id) TO '/dev/null' (FORMAT 'json')$$, '42501',
	NULL, 'a file needs pg_write_server_files');
SELECT throws_ok(
	$$COPY copy_contract.record (id) TO PROGRAM 'true' (FORMAT 'json')$$, '42501',
	NULL, 'a program needs pg_execute_server_program');
RESET ROLE;
GRANT pg_write_server_files TO regress_copy_reader;
SET LOCAL ROLE regress_copy_reader;
SELECT lives_ok(
	$$COPY copy_contract.record (id) TO '/dev/null' (FORMAT 'json')$$,
	'a column that may be read');
SELECT throws_ok(
	$$COPY copy_contract.record (secret) TO '/dev/null' (FORMAT 'json')$$,
	'42501', NULL, 'a column that may not');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
