-- What applications and owners ask of an enabled table.  Everything runs
-- with the caller's privileges and under its row policies.
CREATE FUNCTION syncport.restore(target regclass, key jsonb,
	cascade boolean DEFAULT false)
RETURNS bigint
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_restore';
COMMENT ON FUNCTION syncport.restore(regclass, jsonb, boolean) IS
'Brings a deleted row back, and with cascade what the same transaction deleted below it; how many rows came back';

CREATE FUNCTION syncport.erase(target regclass, key jsonb) RETURNS boolean
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_erase';
COMMENT ON FUNCTION syncport.erase(regclass, jsonb) IS
'Removes a row and its images for good, deleted or not; only what clients need to learn of it stays until purge; false where there is nothing with that key';

CREATE FUNCTION syncport.touch(target regclass, filter jsonb DEFAULT NULL)
RETURNS bigint
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_touch';
COMMENT ON FUNCTION syncport.touch(regclass, jsonb) IS
'Stamps rows anew, tombstones too, so that clients see them again; how many';

CREATE FUNCTION syncport.reset_access(target regclass,
	principal text DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_reset_access';
COMMENT ON FUNCTION syncport.reset_access(regclass, text) IS
'Makes clients, or those of one principal, start anew: what policies read in other tables has changed';

CREATE FUNCTION syncport.release_unique(target regclass,
	constraint_name name)
RETURNS void
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_release_unique';
COMMENT ON FUNCTION syncport.release_unique(regclass, name) IS
'Lets tombstones hold no unique value: a UNIQUE constraint becomes a unique index over live rows, an EXCLUDE constraint gets that predicate; a second call changes nothing';
