-- Push: the contract of its functions, the errors of a call, and properties:
-- random lists of mutations do what a model of them says, in both modes and
-- in partitions, under every policy; sent again they are duplicates and
-- change nothing; merge is what comparing column by column gives.
-- Needs transactions that commit, as a version is the transaction that wrote
-- the row; the file takes everything back.
\set VERBOSITY terse
SET client_min_messages = warning;
SET jit = off;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT no_plan();
DELETE FROM syncport.push_ledger;
DELETE FROM syncport.push_temp_id;
DROP SCHEMA IF EXISTS push_property CASCADE;
CREATE SCHEMA push_property;
SET search_path = push_property, public;
SET timezone = 'UTC';

-- the contract ----------------------------------------------------------------
SELECT bag_eq($$
	SELECT p.proname::text, p.provolatile::text, p.prokind::text, has_function_privilege('public', p.oid, 'EXECUTE'),
		pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)
	FROM pg_proc p WHERE p.pronamespace = 'syncport'::regnamespace AND p.proname IN ('push', 'push_json')
	$$, $$ VALUES
	('push', 'v', 'f', true, 'mutations jsonb, client_id text DEFAULT NULL::text, atomic boolean DEFAULT false, on_conflict text DEFAULT ''report''::text',
		'TABLE(ordinal integer, mutation_id text, status text, key jsonb, temp_key jsonb, server jsonb, client jsonb, conflict_columns text[], error jsonb)'),
	('push_json', 'v', 'f', true, 'mutations jsonb, client_id text DEFAULT NULL::text, atomic boolean DEFAULT false, on_conflict text DEFAULT ''report''::text, '
		|| 'int8_as_text boolean DEFAULT false, numeric_as_text boolean DEFAULT false, time_zone text DEFAULT ''UTC''::text', 'json')
	$$, 'the functions of push take and return what they should');

-- errors of the whole call ----------------------------------------------------
SELECT throws_ok(format('SELECT * FROM syncport.%s(%s)', f, c.args), c.code, NULL, f || ': ' || c.args)
FROM (VALUES ('NULL', '22004'), ('''null''', 'SY005'), ('''1''', 'SY005'), ('''"x"''', 'SY005'), ('''{}''', 'SY005'),
	('''{"mutations":null}''', 'SY005'), ('''{"mutations":{}}''', 'SY005'),
	('''[]'', on_conflict => ''ask''', '22023'), ('''[]'', on_conflict => ''''', '22023')) c (args, code),
	unnest('{push,push_json}'::text[]) f;
SELECT throws_ok($$SELECT syncport.push_json('[]', time_zone => 'Mars/Olympus')$$, '22023', NULL, 'a time zone that is none');
CREATE TABLE raising (id integer PRIMARY KEY, v text);
SELECT syncport.enable('raising');
CREATE FUNCTION raise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'raised' USING ERRCODE = new.v;
END $$;
CREATE TRIGGER raise BEFORE INSERT ON raising FOR EACH ROW WHEN (new.v IS NOT NULL) EXECUTE FUNCTION raise();
CREATE FUNCTION raising(code text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT status, error ->> ''sqlstate'', (error ->> ''retryable'')::boolean FROM syncport.push(%L)',
		format('[{"table":"raising","op":"insert","key":{"id":1},"set":{"v":"%s"}}]', code)) $$;
-- what says nothing of the mutation is raised, what says something is its status
SELECT throws_ok(raising(code), code, 'raised', code || ' is raised')
FROM unnest('{40001,40P01,40000,53100,53200,53300,57P01,58030,58000,XX000,XX001}'::text[]) code;
SELECT results_eq(raising(code), format('VALUES (''rejected'', %L, false)', code), code || ' is an answer')
FROM unnest('{P0001,22000,22P02,23000,23505,42501,42P01,0A000,55000,SY004,44000,25001,3F000,99999}'::text[]) code;
SELECT results_eq(raising('55P03'), $$VALUES ('rejected', '55P03', true)$$, '55P03 may pass later');
SELECT is_empty('SELECT * FROM raising', 'nothing is left of any of them');

-- every error says the same seven things
SELECT is((SELECT array_agg(m ORDER BY m) FROM syncport.push('[{"table":"raising","op":"insert","key":{"id":1},"set":{"w":1}}]'),
	jsonb_object_keys(error) m), '{column,constraint,detail,hint,message,retryable,sqlstate}', 'the members of an error');
SELECT is((SELECT error - '{message,detail,hint}'::text[] FROM syncport.push('[{"table":"raising","op":"insert","key":{"id":1},"set":{"w":1}}]')),
	'{"sqlstate":"42703","column":"w","constraint":null,"retryable":false}'::jsonb, 'an unknown column is named');
SELECT is((SELECT array_agg(m) FROM json_object_keys(syncport.push_json('[{}]') -> 'results' -> 0) m),
	'{ordinal,mutation_id,status,key,temp_key,server,client,conflict_columns,error}', 'the members of a result, in their order');
SELECT is((SELECT array_agg(m) FROM json_object_keys(syncport.push_json('[]')) m), '{results,seq}', 'the members of an answer');
SELECT is(syncport.push_json('[]') ->> 'results', '[]', 'nothing sent, nothing answered');
BEGIN;
SELECT is((syncport.push_json('[{"table":"raising","op":"insert","key":{"id":9}}]') ->> 'seq')::bigint,
	pg_current_xact_id()::text::bigint, 'seq is the id of the transaction');
SAVEPOINT s;
SELECT is((syncport.push_json('[{"table":"raising","op":"delete","key":{"id":9}}]') ->> 'seq')::bigint,
	pg_current_xact_id()::text::bigint, 'the top-level one, in a subtransaction, too');
ROLLBACK;

-- properties ------------------------------------------------------------------
CREATE TABLE whole (n integer, t text, a integer CHECK (a <> 13), b text, c numeric, d timestamptz, PRIMARY KEY (n, t));
CREATE TABLE pictured (LIKE whole INCLUDING ALL);
CREATE TABLE parted (LIKE whole INCLUDING ALL) PARTITION BY LIST (n);
CREATE TABLE parted_one PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
CREATE TABLE cut (LIKE whole INCLUDING ALL) PARTITION BY LIST (n);
CREATE TABLE cut_one PARTITION OF cut FOR VALUES IN (1);
CREATE TABLE cut_rest PARTITION OF cut DEFAULT;
SELECT syncport.enable('whole'), syncport.enable('parted'), syncport.enable('pictured', tombstones => 'image'),
	syncport.enable('cut', tombstones => 'image');
CREATE TABLE failure (list integer, target text, policy text, what text, mutation jsonb, expected text, answered text);
CREATE TABLE seen (status text, op text, policy text, times integer DEFAULT 1, PRIMARY KEY (op, status, policy));

CREATE FUNCTION pick(VARIADIC text[]) RETURNS text LANGUAGE sql AS $$
	SELECT $1[1 + floor(random() * cardinality($1))::integer] $$;
-- A value for a column, as the server writes it.
CREATE FUNCTION random_value(name text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT CASE name WHEN 'a' THEN pick('1', '2', '3', 'null', '1', '2', '13')
		WHEN 'b' THEN pick('"x"', '"y"', '"a \"quoted\"\nline \u00e9"', 'null', '""')
		WHEN 'c' THEN pick('1', '1.5', '-2.25', 'null', '12345678901234567890.5')
		ELSE pick('"2026-01-01T00:00:00.123+00:00"', '"2026-06-01T10:30:00+00:00"', 'null') END::jsonb $$;
CREATE FUNCTION random_row(names text[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_object_agg(name, random_value(name)), '{}') FROM unnest(names) name $$;
CREATE FUNCTION random_names() RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(name) FROM (SELECT name FROM unnest('{a,b,c,d}'::text[]) name
		ORDER BY random() LIMIT 1 + floor(random() * 3)) s $$;
-- The same values, written as a client might; a base with other trailing zeros.
CREATE FUNCTION rewrite(r jsonb, zeros integer DEFAULT 0) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_object_agg(key, CASE WHEN value = 'null' THEN value
		WHEN key = 'c' AND random() < 0.5 THEN to_jsonb(CASE zeros WHEN 0 THEN r ->> 'c' ELSE (r ->> 'c')::numeric(40, 6)::text END)
		WHEN key = 'a' AND random() < 0.5 THEN to_jsonb(r ->> 'a')
		WHEN key = 'd' THEN to_jsonb(to_char((r ->> 'd')::timestamptz + '2 h'::interval, 'YYYY-MM-DD"T"HH24:MI:SS.MS') || '+02:00')
		ELSE value END), '{}') FROM jsonb_each(r) $$;
-- Columns of r that s has otherwise.
CREATE FUNCTION differing(r jsonb, s jsonb) RETURNS text[] LANGUAGE sql AS $$
	SELECT coalesce(array_agg(key ORDER BY key), '{}') FROM jsonb_each(r) WHERE value <> s -> key $$;
-- The table's rows by key: {"row": ..., "deleted": ...}.
CREATE FUNCTION contents(target text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE result jsonb;
BEGIN
	EXECUTE format('SELECT coalesce(jsonb_object_agg(n || t, jsonb_build_object(''row'',
		to_jsonb(x) - ''{updated_at,deleted_at,row_version}''::text[], ''deleted'', to_jsonb(x) ->> ''deleted_at'' IS NOT NULL)), ''{}'')
		FROM %s x', target) INTO result;
	RETURN result;
END $$;
-- All there is of it, versions too.
CREATE FUNCTION everything(target text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	EXECUTE format('SELECT string_agg(x::text, '';'' ORDER BY n, t) FROM %s x', target) INTO result;
	RETURN concat(result, (SELECT string_agg(i::text, ';' ORDER BY id) FROM syncport.tombstone i WHERE i.target = $1::regclass));
END $$;

-- The model of one mutation: what becomes of the row, and the status.
-- stale: the base is not what the server has; touched: this call has written it.
CREATE FUNCTION model(op text, set jsonb, base jsonb, checked boolean, stale boolean, touched boolean, policy text,
	INOUT here jsonb, OUT status text, OUT columns text[])
LANGUAGE plpgsql AS $$
DECLARE
	missing boolean := here IS NULL;
	dead boolean := coalesce((here ->> 'deleted')::boolean, false);
	old jsonb := here -> 'row';
	wrong boolean;
	merged jsonb := set;
	blank jsonb := '{"a":null,"b":null,"c":null,"d":null}';
BEGIN
	status := 'applied';
	IF op = 'delete' AND (missing OR dead) OR op = 'restore' AND NOT missing AND NOT dead THEN
		status := 'noop';
		RETURN;
	END IF;
	IF op = 'restore' THEN
		wrong := missing;
	ELSIF op = 'upsert' THEN
		wrong := NOT missing AND checked AND (stale OR dead AND base IS NOT NULL) AND NOT touched;
	ELSIF op = 'insert' THEN
		wrong := NOT missing AND NOT touched;
		IF NOT missing AND NOT dead AND differing(set, old) = '{}' THEN
			status := 'noop';
			RETURN;
		END IF;
	ELSE
		wrong := (missing OR dead) AND NOT touched OR checked AND stale AND NOT touched;
	END IF;
	IF op <> 'delete' AND wrong AND NOT missing AND NOT dead AND differing(set, old) = '{}' THEN
		status := 'noop';				/* both made the same edit */
		RETURN;
	END IF;
	IF policy = 'merge' AND op IN ('update', 'upsert') AND base IS NOT NULL AND NOT missing AND NOT dead AND NOT touched THEN
		SELECT coalesce(jsonb_object_agg(key, value) FILTER (WHERE NOT base ? key OR value <> base -> key), '{}'),
			coalesce(array_agg(key ORDER BY key) FILTER (WHERE base ? key AND value <> base -> key
				AND old -> key <> base -> key AND value <> old -> key), '{}')
			INTO merged, columns FROM jsonb_each(set);
		wrong := columns <> '{}';
	END IF;
	IF wrong AND policy IN ('report', 'merge') THEN
		status := 'conflict';
		IF columns IS NULL AND NOT missing AND NOT dead THEN
			columns := differing(coalesce(base, set), old);
		END IF;
		RETURN;
	ELSIF wrong AND policy = 'server' THEN
		status := 'noop';
		RETURN;
	END IF;
	columns := NULL;
	IF op = 'delete' THEN
		here := here || '{"deleted":true}';
		RETURN;
	END IF;
	here := jsonb_build_object('row', coalesce(old, blank) || merged, 'deleted', false);
	IF here -> 'row' -> 'a' = '13' THEN
		status := 'rejected';
	ELSIF NOT missing AND NOT dead AND here -> 'row' = old THEN
		status := 'noop';
	END IF;
END $$;

-- Send random lists, compare, send them again.
CREATE PROCEDURE run(lists integer) LANGUAGE plpgsql AS $$
#variable_conflict use_column
<<run>>
DECLARE
	target text; policy text; atomic boolean; client text; pulled text[]; a jsonb;
	state jsonb; before jsonb; position text; copy text; start text;
	m jsonb; list jsonb; expected jsonb; answer jsonb; touched text[]; changed text[];
	k text; op text; kind text; stale boolean; names text[]; set jsonb; base jsonb; r record; s jsonb; fails boolean;
BEGIN
	FOR i IN 1 .. lists LOOP
		target := pick('whole', 'pictured', 'parted', 'cut');
		policy := pick('report', 'server', 'client', 'merge');
		atomic := random() < 0.2;
		client := pick('phone', 'tablet', NULL);
		state := contents(target) || CASE WHEN target IN ('pictured', 'cut') THEN coalesce((
			SELECT jsonb_object_agg((key ->> 'n') || (key ->> 't'), jsonb_build_object('row', jsonb_build_object(
				'n', (image ->> 'n')::integer, 't', image ->> 't', 'a', (image ->> 'a')::integer, 'b', image ->> 'b',
				'c', (image ->> 'c')::numeric, 'd', (image ->> 'd')::timestamptz), 'deleted', true))
			FROM (SELECT DISTINCT ON (t.key::text) t.key, t.image::jsonb AS image FROM syncport.tombstone t
				WHERE t.target = run.target::regclass ORDER BY t.key::text, t.id DESC) t
			WHERE NOT contents(target) ? ((key ->> 'n') || (key ->> 't'))), '{}') ELSE '{}' END;
		IF random() < 0.5 THEN
			position := syncport.feed_position(target::regclass);
			pulled := '{1k,1l,2k,2l}';
		ELSE						/* the round ended behind some of the rows */
			position := NULL;
			pulled := '{}';
			FOR j IN 1 .. 1 + floor(random() * 3)::integer LOOP
				a := syncport.pull(jsonb_build_object('page_size', 1, 'tables', jsonb_build_object(target,
					jsonb_build_object('cursor', position)))) -> 'tables' -> target;
				position := a ->> 'cursor';
				SELECT pulled || coalesce(array_agg(concat(x ->> 'n', x ->> 't')), '{}') INTO pulled
					FROM jsonb_array_elements(a -> 'upserts') x;
			END LOOP;
		END IF;
		COMMIT;
		-- somebody else changes rows of which the cursor does not know
		EXECUTE format('WITH u AS (UPDATE %s SET b = md5(random()::text) WHERE random() < 0.3%s RETURNING n || t AS k)
			SELECT coalesce(array_agg(k), ''{}'') FROM u', target,
			CASE WHEN target IN ('whole', 'parted') THEN ' AND deleted_at IS NULL' ELSE '' END) INTO changed;
		COMMIT;
		state := state || contents(target);
		before := state;
		list := '[]'; expected := '[]'; touched := '{}'; fails := false;
		FOR j IN 1 .. 1 + floor(random() * 6)::integer LOOP
			k := pick('1k', '1l', '2k', '2l');
			op := pick('insert', 'upsert', 'update', 'update', 'delete', 'restore');
			s := state -> k;
			/* what one call does to a row it has deleted is for the others */
			IF k = ANY (touched) AND op IN ('insert', 'update') AND (s ->> 'deleted')::boolean
				OR k = ANY (touched) AND op = 'insert' OR policy = 'merge' AND op = 'insert' THEN
				op := 'upsert';
			END IF;
			set := CASE WHEN op IN ('delete', 'restore') THEN '{}' ELSE random_row(random_names()) END;
			kind := CASE WHEN op IN ('insert', 'restore') THEN 'none' WHEN policy = 'merge' THEN 'base'
				ELSE pick('none', 'base', 'base_version', 'base_cursor') END;
			IF kind = 'base_cursor' AND s ->> 'deleted' = 'true' AND pulled <> '{1k,1l,2k,2l}' THEN
				kind := 'none';		/* tombstones do not come with an initial load */
			END IF;
			stale := false; base := NULL;
			m := jsonb_build_object('id', i || '-' || j, 'table', target, 'op', op,
				'key', jsonb_build_object('n', left(k, 1)::integer, 't', right(k, 1)));
			IF kind = 'base' AND s IS NOT NULL THEN
				names := random_names();
				IF policy = 'merge' THEN
					SELECT array_agg(x) INTO names FROM jsonb_object_keys(set) x;
				END IF;
				SELECT coalesce(jsonb_object_agg(x, CASE WHEN random() < 0.3 THEN random_value(x) ELSE s -> 'row' -> x END), '{}')
					INTO base FROM unnest(coalesce(names, '{a}')) x;
				stale := differing(base, s -> 'row') <> '{}';
				m := m || jsonb_build_object('base', rewrite(base, 6));
			ELSIF kind = 'base' THEN
				base := '{"a":1}';
				stale := true;
				m := m || jsonb_build_object('base', base);
			ELSIF kind = 'base_version' THEN
				stale := random() < 0.4;
				EXECUTE format('SELECT row_version FROM %s WHERE n || t = $1', target) INTO start USING k;
				stale := stale OR start IS NULL;
				m := m || jsonb_build_object(kind, CASE WHEN stale THEN 1 ELSE start::bigint END);
			ELSIF kind = 'base_cursor' THEN
				stale := k = ANY (changed) OR k <> ALL (pulled);
				m := m || jsonb_build_object(kind, position);
			END IF;
			IF op NOT IN ('delete', 'restore') THEN
				m := m || jsonb_build_object('set', rewrite(set));
			END IF;
			SELECT * INTO r FROM model(op, set, base, kind <> 'none', stale, k = ANY (touched), policy, s);
			IF r.status = 'applied' THEN
				touched := touched || k;
				state := state || jsonb_build_object(k, r.here || jsonb_build_object('row', r.here -> 'row' || (m -> 'key')));
			END IF;
			fails := fails OR r.status IN ('conflict', 'rejected');
			list := list || m;
			expected := expected || jsonb_build_object('status', r.status, 'columns', to_jsonb(r.columns), 'row', state -> k);
			INSERT INTO seen VALUES (CASE WHEN atomic AND fails THEN 'atomic' ELSE r.status END, op, policy)
				ON CONFLICT ON CONSTRAINT seen_pkey DO UPDATE SET times = seen.times + 1;
		END LOOP;
		start := everything(target);
		SELECT jsonb_agg(to_jsonb(p) ORDER BY ordinal) INTO answer FROM syncport.push(list, client, atomic, policy) p;
		copy := everything(target);
		IF atomic AND fails THEN
			INSERT INTO failure SELECT i, target, policy, 'atomic', list, 'nothing is changed', answer WHERE copy <> start
				OR NOT EXISTS (SELECT FROM jsonb_array_elements(answer) x WHERE x ->> 'status' IN ('conflict', 'rejected'))
				OR EXISTS (SELECT FROM jsonb_array_elements(answer) x WHERE x ->> 'status' NOT IN ('conflict', 'rejected', 'rolled_back'));
			INSERT INTO failure SELECT i, target, policy, 'server of atomic', list, before, answer -> j
				FROM generate_series(0, jsonb_array_length(list) - 1) j
				WHERE coalesce(nullif(answer -> j -> 'server', 'null') - '{updated_at,row_version,deleted_at}'::text[], 'null')
					IS DISTINCT FROM coalesce(before -> concat(list #> ARRAY[j::text, 'key', 'n'], list #>> ARRAY[j::text, 'key', 't']) -> 'row', 'null');
		ELSE
			INSERT INTO failure SELECT i, target, policy, 'status', list -> j, expected -> j ->> 'status', answer -> j
				FROM generate_series(0, jsonb_array_length(list) - 1) j
				WHERE answer -> j ->> 'status' IS DISTINCT FROM expected -> j ->> 'status'
				OR (answer -> j ->> 'ordinal')::integer <> j + 1 OR answer -> j ->> 'mutation_id' IS DISTINCT FROM list -> j ->> 'id'
				OR answer -> j -> 'key' IS DISTINCT FROM list -> j -> 'key' OR answer -> j ->> 'temp_key' IS NOT NULL
				OR answer -> j -> 'client' IS DISTINCT FROM (list -> j -> 'key') || coalesce(list -> j -> 'set', '{}')
				OR (answer -> j ->> 'status' = 'rejected') <> (answer -> j -> 'error' <> 'null')
				OR (answer -> j ->> 'status' = 'conflict') <> (answer -> j -> 'conflict_columns' <> 'null');
			INSERT INTO failure SELECT i, target, policy, 'columns', list -> j, expected -> j ->> 'columns', answer -> j
				FROM generate_series(0, jsonb_array_length(list) - 1) j
				WHERE expected -> j -> 'columns' <> 'null'
				AND (SELECT jsonb_agg(x ORDER BY x) FROM jsonb_array_elements(answer -> j -> 'conflict_columns') x)
					IS DISTINCT FROM nullif(expected -> j -> 'columns', '[]');
			-- what is shown is the row as it is then
			INSERT INTO failure SELECT i, target, policy, 'server', list -> j, expected -> j ->> 'row', answer -> j
				FROM generate_series(0, jsonb_array_length(list) - 1) j
				WHERE coalesce(nullif(answer -> j -> 'server', 'null') - '{updated_at,row_version,deleted_at}'::text[], 'null')
					IS DISTINCT FROM coalesce(expected -> j -> 'row' -> 'row', 'null')
				OR ((answer -> j -> 'server' ->> 'deleted_at' IS NOT NULL)
					IS DISTINCT FROM coalesce((expected -> j -> 'row' ->> 'deleted')::boolean, false));
			-- and the table is as the model has it
			INSERT INTO failure SELECT i, target, policy, 'contents ' || key, list, value, contents(target) -> key
				FROM jsonb_each(state)
				WHERE CASE WHEN (value ->> 'deleted')::boolean AND target IN ('pictured', 'cut') THEN contents(target) ? key
				ELSE contents(target) -> key IS DISTINCT FROM value END;
			INSERT INTO failure SELECT i, target, policy, 'too much', list, state, contents(target)
				WHERE EXISTS (SELECT FROM jsonb_object_keys(contents(target)) x WHERE NOT state ? x);
			COMMIT;
			SELECT jsonb_agg(to_jsonb(p) ORDER BY ordinal) INTO answer FROM syncport.push(list, client, atomic, policy) p;
			INSERT INTO failure SELECT i, target, policy, 'replay', list, copy, answer
				WHERE everything(target) IS DISTINCT FROM copy
				OR EXISTS (SELECT FROM jsonb_array_elements(answer) x WHERE x ->> 'status' <> 'duplicate');
			INSERT INTO failure SELECT i, target, policy, 'replay', list -> j, expected -> j ->> 'status', answer -> j
				FROM generate_series(0, jsonb_array_length(list) - 1) j
				WHERE (answer -> j -> 'error' <> 'null') <> (expected -> j ->> 'status' = 'rejected')
				OR (answer -> j -> 'conflict_columns' <> 'null') <> (expected -> j ->> 'status' = 'conflict');
		END IF;
		COMMIT;
	END LOOP;
END $$;
SELECT lives_ok('SELECT setseed(0.5)', 'the lists are the same at each run');
CALL run(500);
SELECT is_empty('SELECT what, count(*), min(list) FROM failure GROUP BY what', 'the lists did what the model says');
SELECT set_eq('SELECT DISTINCT status FROM seen', '{applied,noop,conflict,rejected,atomic}'::text[], 'every status was met');
SELECT is_empty($$SELECT op, policy FROM unnest('{insert,upsert,update,delete,restore}'::text[]) op,
	unnest('{report,server,client}'::text[]) policy EXCEPT SELECT op, policy FROM seen WHERE times > 3$$,
	'every operation was tried under every policy');
SELECT cmp_ok((SELECT sum(times) FROM seen WHERE policy = 'merge' AND status = s), '>', 10::bigint, 'merge: ' || s)
FROM unnest('{applied,noop,conflict}'::text[]) s;

SET client_min_messages = error;
DROP SCHEMA push_property CASCADE;
DELETE FROM syncport.push_ledger;
DELETE FROM syncport.push_temp_id;
DELETE FROM syncport.tombstone;
SELECT * FROM finish();
