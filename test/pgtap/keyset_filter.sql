-- Filters count what the equivalent SQL counts, NULLs included.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
CREATE SCHEMA kf;
SET LOCAL search_path = kf, public;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN amount AS numeric(10, 2) CHECK (value >= 0);
CREATE DOMAIN feeling AS mood;
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2',
	deterministic = false);
CREATE TABLE item (id int PRIMARY KEY, name text, short varchar(3),
	padded char(5), ci text COLLATE ci, price amount, m mood, f feeling,
	tags text[], nums int[], doc jsonb, p pair, b bytea, d date, ok boolean,
	u uuid, span int4range, place point, "or" int, "Odd ""name" int);
INSERT INTO item
SELECT g, CASE WHEN g % 7 > 0 THEN (ARRAY['a%b', 'a_c', 'Abc', 'abc\d'])[g % 4 + 1] END,
	CASE WHEN g % 5 > 0 THEN 'v' || g % 10 END, 'c' || g % 4,
	(ARRAY['Foo', 'foo', 'bar', NULL])[g % 4 + 1],
	nullif(g % 11, 0) * 1.5, (ARRAY['sad', 'ok', 'glad', NULL]::mood[])[g % 4 + 1],
	(ARRAY['sad', 'ok', 'glad', NULL]::mood[])[g % 4 + 1],
	CASE WHEN g % 3 > 0 THEN ARRAY['a', 't' || g % 5, NULL] END,
	ARRAY[g % 3, g % 4], jsonb_build_object('k', g % 3, 's', 'x'),
	CASE WHEN g % 6 > 0 THEN row(g % 4, 'x')::pair END, decode('6162', 'hex'),
	date '2026-01-01' + g, CASE g % 3 WHEN 0 THEN true WHEN 1 THEN false END,
	('00000000-0000-0000-0000-00000000000' || g % 10)::uuid,
	int4range(g % 5, 10), NULL, g % 9, g
FROM generate_series(1, 200) g;
INSERT INTO item (id, p) VALUES (201, row(NULL, NULL));

CREATE TEMP TABLE pairs (filter jsonb, condition text);
INSERT INTO pairs VALUES
	('{}', 'true'),
	('{"name":"Abc"}', $$name = 'Abc'$$),
	('{"name":null}', 'name IS NULL'),
	('{"name":{"is_null":false}}', 'name IS NOT NULL'),
	('{"name":{"ne":"Abc"}}', $$name <> 'Abc'$$),
	('{"name":{"in":["Abc","a_c"]}}', $$name IN ('Abc', 'a_c')$$),
	('{"name":{"nin":["Abc","a_c"]}}', $$name NOT IN ('Abc', 'a_c')$$),
	('{"name":{"nin":["Abc",null]}}', $$name NOT IN ('Abc', NULL)$$),
	('{"name":{"in":[]}}', 'false'),
	('{"name":{"nin":[]}}', 'true'),
	('{"name":{"like":"a_b%"}}', $$name LIKE 'a_b%'$$),
	('{"name":{"ilike":"ABC%"}}', $$name ILIKE 'ABC%'$$),
	('{"name":{"like":"a\\%b"}}', $$name LIKE 'a\%b'$$),
	('{"name":{"starts_with":"a%"}}', $$starts_with(name, 'a%')$$),
	('{"name":{"starts_with":"abc\\"}}', $$starts_with(name, 'abc\')$$),
	('{"name":{"contains":"_"}}', $$strpos(name, '_') > 0$$),
	('{"name":{"gte":"a","lt":"b"}}', $$name >= 'a' AND name < 'b'$$),
	('{"short":"v1234"}', $$short = 'v1234'$$),
	('{"short":{"in":["v1","v2"]}}', $$short IN ('v1', 'v2')$$),
	('{"short":{"starts_with":"v"}}', $$starts_with(short, 'v')$$),
	('{"padded":"c1"}', $$padded = 'c1'$$),
	('{"padded":{"like":"c1"}}', $$padded::text LIKE 'c1'$$),
	('{"ci":"FOO"}', $$ci = 'FOO'$$),
	('{"ci":{"in":["FOO"]}}', $$ci IN ('FOO')$$),
	('{"ci":{"like":"f%"}}', $$ci COLLATE "C" LIKE 'f%'$$),
	('{"ci":{"contains":"oo"}}', $$ci COLLATE "C" LIKE '%oo%'$$),
	('{"price":{"gt":3,"lte":"12.00"}}', 'price > 3 AND price <= 12'),
	('{"price":{"lt":-1}}', 'price < -1'),
	('{"price":{"nin":[1.5,3]}}', 'price NOT IN (1.5, 3)'),
	('{"m":"ok"}', $$m = 'ok'$$),
	('{"m":{"gt":"sad"}}', $$m > 'sad'$$),
	('{"f":{"gte":"ok"}}', $$f::mood >= 'ok'$$),
	('{"f":{"in":["ok","sad"]}}', $$f::mood IN ('ok', 'sad')$$),
	('{"tags":["a","t1",null]}', $$tags = '{a,t1,NULL}'$$),
	('{"tags":"{a,t1,NULL}"}', $$tags = '{a,t1,NULL}'$$),
	('{"tags":{"contains":["t1"]}}', $$tags @> '{t1}'$$),
	('{"nums":{"contains":[1,2]}}', $$nums @> '{1,2}'$$),
	('{"nums":{"gt":[1,2]}}', $$nums > '{1,2}'$$),
	('{"doc":{"contains":{"k":1}}}', $$doc @> '{"k":1}'$$),
	('{"doc":{"eq":{"k":1,"s":"x"}}}', $$doc = '{"k":1,"s":"x"}'$$),
	('{"p":{"eq":{"a":1,"b":"x"}}}', $$p = row(1, 'x')::pair$$),
	('{"p":{"lt":"(2,x)"}}', $$p < row(2, 'x')::pair$$),
	('{"p":null}', 'p IS NOT DISTINCT FROM NULL'),
	('{"b":"\\x6162"}', $$b = '\x6162'$$),
	('{"d":{"gte":"2026-02-01"}}', $$d >= '2026-02-01'$$),
	('{"ok":true}', 'ok'),
	('{"ok":{"ne":true}}', 'NOT ok'),
	('{"u":"00000000-0000-0000-0000-000000000003"}',
	 $$u = '00000000-0000-0000-0000-000000000003'$$),
	('{"span":{"lt":"[2,3)"}}', $$span < '[2,3)'$$),
	('{"place":null}', 'place IS NULL'),
	('{"column:or":{"gt":4}}', '"or" > 4'),
	('{"Odd \"name":{"lte":9}}', '"Odd ""name" <= 9'),
	('{"or":[{"name":"Abc"},{"price":{"gt":9}}]}',
	 $$name = 'Abc' OR price > 9$$),
	('{"or":[]}', 'false'),
	('{"and":[]}', 'true'),
	('{"not":{"name":"Abc"}}', $$NOT name = 'Abc'$$),
	('{"m":"ok","and":[{"or":[{"price":{"lt":5}},{"name":null}]},{"not":{"ok":true}}]}',
	 $$m = 'ok' AND (price < 5 OR name IS NULL) AND NOT ok$$);

SELECT plan(6 + (SELECT count(*)::int FROM pairs));

CREATE FUNCTION oracle(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE 'SELECT count(*) FROM kf.item WHERE ' || condition INTO n;
	RETURN n;
END $$;

SELECT is(c.rows, oracle(condition), filter::text)
FROM pairs, syncport.count_rows('item', filter, mode => 'exact') c;

-- the SQLSTATEs
SELECT throws_ok($$SELECT * FROM syncport.count_rows('item', '{"x":1}')$$,
	'SY004', NULL, 'an unknown column');
SELECT throws_ok($$SELECT * FROM syncport.count_rows('item', '{"id":"x"}')$$,
	'SY004', NULL, 'a value that the type refuses');
SELECT throws_ok($$SELECT * FROM syncport.count_rows('item', '{"m":"mad"}')$$,
	'SY004', NULL, 'a label that the enum has not');
SELECT throws_ok($$SELECT * FROM syncport.count_rows('item', NULL, false, 'x')$$,
	'22023', NULL, 'an unknown way to count');
SELECT throws_ok($$SELECT syncport.cursor_at('item', 'id', '{"id":null}')$$,
	'SY004', NULL, 'null for a key column');
SELECT throws_ok($$SELECT syncport.cursor_at('item', 'd', '{"id":999}')$$,
	'P0002', NULL, 'a key without a row');
SELECT * FROM finish();
ROLLBACK;
