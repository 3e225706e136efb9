-- syncport.erase: a row and its images go for good.
CREATE SCHEMA erase_test;
SET search_path = erase_test;
CREATE VIEW kept AS SELECT target, complete, key, image FROM syncport.tombstone
	WHERE target IN (SELECT oid FROM pg_class WHERE relnamespace = 'erase_test'::regnamespace) ORDER BY id;
CREATE TABLE log (what text);
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN INSERT INTO log VALUES (concat_ws(' ', tg_when, tg_op, tg_table_name)); RETURN coalesce(new, old); END$$;

-- Row mode: live, deleted, an image, nothing
CREATE TABLE person (tenant int, id int, name text, kind text, PRIMARY KEY (tenant, id));
SELECT syncport.enable('person', prefix => '{tenant}', notify => true);
CREATE TRIGGER log BEFORE INSERT OR DELETE ON person FOR EACH ROW EXECUTE FUNCTION log();
CREATE TRIGGER log_after AFTER INSERT OR DELETE ON person FOR EACH ROW EXECUTE FUNCTION log();
INSERT INTO person VALUES (1, 1, 'secret', 'a'), (1, 2, 'secret', 'a'), (1, 3, 'secret', 'a'), (1, 4, 'other', 'a');
DELETE FROM person WHERE id = 2;
TRUNCATE log;
SELECT syncport.erase(target => 'person', key => '{"tenant": 1, "id": 1}');
SELECT * FROM log;
SELECT syncport.erase('person', '{"tenant": "1", "id": "2"}');
SELECT * FROM log;
DELETE FROM person WHERE id = 3;
DELETE FROM person WHERE id = 3;
SELECT syncport.erase('person', '{"tenant": 1, "id": 3}');
SELECT syncport.erase('person', '{"tenant": 1, "id": 3}');
SELECT syncport.erase('person', '{"tenant": 7, "id": 3}');
SELECT tenant, id, name FROM person;
TABLE kept;
SELECT count(*) FROM kept WHERE image::text LIKE '%secret%';
SELECT purge_horizon FROM syncport.enabled_table WHERE target = 'person'::regclass;
SELECT syncport.restore('person', '{"tenant": 1, "id": 3}');

-- every image of the key, also behind one of another key's making
INSERT INTO person VALUES (2, 1, 'first', 'a');
DELETE FROM person WHERE tenant = 2;
DELETE FROM person WHERE tenant = 2;
INSERT INTO person VALUES (2, 1, 'second', 'a');
DELETE FROM person WHERE tenant = 2;
DELETE FROM person WHERE tenant = 2;
INSERT INTO person VALUES (2, 1, 'third', 'a');
UPDATE person SET id = 2 WHERE tenant = 2;
SELECT complete, key FROM kept WHERE key->>'tenant' = '2';
SELECT syncport.erase('person', '{"tenant": 2, "id": 1}');
SELECT complete, key, image FROM kept WHERE key->>'tenant' = '2';
SELECT id, name FROM person WHERE tenant = 2;

-- Image mode, a key that equals another's text, columns that policies name
CREATE TABLE reading (at numeric PRIMARY KEY, place text, owner name, secret text);
SELECT syncport.enable('reading', tombstones => 'image');
CREATE POLICY own ON reading USING (owner = current_user);
INSERT INTO reading VALUES (1.0, 'here', 'regress_syncport_erase', 'secret');
DELETE FROM reading;
INSERT INTO reading VALUES (1.00, 'there', 'regress_syncport_erase', 'secret');
SELECT syncport.erase('reading', '{"at": 1}');
SELECT complete, key, image FROM kept WHERE target = 'reading'::regclass;
SELECT syncport.erase('reading', '{"at": 1}');
INSERT INTO reading VALUES (2, 'here', 'regress_syncport_erase', NULL);
DELETE FROM reading;
SELECT syncport.erase('reading', '{"at": 2}');
SELECT complete, key, image FROM kept WHERE target = 'reading'::regclass;

-- Partitioned, with other column numbers in the leaf
CREATE TABLE parted (id int, day int, v text, PRIMARY KEY (id, day)) PARTITION BY LIST (day);
CREATE TABLE parted_1 (v text, gone int, day int NOT NULL, id int NOT NULL);
ALTER TABLE parted_1 DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
SELECT syncport.enable('parted');
CREATE TRIGGER log AFTER DELETE ON parted REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION log();
INSERT INTO parted VALUES (1, 1, 'a'), (1, 2, 'b');
DELETE FROM parted WHERE day = 1;
TRUNCATE log;
SELECT syncport.erase('parted', '{"id": 1, "day": 1}');
SELECT * FROM log;
SELECT syncport.erase('parted', '{"id": 1, "day": 2}');
SELECT * FROM log;
SELECT count(*) FROM parted;
SELECT complete, key, image FROM kept WHERE target = 'parted'::regclass;

-- Referenced: by live rows, by tombstones, by itself
CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, self int REFERENCES parent);
CREATE TABLE child (id int PRIMARY KEY, code text REFERENCES parent (code) ON DELETE CASCADE);
CREATE TABLE shadow (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE SET NULL);
SELECT syncport.enable('parent');
SELECT syncport.enable('child');
INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2), (3, NULL, NULL);
INSERT INTO child VALUES (1, 'a'), (2, NULL);
INSERT INTO shadow VALUES (1, 2);
SELECT syncport.erase('parent', '{"id": 1}');
SELECT syncport.erase('parent', '{"id": 2}');
DELETE FROM parent WHERE id = 1;
SELECT syncport.erase('parent', '{"id": 1}');
SELECT syncport.erase('child', '{"id": 1}');
SELECT syncport.erase('parent', '{"id": 1}');
SELECT syncport.erase('parent', '{"id": 3}');
SELECT id, deleted_at IS NULL AS live FROM parent;
TABLE shadow;

-- As the caller: privileges, and policies over rows and images
CREATE ROLE regress_syncport_erase;
GRANT USAGE ON SCHEMA syncport, erase_test TO regress_syncport_erase;
CREATE TABLE note (id int PRIMARY KEY, owner name, locked boolean);
SELECT syncport.enable('note');
INSERT INTO note SELECT g, CASE WHEN g < 5 THEN 'regress_syncport_erase' ELSE 'somebody' END, g IN (2, 4)
	FROM generate_series(1, 6) g;
DELETE FROM note WHERE id IN (1, 2, 5);
INSERT INTO note SELECT g, CASE WHEN g < 15 THEN 'regress_syncport_erase' ELSE 'somebody' END, g IN (12, 14)
	FROM generate_series(11, 16) g;
DELETE FROM note WHERE id > 10;
DELETE FROM note WHERE id > 10;
GRANT SELECT ON note TO regress_syncport_erase;
SET ROLE regress_syncport_erase;
SELECT syncport.erase('note', '{"id": 1}');
RESET ROLE;
GRANT DELETE ON note TO regress_syncport_erase;
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = current_user);
CREATE POLICY not_locked ON note AS RESTRICTIVE FOR DELETE USING (NOT locked);
SET ROLE regress_syncport_erase;
SELECT id, syncport.erase('note', jsonb_build_object('id', id)) FROM unnest('{1,3,5,6,11,12,15}'::int[]) id;
SELECT syncport.erase('note', '{"id": 2}');
SELECT syncport.erase('note', '{"id": 4}');
RESET ROLE;
SELECT id, locked, owner, deleted_at IS NULL AS live FROM note ORDER BY id;
SELECT complete, key, image->>'owner' AS owner FROM kept WHERE target = 'note'::regclass;
-- a trigger that keeps the row
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER refuse BEFORE DELETE ON child FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT syncport.erase('child', '{"id": 2}');

SELECT syncport.erase(NULL, '{"id": 1}');
SELECT syncport.erase('shadow', '{"id": 1}');
SELECT syncport.erase('parted_1', '{"id": 1, "day": 1}');
SELECT syncport.erase('note', NULL);
SELECT syncport.erase('note', '{"id": 1, "more": 2}');
SELECT syncport.erase('note', '{"id": true}');
BEGIN READ ONLY;
SELECT syncport.erase('note', '{"id": 1}');
ROLLBACK;

SET client_min_messages = warning;
DROP OWNED BY regress_syncport_erase;
DROP ROLE regress_syncport_erase;
DROP SCHEMA erase_test CASCADE;
