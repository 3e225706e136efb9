-- Random filters: whatever the JSON, the answer is a count or SY004.
\set ON_ERROR_STOP on
BEGIN;
CREATE EXTENSION IF NOT EXISTS syncport;
CREATE TEMP TABLE fuzz_item (id int PRIMARY KEY, name text, price numeric,
	tags text[], doc jsonb, day date, ok boolean, "or" int);
INSERT INTO fuzz_item SELECT g, 'n' || g, g, ARRAY['a'], '{}', 'today', true, g
FROM generate_series(1, 20) g;

CREATE FUNCTION pg_temp.pick(choices text[]) RETURNS text LANGUAGE sql VOLATILE AS
$$SELECT choices[1 + floor(random() * cardinality(choices))::int]$$;

CREATE FUNCTION pg_temp.value(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF depth > 0 AND random() < 0.3 THEN
		RETURN jsonb_build_array(pg_temp.value(depth - 1),
			pg_temp.value(depth - 1));
	ELSIF depth > 0 AND random() < 0.1 THEN
		RETURN jsonb_build_object('a', pg_temp.value(depth - 1));
	END IF;
	RETURN pg_temp.pick(ARRAY['1', '-2.5', '1e400', 'null', 'true', '"n1"',
		'"2026-01-01"', '"{a,\"b"', '"\\"', '""', '[]', '{}', '"%_"']);
END $$;

CREATE FUNCTION pg_temp.filter(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	result jsonb := '{}';
	item text;
BEGIN
	FOR i IN 1 .. floor(random() * 3)::int LOOP
		item := pg_temp.pick(ARRAY['id', 'name', 'price', 'tags', 'doc', 'day',
			'ok', 'column:or', 'column:', 'ctid', 'and', 'or', 'not', '']);
		result := result || jsonb_build_object(item, CASE
			WHEN random() < 0.1 THEN pg_temp.value(2)
			WHEN item = 'not' AND depth > 0 THEN pg_temp.filter(depth - 1)
			WHEN item IN ('and', 'or') AND depth > 0 THEN
				jsonb_build_array(pg_temp.filter(depth - 1),
					pg_temp.filter(depth - 1))
			ELSE jsonb_build_object(pg_temp.pick(ARRAY['eq', 'ne', 'lt', 'lte',
				'gt', 'gte', 'in', 'nin', 'like', 'ilike', 'starts_with',
				'contains', 'is_null', 'EQ', '']), pg_temp.value(2)) END);
	END LOOP;
	RETURN result;
END $$;

SELECT setseed(0.25) \gset
DO $$
DECLARE
	tried jsonb;
	counted int := 0;
	refused int := 0;
BEGIN
	FOR i IN 1 .. 4000 LOOP
		tried := pg_temp.filter(3);
		BEGIN
			PERFORM * FROM syncport.count_rows('fuzz_item', tried,
				mode => 'exact');
			counted := counted + 1;
		EXCEPTION WHEN SQLSTATE 'SY004' THEN
			refused := refused + 1;
		WHEN others THEN
			RAISE EXCEPTION 'filter % raised % %', tried, SQLSTATE, SQLERRM;
		END;
	END LOOP;
	RAISE NOTICE 'filters: % counted, % refused', counted, refused;
	IF counted < 100 OR refused < 100 THEN
		RAISE EXCEPTION 'the generator is one-sided';
	END IF;
END $$;
ROLLBACK;
