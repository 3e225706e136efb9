-- export, export_query, plan_export and presets: what they give and refuse.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
CREATE SCHEMA export;
SET search_path = export;
CREATE FUNCTION file(chunks bytea[]) RETURNS SETOF text LANGUAGE sql STABLE AS
$$SELECT line FROM regexp_split_to_table(convert_from(
	(SELECT string_agg(c, '' ORDER BY n) FROM unnest(chunks) WITH ORDINALITY u(c, n)), 'UTF8'), E'\n')
	WITH ORDINALITY l(line, n) WHERE line <> '' ORDER BY n$$;
CREATE TABLE record (id integer PRIMARY KEY, title text, "Odd ""name" integer,
	amount numeric(8, 2), sold_at timestamptz, total numeric GENERATED ALWAYS AS (amount * 2) STORED);
INSERT INTO record VALUES
	(1, 'one', 1, 1.5, '2026-01-01 12:00'), (2, '=2+2', NULL, 7, NULL),
	(3, 'th"ree', 3, -3, '2026-07-01 12:00'), (4, NULL, 4, 12, 'infinity');
SELECT syncport.enable('record');
DELETE FROM record WHERE id = 4;

\pset tuples_only on
-- without syncport's columns and tombstones
SELECT file(array(SELECT syncport.export('record')));
SELECT file(array(SELECT syncport.export('record', 'json')));
SELECT file(array(SELECT syncport.export('record', 'ndjson', columns => '{title,"Odd \"name",id}',
	filter => '{"id": {"gt": 1}}', order_by => 'amount DESC')));
SELECT file(array(SELECT syncport.export('record', columns => '{id}', include_deleted => true)));
SELECT file(array(SELECT syncport.export('record', columns => '{id,deleted_at}', filter => '{"id": 1}')));
SELECT file(array(SELECT syncport.export('record', 'text', columns => '{id,title}')));
SELECT file(array(SELECT syncport.export('record', columns => '{id,title,sold_at}', options =>
	'{"header": true, "delimiter": ";", "force_quote": ["title"], "formulas": "escape", "null": "-",
	  "time_zone": "Europe/Berlin", "headings": {"id": "No.; \"n\""}, "bom": null, "encoding": "UTF8"}')));
SELECT file(array(SELECT syncport.export('record', columns => '{id,title}',
	options => '{"force_quote": true, "header": false}')));
SELECT file(array(SELECT syncport.export('record', 'json', columns => '{id}', options => '{"force_array": false}')));
SELECT syncport.export('record', columns => '{title}', filter => '{"id": 1}',
	options => '{"encoding": "LATIN1", "header": false, "compression": "none"}');
SELECT octet_length(syncport.export('record', 'xlsx')) > 1000;

-- a table without a key has an order, too
CREATE TABLE loose AS SELECT g AS id FROM generate_series(1, 3) g;
SELECT file(array(SELECT syncport.export('loose', 'ndjson', order_by => 'id DESC')));
CREATE TABLE parted (id integer) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
INSERT INTO parted VALUES (1);
SELECT file(array(SELECT syncport.export('parted', 'ndjson')));

-- queries
SELECT file(array(SELECT syncport.export_query('SELECT 1 AS a, ''x,y'' AS b UNION ALL VALUES (2, NULL)')));
SELECT file(array(SELECT syncport.export_query('INSERT INTO loose VALUES (9) RETURNING id', 'ndjson')));
SELECT file(array(SELECT syncport.export_query('SELECT FROM loose', 'json')));
SELECT file(array(SELECT syncport.export_query('SELECT 1 WHERE false', 'csv', '{"header": false}')));

-- how many rows, and which way
SELECT * FROM syncport.plan_export('record');
SELECT * FROM syncport.plan_export('record', filter => '{"id": {"lt": 3}}', include_deleted => true);
SET syncport.background_rows = 2;
SELECT * FROM syncport.plan_export('record');
SELECT * FROM syncport.plan_export('record', include_deleted => true);
RESET syncport.background_rows;

-- presets
SELECT syncport.save_preset('record', 'Financial', '{amount,id}', '{"amount": {"gt": 0}}', 'amount DESC',
	'{"amount": "Amount, EUR"}');
SELECT syncport.save_preset('record', 'It''s "odd"; DROP TABLE record', shared => true);
SELECT file(array(SELECT syncport.export('record', preset => 'Financial')));
SELECT file(array(SELECT syncport.export('record', preset => 'Financial', columns => '{id,title}', order_by => 'id',
	filter => '{"id": {"lt": 2}}', options => '{"headings": {"id": "Number"}}')));
SELECT file(array(SELECT syncport.export('record', preset => 'all', columns => '{id}')));
SELECT count(*) FROM syncport.export('record', preset => 'It''s "odd"; DROP TABLE record');
SELECT * FROM syncport.plan_export('record', preset => 'Financial');
COPY record TO STDOUT (FORMAT csv, HEADER, PRESET 'Financial');
COPY record (title) TO STDOUT (FORMAT csv, HEADER, PRESET 'Financial', FILTER '{"id": 1}');
COPY record (id, title) TO STDOUT (FORMAT ndjson, FILTER '{"title": {"ne": "one"}}', ORDER_BY 'id DESC');
COPY record (id, deleted_at) TO STDOUT (FORMAT csv, ORDER_BY '"Odd ""name" NULLS FIRST', NULL 'none', FILTER '{"id": {"lt": 4}}');
SELECT target, name, columns, filter, order_by, headings, shared, owner = current_user AS mine, principal
FROM syncport.preset ORDER BY name COLLATE "C";
SELECT syncport.save_preset('record', 'Financial', '{id}');
SELECT name, columns, filter FROM syncport.preset WHERE name = 'Financial';
SELECT syncport.drop_preset('record', 'Financial');
SELECT syncport.drop_preset('record', 'Financial');
\pset tuples_only off

-- refused
SELECT syncport.export(NULL);
SELECT syncport.export('record', 'pdf');
SELECT syncport.export('record', columns => '{}');
SELECT syncport.export('record', columns => '{id,NULL}');
SELECT syncport.export('record', columns => '{id,ID}');
SELECT syncport.export('record', columns => '{id,id}');
SELECT syncport.export('record', columns => '{ctid}');
SELECT syncport.export('record', filter => '{"nothing": 1}');
SELECT syncport.export('record', order_by => 'nothing');
SELECT syncport.export('record', preset => 'Nothing');
SELECT syncport.export('record', 'raw');
SELECT syncport.export('record', options => '[]');
SELECT syncport.export('record', options => '{"filter": {}}');
SELECT syncport.export('record', options => '{"chunk_bytes": 1023}');
SELECT syncport.export('record', options => '{"chunk_bytes": "many"}');
SELECT syncport.export('record', options => '{"sheet": "x"}');
SELECT syncport.export('record', options => '{"delimiter": "ab"}');
SELECT syncport.export('record', options => '{"force_quote": [1]}');
SELECT syncport.export('syncport.status');
SELECT syncport.export_query(NULL);
SELECT syncport.export_query('SELECT 1; SELECT 2');
SELECT syncport.export_query('VACUUM');
SELECT syncport.export_query('DELETE FROM loose');
SELECT syncport.export_query('');
SELECT syncport.export_query('SELECT 1 / (2 - g) FROM generate_series(1, 3) g');
COPY (SELECT 1) TO STDOUT (FORMAT csv, FILTER '{}');
COPY record TO STDOUT (FORMAT csv, FILTER '{"nothing": 1}');
COPY record TO STDOUT (FORMAT csv, FILTER 'nothing');
SELECT syncport.save_preset('record', 'all');
SELECT syncport.save_preset('record', '');
SELECT syncport.save_preset('record', NULL);
SELECT syncport.save_preset('record', 'p', '{nothing}');
SELECT syncport.save_preset('record', 'p', filter => '{"id": {"like": 1}}');
SELECT syncport.save_preset('record', 'p', order_by => 'id sideways');
SELECT syncport.save_preset('record', 'p', headings => '{"id": 1}');
SELECT syncport.drop_preset(NULL, 'p');
CREATE TABLE imaged (id integer PRIMARY KEY);
SELECT syncport.enable('imaged', tombstones => 'image');
SELECT syncport.export('imaged', include_deleted => true);
SELECT count(*) FROM pg_cursors;

-- an export that began in a subtransaction ends with it
BEGIN;
DECLARE walk CURSOR FOR SELECT octet_length(syncport.export_query(
	'SELECT g FROM generate_series(1, 2000) g', options => '{"chunk_bytes": 1024}'));
SAVEPOINT before;
FETCH 1 FROM walk;
ROLLBACK TO before;
MOVE ALL FROM walk;
ROLLBACK;
DROP SCHEMA export CASCADE;
