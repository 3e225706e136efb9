# The private server installation and its clusters, as seen from inside.
#
# test/harness/run has made $HARNESS_ROOT, copied the working tree to its
# src/ and runs us as an unprivileged user; it stops every server below that
# directory and removes it when we end.
package Harness;

use strict;
use warnings;

use Exporter 'import';
use File::Path qw(make_path);

our @EXPORT_OK = qw($root $src $pg $bin $pgxs
  set_up start_cluster run capture slurp tap_counts);

our $root = $ENV{HARNESS_ROOT} or die "run through test/harness/run\n";
our $pg = $ENV{HARNESS_PG};
our $src = "$root/src";
our $bin = "$root/usr/lib/postgresql/$pg/bin";
our $pgxs = "$root/usr/lib/postgresql/$pg/lib/pgxs";

# Run a command; its exit status, 0 being success.
sub run
{
	my @command = @_;
	my $status = system(@command);
	return $status == -1 ? 127 : ($status >> 8) || ($status & 127);
}

# Run a command with both outputs in a file; (exit status, output).
sub capture
{
	my ($file, @command) = @_;
	my $pid = fork() // die "fork: $!\n";
	if ($pid == 0)
	{
		open(STDOUT, '>', $file) or die "$file: $!\n";
		open(STDERR, '>&', \*STDOUT) or die "dup: $!\n";
		exec(@command) or exit 127;
	}
	waitpid($pid, 0);
	my $status = ($? >> 8) || ($? & 127);
	return ($status, slurp($file));
}

sub slurp
{
	my ($file) = @_;
	open(my $handle, '<', $file) or return '';
	local $/ = undef;
	my $text = <$handle>;
	return $text // '';
}

# Copy the installation, build the extension with the given COPT and install
# it into the copy.  Dies with the compiler's output.  Debugging information
# holds every typedef, for make typedefs.
sub set_up
{
	my ($copt) = @_;
	make_path("$root/usr/lib/postgresql", "$root/usr/share/postgresql",
		map { "$root/$_" } qw(home tmp sock results));
	foreach my $kind (qw(lib share))
	{
		run('cp', '-a', "/usr/$kind/postgresql/$pg", "$root/usr/$kind/postgresql/") == 0
		  or die "could not copy the installation of PostgreSQL $pg\n";
	}
	my @make = (
		'make', '-s', '-C', $src, "COPT=$copt -fno-eliminate-unused-debug-types", 'with_llvm=no',
		"PG_CONFIG=/usr/lib/postgresql/$pg/bin/pg_config");
	foreach my $goal (['all'], [ 'install', "DESTDIR=$root" ])
	{
		my ($status, $output) = capture("$root/make.log", @make, @$goal);
		print $output if $status != 0;
		die "make @$goal failed\n" if $status != 0;
	}
	$ENV{PATH} = "$bin:$ENV{PATH}";
	$ENV{PG_CONFIG} = "$bin/pg_config";
	$ENV{PGHOST} = "$root/sock";
	$ENV{PGUSER} = 'postgres';
	$ENV{PGDATABASE} = 'postgres';
	return;
}

# Start a cluster with these settings and the environment of its server;
# returns its log.  There is one per run.
sub start_cluster
{
	my ($settings, $environment) = @_;
	my $data = "$root/data";
	my $log = "$root/server.log";
	my %all = (
		listen_addresses => '',
		unix_socket_directories => "$root/sock",
		session_preload_libraries => 'syncport',
		log_checkpoints => 'off',
		log_line_prefix => '%m [%p] %q%d ',
		%$settings);
	my ($status, $output) = capture("$root/initdb.log", 'initdb', '-D', $data,
		'-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync');
	die $output if $status != 0;
	open(my $conf, '>>', "$data/postgresql.conf") or die "postgresql.conf: $!\n";
	print $conf "$_ = '$all{$_}'\n" foreach sort keys %all;
	close($conf);
	local %ENV = (%ENV, %{ $environment // {} });
	($status, $output) = capture("$root/start.log", 'pg_ctl', '-D', $data, '-l', $log,
		'-w', '-t', '120', 'start');
	die $output . slurp($log) if $status != 0;
	return $log;
}

# What a TAP stream says: passed, failed, skipped and the failing lines.  A
# wrong or missing plan and a bad exit status are one failure each.
sub tap_counts
{
	my ($output, $status) = @_;
	my %count = (passed => 0, failed => 0, skipped => 0);
	my ($plan, $seen) = (undef, 0);
	foreach my $line (split /\n/, $output)
	{
		$plan = $1 if $line =~ /^1\.\.(\d+)/;
		$line =~ /^(not )?ok\b(.*)/ or next;
		$seen++;
		my $kind = $2 =~ /#\s*skip/i ? 'skipped' : $1 ? 'failed' : 'passed';
		$count{$kind}++;
	}
	if (!defined $plan || $plan != $seen || ($status != 0 && $count{failed} == 0))
	{
		$count{failed}++;
		$count{reason} =
		    !defined $plan ? 'no plan'
		  : $plan != $seen ? "planned $plan, ran $seen"
		  : "ended with status $status";
	}
	return \%count;
}

1;
