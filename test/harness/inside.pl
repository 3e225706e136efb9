# The inner half of test/harness/run: dispatches one command.
use strict;
use warnings;

use Harness qw($src);

my %commands = (
	test => 'suite.pl',
	lint => 'suite.pl',
	'check-asan' => 'asan.pl',
	demo => 'demo.pl',
	bench => 'bench.pl',
	typedefs => 'typedefs.pl',
);

my $command = shift @ARGV;
my $script = $commands{$command} or die "unknown command $command\n";
$ENV{TESTS} = 'lint' if $command eq 'lint';
$| = 1;
chdir $src or die "$src: $!\n";
my $done = do "$src/test/harness/$script";
die $@ || "$script: $!\n" unless defined $done;
exit $done;
