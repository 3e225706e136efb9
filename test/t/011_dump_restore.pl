# A database with enabled tables survives pg_dump and restore.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql(
	'source', q(
	CREATE EXTENSION syncport;
	CREATE SCHEMA "My data";
	CREATE TABLE "My data".records (id int PRIMARY KEY, v text, tenant int);
	CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
	CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
	CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
	CREATE TABLE dropped (id int PRIMARY KEY);
	SELECT syncport.enable('"My data".records', retention => '0',
		sort_keys => '{"v DESC"}', prefix => '{tenant}', live_view => 'live');
	SELECT syncport.enable('parted', retention => '0', notify => true);
	SELECT syncport.enable('dropped');
	INSERT INTO "My data".records SELECT g, 'v' || g FROM generate_series(1, 9) g;
	INSERT INTO parted SELECT generate_series(1, 19);
	DELETE FROM "My data".records WHERE id < 4;
	DELETE FROM parted WHERE id % 5 = 0;
	DELETE FROM "My data".records WHERE id = 1;
	SELECT syncport.save_preset('"My data".records', 'It''s mine', '{v,id}', '{"id": {"gt": 4}}', 'v DESC', '{"v": "V"}', true);
	SELECT syncport.save_preset('dropped', 'gone');
	DROP TABLE dropped;
));

my $shape = q(
	SELECT e.target, e.retention, e.sort_keys, e.prefix, e.live_view, e.notify,
		   (SELECT string_agg(pg_get_indexdef(i.indexrelid) || i.indisvalid, E'\n'
				ORDER BY i.indexrelid::regclass::text COLLATE "C")
			FROM pg_index i WHERE i.indrelid = e.target),
		   (SELECT string_agg(t.tgenabled || pg_get_triggerdef(t.oid), E'\n'
				ORDER BY t.tgname)
			FROM pg_trigger t WHERE t.tgrelid = e.target)
	FROM syncport.enabled_table e
	WHERE EXISTS (SELECT FROM pg_class c WHERE c.oid = e.target)
	ORDER BY e.target::text COLLATE "C");
$shape =~ s/t\.tgenabled/t.tgenabled::text/;
my $rows = q(
	SELECT 'r', id, deleted_at, row_version FROM "My data".records UNION ALL
	SELECT 'p', id, deleted_at, row_version FROM parted UNION ALL
	SELECT 'i', id, removed_at, row_version FROM syncport.tombstone
	ORDER BY 1, 2);

sub check_restored
{
	my ($db) = @_;

	is($node->safe_psql($db, $shape), $node->safe_psql('source', $shape),
		"$db: registry, indexes and triggers");
	is($node->safe_psql($db, $rows), $node->safe_psql('source', $rows),
		"$db: rows, tombstones and images");
	is($node->safe_psql($db, 'SELECT count(*) FROM syncport.enabled_table'),
		2, "$db: the dropped table is forgotten");
	is( $node->safe_psql(
			$db, q(SELECT count(*), sum(cardinality(triggers_not_always))
				   FROM syncport.status)),
		'2|0', "$db: status is fine");
	my $presets = 'SELECT target, name, columns, filter, order_by, headings, shared, owner, saved_at FROM syncport.preset';
	is($node->safe_psql($db, $presets), $node->safe_psql('source', $presets), "$db: presets");
	like($node->safe_psql($db, $presets), qr/^"My data"\.records\|It's mine\|[^\n]*$/, "$db: of tables that are there");

	# it can be written and purged
	$node->safe_psql(
		$db, q(
		INSERT INTO "My data".live (id) VALUES (100), (101);
		UPDATE "My data".live SET v = 'new' WHERE id = 101;
		DELETE FROM "My data".live WHERE id = 100;
		INSERT INTO parted VALUES (0);
		DELETE FROM parted WHERE id = 0;
		DELETE FROM "My data".records WHERE id = 2;
	));
	is( $node->safe_psql(
			$db, q(SELECT (SELECT count(*) FROM "My data".records WHERE deleted_at IS NOT NULL),
						  (SELECT count(*) FROM parted WHERE deleted_at IS NOT NULL),
						  (SELECT count(DISTINCT id) FROM syncport.tombstone))),
		'2|4|2', "$db: deletes leave tombstones and images");
	is($node->safe_psql($db, 'CALL syncport.purge()'), '8|0', "$db: purged");
	is( $node->safe_psql(
			$db, q(SELECT sum(tombstones) FROM syncport.status)),
		'0', "$db: nothing is left");
	$node->safe_psql($db, q(SELECT syncport.enable('parted', sort_keys => '{id}')));
	$node->safe_psql($db, q(SELECT syncport.disable('"My data".records', true)));
	is($node->safe_psql($db, 'SELECT target FROM syncport.enabled_table'),
		'parted', "$db: enabled again, disabled");
	return;
}

# Plain and custom format
$node->command_ok(
	[ 'pg_dump', '-f', "$dir/plain.sql", $node->connstr('source') ],
	'pg_dump plain');
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->command_ok(
	[
		'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql",
		$node->connstr('plain')
	],
	'psql restores');
check_restored('plain');

$node->command_ok(
	[ 'pg_dump', '-Fc', '-f', "$dir/custom", $node->connstr('source') ],
	'pg_dump custom');
$node->safe_psql('postgres', 'CREATE DATABASE custom');
$node->command_ok(
	[
		'pg_restore', '--exit-on-error', '-d', $node->connstr('custom'),
		"$dir/custom"
	],
	'pg_restore');
check_restored('custom');

# --disable-triggers turns ALWAYS into ordinary: status shows, enable repairs
$node->safe_psql('postgres', 'CREATE DATABASE weak');
$node->command_ok(
	[
		'pg_restore', '--exit-on-error', '--section=pre-data', '-d',
		$node->connstr('weak'), "$dir/custom"
	],
	'pg_restore of the schema');
$node->command_ok(
	[
		'pg_restore', '--exit-on-error', '--section=post-data', '-d',
		$node->connstr('weak'), "$dir/custom"
	],
	'pg_restore of triggers and indexes');
$node->command_ok(
	[
		'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers',
		'-d', $node->connstr('weak'), "$dir/custom"
	],
	'pg_restore --disable-triggers');
is( $node->safe_psql(
		'weak',
		q(SELECT cardinality(triggers_not_always) FROM syncport.status ORDER BY 1)),
	"5\n10",
	'status shows the triggers that lost ALWAYS');
is($node->safe_psql('weak', $rows), $node->safe_psql('source', $rows),
	'no row was stamped anew');
$node->safe_psql('weak',
	q(SELECT syncport.enable(target) FROM syncport.enabled_table));
check_restored('weak');

# The extension dropped and created again: the tables are plain, and can be
# enabled anew with the columns that they have.
$node->safe_psql(
	'source', q(
	SET client_min_messages = warning;
	DROP EXTENSION syncport CASCADE;
	CREATE EXTENSION syncport;
	SELECT syncport.enable('parted');
	DELETE FROM parted WHERE id = 1;
));
is( $node->safe_psql(
		'source', q(SELECT count(*), count(deleted_at) FROM parted)),
	'19|4', 'enabled again after DROP EXTENSION');

$node->stop;
done_testing();
