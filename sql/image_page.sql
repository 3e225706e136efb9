-- Pages with deleted rows that left their table: their images among the rows.
SET client_min_messages = warning;
CREATE SCHEMA image_page;
SET search_path = image_page, pg_catalog;
CREATE TABLE record (id int PRIMARY KEY, gone int, label text, price numeric,
	tags text[], noted timestamptz);
ALTER TABLE record DROP COLUMN gone;
SELECT syncport.enable('record', tombstones => 'image');
INSERT INTO record SELECT i, 'label ' || i % 3, i * 1.50, ARRAY[i::text, NULL],
	timestamptz '2026-01-01 00:00 UTC' + i * interval '1 day'
	FROM generate_series(1, 9) i;
DELETE FROM record WHERE id IN (2, 3, 8);

-- only if asked for, forward and backward, with cursors of both kinds of rows
SELECT (item).id FROM syncport.page(NULL::record, page_size => 4);
SELECT (item).id, (item).label, (item).price, (item).tags
FROM syncport.page(NULL::record, page_size => 4, include_deleted => true);
SELECT cursor AS second FROM syncport.page(NULL::record, page_size => 2,
	include_deleted => true) OFFSET 1 \gset
SELECT (item).id FROM syncport.page(NULL::record, after => :'second',
	page_size => 3, include_deleted => true);
SELECT (item).id FROM syncport.page(NULL::record, after => :'second',
	page_size => 3);
SELECT (item).id FROM syncport.page(NULL::record, before => 'end',
	page_size => 3, include_deleted => true);
SELECT (item).id, (item).label FROM syncport.page(NULL::record,
	order_by => 'label DESC', include_deleted => true);
SELECT syncport.page_json('record', order_by => 'price DESC',
	columns => '{id,noted}', filter => '{"label":{"ne":"label 0"}}',
	page_size => 10, total => 'exact', include_deleted => true);
SELECT syncport.page_json('record', after => :'second', page_size => 2,
	columns => '{price}', include_deleted => true)::jsonb - 'next_cursor' - 'prev_cursor';

-- counted with them
SELECT * FROM syncport.count_rows('record', include_deleted => true);
SELECT * FROM syncport.count_rows('record', '{"id":{"lt":4}}', true, 'exact');
SELECT * FROM syncport.count_rows('record', '{"id":{"lt":4}}', false, 'exact');

-- a key that is used again: the live row; deleted again: the newest image
INSERT INTO record VALUES (2, 'again');
SELECT (item).id, (item).label FROM syncport.page(NULL::record, page_size => 2,
	include_deleted => true);
DELETE FROM record WHERE id = 2;
SELECT (item).id, (item).label FROM syncport.page(NULL::record, page_size => 2,
	include_deleted => true);
-- what was erased of the newest hides the older ones, too
UPDATE syncport.tombstone SET complete = false, image = '{"id":"2"}'
	WHERE target = 'record'::regclass AND image ->> 'label' = 'again';
SELECT (item).id FROM syncport.page(NULL::record, page_size => 2,
	include_deleted => true);
DELETE FROM syncport.tombstone WHERE NOT complete;

-- columns that came, went, were renamed, or have another type
ALTER TABLE record ADD COLUMN late int NOT NULL DEFAULT 7;
ALTER TABLE record DROP COLUMN price;
ALTER TABLE record ALTER COLUMN label TYPE varchar(7);
ALTER TABLE record ALTER COLUMN tags TYPE int[] USING '{}';
UPDATE syncport.tombstone SET image =
	replace(image::text, 'label 0', 'label too long')::json
	WHERE target = 'record'::regclass AND image ->> 'id' = '3';
UPDATE syncport.tombstone SET image =
	replace(image::text, '{8,NULL}', 'no array')::json
	WHERE target = 'record'::regclass AND image ->> 'id' = '8';
SELECT (item).id, (item).label, (item).tags, (item).late
FROM syncport.page(NULL::record, include_deleted => true) WHERE (item).id IN (1, 2, 3, 8);
SELECT array_agg((item).id ORDER BY (item).id)
FROM syncport.page(NULL::record, include_deleted => true) WHERE (item).late IS NULL;
-- NULL behind a column that is NOT NULL in the table
SELECT (item).id, (item).late, cursor IS NOT NULL FROM syncport.page(NULL::record,
	order_by => 'late DESC', page_size => 5, include_deleted => true);
SELECT cursor AS fifth FROM syncport.page(NULL::record, order_by => 'late DESC',
	page_size => 2, include_deleted => true) OFFSET 1 \gset
SELECT (item).id, (item).late FROM syncport.page(NULL::record,
	order_by => 'late DESC', after => :'fifth', include_deleted => true);
-- an image that lost its key is no row
ALTER TABLE record RENAME COLUMN id TO number;
SELECT array_agg((item).number) FROM syncport.page(NULL::record,
	include_deleted => true);
ALTER TABLE record RENAME COLUMN number TO id;
ALTER TABLE record ALTER COLUMN id TYPE smallint;
UPDATE syncport.tombstone SET image =
	replace(image::text, '"id":"8"', '"id":"88888"')::json
	WHERE target = 'record'::regclass AND image ->> 'id' = '8';
SELECT array_agg((item).id) FROM syncport.page(NULL::record,
	include_deleted => true);

-- what is no image of ours
CREATE FUNCTION try(image json) RETURNS TABLE (id int, label text)
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE syncport.tombstone t SET image = try.image
		WHERE target = 'record'::regclass AND key ->> 'id' = '3';
	RETURN QUERY SELECT (item).id::int, (item).label::text
		FROM syncport.page(NULL::record, include_deleted => true)
		WHERE (item).id = 3;
EXCEPTION WHEN data_corrupted THEN
	RETURN QUERY SELECT -1, regexp_replace(SQLERRM, '\d+', 'N');
END $$;
SELECT * FROM try('{"id":"3","label":"\"q\\ \t\u001b"}');
SELECT * FROM try('{"label":null,"other":"x\\","id":"3"}');
SELECT * FROM try('{"label":"x"}');
SELECT * FROM try('{}');
SELECT * FROM try('[]');
SELECT * FROM try('3');
SELECT * FROM try('{"label": "x"}');
SELECT * FROM try('{"label":1}');
SELECT * FROM try('{"label":true}');
SELECT * FROM try('{"label":{}}');
SELECT * FROM try('{"id":"\u0033","label":"\/"}');
SELECT * FROM try('{"id":"3","label":"\u00e9"}');
SELECT * FROM try('{"label":"x" }');
SELECT * FROM try('{"label":null }');
DELETE FROM syncport.tombstone WHERE key ->> 'id' = '3';
ALTER SEQUENCE syncport.tombstone_id_seq RESTART 1000000;
INSERT INTO record (id, late) VALUES (30, 1);
DELETE FROM record WHERE id = 30;
UPDATE syncport.tombstone SET image = '[]' WHERE id = 1000000;
\set SHOW_CONTEXT never
SELECT FROM syncport.page(NULL::record, include_deleted => true);
DELETE FROM syncport.tombstone WHERE id = 1000000;

-- the ticket
SELECT * FROM syncport.image_rows(1) AS i(id int);
SELECT * FROM syncport.image_rows(NULL) AS i(id int);

-- privileges on columns, of the rows and of the images
CREATE ROLE regress_image_reader;
GRANT USAGE ON SCHEMA image_page, syncport TO regress_image_reader;
GRANT SELECT (id, label) ON record TO regress_image_reader;
SET ROLE regress_image_reader;
SELECT syncport.page_json('record', page_size => 1, columns => '{label}',
	include_deleted => true)::jsonb -> 'items' AS items;
SELECT syncport.page_json('record', columns => '{label,tags}', include_deleted => true);
SELECT syncport.page_json('record', columns => '{label}', order_by => 'noted',
	include_deleted => true);
SELECT syncport.page_json('record', columns => '{label}',
	filter => '{"noted":{"gt":"2026-01-01"}}', include_deleted => true);
SELECT * FROM syncport.count_rows('record', '{"label":"x"}', true, 'exact');
SELECT * FROM syncport.count_rows('record', '{"noted":{"gt":"2026-01-01"}}', true, 'exact');
SELECT * FROM syncport.tombstone;
RESET ROLE;
-- also where the page holds images alone
DELETE FROM record;
SET ROLE regress_image_reader;
SELECT syncport.page_json('record', columns => '{label,tags}', page_size => 1,
	include_deleted => true);
SELECT (item).id FROM syncport.page(NULL::record, page_size => 1, include_deleted => true);
RESET ROLE;
REVOKE SELECT (label) ON record FROM regress_image_reader;
SET ROLE regress_image_reader;
SELECT syncport.page_json('record', columns => '{label}', page_size => 1,
	include_deleted => true);
RESET ROLE;

-- row policies: by role, by setting, through another table, restrictive
CREATE TABLE member (name text, tenant int);
CREATE TABLE document (tenant int, name text, secret boolean, PRIMARY KEY (tenant, name));
SELECT syncport.enable('document', tombstones => 'image');
INSERT INTO document SELECT i % 3, 'document ' || i, i > 6 FROM generate_series(1, 9) i;
DELETE FROM document WHERE name > 'document 3';
INSERT INTO member VALUES ('regress_image_reader', 1);
ALTER TABLE document ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON document, member TO regress_image_reader;
CREATE FUNCTION seen() RETURNS TABLE (tenant int, name text) LANGUAGE sql
SET search_path = image_page, pg_catalog AS $$
	SELECT (item).tenant, (item).name
	FROM syncport.page(NULL::document, include_deleted => true)
$$;
SET ROLE regress_image_reader;
SELECT * FROM seen();
RESET ROLE;
CREATE POLICY setting ON document TO regress_image_reader
	USING (tenant = nullif(current_setting('app.tenant', true), '')::int);
SET app.tenant = '2';
SET ROLE regress_image_reader;
SELECT * FROM seen();
SET app.tenant = '0';
SELECT * FROM seen();
SELECT * FROM syncport.count_rows('document', NULL, true, 'exact');
RESET ROLE;
CREATE POLICY membership ON document
	USING (tenant IN (SELECT m.tenant FROM member m WHERE m.name = current_user));
CREATE POLICY open ON document AS RESTRICTIVE USING (NOT secret);
SET ROLE regress_image_reader;
SELECT * FROM seen();
SET row_security = off;
SELECT * FROM seen();
RESET row_security;
RESET ROLE;
SELECT count(*) FROM seen();
DELETE FROM member;
SET ROLE regress_image_reader;
SELECT * FROM seen();
RESET ROLE;
-- a policy's column that the image lacks, or whose value is refused
UPDATE syncport.tombstone SET image =
	replace(image::text, '"secret":"f"', '"secret":"perhaps"')::json
	WHERE key ->> 'name' = 'document 6';
SET ROLE regress_image_reader;
SELECT * FROM seen();
RESET ROLE;
ALTER TABLE document RENAME COLUMN secret TO hidden;
SET ROLE regress_image_reader;
SELECT * FROM seen();
RESET ROLE;
-- policies that no image can be asked
CREATE POLICY whole ON document AS RESTRICTIVE USING (document IS NOT NULL);
SET ROLE regress_image_reader;
SELECT * FROM seen();
RESET ROLE;
DROP POLICY whole ON document;
CREATE POLICY place ON document AS RESTRICTIVE
	USING (EXISTS (SELECT FROM member WHERE document.xmin IS NOT NULL));
SET ROLE regress_image_reader;
SELECT * FROM seen();
RESET ROLE;

-- a table with tombstones of its own has no images on its pages
CREATE TABLE plain (id int PRIMARY KEY);
SELECT syncport.enable('plain');
INSERT INTO plain VALUES (1), (2);
SET syncport.soft_delete = off;
DELETE FROM plain WHERE id = 1;
RESET syncport.soft_delete;
SELECT (item).id FROM syncport.page(NULL::plain, include_deleted => true);

-- partitions: all images on the whole table, on a partition its own
CREATE TABLE part (id int PRIMARY KEY, label text) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_high (label text, id int NOT NULL);
ALTER TABLE part ATTACH PARTITION part_high FOR VALUES FROM (10) TO (20);
SELECT syncport.enable('part', tombstones => 'image');
INSERT INTO part SELECT i, 'p' || i FROM generate_series(5, 14) i;
DELETE FROM part WHERE id % 3 = 0;
SELECT array_agg((item).id) FROM syncport.page(NULL::part, include_deleted => true);
SELECT array_agg((item).label) FROM syncport.page(NULL::part_low, include_deleted => true);
SELECT array_agg((item).label) FROM syncport.page(NULL::part_high, include_deleted => true);

-- the session remembers where images stand: pages see what came, went and
-- was taken back since, in other transactions and in their own
CREATE TABLE kept (id int PRIMARY KEY, v int, label text);
SELECT syncport.enable('kept', tombstones => 'image');
INSERT INTO kept SELECT i, i % 5, 'k' || i FROM generate_series(1, 60) i;
DELETE FROM kept WHERE id % 3 = 0;
CREATE FUNCTION ids(order_by text, before text, size int DEFAULT 8) RETURNS int[]
LANGUAGE sql SET search_path = image_page, pg_catalog AS $$
	SELECT array_agg((item).id) FROM syncport.page(NULL::kept,
		order_by => order_by, before => before, page_size => size,
		include_deleted => true)
$$;
SELECT ids('v DESC', NULL), ids('v DESC', 'end');
DELETE FROM kept WHERE id IN (59, 55, 5);
SELECT ids('v DESC', NULL), ids('v DESC', 'end');
BEGIN;
INSERT INTO kept VALUES (3, 9, 'again');
SELECT ids('v DESC', NULL, 3);
DELETE FROM kept WHERE id = 3;
SELECT ids('v DESC', NULL, 3);
ROLLBACK;
SELECT ids('v DESC', NULL, 3), ids('v', NULL);
INSERT INTO kept VALUES (3, 9, 'again');
SELECT ids('v DESC', NULL, 3);
DELETE FROM kept WHERE id = 3;
SELECT ids('v DESC', NULL, 3);
DELETE FROM syncport.tombstone WHERE target = 'kept'::regclass AND image ->> 'id' IN ('9', '3');
SELECT ids('v DESC', NULL, 9), ids('v', NULL, 3);
UPDATE syncport.tombstone SET complete = false, image = NULL
	WHERE target = 'kept'::regclass AND image ->> 'id' = '24';
SELECT ids('v DESC', NULL, 9);
VACUUM FULL syncport.tombstone;
SELECT ids('v DESC', NULL, 9);
INSERT INTO kept SELECT i, i % 5, 'k' || i FROM generate_series(100, 160) i;
DELETE FROM kept WHERE id > 100;
-- every page of every size and order, against all in one
CREATE FUNCTION walk(size int, order_by text, backward boolean) RETURNS int[]
LANGUAGE plpgsql AS $$
DECLARE
	result int[] := '{}';
	ids int[];
	ends text[];
	position text := CASE WHEN backward THEN 'end' END;
BEGIN
	LOOP
		SELECT array_agg((item).id), array_agg(cursor) INTO ids, ends
		FROM syncport.page(NULL::kept, CASE WHEN NOT backward THEN position END,
			CASE WHEN backward THEN position END, size, order_by,
			include_deleted => true);
		EXIT WHEN ids IS NULL;
		result := CASE WHEN backward THEN ids || result ELSE result || ids END;
		position := ends[CASE WHEN backward THEN 1 ELSE cardinality(ends) END];
	END LOOP;
	RETURN result;
END $$;
SELECT order_by, bool_and(walk(size, order_by, backward) = ids(order_by, NULL, 1000)),
	cardinality(ids(order_by, NULL, 1000))
FROM unnest(ARRAY['id', 'id DESC', 'v', 'v DESC NULLS LAST, label', 'label']) AS order_by,
	unnest(ARRAY[1, 7, 50]) AS size, unnest(ARRAY[false, true]) AS backward
GROUP BY order_by ORDER BY order_by;
SELECT order_by, ids(order_by, NULL, 1000) = (
	SELECT array_agg(id ORDER BY CASE WHEN order_by = 'v DESC' THEN -v END, id)
	FROM (SELECT id, v FROM kept UNION
		  SELECT (image ->> 'id')::int, (image ->> 'v')::int FROM syncport.tombstone
		  WHERE target = 'kept'::regclass AND complete) AS everything) AS same
FROM unnest(ARRAY['id', 'v DESC']) AS order_by;

REVOKE USAGE ON SCHEMA syncport FROM regress_image_reader;
DROP SCHEMA image_page CASCADE;
DROP ROLE regress_image_reader;
