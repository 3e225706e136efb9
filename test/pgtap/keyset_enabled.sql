-- Pages of enabled tables: tombstones are left out unless asked for, by every
-- order, in both directions, for every role that asks.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS syncport;
SELECT plan(17);
SET LOCAL jit = off;

CREATE SCHEMA shop;
CREATE TABLE shop.sale (
	tenant int, id int, day date, price numeric,
	PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);
CREATE TABLE shop.sale_1 PARTITION OF shop.sale FOR VALUES IN (1);
CREATE TABLE shop.sale_2 PARTITION OF shop.sale FOR VALUES IN (2);
INSERT INTO shop.sale
	SELECT 1 + i % 2, i, nullif(date '2026-01-01' + i % 11, '2026-01-03'), i % 13
	FROM generate_series(1, 200) i;
SELECT syncport.enable('shop.sale', prefix => '{tenant}',
	sort_keys => '{day DESC NULLS LAST,"price, day"}');
DELETE FROM shop.sale WHERE id % 3 = 0;

-- The ids of all pages joined, forward or backward, in display order.
CREATE FUNCTION shop.walk(order_by text, deleted boolean, backward boolean)
RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	place text := CASE WHEN backward THEN 'end' END;
	page int[];
	walked int[] := '{}';
	turned text;
BEGIN
	LOOP
		SELECT array_agg((p.item).id ORDER BY p.n),
			(array_agg(p.cursor ORDER BY CASE WHEN backward THEN p.n ELSE -p.n END))[1]
		INTO page, turned
		FROM (SELECT item, cursor, row_number() OVER () AS n
			FROM syncport.page(NULL::shop.sale, page_size => 7, order_by => walk.order_by,
				after => CASE WHEN NOT backward THEN place END,
				before => CASE WHEN backward THEN place END,
				include_deleted => deleted)) AS p;
		EXIT WHEN page IS NULL;
		walked := CASE WHEN backward THEN page || walked ELSE walked || page END;
		place := turned;
	END LOOP;
	RETURN walked;
END $$;

CREATE FUNCTION shop.expected(order_by text, deleted boolean)
RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE ids int[];
BEGIN
	EXECUTE format('SELECT array_agg(id ORDER BY %s) FROM shop.sale
		WHERE %L::boolean OR deleted_at IS NULL',
		concat_ws(', ', order_by, 'tenant', 'id'), deleted) INTO ids;
	RETURN ids;
END $$;

SELECT is(shop.walk(o, d, b), shop.expected(o, d),
	format('order %s, deleted %s, backward %s', o, d, b))
FROM unnest(ARRAY[NULL, 'day DESC NULLS LAST', 'price, day']) AS o,
	unnest('{f,t}'::boolean[]) AS d, unnest('{f,t}'::boolean[]) AS b;

-- One session, one shape, several roles: each sees its own rows.
CREATE ROLE regress_syncport_one;
CREATE ROLE regress_syncport_two;
GRANT USAGE ON SCHEMA shop, syncport TO regress_syncport_one, regress_syncport_two;
GRANT SELECT ON shop.sale TO regress_syncport_one, regress_syncport_two;
CREATE POLICY own ON shop.sale USING (tenant =
	CASE current_user WHEN 'regress_syncport_one' THEN 1 ELSE 2 END);
ALTER TABLE shop.sale ENABLE ROW LEVEL SECURITY;
PREPARE tenants AS SELECT array_agg(DISTINCT (item).tenant)::text
	FROM syncport.page(NULL::shop.sale, page_size => 100, order_by => 'price, day');
SET LOCAL ROLE regress_syncport_one;
SELECT results_eq('tenants', ARRAY['{1}'], 'a tenant sees its rows');
SET LOCAL ROLE regress_syncport_two;
SELECT results_eq('tenants', ARRAY['{2}'], 'another sees its own, by the same plan');
RESET ROLE;
SELECT results_eq('tenants', ARRAY['{1,2}'], 'the superuser sees all');
ALTER TABLE shop.sale DISABLE ROW LEVEL SECURITY;
SET LOCAL ROLE regress_syncport_one;
SELECT results_eq('tenants', ARRAY['{1,2}'], 'policies switched off are not in force');
RESET ROLE;
REVOKE SELECT ON shop.sale FROM regress_syncport_one;
SET LOCAL ROLE regress_syncport_one;
SELECT throws_ok('EXECUTE tenants', '42501', NULL, 'a right revoked is gone at once');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
