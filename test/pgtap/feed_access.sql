-- The feed shows a caller what SELECT would show, and says nothing of the
-- rest: rows and images, in both modes, through pages, cursors, counts and
-- errors.  Every statement commits; the file takes everything back.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT no_plan();
DROP SCHEMA IF EXISTS feed_access CASCADE;
DROP ROLE IF EXISTS regress_feed_one, regress_feed_two, regress_feed_app,
	regress_feed_group, regress_feed_column, regress_feed_none,
	regress_feed_bypass;
CREATE SCHEMA feed_access;
SET search_path = feed_access, public;
SET syncport.principal = 'app.user_id';

CREATE ROLE regress_feed_one;
CREATE ROLE regress_feed_two;
CREATE ROLE regress_feed_app;		-- one role for all users of a pool
CREATE ROLE regress_feed_group;
CREATE ROLE regress_feed_column;	-- may read some columns
CREATE ROLE regress_feed_none;		-- may read nothing
CREATE ROLE regress_feed_bypass BYPASSRLS;
GRANT USAGE ON SCHEMA feed_access, syncport TO regress_feed_one, regress_feed_two, regress_feed_app,
	regress_feed_group, regress_feed_column, regress_feed_none,
	regress_feed_bypass;

-- A type whose comparison tells everyone what it has seen of tenant two.
CREATE TYPE leaky;
CREATE FUNCTION leaky_in(cstring) RETURNS leaky LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION leaky_out(leaky) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE leaky (input = leaky_in, output = leaky_out, like = text);
CREATE FUNCTION leaky_cmp(a leaky, b leaky) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	IF a::text LIKE 'two%' OR b::text LIKE 'two%' THEN
		RAISE EXCEPTION 'saw % and %', a, b;
	END IF;
	RETURN bttextcmp(a::text, b::text);
END $$;
CREATE FUNCTION leaky_eq(leaky, leaky) RETURNS boolean LANGUAGE sql AS 'SELECT feed_access.leaky_cmp($1, $2) = 0';
CREATE FUNCTION leaky_lt(leaky, leaky) RETURNS boolean LANGUAGE sql AS 'SELECT feed_access.leaky_cmp($1, $2) < 0';
CREATE FUNCTION leaky_le(leaky, leaky) RETURNS boolean LANGUAGE sql AS 'SELECT feed_access.leaky_cmp($1, $2) <= 0';
CREATE FUNCTION leaky_ge(leaky, leaky) RETURNS boolean LANGUAGE sql AS 'SELECT feed_access.leaky_cmp($1, $2) >= 0';
CREATE FUNCTION leaky_gt(leaky, leaky) RETURNS boolean LANGUAGE sql AS 'SELECT feed_access.leaky_cmp($1, $2) > 0';
CREATE OPERATOR = (leftarg = leaky, rightarg = leaky, function = leaky_eq);
CREATE OPERATOR < (leftarg = leaky, rightarg = leaky, function = leaky_lt);
CREATE OPERATOR <= (leftarg = leaky, rightarg = leaky, function = leaky_le);
CREATE OPERATOR >= (leftarg = leaky, rightarg = leaky, function = leaky_ge);
CREATE OPERATOR > (leftarg = leaky, rightarg = leaky, function = leaky_gt);
CREATE OPERATOR CLASS leaky_ops DEFAULT FOR TYPE leaky USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 leaky_cmp(leaky, leaky);

-- Tables of two tenants; everything of a tenant bears its name.
CREATE FUNCTION fill(target regclass, tombstones text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM syncport.enable(target, tombstones => tombstones);
	EXECUTE format('INSERT INTO %s SELECT i, tenant || ''-key-'' || i, tenant,
		i, (tenant || ''-secret'')::leaky
		FROM generate_series(1, 6) i, unnest(''{one,two}''::text[]) tenant', target);
	EXECUTE format('GRANT SELECT ON %s TO regress_feed_one, regress_feed_two,
		regress_feed_app, regress_feed_bypass;
		GRANT SELECT (id, code, tenant, price, updated_at, row_version)
		ON %1$s TO regress_feed_column;
		ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY;
		CREATE POLICY roles ON %1$s TO regress_feed_one, regress_feed_two
		USING (tenant = replace(current_user, ''regress_feed_'', ''''));
		CREATE POLICY users ON %1$s TO regress_feed_app
		USING (tenant = current_setting(''app.user_id'', true));
		CREATE POLICY columns ON %1$s TO regress_feed_column USING (true)', target);
	IF tombstones = 'row' THEN
		EXECUTE format('GRANT SELECT (deleted_at) ON %s TO regress_feed_column', target);
	END IF;
END $$;
CREATE TABLE plain_row (id integer, code text, tenant text, price integer,
	secret leaky, PRIMARY KEY (id, code));
CREATE TABLE plain_image (LIKE plain_row INCLUDING ALL);
CREATE TABLE parts_row (LIKE plain_row INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE parts_row_low PARTITION OF parts_row FOR VALUES FROM (0) TO (4);
CREATE TABLE parts_row_high PARTITION OF parts_row DEFAULT;
CREATE TABLE parts_image (LIKE plain_row INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE parts_image_low PARTITION OF parts_image FOR VALUES FROM (0) TO (4);
CREATE TABLE parts_image_high PARTITION OF parts_image DEFAULT;
SELECT fill('plain_row', 'row'), fill('plain_image', 'image'),
	fill('parts_row', 'row'), fill('parts_image', 'image');

-- The only value of a query, or all that an error says.
CREATE FUNCTION ask(role text, usr text, query text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	result text;
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM set_config('app.user_id', usr, true);
	PERFORM set_config('role', role, true);
	EXECUTE query INTO result;
	PERFORM set_config('role', 'none', true);
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	/* what the feed reads is said to everyone */
	IF SQLSTATE = '42501' AND hint = 'The feed reads the key, the columns and those of the filter, row_version and deleted_at.' THEN
		hint := '';
	END IF;
	RETURN concat_ws(' | ', SQLSTATE, message, nullif(detail, ''), nullif(hint, ''));
END $$;
CREATE FUNCTION request(target text, cursor text, extra jsonb,
	page_size integer DEFAULT 1000) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT syncport.pull(%L) -> ''tables'' -> %L',
		jsonb_build_object('page_size', page_size, 'tables',
			jsonb_build_object(target,
				jsonb_build_object('cursor', cursor) || extra)), target) $$;
CREATE FUNCTION pull(role text, usr text, target text, cursor text,
	extra jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT ask(role, usr, request(target, cursor, extra)) $$;
CREATE FUNCTION reason(role text, usr text, target text, cursor text,
	extra jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN a LIKE '{%' THEN coalesce(a::json ->> 'reset', 'none') ELSE a END
	FROM pull(role, usr, target, cursor, extra) a $$;

-- What is in a cursor, as text.
CREATE FUNCTION unpack(cursor text) RETURNS text LANGUAGE sql AS $$
	SELECT encode(decode(translate(cursor, '-_', '+/') ||
		repeat('=', (4 - length(cursor) % 4) % 4), 'base64'), 'escape') $$;

-- Clients: their copies, and everything they were ever told.
CREATE TABLE client (role text, usr text, target text, cursor text,
	copy jsonb DEFAULT '{}', told text DEFAULT '', nrows integer DEFAULT 0,
	PRIMARY KEY (role, usr, target));
INSERT INTO client (role, usr, target) SELECT role, usr, target
	FROM unnest('{plain_row,plain_image,parts_row,parts_image}'::text[]) target,
	(VALUES ('regress_feed_one', ''), ('regress_feed_two', ''),
	('regress_feed_app', 'one'), ('regress_feed_app', 'two'),
	('regress_feed_bypass', '')) r (role, usr);

-- Pull in pages of two until there is nothing new.
CREATE FUNCTION sync(c client) RETURNS client LANGUAGE plpgsql AS $$
DECLARE
	answer json;
	item json;
	n integer;
BEGIN
	LOOP
		answer := ask(c.role, c.usr, request(c.target, c.cursor, '{}', 2));
		n := json_array_length(answer -> 'upserts') +
			json_array_length(answer -> 'deletes');
		c.nrows := c.nrows + n;
		c.cursor := answer ->> 'cursor';
		c.told := c.told || answer || unpack(c.cursor);
		FOR item IN SELECT json_array_elements(answer -> 'upserts') LOOP
			c.copy := c.copy || jsonb_build_object((item ->> 'id') || (item ->> 'code'), item ->> 'price');
		END LOOP;
		FOR item IN SELECT json_array_elements(answer -> 'deletes') LOOP
			c.copy := c.copy - ((item ->> 'id') || (item ->> 'code'));
		END LOOP;
		IF answer ->> 'complete' = 'true' THEN
			RETURN c;
		ELSIF n <> 2 THEN
			RAISE EXCEPTION '% rows on a page: %', n, answer;
		END IF;
	END LOOP;
END $$;
CREATE FUNCTION sync_all() RETURNS void LANGUAGE sql AS $$
	UPDATE client SET (cursor, copy, told, nrows) = (s.cursor, s.copy, s.told, s.nrows)
	FROM (SELECT (sync(client)).* FROM client) s
	WHERE (s.role, s.usr, s.target) = (client.role, client.usr, client.target) $$;

-- What SELECT shows a client.
CREATE FUNCTION truth(c client) RETURNS jsonb LANGUAGE sql AS $$
	SELECT ask(c.role, c.usr, format('SELECT coalesce(jsonb_object_agg(id || code, price::text), ''{}'')
		FROM %s t WHERE to_jsonb(t) ->> ''deleted_at'' IS NULL', c.target))::jsonb $$;
CREATE FUNCTION check_clients(what text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT is(copy, truth(client), format('%s: %s of %s %s', what, target, role, usr))
	FROM client ORDER BY target, role, usr $$;
-- Who was told something of the other tenant.
CREATE VIEW leak AS SELECT role, usr, target FROM client
	WHERE role <> 'regress_feed_bypass' AND told ~
	CASE WHEN 'one' IN (usr, replace(role, 'regress_feed_', '')) THEN 'two-' ELSE 'one-' END;
-- So many rows came since the last time.
CREATE FUNCTION count_rows() RETURNS SETOF text LANGUAGE sql AS $$
	UPDATE client c SET nrows = 0 FROM client o
	WHERE (c.role, c.usr, c.target) = (o.role, o.usr, o.target)
	RETURNING format('%s %s %s: %s', c.target, c.role, c.usr, o.nrows) $$;

-- rows and images, page by page ----------------------------------------------
SELECT sync_all();
SELECT check_clients('initial load');
SELECT is_empty('SELECT * FROM leak', 'nobody was told of others');
SELECT is((SELECT DISTINCT nrows FROM client WHERE role <> 'regress_feed_bypass'),
	6, 'each got its rows once');
SELECT is((SELECT DISTINCT nrows FROM client WHERE role = 'regress_feed_bypass'),
	12, 'BYPASSRLS got all of them');
SELECT lives_ok($$SELECT count_rows()$$);

-- One transaction each: a role's cursor is not moved by what it does not see.
CREATE FUNCTION change(target text, tenant text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('UPDATE %s SET price = price + 100 WHERE tenant = %L AND id = 1', target, tenant);
	EXECUTE format('DELETE FROM %s WHERE tenant = %L AND id IN (2, 5)', target, tenant);
	EXECUTE format('UPDATE %s SET code = code || ''-new'' WHERE tenant = %L AND id = 3', target, tenant);
	EXECUTE format('UPDATE %s SET id = 7 WHERE tenant = %L AND id = 4', target, tenant);
	PERFORM syncport.erase(target::regclass,
		jsonb_build_object('id', 6, 'code', tenant || '-key-6'));
	EXECUTE format('INSERT INTO %s VALUES (8, %L, %L, 8, %L)', target,
		tenant || '-key-8', tenant, tenant || '-secret');
END $$;
CREATE TABLE before AS SELECT * FROM client;
SELECT change(target, 'two') FROM (SELECT DISTINCT target FROM client) t;
SELECT sync_all();
SELECT check_clients('changes of two');
SELECT is_empty('SELECT * FROM leak', 'nobody was told of others');
SELECT is_empty($$SELECT target, role FROM client JOIN before USING (role, usr, target)
	WHERE 'one' IN (client.usr, replace(role, 'regress_feed_', ''))
	AND (client.cursor <> before.cursor OR client.nrows <> 0)$$,
	'one does not notice what two did');
SELECT is((SELECT array_agg(DISTINCT nrows) FROM client WHERE nrows <> 0),
	'{9}', 'two got every change once');
SELECT change(target, 'one') FROM (SELECT DISTINCT target FROM client) t;
SELECT lives_ok($$SELECT count_rows()$$);
SELECT sync_all();
SELECT check_clients('changes of one');
SELECT is_empty('SELECT * FROM leak', 'nobody was told of others');
SELECT is((SELECT array_agg(DISTINCT nrows ORDER BY nrows) FROM client), '{0,9}', 'one got every change once');

-- a key that passes from one to two: gone for one, there for two
INSERT INTO plain_row VALUES (9, 'passed', 'one', 9);
INSERT INTO plain_image VALUES (9, 'passed', 'one', 9);
SELECT sync_all();
SELECT is((SELECT count(*) FROM client WHERE copy ? '9passed' AND target LIKE 'plain%'), 6::bigint, 'one has it');
DELETE FROM plain_image WHERE code = 'passed';
INSERT INTO plain_image VALUES (9, 'passed', 'two', 10);
SELECT sync_all();
SELECT check_clients('a key passed on');
SELECT is_empty('SELECT * FROM leak', 'nobody was told of others');

-- and is erased then, at once or later, as a live row or a deleted one
INSERT INTO plain_image SELECT 10, 'passed-' || i, 'one', i, 'one-secret' FROM generate_series(1, 4) i;
SELECT sync_all();
DELETE FROM plain_image WHERE id = 10 AND price < 4;
INSERT INTO plain_image SELECT 10, 'passed-' || i, 'two', i, 'two-secret' FROM generate_series(1, 3) i;
DELETE FROM plain_image WHERE code = 'passed-2';
SELECT syncport.erase('plain_image', jsonb_build_object('id', 10, 'code', 'passed-' || i)) FROM generate_series(1, 2) i;
BEGIN;
DELETE FROM plain_image WHERE code = 'passed-4';
INSERT INTO plain_image VALUES (10, 'passed-4', 'two', 4, 'two-secret');
SELECT syncport.erase('plain_image', '{"id":10,"code":"passed-4"}');
COMMIT;
SELECT sync_all();
SELECT check_clients('keys passed on and erased');
SELECT is_empty('SELECT * FROM leak', 'nobody was told of others');
SELECT is((SELECT jsonb_agg(image ORDER BY image ->> 'code', image ->> 'tenant') FROM (
	SELECT image::jsonb FROM syncport.tombstone
	WHERE key ->> 'code' ~ 'passed-[124]' AND target = 'plain_image'::regclass) i),
	(SELECT jsonb_agg(jsonb_build_object('id', '10', 'code', 'passed-' || i, 'tenant', tenant) ORDER BY i, tenant)
	FROM unnest('{1,2,4}'::integer[]) i, unnest('{one,two}'::text[]) tenant),
	'one image for each of those who knew the key, and no more than that');

-- the other doors ------------------------------------------------------------
SELECT is(ask('regress_feed_one', '', format('SELECT string_agg(op || (item).code, '' '' ORDER BY (item).code)
	FROM syncport.changes(NULL::%s, page_size => 100)', target)),
	ask('regress_feed_one', '', format('SELECT string_agg(''upsert'' || code, '' '' ORDER BY code)
	FROM %s t WHERE to_jsonb(t) ->> ''deleted_at'' IS NULL', target)),
	format('changes of %s shows own rows', target))
FROM (SELECT DISTINCT target FROM client) t ORDER BY target;
SELECT unalike(ask('regress_feed_one', '', format('SELECT string_agg(op || (item)::text, '' '')
	FROM syncport.changes(NULL::%s, %L)', target, cursor)), '%two-%', format('changes of %s since the first load shows no others', target))
FROM before WHERE role = 'regress_feed_one' ORDER BY target;
SELECT is(ask('regress_feed_one', '', format('SELECT string_agg(op, '' '' ORDER BY op)
	FROM syncport.changes(NULL::%s, %L)', target, cursor)),
	(SELECT ask('regress_feed_one', '', format('SELECT string_agg(op, '' '' ORDER BY op) FROM (
		SELECT ''delete'' AS op FROM json_array_elements(%L) UNION ALL
		SELECT ''upsert'' FROM json_array_elements(%L)) o', a -> 'deletes', a -> 'upserts'))
	FROM CAST(pull('regress_feed_one', '', target, cursor) AS json) a), format('changes of %s gives what pull gives', target))
FROM before WHERE role = 'regress_feed_one' ORDER BY target;
SELECT unalike(unpack(ask('regress_feed_one', '', format('SELECT syncport.feed_position(%L)', target))),
	'%-key-%', format('a position of %s holds no key', target))
FROM (SELECT DISTINCT target FROM client) t ORDER BY target;
SELECT is(ask('regress_feed_one', '', format('SELECT syncport.feed_position(%L)', target)) IS NOT NULL,
	true, format('a position of %s is given', target))
FROM (SELECT DISTINCT target FROM client) t ORDER BY target;

-- filters and errors ---------------------------------------------------------
SELECT is(pull('regress_feed_bypass', '', 'plain_row', NULL, '{"filter":{"secret":"one-secret"}}') ~ 'P0001 . saw .*two-secret',
	true, 'the comparison does tell');
SELECT alike(pull('regress_feed_one', '', target, NULL, '{"filter":{"secret":"one-secret"}}'),
	'{"upserts":[{%', format('but not what the policy of %s hides', target))
FROM (SELECT DISTINCT target FROM client) t ORDER BY target;
CREATE TABLE filtered AS SELECT target,
	pull('regress_feed_one', '', target, NULL, '{"filter":{"secret":{"gte":"one-secret"}}}')::json ->> 'cursor' AS cursor
	FROM (SELECT DISTINCT target FROM client) t;
UPDATE plain_row SET price = price + 1 WHERE id = 1;
UPDATE plain_image SET price = price + 1 WHERE id = 1;
UPDATE parts_row SET price = price + 1 WHERE id = 1;
UPDATE parts_image SET price = price + 1 WHERE id = 1;
DELETE FROM plain_row WHERE id = 8;
DELETE FROM plain_image WHERE id = 8;
DELETE FROM parts_row WHERE id = 8;
DELETE FROM parts_image WHERE id = 8;
SELECT is(json_array_length(a -> 'deletes'), 1, format('nor when rows of %s change', target))
FROM filtered, CAST(pull('regress_feed_one', '', target, cursor, '{"filter":{"secret":{"gte":"one-secret"}}}') AS json) a
ORDER BY target;
SELECT alike(pull('regress_feed_one', '', 'plain_row', NULL, '{"columns":["nothing"]}'), '42703 |%', 'a column that is not there');
SELECT alike(pull('regress_feed_one', '', 'plain_row', NULL, '{"filter":{"nothing":1}}'), 'SY004 |%', 'in a filter');
SELECT alike(pull('regress_feed_one', '', 'plain_row', NULL, '{"filter":{"price":"x"}}'), 'SY004 |%', 'a value that is none');
SELECT is(pull('regress_feed_one', '', 'plain_row', NULL, e) ~ 'two-', false, 'the error tells nothing: ' || e::text)
FROM (VALUES ('{"columns":["nothing"]}'::jsonb), ('{"filter":{"nothing":1}}'), ('{"filter":{"price":"x"}}')) v (e);

-- columns --------------------------------------------------------------------
SELECT alike(pull('regress_feed_column', '', target, NULL), '42501 | permission denied for table%',
	format('all columns of %s, of which one may not be read', target))
FROM (SELECT DISTINCT target FROM client) t ORDER BY target;
SELECT alike(pull('regress_feed_column', '', target, NULL, e), '42501 | permission denied for table%', format('that column of %s alone', target))
FROM (SELECT DISTINCT target FROM client) t,
	(VALUES ('{"columns":["secret"]}'::jsonb), ('{"columns":["id"],"filter":{"secret":"a"}}')) v (e)
ORDER BY target, e;
SELECT alike(ask('regress_feed_column', '', 'SELECT count(*) FROM syncport.changes(NULL::plain_row)'), '42501 |%', 'changes, which gives all columns');
SELECT alike(ask('regress_feed_column', '', 'SELECT syncport.feed_position(''plain_row'')'), '42501 |%', 'a position of all columns');
SELECT is(json_array_length(a -> 'upserts'), (SELECT count(*)::integer FROM jsonb_object_keys(truth(client))),
	format('the other columns of %s are given', target))
FROM client, CAST(pull('regress_feed_column', '', target, NULL, '{"columns":["price","tenant"]}') AS json) a
WHERE role = 'regress_feed_bypass' ORDER BY target;
CREATE TABLE columns AS SELECT target,
	pull('regress_feed_column', '', target, NULL, '{"columns":["price"]}')::json ->> 'cursor' AS cursor
	FROM (SELECT DISTINCT target FROM client) t;
DELETE FROM plain_row WHERE id = 7;
DELETE FROM plain_image WHERE id = 7;
DELETE FROM parts_row WHERE id = 7;
DELETE FROM parts_image WHERE id = 7;
SELECT is((SELECT jsonb_agg(d ORDER BY d ->> 'code') FROM json_array_elements(a -> 'deletes') d),
	'[{"id":7,"code":"one-key-4"},{"id":7,"code":"two-key-4"}]', format('so are deletes of %s', target))
FROM columns, CAST(pull('regress_feed_column', '', target, cursor, '{"columns":["price"]}') AS json) a
ORDER BY target;

-- no privilege: no difference between all, nothing and a reset ---------------
CREATE TABLE empty_row (LIKE plain_row INCLUDING ALL);
CREATE TABLE gone_row (LIKE plain_row INCLUDING ALL);
SELECT syncport.enable('empty_row', retention => '0'), syncport.enable('gone_row', retention => '0');
GRANT SELECT ON empty_row, gone_row TO regress_feed_one;
INSERT INTO gone_row VALUES (1, 'a', 'one');
CREATE TABLE stolen AS SELECT target, pull('regress_feed_one', '', target, NULL)::json ->> 'cursor' AS cursor
	FROM unnest('{plain_row,plain_image,parts_row,empty_row,gone_row}'::text[]) target;
DELETE FROM gone_row;
CALL syncport.purge('gone_row');
TRUNCATE gone_row;
SELECT is(pull('regress_feed_none', '', target, c),
	'42501 | permission denied for table ' || target, format('no privilege on %s', target))
FROM stolen, unnest(ARRAY[NULL, cursor]) c ORDER BY target;
SELECT is(ask('regress_feed_none', '', format('SELECT count(*) FROM syncport.changes(NULL::%s, %L)', target, c)),
	'42501 | permission denied for table ' || target, format('nor for changes of %s', target))
FROM stolen, unnest(ARRAY[NULL, cursor]) c ORDER BY target;
SELECT is(ask('regress_feed_none', '', format('SELECT syncport.feed_position(%L)', target)),
	'42501 | permission denied for table ' || target, format('nor for a position of %s', target))
FROM stolen ORDER BY target;

-- a cursor of somebody else --------------------------------------------------
SELECT is(reason('regress_feed_two', '', target, cursor), 'access', format('a cursor of another role, %s', target))
FROM client WHERE role = 'regress_feed_one' ORDER BY target;
SELECT is(reason('regress_feed_app', 'two', target, cursor), 'access', format('of another user of the role, %s', target))
FROM client WHERE role = 'regress_feed_app' AND usr = 'one' ORDER BY target;
SELECT is(reason('regress_feed_app', '', target, cursor), 'access', format('without a user, %s', target))
FROM client WHERE role = 'regress_feed_app' AND usr = 'one' ORDER BY target;

-- what may be read has changed -----------------------------------------------
-- Reasons of all clients of a table that are not none.
CREATE FUNCTION reasons(name text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(replace(role, 'regress_feed_', '') || usr || ' ' || r, ', ' ORDER BY role, usr), 'none')
	FROM client, reason(role, usr, target, cursor) r
	WHERE target = name AND r <> 'none' $$;
CREATE FUNCTION restart(name text) RETURNS text LANGUAGE sql AS $$
	UPDATE client SET cursor = NULL, copy = '{}' WHERE target = name;
	SELECT sync_all();
	SELECT reasons(name) $$;
SELECT sync_all();
SELECT is(reasons('plain_row'), 'none', 'nothing has changed');
SELECT syncport.reset_access('plain_row', 'one');
SELECT is(reasons('plain_row'), 'appone access', 'reset_access of a principal is about that one');
SELECT is(restart('plain_row'), 'none', 'once');
SELECT syncport.reset_access('plain_row', 'nobody');
SELECT is(reasons('plain_row'), 'none', 'of one who is not there about nobody');
SELECT syncport.reset_access('plain_row');
SELECT is(reasons('plain_row'), 'appone access, apptwo access, bypass access, one access, two access', 'without one about everyone');
SELECT restart('plain_row');
ALTER POLICY users ON plain_row USING (tenant = current_setting('app.user_id', true) AND id > 0);
SELECT is(reasons('plain_row'), 'appone access, apptwo access', 'a policy that changes counts for whom it is');
SELECT restart('plain_row');
CREATE POLICY more ON plain_row FOR INSERT TO PUBLIC WITH CHECK (true);
ALTER POLICY users ON plain_row WITH CHECK (true);
SELECT is(reasons('plain_row'), 'none', 'not if it is about writing');
CREATE POLICY grouped ON plain_row FOR SELECT TO regress_feed_group USING (id = 1);
SELECT is(reasons('plain_row'), 'none', 'a policy of others');
GRANT regress_feed_group TO regress_feed_one;
SELECT is(reasons('plain_row'), 'one access', 'until one gets to be one of them');
SELECT is(reasons('plain_image'), 'none', 'for tables where that matters');
SELECT restart('plain_row');
SELECT check_clients('with the group');
REVOKE regress_feed_group FROM regress_feed_one;
SELECT is(reasons('plain_row'), 'one access', 'or is not any more');
SELECT restart('plain_row');
CREATE POLICY bounded ON plain_row AS RESTRICTIVE USING (id < 100);
SELECT is(reasons('plain_row'), 'appone access, apptwo access, one access, two access', 'a restrictive policy for all');
DROP POLICY bounded ON plain_row;
SELECT is(reasons('plain_row'), 'none', 'until it is dropped');
ALTER TABLE plain_row DISABLE ROW LEVEL SECURITY;
SELECT is(reasons('plain_row'), 'appone access, apptwo access, one access, two access', 'policies switched off');
ALTER TABLE plain_row ENABLE ROW LEVEL SECURITY;
SELECT is(reasons('plain_row'), 'none', 'and on again');
ALTER ROLE regress_feed_one BYPASSRLS;
SELECT is(reasons('plain_row'), 'one access', 'BYPASSRLS');
ALTER ROLE regress_feed_one NOBYPASSRLS;
SELECT is(reasons('plain_row'), 'none', 'taken back');
REVOKE SELECT ON plain_row FROM regress_feed_one;
SELECT is(reasons('plain_row'), 'one 42501 | permission denied for table plain_row', 'a privilege that is gone is an error');
GRANT SELECT ON plain_row TO regress_feed_one;
SELECT is(reasons('plain_row'), 'none', 'until it is back');
SELECT pull('regress_feed_column', '', 'plain_row', NULL, '{"columns":["price"]}')::json ->> 'cursor' AS price \gset
GRANT SELECT (secret) ON plain_row TO regress_feed_column;
SELECT is(reason('regress_feed_column', '', 'plain_row', :'price', '{"columns":["price"]}'), 'none', 'a column that was not asked for');
GRANT SELECT ON plain_row TO regress_feed_column;
SELECT is(reason('regress_feed_column', '', 'plain_row', :'price', '{"columns":["price"]}'), 'none', 'the table instead of its columns');

-- no setting of a session changes what a policy is, and no session keeps an
-- old text of it
CREATE TABLE dated (id integer PRIMARY KEY, at timestamptz, valid daterange);
SELECT syncport.enable('dated');
GRANT SELECT ON dated TO regress_feed_one;
ALTER TABLE dated ENABLE ROW LEVEL SECURITY;
CREATE POLICY dated ON dated USING (at > '2024-01-31 00:00+00'::timestamptz
	AND valid @> '2024-01-31'::date AND at > now() - interval '1 day 2 hours');
SELECT pull('regress_feed_one', '', 'dated', NULL)::json ->> 'cursor' AS dated \gset
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = 0;
SET quote_all_identifiers = on;
ALTER TABLE dated ALTER at SET STATISTICS 10;	-- the text is made anew
SELECT is(reason('regress_feed_one', '', 'dated', :'dated'), 'none', 'sessions with other settings agree on the policies');
RESET timezone;
RESET datestyle;
RESET intervalstyle;
RESET extra_float_digits;
RESET quote_all_identifiers;
CREATE TABLE member (tenant text);
GRANT SELECT ON member TO PUBLIC;
CREATE FUNCTION visible(integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE POLICY by_table ON parts_row TO regress_feed_one
	USING (tenant IN (SELECT m.tenant FROM feed_access.member m));
CREATE POLICY by_function ON parts_image TO regress_feed_one
	USING (feed_access.visible(id));
SELECT restart('parts_row'), restart('parts_image');
ALTER TABLE member RENAME tenant TO tenant_name;
ALTER FUNCTION visible(integer) RENAME TO is_visible;
SELECT is(reasons('parts_row'), 'one access', 'a table that a policy reads has another column name');
SELECT is(reasons('parts_image'), 'one access', 'a function that a policy calls has another name');
DROP TABLE member CASCADE;
DROP FUNCTION is_visible CASCADE;

-- a policy that reads elsewhere: only reset_access can say it
CREATE TABLE member (tenant text);
GRANT SELECT ON member TO PUBLIC;
CREATE POLICY elsewhere ON parts_row TO regress_feed_one
	USING (tenant IN (SELECT m.tenant FROM feed_access.member m));
SELECT restart('parts_row');
INSERT INTO member VALUES ('two');
SELECT is(reasons('parts_row'), 'none', 'nobody knows what a policy reads');
SELECT syncport.reset_access('parts_row');
SELECT is(restart('parts_row'), 'none', 'so an administrator says it');
SELECT is((SELECT copy FROM client WHERE (role, target) = ('regress_feed_one', 'parts_row')),
	(SELECT copy FROM client WHERE (role, target) = ('regress_feed_bypass', 'parts_row')), 'and one sees all of two');
DROP TABLE member CASCADE;

-- the owner, whom policies do not stop until they are forced
SELECT is(json_array_length(pull('none', '', 'plain_image', NULL)::json -> 'upserts'),
	json_array_length(pull('regress_feed_bypass', '', 'plain_image', NULL)::json -> 'upserts'), 'a superuser sees all');
ALTER TABLE plain_image OWNER TO regress_feed_column;
SELECT pull('regress_feed_column', '', 'plain_image', NULL)::json ->> 'cursor' AS owned \gset
SELECT is(reason('regress_feed_column', '', 'plain_image', :'owned'), 'none', 'the owner sees all');
ALTER TABLE plain_image FORCE ROW LEVEL SECURITY;
SELECT is(reason('regress_feed_column', '', 'plain_image', :'owned'), 'access', 'unless policies are forced');

SELECT * FROM finish();
DROP SCHEMA feed_access CASCADE;
DROP OWNED BY regress_feed_one, regress_feed_two, regress_feed_app,
	regress_feed_group, regress_feed_column, regress_feed_none,
	regress_feed_bypass;
DROP ROLE regress_feed_one, regress_feed_two, regress_feed_app,
	regress_feed_group, regress_feed_column, regress_feed_none,
	regress_feed_bypass;
