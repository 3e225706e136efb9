-- Mutated cursors: a page or SY001, never another error and never a crash.
\set ON_ERROR_STOP on
BEGIN;
CREATE EXTENSION IF NOT EXISTS syncport;
CREATE TYPE pg_temp.fuzz_mood AS ENUM ('sad', 'ok');
CREATE TYPE pg_temp.fuzz_pair AS (a int, b text);
CREATE TEMP TABLE fuzz_item (id int PRIMARY KEY, name text, price numeric,
	tags text[], span int4range, day date, at timestamptz, m fuzz_mood,
	p fuzz_pair, doc jsonb, bits varbit, net inet, gap interval);
INSERT INTO fuzz_item SELECT g, 'n' || g, g, ARRAY['a', NULL],
	int4range(g, g + 5), date '2026-01-01' + g, '2026-01-01', 'ok',
	row(g, 'x')::fuzz_pair, '{"a":[1,2]}', B'1010', '10.0.0.1', '1 day'
FROM generate_series(1, 20) g;

-- the same bytes, flipped, cut, spliced or replaced
CREATE FUNCTION pg_temp.mutate(cursor text, other text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	bytes bytea := decode(rpad(translate(cursor, '-_', '+/'),
		(length(cursor) + 3) / 4 * 4, '='), 'base64');
	kind int := floor(random() * 6);
	at int := floor(random() * length(bytes));
BEGIN
	IF kind = 0 THEN
		RETURN left(cursor, floor(random() * length(cursor))::int);
	ELSIF kind = 1 THEN
		RETURN left(cursor, at) || substr(other, at + 1);
	ELSIF kind = 2 THEN
		RETURN overlay(cursor PLACING chr(33 + floor(random() * 93)::int)
			FROM 1 + at);
	ELSIF kind = 3 THEN
		bytes := bytes || decode('00', 'hex');
	ELSE
		-- behind the binding, where the values are
		FOR i IN 1 .. kind - 3 LOOP
			at := 10 + floor(random() * (length(bytes) - 10));
			bytes := set_byte(bytes, at, floor(random() * 256)::int);
		END LOOP;
	END IF;
	RETURN rtrim(translate(encode(bytes, 'base64'), E'+/\n', '-_'), '=');
END $$;

SELECT setseed(0.75) \gset
DO $$
DECLARE
	columns text[] := ARRAY['name', 'price', 'tags', 'span', 'day', 'at', 'm',
		'p', 'doc', 'bits', 'net', 'gap'];
	order_column text;
	cursors text[];
	tried text;
	paged int := 0;
	refused int := 0;
BEGIN
	FOREACH order_column IN ARRAY columns LOOP
		cursors := ARRAY(SELECT syncport.cursor_at('fuzz_item', order_column,
			jsonb_build_object('id', g)) FROM generate_series(1, 20) g);
		FOR i IN 1 .. 600 LOOP
			tried := pg_temp.mutate(cursors[1 + i % 20], cursors[1 + i % 7]);
			BEGIN
				PERFORM syncport.page_json('fuzz_item', after => tried,
					page_size => 2, order_by => order_column);
				paged := paged + 1;
			EXCEPTION WHEN SQLSTATE 'SY001' THEN
				refused := refused + 1;
			WHEN others THEN
				RAISE EXCEPTION 'cursor "%" by % raised % %', tried,
					order_column, SQLSTATE, SQLERRM;
			END;
		END LOOP;
	END LOOP;
	RAISE NOTICE 'cursors: % paged, % refused', paged, refused;
	IF paged < 100 OR refused < 100 THEN
		RAISE EXCEPTION 'the generator is one-sided';
	END IF;
END $$;
ROLLBACK;
