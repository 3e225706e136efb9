-- COPY TO with what csv and text have beyond core's, and with format raw.  That
-- the rest is core's byte for byte is tested against core in test/t.
SET client_min_messages = warning;
CREATE TABLE record (id integer PRIMARY KEY, title text, price numeric(8, 2),
	sold_at timestamptz);
INSERT INTO record VALUES
	(1, '=SUM(A1:A9)', 1.5, '2026-03-29 00:59:59+00'),
	(2, 'plain', -2, '2026-03-29 01:00:00+00'),
	(3, NULL, NULL, NULL),
	(4, ' @home, "quoted"', 0, 'infinity'),
	(5, '''=not a formula', 12, '2026-10-25 01:30:00+00');

-- options of ours take a statement over; others are core's
COPY record TO STDOUT (FORMAT csv, FORMULAS escape, HEADER);
COPY record TO STDOUT (FORMAT csv, FORMULAS keep, FORCE_QUOTE *, NULL 'none');
COPY record TO STDOUT (FORMAT csv, TIME_ZONE 'Europe/Berlin');
COPY record (id, title) TO STDOUT (FORMAT csv, HEADER,
	HEADINGS '{"title": "Title, of the \"thing\"", "nothing": "ignored"}');
COPY record (id, sold_at) TO STDOUT (TIME_ZONE 'Asia/Kathmandu', DELIMITER '|');
COPY (SELECT id, id AS id FROM record WHERE id < 3)
	TO STDOUT (FORMAT csv, HEADER, FORMULAS keep, FORCE_QUOTE (id));
COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT csv, HEADER, FORMULAS keep);

-- raw: the bytes of one column
COPY (SELECT convert_to(title || E'\n', 'UTF8') FROM record ORDER BY id)
	TO STDOUT (FORMAT raw);
CREATE DOMAIN bytes AS bytea;
COPY (SELECT '\x6f6b0a'::bytes) TO STDOUT (FORMAT raw);
COPY (SELECT id FROM record) TO STDOUT (FORMAT raw);
COPY (SELECT ''::bytea, ''::bytea) TO STDOUT (FORMAT raw);
COPY record TO STDOUT (FORMAT raw, HEADER);

-- wrong options
COPY record TO STDOUT (FORMAT csv, FORMULAS maybe);
COPY record TO STDOUT (FORMAT csv, FORMULAS);
COPY record TO STDOUT (FORMAT csv, FORMULAS keep, FORMULAS keep);
COPY record TO STDOUT (FORMAT csv, FORMULAS keep, FORCE_ARRAY);
COPY record TO STDOUT (FORMAT csv, FORMULAS keep, DELIMITER ',,');
COPY record TO STDOUT (FORMAT csv, FORMULAS keep, HEADER 'maybe');
COPY record TO STDOUT (FORMAT csv, FORMULAS keep, FORCE_QUOTE (nothing));
COPY record (id) TO STDOUT (FORMAT csv, FORMULAS keep, FORCE_QUOTE (title));
COPY record TO STDOUT (FORMAT csv, FORMULAS keep, FORCE_NULL (id));
COPY record TO STDOUT (FORMAT text, FORMULAS escape);
COPY record TO STDOUT (FORMAT csv, HEADINGS '[1]');
COPY record TO STDOUT (FORMAT csv, HEADINGS '{"id": 1}');
COPY record TO STDOUT (FORMAT csv, HEADINGS '{"id": {"a": "b"}}');
COPY record TO STDOUT (FORMAT csv, HEADINGS 'no json');
COPY record TO STDOUT (FORMAT csv, BOM, ENCODING 'LATIN1');
COPY record TO STDOUT (FORMAT csv, BOM, ENCODING 'klingon');
COPY (SELECT 1) TO STDOUT (FORMAT csv, BOM false, ENCODING 'MULE_INTERNAL');
COPY (SELECT 1) TO STDOUT (FORMAT csv, BOM false, ENCODING 'SJIS');
COPY (SELECT 1) TO STDOUT (FORMAT csv, BOM false, ENCODING 'SJIS', QUOTE '~');
COPY (SELECT 1) TO STDOUT (FORMAT text, TIME_ZONE 'UTC', ENCODING 'SJIS');
COPY (SELECT 1 AS a) TO STDOUT (FORMAT 'json', ENCODING 'SJIS');
COPY record TO STDOUT (FORMAT csv, FORMULAS escape, QUOTE '''');
COPY record TO STDOUT (FORMAT csv, FORMULAS escape, DELIMITER '''');
COPY record TO STDOUT (FORMAT csv, TIME_ZONE 'Mars/Olympus');
COPY record TO STDOUT (FORMAT csv, COMPRESSION brotli);
COPY record TO STDOUT (FORMAT csv, COMPRESSION_LEVEL 3);
COPY record TO STDOUT (FORMAT csv, COMPRESSION gzip, COMPRESSION_LEVEL 10);
COPY record TO STDOUT (FORMAT csv, COMPRESSION gzip, COMPRESSION_LEVEL 0);
COPY record TO STDOUT (FORMAT csv, COMPRESSION zstd, COMPRESSION_LEVEL 20);
COPY record TO STDOUT (FORMAT csv, COMPRESSION gzip, COMPRESSION_LEVEL 'high');
COPY record FROM STDIN (FORMAT csv, COMPRESSION gzip);
DROP TABLE record;
DROP DOMAIN bytes;
