# syncport.schedule with the real pg_cron: its job maintains.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init;
my $host = $node->host;
$node->append_conf(
	'postgresql.conf', qq(
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.host = '$host'
));
$node->start;

# Where pg_cron is not, the hint is a statement that works where it is.
$node->safe_psql('postgres', 'CREATE EXTENSION syncport');
my ($ret, $out, $err) =
  $node->psql('postgres', 'SELECT syncport.schedule()');
like($err, qr/extension "pg_cron" does not exist.*HINT:.*CREATE EXTENSION pg_cron/s,
	'not created in its own database');
is($node->safe_psql('postgres', 'SELECT syncport.unschedule()'),
	'', 'nothing to unschedule');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron');

$node->safe_psql('postgres', q(CREATE DATABASE "it's other"));
$node->safe_psql("it's other", 'CREATE EXTENSION syncport');
($ret, $out, $err) =
  $node->psql("it's other", q(SELECT syncport.schedule('* * * * *')));
like($err, qr/pg_cron keeps its jobs in another database/, 'other database');
my ($hint) = $err =~ /HINT:\s+Run there: (SELECT .*;)/;
ok($hint, 'the hint holds a statement');

# One job, however often it is scheduled.
for my $times ('17 3 * * *', '* * * * *')
{
	$node->safe_psql('postgres', "SELECT syncport.schedule('$times')");
}
is( $node->safe_psql(
		'postgres', 'SELECT jobname, schedule, command, database FROM cron.job'),
	'syncport maintain|* * * * *|CALL syncport.maintain()|postgres',
	'scheduled once');
$node->safe_psql('postgres', $hint);

# Both databases are purged.
for my $db ('postgres', "it's other")
{
	$node->safe_psql(
		$db, q(
		CREATE TABLE records (id int PRIMARY KEY);
		INSERT INTO records SELECT generate_series(1, 10);
		SELECT syncport.enable('records', retention => '0');
		DELETE FROM records WHERE id > 3;
	));
	is($node->safe_psql($db, 'SELECT count(*) FROM records'),
		10, 'tombstones stay');
}
for my $db ('postgres', "it's other")
{
	ok( $node->poll_query_until(
			$db, 'SELECT count(*) = 3 FROM records'),
		"the job has purged database $db");
}

$node->safe_psql('postgres', 'SELECT syncport.unschedule()');
is( $node->safe_psql(
		'postgres', q(SELECT jobname FROM cron.job)),
	"syncport maintain (it's other)",
	'unscheduled');
$node->stop;

# Without the library the error says what to load.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->start;
$node->safe_psql('postgres', 'DROP EXTENSION pg_cron');
($ret, $out, $err) = $node->psql('postgres', 'SELECT syncport.schedule()');
like($err, qr/pg_cron is not loaded.*HINT:.*CALL syncport\.maintain\(\)/s,
	'without the library');
$node->stop;

done_testing();
