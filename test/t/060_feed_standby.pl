# The feed on a hot standby, and clients that alternate between it and its
# primary: whatever is in progress, nothing is lost.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Feed::Poll;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', q{
autovacuum = off
max_prepared_transactions = 10
});
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE TABLE records (id int PRIMARY KEY, v text);
	SELECT syncport.enable('records');
	INSERT INTO records SELECT i, 'first' FROM generate_series(1, 10) i;
});
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

sub write_rows
{
	my ($sql) = @_;
	$primary->safe_psql('postgres', $sql);
	return;
}

# Open and prepared transactions.  On a standby pg_current_snapshot() does not
# list them: a position made of it would pass them by.
my $reader = client('reader of the standby');
my $alternating = client('alternating client');
my $open = $primary->background_psql('postgres');
$open->query_safe(q{BEGIN; INSERT INTO records VALUES (100, 'open');});
write_rows(q{BEGIN; INSERT INTO records VALUES (101, 'prepared');
	UPDATE records SET v = 'prepared' WHERE id = 1;
	PREPARE TRANSACTION 'one';});
write_rows(q{INSERT INTO records VALUES (102, 'committed')});
$primary->wait_for_catchup($standby);
like($standby->safe_psql('postgres', 'SELECT pg_current_snapshot()'), qr/:$/,
	'the standby lists no transaction in progress');
is(catch_up($reader, $standby), 11, 'the standby gives what is committed');
is(catch_up($alternating, $standby), 11, 'the same to another client');
is_copy($reader, $standby, 'the reader has what the standby has');
$open->query_safe('COMMIT');
write_rows(q{COMMIT PREPARED 'one'; INSERT INTO records VALUES (103, 'later');
	DELETE FROM records WHERE id = 2;});
is(catch_up($alternating, $primary), 5, 'the primary gives what was in progress then');
is_copy($alternating, $primary, 'the client has what the primary has');
$primary->wait_for_catchup($standby);
is(catch_up($reader, $standby), 5, 'the standby gives it, too');
is_copy($reader, $primary, 'the reader has what the primary has');
is(catch_up($alternating, $standby), 0, 'the standby has nothing new for who was there');

# A standby that starts while transactions are open learns of them in another
# way.
$open->query_safe(q{BEGIN; INSERT INTO records VALUES (110, 'open');});
write_rows(q{BEGIN; INSERT INTO records VALUES (111, 'prepared'); PREPARE TRANSACTION 'two';});
$standby->restart;
write_rows(q{CHECKPOINT; INSERT INTO records VALUES (112, 'committed');});
$primary->wait_for_catchup($standby);
is(catch_up($reader, $standby), 1, 'what was committed, after a restart of the standby');
$open->query_safe('COMMIT');
write_rows(q{COMMIT PREPARED 'two'});
$primary->wait_for_catchup($standby);
is(catch_up($reader, $standby), 2, 'and the rest');
is_copy($reader, $standby, 'the reader has it all');

# More subtransactions than the server keeps in memory
sub many_savepoints
{
	my ($first, $count) = @_;
	return join '', map { "SAVEPOINT s$_; INSERT INTO records VALUES ($_, 'deep');" }
		$first .. $first + $count - 1;
}
$open->query_safe('BEGIN; ' . many_savepoints(200, 150));
write_rows(q{INSERT INTO records VALUES (198, 'flat')});
write_rows('BEGIN; ' . many_savepoints(400, 80) . q{PREPARE TRANSACTION 'three'});
write_rows(q{INSERT INTO records VALUES (199, 'flat')});
$primary->wait_for_catchup($standby);
is(catch_up($reader, $standby), 2, 'the standby gives what is committed, with an overflow');
catch_up($alternating, $primary);
is_copy($alternating, $primary, 'so does the primary');
$open->query_safe('ROLLBACK TO s300; COMMIT');
write_rows(q{COMMIT PREPARED 'three'});
catch_up($alternating, $primary);
is_copy($alternating, $primary, 'the primary gives the rest');
$primary->wait_for_catchup($standby);
is(catch_up($reader, $standby), 180, 'and the standby');
is_copy($reader, $primary, 'they agree');

# One client, both servers in turn, without waiting for the standby; a
# transaction is always in progress.
foreach my $round (1 .. 20)
{
	write_rows(qq{BEGIN; INSERT INTO records VALUES (1000 + $round, 'turn');
		DELETE FROM records WHERE id = 3 * $round;
		PREPARE TRANSACTION 'turn $round';});
	write_rows(qq{UPDATE records SET v = 'turn $round' WHERE id % 20 = $round - 1;});
	write_rows("COMMIT PREPARED 'turn " . ($round - 1) . q{'}) if $round > 1;
	my $answer = poll($alternating, $round % 2 ? $primary : $standby);
	is($answer->{reason}, '', "turn $round: no reset");
}
write_rows(q{COMMIT PREPARED 'turn 20'});
$primary->wait_for_catchup($standby);
catch_up($alternating, $standby);
is_copy($alternating, $primary, 'nothing is lost in turns');

# A standby that lags answers nothing to who has been at the primary.
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
$standby->poll_query_until('postgres', q{SELECT pg_get_wal_replay_pause_state() = 'paused'})
	or die 'replay goes on';
write_rows(q{INSERT INTO records VALUES (2000, 'unknown to the standby')});
catch_up($alternating, $primary);
my $cursor = position($alternating);
my $answer = poll($alternating, $standby);
is_deeply([ @$answer{qw(behind rows reason)} ], [ 1, 0, '' ], 'a standby that lags is behind');
is(position($alternating), $cursor, 'the client keeps its cursor');
catch_up($reader, $standby);
is_copy($reader, $standby, 'who has only been there is served');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
write_rows(q{INSERT INTO records VALUES (2001, 'later')});
is(catch_up($alternating, $standby), 1, 'once it gets there it goes on');
is_copy($alternating, $primary, 'nothing is lost by a lag');

# A standby can be ahead: it shows what its primary keeps back until another
# standby, which does not exist here, has it.
catch_up($alternating, $primary);
$primary->append_conf('postgresql.conf', q{synchronous_standby_names = 'nobody'});
$open->quit;
$primary->restart;
$open = $primary->background_psql('postgres');
$open->query_until(qr/waiting/, q{
\echo waiting
INSERT INTO records VALUES (3000, 'ahead');
\echo done
});
$primary->poll_query_until('postgres',
	q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'})
	or die 'the commit does not wait';
$standby->poll_query_until('postgres', 'SELECT count(*) = 1 FROM records WHERE id = 3000')
	or die 'the standby does not get it';
is($primary->safe_psql('postgres', 'SELECT count(*) FROM records WHERE id = 3000'), 0,
	'the primary keeps it back');
my $stayed = client('client of the primary');
catch_up($stayed, $primary);
is(catch_up($alternating, $standby), 1, 'the standby gives it');
$cursor = position($alternating);
$answer = poll($alternating, $primary);
is_deeply([ @$answer{qw(behind rows reason)} ], [ 1, 0, '' ], 'the primary is behind then');
is(position($alternating), $cursor, 'the client keeps its cursor');
$primary->append_conf('postgresql.conf', q{synchronous_standby_names = ''});
$primary->reload;
$open->query_until(qr/done/, '');
write_rows(q{UPDATE records SET v = 'both' WHERE id = 3000});
is(catch_up($alternating, $primary), 1, 'it goes on where the commit ended');
is_copy($alternating, $primary, 'nothing is lost at who is ahead');
is(catch_up($stayed, $primary), 1, 'nor');
is_copy($stayed, $primary, 'by who was not');

$open->quit;
$standby->stop;
$primary->stop;
done_testing();
