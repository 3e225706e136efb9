-- Properties of pages: for tables of every type family, the joined pages are
-- the ordered table, each row exactly once, forward and backward, whatever
-- the page size, the indexes and the session's formats; and a page reads
-- nothing but its rows at any depth.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL jit = off;				-- the disabled plan nodes cost too much
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT no_plan();

CREATE SCHEMA property;
SET LOCAL search_path = property, public;
CREATE COLLATION property.any_case
	(provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION property.german (provider = icu, locale = 'de');
CREATE TYPE property.mood AS ENUM ('sad', 'ok', 'happy', 'wild');
CREATE DOMAIN property.price AS numeric(12, 2) CHECK (value > -1000);
CREATE DOMAIN property.feeling AS property.mood;
CREATE DOMAIN property.label AS varchar(20);
CREATE TYPE property.pair AS (a integer, b text);

-- Walk over a whole table; the keys in the order of the pages, turned
-- around for a walk from the end.  The session's formats change at each page.
CREATE FUNCTION property.walk(target regclass, order_by text, size integer,
	backward boolean) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
	result text[] := '{}';
	keys text[];
	cursors text[];
	position text := CASE WHEN backward THEN 'end' END;
	pages integer := 0;
BEGIN
	LOOP
		PERFORM set_config('DateStyle',
			(ARRAY['ISO, MDY', 'German', 'SQL, DMY'])[1 + pages % 3], true),
			set_config('TimeZone',
			(ARRAY['UTC', 'Asia/Kolkata'])[1 + pages % 2], true),
			set_config('extra_float_digits',
			(ARRAY['1', '-4', '0'])[1 + pages % 3], true),
			set_config('IntervalStyle',
			(ARRAY['postgres', 'iso_8601'])[1 + pages % 2], true),
			set_config('bytea_output',
			(ARRAY['hex', 'escape'])[1 + pages % 2], true);
		EXECUTE format('SELECT array_agg((item).id::text), array_agg(cursor)
			FROM syncport.page(NULL::%s, %s => $1, page_size => $2,
			order_by => $3)', target,
			CASE WHEN backward THEN 'before' ELSE 'after' END)
			INTO keys, cursors USING position, size, order_by;
		EXIT WHEN keys IS NULL;
		IF cardinality(keys) > size THEN
			RETURN ARRAY['page too large'];
		END IF;
		IF backward THEN
			result := keys || result;
			position := cursors[1];
		ELSE
			result := result || keys;
			position := cursors[cardinality(cursors)];
		END IF;
		EXIT WHEN cardinality(keys) < size;
		pages := pages + 1;
		IF pages > 1000 THEN
			RETURN ARRAY['walk does not end'];
		END IF;
	END LOOP;
	RETURN result;
END $$;

-- Every walk over a table in an order that differs from SELECT.
CREATE FUNCTION property.differences(target regclass, orders text[],
	sizes integer[]) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	order_by text;
	size integer;
	backward boolean;
	expected text[];
	found text[];
BEGIN
	FOREACH order_by IN ARRAY orders LOOP
		EXECUTE format('SELECT array_agg(id::text ORDER BY %s, id) FROM %s',
			order_by, target) INTO expected;
		FOREACH size IN ARRAY sizes LOOP
			FOREACH backward IN ARRAY ARRAY[false, true] LOOP
				found := property.walk(target, order_by, size, backward);
				IF found IS DISTINCT FROM expected THEN
					RETURN NEXT format('%s by %s, pages of %s, %s: %s',
						target, order_by, size,
						CASE WHEN backward THEN 'backward' ELSE 'forward' END,
						found);
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
END $$;

CREATE TABLE property.family (
	ordinal integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	type text NOT NULL,
	vals text[] NOT NULL);
INSERT INTO property.family (type, vals) VALUES
	('smallint', '{-32768,-1,0,1,32767}'),
	('integer', '{-2147483648,-1,0,7,2147483647}'),
	('bigint', '{-9223372036854775808,0,9007199254740993,9223372036854775807}'),
	('numeric', '{NaN,Infinity,-Infinity,0,0.00,1.10,1.1,-3.5,1e30,1e-30}'),
	('numeric(12,2)', '{NaN,0,1.10,-3.5,1000000000.01}'),
	('real', '{NaN,Infinity,-Infinity,0,-0,1.1,0.1,3.4e38,1e-38}'),
	('double precision', '{NaN,Infinity,-Infinity,0,-0,0.1,0.30000000000000004,0.3,1e308}'),
	('money', '{1.00,-2.50,0}'),
	('boolean', '{t,f}'),
	('text COLLATE "C"', '{"",a,B,b,A,é,z,"a b",ä}'),
	('text', '{"",a,B,b,A,é,z,"a b",ä}'),
	('text COLLATE property.any_case', '{"",a,B,b,A,é,É,z,Z}'),
	('text COLLATE property.german', '{"",a,B,b,A,é,z,ä,ß,ss}'),
	('varchar(10)', '{"",a,B,b,"a ",A}'),
	('char(5)', '{"",a,B,b,"a  ",A}'),
	('name', '{a,B,b,A}'),
	('"char"', '{a,B,b,A}'),
	('bytea', '{"","\\x00","\\xff00","\\x0001","a"}'),
	('uuid', '{00000000-0000-0000-0000-000000000000,ffffffff-ffff-ffff-ffff-ffffffffffff,6ba7b810-9dad-11d1-80b4-00c04fd430c8}'),
	('date', '{infinity,-infinity,2024-02-29,1999-12-31,"0044-03-15 BC"}'),
	('time', '{00:00,24:00,12:34:56.789012}'),
	('timetz', '{00:00+00,12:00+05:30,12:00-08,06:30+00}'),
	('timestamp', '{infinity,-infinity,"2024-02-29 12:34:56.789012","1999-12-31"}'),
	('timestamptz', '{infinity,-infinity,"2024-02-29 12:34:56.789012+02","2024-02-29 10:34:56.789012+00"}'),
	('interval', '{"1 month","30 days","720:00:00","-1 day","1 year 2 mons","00:00:00.000001"}'),
	('inet', '{10.0.0.1,10.0.0.0/8,::1}'),
	('cidr', '{10.0.0.0/8,192.168.0.0/16}'),
	('macaddr', '{08:00:2b:01:02:03,00:00:00:00:00:00}'),
	('bit(3)', '{101,000,111}'),
	('varbit', '{101,0,"",1111}'),
	('oid', '{0,1,4294967295}'),
	('pg_lsn', '{0/0,16/B374D848}'),
	('property.mood', '{wild,sad,happy,ok}'),
	('property.feeling', '{wild,sad,happy,ok}'),
	('property.price', '{1.10,-3.5,0,999999.99}'),
	('property.label', '{"",a,B,b,A}'),
	('property.pair', '{"(1,a)","(1,)","(,b)","(2,a)"}'),
	('jsonb', '{"null","{}","[]","{\"a\":1}","\"x\"",1,true}'),
	('integer[]', '{"{}","{1}","{1,2}","{NULL}","{2}"}'),
	('text[]', '{"{}","{a}","{a,B}","{NULL,x}"}'),
	('property.mood[]', '{"{}","{sad}","{wild,ok}"}'),
	('int4range', '{empty,"[1,5)","[1,)","(,3)","(,)"}'),
	('numrange', '{empty,"[1.0,5)","[1,5)","(1,5]"}'),
	('tstzrange', '{empty,"[2024-01-01,)","[2024-01-01 00:00+05,infinity]"}'),
	('int4multirange', '{"{}","{[1,3),[5,7)}","{[1,2)}"}'),
	('tsvector', '{"","a b","a:1 b:2"}');

-- 45 rows: the type's values and NULL, spread without a pattern; u is the
-- same without NULL.
CREATE FUNCTION property.make(ordinal integer) RETURNS regclass
LANGUAGE plpgsql AS $$
DECLARE
	family property.family;
	target text := format('property."Table %s"', ordinal);
BEGIN
	SELECT * INTO family FROM property.family f
		WHERE f.ordinal = make.ordinal;
	EXECUTE format('CREATE TABLE %s (id integer PRIMARY KEY, gone integer,
		v %s, w integer, u %s NOT NULL, "Key, of" text)', target,
		family.type, family.type);
	EXECUTE format('INSERT INTO %s SELECT i, i,
		($1)[1 + (i * 7919) %% (cardinality($1) + 1)]::%s,
		nullif(i * 31 %% 4, 0),
		($1)[1 + (i * 104729) %% cardinality($1)]::%s,
		nullif(i %% 3, 0)::text FROM generate_series(1, 45) i', target,
		split_part(family.type, ' COLLATE', 1),
		split_part(family.type, ' COLLATE', 1)) USING family.vals;
	EXECUTE format('ALTER TABLE %s DROP COLUMN gone', target);
	RETURN target::regclass;
END $$;

SELECT property.make(ordinal) FROM property.family;

-- Without an index: one sort.
SELECT is_empty(format('SELECT property.differences(%L, %L, %L)',
		format('property."Table %s"', ordinal),
		ARRAY['v', 'w DESC NULLS LAST, v DESC', 'u DESC, v NULLS FIRST'],
		'{2,50}'),
	format('pages without an index over %s', type))
FROM property.family ORDER BY ordinal;

-- With indexes that fit: ranges of them.
SELECT format('CREATE INDEX ON property."Table %1$s" (v, id);
	CREATE INDEX ON property."Table %1$s" (v DESC NULLS LAST, u, w, id);
	CREATE INDEX ON property."Table %1$s" (w, v DESC, id);
	CREATE INDEX ON property."Table %1$s" (u, "Key, of", id)', ordinal)
FROM property.family \gexec
SET LOCAL enable_seqscan = off;
SET LOCAL enable_sort = off;
SELECT is_empty(format('SELECT property.differences(%L, %L, %L)',
		format('property."Table %s"', ordinal),
		(ARRAY['v', 'v DESC', 'v DESC NULLS LAST, u, w',
			'w, v DESC', 'w DESC NULLS FIRST, v ASC NULLS LAST',
			'u, "Key, of"', 'u DESC, "Key, of" DESC', 'u, id DESC',
			'v NULLS FIRST, w NULLS FIRST, u DESC, "Key, of" DESC NULLS LAST']
			)[1 + ordinal % 2 : 9],
		(ARRAY['{1,7}', '{2,50}'])[1 + ordinal / 2 % 2]),
	format('pages by index over %s', type))
FROM property.family ORDER BY ordinal;
RESET enable_seqscan;
RESET enable_sort;

-- Partitions whose columns stand in another order, a composite key, a
-- TOASTed value, a column added behind rows that lack it.
CREATE TABLE property.parts (region text, wide text, id integer,
	at timestamptz, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE property.part_a PARTITION OF property.parts FOR VALUES IN ('a');
CREATE TABLE property.part_b (id integer NOT NULL, gone int, at timestamptz,
	wide text, region text NOT NULL);
ALTER TABLE property.part_b DROP COLUMN gone;
ALTER TABLE property.parts ATTACH PARTITION property.part_b
	FOR VALUES IN ('b');
CREATE INDEX ON property.parts (at, region, id);
INSERT INTO property.parts SELECT CASE WHEN i % 3 = 0 THEN 'a' ELSE 'b' END,
	CASE WHEN i % 10 = 0 THEN (SELECT string_agg(md5(k::text), '')
		FROM generate_series(i, i + 400) k) END,
	i, timestamptz '2024-01-01' + i % 7 * interval '1 day'
FROM generate_series(1, 60) i;
ALTER TABLE property.parts ADD COLUMN late integer DEFAULT 42;
SELECT is_empty($$SELECT property.differences('property.parts',
	'{"at, region","at DESC, region","at NULLS FIRST, region DESC","region, id"}', '{1,7,50}')$$,
	'pages over partitions');
SELECT is_empty($$SELECT property.differences('property.part_b',
	'{at,at DESC,"region, id"}', '{2,50}')$$, 'pages over a partition');
SELECT results_eq($$SELECT (item).* FROM
	syncport.page(NULL::property.parts, page_size => 100, order_by => 'at')$$,
	$$SELECT * FROM property.parts ORDER BY at, region, id$$,
	'rows of partitions are whole');
SELECT results_eq($$SELECT item::text FROM
	syncport.page(NULL::property.parts, page_size => 100, order_by => 'at')$$,
	$$SELECT p::text FROM property.parts p ORDER BY at, region, id$$,
	'and so is their text');
SELECT is((syncport.page_json('property.parts', page_size => 100,
		order_by => 'at DESC', time_zone => NULL)->'items')::text,
	(SELECT '[' || string_agg(row_to_json(p)::text, ','
		ORDER BY at DESC, region, id) || ']' FROM property.parts p),
	'page_json writes what row_to_json writes');

-- A page reads nothing but its rows, at any depth.
CREATE TABLE property.deep (id integer PRIMARY KEY, tenant integer NOT NULL,
	day date, price numeric(12, 2), mood property.mood, name text,
	tags integer[], status text NOT NULL);
INSERT INTO property.deep SELECT i, i % 20,
	CASE WHEN i % 11 > 0 THEN date '2020-01-01' + i * 31 % 1000 END,
	i * 7919 % 5000 / 100.0,
	(enum_range(NULL::property.mood))[1 + i % 4], 'name ' || i % 777,
	ARRAY[i % 100, i], (ARRAY['paid', 'open', 'void', 'paid'])[1 + i / 20 % 4]
FROM generate_series(1, 20000) i;
CREATE INDEX ON property.deep (day DESC NULLS LAST, id);
CREATE INDEX ON property.deep (status, day, id);
CREATE INDEX ON property.deep (tenant, day, id);
CREATE INDEX ON property.deep (tenant, price, id);
CREATE INDEX ON property.deep (tenant, mood DESC, id);
CREATE INDEX ON property.deep (tenant, name, id);
CREATE INDEX ON property.deep (tenant, tags, id);
ANALYZE property.deep;

-- How many rows of the table were read in this transaction.
CREATE FUNCTION property.rows_read() RETURNS bigint LANGUAGE sql AS
$$SELECT seq_tup_read + idx_tup_fetch
	FROM pg_catalog.pg_stat_xact_all_tables
	WHERE relid = 'property.deep'::regclass$$;

-- The most rows that one page of a walk reads.
CREATE FUNCTION property.deepest_read(order_by text, size integer,
	filter jsonb, backward boolean) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	position text := CASE WHEN backward THEN 'end' END;
	before bigint;
	most bigint := 0;
	total bigint := 0;
	page json;
BEGIN
	LOOP
		before := property.rows_read();
		page := syncport.page_json('property.deep',
			after => CASE WHEN NOT backward THEN position END,
			before => CASE WHEN backward THEN position END,
			page_size => size, order_by => order_by, columns => '{name}',
			filter => filter);
		most := greatest(most, property.rows_read() - before);
		total := total + json_array_length(page->'items');
		position := page->>CASE WHEN backward THEN 'prev_cursor'
			ELSE 'next_cursor' END;
		EXIT WHEN position IS NULL;
	END LOOP;
	PERFORM set_config('property.total', total::text, true);
	RETURN most;
END $$;

SELECT cmp_ok(property.deepest_read(o, 50, NULL, b), '<=', 110::bigint,
	format('%s reads only the page%s', o, CASE WHEN b THEN ', backward' END))
FROM unnest(ARRAY['id', 'id DESC', 'day DESC NULLS LAST', 'day NULLS FIRST',
	'day DESC NULLS LAST, id DESC', 'day NULLS FIRST, id DESC']) o,
	unnest(ARRAY[false, true]) b
WHERE o NOT IN ('day NULLS FIRST', 'day DESC NULLS LAST, id DESC');
SELECT is(current_setting('property.total')::bigint, 20000::bigint,
	'and walks over the whole table');
-- On so few blocks the planner would rather sort all that is left.
SET LOCAL enable_sort = off;
SELECT cmp_ok(property.deepest_read('day', 50, '{"status":"open"}', b),
	'<=', 110::bigint, 'with a filter that the index leads with')
FROM unnest(ARRAY[false, true]) b;
SELECT is(current_setting('property.total')::bigint, count(*),
	'and walks over what it keeps')
FROM property.deep WHERE status = 'open';

-- The same under row-level security, by columns whose comparison the server
-- does not call leakproof.
ALTER TABLE property.deep ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON property.deep
	USING (tenant = current_setting('property.tenant')::integer);
CREATE ROLE property_tenant;
GRANT USAGE ON SCHEMA syncport, property TO property_tenant;
GRANT SELECT ON property.deep TO property_tenant;
SET LOCAL property.tenant = '7';
SET LOCAL ROLE property_tenant;
SELECT cmp_ok(property.deepest_read(o, 10, NULL, b), '<=', 22::bigint,
	format('a tenant reads only the page by %s%s', o,
		CASE WHEN b THEN ', backward' END))
FROM unnest(ARRAY['day', 'price', 'mood DESC', 'name', 'tags']) o,
	unnest(ARRAY[false, true]) b;
SELECT is(current_setting('property.total')::bigint, 1000::bigint,
	'and walks over its own rows');
SELECT is_empty($$SELECT property.differences('property.deep',
	'{day,price DESC,mood,"mood DESC, price",tags}', '{50}')$$,
	'a tenant''s pages are its rows in order');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
