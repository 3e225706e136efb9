-- An answer has the row as the statement and all of its triggers left it.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(14);
CREATE FUNCTION push(target text, op text, id text, set jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', status, key ->> 'id', server ->> 'v', server ->> 'n', error ->> 'sqlstate')
	FROM syncport.push(jsonb_build_array(jsonb_build_object('table', target, 'op', op,
		'key', jsonb_build_object('id', id), 'set', set)))
$$;

-- After the statement: one that writes the row again, seen or unseen from the table.
CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('UPDATE %s SET n = n + 1 WHERE id = $1', tg_argv[0]) USING new.id;
	RETURN NULL;
END $$;
CREATE TABLE again (id text PRIMARY KEY, v text, n int DEFAULT 0);
SELECT syncport.enable('again');
CREATE TRIGGER again AFTER INSERT OR UPDATE OF v ON again FOR EACH ROW EXECUTE FUNCTION count_up('again');
SELECT is(push('again', 'insert', 'a', '{"v": "x"}'), 'applied a x 1', 'INSERT and an AFTER trigger');
SELECT is(push('again', 'update', 'a', '{"v": "y"}'), 'applied a y 2', 'UPDATE and an AFTER trigger');
SELECT is((SELECT server ->> 'row_version' FROM syncport.push('[{"table": "again", "op": "update", "key": {"id": "a"}, "set": {"v": "z"}}]')),
	(SELECT row_version::text FROM again), 'the version is that of the last write');

CREATE TABLE parted (id text PRIMARY KEY, v text, n int DEFAULT 0) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (minvalue) TO (maxvalue);
SELECT syncport.enable('parted');
CREATE TRIGGER again AFTER UPDATE OF v ON parted_1 FOR EACH ROW EXECUTE FUNCTION count_up('parted');
INSERT INTO parted VALUES ('a', 'x');
SELECT is(push('parted', 'update', 'a', '{"v": "y"}'), 'applied a y 1', 'an AFTER trigger of a partition');

CREATE TABLE ruled (id text PRIMARY KEY, v text, n int DEFAULT 0);
SELECT syncport.enable('ruled');
INSERT INTO ruled VALUES ('a', 'x');
CREATE TABLE note (id text);
CREATE TRIGGER again AFTER INSERT ON note FOR EACH ROW EXECUTE FUNCTION count_up('ruled');
CREATE RULE again AS ON UPDATE TO ruled WHERE new.v IS DISTINCT FROM old.v DO ALSO INSERT INTO note VALUES (new.id);
SELECT is(push('ruled', 'update', 'a', '{"v": "y"}'), 'applied a y 1', 'a rule');

CREATE FUNCTION count_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() = 1 THEN
		UPDATE whole SET n = n + 1;
	END IF;
	RETURN NULL;
END $$;
CREATE TABLE whole (id text PRIMARY KEY, v text, n int DEFAULT 0);
SELECT syncport.enable('whole');
INSERT INTO whole VALUES ('a', 'x');
CREATE TRIGGER again AFTER UPDATE ON whole FOR EACH STATEMENT EXECUTE FUNCTION count_all();
SELECT is(push('whole', 'update', 'a', '{"v": "y"}'), 'applied a y 1', 'an AFTER trigger of the statement');

-- Before it: one that changes values, or the key.
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	new.v := upper(new.v);
	IF new.v = 'MOVE' THEN
		new.id := new.id || '!';
	END IF;
	RETURN new;
END $$;
CREATE TABLE before (id text PRIMARY KEY, v text, n int DEFAULT 0);
SELECT syncport.enable('before');
INSERT INTO before VALUES ('a', 'x');
CREATE TRIGGER change BEFORE UPDATE ON before FOR EACH ROW EXECUTE FUNCTION change();
SELECT is(push('before', 'update', 'a', '{"v": "y"}'), 'applied a Y 0', 'a BEFORE trigger changes a value');
SELECT is(push('before', 'update', 'a', '{"v": "move"}'), 'applied a! MOVE 0', 'a BEFORE trigger changes the key');
SELECT is(push('before', 'update', 'a!', '{"id": "b", "v": "w"}'), 'applied b W 0', 'the client changes the key');
SELECT results_eq($$
	SELECT status, key ->> 'id' FROM syncport.push('[
		{"table": "before", "op": "update", "key": {"id": "b"}, "set": {"v": "move"}, "base": {"v": "W"}},
		{"table": "before", "op": "update", "key": {"id": "b!"}, "set": {"v": "q"}, "base": {"v": "never"}}]')$$,
	$$VALUES ('applied', 'b!'), ('applied', 'b!')$$, 'the moved row is the one that the call has written');

-- Row policies: what RETURNING shows is what SELECT shows.
CREATE TABLE hidden (id text PRIMARY KEY, v text, n int DEFAULT 0, secret text DEFAULT 's');
SELECT syncport.enable('hidden');
INSERT INTO hidden VALUES ('a', 'x');
CREATE ROLE push_trigger_user;
GRANT USAGE ON SCHEMA syncport TO push_trigger_user;
GRANT SELECT (id, v, n, updated_at, deleted_at, row_version), INSERT (id, v), UPDATE (v) ON hidden TO push_trigger_user;
CREATE POLICY read ON hidden FOR SELECT USING (v <> 'gone');
CREATE POLICY write ON hidden FOR UPDATE USING (true);
CREATE POLICY add ON hidden FOR INSERT WITH CHECK (true);
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
SET LOCAL ROLE push_trigger_user;
SELECT is(push('hidden', 'update', 'a', '{"v": "y"}'), 'applied a y 0', 'a visible row');
SELECT ok((SELECT NOT server ? 'secret' FROM syncport.push('[{"table": "hidden", "op": "update", "key": {"id": "a"}, "set": {"v": "z"}}]')),
	'no column that the caller may not read');
SELECT is(push('hidden', 'update', 'a', '{"v": "gone"}'), 'rejected a z 0 42501', 'nobody writes himself out of sight');
SELECT is(push('hidden', 'insert', 'b', '{"v": "gone"}'), 'applied b', 'INSERT may, and the row is not shown');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
