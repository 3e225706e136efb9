-- Cursors that this server did not write, and the places of those it did.
CREATE SCHEMA keyset_cursor;
SET search_path = keyset_cursor;
CREATE TABLE item (id int PRIMARY KEY, name text);
INSERT INTO item SELECT g, 'n' || g / 2 FROM generate_series(1, 6) g;

-- a page after a place begins with the first row at or behind it
SELECT syncport.page_json('item', order_by => 'name', page_size => 2,
	after => syncport.cursor_at('item', 'name', place)) -> 'items' AS items
FROM (VALUES ('{"name":"n1"}'::jsonb), ('{"name":"n15"}'), ('{"name":null}'),
	('{"id":5}'), ('{"name":"n2","id":5}')) v(place);

-- a cursor from its bytes: version, flags, binding of cursor_at's, the rest
CREATE FUNCTION forge(version text, flags text, rest text) RETURNS text
LANGUAGE sql AS $$
	SELECT rtrim(translate(encode(decode(version || flags, 'hex')
		|| substr(decode(rpad(translate(c, '-_', '+/'),
			(length(c) + 3) / 4 * 4, '='), 'base64'), 3, 8)
		|| decode(rest, 'hex'), 'base64'), '+/', '-_'), '=')
	FROM syncport.cursor_at('item', 'id', '{"id":1}') c
$$;
CREATE FUNCTION read(cursor text) RETURNS json LANGUAGE sql AS $$
	SELECT syncport.page_json('item', after => cursor, order_by => 'id',
		page_size => 1) -> 'items'
$$;
SELECT read(forge('01', '00', '010000000500000003'));
SELECT read('');
SELECT read('no cursor!');
SELECT read('AQA');
SELECT read(repeat('A', 300000));
SELECT read(forge('02', '00', '010000000500000003'));
SELECT read(syncport.cursor_at('item', 'name', '{"name":"n1"}'));
SELECT read(forge('01', '00', '00'));
SELECT read(forge('01', '00', '020000000500000003'));
SELECT read(forge('01', '02', '010000000500000003'));
SELECT read(forge('01', '00', '0100000000'));
SELECT read(forge('01', '00', '010000'));
SELECT read(forge('01', '00', '010000000900000003'));
SELECT read(forge('01', '00', '01000000050000000300'));
SELECT read(forge('01', '00', '0100000004000003'));
SELECT read(forge('01', '00', '01000000060000000300'));

SET client_min_messages = warning;
DROP SCHEMA keyset_cursor CASCADE;
