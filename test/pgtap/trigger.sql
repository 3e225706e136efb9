-- The contract of the trigger functions, and properties of delete.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(17);

SELECT function_returns('syncport', 'stamp', ARRAY[]::text[], 'trigger');
SELECT function_returns('syncport', 'keep', ARRAY[]::text[], 'trigger');
SELECT isnt_definer('syncport', 'stamp', ARRAY[]::text[]);
SELECT isnt_definer('syncport', 'keep', ARRAY[]::text[]);

CREATE SCHEMA trigger_test;
SET LOCAL search_path = trigger_test, public, pg_catalog;
CREATE TABLE doc (id int PRIMARY KEY, n int CHECK (n > 0), t text,
	b bytea, f float8, j jsonb, i interval, a int[], ts timestamptz);
SELECT syncport.enable('doc');
INSERT INTO doc (id, n, t, b, f, j, i, a, ts)
	SELECT g, nullif(g % 5, 0), nullif(repeat('x"\', g), ''),
		decode(lpad(to_hex(g), 4, '0'), 'hex'), g / 3.0::float8,
		jsonb_build_object('a', g), g * interval '1 day 1 second',
		ARRAY[g, NULL], now() - g * interval '1 hour'
	FROM generate_series(1, 300) g;

-- what stays equals what was there
CREATE TEMP TABLE before AS
	SELECT id, n, t, b, f, j, i, a, ts FROM doc;
DELETE FROM doc WHERE id % 3 = 0;
SELECT set_eq('SELECT id, n, t, b, f, j, i, a, ts FROM doc',
			  'SELECT * FROM before', 'a delete changes no other column');
SELECT is((SELECT count(*) FROM doc WHERE deleted_at IS NOT NULL), 100::bigint,
		  'every deleted row is a tombstone');
SELECT is((SELECT count(DISTINCT (deleted_at, updated_at, row_version))
		   FROM doc WHERE deleted_at IS NOT NULL), 1::bigint,
		  'all with the same stamp');
SET LOCAL enable_seqscan = off;
SELECT is((SELECT count(*) FROM doc WHERE id BETWEEN 1 AND 300), 300::bigint,
		  'and found by index');
RESET enable_seqscan;

-- an image read back equals the row
SET LOCAL DateStyle = 'SQL, DMY';
SET LOCAL IntervalStyle = iso_8601;
SET LOCAL extra_float_digits = 0;
SET LOCAL syncport.soft_delete = off;
DELETE FROM doc WHERE id % 3 = 1;
DELETE FROM doc WHERE id % 3 = 0;
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET syncport.soft_delete;
SELECT is((SELECT count(*) FROM doc), 100::bigint, 'removed rows are gone');
SELECT set_eq('SELECT (image->>''id'')::int AS id, (image->>''n'')::int AS n,
	image->>''t'' AS t, (image->>''b'')::bytea AS b,
	(image->>''f'')::float8 AS f, (image->>''j'')::jsonb AS j,
	(image->>''i'')::interval AS i, (image->>''a'')::int[] AS a,
	(image->>''ts'')::timestamptz AS ts FROM syncport.tombstone
	WHERE target = ''doc''::regclass',
	'SELECT * FROM before WHERE id % 3 < 2',
	'images read back as the rows they were');
SELECT is((SELECT count(*) FROM syncport.tombstone
		   WHERE target = 'doc'::regclass
		   AND (key->>'id' <> image->>'id'
				OR row_version <> pg_current_xact_id()::text::bigint
				OR removed_at <> now())), 0::bigint,
		  'keys, versions and times are right');

-- errors
CREATE TABLE bare (id int, u timestamptz, v bigint, d timestamptz);
SELECT throws_ok('SELECT syncport.stamp()', '39P01', NULL,
				 'stamp is a trigger function');
CREATE TRIGGER s AFTER INSERT ON bare
	FOR EACH ROW EXECUTE FUNCTION syncport.stamp('u', 'v', 'd', 'false');
SELECT throws_ok('INSERT INTO bare VALUES (1)', '39P01', NULL,
				 'stamp needs BEFORE');
DROP TRIGGER s ON bare;
INSERT INTO bare VALUES (1);
CREATE TRIGGER d AFTER DELETE ON bare
	FOR EACH STATEMENT EXECUTE FUNCTION syncport.keep('u', 'v', 'd', 'false');
SELECT throws_ok('DELETE FROM bare', '39P01', NULL, 'keep needs ROW');
DROP TRIGGER d ON bare;
CREATE TRIGGER d AFTER DELETE ON bare
	FOR EACH ROW EXECUTE FUNCTION syncport.keep('u', 'v', 'x', 'false');
SELECT throws_ok('DELETE FROM bare', '42703', NULL, 'a column is missing');
DROP TRIGGER d ON bare;
CREATE TRIGGER d AFTER DELETE ON bare
	FOR EACH ROW EXECUTE FUNCTION syncport.keep('u', 'id', 'd', 'false');
SELECT throws_ok('DELETE FROM bare', '42804', NULL, 'a column has another type');
DROP TRIGGER d ON bare;
CREATE TRIGGER d AFTER DELETE ON bare
	FOR EACH ROW EXECUTE FUNCTION syncport.keep('u', 'v', 'd', 'false');
SET LOCAL syncport.soft_delete = off;
SELECT throws_ok('DELETE FROM bare', '55000', NULL,
				 'an image needs a primary key');

SELECT * FROM finish();
ROLLBACK;
