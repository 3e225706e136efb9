-- The contract of what applications and owners ask of an enabled table:
-- signatures, properties, privileges, SQLSTATEs.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(42);

-- Signatures
CREATE TEMPORARY TABLE f (name, arguments, result) AS VALUES
	('restore', 'target regclass, key jsonb, cascade boolean DEFAULT false', 'bigint'),
	('erase', 'target regclass, key jsonb', 'boolean'),
	('touch', 'target regclass, filter jsonb DEFAULT NULL::jsonb', 'bigint'),
	('reset_access', 'target regclass, principal text DEFAULT NULL::text', 'void'),
	('release_unique', 'target regclass, constraint_name name', 'void');
SELECT is(pg_get_function_arguments(('syncport.' || name)::regproc), arguments, 'arguments of ' || name) FROM f;
SELECT is(pg_get_function_result(('syncport.' || name)::regproc), result, 'result of ' || name) FROM f;

-- Privileges
CREATE ROLE regress_syncport_plain;
CREATE ROLE regress_syncport_owner;
SELECT ok(has_function_privilege('regress_syncport_plain', ('syncport.' || name)::regproc::oid, 'EXECUTE'),
	name || ' is for everyone')
	FROM unnest('{restore,erase,touch,reset_access}'::text[]) name;
SELECT ok(NOT has_function_privilege('regress_syncport_plain', 'syncport.release_unique'::regproc::oid, 'EXECUTE'),
	'release_unique is not for everyone');

CREATE SCHEMA call_test;
GRANT USAGE ON SCHEMA syncport, call_test TO regress_syncport_plain, regress_syncport_owner;
GRANT CREATE ON SCHEMA call_test TO regress_syncport_owner;
GRANT EXECUTE ON FUNCTION syncport.release_unique, syncport.enable TO regress_syncport_owner, regress_syncport_plain;
SET search_path = call_test, public;
SET LOCAL ROLE regress_syncport_owner;
CREATE TABLE account (id int PRIMARY KEY, email text CONSTRAINT email UNIQUE, late int CONSTRAINT late UNIQUE DEFERRABLE,
	code int CONSTRAINT code UNIQUE, CHECK (id > 0));
CREATE TABLE child (id int PRIMARY KEY, account int REFERENCES account, code int REFERENCES account (code));
CREATE TABLE picture (id int PRIMARY KEY, v int CONSTRAINT v UNIQUE);
CREATE TABLE plain (id int PRIMARY KEY);
SELECT syncport.enable('account');
SELECT syncport.enable('child');
SELECT syncport.enable('picture', tombstones => 'image');
INSERT INTO account VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO child VALUES (1, 1), (2, 2);
INSERT INTO picture VALUES (1), (2), (3);
DELETE FROM picture;
DELETE FROM child WHERE id = 2;
DELETE FROM account WHERE id = 2;

-- The owner may do everything, without a right on our tables
SELECT is(syncport.restore('picture', '{"id": 1}'), 1::bigint, 'the owner restores an image');
SELECT is(syncport.restore('account', '{"id": 2}', cascade => true), 2::bigint, 'the owner restores a tombstone and what is below it');
SELECT is(syncport.restore('account', '{"id": 2}'), 0::bigint, 'a live row is not restored');
SELECT is(syncport.erase('picture', '{"id": 2}'), true, 'the owner erases an image');
SELECT is(syncport.erase('picture', '{"id": 2}'), false, 'once');
SELECT is(syncport.erase('account', '{"id": 3}'), true, 'the owner erases a row');
SELECT lives_ok($$SELECT syncport.reset_access('account')$$, 'the owner resets access');
SELECT is(syncport.touch('account'), 2::bigint, 'the owner touches rows');
SELECT lives_ok($$SELECT syncport.release_unique('account', 'email')$$, 'the owner releases a constraint');
SELECT lives_ok($$SELECT syncport.release_unique('account', 'email')$$, 'and again');

-- SQLSTATEs
DELETE FROM child WHERE id = 2;
SELECT throws_ok($$SELECT syncport.release_unique('account', 'late')$$, '0A000', NULL, 'release_unique: deferrable');
SELECT throws_ok($$SELECT syncport.release_unique('account', 'code')$$, '2BP01', NULL, 'release_unique: referenced');
SELECT throws_ok($$SELECT syncport.release_unique('account', 'account_pkey')$$, '42809', NULL, 'release_unique: the key');
SELECT throws_ok($$SELECT syncport.release_unique('account', 'account_id_check')$$, '42809', NULL, 'release_unique: a CHECK');
SELECT throws_ok($$SELECT syncport.release_unique('account', 'none')$$, '42704', NULL, 'release_unique: no such constraint');
SELECT throws_ok($$SELECT syncport.release_unique('picture', 'v')$$, '55000', NULL, 'release_unique: image mode');
SELECT throws_ok($$SELECT syncport.erase('account', '{"id": 1}')$$, '23503', NULL, 'erase: referenced');
SELECT throws_ok($$SELECT syncport.erase('account', '{"id": 2}')$$, '23503', NULL, 'erase: referenced by a tombstone');
SELECT throws_ok($$SELECT syncport.erase('plain', '{"id": 2}')$$, 'SY003', NULL, 'erase: not enabled');
SELECT throws_ok($$SELECT syncport.erase('account', NULL)$$, '22004', NULL, 'erase: no key');
SELECT throws_ok($$SELECT syncport.erase('account', '{"id": "x"}')$$, '22023', NULL, 'erase: a value that does not fit');
SELECT throws_ok($$SELECT syncport.restore('account', '{"email": "a"}')$$, '22023', NULL, 'restore: not the key');
SELECT throws_ok($$SELECT syncport.touch('account', '{"nothing": 1}')$$, 'SY004', NULL, 'touch: a wrong filter');
SELECT throws_ok($$SELECT syncport.reset_access('account', '')$$, '22023', NULL, 'reset_access: an empty principal');

-- Others may not
SET LOCAL ROLE regress_syncport_plain;
SELECT throws_ok($$SELECT syncport.restore('picture', '{"id": 3}')$$, '42501', NULL, 'restore needs privileges');
SELECT throws_ok($$SELECT syncport.erase('account', '{"id": 2}')$$, '42501', NULL, 'erase needs privileges');
SELECT throws_ok($$SELECT syncport.touch('account')$$, '42501', NULL, 'touch needs privileges');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
