# The feed in a database that was copied: by pg_dump, as a template, by
# pg_upgrade.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Feed::Poll;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $old = PostgreSQL::Test::Cluster->new('old');
$old->init;
$old->start;

# Its ids are far above those of a new cluster.
$old->safe_psql('postgres', 'CREATE DATABASE source');
$old->safe_psql('source', q{
	DO $$ BEGIN
		FOR i IN 1 .. 20000 LOOP
			PERFORM pg_catalog.pg_current_xact_id();
			COMMIT;
		END LOOP;
	END $$;
	CREATE EXTENSION syncport;
	CREATE TABLE records (id int PRIMARY KEY, v text);
	CREATE TABLE "other images" (id int PRIMARY KEY, v text);
	SELECT syncport.enable('records', retention => '0'),
		syncport.enable('"other images"', retention => '0', tombstones => 'image');
	INSERT INTO records SELECT i, 'first' FROM generate_series(1, 50) i;
	INSERT INTO "other images" SELECT i, 'first' FROM generate_series(1, 5) i;
	DELETE FROM records WHERE id BETWEEN 46 AND 48;
	DELETE FROM "other images" WHERE id = 4;
	CALL syncport.purge();
	UPDATE records SET v = 'changed' WHERE id % 7 = 0;
	DELETE FROM records WHERE id > 48;
	DELETE FROM "other images" WHERE id = 5;
});
my $client = client('client of the source');
catch_up($client, $old, database => 'source');
is_copy($client, $old, 'the client has everything', 'source');

sub count_of
{
	my ($node, $database, $sql) = @_;
	return $node->safe_psql($database, "SELECT count(*) FROM $sql");
}

# From a database whose versions are all above its ids: cursors of before are
# reset, a fresh client sees every row, and misses nothing of what follows.
sub check_restored
{
	my ($node, $database, $name) = @_;
	my $what = { database => $database };
	my $next = $node->safe_psql($database, 'SELECT pg_snapshot_xmax(pg_current_snapshot())');
	my $fresh = client("$name: fresh client");
	my $before = client("$name: client of before");

	is(count_of($node, $database, "records WHERE row_version < $next"), 0,
		"$name: no version is below the ids here");
	$before->{tables}{records} = { %{ $client->{tables}{records} }, rows => {}, seen => {} };
	is(poll($before, $node, $database)->{reason}, 'restored', "$name: a cursor of the source");
	is(catch_up($fresh, $node, %$what), 45, "$name: a fresh client gets all live rows");
	is_copy($fresh, $node, "$name: and nothing else", $database);

	# tombstones that came along are nothing to him when they go
	is($node->safe_psql($database, q{CALL syncport.purge()}), '3|0', "$name: purge of what came along");
	is($node->safe_psql($database, 'SELECT max(purge_horizon) FROM syncport.enabled_table'), 0,
		"$name: says nothing of the clients here");
	is(catch_up($fresh, $node, %$what), 0, "$name: no reset by that");

	# but those of his time are
	my $away = client("$name: client that goes away");
	catch_up($away, $node, %$what);
	$node->safe_psql($database, q{DELETE FROM records WHERE id = 10;
		INSERT INTO records VALUES (60, 'new');
		UPDATE records SET v = 'new' WHERE id = 11;});
	is(catch_up($fresh, $node, %$what), 3, "$name: changes after the restoration");
	is_copy($fresh, $node, "$name: they arrive", $database);
	is($node->safe_psql($database, 'CALL syncport.purge()'), '1|0', "$name: purge of what was deleted here");
	is(catch_up($fresh, $node, %$what), 0, "$name: who has seen that goes on");
	is(poll($away, $node, $database)->{reason}, 'purged', "$name: who has not is reset");

	# stamped anew, the rows come again, once
	my $updated = $node->safe_psql($database, 'SELECT max(updated_at), min(updated_at) FROM records');
	is($node->safe_psql($database, q{SELECT syncport.restamp('records')}), 43, "$name: stamped anew");
	is($node->safe_psql($database, 'SELECT max(updated_at), min(updated_at) FROM records'), $updated,
		"$name: and not updated");
	is(count_of($node, $database, "records WHERE row_version >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"),
		0, "$name: nothing is above the ids");
	is(catch_up($fresh, $node, %$what), 43, "$name: the rows come again");
	is(catch_up($fresh, $node, %$what), 0, "$name: once");
	is_copy($fresh, $node, "$name: and are the same", $database);
	is($node->safe_psql($database, 'SELECT syncport.restamp() >= 0'), 't', "$name: all tables");
	is(poll($fresh, $node, $database)->{reason}, 'restored', "$name: a new incarnation");
	$fresh->start_over('records');
	is(catch_up($fresh, $node, %$what), 45, "$name: a fresh client after that");
	is_copy($fresh, $node, "$name: has everything", $database);
	return;
}

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->start;
$old->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom", $old->connstr('source') ], 'pg_dump');
$new->safe_psql('postgres', 'CREATE DATABASE restored');
$new->command_ok([ 'pg_restore', '--exit-on-error', '-d', $new->connstr('restored'), "$dir/custom" ],
	'pg_restore');
check_restored($new, 'restored', 'restored');

# Into a schema that is there already, with triggers disabled
$new->safe_psql('postgres', 'CREATE DATABASE "by parts"');
$new->command_ok([ 'pg_restore', '--exit-on-error', "--section=$_", '-d', $new->connstr('by parts'), "$dir/custom" ],
	"pg_restore of $_") foreach qw(pre-data post-data);
$new->command_ok([ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers',
	'-d', $new->connstr('by parts'), "$dir/custom" ], 'pg_restore --disable-triggers');
is(count_of($new, 'by parts', q{syncport.status WHERE triggers_not_always <> '{}'}), 2,
	'the triggers are not what they were');
$new->safe_psql('by parts', 'SELECT syncport.enable(target) FROM syncport.enabled_table');
check_restored($new, 'by parts', 'by parts');
$new->stop;

# A database made from another one: it has the same ids, but not the same
# future.
$old->safe_psql('postgres', 'CREATE DATABASE copied TEMPLATE source');
my $copied = client('client of the copy');
$copied->{tables}{records} = { %{ $client->{tables}{records} } };
is(poll($copied, $old, 'copied')->{reason}, 'restored', 'a copy is another database');
$copied->start_over('records');
is(catch_up($copied, $old, database => 'copied'), 45, 'a fresh client gets all of it');
$old->safe_psql('copied', 'DELETE FROM records WHERE id = 1');
is(catch_up($copied, $old, database => 'copied'), 1, 'and goes on');
is_copy($copied, $old, 'like in any other', 'copied');
is(poll($client, $old, 'source')->{reason}, '', 'nothing happened to the source');
is(poll($copied, $old, 'source')->{reason}, 'restored', 'and it does not take the cursor of its copy');

# pg_upgrade keeps ids and database: clients go on.
SKIP:
{
	my $upgraded = PostgreSQL::Test::Cluster->new('upgraded');
	my $quiet = client('quiet client');
	my ($bin) = split /\n/, qx(pg_config --bindir);

	skip 'pg_upgrade is not installed', 1 unless -x "$bin/pg_upgrade";
	catch_up($quiet, $old, database => 'source');
	$upgraded->init;
	$old->safe_psql('source', q{INSERT INTO records VALUES (70, 'ahead of the upgrade');
		DELETE FROM records WHERE id = 12});
	catch_up($client, $old, database => 'source');
	my $incarnation = $old->safe_psql('source', 'SELECT id FROM syncport.incarnation');
	$old->safe_psql('source', q{INSERT INTO records VALUES (71, 'not delivered yet');
		DELETE FROM records WHERE id = 13});
	$old->stop;
	chdir $dir or die "$dir: $!";
	command_ok([ 'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $upgraded->data_dir, '-b', $bin, '-B', $bin,
		'-s', $upgraded->host, '-p', $old->port, '-P', $upgraded->port ], 'pg_upgrade');
	$upgraded->start;
	is($upgraded->safe_psql('source', 'SELECT id FROM syncport.incarnation'), $incarnation,
		'pg_upgrade keeps the incarnation');
	is(catch_up($client, $upgraded, database => 'source'), 2, 'the client goes on');
	$upgraded->safe_psql('source', q{UPDATE records SET v = 'upgraded' WHERE id = 71});
	is(catch_up($client, $upgraded, database => 'source'), 1, 'and further on');
	is(catch_up($quiet, $upgraded, database => 'source'), 4, 'so does who was late');
	is_copy($_, $upgraded, "$_->{name} has everything", 'source') for $client, $quiet;

	# the old one is not the future of the new one, wherever its WAL gets
	my $lsn = $upgraded->lsn('insert');
	$old->start;
	is(poll($client, $old, 'source')->{reason}, 'restored', 'the old one does not go on');
	while ($old->safe_psql('postgres', "SELECT pg_current_wal_insert_lsn() <= '$lsn'") eq 't')
	{
		$old->safe_psql('postgres', q{CREATE TABLE filler (); DROP TABLE filler; SELECT pg_switch_wal()});
	}
	is(poll($client, $old, 'source')->{reason}, 'restored', 'there is no way back');
	$upgraded->stop;
}
$old->stop('immediate');
done_testing();
