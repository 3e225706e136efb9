-- Random orders: whatever the text, the answer is a cursor or SY004.
\set ON_ERROR_STOP on
BEGIN;
CREATE EXTENSION IF NOT EXISTS syncport;
CREATE TEMP TABLE fuzz_item (id int PRIMARY KEY, name text, "Odd "" one" int,
	place point);
INSERT INTO fuzz_item VALUES (1, 'a', 1, NULL);

SELECT setseed(0.5) \gset
DO $$
DECLARE
	words text[] := ARRAY['id', 'name', '"Odd "" one"', 'place', 'NAME', '"name',
		'"', '""', ',', ',', ' ', 'asc', 'DESC', 'nulls', 'first', 'last', ';',
		'''', '(', U&'\00e4', '1', '$', '--', E'\n', 'ctid', repeat('x', 100)];
	tried text;
	parsed int := 0;
	refused int := 0;
BEGIN
	FOR i IN 1 .. 6000 LOOP
		tried := '';
		FOR j IN 1 .. floor(random() * 7)::int LOOP
			tried := tried || ' ' || words[1 + floor(random() * cardinality(words))::int];
		END LOOP;
		BEGIN
			PERFORM syncport.cursor_at('fuzz_item', tried, '{"id":1}');
			parsed := parsed + 1;
		EXCEPTION WHEN SQLSTATE 'SY004' THEN
			refused := refused + 1;
		WHEN others THEN
			RAISE EXCEPTION 'order "%" raised % %', tried, SQLSTATE, SQLERRM;
		END;
	END LOOP;
	RAISE NOTICE 'orders: % parsed, % refused', parsed, refused;
	IF parsed < 100 OR refused < 100 THEN
		RAISE EXCEPTION 'the generator is one-sided';
	END IF;
END $$;
ROLLBACK;
