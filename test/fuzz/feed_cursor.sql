-- Mutated cursors of the feed whose checksum is right, and mutated requests:
-- an answer or an error that says what is wrong, never a crash.  The feed
-- shows what was committed, so the tables stand outside of a transaction.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncport;
DROP SCHEMA IF EXISTS fuzz_feed CASCADE;
CREATE SCHEMA fuzz_feed;
SET search_path = fuzz_feed;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE kind (n int PRIMARY KEY, type regtype, value text);
INSERT INTO kind SELECT row_number() OVER (), type::regtype, value FROM (VALUES
	('int', 'g'), ('text', $$'n' || g$$), ('numeric', 'g / 7.0'), ('int4range', 'int4range(g, g + 5)'),
	('timestamptz', $$timestamptz '2026-01-01' + g * interval '1 day'$$), ('mood', $$CASE WHEN g > 4 THEN 'sad' ELSE 'ok' END::mood$$),
	('pair', $$row(g, 'x')::pair$$), ('jsonb', 'to_jsonb(ARRAY[g, 1])'), ('varbit', $$g::bit(8)::varbit$$),
	('inet', $$'10.0.0.0'::inet + g$$), ('interval', $$g * interval '1 h'$$), ('text[]', $$ARRAY['a', g::text, NULL]$$)) k (type, value);
DO $$
DECLARE
	k kind;
BEGIN
	FOR k IN TABLE kind LOOP
		EXECUTE format('CREATE TABLE t%s (a %s, b int, PRIMARY KEY (a, b))', k.n, k.type);
		EXECUTE format('INSERT INTO t%s SELECT %s, g FROM generate_series(1, 9) g', k.n, k.value);
		PERFORM syncport.enable(format('t%s', k.n)::regclass, tombstones => CASE k.n % 2 WHEN 0 THEN 'image' END);
	END LOOP;
END $$;

CREATE FUNCTION poll(tab text, cursor text, page_size int) RETURNS text LANGUAGE sql AS $$
	SELECT syncport.pull(jsonb_build_object('page_size', page_size, 'tables',
		jsonb_build_object(tab, jsonb_build_object('cursor', cursor))))::jsonb #>> ARRAY['tables', tab, 'cursor']
$$;
-- cursors in an initial load, between rounds, at rows and at images
CREATE TABLE sample (tab text, cursor text);
INSERT INTO sample SELECT 't' || n, poll('t' || n, NULL, size) FROM kind, unnest(ARRAY[1, 3, 1000]) size;
DO $$
BEGIN
	FOR n IN 1 .. (SELECT count(*) FROM kind) LOOP
		EXECUTE format('DELETE FROM t%s WHERE b < 3', n);
		EXECUTE format('UPDATE t%s SET b = b + 100 WHERE b > 6', n);
	END LOOP;
END $$;
INSERT INTO sample SELECT tab, poll(tab, cursor, size) FROM sample, unnest(ARRAY[1, 2, 4]) size;

CREATE FUNCTION crc_of(byte int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	crc bigint := byte;
BEGIN
	FOR i IN 1 .. 8 LOOP
		crc := (crc >> 1) # CASE crc & 1 WHEN 1 THEN x'82F63B78'::bigint ELSE 0 END;
	END LOOP;
	RETURN crc;
END $$;
CREATE TABLE crc_table AS SELECT array_agg(crc_of(byte) ORDER BY byte) AS crcs FROM generate_series(0, 255) byte;
CREATE FUNCTION seal(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	crcs bigint[] := (SELECT t.crcs FROM crc_table t);
	crc bigint := x'FFFFFFFF'::bigint;
BEGIN
	FOR i IN 0 .. length(bytes) - 1 LOOP
		crc := (crc >> 8) # crcs[1 + ((crc # get_byte(bytes, i)) & 255)];
	END LOOP;
	bytes := bytes || decode(lpad(to_hex(crc # x'FFFFFFFF'::bigint), 8, '0'), 'hex');
	RETURN rtrim(translate(encode(bytes, 'base64'), E'+/\n', '-_'), '=');
END $$;
CREATE FUNCTION body(cursor text) RETURNS bytea LANGUAGE sql AS $$
	SELECT substr(bytes, 1, length(bytes) - 4)
	FROM decode(rpad(translate(cursor, '-_', '+/'), (length(cursor) + 3) / 4 * 4, '='), 'base64') bytes
$$;

-- the same bytes, flipped, cut, spliced or lengthened, and sealed again
CREATE FUNCTION mutate(cursor text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	bytes bytea := body(cursor);
	kind int := floor(random() * 7);
	at int := floor(random() * length(bytes));
BEGIN
	IF kind = 0 THEN
		bytes := substr(bytes, 1, at);
	ELSIF kind = 1 THEN
		bytes := substr(bytes, 1, at) || substr(body(other), at + 1);
	ELSIF kind = 2 THEN
		bytes := substr(bytes, 1, at) || '\xff'::bytea || substr(bytes, at + 1);
	ELSE
		-- mostly behind the hashes, where lists and values are
		FOR i IN 1 .. kind - 2 LOOP
			at := length(bytes) - 1 - floor(random() * (length(bytes) - CASE WHEN kind < 5 THEN 45 ELSE 0 END));
			bytes := set_byte(bytes, at, CASE WHEN random() < 0.5 THEN floor(random() * 4) ELSE floor(random() * 256) END::int);
		END LOOP;
	END IF;
	RETURN seal(bytes);
END $$;

SET client_min_messages = notice;
SELECT setseed(0.25) \gset
DO $$
DECLARE
	samples sample[] := ARRAY(SELECT s FROM sample s ORDER BY tab, cursor);
	one sample;
	tried text;
	answered int := 0;
	refused int := 0;
BEGIN
	FOR i IN 1 .. 6000 LOOP
		one := samples[1 + floor(random() * array_length(samples, 1))::int];
		tried := mutate(one.cursor, samples[1 + i % array_length(samples, 1)].cursor);
		BEGIN
			IF i % 3 > 0 THEN
				PERFORM poll(one.tab, tried, 1 + i % 4);
			ELSE
				EXECUTE format('SELECT count(*) FROM syncport.changes(NULL::%I, $1, 3)', one.tab) USING tried;
			END IF;
			answered := answered + 1;
		EXCEPTION WHEN SQLSTATE 'SY001' THEN
			refused := refused + 1;
		WHEN SQLSTATE 'SY002' THEN
			answered := answered + 1;
		WHEN others THEN
			RAISE EXCEPTION 'cursor "%" of % raised % %', tried, one.tab, SQLSTATE, SQLERRM;
		END;
	END LOOP;
	RAISE NOTICE 'cursors: % answered, % refused', answered, refused;
	IF answered < 500 OR refused < 500 THEN
		RAISE EXCEPTION 'the generator is one-sided';
	END IF;
END $$;

-- Requests: any value at any place.
DO $$
DECLARE
	request jsonb := jsonb_build_object('tables', jsonb_build_object('t1', jsonb_build_object('cursor', NULL,
			'columns', ARRAY['a', 'b'], 'filter', jsonb_build_object('b', jsonb_build_object('gt', 2)), 'include_deleted', true)),
		'page_size', 3, 'max_bytes', 1000, 'int8_as_text', true, 'numeric_as_text', false, 'time_zone', 'UTC', 'at_least_seq', 5);
	places text[] := ARRAY['tables', 'tables,t1', 'tables,t2', 'tables,none', 'tables,t1,cursor', 'tables,t1,columns',
		'tables,t1,columns,0', 'tables,t1,filter', 'tables,t1,filter,b', 'tables,t1,filter,b,gt', 'tables,t1,include_deleted',
		'tables,t1,more', 'page_size', 'max_bytes', 'int8_as_text', 'numeric_as_text', 'time_zone', 'at_least_seq', 'more'];
	insertions jsonb[] := ARRAY['null', 'true', '0', '-1', '1', '2.5', '1e300', '9007199254740992', '""', '"a"', '"%s"', '"t1"', '[]', '["a"]',
		'["b","b"]', '[null]', '[1]', '[[]]', '{}', '{"a":1}', '{"b":{"in":[1,null]}}', '{"cursor":1}', '{"t2":{}}', '"\u00e9\n\"\\"'];
	tried jsonb;
	answered int := 0;
	refused int := 0;
BEGIN
	FOR i IN 1 .. 3000 LOOP
		tried := request;
		FOR j IN 0 .. (i % 3) / 2 LOOP
			BEGIN
				tried := jsonb_set(tried, string_to_array(places[1 + floor(random() * array_length(places, 1))::int], ','),
					insertions[1 + floor(random() * array_length(insertions, 1))::int]);
			EXCEPTION WHEN invalid_text_representation THEN
				NULL;	-- no place inside of an array
			END;
		END LOOP;
		BEGIN
			PERFORM syncport.pull(tried)::jsonb;
			answered := answered + 1;
		EXCEPTION WHEN SQLSTATE '22023' OR SQLSTATE 'SY001' OR SQLSTATE 'SY003' OR SQLSTATE 'SY004' OR SQLSTATE '42P01'
			OR SQLSTATE '42703' OR SQLSTATE '22004' OR SQLSTATE '42602' OR SQLSTATE '42701' THEN
			refused := refused + 1;
		WHEN others THEN
			RAISE EXCEPTION 'request % raised % %', tried, SQLSTATE, SQLERRM;
		END;
	END LOOP;
	RAISE NOTICE 'requests: % answered, % refused', answered, refused;
	IF answered < 100 OR refused < 100 THEN
		RAISE EXCEPTION 'the generator is one-sided';
	END IF;
END $$;
SET client_min_messages = warning;
DROP SCHEMA fuzz_feed CASCADE;
