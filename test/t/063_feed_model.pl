# A seeded model test of the feed: writers, readers, purges and truncations in
# one schedule, compared with what the server has.
#
#   FEED_SEED=7 runs one seed, FEED_RUNS=100 the seeds from 1 (or from
#   FEED_SEED) on; FEED_STEPS sets the length of a schedule.
#
# One process drives several sessions, one statement at a time, so that a seed
# always gives the same schedule: transactions of up to five writers overlap
# as the seed decides, some are prepared, some end in a rollback.  A statement
# that would wait fails after a moment instead.
#
# Readers ask in transactions that then SELECT the same rows in the same
# snapshot: whenever an answer says "complete", the client's copy equals
# them, whoever else is at work; and at any time the copy has every row older
# than the answer's seq.  No version of a row comes twice.  Now and then a
# client loses the last answers, or its checkpoint, or starts from
# feed_position with rows that it read itself, or asks a snapshot that is
# older than what it has.  A reset is taken for true only where there was
# something of its kind.
#
# Broken on purpose, it failed within the eighteen seeds: rounds that read
# every id which was in progress, seen or not; images although a row has the
# key; rows that the target does not see; images only behind the rows of all
# versions; no delete for a row that left the filter; a horizon compared with
# the end of what the client has; no look at the purge where a round ends; an
# image's place in a version one too far; images without row policies; rows
# read with a snapshot older than the position.  Images that the target does
# not see yet went unnoticed: a delete that comes early does no harm, and
# comes again.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Feed::Model;
use Feed::Session;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $first = $ENV{FEED_SEED} || 1;
my $runs = $ENV{FEED_RUNS} || ($ENV{FEED_SEED} ? 1 : 18);
my $steps = $ENV{FEED_STEPS} || 500;

my $node = PostgreSQL::Test::Cluster->new('feed');
$node->init;
$node->append_conf(
	'postgresql.conf', q(
autovacuum = off
fsync = off
max_prepared_transactions = 10
log_min_messages = panic
));
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION syncport;
	CREATE ROLE feed_tenant;
	GRANT USAGE ON SCHEMA syncport TO feed_tenant;));

my %totals;
foreach my $seed ($first .. $first + $runs - 1)
{
	my $model = Feed::Model->new($node->connstr('postgres'), $seed);
	my @broken = $model->run($steps);

	is(join("\n", @broken), '', "seed $seed: " . $model->describe)
	  or report($seed, $model);
	$totals{$_} += $model->{count}{$_} for keys %{ $model->{count} };
	$model->end;
}
note(join ', ', map { "$_ $totals{$_}" } sort keys %totals);

# A schedule in which something never happened shows nothing of it.
if ($runs >= 18)
{
	cmp_ok($totals{$_} // 0, '>', 0, "there was: $_")
	  for 'complete', 'reset purged', 'reset truncated', 'rolled back', 'prepared', 'lost answers',
	  'lost checkpoint', 'from feed_position', 'savepoints beyond 64',
	  'complete for tenants', 'deletes for tenants', 'behind';
}
$node->stop;
done_testing();

# Everything to replay by hand.
sub report
{
	my ($seed, $model) = @_;
	my $file = "$PostgreSQL::Test::Utils::log_path/feed_model_$seed.log";
	my @log = @{ $model->{log} };

	append_to_file($file, join("\n", @log, ''));
	diag("replay: FEED_SEED=$seed FEED_STEPS=$steps; the schedule: $file");
	splice @log, 0, @log - 40 if @log > 40;
	diag(map { "$_\n" } @log);
	return;
}
