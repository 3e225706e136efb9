-- Keys of many types: a client that tells keys apart by their JSON ends with
-- the rows of the table.  What the feed shows must have been committed, so
-- the tables stand outside of a transaction.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
CREATE SCHEMA feed_key;
SET search_path = feed_key, public;
CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE mood AS ENUM ('x', 'y', 'z');
CREATE DOMAIN short AS text CHECK (length(value) < 50);
CREATE TABLE "Odd ""name" ("K" numeric, "k 2" text COLLATE no_case, gone int, v int,
	g int GENERATED ALWAYS AS (v * 2) STORED, PRIMARY KEY ("K", "k 2"));
ALTER TABLE "Odd ""name" DROP COLUMN gone;
CREATE TABLE mixed (m mood, a int[], s int4range, d short, v int, PRIMARY KEY (d, m, a, s));
CREATE TABLE span (b bytea, i interval, v int, PRIMARY KEY (b, i));
CREATE TABLE moment (at timestamptz, j jsonb, v int, PRIMARY KEY (at, j));
CREATE TABLE flag (id bool PRIMARY KEY, v float8);
CREATE TABLE net (id inet PRIMARY KEY, v int);
CREATE TABLE letter (id "char", t time, v int, PRIMARY KEY (id, t));
CREATE TABLE real_key (id float8 PRIMARY KEY, v int);
CREATE TABLE subject AS SELECT tab, row_number() OVER () AS n FROM unnest(ARRAY['"Odd ""name"',
	'mixed', 'span', 'moment', 'flag', 'net', 'letter', 'real_key']) tab;
SELECT plan(7 * 8);

-- The client: its copy, and a loop until everything is complete.
CREATE TABLE copy (tab text, key jsonb, item jsonb, PRIMARY KEY (tab, key));
CREATE TABLE position (tab text PRIMARY KEY, cursor text);
CREATE FUNCTION apply(tab text, answer jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	keys text[] := ARRAY(SELECT a.attname FROM pg_index i JOIN pg_attribute a
		ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
		WHERE i.indrelid = tab::regclass AND i.indisprimary);
BEGIN
	IF answer ? 'reset' THEN
		RAISE EXCEPTION 'reset: %', answer;
	END IF;
	DELETE FROM copy c USING jsonb_array_elements(answer -> 'deletes') k
		WHERE c.tab = apply.tab AND c.key = k;
	INSERT INTO copy SELECT tab, (SELECT jsonb_object_agg(e.key, e.value)
			FROM jsonb_each(row) e WHERE e.key = ANY (keys)), row
		FROM jsonb_array_elements(answer -> 'upserts') row
		ON CONFLICT ON CONSTRAINT copy_pkey DO UPDATE SET item = excluded.item;
	UPDATE position p SET cursor = answer ->> 'cursor' WHERE p.tab = apply.tab;
END $$;
CREATE FUNCTION poll(page_size int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT syncport.pull(jsonb_build_object('page_size', page_size, 'tables',
		jsonb_object_agg(tab, jsonb_build_object('cursor', cursor))))::jsonb -> 'tables' FROM position
$$;
CREATE PROCEDURE catch_up(page_size int) LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	LOOP
		answer := poll(page_size);
		PERFORM apply(key, value) FROM jsonb_each(answer);
		COMMIT;
		EXIT WHEN NOT jsonb_path_exists(answer, '$.*.complete ? (@ == false)');
	END LOOP;
END $$;
CREATE FUNCTION differences(target text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('
		WITH theirs AS (SELECT item::text FROM copy WHERE tab = %L),
			ours AS (SELECT to_jsonb(one)::text FROM %s AS one
				WHERE to_jsonb(one) ->> ''deleted_at'' IS NULL)
		SELECT ''too much: '' || t.* FROM (TABLE theirs EXCEPT ALL TABLE ours) t
		UNION ALL SELECT ''missing: '' || o.* FROM (TABLE ours EXCEPT ALL TABLE theirs) o',
		target, target);
END $$;

CREATE FUNCTION compare(what text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT is_empty(format('SELECT differences(%L)', tab), what || ' of ' || tab) FROM subject
$$;
-- All of it, then its changes, page by page
CREATE PROCEDURE start(page_size int) LANGUAGE plpgsql AS $$
BEGIN
	CALL fill();
	INSERT INTO position SELECT tab FROM subject;
	COMMIT;
	CALL catch_up(page_size);
END $$;
CREATE PROCEDURE change_more() LANGUAGE sql AS $$
	UPDATE "Odd ""name" SET "k 2" = lower("k 2"), v = -v;
	UPDATE mixed SET a = a || 7;
$$;

CREATE PROCEDURE fill() LANGUAGE sql AS $$
	INSERT INTO "Odd ""name" ("K", "k 2", v)
		SELECT g * 1.10, CASE g % 2 WHEN 0 THEN 'Aé' ELSE 'bé' END || g, g FROM generate_series(1, 50) g;
	INSERT INTO mixed SELECT (ARRAY['x', 'y', 'z']::mood[])[1 + g % 3], ARRAY[g, NULL],
		int4range(g, g + 3), 'd' || g, g FROM generate_series(1, 50) g;
	INSERT INTO span SELECT decode(md5(g::text), 'hex'), g * interval '1 day', g FROM generate_series(1, 50) g;
	INSERT INTO moment SELECT timestamptz '2026-01-01' + g * interval '1 hour',
		jsonb_build_object('a', g), g FROM generate_series(1, 50) g;
	INSERT INTO flag VALUES (true, 1), (false, 2);
	INSERT INTO net SELECT inet '10.0.0.0' + g, g FROM generate_series(1, 50) g;
	INSERT INTO letter SELECT chr(64 + g)::"char", time '10:00' + g * interval '1 min', g FROM generate_series(1, 20) g;
	INSERT INTO real_key SELECT g / 3.0, g FROM generate_series(1, 50) g;
$$;
-- Deletes, other keys, and keys that are equal but written in another way
CREATE PROCEDURE change() LANGUAGE sql AS $$
	DELETE FROM "Odd ""name" WHERE v > 40;
	UPDATE "Odd ""name" SET "k 2" = upper("k 2") WHERE v < 5;
	UPDATE "Odd ""name" SET "K" = "K" * 1.0 WHERE v BETWEEN 6 AND 8;
	UPDATE "Odd ""name" SET "K" = "K" + 1000 WHERE v BETWEEN 10 AND 20;
	DELETE FROM mixed WHERE v % 4 = 0;
	UPDATE mixed SET m = 'z' WHERE v % 5 = 0;
	INSERT INTO mixed SELECT m, a, s, d, v + 1 FROM mixed WHERE v % 7 = 0
		ON CONFLICT (d, m, a, s) DO UPDATE SET v = excluded.v * 2;
	DELETE FROM span WHERE v % 3 = 0;
	UPDATE span SET i = justify_hours(i) - interval '1 day' + interval '24 hours' WHERE v % 3 = 1;
	UPDATE span SET i = i + interval '1 mon' WHERE v % 3 = 2;
	UPDATE moment SET j = j || '{"z": 1}' WHERE v % 3 = 0;
	UPDATE moment SET at = at + interval '1 s' WHERE v % 3 = 2;
	DELETE FROM moment WHERE v % 3 = 1;
	UPDATE flag SET v = v + 1 WHERE id;
	DELETE FROM flag WHERE NOT id;
	UPDATE net SET id = id + 1000 WHERE v > 40;
	DELETE FROM net WHERE v < 5;
	DELETE FROM letter WHERE v < 5;
	UPDATE letter SET id = 'z' WHERE v > 15;
	UPDATE real_key SET id = -id WHERE v > 30;
	DELETE FROM real_key WHERE v < 10;
$$;

SELECT syncport.enable(tab::regclass, tombstones => CASE n % 2 WHEN 0 THEN 'row' ELSE 'image' END)
	FROM subject;
CALL start(7);
SELECT compare('all');
CALL change();
CALL catch_up(3);
SELECT compare('changes');
CALL change_more();
CALL catch_up(10);
SELECT compare('more changes');
SELECT isnt_empty(format('SELECT FROM copy WHERE tab = %L', tab), 'rows of ' || tab) FROM subject;

-- The other way to keep what is deleted
SELECT syncport.disable(tab::regclass, drop_columns => true) FROM subject;
TRUNCATE "Odd ""name", mixed, span, moment, flag, net, letter, real_key, copy, position;
SELECT syncport.enable(tab::regclass, tombstones => CASE n % 2 WHEN 1 THEN 'row' ELSE 'image' END)
	FROM subject;
CALL start(1000);
SELECT compare('all in the other mode');
CALL change();
CALL catch_up(5);
SELECT compare('changes in the other mode');
CALL change_more();
CALL catch_up(10);
SELECT compare('more changes in the other mode');

SELECT * FROM finish();
DROP SCHEMA feed_key CASCADE;
