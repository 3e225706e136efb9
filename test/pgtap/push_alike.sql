-- Values that are equal and written in different ways: neither a conflict nor
-- a change.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(13);
CREATE TABLE doc (id int PRIMARY KEY, n numeric, at timestamptz, j json, b jsonb, v text);
SELECT syncport.enable('doc');
INSERT INTO doc VALUES (1, 1.5, '2026-01-01 10:00:00.123456Z', '{"b": 1,  "a": 2}', 'null', 'x');
CREATE FUNCTION push(op text, set jsonb, base jsonb DEFAULT '{}', policy text DEFAULT 'report') RETURNS text LANGUAGE sql AS $$
	SELECT status || coalesce(conflict_columns::text, '') FROM syncport.push(jsonb_build_array(
		jsonb_build_object('table', 'doc', 'op', op, 'key', '{"id": 1}'::jsonb, 'set', set) || base),
		on_conflict => policy)
$$;
SELECT is(push('update', '{"n": 1.50}', '{"base_version": 1}'), 'noop', 'both made the same edit');
SELECT is(push('insert', '{"n": 1.50}'), 'noop', 'the row is there already');
SELECT is(push('insert', '{"n": 1.51}'), 'conflict{n}', 'with another value it is a conflict');
SELECT is(push('update', '{"n": 1.50}'), 'applied', 'without a base the client''s way of writing counts');
SELECT is((SELECT n::text FROM doc), '1.50', 'and is stored');
SELECT is(push('update', '{"v": "y"}', '{"base": {"b": null}}'), 'applied', 'a JSON null is shown as null, and taken as it');
SELECT is(push('update', '{"b": null, "j": {"a": 2, "b": 1}}'), 'noop', 'a document is not written anew');
SELECT is((SELECT (b IS NULL)::text || j FROM doc), 'false{"b": 1,  "a": 2}', 'and stays as it was');
SELECT is(push('update', '{"at": "2026-01-01T10:00:00.123Z", "v": "z"}', '{"base": {"at": "2026-01-01T10:00:00.123Z", "v": "y"}}'),
	'applied', 'a whole document, with times of a client that keeps milliseconds');
SELECT is((SELECT at || v FROM doc), '2026-01-01 10:00:00.123456+00z', 'writes what the client changed');
SELECT is(push('update', '{"at": "2026-01-01T10:00:00.123Z"}', '{"base": {"at": "2026-01-01T10:00:00.123Z"}}'),
	'noop', 'and nothing else');
SELECT is(push('update', '{"at": "2026-01-01T11:00:00Z", "v": "z"}', '{"base": {"at": "2025-01-01T10:00:00Z", "v": "a"}}', 'client'),
	'applied', 'the client may win');
SELECT is((SELECT at || v FROM doc), '2026-01-01 11:00:00+00z', 'with all that it has');
SELECT * FROM finish();
ROLLBACK;
