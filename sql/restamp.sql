-- syncport.restamp: versions of another cluster, as a dump brings them
CREATE SCHEMA restamp_test;
SET search_path = restamp_test;

-- What is above all ids was not written here.
\set foreign 4000000000000

CREATE TABLE record (id int PRIMARY KEY, body text, short text
	GENERATED ALWAYS AS (left(body, 1)) STORED);
SELECT syncport.enable('record', retention => '1 hour');
CREATE TABLE log (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO log VALUES (TG_OP);
	RETURN NEW;
END $$;
INSERT INTO record SELECT g, 'row ' || g FROM generate_series(1, 6) g;
DELETE FROM record WHERE id = 3;
DELETE FROM record WHERE id = 6;
CREATE TRIGGER note AFTER UPDATE ON record FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE record ENABLE ALWAYS TRIGGER note;
ALTER TABLE record ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE ROLE regress_syncport_restamp;
CREATE ROLE regress_syncport_other;
GRANT USAGE ON SCHEMA syncport, restamp_test
	TO regress_syncport_restamp, regress_syncport_other;
GRANT EXECUTE ON FUNCTION syncport.restamp
	TO regress_syncport_restamp, regress_syncport_other;
ALTER TABLE record OWNER TO regress_syncport_restamp;

-- Stands in for pg_restore.
CREATE PROCEDURE bring(version bigint) LANGUAGE plpgsql AS $$
BEGIN
	ALTER TABLE record DISABLE TRIGGER USER;
	UPDATE record SET row_version = version + id,
		updated_at = CASE WHEN deleted_at IS NULL THEN '2020-01-01' ELSE now() END
		WHERE id IN (2, 3, 4);
	ALTER TABLE record ENABLE ALWAYS TRIGGER note;
	PERFORM syncport.enable('record');
	UPDATE syncport.enabled_table SET purge_horizon = version
		WHERE target = 'record'::regclass;
	INSERT INTO syncport.tombstone (target, row_version, removed_at, complete, key, image)
		VALUES ('record', version + 7, now(), true, '{"id":"7"}', '{"id":"7"}');
	INSERT INTO syncport.reset_event
		VALUES ('record', 'record', 'truncated', NULL, version, now());
END $$;
CREATE VIEW stamped AS
	SELECT 'row' AS what, id::text AS id, row_version, updated_at FROM record
	UNION ALL
	SELECT 'image', key->>'id', row_version, NULL FROM syncport.tombstone
		WHERE target = 'record'::regclass
	UNION ALL
	SELECT 'horizon', '', purge_horizon, NULL FROM syncport.enabled_table
		WHERE target = 'record'::regclass
	UNION ALL
	SELECT 'event', reason, row_version, NULL FROM syncport.reset_event
		WHERE reason <> 'disabled' AND target = 'record'::regclass;
CALL bring(:foreign);
SELECT id, body, short, deleted_at FROM record ORDER BY id LIMIT 1;
SELECT what, id, row_version >= :foreign AS "foreign",
	updated_at = '2020-01-01' AS old FROM stamped ORDER BY 1, 2;

-- The owner, whom policies of his own table do not stop; nothing else fires.
SET ROLE regress_syncport_other;
SELECT syncport.restamp('record');
SET ROLE regress_syncport_restamp;
BEGIN;
SELECT syncport.restamp('record');
RESET ROLE;
SELECT what, id, row_version = pg_current_xact_id()::text::bigint AS stamped,
	updated_at = '2020-01-01' AS old FROM stamped ORDER BY 1, 2;
COMMIT;
SELECT count(*) FROM log;
SELECT syncport.restamp('record');

-- All tables, and a new incarnation: for who owns the extension
CALL bring(:foreign);
SET ROLE regress_syncport_restamp;
SELECT syncport.restamp();
RESET ROLE;
SELECT id AS incarnation FROM syncport.incarnation \gset
SELECT syncport.restamp();
SELECT id <> :'incarnation' AS renewed FROM syncport.incarnation;

-- What purge removes of another cluster's does not raise the horizon, and a
-- horizon of another cluster's is not above one of this.
CALL bring(:foreign);
CREATE PROCEDURE age() LANGUAGE plpgsql AS $$
BEGIN
	ALTER TABLE record DISABLE TRIGGER USER;
	UPDATE record SET updated_at = '2020-01-01' WHERE deleted_at IS NOT NULL;
	ALTER TABLE record ENABLE ALWAYS TRIGGER note;
	PERFORM syncport.enable('record');
	UPDATE syncport.tombstone SET removed_at = '2020-01-01'
		WHERE target = 'record'::regclass;
END $$;
CALL age();
SELECT max(row_version) AS version FROM stamped
	WHERE row_version < :foreign AND (what = 'image' OR id = '6') \gset
CALL syncport.purge('record');
SELECT id, deleted_at FROM record ORDER BY id;
SELECT purge_horizon = :version AS own FROM syncport.enabled_table
	WHERE target = 'record'::regclass;
SELECT count(*) FROM syncport.tombstone WHERE target = 'record'::regclass;

-- Images alone, with nothing but another cluster's to remove
CALL bring(:foreign);
CALL age();
CALL syncport.purge('record');
SELECT purge_horizon FROM syncport.enabled_table WHERE target = 'record'::regclass;

-- Partitions
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (10) TO (20);
SELECT syncport.enable('parted');
INSERT INTO parted VALUES (1), (11);
SET session_replication_role = replica;
ALTER TABLE parted DISABLE TRIGGER USER;
UPDATE parted SET row_version = :foreign;
RESET session_replication_role;
SELECT syncport.enable('parted');
SELECT syncport.restamp('parted');
SELECT count(*) FROM parted WHERE row_version < :foreign;

-- What cannot be
SELECT syncport.restamp('parted_0');
CREATE TABLE plain (id int PRIMARY KEY);
SELECT syncport.restamp('plain');
BEGIN READ ONLY;
SELECT syncport.restamp('parted');
ROLLBACK;
ALTER TABLE parted RENAME row_version TO other;
SELECT syncport.restamp('parted');
ALTER TABLE parted RENAME other TO row_version;
CREATE RULE other AS ON UPDATE TO parted DO INSTEAD NOTHING;
SELECT syncport.restamp('parted');

SET client_min_messages = warning;
DROP SCHEMA restamp_test CASCADE;
DROP OWNED BY regress_syncport_restamp, regress_syncport_other;
DROP ROLE regress_syncport_restamp;
DROP ROLE regress_syncport_other;
