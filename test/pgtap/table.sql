-- The contract of tables: signatures, privileges, volatility, SQLSTATEs.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(50);

-- Signatures
SELECT is(pg_get_function_arguments('syncport.enable'::regproc),
	'target regclass, retention interval DEFAULT NULL::interval, sort_keys text[] DEFAULT NULL::text[], prefix name[] DEFAULT NULL::name[], tombstones text DEFAULT NULL::text, updated_at name DEFAULT NULL::name, deleted_at name DEFAULT NULL::name, row_version name DEFAULT NULL::name, live_view name DEFAULT NULL::name, notify boolean DEFAULT NULL::boolean',
	'arguments of enable');
SELECT is(pg_get_function_arguments('syncport.enable_script'::regproc),
	pg_get_function_arguments('syncport.enable'::regproc),
	'enable_script takes what enable takes');
SELECT is(pg_get_function_arguments('syncport.disable'::regproc),
	'target regclass, drop_columns boolean DEFAULT false',
	'arguments of disable');
SELECT is(pg_get_function_arguments('syncport.purge'::regproc),
	'IN target regclass DEFAULT NULL::regclass, IN batch_size integer DEFAULT 10000, INOUT purged bigint DEFAULT 0, INOUT skipped bigint DEFAULT 0',
	'arguments of purge');
SELECT is(pg_get_function_arguments('syncport.schedule'::regproc),
	'maintain_cron text DEFAULT ''17 3 * * *''::text',
	'arguments of schedule');
SELECT is(pg_get_function_arguments('syncport.unschedule'::regproc), '',
	'arguments of unschedule');
SELECT is(pg_get_function_result('syncport.enable_script'::regproc),
	'SETOF text', 'enable_script returns statements');

-- Kind, rights of the caller, no setting, volatility, nulls are looked at
SELECT ok(p.prokind = k.kind AND NOT p.prosecdef AND p.proconfig IS NULL
		  AND p.provolatile = 'v' AND NOT p.proisstrict,
		  k.name || ' runs as the caller, volatile')
	FROM (VALUES ('enable', 'f'), ('enable_script', 'f'), ('disable', 'f'),
				 ('purge', 'p'), ('schedule', 'f'), ('unschedule', 'f'),
				 ('table_status', 'f')) k (name, kind)
	JOIN pg_proc p ON p.oid = ('syncport.' || k.name)::regproc;

-- Privileges
CREATE ROLE regress_syncport_plain;
SELECT ok(NOT has_function_privilege('regress_syncport_plain',
	('syncport.' || name)::regproc::oid, 'EXECUTE'), name || ' is not for everyone')
	FROM unnest('{enable,enable_script,disable,purge,schedule,unschedule}'::text[]) name;
SELECT ok(has_function_privilege('regress_syncport_plain',
	'syncport.table_status'::regproc::oid, 'EXECUTE'), 'status is for everyone');
SELECT table_privs_are('syncport'::name, 'status'::name, 'regress_syncport_plain'::name, '{SELECT}'::name[]);
SELECT table_privs_are('syncport'::name, 'enabled_table'::name, 'regress_syncport_plain'::name,
	'{SELECT,INSERT,UPDATE,DELETE}'::name[]);
SELECT table_privs_are('syncport'::name, 'tombstone'::name, 'regress_syncport_plain'::name, '{}'::name[]);
SELECT ok(relrowsecurity, 'the registry has row security')
	FROM pg_class WHERE oid = 'syncport.enabled_table'::regclass;

-- Everything is described
SELECT is(count(*), 0::bigint, 'every function has a comment')
	FROM pg_proc WHERE pronamespace = 'syncport'::regnamespace
	AND obj_description(oid, 'pg_proc') IS NULL
	AND proname IN ('enable', 'enable_script', 'disable', 'purge', 'schedule',
					'unschedule', 'table_status');
SELECT isnt(obj_description('syncport.status'::regclass, 'pg_class'), NULL,
	'the view has a comment');

-- SQLSTATEs
CREATE TABLE plain (id int PRIMARY KEY, updated_at date);
CREATE TABLE no_key (id int);
CREATE VIEW a_view AS SELECT 1 AS id;
CREATE TEMP TABLE passing (id int PRIMARY KEY);
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9);
SELECT throws_ok($$SELECT syncport.enable(NULL)$$, '22004');
SELECT throws_ok($$SELECT syncport.enable(4294967295::oid)$$, '42P01');
SELECT throws_ok($$SELECT syncport.enable('no_key')$$, '55000');
SELECT throws_ok($$SELECT syncport.enable('a_view')$$, '42809');
SELECT throws_ok($$SELECT syncport.enable('part')$$, '42809');
SELECT throws_ok($$SELECT syncport.enable('passing')$$, '0A000');
SELECT throws_ok($$SELECT syncport.enable('plain')$$, '42804');
SELECT throws_ok($$SELECT syncport.enable('plain', updated_at => 'u', row_version => 'xmin')$$, '42701');
SELECT throws_ok($$SELECT syncport.enable('plain', updated_at => 'u', retention => '-1 s')$$, '22023');
SELECT throws_ok($$SELECT syncport.enable('plain', updated_at => 'u', tombstones => '')$$, '22023');
SELECT throws_ok($$SELECT syncport.enable('plain', updated_at => 'u', sort_keys => '{x}')$$, 'SY004');
SELECT throws_ok($$SELECT syncport.enable('plain', updated_at => 'u', prefix => '{x}')$$, 'SY004');
SELECT throws_ok($$SELECT syncport.enable('plain', updated_at => 'u', live_view => 'parted')$$, '42P07');
SELECT throws_ok($$SELECT syncport.disable('plain')$$, 'SY003');
SELECT throws_ok($$CALL syncport.purge()$$, '2D000');

-- What is enabled and what is not
SELECT lives_ok($$SELECT syncport.enable('parted')$$, 'enable works');
SELECT col_not_null('parted', 'row_version');
SELECT col_is_null('parted', 'deleted_at');
SELECT throws_ok($$SELECT syncport.disable('part')$$, '42809');
SELECT lives_ok($$SELECT syncport.disable('parted', true)$$, 'disable works');
SELECT hasnt_column('parted'::name, 'deleted_at'::name);

-- enable and disable run no code of the table's owner as their caller
CREATE ROLE regress_table_owner;
CREATE SCHEMA hostile AUTHORIZATION regress_table_owner;
SET ROLE regress_table_owner;
CREATE TABLE hostile.trap (id int PRIMARY KEY, row_version bigint);
CREATE TABLE hostile.spy (who name);
INSERT INTO hostile.trap VALUES (1, 5), (2, 5);
CREATE FUNCTION hostile.spring() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN INSERT INTO hostile.spy VALUES (current_user); RETURN COALESCE(NEW, OLD); END $$;
CREATE TRIGGER spring BEFORE UPDATE OR DELETE ON hostile.trap
	FOR EACH ROW EXECUTE FUNCTION hostile.spring();
RESET ROLE;
SELECT syncport.enable('hostile.trap');
SELECT results_eq('SELECT who FROM hostile.spy', $$VALUES ('regress_table_owner'::name), ('regress_table_owner')$$,
	'rows are stamped as the owner');
SET ROLE regress_table_owner;
DELETE FROM hostile.trap WHERE id = 1;
DELETE FROM hostile.spy;
RESET ROLE;
SELECT syncport.enable('hostile.trap', tombstones => 'image'), syncport.enable('hostile.trap', tombstones => 'row'),
	syncport.disable('hostile.trap', true);
SELECT is_empty('SELECT who FROM hostile.spy', 'tombstones move without triggers');

SELECT * FROM finish();
ROLLBACK;
