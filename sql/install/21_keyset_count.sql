-- Counting a filtered table, and cursors for places that a user names.
CREATE FUNCTION syncport.count_rows(
	target regclass,
	filter jsonb DEFAULT NULL,
	include_deleted boolean DEFAULT false,
	mode text DEFAULT 'auto'
) RETURNS TABLE (rows bigint, kind text)
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'syncport_count_rows';
COMMENT ON FUNCTION syncport.count_rows(regclass, jsonb, boolean, text) IS
'Count the rows that the caller sees under a filter: mode is auto, exact or estimate; kind says which it became';

CREATE FUNCTION syncport.cursor_at(
	target regclass,
	order_by text,
	"position" jsonb
) RETURNS text
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_cursor_at';
COMMENT ON FUNCTION syncport.cursor_at(regclass, text, jsonb) IS
'A cursor just ahead of the first row at or behind the given values of the order''s leading columns, or of the row with the given primary key';
