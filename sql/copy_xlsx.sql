-- COPY with FORMAT xlsx: options, and what is refused.  What the files hold
-- is read back in test/t/034_copy_xlsx.pl.
LOAD 'syncport';
CREATE SCHEMA copy_xlsx;
SET search_path = copy_xlsx;
CREATE TABLE record (
	id integer PRIMARY KEY,
	title text,
	note text
);
INSERT INTO record VALUES (1, 'one', 'fine'), (2, 'two', 'also');

-- all options at once
COPY record TO '/dev/null' (FORMAT xlsx);
COPY record (title, id) TO '/dev/null' (FORMAT 'xlsx', HEADER false);
COPY (SELECT * FROM record ORDER BY id) TO '/dev/null' (
	FORMAT xlsx, HEADER, SHEET 'Records', TABLE, TIME_ZONE 'Europe/Berlin',
	ON_UNREPRESENTABLE 'replace', HEADINGS '{"id": "No."}', COMPRESSION_LEVEL 6);
COPY (SELECT) TO '/dev/null' (FORMAT xlsx);
COPY (SELECT WHERE false) TO '/dev/null' (FORMAT xlsx, TABLE);

-- options that others have
COPY record TO '/dev/null' (FORMAT xlsx, DELIMITER ';');
COPY record TO '/dev/null' (FORMAT xlsx, COMPRESSION 'gzip');
COPY record TO '/dev/null' (FORMAT xlsx, ENCODING 'UTF8');
COPY record FROM '/dev/null' (FORMAT xlsx);

-- values of options
COPY record TO '/dev/null' (FORMAT xlsx, ON_UNREPRESENTABLE 'ignore');
COPY record TO '/dev/null' (FORMAT xlsx, COMPRESSION_LEVEL 10);
COPY record TO '/dev/null' (FORMAT xlsx, TIME_ZONE 'Mars/Olympus');
COPY record TO '/dev/null' (FORMAT xlsx, SHEET 'a', SHEET 'b');
COPY record TO '/dev/null' (FORMAT xlsx, TABLE 'perhaps');

-- tables
COPY record TO '/dev/null' (FORMAT xlsx, TABLE, HEADER false);
COPY (SELECT 1 AS a, 2 AS b, 3 AS "A") TO '/dev/null' (FORMAT xlsx, TABLE);
COPY record TO '/dev/null' (FORMAT xlsx, TABLE, HEADINGS '{"id": ""}');
COPY record TO '/dev/null' (FORMAT xlsx, TABLE, HEADINGS '{"id": "a\nb"}');
DO $$
BEGIN
	EXECUTE format('COPY copy_xlsx.record TO ''/dev/null'' (FORMAT xlsx, TABLE, HEADINGS %L)',
		json_build_object('title', repeat('x', 256)));
END $$;
COPY (SELECT 1 AS a, 2 AS b, 3 AS "A") TO '/dev/null' (FORMAT xlsx);

-- values that XML or a cell cannot hold
COPY (SELECT id, title, CASE id WHEN 2 THEN E'\x1b[1m' ELSE note END AS note
	FROM record ORDER BY id) TO '/dev/null' (FORMAT xlsx);
COPY (SELECT repeat('x', 32767) AS a, repeat('y', 32768) AS b) TO '/dev/null' (FORMAT xlsx);
COPY (SELECT decode(repeat('00', 16383), 'hex') AS a) TO '/dev/null' (FORMAT xlsx);
COPY (SELECT 9 AS a, array_agg(i) AS b FROM generate_series(1, 10000) i) TO '/dev/null' (FORMAT xlsx);
COPY record TO '/dev/null' (FORMAT xlsx, HEADINGS '{"note": "\u0001"}');
COPY record TO '/dev/null' (FORMAT xlsx, HEADINGS '{"note": "\u0001"}', ON_UNREPRESENTABLE 'replace');
CREATE TYPE bell AS ENUM ('quiet', E'ring\x07');
COPY (SELECT 'quiet'::bell AS a UNION ALL SELECT E'ring\x07') TO '/dev/null' (FORMAT xlsx);
DO $$
BEGIN
	COPY (SELECT E'\x01' AS a) TO '/dev/null' (FORMAT xlsx);
EXCEPTION WHEN SQLSTATE 'SY008' THEN
	RAISE NOTICE 'SY008';
END $$;
COPY (SELECT E'\x01' AS a, repeat('x', 40000) AS b) TO '/dev/null'
	(FORMAT xlsx, ON_UNREPRESENTABLE 'replace');

-- output functions are called under other settings, which do not stay
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'America/New_York';
SET IntervalStyle = 'iso_8601';
COPY (SELECT ARRAY[now()], interval '1 day', E'\\x01'::bytea) TO '/dev/null' (FORMAT xlsx);
SELECT current_setting('DateStyle'), current_setting('TimeZone'),
	date '2024-02-01', timestamptz '2024-02-01 12:00Z', interval '1 day';

DROP SCHEMA copy_xlsx CASCADE;
