-- Comparisons by the default btree order that may bound an index scan under
-- row-level security; src/keyset/bound.c says why they leak nothing.
CREATE FUNCTION syncport.sort_support(request internal) RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'syncport_sort_support';
COMMENT ON FUNCTION syncport.sort_support(request internal) IS
'Planner support of syncport.sort_lt and its kin';

CREATE FUNCTION syncport.sort_lt(a anyelement, b anyelement) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
SUPPORT syncport.sort_support
AS 'MODULE_PATHNAME', 'syncport_sort_lt';
COMMENT ON FUNCTION syncport.sort_lt(anyelement, anyelement) IS
'Whether a sorts before b; may bound an index scan under row-level security';

CREATE FUNCTION syncport.sort_le(a anyelement, b anyelement) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
SUPPORT syncport.sort_support
AS 'MODULE_PATHNAME', 'syncport_sort_le';
COMMENT ON FUNCTION syncport.sort_le(anyelement, anyelement) IS
'Whether a sorts before b or with it; may bound an index scan under row-level security';

CREATE FUNCTION syncport.sort_eq(a anyelement, b anyelement) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
SUPPORT syncport.sort_support
AS 'MODULE_PATHNAME', 'syncport_sort_eq';
COMMENT ON FUNCTION syncport.sort_eq(anyelement, anyelement) IS
'Whether a sorts with b; may bound an index scan under row-level security';

CREATE FUNCTION syncport.sort_ge(a anyelement, b anyelement) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
SUPPORT syncport.sort_support
AS 'MODULE_PATHNAME', 'syncport_sort_ge';
COMMENT ON FUNCTION syncport.sort_ge(anyelement, anyelement) IS
'Whether a sorts behind b or with it; may bound an index scan under row-level security';

CREATE FUNCTION syncport.sort_gt(a anyelement, b anyelement) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
SUPPORT syncport.sort_support
AS 'MODULE_PATHNAME', 'syncport_sort_gt';
COMMENT ON FUNCTION syncport.sort_gt(anyelement, anyelement) IS
'Whether a sorts behind b; may bound an index scan under row-level security';

CREATE FUNCTION syncport.page_support(request internal) RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'syncport_page_support';
COMMENT ON FUNCTION syncport.page_support(internal) IS
'Planner support of syncport.page: how many rows a page has';

CREATE FUNCTION syncport.page(
	target anyelement,
	after text DEFAULT NULL,
	before text DEFAULT NULL,
	page_size integer DEFAULT 50,
	order_by text DEFAULT NULL,
	filter jsonb DEFAULT NULL,
	include_deleted boolean DEFAULT false)
RETURNS TABLE (item anyelement, cursor text)
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 50
SUPPORT syncport.page_support
AS 'MODULE_PATHNAME', 'syncport_page';
COMMENT ON FUNCTION syncport.page(anyelement, text, text, integer, text,
	jsonb, boolean) IS
'The page behind (or ahead of) a cursor, a row and its cursor each: SELECT (item).*, cursor FROM syncport.page(NULL::records)';

CREATE FUNCTION syncport.page_json(
	target regclass,
	after text DEFAULT NULL,
	before text DEFAULT NULL,
	page_size integer DEFAULT 50,
	order_by text DEFAULT NULL,
	columns text[] DEFAULT NULL,
	filter jsonb DEFAULT NULL,
	include_deleted boolean DEFAULT false,
	total text DEFAULT 'none',
	int8_as_text boolean DEFAULT false,
	numeric_as_text boolean DEFAULT false,
	time_zone text DEFAULT 'UTC')
RETURNS json
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_page_json';
COMMENT ON FUNCTION syncport.page_json(regclass, text, text, integer, text,
	text[], jsonb, boolean, text, boolean, boolean, text) IS
'The page behind (or ahead of) a cursor as one JSON object: items, next_cursor, prev_cursor, has_more, total';
