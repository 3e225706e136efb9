-- order_by: what is understood, and how the rest is refused.
CREATE SCHEMA keyset_order;
SET search_path = keyset_order;
CREATE TABLE item (id int PRIMARY KEY, name text, "Mixed" int, place point);
INSERT INTO item SELECT g, 'n' || g, g, NULL FROM generate_series(1, 3) g;
CREATE TABLE keyless (id int);
CREATE VIEW item_view AS SELECT * FROM item;

-- case folds unless quoted, white space is free, a blank order is the key
SELECT syncport.cursor_at('item', 'NAME desc', '{"name":"n1"}')
	= syncport.cursor_at('item', '  name  DESC NULLS first ', '{"name":"n1"}')
	AS same,
	syncport.cursor_at('item', 'name', '{"name":"n1"}')
	= syncport.cursor_at('item', 'name DESC', '{"name":"n1"}') AS other,
	syncport.cursor_at('item', '"Mixed"', '{"Mixed":1}') IS NOT NULL AS quoted,
	syncport.cursor_at('item', ' ', '{"id":1}')
	= syncport.cursor_at('item', NULL, '{"id":1}') AS blank;

SELECT syncport.cursor_at('item', 'mixed', '{"id":1}');
SELECT syncport.cursor_at('item', 'ctid', '{"id":1}');
SELECT syncport.cursor_at('item', 'place', '{"id":1}');
SELECT syncport.cursor_at('item', 'name, id, name', '{"id":1}');
SELECT syncport.cursor_at('item', 'id, name, "Mixed", x, y', '{"id":1}');
SELECT syncport.cursor_at('item', 'name; DROP TABLE item', '{"id":1}');
SELECT syncport.cursor_at('item', 'name,', '{"id":1}');
SELECT syncport.cursor_at('item', 'name NULLS', '{"id":1}');
SELECT syncport.cursor_at('item', 'name NULLS maybe', '{"id":1}');
SELECT syncport.cursor_at('item', '"name', '{"id":1}');
SELECT syncport.cursor_at('item', 'lower(name)', '{"id":1}');
CREATE TABLE wide (a int, b int, c int, d int, e int, id int PRIMARY KEY);
SELECT syncport.cursor_at('wide', 'a, b, c, d, e', '{"id":1}');
SELECT syncport.cursor_at('keyless', 'id', '{"id":1}');
SELECT syncport.cursor_at('item_view', 'id', '{"id":1}');
SELECT syncport.cursor_at(1, 'id', '{"id":1}');

-- places
SELECT syncport.cursor_at('item', 'name', '{"id":2}') IS NOT NULL AS by_key;
SELECT syncport.cursor_at('item', 'name', '{"id":9}');
SELECT syncport.cursor_at('item', 'name', '{"id":null}');
SELECT syncport.cursor_at('item', 'name, "Mixed"', '{"Mixed":1}');
SELECT syncport.cursor_at('item', 'name', '{}');
SELECT syncport.cursor_at('item', 'name', '[]');
SELECT syncport.cursor_at('item', 'name', NULL);
SELECT length(syncport.cursor_at('item', 'name',
	jsonb_build_object('name', repeat('x', 300000))));

SET client_min_messages = warning;
DROP SCHEMA keyset_order CASCADE;
