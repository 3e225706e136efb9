-- The triggers of an enabled table; syncport.enable creates them.  stamp and
-- keep take arguments: the columns updated_at, row_version, deleted_at (empty
-- where tombstones are images), and whether to NOTIFY.  Whoever writes to the
-- table needs no privilege on them.
CREATE FUNCTION syncport.stamp() RETURNS trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_stamp';
COMMENT ON FUNCTION syncport.stamp IS
'Sets updated_at and row_version of a row that is written';

CREATE FUNCTION syncport.keep() RETURNS trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_keep';
COMMENT ON FUNCTION syncport.keep IS
'Keeps a deleted row: in its table as a tombstone, or else as an image';

CREATE FUNCTION syncport.settle() RETURNS trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_settle';
COMMENT ON FUNCTION syncport.settle IS
'Checks and keeps, once a statement has fired its triggers, what could not be told before; fires only when the other triggers ask for it';

CREATE FUNCTION syncport.truncated() RETURNS trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_truncated';
COMMENT ON FUNCTION syncport.truncated IS
'Records that a table or partition is emptied, which resets feed positions';

-- What DDL does to enabled tables.
CREATE FUNCTION syncport.table_rewritten() RETURNS event_trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_table_rewritten';
COMMENT ON FUNCTION syncport.table_rewritten IS
'Records that a rewrite changed rows without stamping them';
CREATE EVENT TRIGGER syncport_table_rewritten ON table_rewrite
	EXECUTE FUNCTION syncport.table_rewritten();
ALTER EVENT TRIGGER syncport_table_rewritten ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER syncport_table_rewritten IS
'Resets feed positions of an enabled table whose rows a rewrite changed';

CREATE FUNCTION syncport.table_altered() RETURNS event_trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_table_altered';
COMMENT ON FUNCTION syncport.table_altered IS
'Gives new partitions their trigger for TRUNCATE, takes it from detached ones';
CREATE EVENT TRIGGER syncport_table_altered ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE')
	EXECUTE FUNCTION syncport.table_altered();
ALTER EVENT TRIGGER syncport_table_altered ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER syncport_table_altered IS
'Keeps the partitions of enabled tables guarded';

CREATE FUNCTION syncport.table_dropped() RETURNS event_trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_table_dropped';
COMMENT ON FUNCTION syncport.table_dropped IS
'Forgets a dropped table and its images';
CREATE EVENT TRIGGER syncport_table_dropped ON sql_drop
	EXECUTE FUNCTION syncport.table_dropped();
ALTER EVENT TRIGGER syncport_table_dropped ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER syncport_table_dropped IS
'Removes what syncport keeps about a table that is dropped';
