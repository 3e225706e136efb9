# The race of writers against pollers, and what the pollers lost.
#
# 16 writers change two tables, one per way to keep what was deleted, and hold
# their transactions for 0 to 50 ms before they end them; what was deleted is
# purged after some seconds.  Pollers of each table page through the feed, one
# of them starts over all the time; a naive one asks for updated_at > the last
# it saw.  When the writers are done each poller asks until nothing comes, and
# compares its copy with what the server has.

package Feed::Race;

use strict;
use warnings;

use Feed::Client;
use Feed::Session;
use File::Path qw(rmtree);
use File::Temp qw(tempdir);
use Time::HiRes qw(sleep time);

my $WRITERS = 16;
my $PAGE = 40;
my $HOT = 200;

# Much longer than a poller is away, and than a transaction is open.
my $RETENTION = '4 s';

# name => [mode of tombstones, condition of live rows]
our %TABLES = (
	race_row => [ 'row', 'deleted_at IS NULL' ],
	race_image => [ 'image', 'true' ]);

# The tables, with rows that all writers fight for.
sub set_up
{
	my ($session) = @_;

	foreach my $table (sort keys %TABLES)
	{
		$session->must($_)
		  for "DROP TABLE IF EXISTS $table CASCADE",
		  "CREATE TABLE $table (id bigint PRIMARY KEY, n integer, v text)",
		  "INSERT INTO $table SELECT g, g, 'first' FROM generate_series(1, $HOT) g",
		  "SELECT syncport.enable('$table', tombstones => '$TABLES{$table}[0]', retention => '$RETENTION')",
		  "CREATE INDEX ON $table (updated_at)";
	}
	return;
}

# Run for so many seconds; a list of hashes, one per poller: table, poller,
# naive, polls, rows, resets, lost, extra, twice, broken (text); and one per
# writer.
sub run
{
	my ($connection, $seconds, $seed) = @_;
	my $dir = tempdir(CLEANUP => 0);
	my $until = time + $seconds;
	my (@writers, @pollers, @results);

	foreach my $table (sort keys %TABLES)
	{
		push @pollers, start("$dir/$table.$_", \&poll, $connection, $table, $_, "$dir/quiet")
		  for 0, 100, 1000, 'new';
		push @pollers, start("$dir/$table.naive", \&poll_naively, $connection, $table, "$dir/quiet");
	}
	push @writers, start("$dir/writer.$_", \&write_rows, $connection, $_, $until, $seed)
	  for 1 .. $WRITERS;
	push @writers, start("$dir/purge", \&purge, $connection, $until);
	my $failed = wait_for(@writers);
	open my $quiet, '>', "$dir/quiet" or die "quiet: $!\n";
	close $quiet;
	$failed += wait_for(@pollers);
	@results = map { read_result($_) } sort glob "$dir/*.*";
	rmtree($dir);
	die "$failed of the race's processes failed\n" if $failed;
	return @results;
}

# A child that writes what a function returns, a hash, to a file.
sub start
{
	my ($file, $function, @arguments) = @_;
	my $pid = fork() // die "fork: $!\n";

	return $pid if $pid;
	# without the exit handlers of our parent
	eval {
		my %result = $function->(@arguments);
		open my $out, '>', $file or die "$file: $!\n";
		print $out map { "$_\t" . ($result{$_} =~ tr/\n/ /r) . "\n" } sort keys %result;
		close $out or die "$file: $!\n";
		1;
	} or do { print STDERR "race: $@"; require POSIX; POSIX::_exit(1) };
	require POSIX;
	POSIX::_exit(0);
}

sub wait_for
{
	my $failed = 0;

	foreach my $pid (@_)
	{
		waitpid $pid, 0;
		$failed++ if $?;
	}
	return $failed;
}

sub read_result
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	return { map { chomp; split /\t/, $_, 2 } <$in> };
}

# ------------------------------------------------------------------- writers

sub pick { return $_[ int rand @_ ]; }

sub write_rows
{
	my ($connection, $number, $until, $seed) = @_;
	my $session = Feed::Session->new($connection, "writer $number");
	my $self = { number => $number, counter => 0, errors => {} };
	my ($transactions, %states) = (0);

	srand($seed * 100 + $number);
	$session->must("SET deadlock_timeout = '20ms'");
	while (time < $until)
	{
		my ($state) = $session->run(join ";\n", transaction($self));
		$states{$state}++;
		$transactions++;
	}
	$session->quit;
	return (
		writer => $number,
		transactions => $transactions,
		states => join ' ', map { "$_:$states{$_}" } sort keys %states);
}

sub purge
{
	my ($connection, $until) = @_;
	my $session = Feed::Session->new($connection, 'purge');

	while (time < $until)
	{
		$session->must("CALL syncport.purge('$_')") for sort keys %TABLES;
		sleep 0.3;
	}
	$session->quit;
	return ();
}

sub transaction
{
	my ($self) = @_;
	my $table = pick(sort keys %TABLES);
	my @statements = ('BEGIN');

	foreach (1 .. 1 + int rand 4)
	{
		$table = pick(sort keys %TABLES) if rand() < 0.1;
		my @some = change($self, $table);
		@some = ('SAVEPOINT s', @some, rand() < 0.5 ? 'ROLLBACK TO s' : 'RELEASE s')
		  if rand() < 0.2;
		push @statements, @some;
	}
	# more than the server keeps of a transaction's children
	push @statements, map { ("SAVEPOINT s$_", change($self, $table)) } 1 .. 70
	  if rand() < 0.01;
	push @statements, sprintf('SELECT pg_sleep(%.4f)', rand(0.05)),
	  rand() < 0.1 ? 'ROLLBACK' : 'COMMIT';
	return @statements;
}

# The statements of one change.
sub change
{
	my ($self, $table) = @_;
	my $new = 1_000 + $self->{number} + 100 * ++$self->{counter};
	my $key = rand() < 0.3 ? 1 + int rand $HOT : 1_000 + 1 + int(rand $WRITERS) + 100 * int(1 + rand $self->{counter});
	my $other = 1 + int rand $HOT;
	my $live = $TABLES{$table}[0] eq 'row' ? ', deleted_at = NULL' : '';
	my $n = int rand 1_000_000;
	my $insert = "INSERT INTO $table (id, n, v) VALUES";
	my $kind = pick(('insert') x 4, ('update') x 4, ('upsert') x 3, ('delete') x 3,
		('restore') x 2, 'swap', 'again', 'move');

	return {
		insert => ["$insert ($new, $n, 'new')"],
		update => ["UPDATE $table SET n = $n WHERE id = $key"],
		upsert => ["$insert ($key, $n, 'up') ON CONFLICT (id) DO UPDATE SET n = excluded.n$live"],
		delete => ["DELETE FROM $table WHERE id = $key"],
		restore => ["SELECT syncport.restore('$table', '{\"id\":$key}')"],
		swap => [
			"UPDATE $table SET id = -$new WHERE id = $key",
			"UPDATE $table SET id = $key WHERE id = $other",
			"UPDATE $table SET id = $other WHERE id = -$new" ],
		again => [
			"DELETE FROM $table WHERE id = $key",
			"$insert ($key, $n, 'again') ON CONFLICT (id) DO UPDATE SET n = excluded.n$live" ],
		move => ["UPDATE $table SET id = $new WHERE id = $key"],
	}->{$kind}->@*;
}

# ------------------------------------------------------------------- pollers

# What is live on the server, as key and JSON.
sub server_rows
{
	my ($session, $table) = @_;

	return Feed::Client::rows_of($session->must(
		"SELECT to_jsonb(id)::text, to_jsonb(t)::text FROM $table t WHERE $TABLES{$table}[1]"));
}

# Pause says how many milliseconds to wait when there is nothing more; 'new'
# is who forgets everything now and then.
sub poll
{
	my ($connection, $table, $pause, $quiet) = @_;
	my $session = Feed::Session->new($connection, "poller $pause");
	my $client = Feed::Client->new("poller $pause", { $table => '' }, { page_size => $PAGE });
	my $forget = time + 1;
	my %result = (
		table => $table, poller => $pause eq 'new' ? $pause : "$pause ms", naive => 0,
		polls => 0, rows => 0, resets => 0, twice => 0, broken => '');

	while (1)
	{
		my $last = -e $quiet;
		my $answer = $client->take($session->must($client->statement));
		$result{polls}++;
		$result{rows} += $answer->{rows};
		$result{twice} += $answer->{twice};
		$result{broken} ||= join ', ', @{ $answer->{broken} },
		  map { "reset: $_" } grep { $_ ne 'purged' } values %{ $answer->{reset} };
		if (%{ $answer->{reset} } || $pause eq 'new' && !$last && time > $forget)
		{
			$result{resets}++ if %{ $answer->{reset} };
			$client->start_over($table);
			$forget = time + rand 3;
			next;
		}
		next unless $answer->{complete};
		last if $last;
		sleep $pause / 1000 if $pause ne 'new';
	}
	my ($lost, $extra) = $client->differences($table, server_rows($session, $table));
	$session->quit;
	return (%result, lost => scalar @$lost, extra => scalar @$extra,
		keys => join ' ', @{$lost}[ 0 .. ($#$lost < 4 ? $#$lost : 4) ], '/',
		@{$extra}[ 0 .. ($#$extra < 4 ? $#$extra : 4) ]);
}

# Everybody's first idea.  Rows that are gone it cannot see, and nobody
# blames it for them.
sub poll_naively
{
	my ($connection, $table, $quiet) = @_;
	my $session = Feed::Session->new($connection, 'naive');
	my ($since, %rows) = ('-infinity');
	my %result = (table => $table, poller => 'naive', naive => 1,
		polls => 0, rows => 0, resets => 0, twice => 0, extra => 0, broken => '');

	while (1)
	{
		my $last = -e $quiet;
		my $output = $session->must("SELECT to_jsonb(id)::text, updated_at, to_jsonb(t)::text"
			  . " FROM $table t WHERE updated_at > '$since' ORDER BY updated_at");
		$result{polls}++;
		foreach my $line (split /\n/, $output)
		{
			(my $key, $since, my $row) = split /\t/, $line, 3;
			$rows{$key} = $row;
			$result{rows}++;
		}
		last if $last;
	}
	my $server = server_rows($session, $table);
	$session->quit;
	return (%result, lost => scalar grep { ($rows{$_} // '') ne $server->{$_} } keys %$server);
}

1;
