# Every kind of test against one throw-away cluster (the TAP tests start
# their own), then a table and one line of counts.
#
# TESTS="kind[:name] ..." chooses; kinds are those of %kinds.  With
# HARNESS_SANITIZE the extension is built with the address and undefined
# behaviour sanitizers, whose reports in the server's log are failures.
use strict;
use warnings;

use File::Basename qw(basename);
use File::Path qw(make_path);
use Harness qw($root $src $pg $bin $pgxs set_up start_cluster run capture slurp tap_counts);

# A test may run this long before it counts as hanging.
my $PATIENCE = $ENV{HARNESS_PATIENCE} // 900;

my $SANITIZERS = '-fsanitize=address,undefined -fno-sanitize-recover=all';

my $log;
my @rows;

# kind => [pattern of its files, function of the names to run]
my $sanitize = $ENV{HARNESS_SANITIZE};
my @order = $sanitize ? qw(regress fuzz) : qw(regress isolation pgtap tap clients fuzz lint);
my %kinds = (
	regress => [ 'sql/*.sql', \&run_regress ],
	isolation => [ 'test/isolation/specs/*.spec', \&run_isolation ],
	pgtap => [ 'test/pgtap/*.sql', \&run_pgtap ],
	tap => [ 'test/t/*.pl', \&run_tap ],
	clients => [ 'test/clients/*.test.mjs', \&run_clients ],
	fuzz => [ 'test/fuzz/*.sql', \&run_fuzz ],
	lint => [ 'test/lint/lint.pl', \&run_lint ],
);

# The names of a kind that TESTS asks for; all without it.
sub names_of
{
	my ($kind) = @_;
	my @all = map { basename($_) =~ s/(\.test)?\.\w+$//r } sort glob($kinds{$kind}[0]);
	my @wanted = split ' ', $ENV{TESTS} // '';
	return @all if grep { $_ eq $kind } @wanted or !@wanted;
	my %named = map { /^\Q$kind\E:(.+)/ ? ($1 => 1) : () } @wanted;
	my @found = grep { delete $named{$_} } @all;
	die "no $kind test named " . join(', ', sort keys %named) . "\n" if %named;
	return @found;
}

# Note what became of one file; output is shown when it failed.
sub note_result
{
	my ($kind, $name, $count, $output) = @_;
	push @rows, { kind => $kind, name => $name, %$count };
	return if $count->{failed} == 0;
	print "==== $kind: $name failed", ($count->{reason} ? " ($count->{reason})" : ''), "\n";
	my @lines = split /\n/, $output;
	splice @lines, 0, @lines - 400, '[...]' if @lines > 400;
	print "$_\n" foreach @lines;
	return;
}

# The end of what the server logged since $offset, if this kind failed.
sub show_log
{
	my ($kind, $offset) = @_;
	return unless grep { $_->{kind} eq $kind && $_->{failed} } @rows;
	my @lines = split /\n/, substr(slurp($log), $offset);
	splice @lines, 0, @lines - 60 if @lines > 60;
	print "==== end of the server's log during $kind\n", map { "$_\n" } @lines;
	return;
}

# Both drivers print the same, "ok" and "not ok" since PostgreSQL 16.
sub run_driver
{
	my ($kind, $driver, $input, $database, @names) = @_;
	my $output_dir = "$root/results/$kind";
	make_path($output_dir, "$input/expected");

	# The driver gives up at a missing file; an empty one makes a diff.
	run('touch', '-a', map { "$input/expected/$_.out" } @names);
	my ($status, $output) = capture("$output_dir/driver.log",
		$driver, "--bindir=$bin", "--inputdir=$input", "--outputdir=$output_dir",
		"--dbname=$database", '--load-extension=syncport', @names);
	my %diff = map { m!^diff .*/(\S+)\.out\n! ? ($1 => $_) : () }
	  split /^(?=diff )/m, slurp("$output_dir/regression.diffs");
	foreach my $name (@names)
	{
		my $passed = $output =~ /^(?:test|ok \d+\s+[-+])?\s*\Q$name\E\s.*$/m
		  && $& =~ /^ok\b|\.\.\. ok\b/;
		note_result($kind, $name, { passed => $passed ? 1 : 0, failed => $passed ? 0 : 1 },
			$diff{$name} // $output);
	}
	note_result($kind, 'driver', { passed => 0, failed => 1 }, $output)
	  if $status != 0 && !grep { $_->{kind} eq $kind && $_->{failed} } @rows;
	return;
}

sub run_regress
{
	run_driver('regress', "$pgxs/src/test/regress/pg_regress", $src,
		'contrib_regression', @_);
	return;
}

sub run_isolation
{
	run_driver('isolation', "$pgxs/src/test/isolation/pg_isolation_regress",
		"$src/test/isolation", 'isolation_regression', @_);
	return;
}

# Run a file in a database of its own, so that none leans on another;
# (exit status, output).
sub run_script
{
	my ($kind, $name) = @_;
	my $database = "${kind}_$name";
	run('createdb', $database);
	my @result = capture("$root/results/$database.log",
		'timeout', $PATIENCE, 'psql', '-XAtq', '-d', $database,
		'-v', 'ON_ERROR_STOP=1', '-P', 'pager=off', '-f', "test/$kind/$name.sql");
	run('dropdb', '--force', $database) if server_is_up();
	return @result;
}

sub run_pgtap
{
	foreach my $name (@_)
	{
		my ($status, $output) = run_script('pgtap', $name);
		note_result('pgtap', $name, tap_counts($output, $status), $output);
	}
	return;
}

# A fuzz file fails by an error that it does not expect, or a crash.
sub run_fuzz
{
	foreach my $name (@_)
	{
		my ($status, $output) = run_script('fuzz', $name);
		my $failed = $status != 0 || !server_is_up() ? 1 : 0;
		note_result('fuzz', $name, { passed => 1 - $failed, failed => $failed }, $output);
	}
	return;
}

# A crashed backend takes the server through recovery: wait for its end.
sub server_is_up
{
	my ($status) = capture("$root/results/ready.log", 'pg_ctl', '-D', "$root/data",
		'-w', '-t', '60', 'status');
	foreach (1 .. 600)
	{
		return 1 if run('pg_isready', '-q', '-t', '5') == 0;
		return 0 if $status != 0;
		select undef, undef, undef, 0.1;
	}
	return 0;
}

# A backend that died is a failure whatever the test's output says.
sub check_log
{
	my @reports = grep {
		/was terminated by signal|ERROR: (?:Address|Undefined\w*)Sanitizer|runtime error:|TRAP: /
	} split /\n/, slurp($log);
	note_result('server', $sanitize ? 'sanitizer' : 'crashes',
		{ passed => @reports ? 0 : 1, failed => scalar @reports },
		join("\n", @reports, '---- log from the first report', log_from($reports[0])));
	return;
}

# Some lines of the log from the given one on.
sub log_from
{
	my ($line) = @_;
	return '' unless defined $line;
	my $text = slurp($log);
	my @lines = split /\n/, substr($text, index($text, $line));
	return @lines > 60 ? @lines[ 0 .. 59 ] : @lines;
}

# As PGXS's prove_installcheck sets them up, but on private binaries.
sub run_tap
{
	foreach my $name (@_)
	{
		my $dir = "$root/results/tap/$name";
		make_path($dir);
		local %ENV = (
			%ENV,
			TESTDIR => $dir,
			TESTLOGDIR => "$dir/tmp_check/log",
			TESTDATADIR => "$dir/tmp_check",
			PGPORT => 65432,
			PG_REGRESS => "$pgxs/src/test/regress/pg_regress",
			top_builddir => $pgxs,
			share_contrib_dir => "$root/usr/share/postgresql/$pg/extension");
		delete @ENV{qw(PGHOST PGUSER PGDATABASE)};
		my ($status, $output) = capture("$dir/output.log",
			'timeout', '--kill-after=10', $PATIENCE,
			'perl', '-I', "$pgxs/src/test/perl", '-I', "$src/test/t", "$src/test/t/$name.pl");
		my $count = tap_counts($output, $status);
		$output .= "---- end of $_\n" . `tail -n 40 '$_'`
		  foreach $count->{failed} ? glob("$dir/tmp_check/log/*.log") : ();
		note_result('tap', $name, $count, $output);
	}
	return;
}

# Client libraries in Node, each in databases of its own.
sub run_clients
{
	foreach my $name (@_)
	{
		if (!$ENV{HARNESS_NODE})
		{
			note_result('clients', $name, { passed => 0, failed => 0, skipped => 1 }, '');
			next;
		}
		my ($status, $output) = capture("$root/results/clients_$name.log",
			'timeout', 180, $ENV{HARNESS_NODE}, '--test', '--test-reporter=tap',
			"test/clients/$name.test.mjs");
		note_result('clients', $name, node_counts($output, $status), $output);
	}
	print "harness: clients skipped: $ENV{HARNESS_NO_NODE}\n" if !$ENV{HARNESS_NODE};
	return;
}

# Node nests its tests and sums them up at the end.
sub node_counts
{
	my ($output, $status) = @_;
	my %sum = map { /^# (pass|fail|cancelled|skipped) (\d+)$/ ? ($1 => $2) : () } split /\n/, $output;
	my %count = (
		passed => $sum{pass} // 0,
		failed => ($sum{fail} // 0) + ($sum{cancelled} // 0),
		skipped => $sum{skipped} // 0);
	if ($count{failed} == 0 && ($status != 0 || $count{passed} == 0))
	{
		$count{failed} = 1;
		$count{reason} = "ended with status $status, $count{passed} passed";
	}
	return \%count;
}

sub run_lint
{
	my ($status, $output) = capture("$root/results/lint.log", 'perl', 'test/lint/lint.pl');
	note_result('lint', 'lint', tap_counts($output, $status), $output);
	return;
}

# The server itself is not instrumented: the runtime has to come first.  It
# starts at the first allocation and looks up symbols then; within the
# constructor of a library that is binding a text domain, the message about a
# missing symbol would take the lock that is held and spoil it for ever.  So a
# library whose constructor comes before all others allocates.
sub sanitizer_environment
{
	my @libraries = map { my $path = `gcc -print-file-name=$_`; chomp $path; $path }
	  qw(libasan.so libubsan.so);
	open(my $first, '>', "$root/first.c") or die "first.c: $!\n";
	print $first "#include <stdlib.h>\n",
	  "__attribute__((constructor)) static void start(void) { free(malloc(1)); }\n";
	close($first);
	run('gcc', '-O0', '-shared', '-fPIC', '-Wl,-z,initfirst', '-o', "$root/first.so",
		"$root/first.c") == 0
	  or die "could not build the first library\n";
	push @libraries, "$root/first.so";
	return {
		LD_PRELOAD => join(':', @libraries),
		ASAN_OPTIONS => 'detect_leaks=0:abort_on_error=1:detect_odr_violation=0',
		UBSAN_OPTIONS => 'print_stacktrace=1:abort_on_error=1' };
}

sub print_table
{
	my ($passed, $failed) = (0, 0);
	print "\nPostgreSQL $pg\n";
	printf "%-10s %-34s %7s %7s %7s\n", qw(kind file passed failed skipped);
	foreach my $row (@rows)
	{
		printf "%-10s %-34s %7d %7d %7d\n", $row->{kind}, $row->{name},
		  $row->{passed}, $row->{failed}, $row->{skipped} // 0;
		$passed += $row->{passed};
		$failed += $row->{failed};
	}
	print "\n$passed passed, $failed failed\n";
	return $failed || !$passed ? 1 : 0;
}

my %names = map { $_ => [ names_of($_) ] } @order;

# The formatter belongs to Debian 12; one release's verdict is enough.
$names{lint} = [] if $pg != 15 && !grep { $_ eq 'lint' } split ' ', $ENV{TESTS} // '';

set_up($sanitize ? "-O1 -fno-omit-frame-pointer $SANITIZERS" : '-Werror');
if (grep { @{ $names{$_} // [] } } qw(regress isolation pgtap clients fuzz))
{
	$log = start_cluster({
			shared_preload_libraries => 'pg_cron',
			'cron.database_name' => 'postgres',
			fsync => 'off',
			max_prepared_transactions => 10 },
		$sanitize ? sanitizer_environment() : {});
}
foreach my $kind (@order)
{
	my @names = @{ $names{$kind} } or next;
	my $offset = $log ? -s $log : 0;
	$kinds{$kind}[1]->(@names);
	show_log($kind, $offset) if $log && $kind ne 'tap' && $kind ne 'lint';
}
check_log() if $log;
print_table();
