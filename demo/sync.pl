# The second act of the demo: three clients keep copies of the sales while
# others write.  The phone asks the server, the tablet a standby, the laptop
# goes away for longer than deleted rows are kept.  In the end every copy has
# to equal the server's rows.
#
# Each client is a process that keeps its checkpoint and its rows in memory;
# files in a directory tell it to go, to come back and to finish.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../test/t/lib";
use Demo qw(say_at with_commas compare_copies);
use Digest::MD5 qw(md5_hex);
use Feed::Session;
use Harness qw($root run capture);
use POSIX ();
use Time::HiRes qw(sleep time);

my $STANDBY = 'port=65433';
my $PAGE = 5000;
my $RETENTION = 5;
my $dir = "$root/sync";
$| = 1;
mkdir $dir or die "$dir: $!\n";

# ------------------------------------------------------------------- clients

sub signal_file { open my $file, '>', "$dir/$_[0]" or die "$_[0]: $!\n"; return }

sub wait_for
{
	my ($name, @pids) = @_;
	until (-e "$dir/$name")
	{
		sleep 0.05;
		waitpid($_, POSIX::WNOHANG()) == $_ && die "a process of the demo has ended\n" for @pids;
	}
	return;
}

# One page: what it holds is taken in, the answer's other members returned.
# Quotes within values are escaped, so these marks are where they seem to be.
sub pull
{
	my ($self, $least) = @_;
	my $from = defined $self->{cursor} ? qq("$self->{cursor}") : 'null';
	my $seq = $least ? qq(,"at_least_seq":$least) : '';
	my $answer = $self->{session}->must(
		qq(SELECT syncport.pull('{"tables":{"records":{"cursor":$from}},"page_size":$PAGE,"max_bytes":100000000$seq}')));

	return { reset => $1 } if $answer =~ /\A\{"tables":\{"records":\{"reset":"(\w+)"/;
	my $first = index($answer, '"upserts":[') + 11;
	my $second = rindex $answer, '],"deletes":[';
	my $last = rindex $answer, '],"cursor":';
	my ($cursor, $complete) = substr($answer, $last) =~ /\A\],"cursor":("[^"]+"|null),"complete":(true|false)/
	  or die 'what is this? ' . substr($answer, 0, 1000) . "\n";
	foreach my $row (split /\},\{"id":"/, $second > $first ? substr $answer, $first + 7, $second - $first - 8 : "")
	{
		$self->{rows}{ substr $row, 0, 36 } = $row;
		$self->{upserts}++;
	}
	foreach my $key (substr($answer, $second + 13, $last - $second - 13) =~ /"id":"([^"]+)"/g)
	{
		delete $self->{rows}{$key};
		$self->{deletes}++;
	}
	$self->{cursor} = $1 if $cursor =~ /"(.*)"/;
	$self->{pages}++;
	return { complete => $complete eq 'true', behind => index($answer, q("behind":true), $last) > 0 };
}

sub start_anew
{
	my ($self) = @_;
	@$self{qw(cursor rows upserts deletes pages since)} = (undef, {}, 0, 0, 0, time);
	return;
}

# Pull until there is nothing more; false if the client must start anew.
sub catch_up
{
	my ($self, $least) = @_;

	while (1)
	{
		my $answer = pull($self, $least);
		if ($answer->{reset})
		{
			say_at($self->{name}, "is answered  reset: $answer->{reset}");
			return 0;
		}
		return 1 if $answer->{complete} && !$answer->{behind};
		sleep 0.05 if $answer->{behind};
	}
}

sub tell_load
{
	my ($self) = @_;
	say_at($self->{name}, sprintf 'has everything: %s rows in %s pages and %.1f s',
		with_commas(scalar keys %{ $self->{rows} }), with_commas($self->{pages}), time - $self->{since});
	return;
}

sub run_client
{
	my ($name, $connection, $leaves) = @_;
	my $self = { name => $name, session => Feed::Session->new($connection, $name) };
	my $least;

	start_anew($self);
	catch_up($self) or die "$name is reset\n";
	tell_load($self);
	signal_file("$name.loaded");
	if ($leaves)
	{
		say_at($name, 'goes away');
		wait_for('back');
		say_at($name, 'comes back');
		if (!catch_up($self))
		{
			start_anew($self);
			catch_up($self) or die "$name is reset again\n";
			tell_load($self);
		}
		signal_file("$name.back");
	}
	@$self{qw(upserts deletes pages)} = (0, 0, 0);
	until (-e "$dir/quiet")
	{
		catch_up($self) or die "$name is reset\n";
		sleep 0.3;
	}
	open my $file, '<', "$dir/quiet" or die "quiet: $!\n";
	chomp($least = <$file> // '');
	catch_up($self, $least) or die "$name is reset\n";
	say_at($name, sprintf 'has caught up: %s upserts and %s deletes in %s answers',
		map { with_commas($self->{$_}) } qw(upserts deletes pages));
	my $sum = 0;
	$sum += hex substr md5_hex(qq({"id":"$_})), 0, 8 for values %{ $self->{rows} };
	open $file, '>', "$dir/$name.result" or die "result: $!\n";
	print $file scalar(keys %{ $self->{rows} }), "\t$sum\n";
	close $file;
	return;
}

# ------------------------------------------------------------------- writers

# Sales are added, changed, deleted and restored, in transactions that
# overlap; some are rolled back.
sub run_writer
{
	my ($number) = @_;
	my $session = Feed::Session->new('', "writer $number");
	my ($new, $done) = (0, 0);

	srand($number);
	my @ids = split /\n/, $session->must("SELECT id FROM records TABLESAMPLE SYSTEM (1) REPEATABLE ($number)");
	until (-e "$dir/stop")
	{
		my ($id, $other) = map { $ids[ rand @ids ] } 1 .. 2;
		$new++;
		my $copy = "INSERT INTO records SELECT (jsonb_populate_record(r, jsonb_build_object('id', md5('new $number $new')::uuid))).* FROM records r WHERE id = '$other'";
		my @statements = map { (
			"UPDATE records SET quantity = quantity + 1 WHERE id = '$id'",
			"UPDATE records SET sale_price = sale_price + 1 WHERE id IN ('$id', '$other')",
			"DELETE FROM records WHERE id = '$id'",
			qq(SELECT syncport.restore('records', '{"id":"$id"}')),
			$copy)[ rand 5 ] } 1 .. 3;
		my $hold = sprintf 'SELECT pg_sleep(%.3f)', rand 0.05;
		my ($state, $output) = $session->run(join ";\n", 'BEGIN', @statements, $hold, rand() < 0.9 ? 'COMMIT' : 'ROLLBACK');
		$done++ if $state eq '00000';
	}
	open my $file, '>', "$dir/writer.$number" or die "writer: $!\n";
	print $file "$done\n";
	close $file;
	$session->quit;
	return;
}

sub start_process
{
	my ($function, @arguments) = @_;
	my $pid = fork() // die "fork: $!\n";
	return $pid if $pid;
	eval { $function->(@arguments); 1 } or do {
		print STDERR $@;
		POSIX::_exit(1);
	};
	POSIX::_exit(0);
}

sub finish
{
	foreach my $pid (@_)
	{
		waitpid $pid, 0;
		die "a process of the demo failed\n" if $?;
	}
	return;
}

sub must_run
{
	my ($what, @command) = @_;
	my ($status, $output) = capture("$dir/$what.log", @command);
	die "$what: $output\n" if $status != 0;
	return;
}

# ------------------------------------------------------------------ the play

print "\n# three clients, four writers, a server and its standby\n\n";
must_run('basebackup', 'pg_basebackup', '-D', "$root/standby", '-R', '-c', 'fast', '--no-sync', '-X', 'stream');
must_run('standby', 'pg_ctl', '-D', "$root/standby", '-l', "$root/standby.log", '-w',
	'-o', '-p 65433', 'start');
say_at('standby', 'follows the server');
my $admin = Feed::Session->new('', 'admin');
$admin->must("SELECT syncport.enable('records', retention => '$RETENTION s')");
say_at('server', 'has ' . with_commas($admin->must('SELECT count(*) FROM records'))
	  . " rows and keeps what is deleted for $RETENTION seconds");

my @writers = map { start_process(\&run_writer, $_) } 1 .. 4;
say_at('writers', 'begin');
my @clients = (
	start_process(\&run_client, 'phone', '', 0),
	start_process(\&run_client, 'tablet', $STANDBY, 0),
	start_process(\&run_client, 'laptop', '', 1));
wait_for("$_.loaded", @clients) for qw(phone tablet laptop);

my $day = $admin->must("WITH gone AS (DELETE FROM records WHERE sale_date = '2020-03-03' RETURNING 1) SELECT count(*) FROM gone");
say_at('server', "a day of sales is deleted: $day rows");
sleep $RETENTION + 1;
my $purged = $admin->must("CALL syncport.purge('records')");
say_at('server', 'purge forgets what was deleted: ' . with_commas((split /\t/, $purged)[0]) . ' rows');
signal_file('back');
wait_for('laptop.back', @clients);

signal_file('stop');
finish(@writers);
my $done = 0;
$done += do { open my $file, '<', $_ or die "$_: $!\n"; <$file> } for glob "$dir/writer.*";
say_at('writers', 'have done ' . with_commas($done) . ' transactions');

# The standby has to have seen the last one.
$admin->must('BEGIN');
$admin->must("UPDATE records SET quantity = quantity + 1 WHERE id = (SELECT id FROM records LIMIT 1)");
my $last = $admin->must('SELECT pg_current_xact_id()');
$admin->must('COMMIT');
open my $file, '>', "$dir/quiet.new" or die "quiet: $!\n";
print $file "$last\n";
close $file;
rename "$dir/quiet.new", "$dir/quiet" or die "quiet: $!\n";
finish(@clients);

my %sums = (server => $admin->must(
	"SELECT count(*), sum(('x' || left(md5(row_to_json(r)::text), 8))::bit(32)::bigint) FROM records r"));
foreach my $name (qw(phone tablet laptop))
{
	open my $result, '<', "$dir/$name.result" or die "$name: $!\n";
	chomp($sums{$name} = <$result>);
}
my $different = compare_copies(\%sums, qw(phone tablet laptop));
$admin->quit;
must_run('end', 'pg_ctl', '-D', "$root/standby", '-m', 'fast', '-w', 'stop');
exit($different ? 1 : 0);
