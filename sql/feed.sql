-- The feed: a client that keeps a copy asks what is new since its cursor.
-- Cursors, versions and times differ from run to run, so only what does not
-- is shown.
CREATE TABLE feed_author (
	id   int PRIMARY KEY,
	name text NOT NULL
);
CREATE TABLE feed_book (
	shop   text,
	number int,
	title  text NOT NULL,
	price  numeric(8,2),
	sold   int8,
	author int REFERENCES feed_author ON DELETE SET NULL,
	PRIMARY KEY (shop, number)
);
SELECT syncport.enable('feed_author', tombstones => 'image');
SELECT syncport.enable('feed_book');
INSERT INTO feed_author VALUES (1, 'Ada'), (2, 'Blaise');
INSERT INTO feed_book VALUES
	('north', 1, 'Notes', 12.50, 9007199254740993, 1),
	('north', 2, 'Sketch', 3, 7, 1),
	('south', 1, 'Thoughts', 20, NULL, 2);

-- Who asks without a cursor gets everything.
SELECT op, (item).shop, (item).number, (item).title
FROM syncport.changes(NULL::feed_book);

-- Each row has the cursor that resumes behind it.
SELECT cursor AS second FROM syncport.changes(NULL::feed_book) OFFSET 1 LIMIT 1 \gset
SELECT op, (item).shop, (item).number
FROM syncport.changes(NULL::feed_book, since => :'second');
SELECT cursor AS books FROM syncport.changes(NULL::feed_book) OFFSET 2 \gset
SELECT count(*) AS nothing_new FROM syncport.changes(NULL::feed_book, since => :'books');

-- What is new: the newest state of each key, once.
UPDATE feed_book SET price = 13 WHERE shop = 'north' AND number = 1;
UPDATE feed_book SET price = 14 WHERE shop = 'north' AND number = 1;
INSERT INTO feed_book VALUES ('south', 2, 'Essays', 8, 1, 2);
DELETE FROM feed_book WHERE shop = 'south' AND number = 1;
SELECT op, (item).shop, (item).number, (item).price,
	(item).deleted_at IS NOT NULL AS is_tombstone
FROM syncport.changes(NULL::feed_book, since => :'books');
-- in pages of one row
SELECT op, (item).shop, (item).number, cursor AS page
FROM syncport.changes(NULL::feed_book, since => :'books', page_size => 1) \gset first_
SELECT :'first_op' AS op, :'first_shop' AS shop, :'first_number' AS number;
SELECT op, (item).shop, (item).number
FROM syncport.changes(NULL::feed_book, since => :'first_page', page_size => 1);

-- pull: several tables in one snapshot, as one JSON object.  The psql
-- variables are the client's checkpoint.
SELECT syncport.pull('{"tables": {"feed_author": {}, "feed_book": {}}}') AS answer \gset
SELECT jsonb_object_keys(:'answer') AS members ORDER BY 1;
SELECT jsonb_object_keys(:'answer'::jsonb #> '{tables,feed_book}') AS members ORDER BY 1;
SELECT jsonb_pretty((:'answer'::jsonb #> '{tables,feed_author,upserts}')
	#- '{0,updated_at}' #- '{0,row_version}'
	#- '{1,updated_at}' #- '{1,row_version}') AS upserts;
SELECT name, content -> 'complete' AS complete, content -> 'deletes' AS deletes,
	jsonb_array_length(content -> 'upserts') AS upserts
FROM jsonb_each(:'answer'::jsonb -> 'tables') AS t (name, content);
SELECT pull -> 'behind' AS behind,
	(pull ->> 'seq')::int8 BETWEEN 1 AND 9007199254740991 AS seq,
	(pull ->> 'server_time')::timestamptz = statement_timestamp() AS server_time
FROM syncport.pull('{"tables": {"feed_author": {}}}');

-- A function of this test that shows an answer without what changes from run
-- to run, and one that makes the request for what follows.
CREATE FUNCTION pg_temp.show(answer json,
	OUT "table" text, OUT upserts jsonb, OUT deletes jsonb, OUT complete jsonb)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT t.key,
		(SELECT jsonb_agg(row - '{updated_at,row_version,deleted_at}'::text[])
		 FROM jsonb_array_elements(t.value -> 'upserts') AS row),
		nullif(t.value -> 'deletes', '[]'), t.value -> 'complete'
	FROM jsonb_each(answer::jsonb -> 'tables') AS t
$$;
CREATE FUNCTION pg_temp.request(answer json, options jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('tables',
		jsonb_object_agg(key, jsonb_build_object('cursor', value -> 'cursor'))) || options
	FROM jsonb_each(answer::jsonb -> 'tables')
$$;

-- deletes hold the key alone, whatever the table does with deleted rows.  The
-- foreign key sets the deleted author's books to NULL: those are news, too,
-- also of the book that was deleted before.
DELETE FROM feed_author WHERE id = 2;
DELETE FROM feed_book WHERE shop = 'north' AND number = 2;
SELECT * FROM pg_temp.show(syncport.pull(pg_temp.request(:'answer')));
SELECT syncport.pull(pg_temp.request(:'answer')) AS answer \gset
SELECT * FROM pg_temp.show(syncport.pull(pg_temp.request(:'answer')));
-- without news the cursors are the same
SELECT pg_temp.request(syncport.pull(pg_temp.request(:'answer')))
	= pg_temp.request(:'answer') AS same_cursors;

-- a key that is taken back is an upsert again
SELECT syncport.restore('feed_book', '{"shop": "north", "number": 2}');
INSERT INTO feed_author VALUES (2, 'Blaise again');
SELECT * FROM pg_temp.show(syncport.pull(pg_temp.request(:'answer')));
SELECT syncport.pull(pg_temp.request(:'answer')) AS answer \gset

-- Names of tables follow the rules of regclass and come back as they were sent.
SELECT * FROM pg_temp.show(syncport.pull('{"tables": {"PUBLIC.Feed_Author": {}}}'));

-- Pages: page_size rows for the whole answer.  What was not reached waits.
UPDATE feed_author SET name = upper(name);
UPDATE feed_book SET sold = 5;
SELECT syncport.pull(pg_temp.request(:'answer', '{"page_size": 3}')) AS page \gset
SELECT * FROM pg_temp.show(:'page');
SELECT * FROM pg_temp.show(syncport.pull(pg_temp.request(:'page')));
-- The same by size: a row larger than max_bytes comes alone.
SELECT syncport.pull(pg_temp.request(:'answer', '{"max_bytes": 1}')) AS page \gset
SELECT * FROM pg_temp.show(:'page');
SELECT syncport.pull(pg_temp.request(:'page', '{"max_bytes": 200}')) AS page \gset
SELECT * FROM pg_temp.show(:'page');

-- The first pull has no tombstones, unless they are asked for.
DELETE FROM feed_book WHERE shop = 'south' AND number = 2;
SELECT * FROM pg_temp.show(syncport.pull(
	'{"tables": {"feed_book": {"columns": ["title"], "include_deleted": true}}}'));
SELECT * FROM pg_temp.show(syncport.pull('{"tables": {"feed_book": {"columns": ["title"]}}}'));

-- A filter: a row that leaves it is a delete, one that enters it an upsert.
SELECT syncport.pull('{"tables": {"feed_book":
	{"columns": ["price"], "filter": {"price": {"gte": 10}}}}}') AS dear \gset
SELECT * FROM pg_temp.show(:'dear');
UPDATE feed_book SET price = 9 WHERE shop = 'north' AND number = 1;
UPDATE feed_book SET price = 11 WHERE shop = 'north' AND number = 2;
SELECT * FROM pg_temp.show(syncport.pull(jsonb_set(
	'{"tables": {"feed_book": {"columns": ["price"], "filter": {"price": {"gte": 10}}}}}',
	'{tables,feed_book,cursor}', :'dear'::jsonb #> '{tables,feed_book,cursor}')));
-- the same row by row; what has left the filter is its key
SELECT cursor AS rest FROM syncport.changes(NULL::feed_book,
	filter => '{"price": {"gte": 10}}') \gset
UPDATE feed_book SET price = 2 WHERE shop = 'north' AND number = 2;
SELECT op, (item).shop, (item).number, (item).title
FROM syncport.changes(NULL::feed_book, since => :'rest', filter => '{"price": {"gte": 10}}');
-- The cursor belongs to the filter and the columns.
SELECT syncport.pull(pg_temp.request(:'dear')) -> 'tables' AS reset;

-- 64-bit integers and numerics as strings, for JSON parsers that round.
SELECT * FROM pg_temp.show(syncport.pull('{"tables": {"feed_book":
	{"columns": ["price", "sold"], "filter": {"number": 1}}},
	"int8_as_text": true, "numeric_as_text": true}'));

-- feed_position is the cursor of now: what is there counts as known.
SELECT syncport.feed_position('feed_book') AS now \gset
SELECT count(*) AS nothing_new FROM syncport.changes(NULL::feed_book, since => :'now');
UPDATE feed_book SET title = 'Notes, revised' WHERE shop = 'north' AND number = 1;
SELECT op, (item).title FROM syncport.changes(NULL::feed_book, since => :'now');
SELECT syncport.feed_position('feed_book', '{title}', '{"shop": "south"}') AS now \gset
SELECT * FROM pg_temp.show(syncport.pull(format('{"tables": {"feed_book":
	{"cursor": "%s", "columns": ["title"], "filter": {"shop": "south"}}}}', :'now')::jsonb));

-- A client can ask for what a push of its own wrote, from any server: one
-- that has not got it yet says so, without rows and with the same cursors.
SELECT pull -> 'behind' AS behind, pull #> '{tables,feed_author,upserts}' AS upserts,
	pull #> '{tables,feed_author,cursor}' AS cursor
FROM syncport.pull('{"tables": {"feed_author": {}}, "at_least_seq": 9007199254740991}');

-- Who is to start anew is told so, with the reason.  For changes it is an
-- error, since rows cannot say it.
TRUNCATE feed_book;
SELECT syncport.pull(pg_temp.request(:'answer')) #> '{tables,feed_book}' AS reset;
SELECT * FROM syncport.changes(NULL::feed_book, since => :'books');
SELECT syncport.disable('feed_author');
SELECT syncport.pull(pg_temp.request(:'answer')) #> '{tables,feed_author}' AS reset;

-- A transaction that has written to the table cannot read its feed.
BEGIN;
INSERT INTO feed_book VALUES ('west', 1, 'Draft', 1, 1);
SELECT * FROM syncport.changes(NULL::feed_book);
ROLLBACK;

-- What is wrong with a request is said
SELECT syncport.pull(NULL);
SELECT syncport.pull('[]');
SELECT syncport.pull('"feed_book"');
SELECT syncport.pull('{}');
SELECT syncport.pull('{"tables": null}');
SELECT syncport.pull('{"tables": {}}');
SELECT syncport.pull('{"tables": ["feed_book"]}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "pagesize": 10}');
SELECT syncport.pull('{"tables": {"feed_book": []}}');
SELECT syncport.pull('{"tables": {"feed_book": null}}');
SELECT syncport.pull('{"tables": {"feed_book": {"since": null}}}');
SELECT syncport.pull('{"tables": {"feed_book": {"cursor": 5}}}');
SELECT syncport.pull('{"tables": {"feed_book": {"cursor": ""}}}');
SELECT syncport.pull('{"tables": {"feed_book": {"cursor": "abc"}}}');
SELECT syncport.pull('{"tables": {"feed_book": {"columns": "title"}}}');
SELECT syncport.pull('{"tables": {"feed_book": {"columns": ["title", 1]}}}');
SELECT syncport.pull('{"tables": {"feed_book": {"columns": ["titel"]}}}');
SELECT syncport.pull('{"tables": {"feed_book": {"filter": "title"}}}');
SELECT syncport.pull('{"tables": {"feed_book": {"filter": {"titel": 1}}}}');
SELECT syncport.pull('{"tables": {"feed_book": {"include_deleted": "yes"}}}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "page_size": 0}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "page_size": 10001}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "page_size": "10"}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "max_bytes": 0}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "max_bytes": 1.5}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "max_bytes": [1]}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "at_least_seq": 0}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "at_least_seq": 1e30}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "at_least_seq": true}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "int8_as_text": 1}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "numeric_as_text": 0}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "time_zone": 2}');
SELECT syncport.pull('{"tables": {"feed_book": {}}, "time_zone": "Nowhere/Land"}');
SELECT syncport.pull('{"tables": {"feed_nothing": {}}}');
SELECT syncport.pull('{"tables": {"": {}}}');
CREATE VIEW feed_view AS SELECT * FROM feed_book;
SELECT syncport.pull('{"tables": {"feed_view": {}}}');
SELECT syncport.pull('{"tables": {"feed_author": {}}}');
SELECT * FROM syncport.changes(NULL::feed_author);
SELECT syncport.feed_position('feed_author');
SELECT syncport.feed_position(NULL);
SELECT * FROM syncport.changes(NULL::feed_book, page_size => 0);
SELECT * FROM syncport.changes(NULL::feed_book, since => '');
SELECT * FROM syncport.changes(NULL::int);

-- Images that were removed lie between those that are left, over several batches.
CREATE TABLE feed_gone (id int PRIMARY KEY);
SELECT syncport.enable('feed_gone', tombstones => 'image');
SELECT syncport.feed_position('feed_gone') AS start \gset
INSERT INTO feed_gone SELECT i FROM generate_series(1, 1000) i;
DELETE FROM feed_gone;
DELETE FROM syncport.tombstone WHERE target = 'feed_gone'::regclass AND (key ->> 'id')::int % 2 = 0;
SELECT count(*) AS deletes FROM syncport.changes(NULL::feed_gone, :'start');
SELECT count(*) AS deletes FROM syncport.changes(NULL::feed_gone, :'start');
DROP TABLE feed_gone;

DROP VIEW feed_view;
SELECT syncport.disable('feed_book', drop_columns => true);
DROP TABLE feed_book, feed_author;
