-- The contract of pages: volatility, privileges and SQLSTATEs.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT no_plan();
CREATE TABLE item (id integer PRIMARY KEY, secret text);
CREATE TABLE plain (id integer);
INSERT INTO item SELECT i, 'x' FROM generate_series(1, 5) i;

SELECT volatility_is('syncport', name, 'stable', name || ' is stable')
FROM unnest('{page,page_json}'::name[]) name;
SELECT volatility_is('syncport', name, 'immutable', name || ' is immutable')
FROM unnest('{sort_lt,sort_le,sort_eq,sort_ge,sort_gt}'::name[]) name;
SELECT ok(NOT prosecdef AND proconfig IS NULL,
	proname || ' runs as its caller under the caller''s settings')
FROM pg_proc WHERE pronamespace = 'syncport'::regnamespace
	AND proname IN ('page', 'page_json');
SELECT ok(proleakproof AND proisstrict, proname || ' is leakproof and strict')
FROM pg_proc WHERE pronamespace = 'syncport'::regnamespace
	AND proname ~ '^sort_(lt|le|eq|ge|gt)$';

SELECT throws_ok('SELECT syncport.page(NULL::item, page_size => ' || size || ')',
	'22023', NULL, 'page_size ' || size)
FROM unnest('{0,-1,10001,2147483647,NULL::integer}'::text[]) size;
SELECT throws_ok('SELECT syncport.page(NULL::item, ' || argument || ')',
	state, NULL, argument)
FROM (VALUES ('after => ''a'', before => ''b''', '22023'),
	('after => ''''', 'SY001'), ('after => ''garbage''', 'SY001'),
	('before => ''ENDE''', 'SY001'),
	('after => repeat(''A'', 1000000)', 'SY001'),
	('order_by => ''nothing''', 'SY004'),
	('filter => ''{"nothing":1}''', 'SY004')) v (argument, state);
SELECT throws_ok($$SELECT syncport.page(NULL::plain)$$, '55000', NULL,
	'a table without a key');
SELECT throws_ok($$SELECT syncport.page(NULL::integer)$$, '42804', NULL,
	'no row type');
SELECT throws_ok($$SELECT syncport.page_json(0)$$, '42P01', NULL, 'no table');

-- The caller's privileges decide.
CREATE ROLE keyset_reader;
GRANT USAGE ON SCHEMA syncport TO keyset_reader;
GRANT SELECT (id) ON item TO keyset_reader;
SET LOCAL ROLE keyset_reader;
SELECT throws_ok('SELECT syncport.page(NULL::item)', '42501', NULL,
	'a row needs all columns');
SELECT is(syncport.page_json('item', columns => '{id}', page_size => 1)
	->> 'items', '[{"id":1}]', 'a column needs itself');
SELECT throws_ok($$SELECT syncport.page_json('item', columns => '{id}',
	order_by => 'secret')$$, '42501', NULL, 'an order needs its columns');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
