-- Cursors of the feed that this server did not write: SY001 or an answer,
-- never another error and never a crash.  What the feed shows must have been
-- committed, so the tables stand outside of the test's transaction.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
CREATE SCHEMA feed_cursor;
SET search_path = feed_cursor, public;
CREATE TABLE doc (a text, b numeric, c timestamptz, n int, PRIMARY KEY (a, b, c));
CREATE TABLE pic (id int PRIMARY KEY, v text);
CREATE TABLE wide (id text PRIMARY KEY);
INSERT INTO doc SELECT 'a' || g, g, '2026-01-01', g FROM generate_series(1, 5) g;
INSERT INTO pic SELECT g, 'v' FROM generate_series(1, 5) g;
SELECT syncport.enable('doc');
SELECT syncport.enable('pic', tombstones => 'image');
SELECT syncport.enable('wide');
INSERT INTO wide SELECT g || repeat('x', 220000) FROM generate_series(1, 2) g;

-- An answer, as PL/pgSQL reads it; a cursor through any JSON.
CREATE FUNCTION poll(tab text, cursor text, page_size int DEFAULT 1000) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT (syncport.pull(jsonb_build_object('page_size', page_size, 'tables',
		jsonb_build_object(tab, jsonb_build_object('cursor', cursor))))::jsonb) #> ARRAY['tables', tab]
$$;

-- Cursors at every kind of place, with a transaction in progress throughout.
CREATE TABLE sample (kind text, tab text, cursor text);
INSERT INTO sample SELECT 'start', 'doc', syncport.feed_position('doc');
INSERT INTO sample SELECT 'initial rows', tab, poll(tab, NULL, 2) ->> 'cursor' FROM unnest(ARRAY['doc', 'pic']) tab;
BEGIN;
INSERT INTO doc VALUES ('open', 1, '2026-01-01', 1);
PREPARE TRANSACTION 'feed_cursor';
INSERT INTO sample SELECT 'between', tab, poll(tab, NULL) ->> 'cursor' FROM unnest(ARRAY['doc', 'pic']) tab;
DELETE FROM pic WHERE id = 1;
DELETE FROM pic WHERE id = 2;
UPDATE pic SET v = 'w' WHERE id > 3;
UPDATE doc SET n = n + 1 WHERE n < 3;
UPDATE doc SET n = n + 1 WHERE n > 3;
INSERT INTO sample SELECT CASE tab WHEN 'doc' THEN 'rows' ELSE 'images' END, tab, poll(tab, cursor, 1) ->> 'cursor'
	FROM sample WHERE kind = 'between';

-- URL-safe base64 without padding
CREATE FUNCTION bytes_of(cursor text) RETURNS bytea LANGUAGE sql AS $$
	SELECT decode(rpad(translate(cursor, '-_', '+/'), (length(cursor) + 3) / 4 * 4, '='), 'base64')
$$;
CREATE FUNCTION text_of(bytes bytea) RETURNS text LANGUAGE sql AS $$
	SELECT rtrim(translate(encode(bytes, 'base64'), E'+/\n', '-_'), '=')
$$;
-- CRC-32C, by a table of the 256 values of a byte
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
-- a cursor whose checksum is right
CREATE FUNCTION seal(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	crcs bigint[] := (SELECT t.crcs FROM crc_table t);
	crc bigint := x'FFFFFFFF'::bigint;
BEGIN
	FOR i IN 0 .. length(bytes) - 1 LOOP
		crc := (crc >> 8) # crcs[1 + ((crc # get_byte(bytes, i)) & 255)];
	END LOOP;
	RETURN text_of(bytes || decode(lpad(to_hex(crc # x'FFFFFFFF'::bigint), 8, '0'), 'hex'));
END $$;
CREATE FUNCTION body(cursor text) RETURNS bytea LANGUAGE sql AS $$
	SELECT substr(bytes_of(cursor), 1, length(bytes_of(cursor)) - 4)
$$;
-- What becomes of a cursor: an SQLSTATE, or that there is an answer.
CREATE FUNCTION outcome(tab text, cursor text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM poll(tab, cursor, 2);
	RETURN 'answer';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
-- The bytes ahead of the state, and those behind it.
CREATE FUNCTION split(cursor text, OUT head bytea, OUT tail bytea) LANGUAGE plpgsql AS $$
DECLARE
	bytes bytea := body(cursor);
	place int := 17;
	count int := 0;
	last boolean;
BEGIN
	-- timeline, its start, the position; table, attributes, no partitions
	WHILE count < 6 LOOP
		last := get_byte(bytes, place) < 128;
		count := count + last::int;
		place := place + 1;
	END LOOP;
	head := substr(bytes, 1, place + 24);
	tail := substr(bytes, place + 26);
END $$;

-- the id of the transaction in progress, as cursors have it
CREATE TABLE open_id AS SELECT to_hex(id & 127 | 128) || to_hex(id >> 7 & 127 | 128) || lpad(to_hex(id >> 14), 2, '0') AS open_id
	FROM (SELECT transaction::text::bigint AS id FROM pg_prepared_xacts WHERE gid = 'feed_cursor') open;

BEGIN;
SELECT plan(35);

-- the tools of this test
SELECT is(seal(body(cursor)), cursor, kind || ' of ' || tab || ': the checksum is CRC-32C') FROM sample;
SELECT is(outcome(tab, cursor), 'answer', kind || ' of ' || tab || ': is read') FROM sample;
SELECT cmp_ok(max(length(cursor)), '<', 400, 'cursors are short') FROM sample;

-- not a cursor of this table
SELECT throws_ok($$SELECT poll('doc', '')$$, 'SY001');
SELECT throws_ok($$SELECT poll('doc', repeat('A', 1000000))$$, 'SY001');
SELECT throws_ok($$SELECT poll('doc', 'no cursor!')$$, 'SY001');
SELECT throws_ok($$SELECT poll('doc', (SELECT cursor FROM sample WHERE kind = 'images'))$$, 'SY001');
SELECT throws_ok($$SELECT poll('pic', (SELECT cursor FROM sample WHERE kind = 'start'))$$, 'SY001');
SELECT throws_ok($$SELECT poll('pic', syncport.cursor_at('pic', 'id', '{"id":1}'))$$, 'SY001');
SELECT throws_ok($$SELECT syncport.page_json('pic', order_by => 'row_version',
	after => (SELECT cursor FROM sample WHERE kind = 'images'))$$, 'SY001');
SELECT throws_ok($$SELECT * FROM syncport.changes(NULL::pic, '')$$, 'SY001');
SELECT throws_ok($$SELECT * FROM syncport.changes(NULL::pic, repeat('A', 1000000))$$, 'SY001');
SELECT throws_ok($$SELECT * FROM syncport.changes(NULL::pic, (SELECT cursor FROM sample WHERE kind = 'rows'))$$, 'SY001');

-- damaged: any byte, any end; as bytes and as text
SELECT is(array_agg(DISTINCT outcome(tab, text_of(set_byte(bytes_of(cursor), at, get_byte(bytes_of(cursor), at) # (1 << at % 8))))),
	'{SY001}', 'a bit that is turned round is noticed')
	FROM sample, generate_series(0, length(bytes_of(cursor)) - 1) at;
SELECT is(array_agg(DISTINCT outcome(tab, left(cursor, n))), '{SY001}', 'a cut is noticed')
	FROM sample, generate_series(0, length(cursor) - 1) n;
SELECT is(array_agg(DISTINCT outcome(tab, cursor || more)), '{SY001}', 'an addition is noticed')
	FROM sample, unnest(ARRAY['A', 'AA', 'AAAA', '=', ' ', cursor]) more;

-- with the right checksum
SELECT is(array_agg(DISTINCT outcome(tab, seal(substr(body(cursor), 1, n)))), '{SY001}', 'a sealed cut is noticed')
	FROM sample, generate_series(0, length(body(cursor)) - 1) n;
SELECT is(array_agg(DISTINCT outcome(tab, seal(body(cursor) || '\x00'))), '{SY001}', 'sealed bytes behind the end are noticed')
	FROM sample WHERE kind <> 'images';
SELECT ok(array_agg(DISTINCT outcome(tab, seal(set_byte(body(cursor), at, byte)))) <@ '{SY001,answer}',
		'a sealed cursor with another byte is refused or read')
	FROM sample, generate_series(0, length(body(cursor)) - 1) at, unnest(ARRAY[0, 1, 2, 127, 128, 254, 255]) byte;
SELECT setseed(0.5);
SELECT ok(array_agg(DISTINCT outcome(tab, seal((s).head || decode(
		(SELECT string_agg(lpad(to_hex(floor(random() * CASE WHEN i % 3 = 0 THEN 256 ELSE 16 END)::int), 2, '0'), '')
			FROM generate_series(0, n % 30 + 1) i), 'hex')))) <@ '{SY001,answer}',
		'random bytes behind the head are refused or read')
	FROM (SELECT tab, split(cursor) s FROM sample) parts, generate_series(1, 500) n;

-- each contradiction; a wrong one would be read
SELECT is(array_agg(what ORDER BY what) FILTER (WHERE outcome <> expected), NULL, 'contradictions are refused')
FROM (SELECT what, expected, outcome('pic', seal((split(cursor)).head || decode(replace(translate(tail, ' ', ''), 'XX', open_id), 'hex')))
	FROM sample, open_id, (VALUES
	('neither base nor target', '00', 'SY001'),
	('a part that is none', '07 0A 00', 'SY001'),
	('a flag that is none', '14 0A 00', 'SY001'),
	('rows without a target', '05 0A 00 0000000000000001 000000050000000100000002', 'SY001'),
	('no ids in progress', '04 0A 00', 'answer'),
	('an empty base', '04 00 00', 'answer'),
	('an id in an empty base', '04 00 01 00', 'SY001'),
	('ids in progress', '04 0A 02 05 00', 'answer'),
	('an id in progress at xmax', '04 0A 02 05 04', 'SY001'),
	('an id in progress just below xmax', '04 0A 02 05 03', 'SY001'),
	('more ids than bytes', '04 0A 7F 05 00', 'SY001'),
	('a huge count', '04 0A FFFFFFFFFFFFFFFF7F 05 00', 'SY001'),
	('a number that overflows', '04 0A 01 FFFFFFFFFFFFFFFFFF01', 'SY001'),
	('an xmax that no int8 holds', '04 FFFFFFFFFFFFFFFFFF01 00', 'SY001'),
	('the greatest xmax', '04 FFFFFFFFFFFFFFFF7F 00', 'answer'),
	('a target without base', '08 0A 01 05', 'answer'),
	('a target without the bits', '0C 0A 01 05 00', 'SY001'),
	('a target that sees it', '0C 0A 01 05 05 00 00', 'answer'),
	('a target that does not', '0C 0A 01 05 05 01 00', 'answer'),
	('a target with an id at its xmax', '0C 0A 01 05 05 01 01 05', 'SY001'),
	('a target beyond the greatest', '0C FFFFFFFFFFFFFFFF7F 00 01 00', 'SY001'),
	('an image', '0E 0A 01 05 05 00 00 0000000000000005 01', 'answer'),
	('an image without id', '0E 0A 01 05 05 00 00 0000000000000005', 'SY001'),
	('an image with an id out of range', '0E 0A 01 05 05 00 00 0000000000000005 FFFFFFFFFFFFFFFFFF01', 'SY001'),
	('an image of the greatest version', '0A 0A 00 7FFFFFFFFFFFFFFF 01', 'answer'),
	('an image of the least version', '0A 0A 00 8000000000000000 01', 'answer'),
	('a row without version', '09 XX 00 0000', 'SY001'),
	('a row without key', '09 XX 00 0000000000000001 000000090000000000000001', 'SY001'),
	('a row with a NULL', '09 XX 00 0000000000000001 00000009000000000000000100000000', 'SY001'),
	('a row with a long value', '09 XX 00 0000000000000001 000000090000000000000001 FFFFFFFF00000001', 'SY001'),
	('a row with a value too short', '09 XX 00 0000000000000001 000000090000000000000001 000000020001', 'SY001'),
	('a row', '09 XX 00 0000000000000001 000000090000000000000001 0000000500000001', 'answer'),
	('a row with more behind', '09 XX 00 0000000000000001 000000090000000000000001 000000050000000100', 'SY001')
	) nonsense (what, tail, expected)
	WHERE kind = 'images') tried;

-- a cursor that nobody could read is not written
SELECT throws_ok($$SELECT poll('wide', NULL, 1)$$, '54000', 'cursor would be longer than 262144 bytes');

-- what was sent all that time was read only: the samples still do
SELECT is(array_agg(DISTINCT outcome(tab, cursor)), '{answer}', 'the samples are as good as before') FROM sample;
SELECT * FROM finish();
ROLLBACK;
COMMIT PREPARED 'feed_cursor';
DROP SCHEMA feed_cursor CASCADE;
