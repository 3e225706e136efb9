-- Tombstones as images (tombstones => 'image'): DELETE is core's, and each
-- test says the sentence that it holds to.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(44);
CREATE SCHEMA tombstone_image;
SET search_path = tombstone_image, public;

CREATE FUNCTION images(regclass) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT CASE WHEN complete THEN 'complete ' ELSE 'reduced ' END || key
	FROM syncport.tombstone WHERE target = $1 ORDER BY id $$;
CREATE FUNCTION count_rows(sql text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN EXECUTE sql; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END $$;

-- where it stays -------------------------------------------------------------
CREATE TABLE plain (id int PRIMARY KEY, v text UNIQUE);
SELECT syncport.enable('plain', tombstones => 'image', retention => '0', sort_keys => '{v DESC}');
SELECT columns_are('plain', ARRAY['id', 'v', 'updated_at', 'row_version'], 'there is no deleted_at');
SELECT is_empty($$SELECT FROM pg_index WHERE indrelid = 'plain'::regclass AND indpred IS NOT NULL$$, 'indexes hold every row');
INSERT INTO plain VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, 'q"\');
SELECT is(count_rows('DELETE FROM plain WHERE id < 3'), 2::bigint, 'a delete counts its rows');
SELECT results_eq('DELETE FROM plain WHERE id = 3 RETURNING id, v', 'VALUES (3, NULL::text)', 'RETURNING gives the row');
SELECT results_eq('SELECT id FROM plain', 'VALUES (4)', 'plain SELECT sees live rows alone');
SELECT results_eq($$SELECT images('plain')$$,
	$$VALUES ('complete {"id":"1"}'), ('complete {"id":"2"}'), ('complete {"id":"3"}')$$, 'images are in the order of events');
SELECT results_eq($$SELECT row_version, removed_at FROM syncport.tombstone WHERE target = 'plain'::regclass LIMIT 1$$,
	$$SELECT pg_current_xact_id()::text::bigint, now()$$, 'with version and time of the removal');
SELECT results_eq($$SELECT (image->'v')::text FROM syncport.tombstone WHERE target = 'plain'::regclass ORDER BY id$$,
	$$VALUES ('"a"'), ('"b"'), ('null')$$, 'and the columns as text');
SELECT lives_ok($$INSERT INTO plain VALUES (1, 'a')$$, 'key and unique values are free');
UPDATE plain SET id = 40 WHERE id = 4;
SELECT results_eq($$SELECT images('plain') OFFSET 3$$, $$VALUES ('reduced {"id":"4"}')$$, 'a key update leaves a reduced image');
DELETE FROM plain WHERE id = 40;
SELECT is((SELECT image->>'v' FROM syncport.tombstone WHERE key->>'id' = '40'), 'q"\', 'text comes back as it was');

-- values: what the type's input function reads back ---------------------------
CREATE TYPE mood AS ENUM ('ok', 'so so');
CREATE TYPE pair AS (a int, "B b" text);
CREATE DOMAIN short AS varchar(3) CHECK (VALUE <> 'no');
CREATE TABLE typed (id uuid PRIMARY KEY, b bool, i2 int2, i8 int8, n numeric, n2 numeric(8,3), f4 float4, f8 float8,
	t text, vc varchar(9), c char(5), nm name, by bytea, d date, ts timestamp, tz timestamptz, tm time, tmz timetz, iv interval,
	j json, jb jsonb, a int[], ta text[], m mood, p pair, s short, r int4range, tr tstzrange, x xml, inet inet, bt bit(3), rc regclass, g int GENERATED ALWAYS AS (i2 * 2) STORED);
SELECT syncport.enable('typed', tombstones => 'image');
INSERT INTO typed SELECT gen_random_uuid(), true, -32768, 9223372036854775807, 'NaN', 1.5, 'Infinity', 0.1::float8 + 0.2,
	E'tab\t"q" \\ \u20ac\n\x01', 'v', 'pad', 'name', '\x00ff', 'infinity', '0044-03-15 12:00:00 BC', '1900-01-01 00:00:00.000001+00:19:32', '24:00', '10:00+05:30', '-1 mon +2 days -03:00:00.5',
	'{"b" : 1, "a":null}', '[1, {"a": null}]', '[0:1]={1,NULL}', '{"a,b","\"",NULL}', 'so so', '(1,"x ""y""")', 'yes', '[1,5)', '["2020-01-01 00:00+02",)', '<a>1</a>', '10.0.0.1/8', '101', 'pg_class'::regclass;
INSERT INTO typed (id, n, f8, d, ts, tz, iv, t) VALUES (gen_random_uuid(), -0.000, 'NaN', '99999-12-31', '-infinity', '294276-12-31 23:59:59.999999+00', '1 year 00:00:01', ''),
	(gen_random_uuid(), 1e-20, -0.0, '0001-01-01 BC', '2020-02-29 23:59:59.9', '0001-01-01 00:00+00 BC', '-00:00:01', repeat('x', 10000));
CREATE TABLE before_delete AS SELECT * FROM typed;
-- settings that change how values are written must not matter
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = sql_standard;
SET extra_float_digits = -15;
SET TimeZone = 'Asia/Kathmandu';
SET bytea_output = escape;
DELETE FROM typed;
SET DateStyle = 'German';
SET TimeZone = 'America/St_Johns';
CREATE FUNCTION column_back(type text) RETURNS text LANGUAGE sql AS $$ SELECT $1 $$;
SELECT is_empty(format($f$
	SELECT b.id, w.name FROM before_delete b
	JOIN syncport.tombstone t ON t.target = 'typed'::regclass AND (t.key->>'id')::uuid = b.id
	CROSS JOIN LATERAL (VALUES %s) AS w (name, same) WHERE w.same IS NOT TRUE$f$,
	string_agg(format('(%L, (SELECT %s::text IS NOT DISTINCT FROM b.%s::text FROM (SELECT set_config(''IntervalStyle'', ''postgres'', true)) AS s))', attname,
		format('(t.image->>%L)::%s', attname, format_type(atttypid, atttypmod)), quote_ident(attname)), ', ')),
	'every type comes back from its text, whatever the settings were')
FROM pg_attribute WHERE attrelid = 'typed'::regclass AND attnum > 0 AND NOT attisdropped;
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET TimeZone;
RESET bytea_output;

-- foreign keys as without us -----------------------------------------------------
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE cascaded (id int PRIMARY KEY, ref int REFERENCES parent ON DELETE CASCADE);
CREATE TABLE nulled (id int PRIMARY KEY, ref int REFERENCES parent ON DELETE SET NULL);
CREATE TABLE defaulted (id int PRIMARY KEY, ref int DEFAULT 0 REFERENCES parent ON DELETE SET DEFAULT);
CREATE TABLE held (id int PRIMARY KEY, ref int REFERENCES parent);
CREATE TABLE restricted (id int PRIMARY KEY, ref int REFERENCES parent ON DELETE RESTRICT);
CREATE TABLE row_child (id int PRIMARY KEY, ref int REFERENCES parent);
SELECT syncport.enable(t, tombstones => 'image') FROM unnest('{parent,cascaded,nulled,defaulted,held,restricted}'::regclass[]) t;
SELECT syncport.enable('row_child');
INSERT INTO parent VALUES (0), (1), (2), (3), (4);
INSERT INTO cascaded VALUES (1, 1);
INSERT INTO nulled VALUES (1, 1);
INSERT INTO defaulted VALUES (1, 1);
DELETE FROM parent WHERE id = 1;
SELECT is_empty('SELECT FROM cascaded', 'CASCADE deletes children');
SELECT results_eq($$SELECT images('cascaded')$$, $$VALUES ('complete {"id":"1"}')$$, 'and keeps their images');
SELECT results_eq('SELECT ref FROM nulled', 'VALUES (NULL::int)', 'SET NULL acts');
SELECT results_eq('SELECT ref FROM defaulted', 'VALUES (0)', 'SET DEFAULT acts');
INSERT INTO held VALUES (1, 2);
SELECT throws_ok('DELETE FROM parent WHERE id = 2', '23503', NULL, 'NO ACTION refuses while children exist');
SELECT lives_ok('DELETE FROM held; DELETE FROM parent WHERE id = 2', 'and not when they are gone');
INSERT INTO restricted VALUES (1, 3);
SELECT throws_like('DELETE FROM parent WHERE id = 3', '%violates%foreign key constraint "restricted_ref_fkey"%', 'RESTRICT refuses while children exist');
SELECT lives_ok('DELETE FROM restricted; DELETE FROM parent WHERE id = 3', 'and not when they are gone');
INSERT INTO row_child VALUES (1, 4);
DELETE FROM row_child;
SELECT throws_ok('DELETE FROM parent WHERE id = 4', '23503', NULL, 'tombstones of row-mode children count');
SELECT throws_ok('INSERT INTO held VALUES (2, 1)', '23503', NULL, 'a child below a deleted parent is refused');
SELECT is(count_rows('MERGE INTO parent p USING (VALUES (1)) s (id) ON p.id = s.id WHEN MATCHED THEN UPDATE SET id = 1
	WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)'), 1::bigint, 'MERGE inserts what is deleted');
SELECT is(count_rows('INSERT INTO parent VALUES (1) ON CONFLICT DO NOTHING'), 0::bigint, 'ON CONFLICT is core''s');

-- savepoints ---------------------------------------------------------------------------
DELETE FROM syncport.tombstone;
CREATE TABLE saved (id int PRIMARY KEY);
SELECT syncport.enable('saved', tombstones => 'image');
INSERT INTO saved SELECT generate_series(1, 9);
DELETE FROM saved WHERE id = 1;
SAVEPOINT a;
DELETE FROM saved WHERE id = 2;
ROLLBACK TO a;
SAVEPOINT b;
DELETE FROM saved WHERE id = 3;
RELEASE b;
SELECT results_eq($$SELECT images('saved')$$, $$VALUES ('complete {"id":"1"}'), ('complete {"id":"3"}')$$, 'images go with their savepoint');
-- a statement whose trigger fails half way, inside a block that catches it,
-- while images of the outer statement are waiting
CREATE TABLE inner_t (id int PRIMARY KEY);
SELECT syncport.enable('inner_t', tombstones => 'image');
INSERT INTO inner_t SELECT generate_series(1, 9);
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		DELETE FROM inner_t WHERE id = OLD.id;
		IF OLD.id % 2 = 0 THEN RAISE EXCEPTION 'caught'; END IF;
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	RETURN NULL;
END $$;
CREATE TRIGGER nested AFTER DELETE ON saved FOR EACH ROW EXECUTE FUNCTION nested();
CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF OLD.id = 5 THEN RAISE EXCEPTION 'caught'; END IF; RETURN NULL; END $$;
CREATE TRIGGER zz_failing AFTER DELETE ON inner_t FOR EACH ROW EXECUTE FUNCTION failing();
DELETE FROM syncport.tombstone;
DELETE FROM saved WHERE id > 3;
SELECT bag_eq($$SELECT images('saved')$$, $$SELECT format('complete {"id":"%s"}', g) FROM generate_series(4, 9) g UNION ALL
	SELECT 'complete {"id":"2"}' WHERE false$$, 'outer images survive an inner rollback');
SELECT bag_eq($$SELECT images('inner_t')$$, $$VALUES ('complete {"id":"7"}'), ('complete {"id":"9"}')$$, 'inner ones of a failed block do not');
-- more than wait at once
INSERT INTO inner_t SELECT generate_series(100, 3600);
DELETE FROM inner_t WHERE id >= 100;
SELECT is((SELECT count(DISTINCT key->>'id') FROM syncport.tombstone WHERE target = 'inner_t'::regclass AND (key->>'id')::int >= 100), 3501::bigint,
	'however many a statement deletes');

-- the memory for waiting images is full when a nested block needs some
DROP TRIGGER zz_failing ON inner_t;
INSERT INTO inner_t SELECT generate_series(4001, 6000);
INSERT INTO saved SELECT generate_series(4001, 6000);
DELETE FROM saved WHERE id > 4000;
SELECT is((SELECT count(*) FROM syncport.tombstone WHERE target = 'saved'::regclass AND (key->>'id')::int > 4000), 2000::bigint,
	'every outer image is written, however many nested blocks have theirs');
SELECT is((SELECT count(*) FROM syncport.tombstone WHERE target = 'inner_t'::regclass AND (key->>'id')::int > 4000), 1000::bigint,
	'and every inner one that was not rolled back');

-- what a reduced image keeps ------------------------------------------------------------
CREATE TABLE secured (k1 int, "K 2" text, tenant int, secret text, prefix int, PRIMARY KEY ("K 2", k1));
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON secured USING (tenant = current_setting('app.tenant')::int);
SELECT syncport.enable('secured', tombstones => 'image', prefix => '{prefix}');
INSERT INTO secured VALUES (1, 'a', 7, 's', 3);
UPDATE secured SET k1 = 2;
SELECT results_eq($$SELECT key::text, image::text FROM syncport.tombstone WHERE target = 'secured'::regclass$$,
	$$VALUES ('{"K 2":"a","k1":"1"}', '{"k1":"1","K 2":"a","tenant":"7","prefix":"3"}')$$,
	'a reduced image keeps key, prefix and what policies name');
SELECT throws_ok('SET LOCAL ROLE pg_monitor; SELECT FROM syncport.tombstone', '42501', NULL, 'nobody reads the images past the policies');
RESET ROLE;

-- partitions ------------------------------------------------------------------------------
CREATE TABLE part (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
CREATE TABLE part_b (region text NOT NULL, junk int, id int NOT NULL);
ALTER TABLE part_b DROP junk;
ALTER TABLE part ATTACH PARTITION part_b FOR VALUES IN ('b');
SELECT syncport.enable('part', tombstones => 'image');
INSERT INTO part VALUES (1, 'a'), (2, 'b');
DELETE FROM part_b;
UPDATE part SET region = 'b';
DELETE FROM part;
SELECT results_eq($$SELECT images('part')$$,
	$$VALUES ('complete {"id":"2","region":"b"}'), ('reduced {"id":"1","region":"a"}'), ('complete {"id":"1","region":"b"}')$$,
	'images name the table that was enabled');
SELECT results_eq($$SELECT mode, tombstones FROM syncport.status WHERE target = 'part'::regclass$$, $$VALUES ('image', 3::bigint)$$, 'status counts them');

-- no primary key any more
ALTER TABLE part DROP CONSTRAINT part_pkey;
INSERT INTO part VALUES (1, 'a');
SELECT throws_ok('DELETE FROM part', '55000', NULL, 'without a key nobody could be told: an error');
-- the triggers are needed
INSERT INTO saved VALUES (1);
DROP TRIGGER syncport_settle ON saved;
SELECT throws_ok('DELETE FROM saved WHERE id = 1', '55000', 'trigger "syncport_settle" of table "saved" is missing', 'a missing trigger is told');
SELECT lives_ok($$SELECT syncport.enable('saved')$$, 'enable repairs it');
DELETE FROM syncport.tombstone;
SELECT lives_ok('DELETE FROM saved WHERE id = 1', 'and it works');
SELECT results_eq($$SELECT images('saved')$$, $$VALUES ('complete {"id":"1"}')$$, 'as before');

-- disable -------------------------------------------------------------------------------
SELECT lives_ok($$SELECT syncport.disable('saved', true)$$, 'disable takes everything back');
SELECT columns_are('saved', ARRAY['id'], 'columns, too');
SELECT is_empty($$SELECT FROM pg_trigger WHERE tgrelid = 'saved'::regclass AND tgname LIKE '%syncport%'$$, 'and triggers');
DROP TABLE inner_t;
SELECT is_empty($$SELECT FROM syncport.tombstone t LEFT JOIN pg_class c ON c.oid = t.target WHERE c.oid IS NULL$$, 'a dropped table takes its images along');

-- erase in a trigger of the statement that deletes
CREATE TABLE forgetful (id int PRIMARY KEY, secret text);
SELECT syncport.enable('forgetful', tombstones => 'image');
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM syncport.erase('forgetful', json_build_object('id', OLD.id)::jsonb); RETURN NULL; END $$;
CREATE TRIGGER forget AFTER DELETE ON forgetful FOR EACH ROW EXECUTE FUNCTION forget();
INSERT INTO forgetful VALUES (1, 's'), (2, 't');
DELETE FROM forgetful;
SELECT bag_eq($$SELECT image::text FROM syncport.tombstone WHERE target = 'forgetful'::regclass$$,
	$$VALUES ('{"id":"1"}'), ('{"id":"2"}')$$, 'erase finds what its own statement has deleted');

SELECT * FROM finish();
ROLLBACK;
