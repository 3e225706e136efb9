-- A partition that is attached with rows in the middle of a round: what the
-- round has passed by would never come.  What the feed shows must have been
-- committed, so the tables stand outside of a transaction.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
CREATE SCHEMA feed_attach;
SET search_path = feed_attach, public;
SELECT plan(4);
CREATE TABLE rec (id int, k int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
CREATE TABLE rec_1 PARTITION OF rec FOR VALUES IN (1);
SELECT syncport.enable('rec');
INSERT INTO rec VALUES (1, 1);
CREATE TABLE rec_2 (LIKE rec INCLUDING DEFAULTS, PRIMARY KEY (k, id));
CREATE TABLE rec_3 (LIKE rec INCLUDING DEFAULTS, PRIMARY KEY (k, id));
CREATE FUNCTION pull(cursor text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT syncport.pull(jsonb_build_object('page_size', 1, 'tables',
		jsonb_build_object('rec', jsonb_build_object('cursor', cursor))))::jsonb #> '{tables,rec}'
$$;
SELECT pull(NULL) ->> 'cursor' AS cursor \gset

-- the client has not seen this version, and the round goes past it
INSERT INTO rec_2 (id, k, updated_at, row_version)
	VALUES (7, 2, now(), pg_current_xact_id()::text::bigint);
INSERT INTO rec VALUES (2, 1);
INSERT INTO rec VALUES (3, 1);
SELECT pull(:'cursor') AS page \gset
SELECT is(:'page'::jsonb #> '{upserts,0,id}', '2'::jsonb, 'the round is behind the other version');
SELECT is(:'page'::jsonb -> 'complete', 'false'::jsonb, 'and not at its end');
-- rows from here on come in a later round
ALTER TABLE rec ATTACH PARTITION rec_3 FOR VALUES IN (3);
INSERT INTO rec VALUES (8, 3);
SELECT ok(NOT pull(:'page'::jsonb ->> 'cursor') ? 'reset', 'an empty partition resets nobody');
ALTER TABLE rec ATTACH PARTITION rec_2 FOR VALUES IN (2);
SELECT is(pull(:'page'::jsonb ->> 'cursor') ->> 'reset', 'schema', 'one with rows that were passed does');
SELECT * FROM finish();
DROP SCHEMA feed_attach CASCADE;
