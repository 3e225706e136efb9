-- The benchmark's table: :rows bookkeeping records of 16 columns, spread over
-- 100 tenants, in no physical order that helps a sort key.  Made by arithmetic
-- alone, so that every run measures the same rows.
CREATE TYPE record_status AS ENUM
    ('draft', 'open', 'paid', 'shipped', 'refunded', 'closed');

CREATE TABLE records (
    id uuid PRIMARY KEY,
    tenant_id integer NOT NULL,
    account_id integer NOT NULL,
    seller_id integer NOT NULL,
    item_name text NOT NULL,
    status record_status NOT NULL,
    sale_date date NOT NULL,
    paid_on date,
    sale_price numeric(12, 2) NOT NULL,
    fee numeric(12, 2) NOT NULL,
    shipping numeric(12, 2),
    quantity integer NOT NULL,
    is_refund boolean NOT NULL,
    listed_at timestamptz NOT NULL,
    sold_at timestamptz NOT NULL,
    shipped_at timestamptz
);

INSERT INTO records
SELECT md5(i::text)::uuid,
    h % 100 + 1,
    h % 700 + 1,
    h % 4000 + 1,
    (ARRAY['Camera', 'Lens', 'Guitar', 'Lamp', 'Jacket', 'Watch', 'Phone',
           'Chair', 'Book', 'Bicycle'])[h % 10 + 1]
        || ' ' || (ARRAY['vintage', 'new', 'used', 'refurbished'])[h / 10 % 4 + 1]
        || ' #' || h % 100000,
    (enum_range(NULL::record_status))[h / 40 % 6 + 1],
    date '2019-01-01' + h / 3 % 2600,
    CASE WHEN h % 9 > 0 THEN date '2019-01-04' + h / 3 % 2600 END,
    (h % 500000) / 100.0,
    (h % 50000) / 100.0,
    CASE WHEN h % 5 > 0 THEN (h % 3000) / 100.0 END,
    h % 7 + 1,
    h % 50 = 0,
    timestamptz '2018-12-01 00:00+00' + h % 220000000 * interval '1 second',
    timestamptz '2019-01-01 00:00+00' + h % 220000000 * interval '1.003 second',
    CASE WHEN h % 6 > 0
         THEN timestamptz '2019-01-03 00:00+00' + h % 220000000 * interval '1 second'
    END
FROM (SELECT i, hashint8(i) & 2147483647 AS h
      FROM generate_series(1, :rows::bigint) AS i) AS source;
ANALYZE records;
