-- syncport in two minutes.  psql variables: rows, file (written by COPY).
SET client_min_messages = warning;
CREATE EXTENSION syncport;
\echo '# syncport'
\echo
\echo '## ':rows' sales, 700 accounts and 4000 sellers are being generated'
\i demo/data.sql
\pset footer off

\echo
\echo '## enable: the tables become syncable'
\timing on
SELECT syncport.enable('records', sort_keys => ARRAY['sale_date DESC', 'status, sale_price DESC']) \g /dev/null
\timing off
SELECT syncport.enable('accounts'), syncport.enable('sellers') \g /dev/null
VACUUM ANALYZE records;

\echo
\echo '## the first page, newest sales first'
\timing on
SELECT (item).sale_date, (item).item_name, (item).sale_price, left(cursor, 12) || '...' AS cursor
FROM syncport.page(NULL::records, page_size => 5, order_by => 'sale_date DESC');
\timing off

-- Nine tenths of the way down.
SELECT :rows * 9 / 10 AS depth \gset
SELECT syncport.cursor_at('records', 'sale_date DESC',
						  jsonb_build_object('sale_date', sale_date, 'id', id)) AS deep
FROM (SELECT sale_date, id FROM records WHERE deleted_at IS NULL
	  ORDER BY sale_date DESC, id LIMIT 1 OFFSET :depth) AS row_there \gset

\echo
\echo '## the page at depth ':depth', by its cursor'
\timing on
SELECT (item).sale_date, (item).item_name, (item).sale_price, left(cursor, 12) || '...' AS cursor
FROM syncport.page(NULL::records, after => :'deep', page_size => 5, order_by => 'sale_date DESC');
\timing off

\echo
\echo '## the same page by OFFSET'
\timing on
SELECT sale_date, item_name, sale_price
FROM records WHERE deleted_at IS NULL ORDER BY sale_date DESC, id LIMIT 5 OFFSET :depth;
\timing off

\echo
\echo '## a filtered and sorted page as JSON'
\pset tuples_only on
\pset format unaligned
\timing on
SELECT syncport.page_json('records', page_size => 2, order_by => 'sale_price DESC',
						  columns => '{id,item_name,status,sale_price,shipped_at}',
						  filter => '{"status": "paid", "sale_price": {"lt": 4000}}',
						  total => 'auto');
\timing off
\pset tuples_only off
\pset format aligned

SELECT (item).id AS victim
FROM syncport.page(NULL::records, page_size => 1, order_by => 'sale_date DESC') \gset

\echo
\echo '## DELETE leaves a tombstone'
\timing on
DELETE FROM records WHERE id = :'victim';
\timing off
SELECT item_name, deleted_at IS NOT NULL AS deleted, row_version > 0 AS versioned
FROM records WHERE id = :'victim';
SELECT count(*) AS on_the_first_page
FROM syncport.page(NULL::records, page_size => 5, order_by => 'sale_date DESC')
WHERE (item).id = :'victim';

\echo
\echo '## undelete: deleted_at := NULL'
\timing on
UPDATE records SET deleted_at = NULL WHERE id = :'victim';
\timing off
SELECT count(*) AS on_the_first_page
FROM syncport.page(NULL::records, page_size => 5, order_by => 'sale_date DESC')
WHERE (item).id = :'victim';

\echo
\echo '## a seller with live sales cannot be deleted'
\set ON_ERROR_STOP off
DELETE FROM sellers WHERE id = 42;
\set ON_ERROR_STOP on

\echo
\echo '## an account is deleted: it stays as a tombstone, and so do its sales'
\timing on
DELETE FROM accounts WHERE id = 42;
\timing off
SELECT (SELECT count(*) FROM accounts WHERE id = 42 AND deleted_at IS NOT NULL) AS account,
	   (SELECT count(*) FROM records WHERE account_id = 42 AND deleted_at IS NOT NULL) AS sales,
	   (SELECT count(*) FROM records WHERE account_id = 42 AND deleted_at IS NULL) AS live;

\echo
\echo '## restore with cascade brings back what the same transaction deleted'
\timing on
SELECT syncport.restore('accounts', '{"id": 42}', cascade => true) AS restored;
\timing off

\echo
\echo '## the other mode: rows leave the tables, images stay, keys are free'
\timing on
SELECT syncport.enable('records', tombstones => 'image') \g /dev/null
SELECT syncport.enable('accounts', tombstones => 'image') \g /dev/null
DELETE FROM accounts WHERE id = 42;
\timing off
SELECT (SELECT count(*) FROM accounts WHERE id = 42) AS account,
	   (SELECT count(*) FROM records WHERE account_id = 42) AS sales,
	   (SELECT tombstones FROM syncport.status WHERE target = 'records'::regclass) AS images_of_sales;

\echo
\echo '## a page shows what was deleted, if asked'
SELECT (item).name, (item).marketplace
FROM syncport.page(NULL::accounts, page_size => 1, filter => '{"id": 42}', include_deleted => true);

\echo
\echo '## restore brings everything back'
\timing on
SELECT syncport.restore('accounts', '{"id": 42}', cascade => true) AS restored;
\timing off
SELECT count(*) AS sales FROM records WHERE account_id = 42;

\echo
\echo '## erase leaves nothing of a row but its key'
SELECT syncport.erase('records', jsonb_build_object('id', :'victim')) AS erased;
SELECT key, complete, image FROM syncport.tombstone WHERE key->>'id' = :'victim';

\echo
\echo '## one day of sales is deleted, then purged (retention set to zero for that)'
\timing on
DELETE FROM records WHERE sale_date = '2020-02-02';
\timing off
SELECT syncport.enable('records', retention => '0') \g /dev/null
\timing on
CALL syncport.purge('records');
\timing off
SELECT syncport.enable('records', retention => '30 days') \g /dev/null

\echo
\echo '## status'
ANALYZE records;
SELECT * FROM syncport.status WHERE target = 'records'::regclass \gx

\echo
\echo '## COPY records TO a file (FORMAT ndjson)'
SELECT clock_timestamp() AS started \gset
\timing on
COPY records TO :'file' (FORMAT ndjson);
\timing off
SELECT pg_size_pretty(size) AS size,
	round(size / 1e6 / extract(epoch FROM clock_timestamp() - :'started')) || ' MB/s' AS rate
FROM pg_stat_file(:'file');
\pset tuples_only on
\pset format unaligned
SELECT left(pg_read_file(:'file', 0, 400), 300) || ' ...';
