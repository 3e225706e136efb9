# Side-by-side measurements for the scripts in bench/.
#
# Every figure is a ratio against a named peer, measured in the same run in
# alternating rounds; medians, with minimum and maximum.  bench/run sets
# PGHOST, PGUSER, PGDATABASE and PATH and loads the tables.  Nothing here
# fails on a slow figure: a benchmark reports, it does not judge a build.
package Bench;

use strict;
use warnings;
use Exporter 'import';
use File::Temp qw(tempdir);

our @EXPORT = qw(sql statement_times statement_mean compare race report title median timed
  backend_rss_anon);

$ENV{PGOPTIONS} = '-c client_min_messages=warning';
my $dir = tempdir(CLEANUP => 1);
my $serial = 0;

# Run SQL through psql; the result unaligned, without its last newline.
sub sql
{
	my ($query) = @_;
	my $file = write_file($query);
	my $out = `psql -XAtq -v ON_ERROR_STOP=1 -f $file`;
	die "psql failed on: $query\n" if $?;
	chomp $out;
	return $out;
}

# Seconds that one psql call needs for a query, as \timing tells.
sub timed
{
	my ($query) = @_;
	my $file = write_file("\\timing on\n$query\n");
	my @out = `psql -XAtq -v ON_ERROR_STOP=1 -o /dev/null -f $file 2>&1`;
	die "psql failed on: $query\n@out" if $?;
	my $total = 0;
	my $seen = 0;
	for (@out)
	{
		next unless /^Time: ([0-9.]+) ms/;
		$total += $1;
		$seen = 1;
	}
	die "no timing for: $query\n@out" unless $seen;
	return $total / 1000;
}

# Microseconds of each of $count prepared executions, drawn at random from the
# given statements (at most 100), over one connection.  A first run per
# statement warms plans and is left out.
sub statement_times
{
	my ($count, $setup, @statements) = @_;
	my $prefix = "$dir/log" . ++$serial;
	my @files = map { ('-f', write_file("$_\n")) } @statements;
	my $warm = 6 * @statements;
	local $ENV{PGOPTIONS} = $setup;
	my $run = $count + $warm;
	my $out = `pgbench -n -M prepared -c 1 -t $run -l --log-prefix=$prefix --random-seed=7 @files 2>&1`;
	die "pgbench failed: $out\n" if $? || $out !~ /failed transactions: 0 /;
	my @times;
	for my $log (glob "$prefix.*")
	{
		open my $in, '<', $log or die "$log: $!";
		while (<$in>) { push @times, (split ' ')[2] }
		close $in;
		unlink $log;
	}
	splice @times, 0, $warm;
	return @times;
}

# Microseconds that one of $count prepared executions takes on average.  For
# statements so quick that pgbench may find the answer when it has just sent
# the question, and then notes no time at all.
sub statement_mean
{
	my ($count, $setup, $statement) = @_;
	my $file = write_file("$statement\n");
	local $ENV{PGOPTIONS} = $setup;
	my $out = `pgbench -n -M prepared -c 1 -t $count -f $file 2>&1`;
	die "pgbench failed: $out\n"
	  if $? || $out !~ /failed transactions: 0 / || $out !~ /^tps = ([0-9.]+)/m;
	return 1e6 / $1;
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[ $#sorted / 2 ];
}

sub title { print "\n## $_[0]\n" }

# Measure ours and the peer in alternating rounds.  Each is a code reference
# that returns one figure; unit names it.  Returns the ratio of the medians.
sub compare
{
	my ($name, $unit, $rounds, $ours, $peer, $goal) = @_;
	my (@ours, @peer);
	for (1 .. $rounds)
	{
		push @ours, $ours->();
		push @peer, $peer->();
	}
	return report($name, $unit, \@ours, \@peer, $goal);
}

# Measure a peer and each runner in alternating rounds and print how many times
# faster than the peer the runners are.  A peer is [name, code], a runner
# [name, code, goal].
sub race
{
	my ($unit, $rounds, $peer, @runners) = @_;
	my @all = ($peer, @runners);
	my @figures;
	for (1 .. $rounds)
	{
		push @{ $figures[$_] }, $all[$_][1]->() for 0 .. $#all;
	}
	report("$peer->[0] / $all[$_][0]", $unit, $figures[0], $figures[$_], $all[$_][2])
	  for 1 .. $#all;
	return;
}

# Print one line: both medians with their range, the ratio and the goal.
sub report
{
	my ($name, $unit, $ours, $peer, $goal) = @_;
	my $ratio = median(@$ours) / median(@$peer);
	printf "%-52s %s against %s  ratio %.3g (goal %s)\n", $name,
	  spread($unit, @$ours), spread($unit, @$peer), $ratio, $goal;
	return $ratio;
}

sub spread
{
	my ($unit, @values) = @_;
	my @sorted = sort { $a <=> $b } @values;
	return sprintf '%.4g %s [%.4g-%.4g]', median(@values), $unit, $sorted[0],
	  $sorted[-1];
}

# Run a query in one psql call while polling RssAnon of its backend and of its
# parallel workers; returns the peak of their sum in kB.
sub backend_rss_anon
{
	my ($query) = @_;
	my $pidfile = "$dir/pid" . ++$serial;
	my $file = write_file("SELECT pg_backend_pid() \\g $pidfile\n$query\n");
	my $child = fork();
	die "fork: $!" unless defined $child;
	if ($child == 0)
	{
		open STDOUT, '>', '/dev/null';
		exec 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', $file;
	}
	my $peak = 0;
	my $done = 0;
	until ($done)
	{
		$done = waitpid($child, 1) == $child;
		die "psql failed on: $query\n" if $done && $?;
		if (open my $in, '<', $pidfile)
		{
			my $pid = <$in>;
			close $in;
			my $sum = defined $pid ? rss_anon_of_family($pid) : 0;
			$peak = $sum if $sum > $peak;
		}
		select undef, undef, undef, 0.005;
	}
	return $peak;
}

# RssAnon of a backend plus that of the parallel workers it leads, in kB.
sub rss_anon_of_family
{
	my ($pid) = @_;
	$pid =~ s/\D//g;
	return 0 unless length $pid;
	my $sum = rss_anon($pid);
	for my $dir (glob '/proc/[0-9]*')
	{
		open my $in, '<', "$dir/cmdline" or next;
		local $/;
		my $line = <$in> // '';
		close $in;
		$sum += rss_anon($dir =~ s{/proc/}{}r)
		  if $line =~ /parallel worker for PID $pid\b/;
	}
	return $sum;
}

sub rss_anon
{
	my ($pid) = @_;
	open my $in, '<', "/proc/$pid/status" or return 0;
	my ($line) = grep { /^RssAnon/ } <$in>;
	close $in;
	return defined $line && $line =~ /(\d+)/ ? $1 : 0;
}

sub write_file
{
	my ($text) = @_;
	my $name = "$dir/script" . ++$serial;
	open my $out, '>', $name or die "$name: $!";
	print $out $text;
	close $out;
	return $name;
}

1;
