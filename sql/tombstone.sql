-- What users are told about tombstones and images.
DELETE FROM syncport.tombstone;
SET client_min_messages = warning;
CREATE SCHEMA tombstone_test;
SET search_path = tombstone_test, pg_catalog;

-- A row lives below live rows only.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int, other int,
	CONSTRAINT "the key" FOREIGN KEY (parent) REFERENCES parent,
	FOREIGN KEY (other) REFERENCES parent DEFERRABLE);
SELECT syncport.enable('parent'), syncport.enable('child');
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (1, 1, NULL), (2, NULL, 2);
DELETE FROM parent WHERE id = 1;
BEGIN;
DELETE FROM parent WHERE id = 2;
COMMIT;
DELETE FROM child;
DELETE FROM parent;
UPDATE child SET deleted_at = NULL;
UPDATE parent SET deleted_at = NULL;
UPDATE child SET deleted_at = NULL;

-- The same in partitions, where undelete and a move can be one statement.
CREATE TABLE part (id int, region int, parent int REFERENCES parent,
	PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
SELECT syncport.enable('part');
DELETE FROM child;
INSERT INTO part VALUES (1, 1, 1);
DELETE FROM part;
DELETE FROM parent WHERE id = 1;
UPDATE part SET region = 2, deleted_at = NULL;
UPDATE parent SET deleted_at = NULL;
UPDATE part SET region = 2, deleted_at = NULL;
SELECT tableoid::regclass AS leaf, id, region FROM part;

-- The modes.
SELECT syncport.enable('part', tombstones => 'picture');
SELECT syncport.enable('part', tombstones => 'image', live_view => 'live_part');
SELECT syncport.enable('part', live_view => 'live_part');
SELECT syncport.enable('part', tombstones => 'image');
SELECT syncport.enable('part', tombstones => 'image', live_view => '');
DELETE FROM part;
SELECT target, complete, key FROM syncport.tombstone ORDER BY id;
SELECT target, mode, tombstones FROM syncport.status ORDER BY target::text;
SELECT syncport.disable('part');

-- Policies are evaluated over images, too.
CREATE TABLE secured (id int PRIMARY KEY, owner name);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY "by row" ON secured USING (secured IS NOT NULL);
SELECT syncport.enable('secured');
DROP POLICY "by row" ON secured;
CREATE POLICY "by place" ON secured
	USING (EXISTS (SELECT FROM parent p WHERE p.id = secured.id
				   AND secured.tableoid <> 0));
SELECT syncport.enable('secured', tombstones => 'image');
DROP POLICY "by place" ON secured;
SELECT syncport.enable('secured', tombstones => 'image');

-- A huge row is reduced, and never keeps a DELETE from its work.
CREATE TABLE huge (id int PRIMARY KEY, kept text, body text);
ALTER TABLE huge ALTER kept SET STORAGE EXTERNAL, ALTER body SET STORAGE EXTERNAL;
ALTER TABLE huge ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON huge USING (kept IS NOT NULL);
SELECT syncport.enable('huge', tombstones => 'image');
INSERT INTO huge VALUES (1, 'x', repeat('0123456789', 21000000));
DELETE FROM huge;
SELECT complete, key, image FROM syncport.tombstone WHERE target = 'huge'::regclass;
INSERT INTO huge (id, kept) VALUES (1, repeat('0123456789', 21000000));
DELETE FROM huge;
INSERT INTO huge (id, kept) VALUES (1, 'short');
DELETE FROM huge;
SELECT complete, key, image->>'kept' AS kept FROM syncport.tombstone
	WHERE target = 'huge'::regclass ORDER BY id;

-- TRUNCATE, rewrites and drops.
TRUNCATE huge, secured;
TRUNCATE huge;
ALTER TABLE secured ADD late float DEFAULT random();
ALTER TABLE secured ALTER owner TYPE text USING upper(owner);
SELECT target, leaf, reason FROM syncport.reset_event WHERE reason <> 'disabled' ORDER BY target::text, reason;
DROP TABLE huge, secured;
SELECT target, leaf, reason FROM syncport.reset_event WHERE reason <> 'disabled' ORDER BY target::text, reason;
CREATE TRIGGER t BEFORE DELETE ON parent EXECUTE FUNCTION syncport.truncated();
DELETE FROM parent;
DROP TRIGGER t ON parent;
CREATE TRIGGER t BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION syncport.settle();
INSERT INTO parent VALUES (5);
DELETE FROM parent WHERE id = 5;
DROP TRIGGER t ON parent;
CREATE EVENT TRIGGER wrong ON sql_drop EXECUTE FUNCTION syncport.table_altered();
DROP TABLE child;
DROP EVENT TRIGGER wrong;
DROP TABLE child;
DROP TRIGGER syncport_settle ON parent;
SET syncport.soft_delete = off;
DELETE FROM parent WHERE id = 5;
RESET syncport.soft_delete;

-- An owner who may not read his own table.
CREATE ROLE regress_tombstone_owner;
CREATE TABLE unread (id int PRIMARY KEY);
SELECT syncport.enable('unread', retention => '0');
ALTER TABLE unread OWNER TO regress_tombstone_owner;
CALL syncport.purge('unread');
GRANT USAGE ON SCHEMA tombstone_test TO regress_tombstone_owner;
CALL syncport.purge('unread');
REVOKE SELECT ON unread FROM regress_tombstone_owner;
CALL syncport.purge('unread');
CALL syncport.purge();

DROP SCHEMA tombstone_test CASCADE;
DROP ROLE regress_tombstone_owner;
SELECT count(*) AS left_over FROM syncport.tombstone;
