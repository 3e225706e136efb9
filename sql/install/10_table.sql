-- Which tables are enabled, and how.  The registry is written with the
-- rights of the caller of enable and disable: row policies let everyone see
-- and change the rows of the tables they own, and nothing else.  The entry
-- of a table that was dropped is anybody's to remove.
CREATE TABLE syncport.enabled_table (
	target regclass PRIMARY KEY,
	tombstones text NOT NULL CHECK (tombstones IN ('row')),
	retention interval NOT NULL CHECK (retention >= interval '0'),
	sort_keys text[] NOT NULL,
	prefix name[] NOT NULL,
	updated_at name NOT NULL,
	deleted_at name NOT NULL,
	row_version name NOT NULL,
	live_view name,
	notify boolean NOT NULL,
	purge_horizon bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE syncport.enabled_table IS
'The tables that syncport.enable has prepared, with the arguments in force';
COMMENT ON COLUMN syncport.enabled_table.purge_horizon IS
'The highest row_version that purge has removed from the table';

ALTER TABLE syncport.enabled_table ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON syncport.enabled_table
	USING ((SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE')
			FROM pg_catalog.pg_class c WHERE c.oid = target));
COMMENT ON POLICY owner ON syncport.enabled_table IS
'The owner of a table sees and writes its entry';
CREATE POLICY orphan_select ON syncport.enabled_table FOR SELECT
	USING (NOT EXISTS (SELECT FROM pg_catalog.pg_class c
					   WHERE c.oid = target));
COMMENT ON POLICY orphan_select ON syncport.enabled_table IS
'Everyone sees the entry of a table that is no more';
CREATE POLICY orphan_delete ON syncport.enabled_table FOR DELETE
	USING (NOT EXISTS (SELECT FROM pg_catalog.pg_class c
					   WHERE c.oid = target));
COMMENT ON POLICY orphan_delete ON syncport.enabled_table IS
'Everyone may remove the entry of a table that is no more';

-- What was deleted and is not in its table.
CREATE TABLE syncport.tombstone (
	id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
	target regclass NOT NULL,
	row_version bigint NOT NULL,
	removed_at timestamptz NOT NULL,
	key json NOT NULL,
	image json
);
CREATE INDEX tombstone_target_row_version_id_idx
	ON syncport.tombstone (target, row_version, id);
COMMENT ON TABLE syncport.tombstone IS
'Images of removed rows that do not stay in their table, kept until purge';

-- A dump carries both; what belongs to a dropped table stays behind, since a
-- new table could get its OID.
SELECT pg_catalog.pg_extension_config_dump('syncport.enabled_table',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = target)');
SELECT pg_catalog.pg_extension_config_dump('syncport.tombstone',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = target)');
SELECT pg_catalog.pg_extension_config_dump('syncport.tombstone_id_seq', '');

CREATE FUNCTION syncport.enable(target regclass,
	retention interval DEFAULT NULL, sort_keys text[] DEFAULT NULL,
	prefix name[] DEFAULT NULL, tombstones text DEFAULT NULL,
	updated_at name DEFAULT NULL, deleted_at name DEFAULT NULL,
	row_version name DEFAULT NULL, live_view name DEFAULT NULL,
	notify boolean DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_enable';
COMMENT ON FUNCTION syncport.enable IS
'Makes a table syncable, or changes how it is; NULL keeps what is set';

CREATE FUNCTION syncport.enable_script(target regclass,
	retention interval DEFAULT NULL, sort_keys text[] DEFAULT NULL,
	prefix name[] DEFAULT NULL, tombstones text DEFAULT NULL,
	updated_at name DEFAULT NULL, deleted_at name DEFAULT NULL,
	row_version name DEFAULT NULL, live_view name DEFAULT NULL,
	notify boolean DEFAULT NULL)
RETURNS SETOF text
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_enable_script';
COMMENT ON FUNCTION syncport.enable_script IS
'The statements that do online what syncport.enable does at once, for \gexec in psql';
