-- syncport.enable, enable_script and disable
CREATE SCHEMA enable_test;
SET search_path = enable_test;
SET client_min_messages = warning;

-- What the tests look at: columns, triggers and indexes without their names.
CREATE VIEW shape AS
	SELECT c.oid::regclass AS target, 1 AS part,
		   concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
					 CASE WHEN a.attnotnull THEN 'not null' END,
					 'default ' || pg_get_expr(d.adbin, d.adrelid)) AS item
	FROM pg_class c
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		AND NOT a.attisdropped
	LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	WHERE c.relkind IN ('r', 'p')
	UNION ALL
	SELECT tgrelid::regclass, 2,
		   tgenabled::text || ' ' || regexp_replace(pg_get_triggerdef(oid),
											  ' ON \S+', '')
	FROM pg_trigger WHERE tgname ~ 'syncport'
	UNION ALL
	SELECT i.indrelid::regclass, 3,
		   CASE WHEN i.indisunique THEN 'unique ' ELSE '' END ||
		   regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') ||
		   CASE WHEN NOT i.indisvalid THEN ' invalid' ELSE '' END
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid;

-- The plain case
CREATE TABLE records (id bigint PRIMARY KEY, tenant_id int NOT NULL,
					  sale_date date, item_name text, document json);
INSERT INTO records SELECT g, g % 2, '2026-01-01', 'x' || g
	FROM generate_series(1, 4) g;
SELECT pg_relation_filenode('records') AS filenode \gset
SELECT syncport.enable('records');
SELECT item FROM shape WHERE target = 'records'::regclass
	ORDER BY part, item COLLATE "C";
-- no rewrite
SELECT pg_relation_filenode('records') = :filenode AS same_file;
SELECT target, tombstones, retention, sort_keys, prefix, updated_at,
	   deleted_at, row_version, live_view, notify, purge_horizon
	FROM syncport.enabled_table;
SELECT count(*), count(DISTINCT row_version), count(deleted_at),
	   bool_and(row_version <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint) AS past
	FROM records;

-- Again: nothing changes
CREATE TEMP TABLE before AS SELECT oid FROM pg_class;
SELECT syncport.enable('records');
SELECT count(*) FROM pg_class c
	WHERE c.relname ~ '^records' AND NOT EXISTS
	(SELECT FROM before b WHERE b.oid = c.oid);

-- Sort keys, prefix, live view, notify; NULL keeps what is set
SELECT syncport.enable('records', prefix => '{tenant_id}', notify => true,
	retention => '90 days', live_view => 'live_records', sort_keys =>
	'{"sale_date DESC NULLS LAST, item_name","\"item_name\" NULLS FIRST",ID}');
SELECT item FROM shape WHERE target = 'records'::regclass AND part > 1
	ORDER BY part, item COLLATE "C";
-- keys that are not asked for any more go, an application's index stays
CREATE INDEX mine_syncport_idx ON records (item_name);
CREATE INDEX equal ON records (tenant_id, sale_date, id)
	WHERE deleted_at IS NULL;
SELECT syncport.enable('records', sort_keys => '{sale_date}');
SELECT item FROM shape WHERE target = 'records'::regclass AND part = 3
	ORDER BY part, item COLLATE "C";
SELECT retention, sort_keys, prefix, live_view, notify
	FROM syncport.enabled_table;

-- The live view
DELETE FROM records WHERE id = 1;
SELECT id FROM live_records ORDER BY id;
UPDATE live_records SET item_name = 'changed' WHERE id = 2;
INSERT INTO live_records (id, tenant_id) VALUES (9, 9);
DELETE FROM live_records WHERE id = 3;
SELECT id, item_name, deleted_at IS NULL AS live FROM records ORDER BY id;
SELECT reloptions FROM pg_class WHERE oid = 'live_records'::regclass;
SELECT syncport.enable('records', live_view => 'current');
SELECT to_regclass('live_records'), to_regclass('current');
SELECT syncport.enable('records', live_view => 'shape');
SELECT syncport.enable('records', live_view => '');
SELECT to_regclass('current');

-- Existing columns are reused, row_version is stamped anew
CREATE TABLE reused (id uuid PRIMARY KEY, updated_at timestamptz NOT NULL,
					 removed timestamptz, row_version bigint);
INSERT INTO reused SELECT gen_random_uuid(), '2020-01-01', NULL,
	CASE WHEN g > 1 THEN 9000000000000000000 END FROM generate_series(1, 3) g;
SELECT syncport.enable('reused', deleted_at => 'removed');
SELECT item FROM shape WHERE target = 'reused'::regclass
	ORDER BY part, item COLLATE "C";
SELECT count(*), bool_and(row_version < 9000000000000000000) FROM reused;

-- Odd names
CREATE TABLE "Odd ""table"" name, which is quite long, nearly sixty-three b" (
	"Key, 1" text COLLATE "C", "key 2" int, "sort;me" numeric,
	PRIMARY KEY ("Key, 1", "key 2"));
SELECT syncport.enable('"Odd ""table"" name, which is quite long, nearly sixty-three b"',
	sort_keys => '{"\"sort;me\""}', prefix => '{"key 2"}',
	updated_at => 'Up "dated"', deleted_at => 'it''s gone',
	row_version => 'row version', live_view => 'Odd view');
SELECT item FROM shape WHERE target::text ~ 'Odd' AND part > 1
	ORDER BY part, item COLLATE "C";
DELETE FROM "Odd view";

-- Partitions: those there are and those to come
CREATE TABLE parted (id int, k int, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20)
	PARTITION BY RANGE (k);
CREATE TABLE parted_21 PARTITION OF parted_2 FOR VALUES FROM (10) TO (20);
SELECT syncport.enable('parted');
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM (20) TO (30);
CREATE TABLE parted_4 (LIKE parted);
ALTER TABLE parted ATTACH PARTITION parted_4 FOR VALUES FROM (30) TO (40);
SELECT tgrelid::regclass::text COLLATE "C" AS t, tgname COLLATE "C" AS n,
	   tgenabled
	FROM pg_trigger WHERE tgrelid::regclass::text ~ '^parted' ORDER BY 1, 2;
SELECT target::text COLLATE "C" AS t, item FROM shape
	WHERE target::text ~ '^parted' AND part = 3
	ORDER BY 1, item COLLATE "C";

-- The script: what it makes is what enable makes
CREATE TABLE by_script (id int, k int, a text, row_version bigint,
						PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE by_script_1 PARTITION OF by_script FOR VALUES FROM (0) TO (10);
CREATE TABLE by_script_2 PARTITION OF by_script FOR VALUES FROM (10) TO (20)
	PARTITION BY RANGE (k);
CREATE TABLE by_script_21 PARTITION OF by_script_2 FOR VALUES FROM (10) TO (20);
CREATE TABLE at_once (id int, k int, a text, row_version bigint,
					  PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE at_once_1 PARTITION OF at_once FOR VALUES FROM (0) TO (10);
CREATE TABLE at_once_2 PARTITION OF at_once FOR VALUES FROM (10) TO (20)
	PARTITION BY RANGE (k);
CREATE TABLE at_once_21 PARTITION OF at_once_2 FOR VALUES FROM (10) TO (20);
INSERT INTO by_script (id, k) SELECT g, g FROM generate_series(1, 19) g;
INSERT INTO at_once TABLE by_script;
\a
SELECT regexp_replace(s, 'row_version = \d+', 'row_version = N') AS step
	FROM syncport.enable_script('by_script', sort_keys => '{a DESC}') s;
\a
\set ECHO none
\o /dev/null
SELECT syncport.enable_script('by_script', sort_keys => '{a DESC}') \gexec
\o
\set ECHO all
SELECT syncport.enable('at_once', sort_keys => '{a DESC}');
SELECT coalesce(replace(a.target::text, 'at_once', ''),
				replace(b.target::text, 'by_script', '')) AS part, a.item,
	   b.item AS script_item
	FROM (SELECT * FROM shape WHERE target::text ~ '^at_once') a
	FULL JOIN (SELECT * FROM shape WHERE target::text ~ '^by_script') b
	ON replace(a.target::text, 'at_once', '') =
	   replace(b.target::text, 'by_script', '')
	AND a.item = b.item WHERE a.item IS NULL OR b.item IS NULL;
SELECT count(*) FILTER (WHERE target = 'by_script'::regclass) AS script,
	   count(*) FILTER (WHERE target = 'at_once'::regclass) AS at_once
	FROM shape;
SELECT count(*), count(row_version) FROM by_script;
SELECT sort_keys, notify FROM syncport.enabled_table
	WHERE target = 'by_script'::regclass;

-- A policy that tests deleted_at
CREATE TABLE secured (id int PRIMARY KEY, deleted_at timestamptz, who name);
CREATE POLICY live_only ON secured USING (deleted_at IS NULL);
CREATE POLICY deep ON secured
	USING ((SELECT count(*) FROM records r WHERE secured.deleted_at IS NULL) > 0);
CREATE POLICY fine ON secured USING (who = CURRENT_USER);
SELECT syncport.enable('secured');

-- Disable: the columns stay usable, or go; nothing comes back
SELECT syncport.disable('records');
SELECT item FROM shape WHERE target = 'records'::regclass
	ORDER BY part, item COLLATE "C";
INSERT INTO records (id, tenant_id) VALUES (10, 1);
SELECT id, deleted_at IS NULL AS live FROM records ORDER BY id;
SELECT syncport.enable('records');
SELECT id, deleted_at IS NULL AS live FROM records ORDER BY id;
SELECT syncport.disable('records', drop_columns => true);
TABLE records ORDER BY id;
SELECT count(*) FROM syncport.tombstone WHERE target = 'records'::regclass;
SELECT count(*) FROM syncport.enabled_table
	WHERE target = 'records'::regclass;

-- What stands in the way of dropping the columns
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent
	ON DELETE CASCADE);
SELECT syncport.enable('parent');
INSERT INTO parent VALUES (1), (2);
DELETE FROM parent WHERE id = 1;
INSERT INTO child VALUES (1, 1);
SELECT syncport.disable('parent', true);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON parent
	FOR EACH ROW EXECUTE FUNCTION keep();
DELETE FROM child;
-- a trigger of the application has no say in it
SELECT syncport.disable('parent', true);
DROP TRIGGER keep ON parent;
TABLE parent;

-- What cannot be enabled
CREATE TABLE no_key (id int UNIQUE NOT NULL);
SELECT syncport.enable('no_key');
CREATE TABLE late_key (id int PRIMARY KEY DEFERRABLE);
SELECT syncport.enable('late_key');
CREATE VIEW a_view AS SELECT 1 AS id;
SELECT syncport.enable('a_view');
CREATE UNLOGGED TABLE unsafe (id int PRIMARY KEY);
SELECT syncport.enable('unsafe');
CREATE TEMP TABLE passing (id int PRIMARY KEY);
SELECT syncport.enable('passing');
SELECT syncport.enable('parted_21');
CREATE TABLE base (id int PRIMARY KEY);
CREATE TABLE derived (PRIMARY KEY (id)) INHERITS (base);
SELECT syncport.enable('base');
SELECT syncport.enable('derived');
SELECT syncport.enable('pg_catalog.pg_class');
SELECT syncport.enable('syncport.tombstone');
SELECT syncport.enable('nowhere');
SELECT syncport.enable(4294967295::oid::regclass);
SELECT syncport.enable(NULL);
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nothing FOREIGN DATA WRAPPER nothing;
CREATE TABLE half (id int) PARTITION BY LIST (id);
CREATE FOREIGN TABLE half_far PARTITION OF half FOR VALUES IN (1)
	SERVER nothing;
SELECT syncport.enable('half');

-- Columns in the way
CREATE TABLE columns (id int PRIMARY KEY, updated_at timestamp,
	stamp bigint GENERATED ALWAYS AS IDENTITY, gone int,
	twice bigint GENERATED ALWAYS AS (id * 2) STORED,
	deleted timestamptz NOT NULL, point point);
ALTER TABLE columns DROP COLUMN gone;
SELECT syncport.enable('columns');
SELECT syncport.enable('columns', updated_at => 'changed', row_version => 'stamp');
SELECT syncport.enable('columns', updated_at => 'changed', row_version => 'twice');
SELECT syncport.enable('columns', updated_at => 'changed', row_version => 'xmin');
SELECT syncport.enable('columns', updated_at => 'changed', deleted_at => 'deleted');
SELECT syncport.enable('columns', updated_at => 'a', deleted_at => 'a');
CREATE TABLE reserved (id int PRIMARY KEY, syncport_tid text);
SELECT syncport.enable('reserved');
ALTER TABLE reserved RENAME syncport_tid TO tid;
SELECT syncport.enable('reserved');
DROP TABLE reserved;
CREATE TABLE key_version (id int, row_version bigint, PRIMARY KEY (id, row_version));
SELECT syncport.enable('key_version');
SELECT syncport.enable('columns', updated_at => 'changed', sort_keys => '{gone}');
SELECT syncport.enable('columns', updated_at => 'changed', sort_keys => '{point}');
SELECT syncport.enable('columns', updated_at => 'changed', sort_keys => '{"id FOR UPDATE"}');
SELECT syncport.enable('columns', updated_at => 'changed', sort_keys => '{"id; DROP TABLE columns"}');
SELECT syncport.enable('columns', updated_at => 'changed', sort_keys => '{"id DOWN"}');
SELECT syncport.enable('columns', updated_at => 'changed', sort_keys => '{"id + 1"}');
SELECT syncport.enable('columns', updated_at => 'changed', sort_keys => '{""}');
SELECT syncport.enable('columns', updated_at => 'changed', sort_keys => '{NULL}');
SELECT syncport.enable('columns', updated_at => 'changed', prefix => '{tenant}');
SELECT syncport.enable('columns', updated_at => 'changed', tombstones => 'stone');
SELECT syncport.enable('columns', updated_at => 'changed', retention => '-1 day');
SELECT syncport.enable('columns', updated_at => 'changed', retention => 'soon');
-- a table that is enabled keeps its columns
SELECT syncport.enable('secured', updated_at => 'other');
ALTER TABLE secured RENAME deleted_at TO hidden_at;
SELECT syncport.enable('secured');
ALTER TABLE secured RENAME hidden_at TO deleted_at;
-- names that are taken
CREATE TABLE named (id int PRIMARY KEY);
CREATE TRIGGER zz_syncport_stamp BEFORE INSERT ON named
	FOR EACH ROW EXECUTE FUNCTION keep();
SELECT syncport.enable('named');
-- too many columns
SELECT format('CREATE TABLE wide (%s, PRIMARY KEY (%s))',
	string_agg('c' || g || ' int', ', '), string_agg('c' || g, ', '))
	FROM generate_series(1, 32) g \gexec
SELECT syncport.enable('wide');

-- Not the owner
CREATE ROLE regress_syncport_other;
GRANT USAGE ON SCHEMA syncport, enable_test TO regress_syncport_other;
SET ROLE regress_syncport_other;
SELECT syncport.enable('records');
RESET ROLE;
GRANT EXECUTE ON FUNCTION syncport.enable, syncport.disable, syncport.enable_script
	TO regress_syncport_other;
SET ROLE regress_syncport_other;
SELECT syncport.enable('records');
SELECT syncport.disable('secured');
SELECT * FROM syncport.enable_script('records');
SELECT * FROM syncport.enabled_table;
DELETE FROM syncport.enabled_table;
INSERT INTO syncport.enabled_table VALUES
	('enable_test.records', 'row', '0', '{}', '{}', 'a', 'b', 'c', NULL, false);
RESET ROLE;
-- an owner without any other right
CREATE TABLE owned (id int PRIMARY KEY, row_version bigint);
ALTER TABLE owned OWNER TO regress_syncport_other;
ALTER TABLE owned ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT CREATE ON SCHEMA enable_test TO regress_syncport_other;
SET ROLE regress_syncport_other;
SELECT syncport.enable('owned');
ALTER TABLE owned NO FORCE ROW LEVEL SECURITY;
SELECT syncport.enable('owned');
SELECT target FROM syncport.enabled_table;
ALTER TABLE owned FORCE ROW LEVEL SECURITY;
SELECT syncport.disable('owned', true);
ALTER TABLE owned NO FORCE ROW LEVEL SECURITY;
SELECT syncport.disable('owned', true);
SELECT syncport.disable('owned');
RESET ROLE;
SELECT syncport.disable('parted_21');

SET client_min_messages = warning;
DROP SCHEMA enable_test CASCADE;
REVOKE ALL ON SCHEMA syncport FROM regress_syncport_other;
REVOKE ALL ON FUNCTION syncport.enable, syncport.disable, syncport.enable_script
	FROM regress_syncport_other;
DROP ROLE regress_syncport_other;
