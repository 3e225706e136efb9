# COPY in our formats against core COPY, libxlsxwriter, gzip and DuckDB: time,
# size, first row, memory.  Arguments name some of the sections at the end.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Bench;
use File::Temp qw(tempdir);
use IPC::Open2 qw(open2);

my $ROUNDS = 5;
my $FIRST_ROW_ROUNDS = 200;
my $XLSX_ROWS = 500_000;
my $MEMORY_ROWS = 5_000_000;
my $ACCELERATE = 'SET syncport.accelerate_copy = on';
my $AS_CORE = 'SET syncport.accelerate_copy = off';
my $SERIAL = 'SET max_parallel_workers_per_gather = 0';
my $PARALLEL = 'SET parallel_tuple_cost = 0; SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0';
my $CORE_JSON = '(SELECT row_to_json(r) FROM records r)';

# Where the server and psql write.
my $dir = tempdir(CLEANUP => 1);
my $rows = sql('SELECT count(*) FROM records');

# Every format of ours: name => [options, needs acceleration, bytes before the
# rows or none that tells].
my @formats = (
	[ 'csv accelerated', 'FORMAT csv', 1, 0 ],
	[ "csv with FORMULAS 'keep'", q{FORMAT csv, FORMULAS 'keep'}, 0, 0 ],
	[ 'text accelerated', 'FORMAT text', 1, 0 ],
	[ 'ndjson', 'FORMAT ndjson', 0, 0 ],
	[ 'json, FORCE_ARRAY', q{FORMAT 'json', FORCE_ARRAY}, 0, 2 ],
	[ 'csv, gzip', q{FORMAT csv, COMPRESSION 'gzip'}, 0, 0 ],
	[ 'csv, zstd', q{FORMAT csv, COMPRESSION 'zstd'}, 0, 0 ],
	[ 'xlsx', 'FORMAT xlsx', 0, 0 ]);

# A COPY to a file of the server; settings before it are not timed apart, they
# take none.
sub copy
{
	my ($source, $options, @settings) = @_;
	my $file = "/dev/null";
	($file, $options) = @$options if ref $options;
	return sub { timed(join ";\n", @settings, "COPY $source TO '$file' ($options);") };
}

# The same through psql.
sub client_copy
{
	my ($source, $options, @settings) = @_;
	return sub { timed(join '', map({ "$_;\n" } @settings), "\\copy $source to '/dev/null' ($options)") };
}

# Build a program of ours; its path, or nothing with the reason printed.
sub build
{
	my ($name, @libraries) = @_;
	my $config = '/usr/lib/postgresql/' . ($ENV{HARNESS_PG} // 15) . '/bin/pg_config';
	my ($include, $lib) = map { my $path = `$config $_`; chomp $path; $path } qw(--includedir --libdir);
	system('cc', '-O2', '-Wall', "-I$include", '-o', "$dir/$name", "$FindBin::Bin/$name.c", "-L$lib", @libraries) == 0
	  and return "$dir/$name";
	print "skipped: could not build $name\n";
	return;
}

sub run_csv
{
	title("CSV and text, $rows rows to /dev/null");
	race('s', $ROUNDS, [ 'core csv', copy('records', 'FORMAT csv') ],
		[ 'accelerate_copy', copy('records', 'FORMAT csv', $ACCELERATE), 'at least 3.5' ],
		[ q{FORMULAS 'keep'}, copy('records', q{FORMAT csv, FORMULAS 'keep'}), 'at least 3.5' ]);
	race('s', $ROUNDS, [ 'core text', copy('records', 'FORMAT text') ],
		[ 'accelerate_copy', copy('records', 'FORMAT text', $ACCELERATE), 'report' ]);
	title("CSV, $rows rows through psql \\copy to /dev/null");
	race('s', $ROUNDS, [ 'core csv', client_copy('records', 'FORMAT csv') ],
		[ 'accelerate_copy', client_copy('records', 'FORMAT csv', $ACCELERATE), 'at least 3' ],
		[ q{FORMULAS 'keep'}, client_copy('records', q{FORMAT csv, FORMULAS 'keep'}), 'at least 3' ]);
	return;
}

sub run_json
{
	title("JSON, $rows rows to /dev/null");
	race('s', $ROUNDS, [ 'core row_to_json', copy($CORE_JSON, 'FORMAT text') ],
		[ 'ndjson', copy('records', 'FORMAT ndjson'), 'at least 7' ],
		[ 'json, FORCE_ARRAY', copy('records', q{FORMAT 'json', FORCE_ARRAY}), 'at least 7' ]);
	title("JSON, $rows rows through psql \\copy to /dev/null");
	race('s', $ROUNDS, [ 'core row_to_json', client_copy($CORE_JSON, 'FORMAT text') ],
		[ 'ndjson', client_copy('records', 'FORMAT ndjson'), 'report' ]);
	return;
}

# The kinds of columns that xlsx_writer.c knows.
sub kinds_of
{
	my ($table) = @_;
	return join '', map {
		/^(?:smallint|integer)$/ ? 'i' : /^numeric/ ? 'n' : $_ eq 'boolean' ? 'b'
		  : $_ eq 'date' ? 'd' : /^timestamp/ ? 't' : 's'
	} split /\n/, sql(qq{SELECT format_type(atttypid, NULL) FROM pg_attribute
		WHERE attrelid = '$table'::regclass AND attnum > 0 ORDER BY attnum});
}

# Seconds and bytes of one run of the libxlsxwriter program.
sub run_xlsx_writer
{
	my ($program, $kinds) = @_;
	my $out = `$program $kinds $dir/peer.xlsx < $dir/rows.txt`;
	die "xlsx_writer failed\n" if $? || $out !~ /^([0-9.]+) /;
	return $1;
}

sub run_xlsx
{
	my $program = build('xlsx_writer', '-lxlsxwriter') or return;
	my $count = $rows < $XLSX_ROWS ? $rows : $XLSX_ROWS;
	sql("DROP TABLE IF EXISTS records_xlsx; CREATE TABLE records_xlsx AS SELECT * FROM records LIMIT $count; ANALYZE records_xlsx");
	sql("SET timezone = 'UTC'; SET datestyle = 'ISO'; COPY records_xlsx TO '$dir/rows.txt'");
	my $kinds = kinds_of('records_xlsx');
	title("XLSX, $count x " . length($kinds) . ' cells to a file');
	print "peer: bench/xlsx_writer.c, libxlsxwriter constant_memory; the writing of typed cells in memory alone is timed\n";
	race('s', 3, [ 'libxlsxwriter', sub { run_xlsx_writer($program, $kinds) } ],
		[ 'xlsx', copy('records_xlsx', [ "$dir/ours.xlsx", 'FORMAT xlsx' ]), 'at least 10' ]);
	print_sizes('libxlsxwriter', "$dir/peer.xlsx", 'xlsx', "$dir/ours.xlsx", 'report');
	race('s', 3, [ 'core csv to /dev/null', copy('records_xlsx', 'FORMAT csv') ],
		[ 'xlsx to /dev/null', copy('records_xlsx', 'FORMAT xlsx'), 'report' ]);
	unlink map { "$dir/$_" } qw(rows.txt peer.xlsx ours.xlsx);
	sql('DROP TABLE records_xlsx');
	return;
}

sub print_sizes
{
	my ($peer, $peer_file, $name, $file, $goal) = @_;
	my ($theirs, $ours) = map { -s $_ || die "$_ is empty\n" } $peer_file, $file;
	printf "%-52s %d bytes against %d  ratio %.3g (goal %s)\n", "size: $name / $peer", $ours, $theirs, $ours / $theirs, $goal;
	return;
}

sub run_gzip
{
	title("CSV compressed, $rows rows to a file");
	print 'peer: core COPY TO PROGRAM, ', `gzip --version` =~ /^(.*)\n/, "\n";
	race('s', 3,
		[ q{core csv | gzip -6}, sub { timed("COPY records TO PROGRAM 'gzip -6 > $dir/core.gz' (FORMAT csv);") } ],
		[ 'gzip', copy('records', [ "$dir/ours.gz", q{FORMAT csv, COMPRESSION 'gzip'} ]), 'at least 8' ],
		[ 'zstd', copy('records', [ "$dir/ours.zst", q{FORMAT csv, COMPRESSION 'zstd'} ]), 'report' ],
		[ 'ndjson gzip', copy('records', [ "$dir/ours.json.gz", q{FORMAT ndjson, COMPRESSION 'gzip'} ]), 'report' ]);
	print_sizes('gzip -6', "$dir/core.gz", 'gzip', "$dir/ours.gz", 'at most 1.1');
	print_sizes('gzip -6', "$dir/core.gz", 'zstd', "$dir/ours.zst", 'report');
	unlink glob "$dir/*.gz $dir/*.zst";
	return;
}

sub run_first_row
{
	my $program = build('first_row', '-lpq') or return;
	my @cases = ([ 'core csv', 'FORMAT csv', 0, 0 ], @formats);
	my @arguments = map { ($_->[2] ? $ACCELERATE : $AS_CORE, $_->[3], "COPY records TO STDOUT ($_->[1])") } @cases;
	title("first data row at the client, $rows rows, no order, $FIRST_ROW_ROUNDS rounds; ours / core");
	print "compressed and xlsx: the first CopyData message, whatever it holds\n";
	open my $out, '-|', $program, $FIRST_ROW_ROUNDS, @arguments or die "first_row: $!\n";
	my @times;
	while (<$out>)
	{
		my ($case, $time) = split;
		push @{ $times[$case] }, $time;
	}
	close $out or die "first_row failed\n";
	report("$cases[$_][0] / core csv", 'us', $times[$_], $times[0], 'at most 2') for 1 .. $#cases;
	return;
}

# Peak memory of few rows and of very many, which nothing holds at once.
sub run_memory
{
	my $copies = int(($MEMORY_ROWS + $rows - 1) / $rows);
	my $many = join ' UNION ALL ', ('SELECT * FROM records') x $copies;
	title('peak RssAnon of the backend and its parallel workers, ' . $rows * $copies . ' rows / 10000 rows');
	my @cases = map { [ $_->[0], $_->[1], $_->[2] ? $ACCELERATE : $SERIAL ] } @formats;
	push @cases, [ 'ndjson, parallel plan', 'FORMAT ndjson', $PARALLEL ], [ 'core csv', 'FORMAT csv', $SERIAL ];
	foreach my $case (@cases)
	{
		my ($name, $options, $settings) = @$case;
		my ($few, $all) = map {
			my $statement = "$settings;\nCOPY ($_) TO '/dev/null' ($options);";
			[ map { backend_rss_anon($statement) } 1 .. 3 ]
		} 'SELECT * FROM records LIMIT 10000', $many;
		report($name, 'kB', $all, $few, 'report');
		printf "%-52s %d kB (goal at most 16384)\n", "$name: difference", median(@$all) - median(@$few);
	}
	return;
}

# DuckDB as a process that writes for each line it is given.
sub run_duckdb
{
	title("DuckDB from a table of its own, $rows rows to /dev/null");
	my $node = $ENV{HARNESS_NODE} || `sh -c 'command -v node' 2>/dev/null`;
	chomp $node;
	if ($ENV{HARNESS_NO_NODE} || !$node)
	{
		print 'skipped: ', $ENV{HARNESS_NO_NODE} || 'no node here', "\n";
		return;
	}
	sql("COPY records TO '$dir/records.csv' (FORMAT csv, HEADER)");
	my $process = open2(my $from, my $to, $node, "$FindBin::Bin/duckdb/peer.mjs", "$dir/records.csv");
	my $ready = <$from> // '';
	if ($ready !~ /^ready (\S+) $rows$/)
	{
		print "skipped: DuckDB does not start\n";
		return;
	}
	print "peer: DuckDB $1, COPY records TO '/dev/null', its own number of threads\n";
	my $write = sub {
		my ($format) = @_;
		return [ "DuckDB $format", sub { print {$to} "$format /dev/null\n"; $to->flush; return <$from> // die "DuckDB failed\n" } ];
	};
	race('s', $ROUNDS, $write->('csv'), [ 'csv accelerated', copy('records', 'FORMAT csv', $ACCELERATE), 'report' ],
		[ 'core csv', copy('records', 'FORMAT csv'), 'report' ]);
	race('s', $ROUNDS, $write->('json'), [ 'ndjson', copy('records', 'FORMAT ndjson'), 'report' ]);
	close $to;
	waitpid $process, 0;
	unlink "$dir/records.csv";
	return;
}

# Tables that are unlike the bookkeeping one.
sub run_shapes
{
	my %tables = (
		'wide: 200 integers' => [ $rows / 40, join ', ', map { "hashint4(g * 200 + $_) >> $_ % 31 AS c$_" } 1 .. 200 ],
		'text: 2 kB with quotes' => [ $rows / 20, q{g AS id, repeat('said "yes", and left; ' || g || E'\n', 75) AS body, repeat('plain text ' || g, 10) AS note} ],
		'jsonb' => [ $rows / 4, q{g AS id, jsonb_build_object('id', g, 'name', 'Item "' || g || '"', 'price', g / 100.0, 'tags', jsonb_build_array('a', g, NULL, true),
			'nested', jsonb_build_object('x', g, 'text', repeat('word ', g % 20))) AS doc, jsonb_build_array(g, g + 1, 'q"') AS more} ]);
	foreach my $name (sort keys %tables)
	{
		my ($count, $columns) = @{ $tables{$name} };
		sql("DROP TABLE IF EXISTS shape; CREATE TABLE shape AS SELECT $columns FROM generate_series(1, $count) g; ANALYZE shape");
		title(sprintf '%s, %d rows to /dev/null', $name, $count);
		race('s', 3, [ 'core csv', copy('shape', 'FORMAT csv') ],
			[ 'csv accelerated', copy('shape', 'FORMAT csv', $ACCELERATE), 'report' ]);
		race('s', 3, [ 'core row_to_json', copy('(SELECT row_to_json(r) FROM shape r)', 'FORMAT text') ],
			[ 'ndjson', copy('shape', 'FORMAT ndjson'), 'report' ]);
		sql('DROP TABLE shape');
	}
	return;
}

sub run_parallel
{
	title("plans, csv, $rows rows to /dev/null");
	my $query = '(SELECT * FROM records)';
	race('s', $ROUNDS, [ 'core, table', copy('records', 'FORMAT csv', $SERIAL) ],
		[ 'core, query, parallel plan', copy($query, 'FORMAT csv', $PARALLEL), 'report' ],
		[ 'ours, table, no workers', copy('records', 'FORMAT csv', $ACCELERATE, $SERIAL), 'report' ],
		[ 'ours, table, parallel plan', copy('records', 'FORMAT csv', $ACCELERATE, $PARALLEL), 'report' ],
		[ 'ours, table, as planned', copy('records', 'FORMAT csv', $ACCELERATE), 'report' ]);
	return;
}

my @sections = (
	[ csv => \&run_csv ],
	[ json => \&run_json ],
	[ xlsx => \&run_xlsx ],
	[ gzip => \&run_gzip ],
	[ first_row => \&run_first_row ],
	[ memory => \&run_memory ],
	[ parallel => \&run_parallel ],
	[ shapes => \&run_shapes ],
	[ duckdb => \&run_duckdb ]);

# Files of ours are made durable, those of the peers are not: off for both.
my $fsync = sql('SHOW fsync');
sql('ALTER SYSTEM SET fsync = off');
sql('SELECT pg_reload_conf()');
my %wanted = map { $_ => 1 } @ARGV;
foreach my $section (@sections)
{
	$section->[1]->() if !%wanted || $wanted{ $section->[0] };
}
sql("ALTER SYSTEM SET fsync = $fsync");
sql('SELECT pg_reload_conf()');
