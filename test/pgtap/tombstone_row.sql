-- Tombstones in the table (tombstones => 'row'): each test says the sentence
-- that it holds to.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(98);
CREATE SCHEMA tombstone_row;
SET search_path = tombstone_row, public;

CREATE FUNCTION images(regclass) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT CASE WHEN complete THEN 'complete ' ELSE 'reduced ' END || key
	FROM syncport.tombstone WHERE target = $1 ORDER BY id $$;
CREATE FUNCTION count_rows(sql text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN EXECUTE sql; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END $$;

-- where it stays ---------------------------------------------------------
CREATE TABLE plain (id int PRIMARY KEY, v text UNIQUE);
SELECT syncport.enable('plain', live_view => 'live', retention => '0');
INSERT INTO plain VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');
CREATE TABLE log (what text);
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO log VALUES (TG_WHEN || ' ' || TG_OP); RETURN COALESCE(NEW, OLD); END $$;
CREATE TRIGGER log_before BEFORE INSERT OR UPDATE OR DELETE ON plain FOR EACH ROW EXECUTE FUNCTION log();
CREATE TRIGGER log_after AFTER INSERT OR UPDATE OR DELETE ON plain FOR EACH ROW EXECUTE FUNCTION log();
SELECT is(count_rows('DELETE FROM plain WHERE id <= 2'), 2::bigint, 'a delete counts its rows');
SELECT results_eq('SELECT id, deleted_at IS NOT NULL FROM plain ORDER BY id',
	$$VALUES (1, true), (2, true), (3, false), (4, false)$$, 'a deleted row stays in the table with deleted_at set');
SELECT bag_eq('SELECT what, count(*) FROM log GROUP BY what',
	$$VALUES ('BEFORE DELETE', 2::bigint), ('AFTER DELETE', 2::bigint)$$, 'no trigger of the application fires for the tombstone');
DROP TRIGGER log_before ON plain;
DROP TRIGGER log_after ON plain;
SELECT results_eq('DELETE FROM plain WHERE id = 3 RETURNING id, v, deleted_at', $$VALUES (3, 'c', NULL::timestamptz)$$,
	'RETURNING gives the row as it was');
SELECT results_eq('SELECT id FROM live', 'VALUES (4)', 'live_view shows live rows');
SELECT lives_ok($$UPDATE live SET v = 'D' WHERE id = 4$$, 'live_view can be updated');
SELECT is(count_rows($$UPDATE plain SET v = v || '!' WHERE id = 1$$), 1::bigint, 'a plain UPDATE sees tombstones');
SELECT is(count_rows($$MERGE INTO plain p USING (VALUES (1)) s (id) ON p.id = s.id
	WHEN MATCHED THEN UPDATE SET v = 'merged'$$), 1::bigint, 'MERGE sees tombstones');
SELECT is((SELECT deleted_at IS NOT NULL FROM plain WHERE id = 1), true, 'and leaves them deleted');

-- its key and unique values -----------------------------------------------
SELECT throws_ok($$INSERT INTO plain VALUES (1, 'x')$$, '23505', NULL, 'the key of a tombstone is taken');
SELECT throws_ok($$INSERT INTO plain VALUES (9, 'b')$$, '23505', NULL, 'and so are its unique values');
SELECT lives_ok($$INSERT INTO plain VALUES (1, 'again') ON CONFLICT (id) DO UPDATE SET v = excluded.v$$,
	'ON CONFLICT DO UPDATE updates a tombstone');
SELECT results_eq('SELECT v, deleted_at IS NOT NULL FROM plain WHERE id = 1', $$VALUES ('again', true)$$,
	'and leaves it deleted unless SET names deleted_at');
SELECT lives_ok($$INSERT INTO plain VALUES (1, 'back') ON CONFLICT (id) DO UPDATE SET v = excluded.v, deleted_at = NULL$$,
	'deleted_at := NULL restores');
SELECT is((SELECT deleted_at FROM plain WHERE id = 1), NULL, 'the row is live again');

-- deleting a tombstone ----------------------------------------------------
SELECT is(count_rows('DELETE FROM plain WHERE id = 2'), 1::bigint, 'a tombstone can be deleted');
SELECT is_empty('SELECT FROM plain WHERE id = 2', 'it leaves the table');
SELECT results_eq($$SELECT images('plain')$$, $$VALUES ('complete {"id":"2"}')$$, 'and its image is kept');
SELECT lives_ok($$INSERT INTO plain VALUES (2, 'new')$$, 'its key is free then');

-- key updates and moves ----------------------------------------------------
DELETE FROM syncport.tombstone;
SELECT lives_ok('UPDATE plain SET id = 20 WHERE id = 2', 'a key changes by UPDATE');
SELECT results_eq($$SELECT images('plain')$$, $$VALUES ('reduced {"id":"2"}')$$, 'an image of the old key is left');
DELETE FROM syncport.tombstone;
CREATE TABLE num (k numeric PRIMARY KEY, v int);
SELECT syncport.enable('num');
INSERT INTO num VALUES (1.0, 1);
SELECT lives_ok('UPDATE num SET k = 1.00, v = 2', 'a key is written in another way');
SELECT is_empty($$SELECT images('num')$$, 'an equal key leaves no image');
CREATE FUNCTION rekey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.k := NEW.k + 1; RETURN NEW; END $$;
CREATE TRIGGER zy_rekey BEFORE UPDATE ON num FOR EACH ROW EXECUTE FUNCTION rekey();
UPDATE num SET v = 3;
SELECT results_eq($$SELECT images('num')$$, $$VALUES ('reduced {"k":"1.00"}')$$, 'a key that a trigger changes leaves an image, too');
DROP TRIGGER zy_rekey ON num;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER zzz_nothing BEFORE UPDATE ON num FOR EACH ROW EXECUTE FUNCTION nothing();
DELETE FROM syncport.tombstone;
UPDATE num SET k = 77;
SELECT is_empty($$SELECT images('num')$$, 'an update that a trigger takes back leaves none');

CREATE TABLE part (id int, region text, v int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
CREATE TABLE part_b PARTITION OF part FOR VALUES IN ('b');
SELECT syncport.enable('part');
INSERT INTO part VALUES (1, 'a', 1), (2, 'a', 2);
UPDATE part SET region = 'b' WHERE id = 1;
SELECT results_eq('SELECT tableoid::regclass::text, id FROM part WHERE deleted_at IS NULL ORDER BY id',
	$$VALUES ('part_b', 1), ('part_a', 2)$$, 'a row moves between partitions');
SELECT results_eq($$SELECT images('part')$$, $$VALUES ('reduced {"id":"1","region":"a"}')$$,
	'it leaves an image of its old key and no tombstone');
DELETE FROM part WHERE id = 2;
SELECT results_eq('SELECT tableoid::regclass::text FROM part WHERE deleted_at IS NOT NULL', $$VALUES ('part_a')$$,
	'a tombstone stays in its leaf');

-- foreign keys --------------------------------------------------------------
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE cascaded (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
CREATE TABLE nulled (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE SET NULL);
CREATE TABLE defaulted (id int PRIMARY KEY, parent int DEFAULT 0 REFERENCES parent ON DELETE SET DEFAULT);
SELECT syncport.enable('parent'), syncport.enable('cascaded'), syncport.enable('nulled'), syncport.enable('defaulted');
INSERT INTO parent VALUES (0), (1), (2);
INSERT INTO cascaded VALUES (1, 1);
INSERT INTO nulled VALUES (1, 1);
INSERT INTO defaulted VALUES (1, 1);
DELETE FROM parent WHERE id = 1;
SELECT results_eq('SELECT parent, deleted_at IS NOT NULL FROM cascaded', 'VALUES (1, true)',
	'CASCADE acts, enabled children become tombstones');
SELECT results_eq('SELECT parent, deleted_at FROM nulled', 'VALUES (NULL::int, NULL::timestamptz)', 'SET NULL acts');
SELECT results_eq('SELECT parent, deleted_at FROM defaulted', 'VALUES (0, NULL::timestamptz)', 'SET DEFAULT acts');
SELECT lives_ok('INSERT INTO cascaded VALUES (2, 1)', 'a child inserted below a deleted parent is accepted: the tombstone is a row');
SELECT throws_ok('UPDATE cascaded SET deleted_at = NULL WHERE id = 1', '23503', NULL, 'undelete needs live parents');
SELECT lives_ok('UPDATE parent SET deleted_at = NULL WHERE id = 1; UPDATE cascaded SET deleted_at = NULL WHERE id = 1',
	'with the parent live again the child can be restored');
DELETE FROM parent WHERE id = 1;
DELETE FROM syncport.tombstone;
DELETE FROM parent WHERE id = 1;
SELECT bag_eq($$SELECT images('cascaded')$$, $$VALUES ('complete {"id":"1"}'), ('complete {"id":"2"}')$$,
	'children of a tombstone that leaves become images by CASCADE');

CREATE TABLE guarded (id int PRIMARY KEY, v int);
CREATE TABLE guarding (id int PRIMARY KEY, ref int REFERENCES guarded);
SELECT syncport.enable('guarded'), syncport.enable('guarding');
INSERT INTO guarded VALUES (1), (2), (3);
INSERT INTO guarding VALUES (1, 1), (2, 2);
SELECT throws_ok('DELETE FROM guarded WHERE id = 1', '23503',
	'update or delete on table "guarded" violates foreign key constraint "guarding_ref_fkey" on table "guarding"',
	'NO ACTION refuses while live children exist');
DELETE FROM guarding WHERE id = 1;
SELECT lives_ok('DELETE FROM guarded WHERE id = 1', 'tombstoned children do not count');
SELECT throws_ok('DELETE FROM guarded WHERE id = 1', '23503', NULL,
	'they count when the tombstone itself is to leave: core''s check');
SELECT throws_ok('UPDATE guarded SET id = 10 WHERE id = 1', '23503', NULL, 'for ON UPDATE core''s check rules, tombstoned children count');
SELECT lives_ok('DELETE FROM guarded WHERE id = 3', 'a row without children can be deleted');
CREATE TABLE plain_guarding (id int PRIMARY KEY, ref int REFERENCES guarded);
INSERT INTO guarded VALUES (4);
INSERT INTO plain_guarding VALUES (1, 4);
SELECT throws_ok('DELETE FROM guarded WHERE id = 4', '23503', NULL, 'children in a plain table count');
SELECT lives_ok('DELETE FROM plain_guarding; DELETE FROM guarded WHERE id = 4', 'and do not when they are gone');

CREATE TABLE restricting (id int PRIMARY KEY, ref int REFERENCES guarded ON DELETE RESTRICT);
SELECT syncport.enable('restricting');
INSERT INTO guarded VALUES (5);
INSERT INTO restricting VALUES (1, 5);
DELETE FROM restricting;
SELECT throws_ok('DELETE FROM guarded WHERE id = 5', '23001', NULL, 'RESTRICT is core''s check: tombstoned children count')
	WHERE current_setting('server_version_num')::int >= 180000
UNION ALL
SELECT throws_ok('DELETE FROM guarded WHERE id = 5', '23503', NULL, 'RESTRICT is core''s check: tombstoned children count')
	WHERE current_setting('server_version_num')::int < 180000;

CREATE TABLE deferred_child (id int PRIMARY KEY, ref int REFERENCES guarded DEFERRABLE INITIALLY DEFERRED);
INSERT INTO guarded VALUES (6), (7);
INSERT INTO deferred_child VALUES (1, 6);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT lives_ok('DELETE FROM guarded WHERE id = 6', 'a deferrable key is checked later');
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', '23503', NULL, 'but it is checked');
UPDATE guarded SET deleted_at = NULL WHERE id = 6;
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'unless the row lives again');
SET CONSTRAINTS ALL DEFERRED;
DELETE FROM guarded WHERE id = 6;
DELETE FROM deferred_child;
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'or the child has gone');

-- cascade beside NO ACTION to the same parent: the check runs behind it
CREATE TABLE both_ways (id int PRIMARY KEY, held int REFERENCES guarded, ref int REFERENCES guarded ON DELETE CASCADE);
SELECT syncport.enable('both_ways');
INSERT INTO guarded VALUES (8);
INSERT INTO both_ways VALUES (1, 8, 8);
SELECT lives_ok('DELETE FROM guarded WHERE id = 8', 'the NO ACTION check runs behind the cascades');
SELECT is((SELECT deleted_at IS NOT NULL FROM both_ways), true, 'the child went with its parent');

-- the check sees what the child's owner is not shown
CREATE ROLE regress_tombstone_forced;
GRANT ALL ON SCHEMA tombstone_row TO regress_tombstone_forced;
CREATE TABLE forced_parent (id int PRIMARY KEY);
CREATE TABLE forced_child (id int PRIMARY KEY, ref int REFERENCES forced_parent);
SELECT syncport.enable('forced_parent');
INSERT INTO forced_parent VALUES (1);
INSERT INTO forced_child VALUES (1, 1);
ALTER TABLE forced_child ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON forced_child USING (false);
ALTER TABLE forced_child OWNER TO regress_tombstone_forced;
ALTER TABLE forced_parent OWNER TO regress_tombstone_forced;
SET ROLE regress_tombstone_forced;
SELECT throws_ok('DELETE FROM forced_parent', '23503', NULL, 'the check looks past forced row security');
RESET ROLE;

-- a row that a deferred check would refuse is deleted before it comes
CREATE TABLE full_parent (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE full_child (id int PRIMARY KEY, a int, b int,
	FOREIGN KEY (a, b) REFERENCES full_parent MATCH FULL DEFERRABLE INITIALLY DEFERRED);
SELECT syncport.enable('full_child');
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO full_child VALUES (1, 1, NULL);
INSERT INTO full_child VALUES (2, NULL, NULL);
DELETE FROM full_child;
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'nothing is left to refuse');
SELECT results_eq('SELECT id FROM full_child', 'VALUES (2)', 'a half null key of MATCH FULL stands nowhere');
SELECT results_eq($$SELECT images('full_child')$$, $$VALUES ('complete {"id":"1"}')$$, 'its row is an image');
SET CONSTRAINTS ALL DEFERRED;

-- plain parents ---------------------------------------------------------------
CREATE TABLE plain_parent (id int PRIMARY KEY);
CREATE TABLE below_plain (id int PRIMARY KEY, ref int REFERENCES plain_parent ON DELETE CASCADE);
CREATE TABLE held_by_plain (id int PRIMARY KEY, ref int REFERENCES plain_parent);
SELECT syncport.enable('below_plain'), syncport.enable('held_by_plain');
INSERT INTO plain_parent VALUES (1), (2);
INSERT INTO below_plain VALUES (1, 1), (2, 2);
DELETE FROM below_plain WHERE id = 2;
DELETE FROM plain_parent;
SELECT is_empty('SELECT FROM below_plain', 'below a parent that is gone no tombstone can stand');
SELECT bag_eq($$SELECT images('below_plain')$$, $$VALUES ('complete {"id":"1"}'), ('complete {"id":"2"}')$$, 'images are kept instead');
INSERT INTO plain_parent VALUES (3);
INSERT INTO held_by_plain VALUES (1, 3);
DELETE FROM held_by_plain;
SELECT throws_ok('DELETE FROM plain_parent', '23503', NULL, 'where the parent is plain, tombstoned children count until purge');

-- the same statement inserts the key again --------------------------------------
CREATE TABLE again (id int PRIMARY KEY, v text);
SELECT syncport.enable('again');
INSERT INTO again VALUES (1, 'old');
WITH gone AS (DELETE FROM again RETURNING id) SELECT count(*) FROM gone;
DELETE FROM again;
DELETE FROM syncport.tombstone;
INSERT INTO again VALUES (1, 'old');
CREATE FUNCTION reinsert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO again VALUES (OLD.id, 'new'); RETURN NULL; END $$;
CREATE TRIGGER "000" AFTER DELETE ON again FOR EACH ROW EXECUTE FUNCTION reinsert();
DELETE FROM again;
SELECT results_eq('SELECT v, deleted_at FROM again', $$VALUES ('new', NULL::timestamptz)$$, 'a key that lives again keeps the live row');
SELECT results_eq($$SELECT images('again')$$, $$VALUES ('complete {"id":"1"}')$$, 'and the deleted one leaves an image');

-- policies ------------------------------------------------------------------------
CREATE TABLE secured (id int PRIMARY KEY, owner name);
SELECT syncport.enable('secured');
INSERT INTO secured VALUES (1, 'x'), (2, current_user);
CREATE ROLE regress_tombstone_row;
GRANT USAGE ON SCHEMA tombstone_row TO regress_tombstone_row;
GRANT ALL ON secured TO regress_tombstone_row;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON secured FOR SELECT USING (true);
CREATE POLICY del ON secured FOR DELETE USING (id = 1);
SET ROLE regress_tombstone_row;
DELETE FROM secured;
RESET ROLE;
SELECT results_eq('SELECT id, deleted_at IS NOT NULL FROM secured ORDER BY id', 'VALUES (1, true), (2, false)',
	'DELETE policies are obeyed, and no others asked for the tombstone');
CREATE POLICY whole ON secured USING (secured IS NOT NULL);
SELECT throws_ok($$SELECT syncport.enable('secured')$$, '0A000', NULL, 'a policy over the whole row is refused');
DROP POLICY whole ON secured;
CREATE POLICY nested ON secured USING (EXISTS (SELECT FROM parent p WHERE p.id = secured.id AND secured.ctid IS NOT NULL));
SELECT throws_ok($$SELECT syncport.enable('secured')$$, '0A000', NULL, 'one over a system column, too');

-- every leaf ------------------------------------------------------------------------
TRUNCATE part_a;
SELECT results_eq($$SELECT leaf::text, reason FROM syncport.reset_event WHERE reason <> 'disabled' AND target = 'part'::regclass$$,
	$$VALUES ('part_a', 'truncated')$$, 'TRUNCATE of a leaf is recorded');
TRUNCATE part;
SELECT bag_eq($$SELECT leaf::text, reason FROM syncport.reset_event WHERE reason <> 'disabled' AND target = 'part'::regclass$$,
	$$VALUES ('part_a', 'truncated'), ('part_b', 'truncated')$$, 'TRUNCATE of the table is, for each leaf, once');
CREATE TABLE part_c (v int, region text NOT NULL, id int NOT NULL, updated_at timestamptz NOT NULL,
	deleted_at timestamptz, row_version bigint NOT NULL);
ALTER TABLE part ATTACH PARTITION part_c FOR VALUES IN ('c');
CREATE TABLE part_d PARTITION OF part FOR VALUES IN ('d');
SELECT results_eq($$SELECT tgrelid::regclass::text, count(*) FROM pg_trigger
	WHERE tgrelid IN ('part_b'::regclass, 'part_c'::regclass, 'part_d'::regclass) AND tgname LIKE '%syncport%' AND tgenabled = 'A'
	GROUP BY 1 ORDER BY 1$$, $$VALUES ('part_b', 5::bigint), ('part_c', 5), ('part_d', 5)$$,
	'attached and new partitions have every trigger');
INSERT INTO part VALUES (5, 'c', 1);
DELETE FROM part;
SELECT is((SELECT deleted_at IS NOT NULL FROM part_c), true, 'they keep tombstones');
ALTER TABLE part DETACH PARTITION part_c;
SELECT is_empty($$SELECT FROM pg_trigger WHERE tgrelid = 'part_c'::regclass AND tgname LIKE '%syncport%'$$,
	'a detached partition has none of them');
SELECT is_empty($$SELECT unnest(triggers_not_always) FROM syncport.status WHERE target = 'part'::regclass$$, 'status has nothing to say');
ALTER TABLE part_b DISABLE TRIGGER "00_syncport_keep";
SELECT results_eq($$SELECT unnest(triggers_not_always) FROM syncport.status WHERE target = 'part'::regclass$$,
	$$VALUES ('tombstone_row.part_b."00_syncport_keep"')$$, 'it shows a trigger that would not fire');

ALTER TABLE plain ADD n int, ADD g int GENERATED ALWAYS AS (n + 1) STORED;
SELECT is_empty($$SELECT FROM syncport.reset_event WHERE reason <> 'disabled' AND target = 'plain'::regclass$$, 'adding a column resets nobody');
DROP VIEW live;
ALTER TABLE plain ALTER v TYPE varchar;
SELECT is_empty($$SELECT FROM syncport.reset_event WHERE reason <> 'disabled' AND target = 'plain'::regclass$$, 'neither does a type without rewrite');
ALTER TABLE plain ALTER v TYPE text USING upper(v);
SELECT results_eq($$SELECT reason FROM syncport.reset_event WHERE reason <> 'disabled' AND target = 'plain'::regclass$$, $$VALUES ('schema')$$,
	'a rewrite with USING is recorded');
DROP TABLE plain;
SELECT is_empty($$SELECT FROM syncport.tombstone t WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.target)$$,
	'a dropped table leaves no image');
SELECT is_empty($$SELECT FROM syncport.enabled_table t WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.target)$$,
	'and no entry');

-- session_replication_role ------------------------------------------------------------
SET session_replication_role = replica;
DELETE FROM guarded WHERE id = 7;
RESET session_replication_role;
SELECT is((SELECT deleted_at IS NOT NULL FROM guarded WHERE id = 7), true, 'the triggers fire in a replica, too');

-- a change of mode ----------------------------------------------------------------------
CREATE TABLE changing (id int PRIMARY KEY, v text);
CREATE TABLE changing_child (id int PRIMARY KEY, ref int REFERENCES changing);
SELECT syncport.enable('changing', sort_keys => '{v}'), syncport.enable('changing_child');
INSERT INTO changing VALUES (1, 'a'), (2, 'b');
DELETE FROM changing WHERE id = 1;
INSERT INTO changing_child VALUES (1, 1);
SELECT throws_ok($$SELECT syncport.enable('changing', tombstones => 'image')$$, '23503', NULL,
	'a change of mode refuses while a tombstone is referenced');
DELETE FROM changing_child;
SELECT throws_ok($$SELECT syncport.enable('changing', tombstones => 'image')$$, '23503', NULL, 'also by a tombstone');
DELETE FROM changing_child;
SELECT lives_ok($$SELECT syncport.enable('changing', tombstones => 'image')$$, 'else it goes');
SELECT results_eq('SELECT id FROM changing', 'VALUES (2)', 'tombstones leave the table');
SELECT results_eq($$SELECT images('changing')$$, $$VALUES ('complete {"id":"1"}')$$, 'as images');
SELECT is_empty($$SELECT FROM pg_index WHERE indrelid = 'changing'::regclass AND indpred IS NOT NULL$$, 'indexes hold every row');
DELETE FROM changing;
SELECT lives_ok($$SELECT syncport.enable('changing', tombstones => 'row')$$, 'and back');
INSERT INTO changing VALUES (1, 'again');
DELETE FROM changing;
SELECT results_eq('SELECT id, deleted_at IS NOT NULL FROM changing', 'VALUES (1, true)', 'tombstones stay in the table again');
SELECT throws_ok($$SELECT syncport.enable('changing', tombstones => 'image', live_view => 'l')$$, '22023', NULL, 'images need no live view');

CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE);
SELECT syncport.enable('tree');
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2);
DELETE FROM tree WHERE id = 1;
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fired'; END $$;
CREATE TRIGGER spy BEFORE DELETE ON tree FOR EACH ROW EXECUTE FUNCTION spy();
SELECT lives_ok($$SELECT syncport.enable('tree', tombstones => 'image')$$, 'a whole tree of tombstones leaves, and no trigger fires');
SELECT is((SELECT count(*) FROM images('tree')), 3::bigint, 'each as an image');

-- names that our queries use themselves
CREATE TABLE names (t int, c int, k int, s int, l int, i int, x int, PRIMARY KEY (t, k));
SELECT syncport.enable('names');
INSERT INTO names VALUES (1, 2, 3, 4, 5, 6, 7), (2, 2, 3, 4, 5, 6, 7);
DELETE FROM names WHERE t = 1;
SELECT is(syncport.restore('names', '{"t": 1, "k": 3}', true), 1::bigint, 'restore minds no column''s name');
SELECT is(syncport.erase('names', '{"t": 1, "k": 3}'), true, 'neither does erase');
SELECT results_eq('SELECT t FROM names', 'VALUES (2)', 'the row is gone');
ALTER TABLE names RENAME deleted_at TO gone_at;
SELECT throws_ok($$SELECT syncport.erase('names', '{"t": 2, "k": 3}')$$, '55000', 'table "names" is not as syncport.enable left it',
	'a renamed column is told');

-- keys that are checked later, and taken by the same statement
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE later (id int PRIMARY KEY, u int, v int,
	CONSTRAINT later_u EXCLUDE USING gist (u WITH =) DEFERRABLE,
	CONSTRAINT later_v UNIQUE NULLS NOT DISTINCT (v) DEFERRABLE);
SELECT syncport.enable('later');
INSERT INTO later VALUES (1, 1, 1);
SELECT lives_ok($$WITH d AS (DELETE FROM later WHERE id = 1) INSERT INTO later VALUES (2, 1, 2)$$, 'a deferrable exclusion constraint is looked at');
SELECT results_eq($$SELECT images('later')$$, $$VALUES ('complete {"id":"1"}')$$, 'and the row becomes an image');
INSERT INTO later VALUES (3, 3, NULL);
SELECT lives_ok($$WITH d AS (DELETE FROM later WHERE id = 3) INSERT INTO later VALUES (4, 4, NULL)$$, 'NULLs that are not distinct conflict');
SELECT is((SELECT count(*) FROM images('later')), 2::bigint, 'and make an image');

-- an undelete that a trigger takes back is no delete
CREATE TABLE kept (id int PRIMARY KEY);
CREATE TABLE kept_child (id int PRIMARY KEY, ref int REFERENCES kept);
SELECT syncport.enable('kept');
INSERT INTO kept VALUES (1);
DELETE FROM kept;
INSERT INTO kept_child VALUES (1, 1);
CREATE TRIGGER zzz_nothing BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT lives_ok('UPDATE kept SET deleted_at = NULL', 'an undelete that a trigger takes back changes nothing');

-- an owner without rights to our schema creates partitions
CREATE ROLE regress_tombstone_parts;
CREATE SCHEMA parts AUTHORIZATION regress_tombstone_parts;
SET ROLE regress_tombstone_parts;
CREATE TABLE parts.p (id int PRIMARY KEY) PARTITION BY RANGE (id);
RESET ROLE;
SELECT syncport.enable('parts.p');
SET ROLE regress_tombstone_parts;
SELECT lives_ok('CREATE TABLE parts.p1 PARTITION OF parts.p FOR VALUES FROM (0) TO (9)', 'an owner needs no right to our schema for a partition');
RESET ROLE;
SELECT is_empty($$SELECT unnest(triggers_not_always) FROM syncport.status WHERE target = 'parts.p'::regclass$$, 'which has its triggers');

-- another table's policy says nothing of what an image keeps
CREATE TABLE person (id int PRIMARY KEY, email text);
CREATE TABLE visit (id int PRIMARY KEY);
ALTER TABLE visit ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON visit USING (EXISTS (SELECT FROM person WHERE email = current_user));
SELECT syncport.enable('person');
INSERT INTO person VALUES (1, 'x');
SELECT syncport.erase('person', '{"id": 1}');
SELECT results_eq($$SELECT image::text FROM syncport.tombstone WHERE target = 'person'::regclass$$, $$VALUES ('{"id":"1"}')$$,
	'erase keeps what the table''s own policies name');
SELECT syncport.disable('person');
DROP TABLE person CASCADE;
SELECT is_empty($$SELECT FROM syncport.tombstone t WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.target)$$,
	'images of a disabled table go with it');

SELECT * FROM finish();
ROLLBACK;
