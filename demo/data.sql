-- :rows sales on marketplaces, with their accounts and sellers.
\ir ../bench/data.sql

CREATE TABLE accounts (
    id integer PRIMARY KEY,
    name text NOT NULL,
    marketplace text NOT NULL,
    currency text NOT NULL
);

INSERT INTO accounts
SELECT i,
    (ARRAY['North', 'River', 'Harbour', 'Mill', 'Garden', 'Castle', 'Bridge'])[i % 7 + 1]
        || ' ' || (ARRAY['Antiques', 'Audio', 'Books', 'Cameras', 'Cycles'])[i % 5 + 1]
        || ' ' || i,
    (ARRAY['ebay', 'etsy', 'amazon', 'reverb'])[i % 4 + 1],
    (ARRAY['EUR', 'GBP', 'USD'])[i % 3 + 1]
FROM generate_series(1, 700) AS i;

CREATE TABLE sellers (
    id integer PRIMARY KEY,
    name text NOT NULL,
    city text,
    commission numeric(5, 2) NOT NULL
);

INSERT INTO sellers
SELECT i,
    (ARRAY['Anna', 'Ben', 'Carla', 'David', 'Elif', 'Farid', 'Greta', 'Hugo',
           'Ines', 'Jan', 'Katya'])[i % 11 + 1]
        || ' ' || (ARRAY['Adler', 'Bauer', 'Costa', 'Dubois', 'Eriksen', 'Fischer',
           'Garcia', 'Hansen', 'Ivanova', 'Jansen', 'Kowalski', 'Lang', 'Moreau'])[i % 13 + 1],
    CASE WHEN i % 6 > 0
         THEN (ARRAY['Lyon', 'Graz', 'Porto', 'Leeds', 'Turin'])[i % 5 + 1] END,
    5 + i % 40 / 4.0
FROM generate_series(1, 4000) AS i;

ALTER TABLE records
    ADD FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE,
    ADD FOREIGN KEY (seller_id) REFERENCES sellers;
CREATE INDEX ON records (account_id);
CREATE INDEX ON records (seller_id);
ANALYZE accounts, sellers;
