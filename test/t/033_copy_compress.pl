# COPY with COMPRESSION against a server of its own: gzip and zstd read back
# every row, wherever the bytes go, the first of them do not wait for the
# last, failures leave nothing behind and memory does not grow.  Levels 1 to
# 3 of gzip are ISA-L's where the build found it, the others zlib's.
use strict;
use warnings;

use IPC::Run;
use POSIX qw(mkfifo);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('compress');
$node->init;
$node->append_conf('postgresql.conf',
	"session_preload_libraries = 'syncport'");
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
chmod 0777, $dir or die $!;

$node->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE TABLE record AS SELECT i AS id, 'row ' || i AS title
	FROM generate_series(1, 100000) i;
	CREATE FUNCTION wait_at(i integer, stop integer) RETURNS integer
	LANGUAGE plpgsql AS $$
	BEGIN
		IF i = stop THEN
			PERFORM pg_advisory_xact_lock(1);
		END IF;
		RETURN i;
	END $$;});

# By the name of the program that reads it.
my %levels = (gzip => [ 1 .. 9 ], zstd => [ 1, 3, 19 ]);

# What a command writes, and what its exit status says.
sub output_of
{
	my (@command) = @_;
	my ($output, $errors) = ('', '');
	my $success = IPC::Run::run(\@command, '<', \undef, '>', \$output,
		'2>', \$errors);
	return ($output, $success);
}

# The compressed file holds exactly the content, and its checks are right.
sub check_file
{
	my ($file, $compression, $content, $name) = @_;
	my ($output, $success) =
	  output_of($compression, '-dc', $file);
	ok($success && $output eq $content, "$name: the content");
	my (undef, $intact) = output_of($compression, '-qt', $file);
	ok($intact, "$name: intact");
	return;
}

sub message_of
{
	my ($statement) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', $statement);
	return $err =~ s/^psql:<stdin>:\d+: //r;
}

# Every level, every size: server files, in one session

my @sizes = (0, 1, 100000);
my (%plain, @cases, @statements);
foreach my $format (qw(json ndjson))
{
	my $array = $format eq 'json' ? ', FORCE_ARRAY' : '';
	foreach my $size (@sizes)
	{
		my $query = "SELECT * FROM record WHERE id <= $size";
		my $plain = "$dir/$format.$size";
		push @statements,
		  "COPY ($query) TO '$plain' (FORMAT '$format'$array)";
		foreach my $compression (sort keys %levels)
		{
			foreach my $level (@{ $levels{$compression} })
			{
				my $file = "$plain.$compression.$level";
				my $options =
				  "FORMAT '$format'$array, COMPRESSION '$compression', COMPRESSION_LEVEL $level";
				push @statements, "COPY ($query) TO '$file' ($options)";
				push @cases, {
					plain => $plain,
					compression => $compression,
					level => $level,
					file => $file,
					query => $query,
					options => $options,
					name => "$size rows of $format, $compression level $level"
				};
			}
		}
	}
}
$node->safe_psql('postgres', join(";\n", @statements));
$plain{$_} //= slurp_file($_) foreach map { $_->{plain} } @cases;
is(scalar(() = $plain{"$dir/ndjson.100000"} =~ /\n/g), 100000,
	'there is something to compress');
check_file($_->{file}, $_->{compression}, $plain{ $_->{plain} }, $_->{name})
  foreach @cases;

# Programs and clients get the same bytes

my @few = grep { $_->{level} =~ /^[136]$/ } @cases;
$node->safe_psql('postgres', join(";\n", map {
	"COPY ($_->{query}) TO PROGRAM 'cat > $_->{file}.program' ($_->{options})"
} @few));
my $script = "$dir/copy.sql";
append_to_file($script, join('', map {
	"\\copy ($_->{query}) TO '$_->{file}.client' ($_->{options})\n"
} @few));
command_ok(
	[
		'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d',
		$node->connstr('postgres'), '-f', $script
	],
	'\copy');
foreach my $case (@few)
{
	my $bytes = slurp_file($case->{file});
	foreach my $target (qw(program client))
	{
		ok(slurp_file("$case->{file}.$target") eq $bytes,
			"$case->{name}: the same to a $target");
	}
}
unlink glob("$dir/*");

# A gzip header names no time and no file; zstd has a checksum

$node->safe_psql('postgres', qq{
	COPY record TO '$dir/r.gz' (FORMAT ndjson, COMPRESSION gzip);
	COPY record TO '$dir/r2.gz' (FORMAT ndjson, COMPRESSION GZIP, COMPRESSION_LEVEL 2);
	COPY record TO '$dir/r.zst' (FORMAT ndjson, COMPRESSION zstd);
	COPY record TO '$dir/r1.zst' (FORMAT ndjson, COMPRESSION zstd, COMPRESSION_LEVEL 1);
	COPY record TO '$dir/none' (FORMAT ndjson, COMPRESSION none);
	COPY record TO '$dir/plain' (FORMAT ndjson)});
is(unpack('H20', slurp_file("$dir/r.gz")), '1f8b08000000000000ff',
	'the header of gzip');
ok(slurp_file("$dir/r.gz") eq slurp_file("$dir/r2.gz"),
	'the level of gzip is 2 by default');
ok(slurp_file("$dir/r.zst") eq slurp_file("$dir/r1.zst"),
	'the level of zstd is 1 by default');
ok(slurp_file("$dir/none") eq slurp_file("$dir/plain"),
	'none is no compression');
my ($list) = output_of('zstd', '-l', "$dir/r.zst");
like($list, qr/XXH64/, 'zstd has a checksum');
unlink glob("$dir/*");

# Rows larger than any buffer that do not get smaller

$node->safe_psql('postgres', q{
	CREATE TABLE noise AS
	SELECT string_agg(decode(md5(i::text), 'hex'), '') AS bytes
	FROM generate_series(1, 300000) i});
my $noise = q{SELECT encode(bytes, 'base64') AS text FROM noise, generate_series(1, 2)};
$node->safe_psql('postgres',
	"COPY ($noise) TO '$dir/noise' (FORMAT ndjson)");
foreach my $case ([ 'gzip', 1 ], [ 'gzip', 3 ], [ 'gzip', 6 ], [ 'zstd', 3 ])
{
	my ($compression, $level) = @$case;
	$node->safe_psql('postgres',
		"COPY ($noise) TO '$dir/noise.z' (FORMAT ndjson, COMPRESSION $compression, COMPRESSION_LEVEL $level)"
	);
	check_file("$dir/noise.z", $compression, slurp_file("$dir/noise"),
		"large rows, $compression level $level");
}
unlink glob("$dir/*");

# One of them takes minutes at the highest level, and can be cancelled

foreach my $case ([ 'gzip', 9 ], [ 'zstd', 19 ])
{
	my ($compression, $level) = @$case;
	$node->psql('postgres', qq{
		SET statement_timeout = '2s';
		COPY (SELECT repeat(encode(bytes, 'hex'), 50) FROM noise) TO '$dir/cancelled' (FORMAT csv, COMPRESSION $compression, COMPRESSION_LEVEL $level)},
		stderr => \my $cancelled);
	like($cancelled, qr/canceling statement due to statement timeout/,
		"a cell of 480 MB is cancelled in $compression");
}
ok(!glob("$dir/*"), 'and leaves nothing');

# Converted, then compressed

$node->safe_psql('postgres',
	"CREATE DATABASE utf8 TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
foreach my $compression (sort keys %levels)
{
	$node->safe_psql('utf8',
		"COPY (SELECT U&'\\00fc' AS u) TO '$dir/latin' (FORMAT 'json', ENCODING 'LATIN1', COMPRESSION '$compression')"
	);
	check_file("$dir/latin", $compression, qq({"u":"\xfc"}\n),
		"LATIN1 and $compression");
}
unlink glob("$dir/*");

# The first rows arrive while the query still runs; without the flush, what
# they compress to would wait for a whole chunk

my $holder = $node->background_psql('postgres');
foreach my $case ([ 'gzip', 1 ], [ 'gzip', 6 ], [ 'zstd', 3 ])
{
	my ($compression, $level) = @$case;
	my $rows = '';
	mkfifo("$dir/fifo", 0600) or die $!;
	$holder->query_safe('SELECT pg_advisory_lock(1)');
	my $reader = IPC::Run::start(
		[ 'cat', "$dir/fifo" ], '>', "$dir/part",
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	my $session = $node->background_psql('postgres');
	$session->query_until(qr/started/, qq{\\echo started
COPY (SELECT wait_at(id, 2500), title FROM record) TO '$dir/fifo' (FORMAT ndjson, COMPRESSION $compression, COMPRESSION_LEVEL $level);
});
	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		($rows) = output_of($compression, '-dc', "$dir/part");
		last if $rows ne '';
		usleep(100_000);
	}
	like($rows, qr/\A\{"wait_at":1,"title":"row 1"\}\n/,
		"$compression level $level: the first rows come early");
	$holder->query_safe('SELECT pg_advisory_unlock(1)');
	$session->quit;
	$reader->finish;
	($rows) = output_of($compression, '-dc', "$dir/part");
	is(scalar(() = $rows =~ /\n/g), 100000, 'and then the others');
	unlink "$dir/fifo", "$dir/part";
}
$holder->quit;

# Options

my %refused = (
	q{COMPRESSION 'lz4'} =>
	  qq{ERROR:  COPY option "compression" has no choice "lz4"\nHINT:  It is none, gzip or zstd.},
	q{COMPRESSION_LEVEL 1} =>
	  qq{ERROR:  COPY option "compression_level" needs a compression\nHINT:  Give COMPRESSION 'gzip' or 'zstd', too.},
	q{COMPRESSION 'none', COMPRESSION_LEVEL 1} =>
	  qq{ERROR:  COPY option "compression_level" needs a compression\nHINT:  Give COMPRESSION 'gzip' or 'zstd', too.},
	q{COMPRESSION 'gzip', COMPRESSION_LEVEL 0} =>
	  qq{ERROR:  COPY option "compression_level" is out of range\nHINT:  The levels of deflate are 1 to 9.},
	q{COMPRESSION 'gzip', COMPRESSION_LEVEL 10} =>
	  qq{ERROR:  COPY option "compression_level" is out of range\nHINT:  The levels of deflate are 1 to 9.},
	q{COMPRESSION_LEVEL 20, COMPRESSION 'zstd'} =>
	  qq{ERROR:  COPY option "compression_level" is out of range\nHINT:  The levels of zstd are 1 to 19.},
	q{COMPRESSION 'zstd', COMPRESSION_LEVEL -1} =>
	  qq{ERROR:  COPY option "compression_level" is out of range\nHINT:  The levels of zstd are 1 to 19.},
	q{COMPRESSION 'gzip', COMPRESSION 'zstd'} =>
	  qq{ERROR:  COPY option "compression" is given twice\nHINT:  Give it once.});
is( message_of("COPY record TO '$dir/refused' (FORMAT ndjson, $_)"),
	$refused{$_}, "refused: $_")
  foreach sort keys %refused;

# An error in the middle

foreach my $compression (sort keys %levels)
{
	is( message_of(
			"COPY (SELECT 1 / (id - 90000) FROM record) TO '$dir/failed' (FORMAT ndjson, COMPRESSION '$compression')"
		),
		'ERROR:  division by zero',
		"an error in the middle of $compression");
}
is(join(' ', map { s!.*/!!r } glob("$dir/*")), '', 'leaves no file');

# Memory: limited, zstd says so, and constant

my $limit = q{prlimit --pid $PID --as=$(( ($(sed -n 's/^VmSize:[^0-9]*\([0-9]*\).*/\1/p' /proc/$PID/status) + 16384) * 1024 ))};
my ($ret, $out, $err) = $node->psql('postgres', qq{
	SELECT pg_backend_pid() AS pid \\gset
	\\setenv PID :pid
	\\! $limit
	COPY record TO '$dir/limited' (FORMAT ndjson, COMPRESSION zstd, COMPRESSION_LEVEL 19);
	COPY record TO '$dir/limited' (FORMAT ndjson, COMPRESSION zstd, COMPRESSION_LEVEL 1);
}, on_error_stop => 0);
like($err, qr/ERROR:  out of memory
DETAIL:  zstd could not allocate what its level 19 needs\.
HINT:  A lower COMPRESSION_LEVEL needs less\.\z/, 'not enough memory');
ok(-s "$dir/limited", 'a lower level needs less');

my $memory = q{SELECT substring(pg_read_file('/proc/self/status')
	FROM 'RssAnon:\s+(\d+)')};
foreach my $case ([ 'gzip', 1 ], [ 'gzip', 6 ], [ 'zstd', 3 ], [ 'zstd', 19 ])
{
	my ($compression, $level) = @$case;
	my $options =
	  "(FORMAT ndjson, COMPRESSION '$compression', COMPRESSION_LEVEL $level)";
	my $times = $level == 19 ? 2 : 10;
	my ($small, $large) = split /\n/, $node->safe_psql('postgres', qq{
		COPY (SELECT r.* FROM record r LIMIT 10000) TO '/dev/null' $options;
		$memory;
		COPY (SELECT r.* FROM generate_series(1, $times), record r) TO '/dev/null' $options;
		$memory});
	cmp_ok($large - $small, '<', 8192,
		"$compression level $level takes no more memory for more rows ($small, $large kB)"
	);
}

# Twenty failures in a session, each of which has allocated

my ($before, $after) = split /\n/, $node->safe_psql('postgres', qq{
	CREATE PROCEDURE fail(n integer) LANGUAGE plpgsql AS \$\$
	BEGIN
		FOR i IN 1 .. n LOOP
			BEGIN
				COPY (SELECT 1 / (id - 3000) FROM record) TO '/dev/null' (FORMAT ndjson, COMPRESSION zstd, COMPRESSION_LEVEL 12);
			EXCEPTION WHEN division_by_zero THEN
				NULL;
			END;
		END LOOP;
	END \$\$;
	CALL fail(2);
	$memory;
	CALL fail(20);
	$memory});
cmp_ok($after - $before, '<', 8192,
	"a failed export gives its memory back ($before, $after kB)");

$node->stop;
done_testing();
