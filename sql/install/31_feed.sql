-- The feed: what clients have not seen yet.  STABLE is essential: position
-- and rows come from one snapshot.
CREATE FUNCTION syncport.changes(
	target anyelement,
	since text DEFAULT NULL,
	page_size integer DEFAULT 1000,
	filter jsonb DEFAULT NULL)
RETURNS TABLE (op text, item anyelement, cursor text)
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_changes';
COMMENT ON FUNCTION syncport.changes(anyelement, text, integer, jsonb) IS
'What is new in a table since a cursor, a row and its cursor each: SELECT op, (item).*, cursor FROM syncport.changes(NULL::records)';

CREATE FUNCTION syncport.pull(request jsonb) RETURNS json
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_pull';
COMMENT ON FUNCTION syncport.pull(jsonb) IS
'What is new in several tables since a cursor each, in one snapshot, as one JSON object';

CREATE FUNCTION syncport.feed_position(
	target regclass,
	columns text[] DEFAULT NULL,
	filter jsonb DEFAULT NULL)
RETURNS text
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_feed_position';
COMMENT ON FUNCTION syncport.feed_position(regclass, text[], jsonb) IS
'The cursor of now, for clients that have the rows by other ways or want only what is to come';
