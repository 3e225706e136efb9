# Exports that fail at many points: no final file, nothing beside it, no open
# descriptor, no cursor, and a session that works as before.
#
# A full disk is made by the limit of a file's size (prlimit on the backend):
# the server ignores the signal, and write fails with EFBIG.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('export_faults');
$node->init;
$node->append_conf('postgresql.conf', q{
session_preload_libraries = 'syncport'
work_mem = 64kB
restart_after_crash = on
});
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
chmod 0777, $dir or die $!;
$node->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE TABLE record AS SELECT i AS id, md5(i::text) AS code, i / 7.0 AS price,
		now() + i * interval '1 s' AS at FROM generate_series(1, 20000) i;
	CREATE FUNCTION wait_at(i integer, stop integer) RETURNS integer
	LANGUAGE plpgsql AS $$
	BEGIN
		IF i = stop THEN
			PERFORM pg_advisory_xact_lock(1);
		END IF;
		RETURN i;
	END $$;});

my %formats = (
	csv => q{FORMAT csv, FORMULAS 'keep'},
	gzip => q{FORMAT csv, COMPRESSION 'gzip'},
	zlib => q{FORMAT csv, COMPRESSION 'gzip', COMPRESSION_LEVEL 9},
	zstd => q{FORMAT ndjson, COMPRESSION 'zstd'},
	json => q{FORMAT 'json', FORCE_ARRAY},
	xlsx => q{FORMAT xlsx});

sub files
{
	opendir(my $handle, $dir) or die $!;
	my @names = grep { !/^\.\.?$/ } readdir $handle;
	closedir $handle;
	return join ' ', sort @names;
}

sub new_session
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query('SELECT pg_backend_pid()');
	return ($session, $pid =~ s/\D//gr);
}

# What a backend has open beside the files of the cluster, which the server
# keeps open for itself.
sub descriptors
{
	my ($pid) = @_;
	my $data = $node->data_dir;
	return join "\n", sort grep { !m!^\Q$data\E/! } map { readlink $_ } glob "/proc/$pid/fd/*";
}

# Run one statement that has to fail in a session; what it said.
sub fails
{
	my ($session, $statement) = @_;
	$session->{stderr} = '';
	$session->query($statement);
	my $error = $session->{stderr};
	$session->{stderr} = '';
	return $error;
}

# ------------------------------------------------------------ the disk is full

my ($session, $pid) = new_session();
my %whole;
foreach my $name (sort keys %formats)
{
	$session->query_safe("COPY record TO '$dir/whole' ($formats{$name})");
	$whole{$name} = -s "$dir/whole";
	unlink "$dir/whole";
}
my $before = descriptors($pid);
foreach my $name (sort keys %formats)
{
	my @limits = (0, 1, 4096, 65536, map { int($whole{$name} * $_ / 10) } 1 .. 9);
	my @wrong;
	foreach my $limit (@limits, $whole{$name} - 1)
	{
		system('prlimit', "--pid=$pid", "--fsize=$limit:") == 0 or die 'prlimit';
		my $error = fails($session, "COPY record TO '$dir/full' ($formats{$name})");
		system('prlimit', "--pid=$pid", '--fsize=unlimited:') == 0 or die 'prlimit';
		push @wrong, "$limit: $error" unless $error =~ /could not write to file ".*full"/;
		push @wrong, "$limit leaves " . files() if files() ne '';
	}
	is(join("\n", @wrong), '', "$name: a full disk at " . (@limits + 1) . ' points');
}
is(descriptors($pid), $before, 'no descriptor is left open');
is($session->query_safe('SELECT count(*) FROM record'), 20000, 'the session works');

# An old file stays as it was.
append_to_file("$dir/old", 'what was there');
chmod 0666, "$dir/old";
system('prlimit', "--pid=$pid", "--fsize=1000:") == 0 or die 'prlimit';
fails($session, "COPY record TO '$dir/old' (FORMAT xlsx)");
system('prlimit', "--pid=$pid", '--fsize=unlimited:') == 0 or die 'prlimit';
is(slurp_file("$dir/old"), 'what was there', 'an old file is as it was');
is(files(), 'old', 'and alone');
unlink "$dir/old";
like(fails($session, "COPY record TO '/dev/full' (FORMAT xlsx)"), qr/No space left on device/,
	'a device that is full');

# ------------------------------------------------------------- temporary files

foreach my $limit (0, 64, 256, 512)
{
	like(fails($session, "SET temp_file_limit = '${limit}kB';
		COPY (SELECT * FROM record ORDER BY code) TO '$dir/temp' (FORMAT xlsx)"),
		qr/temporary file size exceeds "?temp_file_limit/, "temp_file_limit $limit kB");
	is(files(), '', 'leaves nothing');
}
$session->query_safe('RESET temp_file_limit');

# ----------------------------------------------------------------- out of time

# Whenever the time is up, the file is whole or not there.
foreach my $name (sort keys %formats)
{
	my @wrong;
	foreach my $timeout (1 .. 12)
	{
		my $error = fails($session, "SET statement_timeout = " . $timeout * 3 . ";
			COPY record TO '$dir/timed' ($formats{$name})");
		push @wrong, "$timeout: " . files() if files() !~ /^(timed)?$/;
		push @wrong, "$timeout: half of it"
		  if ($error eq '' || -e "$dir/timed") && (-s "$dir/timed" // 0) != $whole{$name};
		push @wrong, "$timeout: $error" if $error !~ /^$|statement timeout/;
		unlink "$dir/timed";
	}
	$session->query_safe('RESET statement_timeout');
	is(join("\n", @wrong), '', "$name: statement_timeout");
}
is(descriptors($pid), $before, 'no descriptor is left open');

# ------------------------------------------------------------ the functions

foreach my $name (qw(csv xlsx ndjson))
{
	like(fails($session, "SELECT octet_length(syncport.export_query('SELECT 1 / (15000 - id), code FROM record', '$name'))"),
		qr/division by zero/, "$name: an error in the middle of a function");
}
fails($session, q{DO $$ BEGIN
	PERFORM syncport.export_query('SELECT 1 / (15000 - id) FROM record');
EXCEPTION WHEN division_by_zero THEN NULL; END $$});
is($session->query_safe('SELECT count(*) FROM pg_cursors'), 0, 'no cursor is left');
is(descriptors($pid), $before, 'no descriptor is left open');
$session->quit;

# A procedure that commits while it reads an export reads it whole; a cursor
# WITH HOLD over one is whole, or says what became of it.
is($node->safe_psql('postgres', q{
	CREATE PROCEDURE read_and_commit(INOUT total bigint) LANGUAGE plpgsql AS $$
	DECLARE chunk bytea;
	BEGIN
		total := 0;
		FOR chunk IN SELECT syncport.export('record', 'ndjson', options => '{"chunk_bytes": 1024}') LOOP
			total := total + octet_length(chunk);
			COMMIT;
		END LOOP;
	END $$;
	CALL read_and_commit(NULL)}),
	$node->safe_psql('postgres', q{SELECT sum(octet_length(c)) FROM syncport.export('record', 'ndjson') c}),
	'COMMIT in the middle');
foreach my $cursor ('a' .. 'h')
{
	my ($status, $out, $err) = $node->psql('postgres', qq{
		BEGIN;
		DECLARE $cursor CURSOR WITH HOLD FOR SELECT octet_length(syncport.export('record', options => '{"chunk_bytes": 1024}'));
		MOVE 2 IN $cursor;
		COMMIT;
		MOVE ALL IN $cursor});
	ok($status == 0 || $err =~ /the query of the export is gone/,
		"a cursor WITH HOLD, named $cursor") or diag($err);
}

# ----------------------------------------------------------- the client is gone

foreach my $name (sort keys %formats)
{
	my $status = system('bash', '-c', "psql -XAtq -d '" . $node->connstr('postgres')
		  . "' -c \"SET application_name = 'gone_$name'\" -c \"COPY (SELECT r.* FROM record r, generate_series(1, 50)) TO STDOUT ($formats{$name})\" 2>/dev/null | head -c 100000 >/dev/null");
	is($status, 0, "$name: a reader that reads no further");
	ok($node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'gone_$name'"),
		'its backend is gone');
}

# ---------------------------------------------------------- the backend is gone

my $holder = $node->background_psql('postgres');
$holder->query_safe('SELECT pg_advisory_lock(1)');
($session, $pid) = new_session();
$session->query_until(qr/started/, qq{\\echo started
COPY (SELECT wait_at(id, 15000), code FROM record) TO '$dir/killed' (FORMAT xlsx);
});
$node->poll_query_until('postgres',
	"SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $pid") or die 'no wait';
kill 'KILL', $pid;
$node->poll_query_until('postgres', 'SELECT true') or die 'no recovery';
eval { $session->quit; };
eval { $holder->quit; };
ok(!-e "$dir/killed", 'a killed backend leaves no file of the final name');
is(files() =~ s/\.syncport-\d+\.tmp//r, 'killed', 'but the one beside it');
unlink glob "$dir/*";
$node->safe_psql('postgres', "COPY record TO '$dir/after' (FORMAT xlsx)");
is(-s "$dir/after", $whole{xlsx}, 'the server goes on');

done_testing();
