-- When a client has to start anew, and when it must not.  A feed cannot be
-- read in the transaction that writes, so every statement commits and the
-- file takes everything back at its end.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT no_plan();
DROP SCHEMA IF EXISTS feed_reset CASCADE;
DROP ROLE IF EXISTS regress_feed_reset_other;
CREATE SCHEMA feed_reset;
SET search_path = feed_reset, public;

-- One table's part of an answer.
CREATE FUNCTION part(target regclass, cursor text,
	extra jsonb DEFAULT '{}', page_size integer DEFAULT 1000)
RETURNS json LANGUAGE sql STABLE AS $$
	SELECT syncport.pull(jsonb_build_object('page_size', page_size, 'tables',
		jsonb_build_object(target::text,
			jsonb_build_object('cursor', cursor) || extra)))
		-> 'tables' -> target::text $$;

-- The cursor of a client that has everything.
CREATE FUNCTION start(target regclass, extra jsonb DEFAULT '{}')
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	answer json := part(target, NULL, extra);
BEGIN
	IF answer ->> 'complete' IS DISTINCT FROM 'true' THEN
		RAISE EXCEPTION 'not complete: %', answer;
	END IF;
	RETURN answer ->> 'cursor';
END $$;

-- Why changes() gives nothing, or none.
CREATE FUNCTION reason_of_changes(target regclass, since text, filter jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	reason text;
BEGIN
	EXECUTE format('SELECT count(*) FROM syncport.changes(NULL::%s, $1, filter => $2)',
				   target) USING since, filter;
	RETURN 'none';
EXCEPTION WHEN SQLSTATE 'SY002' THEN
	GET STACKED DIAGNOSTICS reason = PG_EXCEPTION_DETAIL;
	RETURN reason;
END $$;

-- Why a client has to start anew, or none: pull and changes agree.
CREATE FUNCTION reason(target regclass, cursor text,
	extra jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer json := part(target, cursor, extra);
	result text := coalesce(answer ->> 'reset', 'none');
	other text := result;
BEGIN
	IF answer ->> 'reset' IS NOT NULL
		AND (answer ->> 'cursor' IS NOT NULL OR answer ->> 'hint' IS NULL) THEN
		RETURN 'not a reset: ' || answer;
	END IF;
	IF NOT extra ?| '{columns,include_deleted}' THEN
		other := reason_of_changes(target, cursor, extra -> 'filter');
	END IF;
	RETURN CASE WHEN result = other THEN result
		ELSE format('pull: %s, changes: %s', result, other) END;
END $$;

-- The keys that a cursor brings: +1 an upsert, -1 a delete.
CREATE FUNCTION news(target regclass, cursor text, extra jsonb DEFAULT '{}')
RETURNS text LANGUAGE sql STABLE AS $$
	SELECT coalesce((SELECT string_agg('+' || (r ->> 'id'), ' ' ORDER BY r ->> 'id')
		FROM json_array_elements(a -> 'upserts') r), '') ||
		coalesce((SELECT string_agg(' -' || (r ->> 'id'), '' ORDER BY r ->> 'id')
		FROM json_array_elements(a -> 'deletes') r), '')
	FROM part(target, cursor, extra) a $$;

-- A table with three rows.
CREATE FUNCTION make(name text, tombstones text DEFAULT 'row',
	retention interval DEFAULT '30 days') RETURNS regclass
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE %I (id integer PRIMARY KEY, v varchar(20),
		w integer, note text)', name);
	EXECUTE format('INSERT INTO %I VALUES (1, ''a'', 1), (2, ''b'', 2), (3, ''c'', 3)',
				   name);
	PERFORM syncport.enable(name::regclass, tombstones => tombstones,
							retention => retention);
	RETURN name;
END $$;

-- The same rows in two partitions: leaf names end in _low and _high.
CREATE FUNCTION make_partitioned(name text) RETURNS regclass
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE %1$I (id integer PRIMARY KEY, v varchar(20),
		w integer, note text) PARTITION BY RANGE (id);
		CREATE TABLE %1$s_low PARTITION OF %1$I FOR VALUES FROM (1) TO (3);
		CREATE TABLE %1$s_high PARTITION OF %1$I FOR VALUES FROM (3) TO (100);
		INSERT INTO %1$I VALUES (1, ''a'', 1), (2, ''b'', 2), (3, ''c'', 3)', name);
	PERFORM syncport.enable(name::regclass);
	RETURN name;
END $$;

-- nothing happened -----------------------------------------------------------
SELECT make('quiet');
SELECT start('quiet') AS quiet \gset
SELECT start('quiet', '{"columns":["v"]}') AS quiet_v \gset
SELECT part('quiet', NULL, page_size => 2) ->> 'cursor' AS half \gset
SELECT is(reason('quiet', :'quiet'), 'none', 'an idle client goes on');
SELECT is(news('quiet', :'quiet'), '', 'with nothing');
SELECT is(part('quiet', :'quiet') ->> 'cursor', :'quiet', 'and the same cursor');
SELECT is(reason('quiet', :'half'), 'none', 'an initial load goes on');
SELECT is(news('quiet', :'half'), '+3', 'where it was');

-- what must not reset anybody ------------------------------------------------
ALTER TABLE quiet ADD COLUMN extra integer;
SELECT is(reason('quiet', :'quiet'), 'none', 'a new column resets nobody');
SELECT isnt(part('quiet', :'quiet') ->> 'schema_version',
	part('quiet', :'quiet_v', '{"columns":["v"]}') ->> 'schema_version',
	'versions of column lists differ');
SELECT is(reason('quiet', :'quiet_v', '{"columns":["v"]}'), 'none', 'of a column list either');
SELECT part('quiet', :'quiet') ->> 'schema_version' AS version_before \gset
ALTER TABLE quiet ADD COLUMN stamped timestamptz DEFAULT clock_timestamp();
SELECT is(reason('quiet', :'quiet'), 'none', 'nor one whose default rewrites the table');
SELECT isnt(part('quiet', :'quiet') ->> 'schema_version', :'version_before', 'schema_version tells');
UPDATE quiet SET extra = 9 WHERE id = 1;
SELECT is(news('quiet', :'quiet'), '+1', 'rows come as they change');
SELECT is(part('quiet', :'quiet') -> 'upserts' -> 0 ->> 'extra', '9', 'with the new column');
SELECT is(part('quiet', part('quiet', :'quiet') ->> 'cursor') ->> 'reset', NULL, 'and the cursor behind them is good');
ALTER TABLE quiet DROP COLUMN extra;
SELECT is(reason('quiet', :'quiet'), 'none', 'dropping a column that came later resets nobody');
ALTER TABLE quiet ALTER note SET DEFAULT 'x', ALTER w SET NOT NULL,
	ADD CONSTRAINT positive CHECK (w > 0), ALTER v SET STATISTICS 10;
CREATE INDEX ON quiet (w);
COMMENT ON COLUMN quiet.v IS 'a comment';
ANALYZE quiet;
VACUUM quiet;
SELECT is(reason('quiet', :'quiet'), 'none', 'defaults, constraints, indexes, comments, ANALYZE and VACUUM do not reset');
VACUUM FULL quiet;
CLUSTER quiet USING quiet_pkey;
REINDEX TABLE quiet;
SELECT is(reason('quiet', :'quiet'), 'none', 'nor VACUUM FULL, CLUSTER and REINDEX');
SELECT is(news('quiet', :'quiet'), '+1', 'which lose nothing');
CREATE ROLE regress_feed_reset_other;
GRANT SELECT ON quiet TO regress_feed_reset_other;
GRANT regress_feed_reset_other TO CURRENT_USER;
SELECT is(reason('quiet', :'quiet'), 'none', 'nor a grant to others');
SELECT syncport.enable('quiet', retention => '1 day');
SELECT is(reason('quiet', :'quiet'), 'none', 'nor another retention');
SELECT syncport.touch('quiet', '{"id":2}');
SELECT is(reason('quiet', :'quiet'), 'none', 'nor touch');
SELECT is(news('quiet', :'quiet'), '+1 +2', 'which sends rows again');
SELECT make('busy', retention => '0');
SELECT start('busy') AS busy \gset
DELETE FROM busy WHERE id = 1;
CALL syncport.purge('busy');
TRUNCATE busy;
SELECT is(reason('quiet', :'quiet'), 'none', 'nor what is done to another table');
ALTER TABLE quiet RENAME TO still;
SELECT is(reason('still', :'quiet'), 'none', 'nor another name of the table');
ALTER TABLE still RENAME w TO weight;
SELECT is(reason('still', :'quiet_v', '{"columns":["v"]}'), 'none', 'nor another name of a column that was not asked for');

-- disabled -------------------------------------------------------------------
SELECT make('off');
SELECT start('off') AS off \gset
SELECT part('off', NULL, page_size => 2) ->> 'cursor' AS off_half \gset
SELECT syncport.disable('off');
SELECT is(reason('off', :'off'), 'disabled', 'a table that is not enabled any more');
SELECT is(reason('off', :'off_half'), 'disabled', 'in an initial load too');
SELECT throws_ok($$SELECT part('off', NULL)$$, 'SY003', 'table "off" is not enabled', 'without a cursor it is an error');
SELECT throws_ok($$SELECT * FROM syncport.changes(NULL::off)$$, 'SY003', NULL, 'of changes');
SELECT throws_ok($$SELECT syncport.feed_position('off')$$, 'SY003', NULL, 'and of feed_position');
INSERT INTO off (id, row_version) VALUES (4, 1);
SELECT syncport.enable('off');
SELECT is(reason('off', :'off'), 'disabled', 'what was written meanwhile has no version');
SELECT is(reason('off', :'off_half'), 'disabled', 'for an initial load too');
SELECT is(reason('off', start('off')), 'none', 'a new client has it');
SELECT is(news('off', NULL), '+1 +2 +3 +4', 'all of it');
SELECT start('off') AS off \gset
ALTER TABLE off DROP CONSTRAINT off_pkey;
SELECT is(reason('off', :'off'), 'disabled', 'without a primary key there is no feed');

-- schema ---------------------------------------------------------------------
SELECT make('shape');
SELECT start('shape') AS shape \gset
SELECT start('shape', '{"columns":["v"]}') AS shape_v \gset
SELECT start('shape', '{"columns":["v"],"filter":{"w":{"gt":0}}}') AS shape_w \gset
ALTER TABLE shape ALTER v TYPE varchar(40);
SELECT is(reason('shape', :'shape'), 'schema', 'a longer column resets');
SELECT is(reason('shape', :'shape_v', '{"columns":["v"]}'), 'schema', 'who asked for it');
SELECT start('shape') AS shape \gset
SELECT start('shape', '{"columns":["v"]}') AS shape_v \gset
SELECT part('shape', NULL, page_size => 2) ->> 'cursor' AS shape_half \gset
SELECT start('shape', '{"columns":["v"],"filter":{"w":{"gt":0}}}') AS shape_w \gset
ALTER TABLE shape RENAME note TO remark;
SELECT is(reason('shape', :'shape'), 'schema', 'another name resets');
SELECT is(reason('shape', :'shape_half'), 'schema', 'in an initial load too');
SELECT is(reason('shape', :'shape_v', '{"columns":["v"]}'), 'none', 'not who did not ask for it');
SELECT start('shape') AS shape \gset
ALTER TABLE shape ALTER w TYPE bigint;
SELECT is(reason('shape', :'shape_w', '{"columns":["v"],"filter":{"w":{"gt":0}}}'), 'schema', 'a column of the filter counts');
SELECT start('shape') AS shape \gset
SELECT start('shape', '{"columns":["v"]}') AS shape_v \gset
ALTER TABLE shape ALTER w TYPE bigint USING w + 1;
SELECT is(reason('shape', :'shape'), 'schema', 'rewriting values resets though every definition is as before');
SELECT is(news('shape', start('shape')), '', 'a new client starts behind it');
SELECT start('shape') AS shape \gset
ALTER TABLE shape ALTER v TYPE varchar(40) COLLATE "C";
SELECT is(reason('shape', :'shape'), 'schema', 'another collation resets');
SELECT start('shape') AS shape \gset
ALTER TABLE shape DROP COLUMN remark;
SELECT is(reason('shape', :'shape'), 'schema', 'dropping a column resets');
SELECT start('shape') AS shape \gset
ALTER TABLE shape RENAME id TO number;
SELECT is(reason('shape', :'shape'), 'schema', 'so does another name of the key');
ALTER TABLE shape RENAME number TO id;
SELECT is(reason('shape', :'shape'), 'none', 'until it is taken back');
ALTER TABLE shape RENAME row_version TO version;
SELECT is(reason('shape', :'shape'), 'disabled', 'without the versions there is no feed');
DROP TABLE shape;
SELECT make('shape');
SELECT start('shape') AS before \gset
ALTER TABLE shape ADD COLUMN later integer;
INSERT INTO shape (id, v, later) VALUES (4, 'd', 1);
SELECT is(news('shape', :'before'), '+4', 'a new column comes with its rows');
SELECT part('shape', :'before') ->> 'cursor' AS after \gset
ALTER TABLE shape RENAME later TO sooner;
SELECT is(reason('shape', :'before'), 'none', 'its other name is nothing to who has not seen it');
SELECT is(reason('shape', :'after'), 'schema', 'and resets who has');
SELECT start('shape') AS before \gset
SELECT part('shape', NULL, page_size => 2) ->> 'cursor' AS half \gset
ALTER TABLE shape DROP CONSTRAINT shape_pkey;
ALTER TABLE shape ADD PRIMARY KEY (v);
SELECT is(reason('shape', :'before'), 'schema', 'another key resets');
SELECT is(reason('shape', :'half'), 'schema', 'in an initial load too');
DROP TABLE shape;
SELECT make('shape');
SELECT is(reason('shape', :'shape'), 'schema', 'a cursor of a table that is no more');
SET quote_all_identifiers = on;
SELECT start('shape', '{"columns":["v"]}') AS quoted \gset
RESET quote_all_identifiers;
SELECT is(reason('shape', :'quoted', '{"columns":["v"]}'), 'none', 'a setting that quotes names is none of the definition');
SELECT throws_ok(format('SELECT part(''still'', %L)', start('shape')), 'SY001', 'invalid cursor', 'of another one it is an error');

-- truncated ------------------------------------------------------------------
SELECT make('trunc');
SELECT start('trunc') AS trunc \gset
SELECT part('trunc', NULL, page_size => 2) ->> 'cursor' AS trunc_half \gset
DELETE FROM trunc WHERE id = 1;
SELECT is(reason('trunc', :'trunc'), 'none', 'DELETE is no reset');
TRUNCATE trunc;
SELECT is(reason('trunc', :'trunc'), 'truncated', 'TRUNCATE is');
SELECT is(reason('trunc', :'trunc_half'), 'truncated', 'in an initial load too');
SELECT is(reason('trunc', start('trunc')), 'none', 'not for a new client');
BEGIN;
TRUNCATE trunc;
ROLLBACK;
SELECT is(reason('trunc', start('trunc')), 'none', 'nor if it is rolled back');
SELECT is(reason('trunc', :'trunc'), 'truncated', 'the old cursor stays so');

-- partitions -----------------------------------------------------------------
SELECT make_partitioned('parts');
SELECT start('parts') AS parts \gset
SELECT start('parts_low') AS low \gset
SELECT start('parts_high') AS high \gset
SELECT part('parts', NULL, page_size => 2) ->> 'cursor' AS parts_half \gset
SELECT is(reason('parts', :'parts'), 'none', 'a partitioned table goes on');
SELECT is(reason('parts_low', :'low'), 'none', 'and a partition alone');
SELECT is(news('parts_low', NULL), '+1 +2', 'which has its rows');
CREATE TABLE parts_new PARTITION OF parts FOR VALUES FROM (100) TO (200);
SELECT is(reason('parts', :'parts'), 'none', 'a new empty partition resets nobody');
SELECT is(reason('parts', :'parts_half'), 'none', 'in an initial load neither');
INSERT INTO parts VALUES (100);
SELECT is(news('parts', :'parts'), '+100', 'its rows come');
SELECT is(reason('parts', :'parts'), 'none', 'without a reset');
UPDATE parts SET id = 4 WHERE id = 1;
SELECT is(news('parts', :'parts'), '+100 +4 -1', 'a row that moves comes with its new key');
SELECT is(news('parts_low', :'low'), ' -1', 'and leaves its partition');
SELECT start('parts') AS parts \gset
CREATE TABLE parts_old (LIKE parts INCLUDING ALL);
INSERT INTO parts_old (id, updated_at, row_version) VALUES (200, now(), 1);
SELECT part('parts', NULL, page_size => 2) ->> 'cursor' AS parts_half \gset
ALTER TABLE parts ATTACH PARTITION parts_old FOR VALUES FROM (200) TO (300);
SELECT is(reason('parts', :'parts'), 'schema', 'a partition that comes with old rows resets');
SELECT is(reason('parts', :'parts_half'), 'schema', 'in an initial load too');
SELECT is(reason('parts_high', :'high'), 'none', 'not who reads another partition');
SELECT start('parts') AS parts \gset
CREATE TABLE parts_next (LIKE parts INCLUDING ALL);
INSERT INTO parts_next (id, updated_at, row_version)
	VALUES (300, now(), pg_current_xact_id()::text::bigint);
ALTER TABLE parts ATTACH PARTITION parts_next FOR VALUES FROM (300) TO (400);
SELECT is(reason('parts', :'parts'), 'none', 'one whose rows are new to the client does not');
SELECT is(news('parts', :'parts'), '+300', 'and they come');
SELECT start('parts') AS parts \gset
CREATE TABLE parts_foreign (LIKE parts INCLUDING ALL);
INSERT INTO parts_foreign (id, updated_at, row_version) VALUES (400, now(), 1::bigint << 60);
ALTER TABLE parts ATTACH PARTITION parts_foreign FOR VALUES FROM (400) TO (500);
SELECT is(reason('parts', :'parts'), 'schema', 'one with versions of another server, which no round reaches, does');
SELECT is(news('parts', NULL) ~ '\+400', true, 'a new client has them');
SELECT start('parts') AS parts \gset
TRUNCATE parts_low;
SELECT is(reason('parts', :'parts'), 'truncated', 'TRUNCATE of a partition resets');
SELECT is(reason('parts_low', :'low'), 'truncated', 'who reads it alone');
SELECT is(reason('parts_high', :'high'), 'none', 'not who reads another');
SELECT start('parts') AS parts \gset
ALTER TABLE parts DETACH PARTITION parts_new;
SELECT is(reason('parts', :'parts'), 'truncated', 'a partition that is detached');
SELECT start('parts') AS parts \gset
SELECT part('parts', NULL, page_size => 1) ->> 'cursor' AS parts_half \gset
DROP TABLE parts_old;
SELECT is(reason('parts', :'parts'), 'truncated', 'or dropped');
SELECT is(reason('parts', :'parts_half'), 'truncated', 'in an initial load too');
SELECT start('parts') AS parts \gset
ALTER TABLE parts ALTER w TYPE bigint USING w;
SELECT is(reason('parts', :'parts'), 'schema', 'a rewrite of all partitions');
SELECT is(reason('parts_high', :'high'), 'schema', 'counts for each');
SELECT start('parts') AS parts \gset
SELECT start('parts_high') AS high \gset
SELECT syncport.disable('parts');
SELECT is(reason('parts_high', :'high'), 'disabled', 'a partition is disabled with the table above it');
SELECT syncport.enable('parts');
SELECT is(reason('parts_high', :'high'), 'disabled', 'and stays so for old cursors');
SELECT is(reason('parts', :'parts'), 'disabled', 'like the table');
SELECT is(reason('parts_high', start('parts_high')), 'none', 'not for new ones');

-- filter ---------------------------------------------------------------------
SELECT make('sieve');
SELECT start('sieve') AS sieve \gset
SELECT start('sieve', '{"columns":["v","w"]}') AS sieve_vw \gset
SELECT start('sieve', '{"filter":{"w":{"lt":3,"gt":1},"v":"b"}}') AS sieve_b \gset
SELECT start('sieve', '{"filter":{"or":[]}}') AS sieve_none \gset
SELECT start('sieve', '{"include_deleted":true}') AS sieve_deleted \gset
SELECT is(reason('sieve', :'sieve', '{"filter":{"w":2}}'), 'filter', 'a filter that is new');
SELECT is(reason('sieve', :'sieve_b'), 'filter', 'one that is gone');
SELECT is(reason('sieve', :'sieve_b', '{"filter":{"w":{"lt":3,"gt":2},"v":"b"}}'), 'filter', 'another value');
SELECT is(reason('sieve', :'sieve_b', '{"filter":{"v": "b", "w": {"gt":1, "lt":3}}}'), 'none', 'not the same one written otherwise');
SELECT is(reason('sieve', :'sieve', '{"filter":{}}'), 'none', 'an empty filter is none');
SELECT is(reason('sieve', :'sieve_none'), 'filter', 'one that nothing matches is not');
SELECT is(reason('sieve', :'sieve', '{"columns":["v","w"]}'), 'filter', 'columns that are new');
SELECT is(reason('sieve', :'sieve_vw'), 'filter', 'that are gone');
SELECT is(reason('sieve', :'sieve_vw', '{"columns":["v"]}'), 'filter', 'that are others');
SELECT is(reason('sieve', :'sieve_vw', '{"columns":["v","w"]}'), 'none', 'not the same');
SELECT is(reason('sieve', :'sieve', '{"include_deleted":true}'), 'filter', 'include_deleted');
SELECT is(reason('sieve', :'sieve_deleted', '{"include_deleted":true}'), 'none', 'not if it was so');
SELECT is(reason('sieve', syncport.feed_position('sieve', '{v}', '{"w":2}'), '{"columns":["v"],"filter":{"w":2}}'),
	'none', 'feed_position is for columns and filter');
SELECT is(reason('sieve', syncport.feed_position('sieve', '{v}', '{"w":2}')), 'filter', 'and not for others');

-- access ---------------------------------------------------------------------
SELECT make('door');
SELECT start('door') AS door \gset
SELECT part('door', NULL, page_size => 2) ->> 'cursor' AS door_half \gset
SELECT syncport.reset_access('door');
SELECT is(reason('door', :'door'), 'access', 'reset_access resets');
SELECT is(reason('door', :'door_half'), 'access', 'in an initial load too');
SELECT is(reason('door', start('door')), 'none', 'not new clients');

-- purged, in both modes ------------------------------------------------------
SELECT make('bin', 'row', '0');
SELECT start('bin') AS bin \gset
CALL syncport.purge('bin');
SELECT is(reason('bin', :'bin'), 'none', 'a purge that removes nothing resets nobody');
SELECT part('bin', NULL, page_size => 2) ->> 'cursor' AS bin_half \gset
DELETE FROM bin WHERE id = 1;
SELECT is(reason('bin', :'bin'), 'none', 'a tombstone that is there neither');
SELECT is(news('bin', :'bin'), ' -1', 'it comes');
SELECT part('bin', :'bin') ->> 'cursor' AS bin_after \gset
CALL syncport.purge('bin');
SELECT is(reason('bin', :'bin'), 'purged', 'a tombstone that is gone resets');
SELECT is(reason('bin', :'bin_after'), 'none', 'not who has seen it');
SELECT is(reason('bin', :'bin_half'), 'none', 'nor an initial load, which takes no tombstones');
SELECT is(reason('bin', start('bin')), 'none', 'nor a new client');
UPDATE syncport.enabled_table SET purge_horizon = 1::bigint << 60
	WHERE target = 'bin'::regclass;
SELECT is(reason('bin', :'bin_after'), 'none', 'a horizon of another server says nothing');

SELECT make('chest', 'image', '0');
SELECT start('chest') AS chest \gset
DELETE FROM chest WHERE id = 1;
SELECT is(news('chest', :'chest'), ' -1', 'an image comes');
SELECT part('chest', :'chest') ->> 'cursor' AS chest_after \gset
CALL syncport.purge('chest');
SELECT is(reason('chest', :'chest'), 'purged', 'an image that is gone resets');
SELECT is(reason('chest', :'chest_after'), 'none', 'not who has seen it');

-- events of another server ---------------------------------------------------
SELECT make('dumped');
SELECT start('dumped') AS dumped \gset
INSERT INTO syncport.reset_event
	SELECT 'dumped', 'dumped', reason, NULL, 1::bigint << 60, now()
	FROM unnest('{truncated,schema,access,disabled}'::text[]) reason;
SELECT is(reason('dumped', :'dumped'), 'none', 'what a dump brought happened elsewhere');

-- which one is told ----------------------------------------------------------
SELECT make('order');
SELECT start('order') AS all_at_once \gset
DELETE FROM "order";
SELECT syncport.enable('order', retention => '0');
CALL syncport.purge('order');
SELECT is(reason('order', :'all_at_once'), 'purged', 'purged is the last reason');
SELECT syncport.reset_access('order');
SELECT is(reason('order', :'all_at_once'), 'access', 'access comes before it');
SELECT is(reason('order', :'all_at_once', '{"columns":["v"]}'), 'filter', 'filter before access');
TRUNCATE "order";
SELECT is(reason('order', :'all_at_once'), 'truncated', 'so does truncated');
ALTER TABLE "order" ALTER v TYPE text;
SELECT is(reason('order', :'all_at_once'), 'schema', 'and schema before that');
SELECT syncport.disable('order');
SELECT is(reason('order', :'all_at_once'), 'disabled', 'and disabled before all of them');

-- restored -------------------------------------------------------------------
SELECT start('still') AS still \gset
SELECT syncport.restamp();
SELECT is(reason('still', :'still'), 'restored', 'a new incarnation resets everyone');
SELECT is(reason('still', start('still')), 'none', 'but new clients');

SELECT * FROM finish();
DROP SCHEMA feed_reset CASCADE;
DROP ROLE regress_feed_reset_other;
