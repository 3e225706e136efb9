-- Pages: what a caller sees, and every refusal with its hint.
CREATE TABLE item (id integer PRIMARY KEY, name text, price numeric(8, 2),
	day date);
INSERT INTO item SELECT i, 'item ' || i, i * 1.5,
	CASE WHEN i % 4 > 0 THEN date '2024-01-01' + i % 3 END
FROM generate_series(1, 8) i;

-- Forward, by the key.
SELECT (item).* FROM syncport.page(NULL::item, page_size => 3);
SELECT (array_agg(cursor))[3] AS third
FROM syncport.page(NULL::item, page_size => 3) \gset
SELECT (item).id FROM syncport.page(NULL::item, :'third', page_size => 3);
SELECT (item).id FROM syncport.page(NULL::item, before => :'third');
SELECT (item).id FROM syncport.page(NULL::item, before => 'end',
	page_size => 2);

-- In another order, with NULLs.
SELECT (item).* FROM syncport.page(NULL::item,
	order_by => 'day DESC NULLS LAST, name DESC');

-- As JSON.
SELECT page->'items' AS items, page->'has_more' AS has_more,
	page->>'next_cursor' IS NULL AS last, page->>'prev_cursor' IS NULL AS first
FROM syncport.page_json('item', page_size => 2, columns => '{name,id}') page;
SELECT page->'items' AS items, page->'has_more' AS has_more,
	page->>'next_cursor' IS NULL AS last, page->>'prev_cursor' IS NULL AS first
FROM syncport.page_json('item', before => 'end', page_size => 2,
	columns => '{id}', order_by => 'day') page;
SELECT syncport.page_json('item', filter => '{"price":{"gt":10.5}}',
	total => 'exact', numeric_as_text => true)::jsonb - 'next_cursor' AS page;
-- Behind the last row the way back is the end.
SELECT syncport.page_json('item', after => (SELECT cursor
	FROM syncport.page(NULL::item, before => 'end', page_size => 1)));

-- A column comes, is renamed and goes between two pages.
ALTER TABLE item ADD COLUMN note text DEFAULT 'new';
SELECT item FROM syncport.page(NULL::item, page_size => 1);
ALTER TABLE item RENAME COLUMN name TO title;
ALTER TABLE item DROP COLUMN note;
SELECT item FROM syncport.page(NULL::item, page_size => 1, order_by => 'title');

-- Refused.
SELECT * FROM syncport.page(NULL::item, page_size => 0);
SELECT * FROM syncport.page(NULL::item, page_size => 10001);
SELECT * FROM syncport.page(NULL::item, page_size => NULL);
SELECT * FROM syncport.page(NULL::item, after => 'a', before => 'b');
SELECT * FROM syncport.page(NULL::item, after => '');
SELECT * FROM syncport.page(NULL::item, after => :'third', order_by => 'day');
SELECT * FROM syncport.page(1);
SELECT * FROM syncport.page(NULL::item, order_by => 'name');
SELECT syncport.page_json(NULL);
SELECT syncport.page_json('item', columns => '{id,name}');
SELECT syncport.page_json('item', columns => '{id,NULL}');
SELECT syncport.page_json('item', columns => '{id,id}');
SELECT syncport.page_json('item', columns => '{}');
SELECT syncport.page_json('item', time_zone => 'Nowhere/Land');
SELECT syncport.page_json('item', total => 'some');
CREATE VIEW item_view AS SELECT * FROM item;
SELECT * FROM syncport.page(NULL::item_view);
SELECT syncport.page_json('item_view');
-- The comparisons for row-level security take no type of an extension.
CREATE TYPE odd AS (a integer, b json);
SELECT syncport.sort_lt(NULL::odd, NULL::odd) IS NULL AS strict;
SELECT syncport.sort_lt('(1,1)'::odd, '(1,2)'::odd);
SELECT syncport.sort_lt(1.5, 2.0), syncport.sort_ge('{1,2}'::integer[], '{2}'),
	syncport.sort_eq('NaN'::float8, 'NaN'), syncport.sort_le(2, 2),
	syncport.sort_gt('b'::text, 'a');
-- A table that is gone.
SELECT 'item'::regclass::oid AS gone \gset
DROP VIEW item_view;
DROP TABLE item;
\set VERBOSITY sqlstate
SELECT syncport.page_json(:gone::oid::regclass);
\set VERBOSITY default
DROP TYPE odd;
