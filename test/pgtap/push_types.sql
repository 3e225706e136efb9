-- Values of every type family there and back: what push shows of a row is,
-- sent back as the base, no conflict, and sent back as what to write, no
-- change; whatever the session's formats are.
-- Needs values to be compared as their type says, and read as they are written.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT no_plan();

CREATE SCHEMA push_types;
SET LOCAL search_path = push_types, public;
CREATE TYPE mood AS ENUM ('a', 'B c');
CREATE TYPE pair AS (x integer, y text);
CREATE DOMAIN positive AS integer CHECK (value > 0);
CREATE DOMAIN json_domain AS jsonb;
CREATE DOMAIN pair_domain AS pair;
CREATE TABLE types (id integer PRIMARY KEY, mark text, i2 smallint, i8 bigint, f4 real, f8 double precision, n numeric, n2 numeric(10, 2), m money,
	t text, vc varchar(5), c char(5), by bytea, bo boolean, d date, tm time, ttz timetz, ts timestamp, tstz timestamptz, iv interval, u uuid,
	j json, jb jsonb, inet_ inet, cidr_ cidr, mac macaddr, bt bit(4), vb varbit, ia integer[], ta text[], ta2 text[][], p pair, pa pair[],
	e mood, ea mood[], r int4range, tr tstzrange, mr int4multirange, pt point, bx box, tv tsvector, nm name, o oid, rc regclass,
	pi positive, dj json_domain, dp pair_domain, jp jsonpath, ch "char", bya bytea[], tza timestamptz[]);
SELECT syncport.enable('types');
INSERT INTO types VALUES (1, '', -5, 9007199254740993, 1.1, 0.5, 1.5000, 2.5, '12.34', E'a"\\\n\té', 'ab', 'ab', '\x00ff', 't', '2026-02-03', '12:34:56.789',
	'12:34:56.789+02', '2026-02-03 04:05:06.789012', '2026-02-03 04:05:06.789012+00', '1 year 2 mons 3 days 04:05:06.7', gen_random_uuid(),
	'{"a": [1, 2]}', '{"a":[1,null,"x"]}', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '1010', '101', '{1,NULL,3}', '{"a,b",NULL,"c\"d"}',
	'{{a,b},{c,d}}', '(1,"x y")', '{"(1,x)","(2,\"y,z\")"}', 'B c', '{a,"B c"}', '[1,5)', '[2026-01-01 00:00+00,2026-02-01 00:00+00)', '{[1,3),[5,7)}',
	'(1.5,2)', '(1,1),(0,0)', 'a:1 b:2', 'some', '1259', 'pg_class', 5, '{"z":1}', '(3,z)', '$.a[*]', 'x', array['\x01'::bytea],
	array['2026-02-03 04:05:06.789012+00'::timestamptz]);
INSERT INTO types (id) VALUES (2);
INSERT INTO types (id, f4, f8, n, n2, d, ts, tstz, ia, r, iv, t, vc, by, jb)
	VALUES (3, 'NaN', '-Infinity', 'NaN', '-0.00', 'infinity', '-infinity', 'infinity', '{}', 'empty', '-1 day -00:00:01', '', '', '', '[]');
INSERT INTO types (id, d, ts, tstz, iv, jb, n) VALUES (4, '0044-03-15 BC', '0044-03-15 12:00:00 BC', '0044-03-15 12:00:00+00 BC', '-178000 years', '"x"',
	12345678901234567890123456789.123456789);

-- One row, column by column; what is not as it should be.
CREATE FUNCTION back(id integer, how text) RETURNS TABLE (name text, answer text) LANGUAGE plpgsql AS $$
DECLARE
	server jsonb;
	value jsonb;
	key jsonb := jsonb_build_object('id', id);
	m jsonb;
BEGIN
	SELECT p.server - '{id,mark,updated_at,deleted_at,row_version}'::text[] INTO server
		FROM syncport.push(jsonb_build_array(jsonb_build_object('table', 'types', 'op', 'update', 'key', key))) p;
	FOR name, value IN SELECT * FROM jsonb_each(server) LOOP
		m := jsonb_build_object('table', 'types', 'op', 'update', 'key', key) || CASE how
			WHEN 'set' THEN jsonb_build_object('set', jsonb_build_object(name, value))
			ELSE jsonb_build_object('set', jsonb_build_object('mark', name || how), 'base', jsonb_build_object(name, value)) END;
		SELECT concat_ws(' ', p.status, p.error) INTO answer FROM syncport.push(jsonb_build_array(m)) p;
		IF (answer <> CASE how WHEN 'set' THEN 'noop' ELSE 'applied' END) THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;
SELECT is_empty(format('SELECT * FROM back(%s, %L)', id, 'base'), 'row ' || id || ' as a base is no conflict') FROM types ORDER BY id;
SELECT is_empty(format('SELECT * FROM back(%s, %L)', id, 'set'), 'row ' || id || ' as it is is no change') FROM types ORDER BY id;
SELECT is((SELECT count(*) FROM (SELECT mark FROM types WHERE mark ~ 'base$') s), 4::bigint, 'edits were made');
SET LOCAL DateStyle = 'German';
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL bytea_output = 'escape';
SET LOCAL TimeZone = 'Asia/Kolkata';
SELECT is_empty(format('SELECT * FROM back(%s, %L)', id, 'base in other formats'), 'row ' || id || ' as a base is no conflict, in other formats') FROM types ORDER BY id;
SELECT is_empty(format('SELECT * FROM back(%s, %L)', id, 'set'), 'row ' || id || ' as it is is no change, in other formats') FROM types ORDER BY id;

-- another value is another one
CREATE TABLE other (name text, value jsonb);
INSERT INTO other VALUES ('i2', '-4'), ('i8', '"9007199254740992"'), ('f4', '1.2'), ('f8', '0.25'), ('n', '1.51'), ('n2', '2.51'), ('t', '"A"'), ('vc', '"aB"'),
	('c', '"aB"'), ('bo', 'false'), ('d', '"2026-02-04"'), ('tm', '"12:34:56.788"'), ('ts', '"2026-02-03T04:05:06.788"'),
	('tstz', '"2026-02-03T04:05:06.788Z"'), ('iv', '"1 year"'), ('j', '{"a":[1,3]}'), ('jb', '{"a":[1,null,"y"]}'), ('ia', '[1,null,4]'),
	('ta', '["a,b",null]'), ('p', '{"x":1,"y":"x  y"}'), ('e', '"a"'), ('r', '"[1,6)"'), ('pi', '6'), ('dj', '{"z":2}'), ('t', 'null');
SELECT is((SELECT p.status || p.conflict_columns::text FROM syncport.push(jsonb_build_array(jsonb_build_object('table', 'types', 'op', 'update',
	'key', '{"id":1}'::jsonb, 'set', '{"mark":"other"}'::jsonb, 'base', jsonb_build_object(name, value)))) p), 'conflict{' || name || '}',
	format('%s is not %s', name, value)) FROM other;
SELECT is((SELECT p.status FROM syncport.push(jsonb_build_array(jsonb_build_object('table', 'types', 'op', 'update',
	'key', '{"id":1}'::jsonb, 'set', jsonb_build_object(name, value)))) p), 'applied', format('%s becomes %s', name, value)) FROM other;
-- text is compared byte by byte, numbers by value, times to the precision that is sent
SELECT is((SELECT p.status FROM syncport.push(jsonb_build_array(jsonb_build_object('table', 'types', 'op', 'update',
	'key', '{"id":1}'::jsonb, 'set', jsonb_build_object('mark', name || value), 'base', jsonb_build_object(name, value)))) p), 'applied',
	format('%s is %s', name, value))
FROM (VALUES ('n', '1.510'::jsonb), ('n', '"1.51000"'), ('f8', '0.250'), ('i2', '"-4"'), ('tstz', '"2026-02-03T04:05:06Z"'),
	('tstz', '"2026-02-03T09:35:06.78+05:30"'), ('ts', '"2026-02-03 04:05:06.7"'), ('c', '"aB   "'), ('jb', '{"a":[1.0,null,"y"]}'),
	('j', '{ "a" : [1, 3.0] }')) same (name, value);

SELECT * FROM finish();
ROLLBACK;
