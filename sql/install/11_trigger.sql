-- The triggers of an enabled table; syncport.enable creates them with their
-- arguments: the columns updated_at, row_version, deleted_at, and whether to
-- NOTIFY.  Whoever writes to the table needs no privilege on them.
CREATE FUNCTION syncport.stamp() RETURNS trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_stamp';
COMMENT ON FUNCTION syncport.stamp IS
'Sets updated_at and row_version of a row that is written';

CREATE FUNCTION syncport.put_back() RETURNS trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_put_back';
COMMENT ON FUNCTION syncport.put_back IS
'Keeps a deleted row: in its table as a tombstone, or else as an image';
