-- VIEW syncport.status
CREATE SCHEMA status_test;
SET search_path = status_test;

CREATE TABLE records (id int PRIMARY KEY);
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (200);
SELECT syncport.enable('records', retention => '7 days');
SELECT syncport.enable('parted');
INSERT INTO records SELECT generate_series(1, 10);
INSERT INTO parted SELECT generate_series(0, 199);
-- never analyzed
SELECT target, mode, live_rows, tombstones, oldest_tombstone, retention,
	   purge_horizon FROM syncport.status ORDER BY target::text COLLATE "C";
DELETE FROM records WHERE id < 4;
DELETE FROM parted WHERE id % 50 = 0;
ANALYZE records, parted;
SELECT target, live_rows, tombstones, oldest_tombstone <= now() AS old,
	   cardinality(indexes) AS indexes, index_bytes > 8192 AS bytes,
	   triggers_not_always
	FROM syncport.status ORDER BY target::text COLLATE "C";

-- Triggers that pg_restore --disable-triggers, or somebody, has changed
ALTER TABLE parted_2 DISABLE TRIGGER USER;
ALTER TABLE records ENABLE TRIGGER zz_syncport_stamp;
DROP TRIGGER "00_syncport_keep" ON records;
SELECT target, triggers_not_always FROM syncport.status
	ORDER BY target::text COLLATE "C";
SELECT syncport.enable('records'), syncport.enable('parted');
SELECT target, triggers_not_always FROM syncport.status
	ORDER BY target::text COLLATE "C";

-- Who sees what
CREATE ROLE regress_syncport_owner;
CREATE ROLE regress_syncport_monitor;
GRANT USAGE ON SCHEMA syncport
	TO regress_syncport_owner, regress_syncport_monitor;
GRANT pg_monitor TO regress_syncport_monitor;
ALTER TABLE records OWNER TO regress_syncport_owner;
ALTER TABLE records ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA status_test TO regress_syncport_owner;
SET ROLE regress_syncport_owner;
SELECT target, tombstones FROM syncport.status;
SET ROLE regress_syncport_monitor;
SELECT tombstones FROM syncport.status ORDER BY tombstones;
RESET ROLE;
-- the owner cannot reach the table any more: nobody can count its tombstones
REVOKE USAGE ON SCHEMA status_test FROM regress_syncport_owner;
SET ROLE regress_syncport_monitor;
SELECT live_rows, tombstones FROM syncport.status ORDER BY tombstones;
RESET ROLE;
ALTER TABLE records OWNER TO CURRENT_USER;

-- A column that is gone, a table that is gone
ALTER TABLE records RENAME deleted_at TO removed_at;
SELECT target FROM syncport.status;
ALTER TABLE records RENAME removed_at TO deleted_at;
DROP TABLE records;
SELECT target FROM syncport.status;

SET client_min_messages = warning;
DROP SCHEMA status_test CASCADE;
REVOKE ALL ON SCHEMA syncport
	FROM regress_syncport_owner, regress_syncport_monitor;
DROP ROLE regress_syncport_owner, regress_syncport_monitor;
CALL syncport.purge();
