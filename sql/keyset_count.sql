-- Counting: exact, estimated, and whichever is sensible.
CREATE SCHEMA keyset_count;
SET search_path = keyset_count;
CREATE TABLE item (id int PRIMARY KEY, name text);
INSERT INTO item SELECT g, 'n' || g % 10 FROM generate_series(1, 1000) g;
ANALYZE item;
SELECT * FROM syncport.count_rows('item');
SELECT * FROM syncport.count_rows('item', mode => 'estimate');
SELECT * FROM syncport.count_rows('item', '{"name":"n1"}', mode => 'exact');
SET syncport.exact_count_limit = 500;
SELECT * FROM syncport.count_rows('item');
SELECT * FROM syncport.count_rows('item', '{"name":"n1"}');
SELECT * FROM syncport.count_rows('item', mode => 'roughly');
SELECT * FROM syncport.count_rows(NULL);

-- tombstones count only if asked for
ALTER TABLE item ADD deleted_at timestamptz;
INSERT INTO syncport.enabled_table VALUES ('item', 'row', '1 day', '{}', '{}',
	'updated_at', 'deleted_at', 'row_version', NULL, false);
UPDATE item SET deleted_at = now() WHERE id <= 10;
SELECT * FROM syncport.count_rows('item', mode => 'exact');
SELECT * FROM syncport.count_rows('item', include_deleted => true,
	mode => 'exact');

-- an estimate needs the privilege that the count needs, and knows policies
CREATE ROLE regress_syncport_count;
GRANT USAGE ON SCHEMA keyset_count, syncport TO regress_syncport_count;
SET ROLE regress_syncport_count;
SELECT * FROM syncport.count_rows('item', mode => 'estimate');
RESET ROLE;
GRANT SELECT ON item TO regress_syncport_count;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
SET ROLE regress_syncport_count;
SELECT rows <= 1 AS none, kind
FROM syncport.count_rows('item', mode => 'estimate');
RESET ROLE;
SET client_min_messages = warning;
DELETE FROM syncport.enabled_table WHERE target = 'item'::regclass;
DROP SCHEMA keyset_count CASCADE;
REVOKE USAGE ON SCHEMA syncport FROM regress_syncport_count;
DROP ROLE regress_syncport_count;
