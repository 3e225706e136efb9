# The psql script in test/data does what it says.
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

# Memory does not grow with what the SELECT list streams, nor does the first
# chunk wait for the last.
my ($small, $large) = map { /(\d+)/ } map {
	$node->safe_psql('postgres', qq{
		SELECT count(*) FROM (SELECT octet_length(syncport.export_query(
			'SELECT r.* FROM records r, generate_series(1, $_)', 'ndjson'))) c;
		SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s+\\d+')}) =~ s/^\d+\n//r
} 1, 40;
cmp_ok($large - $small, '<', 8192, "a function's memory does not grow ($small, $large kB)");
is($node->safe_psql('postgres', q{SELECT octet_length(syncport.export_query(
	'SELECT g, 1 / (g - 5000) FROM (SELECT generate_series(1, 1e9::bigint) AS g) s', 'csv',
	'{"chunk_bytes": 1024}')) LIMIT 1}), '1024', 'a chunk comes when it is full');

done_testing();
