-- When a client has to start anew: the reason, and what to do about it.
-- changes() raises an error, pull() says it in the table's part.
CREATE TABLE feed_reset (id int PRIMARY KEY, name varchar(20), price int);
INSERT INTO feed_reset VALUES (1, 'apple', 10), (2, 'pear', 20);

-- A table that is not enabled has no feed.
SELECT * FROM syncport.changes(NULL::feed_reset);
SELECT syncport.pull('{"tables": {"feed_reset": {}}}');
SELECT syncport.feed_position('feed_reset');

SELECT syncport.enable('feed_reset', retention => '0');
SELECT syncport.feed_position('feed_reset') AS cursor \gset
SELECT op FROM syncport.changes(NULL::feed_reset, :'cursor');

-- A cursor that this server did not write, or wrote for another table.
SELECT op FROM syncport.changes(NULL::feed_reset, '');
SELECT op FROM syncport.changes(NULL::feed_reset, 'AAAA');
SELECT op FROM syncport.changes(NULL::feed_reset, left(:'cursor', 40));
CREATE TABLE feed_reset_other (id int PRIMARY KEY);
SELECT syncport.enable('feed_reset_other');
SELECT op FROM syncport.changes(NULL::feed_reset_other, :'cursor');
DROP TABLE feed_reset_other;

-- filter: asked for something else
SELECT op FROM syncport.changes(NULL::feed_reset, :'cursor', filter => '{"price": {"gt": 10}}');
SELECT syncport.pull(jsonb_build_object('tables', jsonb_build_object('feed_reset',
	jsonb_build_object('cursor', :'cursor', 'columns', '["name"]'::jsonb))))
	#> '{tables,feed_reset}' AS answer;

-- access: policies, or what they read elsewhere
SELECT syncport.reset_access('feed_reset');
SELECT op FROM syncport.changes(NULL::feed_reset, :'cursor');

-- schema: a definition that the cursor covers
SELECT syncport.feed_position('feed_reset') AS cursor \gset
SELECT syncport.feed_position('feed_reset', '{name}') AS names \gset
ALTER TABLE feed_reset RENAME price TO cents;
SELECT op FROM syncport.changes(NULL::feed_reset, :'cursor');
-- of other columns it does not
SELECT syncport.pull(jsonb_build_object('tables', jsonb_build_object('feed_reset',
	jsonb_build_object('cursor', :'names', 'columns', '["name"]'::jsonb))))
	#>> '{tables,feed_reset,complete}' AS complete;
-- nor does a new column
SELECT syncport.feed_position('feed_reset') AS cursor \gset
ALTER TABLE feed_reset ADD COLUMN note text DEFAULT 'none';
SELECT op FROM syncport.changes(NULL::feed_reset, :'cursor');

-- truncated
TRUNCATE feed_reset;
SELECT op FROM syncport.changes(NULL::feed_reset, :'cursor');

-- purged: tombstones that the client has not seen are gone
INSERT INTO feed_reset VALUES (1, 'apple', 10);
SELECT syncport.feed_position('feed_reset') AS cursor \gset
DELETE FROM feed_reset;
SELECT op, (item).id FROM syncport.changes(NULL::feed_reset, :'cursor');
CALL syncport.purge('feed_reset');
SELECT op, (item).id FROM syncport.changes(NULL::feed_reset, :'cursor');

-- disabled: nothing is stamped meanwhile
SELECT syncport.disable('feed_reset');
SELECT op FROM syncport.changes(NULL::feed_reset, :'cursor');
SELECT syncport.enable('feed_reset');
SELECT op FROM syncport.changes(NULL::feed_reset, :'cursor');

-- restored: storage that was rolled back needs a new incarnation
SELECT syncport.feed_position('feed_reset') AS cursor \gset
SELECT syncport.restamp();
SELECT op FROM syncport.changes(NULL::feed_reset, :'cursor');

-- pull says the reasons of each table, and goes on with the others
CREATE TABLE feed_reset_fine (id int PRIMARY KEY);
SELECT syncport.enable('feed_reset_fine');
INSERT INTO feed_reset_fine VALUES (1);
SELECT jsonb_pretty(syncport.pull(jsonb_build_object('tables', jsonb_build_object(
	'feed_reset', jsonb_build_object('cursor', :'cursor'),
	'feed_reset_fine', jsonb_build_object('columns', '["id"]'::jsonb))))::jsonb
	-> 'tables' #- '{feed_reset_fine,cursor}'
	#- '{feed_reset_fine,schema_version}') AS tables;

-- The transaction that writes cannot read the feed: it may roll back.
BEGIN;
INSERT INTO feed_reset_fine VALUES (2);
SELECT op FROM syncport.changes(NULL::feed_reset_fine);
ROLLBACK;

-- Whoever may not read the table learns nothing of it.
CREATE ROLE regress_feed_reset;
SELECT syncport.feed_position('feed_reset_fine') AS cursor \gset
TRUNCATE feed_reset_fine;
GRANT USAGE ON SCHEMA syncport TO regress_feed_reset;
SET ROLE regress_feed_reset;
SELECT op FROM syncport.changes(NULL::feed_reset_fine, :'cursor');
RESET ROLE;
DROP TABLE feed_reset, feed_reset_fine;
DROP OWNED BY regress_feed_reset;
DROP ROLE regress_feed_reset;
