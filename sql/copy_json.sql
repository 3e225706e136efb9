-- COPY with FORMAT json and ndjson: what it writes and what it refuses.
LOAD 'syncport';
SET TimeZone = 'UTC';
CREATE SCHEMA copy_json;
SET search_path = copy_json;
CREATE TABLE record (
	id integer PRIMARY KEY,
	title text,
	amount numeric(12,2),
	twice numeric GENERATED ALWAYS AS (amount * 2) STORED,
	paid boolean,
	sold_at timestamptz
);
INSERT INTO record (id, title, amount, paid, sold_at) VALUES
	(1, 'a "quoted" \ title', 12.50, true, '2024-05-01 12:00:00.25Z'),
	(2, E'two\nlines', -0.05, false, 'infinity'),
	(3, NULL, NULL, NULL, NULL);

-- one object per line, generated columns left out as in core
COPY record TO STDOUT WITH (FORMAT 'json');
COPY record TO STDOUT (FORMAT 'ndjson');
COPY record (title, id) TO STDOUT (FORMAT 'json', FORCE_ARRAY false);

-- one array
COPY record (id, amount) TO STDOUT (FORMAT 'json', FORCE_ARRAY);
COPY (SELECT id FROM record WHERE false) TO STDOUT (FORMAT 'json', FORCE_ARRAY true);
COPY (SELECT id FROM record WHERE false) TO STDOUT (FORMAT 'json');

-- queries of every kind
COPY (SELECT id, twice FROM record ORDER BY id DESC) TO STDOUT (FORMAT 'json');
COPY (VALUES (1, 'x')) TO STDOUT (FORMAT 'json');
COPY (INSERT INTO record (id) VALUES (4) RETURNING id) TO STDOUT (FORMAT 'json');
COPY (UPDATE record SET title = 'four' WHERE id = 4 RETURNING id, title) TO STDOUT (FORMAT 'json');
COPY (DELETE FROM record WHERE id = 4 RETURNING id) TO STDOUT (FORMAT 'json');
COPY (WITH r AS (TABLE record) SELECT count(*) FROM r) TO STDOUT (FORMAT 'json');

-- children are not copied, partitions are
CREATE TABLE heir () INHERITS (record);
INSERT INTO heir (id) VALUES (9);
COPY record (id) TO STDOUT (FORMAT 'json');
DROP TABLE heir;
CREATE TABLE parted (id integer, name text) PARTITION BY LIST (id);
CREATE TABLE parted_1 (name text, id integer);
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES IN (1);
INSERT INTO parted VALUES (1, 'one');
COPY parted TO STDOUT (FORMAT 'json');
CREATE TABLE empty_row ();
INSERT INTO empty_row DEFAULT VALUES;
COPY empty_row TO STDOUT (FORMAT 'json');

-- transactions: own changes are seen, read-only ones may export
BEGIN;
SAVEPOINT s;
INSERT INTO record (id) VALUES (5);
COPY (SELECT max(id) FROM record) TO STDOUT (FORMAT 'json');
ROLLBACK TO s;
COPY (SELECT max(id) FROM record) TO STDOUT (FORMAT 'json');
COMMIT;
BEGIN READ ONLY;
COPY record (id) TO STDOUT (FORMAT 'json');
COPY (DELETE FROM record RETURNING id) TO STDOUT (FORMAT 'json');
ROLLBACK;

-- other formats are core's
COPY record (id, title) TO STDOUT;
COPY record (id, title) TO STDOUT (FORMAT csv, HEADER);
COPY record (id, title) TO STDOUT CSV;
COPY record TO STDOUT (FORMAT 'JSON');
COPY record TO STDOUT (FORMAT nothing);

-- options
COPY record TO STDOUT (FORMAT 'json', HEADER);
COPY record TO STDOUT (FORMAT ndjson, DELIMITER ';');
COPY record TO STDOUT (FORMAT ndjson, FORCE_ARRAY);
COPY record TO STDOUT (FORMAT 'json', no_such_option 1);
COPY record TO STDOUT (FORMAT 'json', FORMAT 'json');
COPY record TO STDOUT (FORMAT csv, FORMAT 'json');
COPY record TO STDOUT (FORMAT 'json', FORCE_ARRAY, FORCE_ARRAY);
COPY record TO STDOUT (FORMAT 'json', ENCODING 'klingon');
COPY record TO STDOUT (FORMAT 'json', TIME_ZONE 'Mars/Olympus');
COPY (SELECT timestamptz '2024-07-01 00:00Z' AS t, tstzrange('2024-07-01 00:00Z', NULL) AS r,
	ARRAY[timestamptz '2024-07-01 00:00Z'] AS a)
	TO STDOUT (FORMAT 'json', TIME_ZONE 'Asia/Tokyo');
SHOW TimeZone;
COPY record FROM '/dev/null' (FORMAT 'json');
COPY record FROM '/dev/null' (FORMAT ndjson);

-- what can be copied
CREATE VIEW some_view AS SELECT 1 AS a;
CREATE SEQUENCE some_sequence;
CREATE MATERIALIZED VIEW some_matview AS SELECT 1 AS a;
COPY some_view TO STDOUT (FORMAT 'json');
COPY some_sequence TO STDOUT (FORMAT 'json');
COPY some_matview TO STDOUT (FORMAT 'json');
COPY no_such_table TO STDOUT (FORMAT 'json');
COPY record (id, nothing) TO STDOUT (FORMAT 'json');
COPY record (id, id) TO STDOUT (FORMAT 'json');
COPY record (twice) TO STDOUT (FORMAT 'json');
COPY (SELECT 1 INTO new_table) TO STDOUT (FORMAT 'json');
COPY (DELETE FROM record) TO STDOUT (FORMAT 'json');

-- rules
CREATE TABLE ruled (id integer);
CREATE RULE r AS ON INSERT TO ruled DO INSTEAD NOTHING;
COPY (INSERT INTO ruled VALUES (1)) TO STDOUT (FORMAT 'json');
CREATE OR REPLACE RULE r AS ON INSERT TO ruled DO ALSO DELETE FROM ruled;
COPY (INSERT INTO ruled VALUES (1) RETURNING id) TO STDOUT (FORMAT 'json');
CREATE OR REPLACE RULE r AS ON INSERT TO ruled WHERE new.id = 1 DO INSTEAD DELETE FROM ruled;
COPY (INSERT INTO ruled VALUES (1)) TO STDOUT (FORMAT 'json');
CREATE OR REPLACE RULE r AS ON INSERT TO ruled DO INSTEAD (DELETE FROM ruled; DELETE FROM ruled);
COPY (INSERT INTO ruled VALUES (1)) TO STDOUT (FORMAT 'json');
CREATE OR REPLACE RULE r AS ON INSERT TO ruled DO INSTEAD NOTIFY ruled;
COPY (INSERT INTO ruled VALUES (1)) TO STDOUT (FORMAT 'json');

-- server files and programs
COPY record TO 'relative.json' (FORMAT 'json');
COPY record TO '/' (FORMAT 'json');
COPY record TO '/no/such/directory/x.json' (FORMAT 'json');
COPY record TO '/dev/full' (FORMAT 'json');
COPY record TO '/dev/null' (FORMAT 'json');
COPY record TO PROGRAM 'cat > /dev/null' (FORMAT 'json');
COPY record TO PROGRAM 'exit 3' (FORMAT 'json');
COPY (SELECT repeat('x', 100000) FROM generate_series(1, 100)) TO PROGRAM 'true' (FORMAT 'json');

-- roles
CREATE ROLE regress_copy_json;
GRANT USAGE ON SCHEMA copy_json TO regress_copy_json;
SET ROLE regress_copy_json;
COPY record TO '/dev/null' (FORMAT 'json');
COPY record TO PROGRAM 'cat > /dev/null' (FORMAT 'json');
COPY record TO STDOUT (FORMAT 'json');
RESET ROLE;
GRANT SELECT (id) ON record TO regress_copy_json;
GRANT pg_write_server_files TO regress_copy_json;
SET ROLE regress_copy_json;
COPY record (id) TO STDOUT (FORMAT 'json');
COPY record (id) TO '/dev/null' (FORMAT 'json');
COPY record (id, title) TO STDOUT (FORMAT 'json');
COPY record TO STDOUT (FORMAT 'json');
RESET ROLE;
ALTER TABLE record ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON record TO regress_copy_json USING (id % 2 = 1);
SET ROLE regress_copy_json;
COPY record (id) TO STDOUT (FORMAT 'json');
RESET ROLE;
COPY record (id) TO STDOUT (FORMAT 'json');

-- a function cannot speak to the client
DO $$ BEGIN
	COPY copy_json.record TO STDOUT (FORMAT 'json');
END $$;
-- but it can write a file, and gets the count
DO $$
DECLARE
	nrows bigint;
BEGIN
	COPY copy_json.record TO '/dev/null' (FORMAT 'json');
	GET DIAGNOSTICS nrows = ROW_COUNT;
	RAISE NOTICE '% rows', nrows;
END $$;

RESET search_path;
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA copy_json CASCADE;
DROP ROLE regress_copy_json;
