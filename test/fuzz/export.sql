-- Generated tables, values, options and settings: what an export writes equals
-- what core writes, byte for byte, errors too.  CSV and text against core COPY,
-- asked for in both ways (syncport.accelerate_copy, an option of ours), NDJSON
-- and the JSON array against row_to_json.
--
-- FUZZ_TABLES tables, from number FUZZ_FIRST on, are drawn by FUZZ_SEED; each
-- table has a seed of its own, so that a failure, which tells its number, is
-- had again alone with FUZZ_FIRST=number FUZZ_TABLES=1.
\set ON_ERROR_STOP on
\set seed 20261
\set tables 150
\set first 1
\getenv seed FUZZ_SEED
\getenv tables FUZZ_TABLES
\getenv first FUZZ_FIRST
SET client_min_messages = warning;
SET statement_timeout = 0;
CREATE EXTENSION IF NOT EXISTS syncport;
DROP SCHEMA IF EXISTS fuzz CASCADE;
CREATE SCHEMA fuzz;
SET search_path = fuzz;

-- ------------------------------------------------------------------ drawing
CREATE FUNCTION pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS
$$SELECT choices[1 + floor(random() * cardinality(choices))::int]$$;
-- a number of either sign, small and large ones alike
CREATE FUNCTION around(digits float8) RETURNS float8 LANGUAGE sql VOLATILE AS
$$SELECT (random() * 2 - 1) * 10.0 ^ (random() * digits)$$;
-- a text of what delimits, quotes and escapes, of letters and of many bytes
CREATE FUNCTION word(most int) RETURNS text LANGUAGE sql VOLATILE AS
$$SELECT coalesce(string_agg(CASE WHEN random() < 0.6 THEN chr(97 + floor(random() * 26)::int)
		WHEN random() < 0.3 THEN chr(1 + floor(random() * 126)::int)
		ELSE pick(',', ';', '|', E'\t', E'\n', E'\r', '"', '''', '\', '.', '0', ' ', '=', '-', 'é', 'ß', '日', 'я', '€',
			'😀', '/', '<', '&', '%', ':', E'\b', E'\f', E'\v', E'\x7f', U&'\2028', U&'\0085') END, ''), '')
	FROM generate_series(1, floor(random() * most)::int)$$;
-- an identifier from it, at most 63 bytes long
CREATE FUNCTION heading(number int) RETURNS text LANGUAGE sql VOLATILE AS
$$SELECT quote_ident(number || pick('', '', '', 'name', ' ', '"', ',', ';', '''', '\', E'\n', E'\t', 'é日', 'Upper', '=1', '\.', repeat('x', 60), word(9)))$$;

-- -------------------------------------------------------------------- types
CREATE TYPE mood AS ENUM ('sad', 'o"k', 'x,y', E'n\nl', 'é日', 'NULL', '0', '\.');
CREATE TYPE signal AS ENUM ('red', 'green');
CREATE FUNCTION signal_json(signal) RETURNS json LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT json_build_object('signal', $1::text)$$;
CREATE CAST (signal AS json) WITH FUNCTION signal_json(signal);
CREATE DOMAIN counted AS int CHECK (VALUE >= 0);
CREATE DOMAIN small AS counted CHECK (VALUE < 100);
CREATE DOMAIN price AS numeric(12, 2);
CREATE DOMAIN words AS text[];
CREATE DOMAIN moment AS timestamptz(3);
CREATE TYPE text_range AS RANGE (subtype = text);
CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE pair AS (a int, gone int, "b ""q" text);
ALTER TYPE pair DROP ATTRIBUTE gone;
CREATE TYPE mixed AS (at timestamptz, n numeric, m mood, doc jsonb, p pair, w words, raw bytea, s signal);
CREATE DOMAIN whole_pair AS pair;

-- A type, texts that it takes and an expression for more.
CREATE TABLE kind (number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, type text NOT NULL, texts text[] NOT NULL, more text, arrays boolean DEFAULT true);
INSERT INTO kind (type, texts, more) VALUES
('boolean', '{t,f}', NULL),
('int2', '{0,1,-1,32767,-32768,9,10,99,100}', 'around(4.5)::int2'),
('int4', '{0,1,-1,2147483647,-2147483648,999999999,1000000000}', 'around(9.3)::int4'),
('int8', '{0,-1,9223372036854775807,-9223372036854775808,9007199254740993,9999999999999999,10000000000000000}', 'around(18.9)::int8'),
('oid', '{0,4294967295,2147483648}', 'abs(around(9))::int8::oid'),
('float4', '{0,-0,NaN,Infinity,-Infinity,1e-45,3.4028235e38,0.1,1e15,1e-5,123456789,16777217,1e6,-1e-10}', 'around(37)::float4'),
('float8', '{0,-0,NaN,Infinity,-Infinity,5e-324,1.7976931348623157e308,0.1,0.3,1e15,1e16,1e17,1e-4,1e-5,9007199254740993,123456.789}',
	'CASE WHEN random() < 0.5 THEN around(300) ELSE 1 / around(300) END'),
('float8', '{0.5,100,3.14}', 'round(around(6)::numeric, 2)::float8'),
('numeric', '{0,-0.00,NaN,Infinity,-Infinity,0.00000000000001,1e-130,1e100,9007199254740993,1.000,10000,100000000,0.0001,0.00010000,99999999.99,
	-12345678901234567890123456789012345678,0.12345678901234567890123456789012345678,1e4,9999.9999,10000.0001}',
	'round(around(25)::numeric * 1.0000000000000001234, floor(random() * 20)::int)'),
('numeric(12, 2)', '{0,0.01,-0.01,9999999999.99,NaN,10000,1.10}', 'around(9)::numeric(12, 2)'),
('numeric(38, 10)', '{0,1e-10,1234567890123456789012345678.0123456789}', 'around(20)::numeric(38, 10)'),
('numeric(5, -2)', '{0,12300,-9999900}', 'around(5)::numeric(5, -2)'),
('money', '{0,-0.01,1234567.89,-92233720368547758.08}', 'around(9)::numeric::money'),
('text', '{}', 'word(30)'),
('text', '{}', $$CASE WHEN random() < 0.1 THEN repeat(word(40), 1500) ELSE word(5) END$$),
('varchar', '{}', 'word(90)'),
('varchar(12)', '{}', 'word(20)::varchar(12)'),
('char(7)', '{}', 'word(9)::char(7)'),
('char', '{a,"",Z}', NULL),
('"char"', '{a,"\"",",",\\,"",0}', NULL),
('name', '{"",public,a b}', 'word(30)::name'),
('bytea', '{"",\\x00,\\x5c2e,\\x22,\\x5c5c,\\x27,\\xff,\\x0a0d,\\x2c}', $$decode(md5(random()::text), 'hex')$$),
('bytea', '{}', $$convert_to(word(30), 'UTF8')$$),
('date', '{infinity,-infinity,0001-12-31 BC,4714-11-24 BC,5874897-12-31,2024-02-29,1999-12-31,2000-01-01,9999-12-31,10000-01-01,0001-01-01,1900-03-01,1582-10-15}',
	$$date '2000-01-01' + around(6)::int$$),
('time', '{24:00,00:00,23:59:59.999999,12:34:56.7,00:00:00.000001,12:00:00.10}', $$(around(5) * interval '1 s')::time$$),
('time(2)', '{24:00,23:59:59.99,00:00:00.01}', NULL),
('timetz', '{24:00+15:59,00:00-15:59:59,12:00:00.5+05:30:15,12:00Z,23:59:59.999999-03:30}', NULL),
('timestamp', '{infinity,-infinity,4714-11-24 00:00:00 BC,294276-12-31 23:59:59.999999,0001-01-01,0001-12-31 23:59:59.9 BC,2024-03-10 02:30,1970-01-01,1999-12-31 23:59:59.999999,
	2000-01-01 00:00:00.000001,9999-12-31 23:59:59,10000-01-01}', $$timestamp '2000-01-01' + around(10) * interval '1 s'$$),
('timestamp(0)', '{2024-02-29 12:00}', $$timestamp '1990-01-01' + around(9) * interval '1 s'$$),
('timestamptz', '{infinity,-infinity,4713-01-01 00:00:00+00 BC,294276-12-31 00:00:00+00,0001-01-01 00:00:00+00,0001-12-31 23:59:59.9+00 BC,2024-03-10 06:59:59.999999+00,
	2024-03-10 07:00+00,2024-11-03 05:59:59+00,2024-11-03 06:00+00,2024-03-31 00:59:59.999999+00,2024-03-31 01:00+00,2024-10-27 00:30+00,2024-10-27 01:00+00,1883-11-18 17:00+00,
	1883-11-18 16:59:59+00,1937-06-30 23:40+00,2011-12-30 10:00+00,1999-12-31 23:59:59.5+00,1972-01-07 00:44:30+00,2037-12-31 00:00+00,2100-07-01 00:00+00}',
	$$timestamptz '2000-01-01 00:00+00' + around(9.6) * interval '1 s'$$),
-- the instants at which the zones below change their offset, and what is next to them
('timestamptz', '{}', $$pick('2024-03-10 07:00', '2024-11-03 06:00', '2024-03-31 01:00', '2024-10-27 01:00', '2024-10-05 15:30', '2024-04-06 15:00', '2024-03-10 05:30',
	'2024-11-03 04:30', '2011-12-30 10:00', '1972-01-07 00:44:30', '1883-11-18 17:00', '2022-09-21 19:30', '2018-11-04 03:00', '2019-02-17 02:00', '1847-12-01 00:01:15', '1980-01-01')::timestamp
	AT TIME ZONE 'UTC' + pick('0', '0', '1 us', '-1 us', '1 s', '-1 s', '-10 days')::interval$$),
('timestamptz(3)', '{2024-02-29 12:00:00.123+00}', $$timestamptz '2024-03-31 00:00+00' + around(6) * interval '1 ms'$$),
('interval', '{0,1 year -2 mons +3 days -04:05:06.000007,-1 s,-0.5 s,0.000001 s,178000000 years,-178000000 years,1 mon -1 day,-1 day +1 h,2147483647 days,-2147483648 days,
	100 h,-100:00:00.1,1 year,1 mon,-1 mon,2 years 3 mons,1 day 1 s,1 y -1 mon 1 day -1 s}', $$make_interval(around(2)::int, around(2)::int, 0, around(3)::int, 0, 0, around(5))$$),
('interval(2)', '{1 day 00:00:01.25}', NULL),
('interval year to month', '{3 years 2 mons,-1 mon}', NULL),
('uuid', '{00000000-0000-0000-0000-000000000000,ffffffff-ffff-ffff-ffff-ffffffffffff}', 'md5(random()::text)::uuid'),
('inet', '{0.0.0.0/0,10.0.0.1,10.0.0.1/8,::1,2001:db8::ff00:42:8329/64,255.255.255.255,::ffff:1.2.3.4}', NULL),
('cidr', '{10.0.0.0/8,::/0,2001:db8::/32,192.168.1.1/32}', NULL),
('macaddr', '{08:00:2b:01:02:03,ff:ff:ff:ff:ff:ff}', NULL),
('macaddr8', '{08:00:2b:ff:fe:01:02:03}', NULL),
('bit(5)', '{10101,00000}', NULL),
('varbit', '{"",1,0101010101010101}', NULL),
('xml', '{<a/>,"<a b=\"c\">x,y</a>",text,<!-- c --><d/>}', NULL),
('tsvector', '{"",a,"''a b'':1 c:2A,3B"}', $$to_tsvector('simple', word(40))$$),
('tsquery', '{a,a & !b,"''x y'' <-> z:*A"}', NULL),
('point', '{"(0,-0)","(1e300,NaN)","(0.1,0.2)"}', 'point(around(9), around(9))'),
('line', '{"{1,-1,0}"}', NULL),
('lseg', '{"[(0,0),(1,1)]"}', NULL),
('box', '{"(1,1),(0,0)"}', NULL),
('path', '{"((0,0),(1,1))","[(0,0),(1,2)]"}', NULL),
('polygon', '{"((0,0),(1,1),(1,0))"}', NULL),
('circle', '{"<(0,0),1.5>"}', NULL),
('int4range', '{empty,"(,)","[1,5)","[,3)"}', NULL),
('int8range', '{"[9007199254740993,)"}', NULL),
('numrange', '{"[0.10,1e3]","(NaN,]",empty}', NULL),
('tsrange', '{"[2024-01-01,infinity]","(,2000-01-01 BC)"}', NULL),
('tstzrange', '{"[2024-03-31 00:59:59.999999+00,2024-03-31 01:00+00)"}', NULL),
('daterange', '{"[2024-02-29,2024-03-01)","(,infinity)"}', NULL),
('int4multirange', '{"{}","{[1,3),[5,7)}"}', NULL),
('datemultirange', '{"{[2024-01-01,2024-02-01),[2025-01-01,)}"}', NULL),
('text_range', '{empty,"[a,b]"}', $$text_range(least(a, b), greatest(a, b)) FROM (SELECT word(5) AS a, word(5) AS b OFFSET 0) s$$),
('float_range', '{"[0,-0]","[-Infinity,Infinity]","[0.1,0.3)"}', NULL),
('xid', '{0,3,4294967295}', NULL),
('xid8', '{0,18446744073709551615}', NULL),
('cid', '{0,4294967295}', NULL),
('tid', '{"(0,1)","(4294967295,65535)"}', NULL),
('pg_lsn', '{0/0,FFFFFFFF/FFFFFFFF}', NULL),
('pg_snapshot', '{10:20:10\,14\,15}', NULL),
('regclass', '{pg_class,fuzz.kind}', 'CASE WHEN random() < 0.5 THEN 0 ELSE 4000000000 END::oid::regclass'),
('regtype', '{-,int4,"timestamp with time zone",fuzz.mood,text[]}', NULL),
('regproc', '{-,4000000000,fuzz.word}', NULL),
('regprocedure', '{"fuzz.word(int)","pg_catalog.length(text)"}', NULL),
('regnamespace', '{pg_catalog,fuzz}', NULL),
('regconfig', '{simple,english}', NULL),
('jsonpath', '{$,"$.\"a b\"[*] ? (@ > 1)"}', NULL),
('refcursor', '{"","a,b"}', NULL),
('json', '{}', NULL),
('jsonb', '{}', $$jsonb_build_object(word(5), word(20), 'n', around(20)::numeric, 'a', jsonb_build_array(NULL, true, word(3), '{}'::jsonb))$$),
('mood', '{}', 'enum_range(NULL::mood)'),
('signal', '{red,green}', NULL),
('counted', '{0,1,2147483647}', NULL),
('small', '{0,99}', NULL),
('price', '{0,0.10,-1.00,NaN}', 'around(8)::price'),
('words', '{"{}","{a,NULL,\"NULL\",\"\"}","[0:1]={x,y}"}', 'ARRAY[word(9), NULL, word(3)]::words'),
('moment', '{infinity,2024-10-27 01:00+00}', NULL),
('pair', '{"(,)","(1,)","(,\"\")"}', 'ROW(around(4)::int, word(20))::pair'),
('mixed', '{"(,,,,,,,)"}', $$ROW(timestamptz '2000-01-01 00:00+00' + around(9) * interval '1 s', around(20)::numeric, NULL,
	jsonb_build_object('a', word(5)), ROW(1, word(9)), ARRAY[word(3)], decode(md5(random()::text), 'hex'), 'red')::mixed$$),
('whole_pair', '{"(,)","(7,\"a\"\"b\")"}', NULL);
INSERT INTO kind (type, texts, arrays) VALUES ('int2vector', '{"",1 2 3}', false), ('oidvector', '{"",1 2}', false), ('aclitem', '{postgres=r/postgres,=arwdDxt/postgres}', false);
UPDATE kind SET texts = ARRAY['', ' ', E'\r', E'\n', E'\r\n', E'a\rb', '\.', E'\n\\.\n', '\', '\\', '"', '""', '''', ',', ';', '|', E'\t', 'NULL', 'null',
	'\N', 't', '0', '=1+1', '+1', '-1', '@x', E'\b\f\x0b', E'\x01', E'\x7f', 'é', '日本語', '😀', U&'\2028', U&'\FEFFbom', 'a"b', 'a,b', E'tab\there',
	' lead', 'trail ', 'http://a/b', repeat('x', 70), repeat('"', 9), U&'\0085', 'ソ能表', '</script>']
WHERE type IN ('text', 'varchar');
UPDATE kind SET texts = ARRAY['', 'a', ' b', '"', E'\n', '日本', '\N'] WHERE type IN ('char(7)', 'varchar(12)');
UPDATE kind SET texts = ARRAY['{}', '[]', 'null', '"\u00e9\n"', E'{"a" : 1,\n "b":[ ]\t}', '[1.0,1e400,-0]', '"\\.\""', '{"a":1,"a":2}', 'true', '{"日":"😀"}']
WHERE type IN ('json', 'jsonb');
UPDATE kind SET texts = enum_range(NULL::mood)::text[], more = NULL WHERE type = 'mood';
UPDATE kind SET texts = texts || ARRAY['infinity', '-infinity'] WHERE type = 'interval' AND current_setting('server_version_num')::int >= 170000;

-- A function any_N for each kind, with arrays after the others.
DO $$
DECLARE
	k kind;
	edges text;
BEGIN
	FOR k IN SELECT * FROM kind ORDER BY number LOOP
		edges := format('(%L::text[])[1 + floor(random() * %s)::int]::%s', k.texts, cardinality(k.texts), k.type);
		IF cardinality(k.texts) = 0 THEN
			edges := 'NULL::' || k.type;
		END IF;
		EXECUTE format('CREATE FUNCTION any_%s() RETURNS %s LANGUAGE sql VOLATILE AS %L', k.number, k.type,
			CASE WHEN k.more IS NULL THEN 'SELECT ' || edges
			ELSE format('SELECT CASE WHEN random() < 0.4 THEN %s ELSE (SELECT %s) END', edges, k.more) END);
		CONTINUE WHEN NOT k.arrays;
		INSERT INTO kind (type, texts, arrays) VALUES (k.type || '[]', '{}', false);
		EXECUTE format('CREATE FUNCTION any_%s() RETURNS %s[] LANGUAGE sql VOLATILE AS %L', (SELECT max(number) FROM kind), k.type,
			format('SELECT CASE floor(random() * 6) WHEN 0 THEN ''{}''::%1$s[] WHEN 1 THEN ARRAY[%2$s, NULL, %2$s]::%1$s[] WHEN 2 THEN ARRAY[[%2$s, %2$s], [%2$s, %2$s]]::%1$s[]
				WHEN 3 THEN array_fill(%2$s, ARRAY[2], ARRAY[-3]) ELSE ARRAY[%2$s]::%1$s[] END', k.type, format('any_%s()', k.number)));
	END LOOP;
END $$;

-- ------------------------------------------------------- tables and options
-- Make the table "t"; returns its columns as COPY writes them.
CREATE FUNCTION make_table() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	count int := CASE WHEN random() < 0.02 THEN 0 WHEN random() < 0.1 THEN 20 + random() * 20 WHEN random() < 0.1 THEN 1 ELSE 1 + random() * 9 END;
	rows int := CASE WHEN random() < 0.05 THEN 0 WHEN random() < 0.04 THEN 1500 ELSE 1 + random() * 30 END;
	kinds int[] := ARRAY(SELECT number FROM kind ORDER BY number);
	nulls float8 := (ARRAY[0, 0.1, 0.5])[1 + floor(random() * 3)::int];
	columns text[] := '{}';
	defs text[] := '{}';
	cells text[] := '{}';
	k int;
BEGIN
	FOR i IN 1 .. count LOOP
		k := kinds[1 + floor(random() * cardinality(kinds))::int];
		-- every other column of a kind that most people use
		IF random() < 0.5 THEN
			k := kinds[1 + floor(random() * 37)::int];
		END IF;
		-- a text alone: what ends the data, or is an empty line
		IF count = 1 AND random() < 0.7 THEN
			k := (SELECT min(number) FROM kind, (SELECT pick('text', 'mood') AS type OFFSET 0) s WHERE kind.type = s.type);
		END IF;
		columns := columns || heading(i);
		defs := defs || format('%s %s', columns[i], (SELECT type FROM kind WHERE number = k));
		cells := cells || CASE WHEN nulls = 0 THEN format('any_%s()', k)
			ELSE format('CASE WHEN random() >= %s THEN any_%s() END', nulls, k) END;
	END LOOP;
	EXECUTE format('CREATE TABLE t (%s)', array_to_string(defs, ', '));
	IF random() < 0.1 THEN
		EXECUTE 'ALTER TABLE t ADD dropped text DEFAULT ''gone'', ADD later int DEFAULT 7';
		columns := columns || 'later'::text;
		defs := defs || 'later int'::text;
		cells := cells || 'random()::int'::text;
	END IF;
	IF cardinality(columns) = 0 THEN
		INSERT INTO t SELECT FROM generate_series(1, rows);
	ELSE
		EXECUTE format('INSERT INTO t (%s) SELECT %s FROM generate_series(1, %s)', array_to_string(columns, ', '), array_to_string(cells, ', '), rows);
	END IF;
	IF 'later' = ANY (columns) THEN
		ALTER TABLE t DROP COLUMN dropped;
	END IF;
	IF random() < 0.1 THEN
		ALTER TABLE t ADD added numeric DEFAULT 1.50, ADD generated int GENERATED ALWAYS AS (1) STORED;
		columns := columns || 'added'::text;
	END IF;
	RETURN columns;
END $$;

-- What COPY is given, and the same rows as a query: {target, query}.
CREATE FUNCTION make_source(columns text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	part text := (SELECT string_agg(c, ', ') FROM (SELECT c FROM unnest(columns) c ORDER BY random()) s WHERE random() < 0.7);
	query text := 'SELECT ' || array_to_string(columns, ', ') || ' FROM t';
BEGIN
	IF random() < 0.5 OR cardinality(columns) = 0 THEN
		RETURN ARRAY['t', query];
	ELSIF random() < 0.4 AND part IS NOT NULL THEN
		RETURN ARRAY[format('t (%s)', part), format('SELECT %s FROM t', part)];
	END IF;
	query := format('SELECT %s%s FROM t%s', coalesce(part || ', ', ''), pick('NULL AS nothing', '1 AS x, 2 AS x', 't AS whole', 'ROW(1, NULL, ''a"b'') AS anonymous',
			'ARRAY[ROW(1, ''x''), ROW(NULL, E''\n'')] AS rows', '(SELECT now() - now()) AS span', '''x,"y'' AS constant', 'ctid', 'count(*) OVER () AS n'),
		pick('', ' LIMIT 3', ' OFFSET 1', ' WHERE false', ' ORDER BY ctid DESC'));
	RETURN ARRAY['(' || query || ')', query];
END $$;

-- Options of core for a format, each after a comma.  Left out is where only the
-- errors differ: a null text that the encoding lacks and that is never written,
-- and an unknown FORCE_QUOTE column of a query.
CREATE FUNCTION make_options(format text, encoding text, source text[], columns text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text := '';
BEGIN
	IF random() < 0.4 THEN
		result := result || pick(', HEADER', ', HEADER false', ', HEADER on');
	END IF;
	IF random() < 0.4 THEN
		result := result || format(', DELIMITER %L', CASE WHEN random() < 0.1 THEN chr(1 + floor(random() * 126)::int)
			WHEN format = 'csv' THEN pick(';', '|', E'\t', ' ', '0', '-', '.', ':', 't', 'e', '(', '{', '\', '''', ',') ELSE pick(',', '|', ' ', '-', ':', ';', '"', '+', '{', 'N') END);
	END IF;
	IF random() < 0.4 THEN
		result := result || format(', NULL %L', pick('', 'NULL', '\N', '0', 't', 'NaN', ' ', CASE encoding WHEN 'UTF8' THEN 'é' ELSE '~' END, 'x', '{}', '""', 'null value', '1'));
	END IF;
	IF format = 'csv' AND random() < 0.3 THEN
		result := result || format(', QUOTE %L', pick('''', '~', '0', '-', 'a', '"', '|', '\', ':', ' '));
	END IF;
	IF format = 'csv' AND random() < 0.3 THEN
		result := result || format(', ESCAPE %L', pick('\', '"', '''', '~', '0', 'b', '-'));
	END IF;
	IF format = 'csv' AND random() < 0.3 AND cardinality(columns) > 0 THEN
		result := result || format(', FORCE_QUOTE %s', CASE WHEN random() < 0.5 OR source[1] LIKE '(%' THEN '*'
			ELSE '(' || columns[1 + floor(random() * cardinality(columns))::int] || ')' END);
	END IF;
	RETURN result;
END $$;

CREATE FUNCTION make_settings() RETURNS jsonb LANGUAGE sql VOLATILE AS
$$SELECT jsonb_build_object(
	'datestyle', pick('ISO', 'SQL', 'German', 'Postgres') || ', ' || pick('MDY', 'DMY', 'YMD'),
	'intervalstyle', pick('postgres', 'postgres_verbose', 'sql_standard', 'iso_8601'),
	'timezone', pick('UTC', 'America/New_York', 'Europe/London', 'Europe/Amsterdam', 'Asia/Kolkata', 'Pacific/Apia', 'America/St_Johns', 'Africa/Monrovia',
		'Australia/Lord_Howe', 'Antarctica/Troll', 'Asia/Tehran', '<+03:30>-3:30', '<x>+12:34', 'Pacific/Kiritimati', 'America/Sao_Paulo'),
	'extra_float_digits', pick('1', '1', '0', '3', '-1', '-8', '-15'),
	'bytea_output', pick('hex', 'escape'),
	'quote_all_identifiers', pick('off', 'off', 'on'),
	'search_path', pick('fuzz', 'fuzz', 'fuzz, pg_catalog, public'),
	'client_encoding', CASE WHEN random() < 0.75 THEN 'UTF8' ELSE pick('LATIN1', 'WIN1252', 'SJIS', 'EUC_JP', 'GBK', 'GB18030', 'LATIN9', 'SQL_ASCII', 'WIN1251', 'UHC') END)$$;

-- --------------------------------------------------------------- comparison
-- The file that a statement writes, or its error.
CREATE FUNCTION outcome(statement text, file text) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN pg_read_binary_file(file);
EXCEPTION WHEN others THEN
	RETURN convert_to('error ' || SQLSTATE || ' ' || SQLERRM, 'UTF8');
END $$;

-- The rows of a query by row_to_json, as lines or as an array, or the error.
-- In lines the ends of lines, which only json values hold raw, are blanks.
CREATE FUNCTION json_outcome(query text, encoding text, as_array boolean) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	lines text;
BEGIN
	IF as_array THEN
		EXECUTE format('SELECT string_agg(row_to_json(r)::text, E''\n,'') FROM (%s) r', query) INTO lines;
		lines := E'[\n' || coalesce(' ' || lines || E'\n', '') || E']\n';
	ELSE
		EXECUTE format('SELECT string_agg(translate(row_to_json(r)::text, E''\n\r'', ''  '') || E''\n'', '''') FROM (%s) r', query) INTO lines;
	END IF;
	RETURN convert_to(coalesce(lines, ''), encoding);
EXCEPTION WHEN others THEN
	RETURN convert_to('error ' || SQLSTATE || ' ' || SQLERRM, 'UTF8');
END $$;

CREATE FUNCTION is_error(outcome bytea) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$SELECT substr(outcome, 1, 6) = 'error '::bytea$$;

-- How many comparisons there were, by format and by whether core refused.
CREATE TABLE tally (format text, refused boolean, n int DEFAULT 0, PRIMARY KEY (format, refused));
INSERT INTO tally SELECT f, r FROM unnest(ARRAY['csv', 'text', 'json']) f, unnest(ARRAY[true, false]) r;

-- Fail, with all that is needed to see it again, unless the two are equal.
CREATE FUNCTION compare(format text, expected bytea, statement text, file text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	found bytea := outcome(statement, file);
	at int := 1;
	settings text;
BEGIN
	IF found = expected THEN
		UPDATE tally SET n = n + 1 WHERE tally.format = $1 AND refused = is_error(expected);
		RETURN;
	END IF;
	-- what only we refuse; with core's options alone it is core's to write
	IF is_error(found) AND encode(found, 'escape') LIKE 'error 0A000 format "%" cannot be written in encoding "SJIS"%'
		AND statement ~ 'FORMULAS|COMPRESSION|BOM|TIME_ZONE|HEADINGS|FORMAT .?(json|ndjson)' THEN
		RETURN;
	END IF;
	WHILE at <= least(length(found), length(expected)) AND get_byte(found, at - 1) = get_byte(expected, at - 1) LOOP
		at := at + 1;
	END LOOP;
	settings := (SELECT string_agg(name || ' = ' || quote_literal(setting), ', ') FROM pg_catalog.pg_settings WHERE name IN ('DateStyle', 'IntervalStyle', 'TimeZone',
		'extra_float_digits', 'bytea_output', 'quote_all_identifiers', 'search_path', 'client_encoding', 'syncport.accelerate_copy'));
	EXECUTE 'RESET ALL';
	RAISE EXCEPTION 'differs from byte % on: %', at, statement USING DETAIL = format(E'expected %s\nfound    %s\nsettings %s\ntable    %s',
		encode(substr(expected, greatest(at - 60, 1), 160), 'escape'), encode(substr(found, greatest(at - 60, 1), 160), 'escape'), settings,
		(SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'fuzz.t'::regclass AND attnum > 0 AND NOT attisdropped));
END $$;

-- One table in every format.
CREATE FUNCTION try_table(number int, seed int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	file text := current_setting('data_directory') || '/fuzz_export';
	columns text[];
	source text[];
	options text;
	statement text;
	expected bytea;
	encoding text;
	json_options text;
	f text;
BEGIN
	PERFORM setseed((seed::int8 * 7919 + number::int8 * 104729) % 1000003 / 1000003.0);
	columns := make_table();
	source := make_source(columns);
	PERFORM set_config(key, value, false) FROM jsonb_each_text(make_settings());
	encoding := current_setting('client_encoding');
	json_options := '';
	IF random() < 0.1 THEN
		encoding := pick('UTF8', 'LATIN1', 'SJIS', 'EUC_JP', 'GBK', 'WIN1252', 'BIG5', 'JOHAB');
		json_options := format(', ENCODING %L', encoding);
	END IF;
	FOREACH f IN ARRAY ARRAY['csv', 'text'] LOOP
		options := make_options(f, encoding, source, columns) || json_options;
		statement := format('COPY %s TO %L (FORMAT %s%s)', source[1], file, f, options);
		PERFORM set_config('syncport.accelerate_copy', 'off', false);
		expected := outcome(statement, file);
		PERFORM set_config('syncport.accelerate_copy', 'on', false);
		PERFORM compare(f, expected, statement, file);
		PERFORM compare(f, expected, format('COPY %s TO %L (FORMAT %s%s%s)', source[1], file, f, options,
			CASE f WHEN 'csv' THEN ', FORMULAS ''keep''' ELSE ', COMPRESSION ''none''' END), file);
	END LOOP;
	PERFORM compare('json', json_outcome(source[2], encoding, false), format('COPY %s TO %L (FORMAT ndjson%s)', source[1], file, json_options), file);
	PERFORM compare('json', json_outcome(source[2], encoding, true),
		format('COPY %s TO %L (FORMAT ''json'', FORCE_ARRAY%s)', source[1], file, json_options), file);
	EXECUTE 'RESET ALL';
	SET search_path = fuzz;
	DROP TABLE t;
END $$;

CREATE TABLE run AS SELECT :seed::int AS seed, :first::int AS first, :tables::int AS tables;
DO $$
DECLARE
	r run;
	problem text;
	detail text;
BEGIN
	SELECT * INTO r FROM run;
	FOR number IN r.first .. r.first + r.tables - 1 LOOP
		BEGIN
			PERFORM fuzz.try_table(number, r.seed);
		EXCEPTION WHEN others THEN
			GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
			RAISE EXCEPTION 'table %: %', number, problem USING DETAIL = detail,
				HINT = format('FUZZ_SEED=%s FUZZ_FIRST=%s FUZZ_TABLES=1', r.seed, number);
		END;
		COMMIT;
	END LOOP;
END $$;
SET search_path = fuzz;
TABLE tally ORDER BY format, refused;
SELECT 1 / min(CASE WHEN n > tables / 10 OR refused OR tables < 100 THEN 1 ELSE 0 END) AS balanced FROM tally, run \gset
SET client_min_messages = warning;
DROP SCHEMA fuzz CASCADE;
