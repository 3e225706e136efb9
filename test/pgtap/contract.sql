-- What holds for every object of the extension, whoever adds it.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(13);

-- pgTAP and the extension's own objects may share the database: members only.
CREATE TEMPORARY VIEW member AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
FROM pg_depend d
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'syncport' AND d.deptype = 'e';

SELECT isnt_empty('SELECT object FROM member', 'the extension has members');

-- Array and row types, and what belongs to a table, speak for themselves.
SELECT is_empty($$
	SELECT object FROM member m
	WHERE obj_description(objid, classid::regclass::name) IS NULL
	  AND NOT (classid = 'pg_type'::regclass
			   AND EXISTS (SELECT FROM pg_type t WHERE t.oid = objid
						   AND (t.typelem <> 0 OR t.typtype = 'c' AND t.typrelid IN (
								SELECT objid FROM member WHERE classid = 'pg_class'::regclass))))
	  AND NOT (classid = 'pg_class'::regclass
			   AND EXISTS (SELECT FROM pg_class c WHERE c.oid = objid AND c.relkind = 'S'))
	$$, 'every member object has a comment');

SELECT is_empty($$
	SELECT object FROM member m JOIN pg_proc p ON p.oid = m.objid
	WHERE m.classid = 'pg_proc'::regclass AND p.pronamespace <> 'syncport'::regnamespace
	$$, 'every function is in schema syncport');

SELECT is_empty($$
	SELECT object FROM member m JOIN pg_proc p ON p.oid = m.objid
	WHERE m.classid = 'pg_proc'::regclass AND (p.prosecdef OR p.proconfig IS NOT NULL)
	$$, 'no function is SECURITY DEFINER or has a SET clause');

SELECT is_empty($$
	SELECT object FROM member m JOIN pg_proc p ON p.oid = m.objid
	JOIN pg_language l ON l.oid = p.prolang
	WHERE m.classid = 'pg_proc'::regclass AND l.lanname NOT IN ('c', 'sql')
	$$, 'logic lives in C');

SELECT is_empty($$
	SELECT proname FROM member m JOIN pg_proc p ON p.oid = m.objid
	WHERE m.classid = 'pg_proc'::regclass GROUP BY proname HAVING count(*) > 1
	$$, 'no function name is overloaded');

SELECT is_empty($$
	SELECT object FROM member m JOIN pg_proc p ON p.oid = m.objid
	WHERE m.classid = 'pg_proc'::regclass
	  AND p.proargtypes::text <> 'internal'::regtype::oid::text
	  AND (p.proargnames IS NULL AND p.pronargs > 0 OR '' = ANY (p.proargnames))
	$$, 'every argument has a name');

-- Kind, volatility, parallel safety, strict, leakproof, and whether PUBLIC may
-- execute it: a new function has to be added here.
SELECT bag_eq($$
	SELECT p.proname::text, p.prokind::text, p.provolatile::text, p.proparallel::text,
		p.proisstrict, p.proleakproof, has_function_privilege('public', p.oid, 'EXECUTE')
	FROM member m JOIN pg_proc p ON p.oid = m.objid
	WHERE m.classid = 'pg_proc'::regclass
	$$, $$ VALUES
	('changes', 'f', 's', 'u', false, false, true),
	('count_rows', 'f', 's', 'u', false, false, true),
	('cursor_at', 'f', 's', 'u', false, false, true),
	('disable', 'f', 'v', 'u', false, false, false),
	('enable', 'f', 'v', 'u', false, false, false),
	('enable_script', 'f', 'v', 'u', false, false, false),
	('drop_preset', 'f', 'v', 'u', false, false, true),
	('export', 'f', 's', 'u', false, false, true),
	('export_query', 'f', 'v', 'u', false, false, false),
	('feed_position', 'f', 's', 'u', false, false, true),
	('image_rows', 'f', 's', 'u', false, false, true),
	('erase', 'f', 'v', 'u', false, false, true),
	('keep', 'f', 'v', 'u', false, false, true),
	('maintain', 'p', 'v', 'u', false, false, false),
	('page', 'f', 's', 'u', false, false, true),
	('page_json', 'f', 's', 'u', false, false, true),
	('page_support', 'f', 'i', 's', true, false, true),
	('plan_export', 'f', 's', 'u', false, false, true),
	('principal', 'f', 's', 's', false, false, true),
	('pull', 'f', 's', 'u', false, false, true),
	('purge', 'p', 'v', 'u', false, false, false),
	('push', 'f', 'v', 'u', false, false, true),
	('push_json', 'f', 'v', 'u', false, false, true),
	('release_unique', 'f', 'v', 'u', false, false, false),
	('reset_access', 'f', 'v', 'u', false, false, true),
	('restamp', 'f', 'v', 'u', false, false, false),
	('restore', 'f', 'v', 'u', false, false, true),
	('save_preset', 'f', 'v', 'u', false, false, true),
	('schedule', 'f', 'v', 'u', false, false, false),
	('settle', 'f', 'v', 'u', false, false, true),
	('sort_eq', 'f', 'i', 's', true, true, true),
	('sort_ge', 'f', 'i', 's', true, true, true),
	('sort_gt', 'f', 'i', 's', true, true, true),
	('sort_le', 'f', 'i', 's', true, true, true),
	('sort_lt', 'f', 'i', 's', true, true, true),
	('sort_support', 'f', 'i', 's', true, false, true),
	('stamp', 'f', 'v', 'u', false, false, true),
	('table_status', 'f', 'v', 'r', false, false, true),
	('table_altered', 'f', 'v', 'u', false, false, true),
	('table_dropped', 'f', 'v', 'u', false, false, true),
	('table_rewritten', 'f', 'v', 'u', false, false, true),
	('touch', 'f', 'v', 'u', false, false, true),
	('truncated', 'f', 'v', 'u', false, false, true),
	('unschedule', 'f', 'v', 'u', false, false, false)
	$$, 'every function has the privileges and properties it should have');

-- Clients call the feed by names of arguments, and leave some out.
SELECT bag_eq($$
	SELECT p.proname::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)
	FROM member m JOIN pg_proc p ON p.oid = m.objid
	WHERE m.classid = 'pg_proc'::regclass
	  AND p.proname IN ('changes', 'feed_position', 'pull', 'restamp')
	$$, $$ VALUES
	('changes', 'target anyelement, since text DEFAULT NULL::text, page_size integer DEFAULT 1000, filter jsonb DEFAULT NULL::jsonb',
		'TABLE(op text, item anyelement, cursor text)'),
	('feed_position', 'target regclass, columns text[] DEFAULT NULL::text[], filter jsonb DEFAULT NULL::jsonb',
		'text'),
	('pull', 'request jsonb', 'json'),
	('restamp', 'target regclass DEFAULT NULL::regclass', 'bigint')
	$$, 'the functions of the feed take and return what they should');
SELECT bag_eq($$
	SELECT p.proname::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)
	FROM member m JOIN pg_proc p ON p.oid = m.objid
	WHERE m.classid = 'pg_proc'::regclass AND p.proname IN ('push', 'push_json')
	$$, $$ VALUES
	('push', 'mutations jsonb, client_id text DEFAULT NULL::text, atomic boolean DEFAULT false, on_conflict text DEFAULT ''report''::text',
		'TABLE(ordinal integer, mutation_id text, status text, key jsonb, temp_key jsonb, server jsonb, client jsonb, conflict_columns text[], error jsonb)'),
	('push_json', 'mutations jsonb, client_id text DEFAULT NULL::text, atomic boolean DEFAULT false, on_conflict text DEFAULT ''report''::text, int8_as_text boolean DEFAULT false, numeric_as_text boolean DEFAULT false, time_zone text DEFAULT ''UTC''::text',
		'json')
	$$, 'and those of push');

SELECT is(has_schema_privilege('public', 'syncport', 'USAGE'), false,
	'the schema is granted by whoever installs it');
SELECT is(has_schema_privilege('public', 'syncport', 'CREATE'), false,
	'nobody adds objects to the schema');
SELECT is(has_table_privilege('public', 'syncport.tombstone', 'SELECT, INSERT, UPDATE, DELETE'),
	false, 'images are nobody''s to read or write');

SELECT * FROM finish();
ROLLBACK;
