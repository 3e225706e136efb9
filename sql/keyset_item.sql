-- The item of a page, however a query takes it: by column, whole, kept beyond
-- its row, joined, sorted, fetched backward, rescanned.
SET client_min_messages = warning;
CREATE SCHEMA item;
SET search_path = item, pg_catalog;
CREATE TABLE record (id int PRIMARY KEY, gone int, label text, data jsonb);
INSERT INTO record SELECT i, 0, nullif('row ' || i, 'row 2'), jsonb_build_object('n', i)
	FROM generate_series(1, 5) i;
ALTER TABLE record DROP COLUMN gone;
ALTER TABLE record ADD COLUMN late text DEFAULT 'since';
UPDATE record SET label = repeat('long ', 40000) WHERE id = 4;

SELECT (item).id, left((item).label, 8) AS label, (item).data, (item).late
FROM syncport.page(NULL::record, page_size => 4);
SELECT item FROM syncport.page(NULL::record, page_size => 2);
SELECT row_to_json(item) FROM syncport.page(NULL::record, page_size => 2);
SELECT item IS NULL AS empty, item = record AS equal
FROM syncport.page(NULL::record) JOIN record ON (item).id = record.id
ORDER BY record.id DESC LIMIT 2;

-- kept beyond its row
SELECT array_agg((kept).id) FROM (
	SELECT unnest(array_agg(item)) AS kept FROM syncport.page(NULL::record)) AS all_items;
SELECT (item).id, lag((item).label) OVER (ORDER BY (item).id) IS NULL AS first
FROM syncport.page(NULL::record, page_size => 3) ORDER BY (item).id DESC;
CREATE TABLE copied AS SELECT item, cursor FROM syncport.page(NULL::record);
SELECT count(*), sum(length((item).label)) FROM copied;
SELECT count(DISTINCT cursor) FROM copied;
DROP TABLE copied;

-- conditions, ordinality, lateral, rescans
SELECT (item).id FROM syncport.page(NULL::record) WHERE (item).id % 2 = 1;
SELECT (p.item).id, p.n FROM syncport.page(NULL::record, page_size => 2)
	WITH ORDINALITY AS p(item, cursor, n);
SELECT size, array_agg((item).id) FROM generate_series(1, 3) AS size,
	LATERAL syncport.page(NULL::record, page_size => size) GROUP BY size ORDER BY size;
SELECT id, (SELECT count(*) FROM syncport.page(NULL::record, page_size => 3)
			WHERE (item).id > record.id) AS behind
FROM record ORDER BY id;

-- backward, and after the table has changed below a prepared statement
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT (item).id, (item).late
	FROM syncport.page(NULL::record, page_size => 3);
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
COMMIT;
PREPARE page AS SELECT (item).* FROM syncport.page(NULL::record, page_size => 1);
EXECUTE page;
ALTER TABLE record ALTER COLUMN id TYPE bigint;
SELECT (item).id, pg_typeof((item).id) FROM syncport.page(NULL::record, page_size => 1);
DEALLOCATE page;

-- the planner knows how many rows to expect
CREATE FUNCTION estimate(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'Node Type') || ' ' ||
		(plan -> 0 -> 'Plan' ->> 'Plan Rows');
END $$;
SELECT estimate('SELECT item FROM syncport.page(NULL::item.record, page_size => 7)');
SELECT estimate('SELECT (item).* FROM syncport.page(NULL::item.record)');

DROP SCHEMA item CASCADE;
