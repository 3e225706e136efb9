-- Exports as functions: who may have which rows, and how they arrive.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(61);
LOAD 'syncport';

CREATE ROLE regress_export_ann;
CREATE ROLE regress_export_ben;
CREATE ROLE regress_export_none;
CREATE SCHEMA export;
SET search_path = export, public;
GRANT USAGE ON SCHEMA export, public, syncport TO PUBLIC;
CREATE TABLE sale (id int PRIMARY KEY, owner text, price numeric, secret text);
INSERT INTO sale SELECT g, CASE g % 2 WHEN 0 THEN 'regress_export_ann' ELSE 'regress_export_ben' END,
	g * 1.5, 'secret ' || g FROM generate_series(1, 2000) g;
ALTER TABLE sale ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON sale USING (owner = current_user);
GRANT SELECT (id, owner, price) ON sale TO regress_export_ann, regress_export_ben;
CREATE FUNCTION whole(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result bytea;
BEGIN
	EXECUTE 'SELECT string_agg(c, '''') FROM (' || query || ') q(c)' INTO result;
	RETURN convert_from(result, 'UTF8');
END $$;
CREATE FUNCTION nlines(content text) RETURNS bigint LANGUAGE sql AS
$$SELECT count(*) FROM regexp_matches(content, E'\n', 'g')$$;

-- chunks
SELECT is(md5((SELECT string_agg(c, '' ORDER BY n) FROM syncport.export('sale', 'ndjson', order_by => 'id') WITH ORDINALITY e(c, n))),
	md5((SELECT string_agg(row_to_json(s)::text || E'\n', '' ORDER BY id) FROM sale s)),
	'lines are row_to_json');
SELECT is(md5((SELECT string_agg(c, '') FROM (SELECT syncport.export('sale', 'ndjson', options => '{"chunk_bytes": 1024}') c) e)),
	md5((SELECT string_agg(c, '') FROM syncport.export('sale', 'ndjson') c)), 'in chunks of any size');
SELECT is((SELECT array_agg(DISTINCT octet_length(c)) FROM (SELECT c, row_number() OVER () AS n, count(*) OVER () AS total
	FROM (SELECT syncport.export('sale', 'ndjson', options => '{"chunk_bytes": 1500}') c) e) e WHERE n < total),
	ARRAY[1500], 'which all but the last have');
SELECT is((SELECT count(*) FROM (SELECT syncport.export('sale', options => '{"chunk_bytes": 1024}') LIMIT 2) e), 2::bigint,
	'a LIMIT ends it');
SELECT is_empty($$SELECT * FROM pg_cursors WHERE statement ~ '^SELECT t[.]'$$, 'and leaves no cursor');
SELECT is((SELECT count(*) FROM (SELECT syncport.export('sale', options => '{"chunk_bytes": 1024}'),
	syncport.export('sale', 'ndjson', options => '{"chunk_bytes": 4096}')) e),
	(SELECT greatest((SELECT count(*) FROM syncport.export('sale', options => '{"chunk_bytes": 1024}')),
		(SELECT count(*) FROM syncport.export('sale', 'ndjson', options => '{"chunk_bytes": 4096}')))),
	'two exports side by side');
SELECT is((SELECT count(DISTINCT c) FROM generate_series(1, 3) g, LATERAL (SELECT string_agg(e, '') AS c
	FROM syncport.export('sale', filter => jsonb_build_object('id', g)) e) l), 3::bigint, 'once per row of another table');
DECLARE walk CURSOR FOR SELECT octet_length(syncport.export('sale', options => '{"chunk_bytes": 1024}'));
SELECT is((SELECT count(*) FROM pg_cursors WHERE name = 'walk'), 1::bigint, 'a cursor over an export');
FETCH 3 FROM walk \g /dev/null
SAVEPOINT a;
FETCH 3 FROM walk \g /dev/null
ROLLBACK TO a;
CLOSE walk;
SELECT pass('is fetched from, across a subtransaction, and closed');
SELECT throws_ok($$SELECT syncport.export_query('SELECT 1 / (1900 - id) FROM export.sale ORDER BY id')$$,
	'22012', NULL, 'an error in the middle');
SELECT lives_ok($$SELECT syncport.export('export.sale')$$, 'leaves the session usable');
SELECT is(whole($$SELECT syncport.export_query('INSERT INTO export.sale VALUES (9000, ''x'', 1, NULL) RETURNING id')$$),
	E'id\n9000\n', 'a query may write');
SELECT is(whole($$SELECT syncport.export('export.sale', columns => '{id}', filter => '{"id": 9000}')$$),
	E'id\n9000\n', 'and what it wrote is exported');
SELECT is(whole($$SELECT syncport.export('sale', columns => '{id}', filter => '{"owner": "a'';--"}')$$), E'id\n',
	'values are bound');

-- privileges
SELECT ok(NOT has_function_privilege('regress_export_ann', 'syncport.export_query(text, text, jsonb)', 'EXECUTE'),
	'export_query is not for everyone');
SET ROLE regress_export_ann;
SELECT is(nlines(whole($$SELECT syncport.export('sale', columns => '{id,price}')$$)), 1001::bigint,
	'row policies decide');
SELECT is(rows, 1000::bigint, 'also what is counted') FROM syncport.plan_export('sale', columns => '{id}');
SELECT throws_ok($$SELECT syncport.export('sale')$$, '42501', NULL, 'columns need their privilege');
SELECT throws_ok($$SELECT syncport.export('sale', columns => '{id}', filter => '{"secret": "x"}')$$, '42501', NULL,
	'those of the filter, too');
SELECT throws_ok($$SELECT syncport.export('sale', columns => '{id}', order_by => 'secret')$$, '42501', NULL,
	'and of the order');
SELECT throws_ok($$SELECT syncport.save_preset('sale', 'p', '{id,secret}')$$, '42501', NULL,
	'a preset is checked as its owner');
SELECT lives_ok($$SELECT syncport.save_preset('sale', 'mine', '{id}')$$, 'one of her own');
SELECT lives_ok($$SELECT syncport.save_preset('sale', 'ours', '{id,price}', shared => true)$$, 'and a shared one');
SET ROLE regress_export_ben;
SELECT set_eq('SELECT name FROM syncport.preset', ARRAY['ours'], 'others see what is shared');
SELECT is(whole($$SELECT syncport.export('sale', preset => 'ours', filter => '{"id": {"lte": 3}}')$$),
	E'id,price\n1,1.5\n3,4.5\n', 'and use it on rows of their own');
SELECT throws_ok($$SELECT syncport.export('sale', preset => 'mine')$$, '42704', 'preset "mine" does not exist',
	'what is not theirs does not exist');
SELECT ok(NOT syncport.drop_preset('sale', 'ours'), 'nor is it theirs to drop');
SELECT lives_ok($$SELECT syncport.save_preset('sale', 'ours', '{price}')$$, 'the same name is free');
SELECT is(whole($$SELECT syncport.export('sale', preset => 'ours', filter => '{"id": 1}')$$), E'price\n1.5\n',
	'and one''s own goes first');
SELECT throws_ok($$INSERT INTO syncport.saved_preset (owner, target, name, shared)
	VALUES ('regress_export_ann', 'sale', 'forged', true)$$, '42501', NULL, 'nobody saves for others');
SELECT is_empty($$UPDATE syncport.saved_preset SET columns = '{secret}' WHERE owner = 'regress_export_ann' RETURNING 1$$,
	'or changes what is theirs');
SET ROLE regress_export_none;
SELECT is_empty('SELECT * FROM syncport.preset', 'without the table there is nothing to see');
SELECT throws_ok($$SELECT syncport.export('sale', columns => '{id}')$$, '42501', NULL, 'nor to export');
SELECT throws_ok($$SELECT * FROM syncport.plan_export('sale', columns => '{id}')$$, '42501', NULL, 'nor to count');
RESET ROLE;
SET syncport.principal = 'app.user_id';
SET app.user_id = 'u1';
SELECT lives_ok($$SELECT syncport.save_preset('sale', 'p', '{id}')$$, 'presets belong to a principal');
SET app.user_id = 'u2';
SET ROLE regress_export_ann;
SELECT lives_ok($$SELECT syncport.save_preset('sale', 'p', '{id}')$$, 'of a role');
SET app.user_id = 'u1';
SELECT throws_ok($$SELECT syncport.export('sale', preset => 'p')$$, '42704', NULL, 'and not to another');
RESET ROLE;
RESET syncport.principal;

CREATE TABLE passing (id int);
SELECT lives_ok($$SELECT syncport.save_preset('passing', 'passing')$$, 'a preset of a table');
DROP TABLE passing;
SELECT is_empty($$SELECT * FROM syncport.saved_preset WHERE name = 'passing'$$, 'goes with it');

-- policies, as for a SELECT
CREATE ROLE regress_export_bypass BYPASSRLS;
CREATE ROLE regress_export_owner;
GRANT SELECT ON sale TO regress_export_bypass;
GRANT CREATE ON SCHEMA export TO regress_export_owner;
ALTER TABLE sale OWNER TO regress_export_owner;
GRANT EXECUTE ON FUNCTION syncport.export_query TO regress_export_ann;
CREATE VIEW cheap WITH (security_barrier) AS SELECT id, price FROM sale WHERE price < 15;
GRANT SELECT ON cheap TO regress_export_ann;
CREATE FUNCTION leak(numeric) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
$$BEGIN RAISE EXCEPTION 'leaked %', $1; END $$;
SET ROLE regress_export_bypass;
SELECT is(nlines(whole($$SELECT syncport.export('export.sale', columns => '{id}')$$)), 2002::bigint, 'BYPASSRLS sees every row');
SET ROLE regress_export_owner;
SELECT is(nlines(whole($$SELECT syncport.export('export.sale', columns => '{id}')$$)), 2002::bigint, 'so does the owner');
ALTER TABLE sale FORCE ROW LEVEL SECURITY;
SELECT is(nlines(whole($$SELECT syncport.export('export.sale', columns => '{id}')$$)), 1::bigint, 'unless it is forced');
SET ROLE regress_export_ann;
SELECT is(nlines(whole($$SELECT syncport.export_query('SELECT id FROM export.sale')$$)), 1001::bigint, 'policies hold for queries');
RESET ROLE;
ALTER TABLE sale NO FORCE ROW LEVEL SECURITY;
ALTER VIEW cheap OWNER TO regress_export_bypass;
SET ROLE regress_export_ann;
SELECT throws_like($$SELECT syncport.export_query('SELECT * FROM export.cheap WHERE export.leak(price)')$$,
	'leaked 1.5', 'a barrier shows its own rows only');
SELECT is(nlines(whole($$SELECT syncport.export_query('SELECT * FROM export.cheap')$$)), 11::bigint, 'all of them');
RESET ROLE;

-- whose operators are used
CREATE SCHEMA trap;
CREATE FUNCTION trap.never(int, int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.never(regclass, regclass) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.never(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.never(name, name) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE OPERATOR trap.= (FUNCTION = trap.never, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR trap.> (FUNCTION = trap.never, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR trap.= (FUNCTION = trap.never, LEFTARG = regclass, RIGHTARG = regclass);
CREATE OPERATOR trap.= (FUNCTION = trap.never, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR trap.= (FUNCTION = trap.never, LEFTARG = name, RIGHTARG = name);
CREATE FUNCTION run_trapped(statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'trap, pg_catalog', true);
	EXECUTE statement;
	PERFORM pg_catalog.set_config('search_path', 'export, public', true);
END $$;
SELECT throws_ok($$SELECT run_trapped('SELECT 1 FROM export.sale WHERE id = 1')$$, 'P0001', 'trapped', 'a trap');
SET search_path = export, public;
SELECT lives_ok(format('SELECT run_trapped(%L)', statement), what || ' whatever the search_path') FROM (VALUES
	($$SELECT syncport.save_preset('export.sale', 'p', filter => '{"id": {"gt": 1999}}', order_by => 'id')$$, 'a preset is saved'),
	($$SELECT syncport.export('export.sale', preset => 'p', filter => '{"owner": {"ne": "x"}}')$$, 'it is used'),
	($$SELECT syncport.plan_export('export.sale', preset => 'p')$$, 'its rows are counted'),
	($$SELECT syncport.drop_preset('export.sale', 'p')$$, 'and it is dropped')) AS t(statement, what);

-- nobody goes around save_preset
SET ROLE regress_export_ann;
SELECT throws_ok(format('INSERT INTO syncport.saved_preset (%s) VALUES (%s)', names, literals), '42501', NULL, 'nobody sets ' || what)
FROM (VALUES ('target, name, saved_at', $$'export.sale', 'p', '-infinity'$$, 'when it was saved'),
	('owner, target, name', $$'regress_export_ann', 'export.sale', 'p'$$, 'the owner'),
	('principal, target, name', $$'', 'export.sale', 'p'$$, 'the principal')) AS t(names, literals, what);
SELECT throws_ok($$UPDATE syncport.saved_preset SET saved_at = '-infinity'$$, '42501', NULL, 'nor later');
SELECT throws_ok(format('INSERT INTO syncport.saved_preset (target, name, headings) VALUES (%L, %L, %L)', 'export.sale', name, headings),
	'23514', NULL, format('neither the name "%s" nor the headings %s', name, headings))
FROM (VALUES ('all', '{}'), ('', '{}'), ('p', '[1]')) AS t(name, headings);
RESET ROLE;

-- somebody else's hand on the cursor
SELECT is_empty($$SELECT c.name FROM pg_cursors c, (SELECT syncport.export_query('SELECT 1') OFFSET 0) s WHERE c.name LIKE '<unnamed%' AND c.statement = 'SELECT 1'$$,
	'the query of an export is no cursor of the session');
DO $$
DECLARE
	exported CURSOR FOR SELECT syncport.export_query('SELECT g FROM generate_series(1, 50000) g', options => '{"chunk_bytes": 1024}');
	chunk bytea;
BEGIN
	OPEN exported;
	FETCH exported INTO chunk;
	FOR i IN 1 .. 200 LOOP
		BEGIN
			EXECUTE format('CREATE OR REPLACE FUNCTION pg_temp.move_it() RETURNS void LANGUAGE sql AS ''MOVE 10 IN %I''',
				'<unnamed portal ' || i || '>');
			PERFORM pg_temp.move_it();
		EXCEPTION WHEN invalid_cursor_name THEN NULL;
		END;
	END LOOP;
	WHILE chunk IS NOT NULL LOOP
		FETCH exported INTO chunk;
	END LOOP;
	PERFORM set_config('export.moved', 'read on', true);
EXCEPTION WHEN invalid_cursor_state THEN
	PERFORM set_config('export.moved', SQLERRM, true);
END $$;
SELECT is(current_setting('export.moved'), 'the query of the export is gone', 'who moves it gets no file with a gap');

-- nothing is written
SET TRANSACTION READ ONLY;
SELECT isnt(whole($$SELECT syncport.export('export.sale', 'json')$$), NULL, 'a read-only transaction exports');
SELECT throws_ok($$SELECT syncport.export_query('DELETE FROM export.sale RETURNING 1')$$, '25006', NULL,
	'and deletes nothing');
SELECT * FROM finish();
ROLLBACK;
