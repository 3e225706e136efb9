-- Values as JSON: for every family of types and many settings of the
-- session, a line of COPY (FORMAT ndjson) is row_to_json's text.
\set ON_ERROR_STOP on
\set QUIET on
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SET client_min_messages = warning;

CREATE TYPE mood AS ENUM ('sad', 'o"k', 'happy \ glad', 'ü');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN price AS numeric(12,2);
CREATE DOMAIN moods AS mood[];
CREATE TYPE point3 AS (x integer, "y ""q""" text, z timestamptz);
CREATE TYPE line3 AS (a point3, b point3[], c price, d moods);
CREATE DOMAIN checked_point AS point3;
CREATE TYPE temperature AS RANGE (subtype = numeric);
CREATE TYPE celsius AS (degrees numeric);
CREATE FUNCTION celsius_json(celsius) RETURNS json
LANGUAGE sql IMMUTABLE AS 'SELECT json_build_object(''C'', $1.degrees)';
CREATE TYPE grade AS ENUM ('a', 'b');
CREATE FUNCTION grade_json(grade) RETURNS json
LANGUAGE sql IMMUTABLE AS 'SELECT json_build_object(''grade'', $1::text)';
CREATE CAST (grade AS json) WITH FUNCTION grade_json(grade);
CREATE CAST (celsius AS json) WITH FUNCTION celsius_json(celsius);
CREATE TABLE dropped (a integer, b text, c date);
ALTER TABLE dropped DROP COLUMN b;
INSERT INTO dropped VALUES (1, '2020-02-29'), (NULL, NULL);
CREATE TABLE wide (id integer, long text, packed text, document jsonb,
	digits numeric);
ALTER TABLE wide ALTER long SET STORAGE EXTERNAL;
INSERT INTO wide
SELECT i, repeat('long "text" ' || i, 1000), repeat('packed\', 1000 * i),
	(SELECT jsonb_object_agg('key' || n, n) FROM generate_series(1, 500) n),
	repeat('123456789', 900)::numeric + i
FROM generate_series(1, 3) i;

CREATE TABLE family (name text, query text);
INSERT INTO family VALUES
('boolean', $$SELECT b FROM (VALUES (true), (false), (NULL)) v(b)$$),
('integers', $$SELECT a::int2, b::int4, c::int8, d::oid FROM (VALUES
	(0, 0, 0, 0), (32767, 2147483647, 9223372036854775807, 4294967295),
	(-32768, -2147483648, -9223372036854775808, 1), (7, 10, 100, 99))
	v(a, b, c, d)$$),
('float8', $$SELECT f::float8 FROM unnest('{0,-0,1,-1,0.1,1e15,1e16,1e20,
	1e21,1e22,123456789012345678,0.0001,0.00001,1e-7,4.9e-324,
	2.2250738585072014e-308,1.7976931348623157e308,-1.5e-10,NaN,Infinity,
	-Infinity,0.30000000000000004,3.141592653589793}'::text[]) f$$),
('float4', $$SELECT f::float4 FROM unnest('{0,-0,1,-1,0.1,1e5,1e6,1e7,1e10,
	1e-5,1.4e-45,1.1754944e-38,3.4028235e38,NaN,Infinity,-Infinity,
	16777217}'::text[]) f$$),
('numeric', $$SELECT n::numeric FROM unnest('{0,0.0,-0.00,0.000000000000,1,
	-1,9999,10000,10001,-10000.0001,0.1,0.0001,0.00001,0.00000000012300,
	100000000,1e30,1e-30,123456789.123456789,12345678901234567890123456789012345678,
	-0.5,NaN,Infinity,-Infinity,99999999.99990000,1.10,5e100,0.10000}'::text[]) n$$),
('huge numeric', $$SELECT (repeat('9', n) || '.' || repeat('30', m))::numeric,
	('1e' || n)::numeric, ('-1e-' || m)::numeric
	FROM (VALUES (1, 1), (500, 40), (131000, 8000), (4, 63), (257, 64)) v(n, m)$$),
('numeric typmod', $$SELECT (i / 7.0)::numeric(12,2), (i * 1000)::numeric(9,-3),
	(i / 1e9)::numeric(20,15) FROM generate_series(-2000, 2000, 37) i$$),
('text', $$SELECT t, t::varchar, t::char(40), left(t, 40)::name FROM
	(VALUES (''), ('a'), ('1234567'), ('12345678'), ('123456789'),
	('say "hi"'), ('back\slash'), ('häßlich €'), ('𝄞 clef'), ('tab	end'),
	(E'\x01\x02\x08\x0b\x0c\x0d\x1f'), (E'a\nb'), (E'DEL \x7f here'), ('</script>'),
	('0123456"'), ('01234567"'), ('\0123456'), (' lead and trail ')) v(t)$$),
('long text', $$SELECT repeat('x', n) || '"' || repeat('y\', n) FROM
	generate_series(1010, 1040) n$$),
('every character', $$SELECT chr(i) || repeat('z', i % 9) || chr(i) FROM
	generate_series(1, 127) i$$),
('char and bits', $$SELECT 'x'::"char", B'1010'::bit(4), B'10'::varbit$$),
('bytea', $$SELECT ''::bytea, decode('00ff10225c7f', 'hex'),
	decode(repeat('ab', 3000), 'hex')$$),
('uuid', $$SELECT '00112233-4455-6677-8899-aabbccddeeff'::uuid, NULL::uuid$$),
('date', $$SELECT d::date FROM unnest('{2000-01-01,1999-12-31,2000-02-29,
	1900-02-28,1900-03-01,infinity,-infinity,0001-01-01,0001-12-31 BC,
	0044-03-15 BC,4714-11-24 BC,9999-12-31,10000-01-01,5874897-12-31,
	1582-10-15,1970-01-01}'::text[]) d$$),
('every day', $$SELECT date '1896-02-01' + i FROM generate_series(0, 3000) i
	UNION ALL SELECT date '0005-01-01' - i FROM generate_series(0, 6000, 7) i$$),
('timestamp', $$SELECT t::timestamp FROM unnest('{2000-01-01 00:00:00,
	1999-12-31 23:59:59.999999,2020-02-29 12:30:00.1,1969-12-31 00:00:00.000001,
	infinity,-infinity,0044-03-15 23:59:59.5 BC,4714-11-24 00:00:00 BC,
	294276-12-31 23:59:59.999999,2024-06-30 23:59:59.120,10000-01-01 00:00:00}'::text[]) t$$),
('timestamptz', $$SELECT t::timestamptz FROM unnest('{2000-01-01 00:00:00Z,
	1999-12-31 23:59:59.999999Z,infinity,-infinity,0044-03-15 23:59:59.5Z BC,
	4714-11-24 00:00:00Z BC,294276-12-31 23:59:59.999999Z,
	1883-11-18 17:00:00.25Z,1883-11-18 16:59:59Z,1893-03-31 23:06:31Z,
	1893-03-31 23:06:32Z,1919-10-12 12:00:00Z,2011-12-30 09:59:59Z,
	2011-12-30 10:00:00Z,1972-01-07 00:44:29Z,1972-01-07 00:44:30Z}'::text[]) t$$),
('timestamptz forward', $$SELECT timestamptz '1840-01-01 00:00Z' +
	i * interval '300:17:31' FROM generate_series(0, 8000) i$$),
('timestamptz backward', $$SELECT timestamptz '2110-01-01 00:00Z' -
	i * interval '300:17:31.5' FROM generate_series(0, 8000) i$$),
('timestamptz at random', $$SELECT timestamptz '1900-01-01 00:00Z' +
	(i * 7919 % 60000) * interval '30:00:01' FROM generate_series(0, 6000) i$$),
('summer time', $$SELECT t + i * interval '1 second' FROM
	unnest('{2024-03-31 00:59:50Z,2024-10-27 00:59:50Z,2024-03-10 06:59:50Z,
	2024-11-03 05:59:50Z,2024-04-06 14:59:50Z,2037-10-25 00:59:50Z,
	2090-03-26 00:59:50Z}'::timestamptz[]) t, generate_series(0, 20) i$$),
('times', $$SELECT '24:00'::time, '12:30:00.5+05:30'::timetz,
	'1 year 2 mons -3 days 04:05:06.7'::interval, '-00:00:01'::interval$$),
('json', $$SELECT '{"a" : [1,  2], "b":null}'::json, '"text"'::json,
	'{"b":1,"a":"\u0001 \"q\""}'::jsonb, 'null'::jsonb, '[]'::jsonb$$),
('arrays', $$SELECT '{1,NULL,3}'::int[], '{}'::int[], '{{1,2},{3,4}}'::int8[],
	'[2:3][0:1]={{a,"b c"},{"d\"e",NULL}}'::text[], ARRAY[true, false],
	ARRAY[1.50, 'NaN'::numeric], '{NaN,1e30}'::float8[],
	ARRAY[date '2020-01-01', 'infinity'], ARRAY[timestamptz '2020-07-01 00:00Z'],
	'{{{1,2}},{{3,4}}}'::int[], ARRAY['{"a":1}'::json], ARRAY['[1]'::jsonb],
	ARRAY['ok "x"'::bytea], '1 2 3'::int2vector, '1 2'::oidvector$$),
('any arrays', $$SELECT most_common_vals, histogram_bounds FROM pg_stats
	WHERE schemaname = 'pg_catalog' ORDER BY tablename, attname LIMIT 200$$),
('composites', $$SELECT ROW(1, 'a"b', '2020-01-01 00:00Z')::point3 p,
	ROW(ROW(NULL, NULL, NULL), ARRAY[ROW(2, 'x', 'infinity')::point3, NULL],
	1.5, '{sad}')::line3 l, NULL::point3 n,
	ROW(1, 'a', NULL)::checked_point, ROW(1, 'x', ROW(2.0, NULL)) r,
	ARRAY[ROW(1, 2), ROW('a', 'b')] a$$),
('changing records', $$SELECT CASE WHEN i % 2 = 0 THEN ROW(i)
	ELSE ROW(i, 'odd') END r FROM generate_series(1, 6) i$$),
('records in records', $$SELECT ROW(1, ARRAY[ROW(2, NULL),
	ROW(3, ARRAY[ROW(4, '{}'::int[])])])$$),
('whole rows', $$SELECT d, a, c FROM dropped d$$),
('ranges', $$SELECT int4range(1, 5), 'empty'::int4range, '(,3.5]'::temperature,
	tstzrange('2020-01-01 00:00Z', '2020-07-01 00:00Z'),
	daterange('2020-01-01', 'infinity'), '{[1,2),[5,9)}'::int4multirange$$),
('enums', $$SELECT m, ARRAY[m, NULL] FROM unnest(enum_range(NULL::mood)) m$$),
('domains', $$SELECT 5::positive, 1.5::price, '{sad,NULL}'::moods,
	ARRAY[1, 2]::positive[]$$),
('casts to json', $$SELECT 'a'::grade, ARRAY['b'::grade], ROW(1.5)::celsius$$),
('network and geometry', $$SELECT '10.0.0.0/8'::cidr, '::1'::inet,
	'08:00:2b:01:02:03'::macaddr, '(1,2)'::point, '<(0,0),1>'::circle,
	'12.34'::money, '16/B374D848'::pg_lsn, 'pg_class'::regclass,
	'int4'::regtype, '''a'' & ''b'''::tsquery, 'a:1 b:2'::tsvector,
	'<a>"x"</a>'::xml, '(0,1)'::tid, '10:20:10,15'::pg_snapshot$$),
('odd names', $$SELECT 1 AS "a""b", 2 AS "back\slash", 3 AS "größe €",
	4 AS "tab	name", 5 AS " ", 6 AS "$1", 7 AS x, 8 AS x,
	9 AS "0123456789012345678901234567890123456789012345678901234567890x2",
	10 AS "exactly sixteen.", 11 AS "?column?"$$),
('nulls', $$SELECT NULL::int, NULL::text, NULL::numeric, NULL::int[],
	NULL::point3, NULL::json, NULL$$),
('nothing', $$SELECT FROM generate_series(1, 2)$$),
('no rows', $$SELECT 1 AS a WHERE false$$),
('dropped columns', $$SELECT * FROM dropped$$),
('toasted', $$SELECT * FROM wide$$),
('catalog', $$SELECT * FROM pg_type WHERE oid < 10000 ORDER BY oid$$);

CREATE FUNCTION pg_temp.file() RETURNS text LANGUAGE sql AS
$$SELECT current_setting('data_directory') || '/syncport_encode_test.ndjson'$$;

CREATE FUNCTION pg_temp.copied(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (%s) TO %L WITH (FORMAT ndjson)', query,
		pg_temp.file());
	RETURN pg_read_file(pg_temp.file());
END $$;

CREATE FUNCTION pg_temp.expected(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT coalesce(string_agg(row_to_json(whole_row)::text || E''\n'', ''''), '''') FROM (%s) whole_row',
		query) INTO result;
	RETURN result;
END $$;

-- The families that differ, so that a failure does not print megabytes.
CREATE FUNCTION pg_temp.check_families(settings text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	failed text[] := '{}';
	f record;
BEGIN
	EXECUTE settings;
	FOR f IN SELECT * FROM family LOOP
		IF pg_temp.copied(f.query) IS DISTINCT FROM pg_temp.expected(f.query) THEN
			failed := failed || f.name;
		END IF;
	END LOOP;
	RETURN is(failed, '{}', settings);
END $$;

SELECT plan(27);

SELECT pg_temp.check_families(s) FROM unnest(ARRAY[
	$$SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'$$,
	$$SET TimeZone = 'Europe/Berlin'; SET DateStyle = 'German'$$,
	$$SET TimeZone = 'America/New_York'; SET DateStyle = 'SQL, MDY'; SET IntervalStyle = 'iso_8601'$$,
	$$SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'Postgres, DMY'; SET extra_float_digits = 0$$,
	$$SET TimeZone = 'Australia/Lord_Howe'; SET bytea_output = 'escape'$$,
	$$SET TimeZone = 'Africa/Monrovia'; SET extra_float_digits = -15; SET IntervalStyle = 'sql_standard'$$,
	$$SET TimeZone = 'Pacific/Apia'; SET extra_float_digits = 3; SET IntervalStyle = 'postgres_verbose'$$,
	$$SET TimeZone = 'Europe/Dublin'; SET bytea_output = 'hex'; SET extra_float_digits = -3$$,
	$$SET TimeZone = 'Europe/Amsterdam'; SET DateStyle = 'ISO, MDY'; SET extra_float_digits = 1$$,
	$$SET TimeZone = '<+0530>-5:30'$$,
	$$SET TimeZone = 'EST5EDT'$$,
	$$SET TimeZone = 'America/St_Johns'; SET lc_monetary = 'C'$$]) s;

-- The comparison can fail.
SELECT isnt(pg_temp.copied('SELECT 1 AS a'), pg_temp.expected('SELECT 2 AS a'),
	'different rows differ');
SELECT isnt(pg_temp.copied('SELECT 1 AS a'), pg_temp.expected('SELECT 1 AS b'),
	'different names differ');

-- A table and an equal query give the same.
COPY wide TO PROGRAM 'cat > /dev/null' WITH (FORMAT 'json');
SELECT is(pg_temp.copied('TABLE wide'), pg_temp.expected('TABLE wide'), 'TABLE');

-- The time zone may change between rows.
SELECT is(pg_temp.copied($$SELECT set_config('TimeZone', z, true) AS z,
	timestamptz '2020-07-01 00:00Z' AS t FROM unnest('{UTC,Asia/Tokyo,UTC}'::text[]) z$$),
	E'{"z":"UTC","t":"2020-07-01T00:00:00+00:00"}\n'
	'{"z":"Asia/Tokyo","t":"2020-07-01T09:00:00+09:00"}\n'
	'{"z":"UTC","t":"2020-07-01T00:00:00+00:00"}\n',
	'the zone is the one of the moment');

-- Another zone than the session's gives what a session there would see.
CREATE FUNCTION pg_temp.check_zone(zone text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	failed text[] := '{}';
	expected text;
	f record;
BEGIN
	FOR f IN SELECT * FROM family LOOP
		EXECUTE format('SET TimeZone = %L', zone);
		expected := pg_temp.expected(f.query);
		SET TimeZone = 'Asia/Kathmandu';
		EXECUTE format('COPY (%s) TO %L WITH (FORMAT ndjson, TIME_ZONE %L)',
			f.query, pg_temp.file(), zone);
		IF pg_read_file(pg_temp.file()) IS DISTINCT FROM expected THEN
			failed := failed || f.name;
		END IF;
	END LOOP;
	RETURN is(failed, '{}', 'TIME_ZONE ' || zone);
END $$;
SELECT pg_temp.check_zone(z)
FROM unnest('{UTC,America/Los_Angeles,Africa/Monrovia}'::text[]) z;

-- A line is a line.
SELECT is(pg_temp.copied($$SELECT E'{"a":\n1,\r\n"b":"\\n"}'::json AS j$$),
	E'{"j":{"a": 1,  "b":"\\n"}}\n', 'line breaks in json become spaces');
SELECT is(pg_temp.copied($$SELECT ARRAY[E'[1,\n2]'::json] AS j$$),
	E'{"j":[[1, 2]]}\n', 'in arrays, too');

-- What a value is, written down.
SELECT is(pg_temp.copied($$SELECT 1 AS i, 1.50 AS n, 'NaN'::numeric AS nan,
	true AS b, 'x'::text AS t$$),
	E'{"i":1,"n":1.50,"nan":"NaN","b":true,"t":"x"}\n', 'scalars');
SET TimeZone = 'America/New_York';
SELECT is(pg_temp.copied($$SELECT timestamptz '1800-01-01 00:00Z' AS t$$),
	E'{"t":"1799-12-31T19:03:58-04:56:02"}\n', 'local mean time');
SELECT is(pg_temp.copied($$SELECT date '0044-03-15 BC' AS d$$),
	E'{"d":"0044-03-15 BC"}\n', 'before Christ');
SELECT is(pg_temp.copied($$SELECT decode('5c00', 'hex') AS b$$),
	E'{"b":"\\\\x5c00"}\n', 'bytea');

-- A view of the same rows as an array of JSON.
CREATE FUNCTION pg_temp.copied_array(query text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (%s) TO %L WITH (FORMAT ''json'', FORCE_ARRAY)', query,
		pg_temp.file());
	RETURN pg_read_file(pg_temp.file());
END $$;
SELECT is(pg_temp.copied_array($$SELECT E'[1,\n2]'::json AS j$$),
	E'[\n {"j":[1,\n2]}\n]\n', 'an array keeps json as it is');
SELECT is(pg_temp.copied_array('SELECT i FROM generate_series(1, 2000) i')::jsonb,
	(SELECT jsonb_agg(r) FROM (SELECT i FROM generate_series(1, 2000) i) r),
	'an array is JSON');

COPY (SELECT 1) TO PROGRAM 'rm -f syncport_encode_test.ndjson' WITH (FORMAT csv);
SELECT * FROM finish();
ROLLBACK;
