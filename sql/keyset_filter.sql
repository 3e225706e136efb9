-- The filter language: every error it knows.
CREATE SCHEMA keyset_filter;
SET search_path = keyset_filter;
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric, tags text[],
	place point);

SELECT * FROM syncport.count_rows('item', '[1]');
SELECT * FROM syncport.count_rows('item', '{"nam":1}');
SELECT * FROM syncport.count_rows('item', '{"ctid":1}');
SELECT * FROM syncport.count_rows('item', '{"column:and":1}');
SELECT * FROM syncport.count_rows('item', '{"price":{}}');
SELECT * FROM syncport.count_rows('item', '{"price":{"above":1}}');
SELECT * FROM syncport.count_rows('item', '{"price":{"like":"1%"}}');
SELECT * FROM syncport.count_rows('item', '{"place":{"eq":"(1,1)"}}');
SELECT * FROM syncport.count_rows('item', '{"price":{"lt":null}}');
SELECT * FROM syncport.count_rows('item', '{"price":{"lt":"cheap"}}');
SELECT * FROM syncport.count_rows('item', '{"id":99999999999}');
SELECT * FROM syncport.count_rows('item', '{"id":{"in":[1,"x"]}}');
SELECT * FROM syncport.count_rows('item', '{"id":{"in":1}}');
SELECT * FROM syncport.count_rows('item', '{"id":[1,2]}');
SELECT * FROM syncport.count_rows('item', '{"tags":{"eq":{"a":1}}}');
SELECT * FROM syncport.count_rows('item', '{"name":{"starts_with":1}}');
SELECT * FROM syncport.count_rows('item', '{"name":{"is_null":1}}');
SELECT * FROM syncport.count_rows('item', $${"name":{"like":"a\\"}}$$);
SELECT * FROM syncport.count_rows('item', '{"and":{"id":1}}');
SELECT * FROM syncport.count_rows('item', '{"or":[{"id":1},2]}');
SELECT * FROM syncport.count_rows('item', '{"not":[{"id":1}]}');
SELECT * FROM syncport.count_rows('item',
	(repeat('{"not":', 70) || '{}' || repeat('}', 70))::jsonb);
SELECT * FROM syncport.count_rows('item', jsonb_build_object('or',
	(SELECT jsonb_agg(jsonb_build_object('id', g))
	 FROM generate_series(1, 1001) g)));

SET client_min_messages = warning;
DROP SCHEMA keyset_filter CASCADE;
