-- Properties of pages with images of deleted rows: joined they are the
-- ordered union of the table and of what was deleted of it, each row exactly
-- once, forward and backward, whatever the order, the page size, the indexes
-- and the session's formats.  The reference is a copy of the table from which
-- nothing is deleted.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT no_plan();

CREATE SCHEMA image_page;
SET LOCAL search_path = image_page, public;
CREATE COLLATION german (provider = icu, locale = 'de');
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN price AS numeric(12, 2) CHECK (value > -1000);
CREATE TYPE pair AS (a integer, b text);

-- Walk over a whole table with the deleted rows; the formats change at each
-- page.
CREATE FUNCTION walk(target regclass, order_by text, size integer,
	backward boolean, filter jsonb DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
	result text[] := '{}';
	rows text[];
	cursors text[];
	position text := CASE WHEN backward THEN 'end' END;
	pages integer := 0;
BEGIN
	LOOP
		EXECUTE format('SELECT array_agg((item)::text), array_agg(cursor)
			FROM syncport.page(NULL::%s, %s => $1, page_size => $2,
			order_by => $3, filter => $4, include_deleted => true)', target,
			CASE WHEN backward THEN 'before' ELSE 'after' END)
			INTO rows, cursors USING position, size, order_by, filter;
		EXIT WHEN rows IS NULL OR pages > 500;
		IF cardinality(rows) > size THEN
			RETURN ARRAY['page too large'];
		END IF;
		result := CASE WHEN backward THEN rows || result
			ELSE result || rows END;
		position := cursors[CASE WHEN backward THEN 1
			ELSE cardinality(cursors) END];
		pages := pages + 1;
	END LOOP;
	RETURN result;
END $$;

-- The rows of the copy in the same order.
CREATE FUNCTION expected(target regclass, order_by text,
	condition text DEFAULT 'true') RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
	key text;
	result text[];
BEGIN
	SELECT string_agg(quote_ident(attname), ', ' ORDER BY array_position(indkey::int2[], attnum))
		INTO key FROM pg_index JOIN pg_attribute ON attrelid = indrelid
		AND attnum = ANY (indkey) WHERE indrelid = target AND indisprimary;
	EXECUTE format('SELECT array_agg(r::text ORDER BY %s) FROM %s r
		WHERE %s', concat_ws(', ', nullif(order_by, ''), key),
		(SELECT format('%I.%I', relnamespace::regnamespace, relname || ' copy')
		 FROM pg_class WHERE oid = target), condition) INTO result;
	RETURN result;
END $$;

CREATE FUNCTION check_table(target regclass, orders text[]) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	order_by text;
	size integer;
	backward boolean;
BEGIN
	FOREACH order_by IN ARRAY orders LOOP
		FOREACH size IN ARRAY ARRAY[1, 7, 100] LOOP
			FOREACH backward IN ARRAY ARRAY[false, true] LOOP
				RETURN NEXT is(walk(target, nullif(order_by, ''), size, backward),
					expected(target, order_by),
					format('%s by "%s", %s rows a page%s', target, order_by,
						size, CASE WHEN backward THEN ', backward' ELSE '' END));
			END LOOP;
		END LOOP;
	END LOOP;
END $$;

-- Copy a table as it is, then delete some of its rows.
CREATE FUNCTION delete_some(target regclass, condition text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE image_page.%I AS TABLE %s',
		(SELECT relname || ' copy' FROM pg_class WHERE oid = target), target);
	EXECUTE format('DELETE FROM %s WHERE %s', target, condition);
END $$;

-- many types, NULLs in every column but the key
CREATE TABLE everything (id bigint PRIMARY KEY, gone text,
	label text COLLATE german, short varchar(10), fixed char(5), amount price,
	feeling mood, tags text[], pair pair, span int4range, lasts interval,
	noted timestamptz, day date, bits bytea, fact boolean, float8 float8,
	data jsonb, raw json, path xml, net inet, place point, "order" int,
	"ä "" b" text, sum int GENERATED ALWAYS AS ("order" * 2) STORED);
ALTER TABLE everything DROP COLUMN gone;
SELECT syncport.enable('everything', tombstones => 'image', sort_keys => '{amount,"label DESC"}');
INSERT INTO everything (id, label, short, fixed, amount, feeling, tags, pair,
	span, lasts, noted, day, bits, fact, float8, data, raw, path, net, place,
	"order", "ä "" b")
SELECT i, nullif(chr(96 + i % 9) || E'"\\\t\n\x01 é', 'c' || E'"\\\t\n\x01 é'), 'v' || i % 4, 'c' || i % 3,
	nullif(i % 6, 1) * 1.25, (ARRAY['sad', 'ok', NULL, 'happy'])[1 + i % 4]::mood,
	CASE WHEN i % 5 > 0 THEN ARRAY['x,"' || i % 7, NULL, 'NULL'] END,
	ROW(i % 3, 'a"b')::pair, int4range(i % 8, 10),
	nullif(i % 5, 2) * interval '-1 day +02:03:04.5',
	timestamptz '2026-01-01 00:00:00.123456 UTC' + i % 11 * interval '1 hour',
	date '2026-01-01' - i % 13 * 100000, decode(lpad(to_hex(i % 16), 4, '0'), 'hex'),
	nullif(i % 3, 2) = 1, nullif(i % 4, 1) * 0.1::float8,
	jsonb_build_object('n', i % 3, 's', E'\n'), '{"a" :  1, "a": 2}', '<a/>b',
	('10.0.0.' || i % 9)::inet, point(i, 0.1), i % 10, 'ü' || i % 2
FROM generate_series(1, 60) i;
SELECT delete_some('everything', 'id % 3 = 0 OR id BETWEEN 20 AND 30');
SELECT check_table('everything', ARRAY['', 'id DESC', 'label', 'label DESC',
	'amount NULLS FIRST', 'feeling DESC NULLS LAST, tags', 'fact, lasts DESC',
	'day DESC', 'noted, "ä "" b" DESC', 'float8 NULLS FIRST, "order"',
	'fixed, short DESC', 'data, bits', 'span DESC', 'pair, net', 'sum DESC']);

-- formats of the session
SET LOCAL DateStyle = 'German';
SET LOCAL IntervalStyle = 'sql_standard';
SET LOCAL extra_float_digits = -4;
SET LOCAL TimeZone = 'Asia/Kolkata';
SET LOCAL array_nulls = off;
SET LOCAL bytea_output = 'escape';
SET LOCAL xmloption = document;
SELECT check_table('everything', ARRAY['noted DESC']);
RESET DateStyle; RESET IntervalStyle; RESET extra_float_digits;
RESET TimeZone; RESET array_nulls; RESET bytea_output; RESET xmloption;

-- filters
SELECT is(walk('everything', 'amount', 4, backward,
		'{"label":{"gt":"c"},"or":[{"feeling":"ok"},{"data":{"contains":{"n":1}}}]}'),
	expected('everything', 'amount',
		$$label > 'c' AND (feeling = 'ok' OR data @> '{"n":1}')$$),
	'filtered') FROM unnest(ARRAY[false, true]) AS backward;
SELECT is(c.rows, cardinality(expected('everything', '', $$"ä "" b" = 'ü1'$$))::bigint,
	'counted')
FROM syncport.count_rows('everything', '{"ä \" b":"ü1"}', true, 'exact') c;

-- keys of several columns, odd names, deleted and used again
CREATE TABLE "Odd Table" ("Key two" text, "select" numeric, "Value" int,
	PRIMARY KEY ("select", "Key two"));
SELECT syncport.enable('"Odd Table"', tombstones => 'image');
INSERT INTO "Odd Table" SELECT 'k' || i % 7, (i / 7) * 1.5, i % 4 FROM generate_series(1, 40) i;
SELECT delete_some('"Odd Table"', '"Value" < 2');
INSERT INTO "Odd Table" SELECT * FROM "Odd Table copy" WHERE "Value" = 1;
DELETE FROM "Odd Table" WHERE "Value" = 1 AND "select" > 3;
UPDATE "Odd Table copy" c SET updated_at = o.updated_at, row_version = o.row_version
FROM "Odd Table" o WHERE (o."select", o."Key two") = (c."select", c."Key two");
SELECT check_table('"Odd Table"', ARRAY['', '"Value" DESC', '"Key two"']);

-- nothing deleted, everything deleted
CREATE TABLE few (id int PRIMARY KEY, v int);
SELECT syncport.enable('few', tombstones => 'image');
INSERT INTO few SELECT i, i % 3 FROM generate_series(1, 9) i;
SELECT delete_some('few', 'false');
SELECT check_table('few', ARRAY['', 'v DESC']);
DROP TABLE "few copy";
SELECT delete_some('few', 'true');
SELECT check_table('few', ARRAY['', 'v DESC']);

-- partitions
CREATE TABLE part (id int, v int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (20);
CREATE TABLE part_high PARTITION OF part DEFAULT;
SELECT syncport.enable('part', tombstones => 'image');
INSERT INTO part SELECT i, i % 3 FROM generate_series(1, 40) i;
SELECT delete_some('part', 'id % 4 = 1');
SELECT check_table('part', ARRAY['', 'v DESC']);

-- policies: what a policy shows of the copy it shows of rows and images
GRANT USAGE ON SCHEMA image_page, syncport TO PUBLIC;
CREATE ROLE image_page_member;
CREATE ROLE image_page_other;
GRANT SELECT ON ALL TABLES IN SCHEMA image_page TO image_page_member, image_page_other;
DO $$
DECLARE
	relation text;
BEGIN
	FOREACH relation IN ARRAY ARRAY['everything', 'everything copy'] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', relation);
		EXECUTE format('CREATE POLICY setting ON %I TO image_page_member USING
			("order" < coalesce(nullif(current_setting(''app.limit'', true), '''')::int, 0))', relation);
		EXECUTE format('CREATE POLICY other ON %I TO image_page_other USING
			(EXISTS (SELECT FROM few WHERE few.id IS NOT NULL) OR amount > 3
			 OR feeling IS NULL)', relation);
		EXECUTE format('CREATE POLICY restricted ON %I AS RESTRICTIVE USING
			(label IS NOT NULL)', relation);
	END LOOP;
END $$;
-- $1 in the role of each and under two settings
CREATE FUNCTION as_role(role text, setting text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	walked text[];
	reference text[];
BEGIN
	PERFORM set_config('app.limit', setting, true);
	EXECUTE format('SET LOCAL ROLE %I', role);
	walked := walk('everything', 'amount DESC', 7, false);
	reference := expected('everything', 'amount DESC');
	RESET ROLE;
	RETURN NEXT is(walked, reference, format('rows of %s, setting "%s"', role, setting));
	RETURN NEXT ok(cardinality(walked) BETWEEN 1 AND 59, 'some, not all');
END $$;
SELECT as_role('image_page_member', '3');
SELECT as_role('image_page_member', '8');
SELECT as_role('image_page_other', '');
SELECT as_role('image_page_member', '5');

-- the ticket
SELECT throws_ok('SELECT * FROM syncport.image_rows(0) AS i(id int)', '42501',
	'permission denied for function image_rows', 'nobody reads images without a ticket');
SELECT * FROM finish();
ROLLBACK;
