# Servers that take over from another one: a cursor goes on where its past is
# theirs, and is reset with the right reason where it is not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Feed::Poll;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use File::Path qw(rmtree);
use Test::More;

my $first = PostgreSQL::Test::Cluster->new('first');
$first->init(allows_streaming => 1, has_archiving => 1);
$first->append_conf('postgresql.conf', 'autovacuum = off');
$first->start;
$first->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE TABLE records (id int PRIMARY KEY, v text);
	SELECT syncport.enable('records');
	INSERT INTO records SELECT i, 'first' FROM generate_series(1, 10) i;
	CREATE TABLE quiet (id int PRIMARY KEY, v text);
	SELECT syncport.enable('quiet', retention => '0');
	INSERT INTO quiet VALUES (1, 'a'), (2, 'b'), (3, 'c');
	DELETE FROM quiet WHERE id = 3;
});
$first->backup('base');

# A table that nobody writes to is not to be reset, whatever else happens.
my $quiet = $first->safe_psql('postgres', q{SELECT syncport.feed_position('quiet')});
sub quiet_is_quiet
{
	my ($node, $when) = @_;
	my $answer = $node->safe_psql('postgres', qq{
		SELECT a->>'reset', a->'upserts', a->'deletes', a->'complete' FROM (
		SELECT syncport.pull('{"tables":{"quiet":{"cursor":"$quiet"}}}')->'tables'->'quiet') x (a)});
	is($answer, '|[]|[]|true', "the quiet table is not reset $when");
	return;
}

sub add
{
	my ($node, $id, $v) = @_;
	$node->safe_psql('postgres', "INSERT INTO records VALUES ($id, '$v')");
	return;
}

sub burn
{
	my ($node, $count) = @_;
	$node->safe_psql('postgres', qq{DO \$\$ BEGIN
		FOR i IN 1 .. $count LOOP
			PERFORM pg_catalog.pg_current_xact_id();
			COMMIT;
		END LOOP;
	END \$\$});
	return;
}

# Purge of one that is quiet: nobody misses what he has seen go.
burn($first, 3000);
$first->safe_psql('postgres', 'CALL syncport.purge()');
quiet_is_quiet($first, 'by purge, 3000 transactions later');

# Point-in-time recovery.
my $before_point = client('client of before the restore point');
my $behind_point = client('client of after the restore point');
catch_up($before_point, $first);
add($first, 20, 'in time');
$first->safe_psql('postgres', q{SELECT pg_create_restore_point('here')});
add($first, 21, 'too late');
catch_up($behind_point, $first);
$first->safe_psql('postgres', 'SELECT pg_switch_wal()');
$first->poll_query_until('postgres', q{SELECT last_archived_wal IS NOT NULL AND
	last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16 * 1024 * 1024)
	FROM pg_stat_archiver})
	or die 'WAL is not archived';
my $recovered = PostgreSQL::Test::Cluster->new('recovered');
$recovered->init_from_backup($first, 'base', has_restoring => 1, standby => 0);
$recovered->append_conf('postgresql.conf', q{
archive_mode = off
recovery_target_name = 'here'
recovery_target_action = 'promote'
});
$recovered->start;
$recovered->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()')
	or die 'recovery does not end';
is(poll($behind_point, $recovered)->{reason}, 'restored',
	'recovered to a point in time: what came later is not its past');
quiet_is_quiet($recovered, 'by recovery');
is(catch_up($before_point, $recovered), 1, 'what came before is');
is_copy($before_point, $recovered, 'nothing is lost by recovery');
add($recovered, 22, 'another history');
is(catch_up($before_point, $recovered), 1, 'that client goes on there');
is(poll($before_point, $first)->{reason}, 'restored', 'but not at the other one');
catch_up($before_point, $first, start_over => 1);
is_copy($before_point, $first, 'it starts again there');
$recovered->stop;

# A standby that takes over without what came last.
my $second = PostgreSQL::Test::Cluster->new('second');
$second->init_from_backup($first, 'base', has_streaming => 1);
$second->append_conf('postgresql.conf', 'archive_mode = off');
$second->start;
add($first, 30, 'everywhere');
my $careful = client('client of what both have');
my $eager = client('client of what only one has');
catch_up($_, $first) for $careful, $eager;
$first->wait_for_catchup($second);
$second->stop;
add($first, $_, 'lost') for 31 .. 33;
catch_up($eager, $first);
my $last = $first->safe_psql('postgres', 'SELECT max(row_version) FROM records');
$first->stop('immediate');
$second->start;
is(no_reset($eager, $second, 'a standby does not know of a lost tail')->{behind}, 1,
	'it is behind as long as it may come');
$second->promote;
is(poll($eager, $second)->{reason}, 'failover', 'the tail is lost once it takes over');
is(no_reset($careful, $second, 'who has not seen the tail goes on')->{rows}, 0, 'with nothing new');
quiet_is_quiet($second, 'by failover');
add($second, $_, 'new') for 31 .. 35;
cmp_ok($second->safe_psql('postgres', 'SELECT min(row_version) FROM records WHERE id > 30'),
	'<=', $last, 'ids are given out again');
is(poll($eager, $second)->{reason}, 'failover', 'the tail is still lost then');
is(catch_up($careful, $second), 5, 'the other client gets what is new');
is_copy($careful, $second, 'and has it all');
catch_up($eager, $second, start_over => 1);
is_copy($eager, $second, 'the first one starts again');

# A switchover that loses nothing resets nobody, not even while it goes on.
my $third = PostgreSQL::Test::Cluster->new('third');
$second->backup('base');
$third->init_from_backup($second, 'base', has_streaming => 1);
$third->start;
add($second, 40, 'before the switchover');
catch_up($_, $second) for $careful, $eager;
add($second, 41, 'on its way');
$second->safe_psql('postgres', 'DELETE FROM records WHERE id = 5');
catch_up($eager, $second);
$second->wait_for_catchup($third);
$second->stop('fast');
$third->safe_psql('postgres', 'SELECT pg_promote(false)');
my $recovery = 't';
while ($recovery eq 't')
{
	$recovery = $third->safe_psql('postgres', 'SELECT pg_is_in_recovery()');
	no_reset($eager, $third, 'no reset while it takes over');
}
add($third, 42, 'after the switchover');
is(catch_up($eager, $third), 1, 'the client goes on');
is(catch_up($careful, $third), 3, 'so does who was late');
is_copy($_, $third, "$_->{name} has it all") for $careful, $eager;
quiet_is_quiet($third, 'by switchover');

# The other one comes back as a standby, and takes over again.
$second->enable_streaming($third);
$second->start;
add($third, 43, 'the other way round');
catch_up($eager, $third);
$third->wait_for_catchup($second);
is(catch_up($careful, $second), 1, 'the standby follows');
is(catch_up($eager, $second), 0, 'and has what its primary gave');
$third->stop('fast');
$second->promote;
add($second, 44, 'back again');
is(catch_up($eager, $second), 1, 'back again');
is(catch_up($careful, $second), 1, 'for everyone');
is_copy($_, $second, "$_->{name} has it all") for $careful, $eager;
quiet_is_quiet($second, 'by going back');

# A clone goes its own way.  A client of the original, there, cannot be told
# from one that lost a tail.
$second->backup('clone');
my $clone = PostgreSQL::Test::Cluster->new('clone');
$clone->init_from_backup($second, 'clone', has_streaming => 1);
$clone->start;
$second->wait_for_catchup($clone);
$clone->promote;
add($second, 50, 'original');
add($clone, 50, 'clone');
is(catch_up($careful, $clone), 1, 'what both had is the past of the clone');
catch_up($eager, $second);
is(poll($careful, $second)->{reason}, 'restored', 'the cursor of the clone is not of the original');
is(poll($eager, $clone)->{reason}, 'failover', 'nor the other way round');
quiet_is_quiet($clone, 'in a clone');
$clone->stop;
catch_up($careful, $second, start_over => 1);
is_copy($careful, $second, 'it starts again');

# Storage that is rolled back shows by positions ahead of WAL, until WAL gets
# there; a new incarnation shows for ever.
$second->stop('fast');
$second->backup_fs_cold('storage');
$second->start;
add($second, 60, 'rolled back');
catch_up($eager, $second);
$second->stop('fast');
rmtree($second->data_dir);
PostgreSQL::Test::RecursiveCopy::copypath($second->backup_dir . '/storage', $second->data_dir);
chmod(0700, $second->data_dir);
$second->start;
is(poll($eager, $second)->{reason}, 'restored', 'a position ahead of WAL');
no_reset($careful, $second, 'one of before is good');
$second->safe_psql('postgres', q{SELECT pg_switch_wal()}) for 1 .. 2;
add($second, 60, 'another');
is(poll($eager, $second)->{reason}, '', 'WAL has passed the position: nobody can tell');
is($second->safe_psql('postgres', 'SELECT syncport.restamp()'), 0, 'so who rolled back says it');
is(poll($_, $second)->{reason}, 'restored', "restored: $_->{name}") for $eager, $careful;
catch_up($_, $second, start_over => 1) for $eager, $careful;
is_copy($_, $second, "$_->{name} starts again") for $eager, $careful;

# What was delivered is durable, though nobody waits for commits; what was not
# is lost here, and its id given out again.  Who writes WAL in the background
# sleeps, and dies in the crash; nothing has to make room for other pages.
$second->append_conf('postgresql.conf', q{
synchronous_commit = off
bgwriter_lru_maxpages = 0
shared_buffers = 32MB
restart_after_crash = on
});
$second->restart;
foreach my $round (1 .. 3)
{
	my $writer = $second->safe_psql('postgres',
		q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'});
	kill 'STOP', $writer or die "$writer: $!";
	$second->safe_psql('postgres', qq{
		UPDATE records SET v = 'round $round' WHERE id <= 4;
		INSERT INTO records VALUES (100 + $round, 'async')});
	is(catch_up($eager, $second), 5, "round $round: delivered");
	my $seen = $second->safe_psql('postgres', 'SELECT max(row_version) FROM records');
	my $lost = $second->safe_psql('postgres',
		"INSERT INTO records VALUES (200 + $round, 'lost') RETURNING row_version");
	kill 'KILL', $writer or die "$writer: $!";
	$second->poll_query_until('postgres',
		qq{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'walwriter' AND pid <> $writer})
		or die 'the server does not come back';
	is($second->safe_psql('postgres', 'SELECT max(row_version) FROM records'),
		$seen, "round $round: what was delivered is there, and no more");
	no_reset($eager, $second, "round $round: the client goes on");
	is_copy($eager, $second, "round $round: nothing is lost");
	is($second->safe_psql('postgres',
			"INSERT INTO records VALUES (200 + $round, 'again') RETURNING row_version"),
		$lost, "round $round: the id is another's now");
	is(catch_up($eager, $second), 1, "round $round: which the client gets");
}

# Where the last record fills its page, WAL goes on behind a header that is
# not written yet.  A cursor that lies there is an error: "xlog flush request
# is not satisfied".
my $cursor = $second->safe_psql('postgres', q{
	CREATE TABLE found (cursor text);
	CREATE PROCEDURE find_boundary() LANGUAGE plpgsql AS $$
	DECLARE
		insert_at pg_lsn;
		used bigint;
		overhead integer := 24;
		cursor text;
	BEGIN
		FOR attempt IN 1 .. 1000 LOOP
			insert_at := pg_current_wal_insert_lsn();
			used := (insert_at - '0/0') % 8192;
			IF used = 24 THEN
				cursor := syncport.feed_position('records');
				IF pg_current_wal_insert_lsn() = insert_at THEN
					INSERT INTO found VALUES (cursor);
					RETURN;
				END IF;
			ELSIF used < 7000 THEN
				-- one that should just fit, by another guess each time
				PERFORM pg_logical_emit_message(false, '', repeat('x', (8192 - used - overhead)::integer));
				overhead := 24 + (overhead + 8 - 24) % 120;
			ELSE
				PERFORM pg_logical_emit_message(false, '', repeat('x', 2000));
			END IF;
		END LOOP;
		RAISE 'no record ends where its page does';
	END $$;
	CALL find_boundary();
	SELECT cursor FROM found});
$second->stop('immediate');
$second->start;
$eager->{tables}{records}{cursor} = $cursor;
no_reset($eager, $second, 'a cursor of the end of a page is good after a crash');
unlike(slurp_file($second->logfile), qr/request to flush past end/, 'nobody asks for WAL that is not there');

$second->stop;
done_testing();
