-- Exports as functions, and saved selections.
CREATE FUNCTION syncport.export(
	target regclass,
	format text DEFAULT 'csv',
	columns text[] DEFAULT NULL,
	preset text DEFAULT NULL,
	filter jsonb DEFAULT NULL,
	order_by text DEFAULT NULL,
	include_deleted boolean DEFAULT false,
	options jsonb DEFAULT '{}')
RETURNS SETOF bytea
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_export';
COMMENT ON FUNCTION syncport.export(regclass, text, text[], text, jsonb, text, boolean, jsonb) IS
'A table as a file, in chunks; in a SELECT list they stream';

CREATE FUNCTION syncport.export_query(
	query text,
	format text DEFAULT 'csv',
	options jsonb DEFAULT '{}')
RETURNS SETOF bytea
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_export_query';
COMMENT ON FUNCTION syncport.export_query(text, text, jsonb) IS
'The rows of a query as a file, in chunks; not for everyone: whoever may call it runs any query';

CREATE FUNCTION syncport.plan_export(
	target regclass,
	columns text[] DEFAULT NULL,
	preset text DEFAULT NULL,
	filter jsonb DEFAULT NULL,
	include_deleted boolean DEFAULT false,
	OUT rows bigint,
	OUT kind text,
	OUT mode text)
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_plan_export';
COMMENT ON FUNCTION syncport.plan_export(regclass, text[], text, jsonb, boolean) IS
'How many rows an export has, whether that is exact, and whether to stream it or to leave it to the background';

CREATE TABLE syncport.saved_preset (
	owner name NOT NULL DEFAULT CURRENT_USER,
	principal text NOT NULL DEFAULT COALESCE(syncport.principal(), ''),
	target regclass NOT NULL,
	name text NOT NULL CHECK (name OPERATOR(pg_catalog.<>) ALL ('{"",all}')),
	columns text[],
	filter jsonb,
	order_by text,
	headings jsonb CHECK (pg_catalog.jsonb_typeof(headings)
						  OPERATOR(pg_catalog.=) 'object'),
	shared boolean NOT NULL DEFAULT false,
	saved_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (owner, principal, target, name)
);
COMMENT ON TABLE syncport.saved_preset IS
'Selections that syncport.save_preset has saved';
COMMENT ON COLUMN syncport.saved_preset.columns IS
'In the order of the export; NULL: all but those of syncport';
COMMENT ON COLUMN syncport.saved_preset.headings IS
'An object of column and heading';
COMMENT ON COLUMN syncport.saved_preset.shared IS
'Others who may read the table see and use it; of equal names the oldest';
COMMENT ON COLUMN syncport.saved_preset.saved_at IS
'When it was saved first; nobody can set it';
ALTER TABLE syncport.saved_preset ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON syncport.saved_preset
	USING (owner = CURRENT_USER
		   AND principal = COALESCE((SELECT syncport.principal()), ''));
COMMENT ON POLICY owner ON syncport.saved_preset IS
'Everyone sees and writes what is his own';
CREATE POLICY shared ON syncport.saved_preset FOR SELECT
	USING (shared AND pg_catalog.has_any_column_privilege(target, 'SELECT'));
COMMENT ON POLICY shared ON syncport.saved_preset IS
'Whoever may read the table sees what others share';
GRANT SELECT, DELETE,
	INSERT (target, name, columns, filter, order_by, headings, shared),
	UPDATE (columns, filter, order_by, headings, shared)
ON syncport.saved_preset TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('syncport.saved_preset', '');

CREATE VIEW syncport.preset WITH (security_invoker) AS
SELECT target, name, columns, filter, order_by, headings, shared, owner,
	principal, saved_at
FROM syncport.saved_preset;
COMMENT ON VIEW syncport.preset IS
'The presets that the caller may use; "all" is built in and not among them';
GRANT SELECT ON syncport.preset TO PUBLIC;

CREATE FUNCTION syncport.save_preset(
	target regclass,
	name text,
	columns text[] DEFAULT NULL,
	filter jsonb DEFAULT NULL,
	order_by text DEFAULT NULL,
	headings jsonb DEFAULT NULL,
	shared boolean DEFAULT false)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_save_preset';
COMMENT ON FUNCTION syncport.save_preset(regclass, text, text[], jsonb, text, jsonb, boolean) IS
'Saves a selection of a table by name, in the place of one''s own of that name';

CREATE FUNCTION syncport.drop_preset(target regclass, name text)
RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_drop_preset';
COMMENT ON FUNCTION syncport.drop_preset(regclass, text) IS
'Drops one''s own preset of that name; whether there was one';
