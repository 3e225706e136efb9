-- syncport.release_unique: tombstones hold no unique value any more.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS btree_gist;
RESET client_min_messages;
CREATE SCHEMA release_test;
SET search_path = release_test, public;

-- what an index is, without what differs between versions
CREATE FUNCTION shape(index regclass) RETURNS text LANGUAGE sql
RETURN (SELECT concat_ws(' ', CASE WHEN indisunique THEN 'unique' END,
	CASE WHEN indnullsnotdistinct THEN 'nulls not distinct' END,
	substring(pg_get_indexdef(indexrelid) FROM 'USING .*'))
	FROM pg_index WHERE indexrelid = index);

-- A UNIQUE constraint becomes an index over live rows
CREATE TABLE account (id int PRIMARY KEY, email text COLLATE "C" CONSTRAINT account_email UNIQUE,
	tenant int, name text, note text, CONSTRAINT "Odd name" UNIQUE NULLS NOT DISTINCT (tenant, name) INCLUDE (note) WITH (fillfactor = 70));
COMMENT ON CONSTRAINT account_email ON account IS 'one account each';
SELECT syncport.enable('account');
INSERT INTO account VALUES (1, 'a@example.org', 1, NULL);
DELETE FROM account;
INSERT INTO account VALUES (2, 'a@example.org', 1, 'x');
SELECT syncport.release_unique(target => 'account', constraint_name => 'account_email');
SELECT syncport.release_unique('account', 'Odd name');
SELECT shape('account_email');
SELECT obj_description('account_email'::regclass);
SELECT shape('"Odd name"');
INSERT INTO account VALUES (2, 'a@example.org', 1, NULL);
INSERT INTO account VALUES (3, 'a@example.org', 2, NULL);
INSERT INTO account VALUES (3, 'b@example.org', 1, NULL);
SELECT id, email, deleted_at IS NULL AS live FROM account ORDER BY id;
INSERT INTO account VALUES (4, 'a@example.org', 2, 'x')
	ON CONFLICT (email) WHERE deleted_at IS NULL DO UPDATE SET name = 'met' RETURNING id, name;
-- a second call changes nothing
SELECT 'account_email'::regclass::oid AS before \gset
SELECT syncport.release_unique('account', 'account_email');
SELECT 'account_email'::regclass::oid = :before AS same;

-- So does an EXCLUDE constraint, which stays one
CREATE TABLE booking (id int PRIMARY KEY, room int, during int4range, kind text, gone timestamptz,
	CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&)
		WITH (fillfactor = 60) WHERE (kind <> 'maybe' OR room > 7) DEFERRABLE INITIALLY DEFERRED,
	CONSTRAINT plain EXCLUDE (room WITH =, kind WITH =) DEFERRABLE);
COMMENT ON CONSTRAINT plain ON booking IS 'one of a kind';
SELECT syncport.enable('booking', deleted_at => 'gone');
SELECT syncport.release_unique('booking', 'no_overlap');
SELECT syncport.release_unique('booking', 'plain');
SELECT syncport.release_unique('booking', 'plain');
SELECT conname, pg_get_constraintdef(oid), obj_description(oid) FROM pg_constraint
	WHERE conrelid = 'booking'::regclass AND contype = 'x' ORDER BY 1;
INSERT INTO booking VALUES (1, 1, '[1,5)', 'sure');
DELETE FROM booking;
INSERT INTO booking VALUES (2, 1, '[3,6)', 'sure');
INSERT INTO booking VALUES (3, 1, '[4,7)', 'other');

-- Partitioned: every leaf, and leaves to come
CREATE TABLE event (id int, day int, code text, PRIMARY KEY (id, day),
	CONSTRAINT event_code UNIQUE (day, code)) PARTITION BY RANGE (day);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (10);
SELECT syncport.enable('event');
INSERT INTO event VALUES (1, 1, 'a');
DELETE FROM event;
SELECT syncport.release_unique('event', 'event_code');
SELECT syncport.release_unique('event', 'event_code');
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (10) TO (20);
SELECT indrelid::regclass, indisunique, pg_get_expr(indpred, indrelid)
	FROM pg_index WHERE indrelid IN ('event'::regclass, 'event_1'::regclass, 'event_2'::regclass)
	AND indpred IS NOT NULL AND indisunique ORDER BY 1;
INSERT INTO event VALUES (2, 1, 'a'), (3, 11, 'a');
INSERT INTO event VALUES (4, 1, 'a');
-- a partition's own: name the parent
SELECT syncport.release_unique('event_1', 'event_1_pkey');

-- What cannot be released
CREATE TABLE item (id int PRIMARY KEY, code int CONSTRAINT item_code UNIQUE, late int UNIQUE DEFERRABLE,
	ident int NOT NULL CONSTRAINT item_ident UNIQUE, CHECK (code > 0));
CREATE TABLE part (item_code int CONSTRAINT part_fkey REFERENCES item (code));
ALTER TABLE item REPLICA IDENTITY USING INDEX item_ident;
SELECT syncport.release_unique('item', 'item_code');
SELECT syncport.enable('item');
SELECT syncport.release_unique('item', 'item_code');
SELECT syncport.release_unique('item', 'item_late_key');
SELECT syncport.release_unique('item', 'item_ident');
SELECT syncport.release_unique('item', 'item_pkey');
SELECT syncport.release_unique('item', 'item_code_check');
SELECT syncport.release_unique('item', 'nothing');
SELECT syncport.release_unique('item', NULL);
SELECT syncport.release_unique(NULL, 'item_code');
CREATE TABLE copy (id int PRIMARY KEY, code int UNIQUE);
SELECT syncport.enable('copy', tombstones => 'image');
SELECT syncport.release_unique('copy', 'copy_code_key');

-- Only its owner
CREATE ROLE regress_syncport_release;
GRANT USAGE ON SCHEMA syncport, release_test TO regress_syncport_release;
SET ROLE regress_syncport_release;
SELECT syncport.release_unique('item', 'item_code');
RESET ROLE;
GRANT EXECUTE ON FUNCTION syncport.release_unique TO regress_syncport_release;
SET ROLE regress_syncport_release;
SELECT syncport.release_unique('item', 'item_code');
RESET ROLE;

-- A tablespace stays
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE regress_syncport_space LOCATION '';
CREATE TABLE far (id int PRIMARY KEY, a int CONSTRAINT far_a UNIQUE USING INDEX TABLESPACE regress_syncport_space,
	CONSTRAINT far_x EXCLUDE (a WITH =) USING INDEX TABLESPACE regress_syncport_space);
SELECT syncport.enable('far');
SELECT syncport.release_unique('far', 'far_a');
SELECT syncport.release_unique('far', 'far_x');
SELECT c.relname, t.spcname FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace
	WHERE c.relname IN ('far_a', 'far_x') ORDER BY 1;

-- Such a key would go with deleted_at
SELECT syncport.disable('far', true);
SELECT syncport.disable('far');
SELECT count(*) AS keys FROM pg_index WHERE indrelid = 'far'::regclass AND indpred IS NOT NULL;

SET client_min_messages = warning;
DROP OWNED BY regress_syncport_release;
DROP ROLE regress_syncport_release;
DROP SCHEMA release_test CASCADE;
DROP TABLESPACE regress_syncport_space;
