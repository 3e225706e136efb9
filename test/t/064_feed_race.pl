# Writers that overlap, and a feed that loses nothing of them.
#
# The race of bench/feed_race.pl in short, and the two sessions that show
# deterministically why a cursor over updated_at has to lose: what commits
# later may be older.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Feed::Client;
use Feed::Race;
use Feed::Session;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{RACE_SECONDS} || 10;
my $seed = $ENV{RACE_SEED} || time % 100_000;
my $node = PostgreSQL::Test::Cluster->new('race');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION syncport');
my $connection = $node->connstr('postgres');
my $session = Feed::Session->new($connection);

# A writer that began first commits last.
sub naive
{
	my ($since) = @_;

	return $session->must("SELECT id, updated_at FROM race_row WHERE updated_at > '$since' ORDER BY updated_at");
}

Feed::Race::set_up($session);
my ($first, $second) = map { Feed::Session->new($connection) } 1 .. 2;
my $client = Feed::Client->new('client', { race_row => '' });
my @broken;
$client->catch_up($session, \@broken);
my $since = $session->must('SELECT max(updated_at) FROM race_row');

$first->must("BEGIN; UPDATE race_row SET v = 'first' WHERE id = 1");
$second->must("UPDATE race_row SET v = 'second' WHERE id = 2");
like(naive($since), qr/\A2\t[^\n]*\z/, 'a naive cursor gets what is committed');
$since = (split /\t/, naive($since))[1];
$client->catch_up($session, \@broken);
like($client->{tables}{race_row}{rows}{2}, qr/"v": "second"/, 'and so does the feed');
$first->must('COMMIT');
is(naive($since), '', 'what commits later is lost to the naive cursor');
$client->catch_up($session, \@broken);
like($client->{tables}{race_row}{rows}{1}, qr/"v": "first"/, 'not to the feed');
is_deeply(\@broken, [], 'each row came once');
$_->quit for $first, $second;

note("seed $seed");
foreach my $it (Feed::Race::run($connection, $seconds, $seed))
{
	note("$it->{table} $it->{poller}: $it->{polls} polls, $it->{rows} rows, $it->{resets} resets") if $it->{poller};
	if (exists $it->{writer})
	{
		cmp_ok($it->{transactions}, '>', 0, "writer $it->{writer} wrote ($it->{states})");
	}
	elsif ($it->{naive})
	{
		note("lost by the naive cursor: $it->{lost}");
	}
	else
	{
		my $name = "$it->{table}, polled at $it->{poller} (seed $seed)";
		is("$it->{lost} lost, $it->{extra} too many, $it->{twice} twice",
			'0 lost, 0 too many, 0 twice', $name)
		  or diag("keys: $it->{keys}");
		is($it->{broken}, '', "$name: nothing else is broken");
	}
}

$session->quit;
$node->stop;
done_testing();
