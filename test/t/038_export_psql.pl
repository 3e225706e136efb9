# The psql script in test/data does what it says, and other readers understand
# what is written.
use strict;
use warnings;

use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = dirname(__FILE__) . '/../data';
my $node = PostgreSQL::Test::Cluster->new('export_psql');
$node->init;
$node->append_conf('postgresql.conf', "session_preload_libraries = 'syncport'");
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE TABLE records AS SELECT i AS id, 'row ' || i AS title, i / 4.0 AS price
	FROM generate_series(1, 30000) i;
	ALTER TABLE records ADD PRIMARY KEY (id)});

command_ok([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-v', "directory=$dir", '-f', "$data/export.psql" ],
	'the script runs');
$node->safe_psql('postgres', "COPY records TO '$dir/core.csv' (FORMAT csv, HEADER)")
  if chmod 0777, $dir;
is(system("gzip -dc '$dir/records.csv.gz' | cmp - '$dir/core.csv'"), 0, 'records.csv.gz is the table');
my $lines = $node->safe_psql('postgres', 'SELECT row_to_json(r) FROM records r ORDER BY id');
ok(slurp_file("$dir/records.ndjson") eq "$lines\n", 'records.ndjson is, too');
is(slurp_file("$dir/count.csv"), "count\n30000\n", 'count.csv counts it');
my $rows = `/usr/bin/python3 -c "
import openpyxl
book = openpyxl.load_workbook('$dir/records.xlsx', read_only=True)
rows = list(book['Records'].iter_rows(values_only=True))
print(len(rows), rows[0], rows[-1])"`;
is($rows, "30001 ('id', 'title', 'price') (30000, 'row 30000', 7500.0)\n", 'records.xlsx opens');

# Text that CSV and JSON have to take care of, there and back again.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE odd (id integer, t text, n numeric, d timestamptz, j jsonb, a text[], b bytea);
INSERT INTO odd SELECT g, CASE g % 11 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN '"' WHEN 3 THEN 'a,b'
	WHEN 4 THEN E'line\nbreak' WHEN 5 THEN E'cr\rlf\r\n' WHEN 6 THEN '\.' WHEN 7 THEN ' blanks '
	WHEN 8 THEN E'tab\t' WHEN 9 THEN 'größe €' ELSE '=1+1' END, g / 3.0,
	timestamptz '2026-03-29 00:59:59.999999+00' + g * interval '1 hour',
	jsonb_build_object('k', E'"\n' || g), ARRAY['x,y', NULL, '"', g::text], decode(to_hex(g + 16), 'hex')
FROM generate_series(0, 199) g;
CREATE TABLE back (LIKE odd);
CREATE TABLE huge AS SELECT repeat('0123456789', 10000000) || '"' AS huge;
SQL
foreach my $options (q{FORMAT csv}, q{FORMAT csv, HEADER, NULL 'none'},
	q{FORMAT csv, DELIMITER ';', NULL '-', QUOTE ''''})
{
	is($node->safe_psql('postgres', qq{
		COPY odd TO '$dir/odd.csv' ($options, FORMULAS 'keep');
		COPY back FROM '$dir/odd.csv' ($options);
		SELECT count(*) FROM (TABLE odd EXCEPT TABLE back) AS lost;
		SELECT count(*) FROM back;
		TRUNCATE back}), "0\n200", "core reads $options");
}
$node->safe_psql('postgres', qq{
	COPY odd (id, t) TO '$dir/odd.csv' (FORMAT csv, FORMULAS 'keep');
	COPY odd (id, t) TO '$dir/odd.ndjson' (FORMAT ndjson)});
is(`/usr/bin/python3 -c "
import csv, json
lines = open('$dir/odd.ndjson', encoding='utf8', newline='\\n').read().split('\\n')
assert lines.pop() == ''
objects = [json.loads(line) for line in lines]
rows = list(csv.reader(open('$dir/odd.csv', encoding='utf8', newline='')))
print(len(rows), rows == [[str(o['id']), o['t'] or ''] for o in objects])"`,
	"200 True\n", 'Python reads CSV and NDJSON');

# One cell of 100 MB: core's bytes, an error where it cannot be, and no memory
# kept.
is($node->safe_psql('postgres', qq{
	COPY huge TO '$dir/core.csv' (FORMAT csv);
	COPY huge TO '$dir/ours.csv' (FORMAT csv, FORMULAS 'keep');
	COPY huge TO '$dir/ours.zst' (FORMAT csv, COMPRESSION 'zstd');
	COPY huge TO '$dir/ours.xlsx' (FORMAT xlsx, ON_UNREPRESENTABLE 'replace');
	SELECT octet_length(c) FROM syncport.export('huge', 'ndjson') AS e(c) LIMIT 1;
	SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s+(\\d+)')::int < 100000}),
	"65536\nt", 'a cell of 100 MB');
is(system("cmp '$dir/core.csv' '$dir/ours.csv' && zstd -qdc '$dir/ours.zst' | cmp - '$dir/core.csv'"), 0,
	'is written as core writes it');
like(($node->psql('postgres', "COPY huge TO '$dir/huge.xlsx' (FORMAT xlsx)"))[2],
	qr/Column "huge", row 1: the text has more than 32767 UTF-16 units/, 'or refused');
ok(!-e "$dir/huge.xlsx", 'without a file');

# Memory does not grow with what the SELECT list streams, nor does the first
# chunk wait for the last.
my ($small, $large) = map { /(\d+)/ } map {
	$node->safe_psql('postgres', qq{
		SELECT count(*) FROM (SELECT octet_length(syncport.export_query(
			'SELECT r.* FROM records r, generate_series(1, $_)', 'ndjson'))) c;
		SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s+\\d+')}) =~ s/^\d+\n//r
} 1, 40;
cmp_ok($large - $small, '<', 8192, "a function's memory does not grow ($small, $large kB)");
my $sizes = $node->safe_psql('postgres', q{
	SELECT sum(bytes) > 500 * 2000000 FROM (SELECT octet_length(syncport.export_query(
		'SELECT CASE WHEN i < 3000 THEN ''x'' ELSE repeat(''y'', 2000000) END FROM generate_series(1, 3500) i')) AS bytes) c;
	SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s+(\d+)')});
like($sizes, qr/^t\n\d{1,5}$/, 'nor by huge rows behind small ones');
is($node->safe_psql('postgres', q{SELECT octet_length(syncport.export_query(
	'SELECT g, 1 / (g - 5000) FROM (SELECT generate_series(1, 1e9::bigint) AS g) s', 'csv',
	'{"chunk_bytes": 1024}')) LIMIT 1}), '1024', 'a chunk comes when it is full');

done_testing();
