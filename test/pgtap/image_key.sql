-- The image of a key: it is found whatever the type, and by an index where
-- equal values have equal texts.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(30);

-- Deletes the row with a key and restores it, under other settings.
CREATE TYPE mood AS ENUM ('so so', 'in "high" spirits');
CREATE DOMAIN code AS text CHECK (value <> '');
CREATE DOMAIN price AS numeric(8, 2);
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE FUNCTION deleted_and_restored(type text, written text, given jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	restored bigint;
BEGIN
	EXECUTE format('CREATE TABLE "a key" ("the ""key""" %s PRIMARY KEY, v text)', type);
	PERFORM syncport.enable('"a key"', tombstones => 'image');
	EXECUTE 'INSERT INTO "a key" VALUES ($1::' || split_part(type, ' COLLATE', 1) || ', ''new'')' USING written;
	SET LOCAL timezone = 'Asia/Kolkata';
	SET LOCAL datestyle = 'German';
	DELETE FROM "a key";
	SET LOCAL timezone = 'UTC';
	SET LOCAL datestyle = 'ISO, DMY';
	restored := syncport.restore('"a key"', jsonb_build_object('the "key"', given));
	IF restored = 1 THEN
		EXECUTE format('SELECT count(*) FROM "a key" WHERE "the ""key"""::text = $1::%s::text', split_part(type, ' COLLATE', 1)) INTO restored USING written;
	END IF;
	DROP TABLE "a key";
	RETURN restored;
END $$;
SELECT is(deleted_and_restored(type, written, given), 1::bigint, type || ' ' || given)
FROM (VALUES
	('boolean', 't', 'true'),
	('smallint', '-7', '-7'),
	('int', '2147483647', '2147483647'),
	('bigint', '-9223372036854775808', '"-9223372036854775808"'),
	('uuid', '0123ABCD-0000-4000-8000-000000000001', '"{0123abcd000040008000000000000001}"'),
	('text', E'it''s \\ "a"\n\u00e9 \u0001', E'"it''s \\\\ \\"a\\"\\n\\u00e9 \\u0001"'),
	('varchar(9)', '', '""'),
	('code', 'x', '"x"'),
	('date', '0044-03-15 BC', '"0044-03-15 BC"'),
	('date', 'infinity', '"infinity"'),
	('timestamp', '2026-01-31 10:00:00.5', '"2026-01-31T10:00:00.500000"'),
	('timestamptz', '2026-01-31 10:00:00.5+02', '"2026-01-31T08:00:00.5Z"'),
	('mood', 'in "high" spirits', '"in \"high\" spirits"'),
	('numeric', '1.50', '1.5'),
	('price', '1.50', '1.5'),
	('char(4)', 'a', '"a"'),
	('bytea', '\xdead', '"\\xDEAD"'),
	('interval', '1 day', '"24 hours"'),
	('float8', '0.1', '0.10'),
	('text COLLATE loose', 'Ab', '"aB"')) AS t (type, written, given_text),
	LATERAL (SELECT given_text::jsonb) AS g (given);

-- Push asks for the image of every row that is not there.
CREATE TABLE item (a int, b text, v int, PRIMARY KEY (b, a));
SELECT syncport.enable('item', tombstones => 'image');
INSERT INTO item SELECT i, 'b' || i, 1 FROM generate_series(1, 500) i;
DELETE FROM item;
INSERT INTO item VALUES (7, 'b7', 2);
DELETE FROM item;
CREATE FUNCTION fetched() RETURNS bigint LANGUAGE sql AS $$
	SELECT idx_tup_fetch FROM pg_stat_xact_all_tables WHERE relid = 'syncport.tombstone'::regclass
$$;
CREATE FUNCTION push(op text, a int, b text, set jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT status || ' ' || coalesce(server ->> 'v', '-') || (server ? 'deleted_at')::text FROM syncport.push(jsonb_build_array(
		jsonb_build_object('table', 'item', 'op', op, 'key', jsonb_build_object('a', a, 'b', b), 'set', set)))
$$;
CREATE TEMP TABLE count AS SELECT fetched() AS n;
SELECT is(push('insert', 8, 'b8', '{"v": 3}'), 'conflict 1true', 'an image is a deleted row');
SELECT is(push('insert', 8, 'b9', '{"v": 3}'), 'applied 3false', 'another key has none');
SELECT is(push('update', 7, 'b7', '{"v": 3}'), 'conflict 2true', 'the newest image of a key');
SELECT is(push('upsert', 7, 'b7', '{"v": 3}'), 'applied 3false', 'brought back');
SELECT cmp_ok(fetched() - (SELECT n FROM count), '<', 30::bigint, 'without reading the others');
DELETE FROM item WHERE a = 7;
SELECT is(push('restore', 7, 'b7'), 'applied 3false', 'and again');
SELECT is(push('update', 7, 'b7', '{"v": 4}'), 'applied 4false', 'an image below a live row is nothing');
DELETE FROM item WHERE a = 7;
SELECT ok(syncport.erase('item', '{"a": 7, "b": "b7"}'), 'erased');
SELECT is(push('insert', 7, 'b7', '{"v": 5}'), 'applied 5false', 'what was erased is no row');
SELECT is((SELECT count(*) FROM pg_index i WHERE i.indexrelid = 'syncport.tombstone_target_key_idx'::regclass AND indisvalid),
	1::bigint, 'the index that does it');

SELECT * FROM finish();
ROLLBACK;
