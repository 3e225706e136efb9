# Sixteen writers against pollers of the feed: what is lost, what comes twice.
# RACE_SECONDS is how long they write (60), RACE_SEED decides what.  Unlike the
# other benchmarks it fails: when the feed loses or repeats a row, or when a
# naive cursor over updated_at, in the same run, loses none.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../test/t/lib";
use Feed::Race;
use Feed::Session;

my $seconds = $ENV{RACE_SECONDS} || 60;
my $seed = $ENV{RACE_SEED} || time % 100_000;
my $session = Feed::Session->new('', 'race');

Feed::Race::set_up($session);
print "\n## 16 writers for $seconds s, seed $seed\n";
my @results = Feed::Race::run('', $seconds, $seed);
my @writers = grep { exists $_->{writer} } @results;
my @pollers = grep { exists $_->{poller} } @results;
my ($transactions, $failed, $bites) = (0, 0, 0);

$transactions += $_->{transactions} for @writers;
printf "%d transactions, %.0f a second\n", $transactions, $transactions / $seconds;
printf "%-12s %-8s %8s %9s %6s %6s %6s %6s\n", qw(table poller polls rows resets lost extra twice);
foreach my $it (@pollers)
{
	printf "%-12s %-8s %8d %9d %6d %6d %6d %6d%s\n",
	  @$it{qw(table poller polls rows resets lost extra twice)},
	  length $it->{broken} ? "  $it->{broken}" : '';
	$bites += $it->{lost} if $it->{naive};
	$failed += $it->{lost} + $it->{extra} + $it->{twice} + length $it->{broken} unless $it->{naive};
}
$session->must("DROP TABLE $_") for sort keys %Feed::Race::TABLES;
print "the feed lost or repeated rows\n" if $failed;
print "the naive cursor lost nothing: this run proves nothing\n" unless $bites;
exit($failed || !$bites ? 1 : 0);
