-- syncport.restore: what was deleted comes back.
CREATE SCHEMA restore_test;
SET search_path = restore_test;
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);

-- Row mode: the tombstone becomes a live row
CREATE TABLE account (id int PRIMARY KEY, name text);
CREATE TABLE seller (id int PRIMARY KEY, account_id int NOT NULL REFERENCES account ON DELETE CASCADE);
CREATE TABLE record (seller_id int REFERENCES seller ON DELETE CASCADE, number bigint,
	boss int REFERENCES seller ON DELETE SET NULL, PRIMARY KEY (seller_id, number));
SELECT syncport.enable('account');
SELECT syncport.enable('seller');
SELECT syncport.enable('record');
INSERT INTO account VALUES (1, 'one'), (2, 'two');
INSERT INTO seller VALUES (10, 1), (11, 1), (20, 2);
INSERT INTO record VALUES (10, 1, 20), (10, 2, 11), (11, 1, NULL), (20, 1, 10);
CREATE VIEW live AS SELECT 'account' AS what, id::text FROM account WHERE deleted_at IS NULL
	UNION ALL SELECT 'seller', id::text FROM seller WHERE deleted_at IS NULL
	UNION ALL SELECT 'record', concat_ws('/', seller_id, number, coalesce(boss, 0)) FROM record WHERE deleted_at IS NULL;
DELETE FROM record WHERE seller_id = 11;
DELETE FROM account WHERE id = 1;
TABLE live ORDER BY what, id;
SELECT syncport.restore('seller', '{"id": 10}');
SELECT syncport.restore(target => 'account', key => '{"id": 1}');
SELECT syncport.restore('account', '{"id": 1}');
SELECT syncport.restore('account', '{"id": 7}');
SELECT syncport.restore('record', '{"seller_id": "10", "number": 1}');
SELECT syncport.restore('seller', '{"id": 10}', cascade => false);
SELECT syncport.restore('record', '{"seller_id": "10", "number": 1}');
TABLE live ORDER BY what, id;
-- cascade: what the same transaction deleted below it, and only that; what
-- SET NULL cut stays cut
DELETE FROM account WHERE id = 1;
SELECT syncport.restore('account', '{"id": 1}', cascade => true);
TABLE live ORDER BY what, id;

-- Image mode: an INSERT of the image, all types unharmed
CREATE TABLE thing (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pos positive DEFAULT 3, n numeric(20,5), j json, b jsonb, a text[],
	p pair, bytes bytea, t timestamptz, f float8, gone int, "Odd ""name" text,
	twice int GENERATED ALWAYS AS (n * 2) STORED, deleted_at int);
SELECT syncport.enable('thing', tombstones => 'image');
INSERT INTO thing (n, j, b, a, p, bytes, t, f, gone, "Odd ""name", deleted_at) VALUES
	(1.50000, '{"b" : 1, "a":2}', 'null', '[0:1]={x,"y z"}', '(1,"q,r")', '\x00ff', '2026-03-04 05:06:07+02', 0.1, 5, E'tab\tquote"back\\', 8),
	(NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'NaN', NULL, NULL, NULL);
CREATE TABLE expected AS SELECT id, n, j::text, b, a, p, bytes, t, f, "Odd ""name", twice, deleted_at FROM thing;
DELETE FROM thing;
ALTER TABLE thing DROP COLUMN gone;
ALTER TABLE thing ADD COLUMN later text DEFAULT 'default';
SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'; SET extra_float_digits = 0; SET bytea_output = 'escape';
SELECT syncport.restore('thing', '{"id": 1}');
SELECT syncport.restore('thing', '{"id": "2"}');
SELECT syncport.restore('thing', '{"id": 2}');
RESET DateStyle; RESET TimeZone; RESET extra_float_digits; RESET bytea_output;
SELECT count(*) FROM expected e JOIN thing t ON (e.id, e.n, e.j, e.b, e.a, e.p, e.bytes, e.t, e.f, e."Odd ""name", e.twice, e.deleted_at)
	IS NOT DISTINCT FROM (t.id, t.n, t.j::text, t.b, t.a, t.p, t.bytes, t.t, t.f, t."Odd ""name", t.twice, t.deleted_at);
SELECT id, later, row_version > 0 AS stamped FROM thing ORDER BY id;
-- the newest image
UPDATE thing SET later = 'second' WHERE id = 1;
DELETE FROM thing WHERE id = 1;
SELECT syncport.restore('thing', '{"id": 1}');
SELECT id, later FROM thing ORDER BY id;
-- a column that does not take its text any more
DELETE FROM thing WHERE id = 1;
ALTER TABLE thing ALTER COLUMN later DROP DEFAULT, ALTER COLUMN later TYPE int USING 0;
SELECT syncport.restore('thing', '{"id": 1}');

-- Both modes mixed, a composite key, partitions, an image child below a row
-- parent, a row child below an image parent, plain tables left alone
CREATE TABLE top (a int, b text, PRIMARY KEY (a, b)) PARTITION BY LIST (a);
CREATE TABLE top_1 PARTITION OF top FOR VALUES IN (1);
CREATE TABLE top_2 PARTITION OF top FOR VALUES IN (2);
CREATE TABLE middle (id int PRIMARY KEY, code text UNIQUE, x int, y varchar(5), FOREIGN KEY (x, y) REFERENCES top (a, b) ON DELETE CASCADE);
CREATE TABLE bottom (id int PRIMARY KEY, code text REFERENCES middle (code) ON DELETE CASCADE) PARTITION BY HASH (id);
CREATE TABLE bottom_0 PARTITION OF bottom FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE plain (id int PRIMARY KEY, code text REFERENCES middle (code) ON DELETE CASCADE);
SELECT syncport.enable('top');
SELECT syncport.enable('middle', tombstones => 'image');
SELECT syncport.enable('bottom');
INSERT INTO top VALUES (1, 'x'), (2, 'x');
INSERT INTO middle VALUES (1, 'm1', 1, 'x'), (2, 'm2', 1, 'x'), (3, 'm3', 2, 'x'), (4, 'm4', 1, 'x');
INSERT INTO bottom VALUES (1, 'm1'), (2, 'm2'), (3, 'm3'), (4, 'm1');
INSERT INTO plain VALUES (1, 'm1');
DELETE FROM middle WHERE id = 4;
DELETE FROM top;
SELECT syncport.restore('middle', '{"id": 1}');
SELECT syncport.restore('top', '{"a": 1, "b": "x"}', cascade => true);
SELECT a, b FROM top WHERE deleted_at IS NULL;
SELECT id FROM middle ORDER BY id;
SELECT id, code FROM bottom WHERE deleted_at IS NULL ORDER BY id;
SELECT count(*) FROM plain;

-- Self-references, cycles, two parents at different depths
CREATE TABLE node (id int PRIMARY KEY, up int REFERENCES node ON DELETE CASCADE);
CREATE TABLE a (id int PRIMARY KEY, b int);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE, node int REFERENCES node ON DELETE CASCADE);
ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b ON DELETE CASCADE;
SELECT syncport.enable('node');
SELECT syncport.enable('a');
SELECT syncport.enable('b');
INSERT INTO node VALUES (1, NULL), (2, 1), (3, 2), (4, 4);
INSERT INTO a VALUES (1, NULL), (2, NULL);
INSERT INTO b VALUES (1, 1, 3), (2, 2, 1);
UPDATE a SET b = id;
DELETE FROM node WHERE id IN (1, 4);
SELECT syncport.restore('node', '{"id": 1}', true);
SELECT syncport.restore('node', '{"id": 4}', true);
SELECT (SELECT count(deleted_at) FROM node) + (SELECT count(deleted_at) FROM a) + (SELECT count(deleted_at) FROM b) AS dead;
-- the same as images
SELECT syncport.enable('node', tombstones => 'image');
SELECT syncport.enable('a', tombstones => 'image');
SELECT syncport.enable('b', tombstones => 'image');
DELETE FROM node;
SELECT syncport.restore('node', '{"id": 1}', true);
SELECT (SELECT count(*) FROM node), (SELECT count(*) FROM a), (SELECT count(*) FROM b);
-- a parent that is not below: 23503
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE q (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE, q int REFERENCES q ON DELETE CASCADE);
SELECT syncport.enable('p');
SELECT syncport.enable('q');
SELECT syncport.enable('child');
INSERT INTO p VALUES (1);
INSERT INTO q VALUES (1);
INSERT INTO child VALUES (1, 1, 1);
BEGIN;
DELETE FROM p;
DELETE FROM q;
COMMIT;
SELECT syncport.restore('p', '{"id": 1}', true);
-- the child has become an image, which is no different
SELECT key, complete FROM syncport.tombstone WHERE target = 'child'::regclass;
SELECT syncport.restore('p', '{"id": 1}');
SELECT syncport.restore('q', '{"id": 1}', true);

-- As the caller: privileges, policies, over images, too
CREATE TABLE note (id int PRIMARY KEY, owner name, body text);
SELECT syncport.enable('note', tombstones => 'image');
CREATE TABLE task (id int PRIMARY KEY, owner name);
SELECT syncport.enable('task');
INSERT INTO note VALUES (1, 'regress_syncport_restore', 'mine'), (2, 'somebody', 'not mine');
INSERT INTO task VALUES (1, 'regress_syncport_restore'), (2, 'somebody');
DELETE FROM note;
DELETE FROM task;
CREATE ROLE regress_syncport_restore;
GRANT USAGE ON SCHEMA syncport, restore_test TO regress_syncport_restore;
GRANT SELECT ON note, task TO regress_syncport_restore;
SET ROLE regress_syncport_restore;
SELECT syncport.restore('note', '{"id": 1}');
SELECT syncport.restore('task', '{"id": 1}');
RESET ROLE;
GRANT INSERT, UPDATE ON note, task TO regress_syncport_restore;
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = current_user);
ALTER TABLE task ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON task USING (owner = current_user);
SET ROLE regress_syncport_restore;
SELECT syncport.restore('note', '{"id": 1}');
SELECT syncport.restore('note', '{"id": 2}');
SELECT syncport.restore('task', '{"id": 1}');
SELECT syncport.restore('task', '{"id": 2}');
RESET ROLE;
SELECT id, body FROM note;
SELECT id FROM task WHERE deleted_at IS NULL;

-- What is wrong with the arguments
SELECT syncport.restore(NULL, '{"id": 1}');
SELECT syncport.restore('plain', '{"id": 1}');
SELECT syncport.restore('top_1', '{"a": 1, "b": "x"}');
SELECT syncport.restore('note', NULL);
SELECT syncport.restore('note', '[1]');
SELECT syncport.restore('record', '{"seller_id": 1}');
SELECT syncport.restore('note', '{"id": 1, "owner": "x"}');
SELECT syncport.restore('note', '{"id": null}');
SELECT syncport.restore('note', '{"id": "x"}');
SELECT syncport.restore('note', '{"id": {"a": 1}}');
BEGIN READ ONLY;
SELECT syncport.restore('note', '{"id": 1}');
ROLLBACK;
BEGIN;
ALTER TABLE note DROP CONSTRAINT note_pkey;
SELECT syncport.restore('note', '{"id": 1}');
ROLLBACK;

SET client_min_messages = warning;
DROP OWNED BY regress_syncport_restore;
DROP ROLE regress_syncport_restore;
DROP SCHEMA restore_test CASCADE;
