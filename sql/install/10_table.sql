-- Which tables are enabled, and how.  The registry is written with the
-- rights of the caller of enable and disable: row policies let everyone see
-- and change the rows of the tables they own, and nothing else.
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
