-- CALL syncport.purge
CREATE SCHEMA purge_test;
SET search_path = purge_test;

CREATE TABLE records (id int PRIMARY KEY, body text);
INSERT INTO records SELECT g, repeat('x', g) FROM generate_series(1, 100) g;
SELECT syncport.enable('records', retention => '1 hour');
DELETE FROM records WHERE id <= 50;
-- nothing is old enough
CALL syncport.purge('records');
-- live rows and younger tombstones stay, whatever the batch size
ALTER TABLE records DISABLE TRIGGER zz_syncport_stamp;
UPDATE records SET updated_at = now() - interval '2 hours' WHERE id <= 40 OR id > 90;
ALTER TABLE records ENABLE ALWAYS TRIGGER zz_syncport_stamp;
SELECT max(row_version) AS horizon FROM records
	WHERE deleted_at < now() AND updated_at < now() - interval '1 hour' \gset
CALL syncport.purge('records', batch_size => 7);
SELECT count(*), count(deleted_at), min(id) FROM records;
SELECT purge_horizon = :horizon AS raised FROM syncport.enabled_table
	WHERE target = 'records'::regclass;
CALL syncport.purge('records');
-- the keys are free again
INSERT INTO records VALUES (1, 'again');

-- Rows that are referenced stay, across types, and in chains
CREATE DOMAIN label AS varchar(10);
CREATE TABLE node (id int, tag label, up int, PRIMARY KEY (id, tag),
	FOREIGN KEY (up, tag) REFERENCES node);
CREATE TABLE leaf (id int PRIMARY KEY, "Node Id" bigint, tag text,
	FOREIGN KEY ("Node Id", tag) REFERENCES node);
INSERT INTO node VALUES (1, 'a', NULL), (2, 'a', 1), (3, 'a', 2), (4, 'a', 4),
	(5, 'a', NULL), (6, 'b', NULL), (7, 'b', 6), (8, 'b', NULL);
SELECT syncport.enable('node', retention => '0');
INSERT INTO leaf VALUES (1, 5, 'a'), (2, 7, 'b'), (3, NULL, 'b');
UPDATE node SET deleted_at = now() WHERE id <> 8;
CALL syncport.purge('node');
SELECT id, tag, up FROM node ORDER BY id;
DELETE FROM leaf;
CALL syncport.purge('node', 1);
SELECT id, tag, up FROM node ORDER BY id;

-- Partitioned on both sides, and a key that refers to one partition
CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
CREATE TABLE other (v text, id int PRIMARY KEY);
ALTER TABLE parted ATTACH PARTITION other FOR VALUES FROM (0) TO (10);
CREATE TABLE far (id int, parted_id int REFERENCES parted) PARTITION BY LIST (id);
CREATE TABLE far_1 PARTITION OF far FOR VALUES IN (1);
CREATE TABLE near (id int, parted_id int REFERENCES parted_2);
SELECT syncport.enable('parted', retention => '0');
INSERT INTO parted SELECT g FROM generate_series(1, 19) g;
INSERT INTO far VALUES (1, 3), (1, 13);
INSERT INTO near VALUES (1, 15);
UPDATE parted SET deleted_at = now();
CALL syncport.purge('parted', 4);
SELECT tableoid::regclass, id FROM parted ORDER BY id;

-- No trigger of the application sees a purge
CREATE TABLE log (what text);
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN INSERT INTO purge_test.log VALUES (TG_OP); RETURN OLD; END $$;
CREATE TRIGGER log AFTER DELETE ON records FOR EACH ROW EXECUTE FUNCTION log();
SELECT syncport.enable('records', retention => '0');
DELETE FROM records WHERE id = 99;
CALL syncport.purge('records');
SELECT * FROM log;

-- Images go, too
DELETE FROM records WHERE id = 98;
SET syncport.soft_delete = off;
DELETE FROM records WHERE id = 97;
RESET syncport.soft_delete;
DELETE FROM records WHERE id = 98;
SELECT count(*) FROM syncport.tombstone WHERE target = 'records'::regclass;
CALL syncport.purge('records');
SELECT count(*) FROM syncport.tombstone WHERE target = 'records'::regclass;

-- All tables at once, each as far as the caller may; dropped ones are forgotten
CREATE TABLE dropped (id int PRIMARY KEY);
SELECT syncport.enable('dropped');
DROP TABLE dropped;
CREATE ROLE regress_syncport_purger;
GRANT USAGE ON SCHEMA purge_test, syncport TO regress_syncport_purger;
GRANT EXECUTE ON PROCEDURE syncport.purge TO regress_syncport_purger;
CREATE TABLE theirs (id int PRIMARY KEY);
SELECT syncport.enable('theirs', retention => '0');
INSERT INTO theirs VALUES (1), (2);
GRANT SELECT, DELETE ON theirs TO regress_syncport_purger;
DELETE FROM theirs WHERE id = 1;
DELETE FROM records WHERE id = 96;
SET ROLE regress_syncport_purger;
CALL syncport.purge();
CALL syncport.purge('records');
RESET ROLE;
SELECT count(*) FROM syncport.enabled_table e
	WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = e.target);
ALTER TABLE theirs ENABLE ROW LEVEL SECURITY;
DELETE FROM theirs;
SET ROLE regress_syncport_purger;
CALL syncport.purge('theirs');
CALL syncport.purge();
RESET ROLE;
CALL syncport.purge();

-- An entry that does not fit its table, which its owner can write, stops
-- neither the others' purge nor the view
CREATE TABLE forged (id int PRIMARY KEY, v text);
INSERT INTO forged VALUES (1, 'x');
INSERT INTO syncport.enabled_table
	VALUES ('forged', 'row', '0', '{}', '{}', 'v', 'v', 'v', NULL, false);
CALL syncport.purge('forged');
DELETE FROM records WHERE id = 94;
CALL syncport.purge();
SELECT count(*) FROM syncport.status WHERE target = 'forged'::regclass;
CREATE VIEW forged_view AS SELECT id, now() AS u, now() AS d, 1::bigint AS r
	FROM forged;
UPDATE syncport.enabled_table SET target = 'forged_view', updated_at = 'u',
	deleted_at = 'd', row_version = 'r' WHERE target = 'forged'::regclass;
CALL syncport.purge();
SELECT count(*) FROM syncport.status WHERE target = 'forged_view'::regclass;
DELETE FROM syncport.enabled_table WHERE target = 'forged_view'::regclass;

-- Whatever the isolation level of new transactions
SET default_transaction_isolation = serializable;
DELETE FROM records WHERE id = 95;
CALL syncport.purge('records');
RESET default_transaction_isolation;

-- Bad calls
CALL syncport.purge('records', 0);
CALL syncport.purge('records', NULL);
CALL syncport.purge('records', 2000000);
CALL syncport.purge('other');
CALL syncport.purge('log');
CALL syncport.purge(4294967295::oid::regclass);
BEGIN;
CALL syncport.purge();
ROLLBACK;
SET default_transaction_read_only = on;
CALL syncport.purge();
RESET default_transaction_read_only;

-- The schedule needs pg_cron (its job runs in a test of its own)
SELECT syncport.schedule(NULL);
SELECT syncport.unschedule();

SET client_min_messages = warning;
DROP SCHEMA purge_test CASCADE;
REVOKE ALL ON SCHEMA syncport FROM regress_syncport_purger;
REVOKE ALL ON PROCEDURE syncport.purge FROM regress_syncport_purger;
DROP ROLE regress_syncport_purger;
CALL syncport.purge();
