-- What values look like as JSON; that all of them equal row_to_json's text is
-- tested with pgTAP.
LOAD 'syncport';
SET TimeZone = 'Europe/Berlin';
SET extra_float_digits = 1;
CREATE TYPE encode_mood AS ENUM ('sad', 'very "glad"');
CREATE TYPE encode_point AS (x integer, "y""q" text);

-- numbers; what is none in JSON is a string
COPY (VALUES (1::int8, 1.50, 0.1::float8), (-9223372036854775808, -0.00, '-0'),
	(9007199254740993, 'NaN', 'NaN'), (0, '-Infinity', '1e300'))
	TO STDOUT (FORMAT 'json');
-- text
COPY (VALUES ('plain'), ('say "hi"'), ('back\slash'), (E'a\nb\tc\x01'), (''), (NULL))
	TO STDOUT (FORMAT 'json');
-- dates and times: ISO whatever DateStyle says, in the session's zone
SET DateStyle = 'German';
COPY (SELECT date '2024-02-29' AS d, timestamp '2024-02-29 10:00:00.120' AS t,
	timestamptz '2024-07-01 00:00Z' AS summer, timestamptz '2024-01-01 00:00Z' AS winter,
	timestamptz '1800-01-01 00:00Z' AS mean_time)
	TO STDOUT (FORMAT 'json');
COPY (SELECT date 'infinity' AS d, date '0001-01-01' - 1 AS bc,
	timestamptz '-infinity' AS t, date '12024-01-01' AS far)
	TO STDOUT (FORMAT 'json');
RESET DateStyle;
-- everything else
COPY (SELECT true AS b, 'very "glad"'::encode_mood AS mood,
	decode('00ff', 'hex') AS bytes, ARRAY[[1, NULL], [3, 4]] AS a, '{}'::int[] AS none,
	ROW(1, 'x')::encode_point AS p, ROW(1, ROW('y')) AS r, int4range(1, 5) AS range,
	'{"k": [1, 2]}'::jsonb AS jsonb, '{"k":[1,2]}'::json AS json, interval '1 day' AS i)
	TO STDOUT (FORMAT 'json');
-- names
COPY (SELECT 1 AS "a""b", 2 AS "c\d", 3 AS "?column?")
	TO STDOUT (FORMAT 'json');

DROP TYPE encode_mood;
DROP TYPE encode_point;
