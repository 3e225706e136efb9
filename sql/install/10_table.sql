-- Which tables are enabled, and how.  The registry is written with the
-- rights of the caller of enable and disable: row policies let everyone see
-- and change the rows of the tables they own, and nothing else.  The entry
-- of a table that was dropped is anybody's to remove.
CREATE TABLE syncport.enabled_table (
	target regclass PRIMARY KEY,
	tombstones text NOT NULL CHECK (tombstones IN ('row', 'image')),
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
COMMENT ON COLUMN syncport.enabled_table.deleted_at IS
'The column of the deletion time, which only tables with tombstones in the table have';
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
	id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
	target regclass NOT NULL,
	row_version bigint NOT NULL,
	removed_at timestamptz NOT NULL,
	complete boolean NOT NULL,
	key json NOT NULL,
	image json
);
CREATE INDEX tombstone_target_row_version_id_idx
	ON syncport.tombstone (target, row_version, id);
CREATE INDEX tombstone_target_key_idx
	ON syncport.tombstone (target, pg_catalog.hashtext(key::text COLLATE "C"));
COMMENT ON TABLE syncport.tombstone IS
'Images of removed rows that do not stay in their table, kept until purge';
COMMENT ON COLUMN syncport.tombstone.id IS
'The order of events: of two images of a key the higher one is newer';
COMMENT ON COLUMN syncport.tombstone.complete IS
'Whether the image is the whole row; else it is what clients and policies need of a row that was erased, got another key, or is too large';
COMMENT ON COLUMN syncport.tombstone.image IS
'Column to text, written under the settings that pg_dump uses';

-- What happened to a table beside its rows: a feed position taken before it
-- starts anew, for this reason.
CREATE TABLE syncport.reset_event (
	target regclass NOT NULL,
	leaf regclass NOT NULL,
	reason text NOT NULL CHECK (reason IN
		('truncated', 'schema', 'access', 'disabled')),
	principal text,
	row_version bigint NOT NULL,
	created_at timestamptz NOT NULL
);
CREATE INDEX reset_event_target_leaf_idx ON syncport.reset_event (target, leaf);
COMMENT ON TABLE syncport.reset_event IS
'Truncations, rewrites, changes of access and times without syncport: feed positions of before are reset';
COMMENT ON COLUMN syncport.reset_event.leaf IS
'The table or partition that it happened to';
COMMENT ON COLUMN syncport.reset_event.principal IS
'Whose access changed; NULL: everyone''s';
COMMENT ON COLUMN syncport.reset_event.row_version IS
'The transaction that did it';

-- A dump carries all of it; what belongs to a dropped table stays behind, since a
-- new table could get its OID.
SELECT pg_catalog.pg_extension_config_dump('syncport.enabled_table',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = target)');
SELECT pg_catalog.pg_extension_config_dump('syncport.tombstone',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = target)');
SELECT pg_catalog.pg_extension_config_dump('syncport.reset_event',
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

CREATE FUNCTION syncport.disable(target regclass,
	drop_columns boolean DEFAULT false)
RETURNS void
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_disable';
COMMENT ON FUNCTION syncport.disable IS
'Takes back what syncport.enable made; tombstones stay deleted';

CREATE PROCEDURE syncport.purge(target regclass DEFAULT NULL,
	batch_size integer DEFAULT 10000,
	INOUT purged bigint DEFAULT 0, INOUT skipped bigint DEFAULT 0)
LANGUAGE C
AS 'MODULE_PATHNAME', 'syncport_purge';
COMMENT ON PROCEDURE syncport.purge IS
'Removes tombstones and images older than the retention, a batch per transaction';

CREATE FUNCTION syncport.table_status(OUT target regclass, OUT mode text,
	OUT live_rows bigint, OUT tombstones bigint,
	OUT oldest_tombstone timestamptz, OUT retention interval,
	OUT purge_horizon bigint, OUT indexes regclass[], OUT index_bytes bigint,
	OUT triggers_not_always text[])
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'syncport_table_status';
COMMENT ON FUNCTION syncport.table_status() IS
'What the view syncport.status shows';

CREATE VIEW syncport.status AS
	SELECT target, mode, live_rows, tombstones, oldest_tombstone, retention,
		   purge_horizon, indexes, index_bytes, triggers_not_always
	FROM syncport.table_status();
COMMENT ON VIEW syncport.status IS
'Every enabled table of the caller''s, or all for members of pg_monitor';
COMMENT ON COLUMN syncport.status.live_rows IS
'Estimate of the last ANALYZE or VACUUM less the tombstones in the table, NULL before the first';
COMMENT ON COLUMN syncport.status.tombstones IS
'Deleted rows that stay in the table, in row mode, or images kept, in image mode, counted; NULL where the owner cannot read the table';
COMMENT ON COLUMN syncport.status.oldest_tombstone IS
'When the oldest of them was last written';
COMMENT ON COLUMN syncport.status.purge_horizon IS
'The highest row_version that purge has removed';
COMMENT ON COLUMN syncport.status.indexes IS
'The indexes that syncport.enable created';
COMMENT ON COLUMN syncport.status.index_bytes IS
'What they take on disk, partitions included';
COMMENT ON COLUMN syncport.status.triggers_not_always IS
'Triggers of syncport that are missing or not ENABLE ALWAYS; syncport.enable repairs them';
