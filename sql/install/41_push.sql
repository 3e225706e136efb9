-- Push: what clients did offline comes back.  Runs as the caller.
CREATE FUNCTION syncport.push(
	mutations jsonb,
	client_id text DEFAULT NULL,
	atomic boolean DEFAULT false,
	on_conflict text DEFAULT 'report')
RETURNS TABLE (
	ordinal integer,
	mutation_id text,
	status text,
	key jsonb,
	temp_key jsonb,
	server jsonb,
	client jsonb,
	conflict_columns text[],
	error jsonb)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_push';
COMMENT ON FUNCTION syncport.push(jsonb, text, boolean, text) IS
'Applies the edits of a client, each once, and says of each what became of it: applied, noop, duplicate, conflict, rejected or rolled_back';

CREATE FUNCTION syncport.push_json(
	mutations jsonb,
	client_id text DEFAULT NULL,
	atomic boolean DEFAULT false,
	on_conflict text DEFAULT 'report',
	int8_as_text boolean DEFAULT false,
	numeric_as_text boolean DEFAULT false,
	time_zone text DEFAULT 'UTC')
RETURNS json
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'syncport_push_json';
COMMENT ON FUNCTION syncport.push_json(jsonb, text, boolean, text, boolean, boolean, text) IS
'The same as syncport.push, as one JSON object with the seq that pull takes as at_least_seq';
