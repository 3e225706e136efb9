# COPY with our formats against a server of its own: failures leave nothing
# behind, progress can be watched, memory does not grow, and the client sees
# whole rows in large messages.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('copy');
$node->init;
$node->append_conf('postgresql.conf',
	"session_preload_libraries = 'syncport'");
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
chmod 0777, $dir or die $!;

$node->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE TABLE record AS SELECT i AS id, 'row ' || i AS title
	FROM generate_series(1, 20000) i;
	CREATE FUNCTION wait_at(i integer, stop integer) RETURNS integer
	LANGUAGE plpgsql AS $$
	BEGIN
		IF i = stop THEN
			PERFORM pg_advisory_xact_lock(1);
		END IF;
		RETURN i;
	END $$;});

# Names in the directory other than the ones given.
sub others
{
	my %known = map { $_ => 1 } ('.', '..', @_);
	opendir(my $handle, $dir) or die $!;
	my @names = grep { !$known{$_} } readdir $handle;
	closedir $handle;
	return join(' ', sort @names);
}

# A COPY that stops in the middle at an advisory lock held by $holder.
my $holder = $node->background_psql('postgres');
my $slow_query = 'SELECT wait_at(id, 15000), title FROM record';

sub start_slow_copy
{
	my ($target, $name) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query("SET application_name = '$name'");
	$session->query_until(qr/started/, qq{\\echo started
COPY ($slow_query) TO $target WITH (FORMAT ndjson);
});
	$node->poll_query_until('postgres', qq{
		SELECT wait_event = 'advisory' FROM pg_stat_activity
		WHERE application_name = '$name'}) or die 'no wait';
	return $session;
}

sub pid_of
{
	my ($name) = @_;
	return $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE application_name = '$name'");
}

# Files

$node->safe_psql('postgres',
	"COPY record TO '$dir/done.json' WITH (FORMAT 'json')");
my $done = slurp_file("$dir/done.json");
is(scalar(() = $done =~ /\n/g), 20000, 'a file has a line per row');
is((stat "$dir/done.json")[2] & 0777, 0644, 'a new file can be read');
is(others('done.json'), '', 'nothing else is left');

chmod 0600, "$dir/done.json";
symlink "$dir/done.json", "$dir/link.json" or die $!;
$node->safe_psql('postgres',
	"COPY (SELECT 1 AS a) TO '$dir/link.json' WITH (FORMAT 'json')");
ok(-l "$dir/link.json", 'a link stays a link');
is(slurp_file("$dir/done.json"), qq({"a":1}\n), 'its target is written');
is((stat "$dir/done.json")[2] & 0777, 0600, 'a file keeps its mode');
unlink "$dir/link.json";

symlink "$dir/nowhere/x", "$dir/dangling" or die $!;
my ($ret, $out, $err) = $node->psql('postgres',
	"COPY record TO '$dir/dangling' WITH (FORMAT 'json')");
like($err, qr/could not open file ".*dangling" for writing/,
	'a link to nowhere is refused');
unlink "$dir/dangling";

$node->psql('postgres',
	"COPY (SELECT 1 / (id - 15000) FROM record) TO '$dir/done.json' WITH (FORMAT 'json')");
is(slurp_file("$dir/done.json"), qq({"a":1}\n),
	'an error leaves the old file as it was');
is(others('done.json'), '', 'and nothing beside it');

# Canceled and terminated

$holder->query_safe('SELECT pg_advisory_lock(1)');
my $session = start_slow_copy("'$dir/done.json'", 'slow_file');
isnt(others('done.json'), '', 'while it runs there is a temporary file');

my ($progress) = $node->safe_psql('postgres', q{
	SELECT p.command, p.type, p.tuples_processed, p.bytes_processed > 65536
	FROM pg_stat_progress_copy p JOIN pg_stat_activity USING (pid)
	WHERE application_name = 'slow_file'});
is($progress, 'COPY TO|FILE|14999|t', 'progress of a file');

$node->safe_psql('postgres',
	"SELECT pg_cancel_backend(" . pid_of('slow_file') . ")");
$node->poll_query_until('postgres',
	'SELECT count(*) = 0 FROM pg_stat_progress_copy') or die;
is(others('done.json'), '', 'a canceled export leaves nothing');
is(slurp_file("$dir/done.json"), qq({"a":1}\n), 'nor touches the old file');
$session->quit;

$session = start_slow_copy("'$dir/new.json'", 'slow_new');
$node->safe_psql('postgres',
	"SELECT pg_terminate_backend(" . pid_of('slow_new') . ", 60000)");
is(others('done.json'), '', 'a terminated one neither');
eval { $session->quit; };

$session = start_slow_copy("PROGRAM 'cat > $dir/program.json'",
	'slow_program');
is($node->safe_psql('postgres',
		'SELECT type FROM pg_stat_progress_copy'),
	'PROGRAM', 'progress of a program');
$holder->query_safe('SELECT pg_advisory_unlock(1)');
$node->poll_query_until('postgres',
	'SELECT count(*) = 0 FROM pg_stat_progress_copy') or die;
$session->quit;
is(scalar(() = slurp_file("$dir/program.json") =~ /\n/g), 20000,
	'a program reads every row');
unlink "$dir/program.json";
$holder->quit;

# A subtransaction that fails after the export has begun

$node->safe_psql('postgres', qq{
	DO \$\$ BEGIN
		COPY (SELECT 1 / (id - 15000) FROM record) TO '$dir/sub.json' WITH (FORMAT 'json');
	EXCEPTION WHEN division_by_zero THEN
		COPY (SELECT 2 AS b) TO '$dir/after.json' WITH (FORMAT 'json');
	END \$\$});
is(slurp_file("$dir/after.json"), qq({"b":2}\n), 'the handler can export');
is(others('done.json', 'after.json'), '',
	'a failed subtransaction leaves nothing');

# The client

my $lines = $node->safe_psql('postgres',
	'COPY record TO STDOUT WITH (FORMAT ndjson)');
is(scalar(() = $lines =~ /^\{"id":\d+,"title":"row \d+"\}$/mg), 20000,
	'the client gets every row');
($ret, $out, $err) = $node->psql('postgres',
	'COPY (SELECT 1 / (id - 15000) FROM record) TO STDOUT WITH (FORMAT "json"); SELECT 1',
	on_error_stop => 0);
like($err, qr/division by zero/, 'an error in the middle reaches the client');

command_ok(
	[
		'psql', '-X', '-d', $node->connstr('postgres'), '-c',
		"\\copy (SELECT id FROM record) TO '$dir/client.json' (FORMAT 'json', FORCE_ARRAY)"
	],
	'\copy');
like(slurp_file("$dir/client.json"), qr/\A\[\n \{"id":1\}\n,.*\n\]\n\z/s,
	'\copy writes an array');

# Encodings

$node->safe_psql('postgres',
	"CREATE DATABASE utf8 TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
$node->safe_psql('utf8',
	"COPY (SELECT U&'\\00fc' AS u) TO '$dir/latin.json' (FORMAT 'json', ENCODING 'LATIN1')");
is(slurp_file("$dir/latin.json"), qq({"u":"\xfc"}\n), 'ENCODING');
$node->safe_psql('utf8',
	"SET client_encoding = latin1; COPY (SELECT U&'\\00fc' AS u) TO '$dir/latin.json' (FORMAT 'json')");
is(slurp_file("$dir/latin.json"), qq({"u":"\xfc"}\n), 'client_encoding');
($ret, $out, $err) = $node->psql('utf8',
	"COPY (SELECT U&'\\20ac' AS u) TO '$dir/euro.json' (FORMAT 'json', ENCODING 'LATIN1')");
like($err, qr/has no equivalent in encoding "LATIN1"/,
	'what the encoding cannot say');
ok(!-e "$dir/euro.json", 'leaves no file');

# Memory

my $memory = q{SELECT substring(pg_read_file('/proc/self/status')
	FROM 'RssAnon:\s+(\d+)')};
my ($small, $large) = split /\n/, $node->safe_psql('postgres', qq{
	COPY (SELECT r.* FROM record r LIMIT 10000) TO '/dev/null' (FORMAT 'json');
	$memory;
	COPY (SELECT r.* FROM generate_series(1, 50), record r) TO '/dev/null' (FORMAT 'json');
	$memory});
cmp_ok($large - $small, '<', 8192,
	"a million rows take no more memory than ten thousand ($small, $large kB)");

# Without a client there is no STDOUT

$node->stop;
my $single = '';
my $errors = '';
my $input = "COPY (SELECT 1) TO STDOUT (FORMAT 'json')\n";
IPC::Run::run(
	[
		'postgres', '--single', '-D', $node->data_dir,
		'-c', 'shared_preload_libraries=syncport', 'postgres'
	],
	'<', \$input, '>', \$single, '2>', \$errors);
like("$single$errors", qr/COPY TO STDOUT needs a client/,
	'a single-user server has no client');

done_testing();
