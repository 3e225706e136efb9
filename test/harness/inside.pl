# The inner half of test/harness/run: dispatches one command.
use strict;
use warnings;

use Harness qw($src);

my %commands = (
	test => 'test/harness/suite.pl',
	lint => 'test/harness/suite.pl',
	'check-asan' => 'test/harness/suite.pl',
	'check-fuzz' => 'test/harness/suite.pl',
	typedefs => 'test/harness/typedefs.pl',
	demo => 'demo/run',
	bench => 'bench/run',
);

my $command = shift @ARGV;
my $script = $commands{$command} or die "unknown command $command\n";
$ENV{TESTS} = 'lint' if $command eq 'lint';
$ENV{HARNESS_SANITIZE} = 1 if $command eq 'check-asan';
if ($command eq 'check-fuzz')
{
	$ENV{TESTS} ||= 'fuzz';
	$ENV{FUZZ_TABLES} //= 10_000;
	$ENV{HARNESS_PATIENCE} = 7200;
}
$| = 1;
chdir $src or die "$src: $!\n";

# The value of the script is the exit status.
my $status = do "$src/$script";
die $@ || "$script: $!\n" unless defined $status;
exit $status;
