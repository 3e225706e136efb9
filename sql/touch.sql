-- syncport.touch and syncport.reset_access
CREATE SCHEMA touch_test;
SET search_path = touch_test;
CREATE TABLE record (id int PRIMARY KEY, v text, parent int REFERENCES record);
SELECT syncport.enable('record', notify => true);
INSERT INTO record VALUES (1, 'a', NULL), (2, 'b', 1), (3, 'c', NULL), (4, 'd', 3);
DELETE FROM record WHERE id IN (3, 4);
CREATE TABLE before AS SELECT id, row_version FROM record;

-- All rows, tombstones too, get a new version and nothing else
SELECT syncport.touch('record');
SELECT r.id, r.v, r.deleted_at IS NULL AS live, r.row_version > b.row_version AS touched
	FROM record r JOIN before b USING (id) ORDER BY id;
SELECT count(*) FROM syncport.tombstone WHERE target = 'record'::regclass;
-- those of a filter; a tombstone below a tombstone is not undeleted
TRUNCATE before;
INSERT INTO before SELECT id, row_version FROM record;
SELECT syncport.touch(target => 'record', filter => '{"id": {"in": [2, 4]}}');
SELECT syncport.touch('record', '{"v": "none"}');
SELECT r.id FROM record r JOIN before b USING (id) WHERE r.row_version > b.row_version ORDER BY id;

-- partitioned
CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT syncport.enable('parted', tombstones => 'image', row_version => 'Version');
INSERT INTO parted SELECT g FROM generate_series(1, 10) g;
SELECT syncport.touch('parted', '{"id": {"gt": 3}}');

-- As the caller: privileges and policies
CREATE ROLE regress_syncport_touch;
GRANT USAGE ON SCHEMA syncport, touch_test TO regress_syncport_touch;
SET ROLE regress_syncport_touch;
SELECT syncport.touch('record');
RESET ROLE;
GRANT SELECT, UPDATE ON record TO regress_syncport_touch;
ALTER TABLE record ENABLE ROW LEVEL SECURITY;
CREATE POLICY first_row ON record USING (id = 1);
SET ROLE regress_syncport_touch;
SELECT syncport.touch('record');
SELECT syncport.reset_access('record');
RESET ROLE;

SELECT syncport.touch(NULL);
SELECT syncport.touch('before');
SELECT syncport.touch('parted_0');
SELECT syncport.touch('record', '{"nothing": 1}');
BEGIN READ ONLY;
SELECT syncport.touch('record');
ROLLBACK;

-- reset_access: an event each, in place of those that it covers
SELECT syncport.reset_access('record', principal => 'ann');
SELECT syncport.reset_access('record', 'bob');
SELECT syncport.reset_access('record', 'ann');
SELECT leaf, reason, principal, row_version = (SELECT max(row_version)
	FROM syncport.reset_event) AS last FROM syncport.reset_event
	WHERE reason <> 'disabled' AND target = 'record'::regclass ORDER BY principal;
SELECT syncport.reset_access('record');
SELECT leaf, reason, principal FROM syncport.reset_event WHERE reason <> 'disabled' AND target = 'record'::regclass;
SELECT syncport.reset_access('record', 'bob');
SELECT leaf, reason, principal FROM syncport.reset_event WHERE reason <> 'disabled' AND target = 'record'::regclass ORDER BY principal;
SELECT syncport.reset_access('record', '');
SELECT syncport.reset_access(NULL);
SELECT syncport.reset_access('before');
SELECT syncport.reset_access('parted_0');
BEGIN READ ONLY;
SELECT syncport.reset_access('record', 'bob');
ROLLBACK;

SET client_min_messages = warning;
DROP OWNED BY regress_syncport_touch;
DROP ROLE regress_syncport_touch;
DROP SCHEMA touch_test CASCADE;
