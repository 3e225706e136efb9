-- Images of deleted rows as rows of their table, for queries that syncport
-- builds.  Everyone may execute it and nobody can use it: those queries prove
-- themselves by a random number that is good while they run.
CREATE FUNCTION syncport.image_rows(ticket bigint) RETURNS SETOF record
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_image_rows';
COMMENT ON FUNCTION syncport.image_rows(bigint) IS
'Images of deleted rows, for queries of syncport alone: without the ticket of one that is running it refuses everyone, so EXECUTE need not be revoked';
