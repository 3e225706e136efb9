# Logical replication between two enabled tables, in both modes.  The
# publisher sends what happened to its rows: DELETE and, in row mode, INSERT
# of the tombstone.  The subscriber's own triggers have put that tombstone
# back by then.  Apply must not stop, and both sides hold the same rows,
# tombstones and images.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $TABLES = q(
	CREATE EXTENSION syncport;
	CREATE TABLE marker (n int PRIMARY KEY);
	CREATE TABLE account (id int PRIMARY KEY, name text UNIQUE);
	CREATE TABLE item (id int PRIMARY KEY,
		account int REFERENCES account ON DELETE CASCADE ON UPDATE CASCADE,
		note text, size int GENERATED ALWAYS AS (length(note)) STORED);
	CREATE TABLE sheet (id int PRIMARY KEY, name text UNIQUE);
	CREATE TABLE line (id int PRIMARY KEY,
		sheet int REFERENCES sheet ON DELETE CASCADE ON UPDATE CASCADE,
		note text);
	CREATE TABLE part (id int, r int, note text, PRIMARY KEY (id, r))
		PARTITION BY LIST (r);
	CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
	CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
	SELECT syncport.enable('account', tombstones => 'row', retention => '0');
	SELECT syncport.enable('item', tombstones => 'row', retention => '0');
	SELECT syncport.enable('part', tombstones => 'row', retention => '0');
	SELECT syncport.enable('sheet', tombstones => 'image', retention => '0');
	SELECT syncport.enable('line', tombstones => 'image', retention => '0'););
my $LIVE = q(
	SELECT 'account', id, NULL::int, name, NULL::int FROM account WHERE deleted_at IS NULL
	UNION ALL SELECT 'item', id, account, note, size FROM item WHERE deleted_at IS NULL
	UNION ALL SELECT 'part', id, r, note, NULL FROM part WHERE deleted_at IS NULL
	UNION ALL SELECT 'sheet', id, NULL, name, NULL FROM sheet
	UNION ALL SELECT 'line', id, sheet, note, NULL FROM line
	ORDER BY 1, 2, 3);
my $TOMBSTONES = q(
	SELECT 'account', id, NULL::int, name FROM account WHERE deleted_at IS NOT NULL
	UNION ALL SELECT 'item', id, account, note FROM item WHERE deleted_at IS NOT NULL
	UNION ALL SELECT 'part', id, r, note FROM part WHERE deleted_at IS NOT NULL
	ORDER BY 1, 2, 3);
my $DANGLING = q(
	SELECT 'item', id FROM item i WHERE account IS NOT NULL AND NOT EXISTS
		(SELECT FROM account a WHERE a.id = i.account)
	UNION ALL SELECT 'line', id FROM line l WHERE sheet IS NOT NULL AND NOT EXISTS
		(SELECT FROM sheet s WHERE s.id = l.sheet));
my $marker = 0;
my %seen = (publisher => 0, subscriber => 0);

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;

$_->safe_psql('postgres', $TABLES) for $publisher, $subscriber;
$publisher->safe_psql(
	'postgres', q(
	INSERT INTO account SELECT g, 'a' || g FROM generate_series(1, 12) g;
	INSERT INTO item SELECT g, (g + 1) / 2, 'i' || g FROM generate_series(1, 24) g;
	INSERT INTO sheet SELECT g, 's' || g FROM generate_series(1, 12) g;
	INSERT INTO line SELECT g, (g + 1) / 2, 'l' || g FROM generate_series(1, 24) g;
	INSERT INTO part SELECT g, 1, 'p' || g FROM generate_series(1, 6) g;
	DELETE FROM account WHERE id = 12;
	CREATE PUBLICATION pub FOR TABLE marker, account, item, sheet, line, part;));
my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres',
	"CREATE SUBSCRIPTION sub CONNECTION '$connection' PUBLICATION pub WITH (disable_on_error = true)");
$subscriber->wait_for_subscription_sync($publisher, 'sub');
replicated('the first copy', '');

# The images that a side has written since the last call, without stamps.
sub new_images
{
	my ($node) = @_;
	my $last = $seen{ $node->name };
	my $images = $node->safe_psql(
		'postgres', qq(
		SELECT target::regclass, key, complete,
			image::jsonb - '{updated_at,deleted_at,row_version}'::text[]
		FROM syncport.tombstone WHERE id > $last
		ORDER BY target::regclass::text, key::text, id));

	$seen{ $node->name } = $node->safe_psql('postgres',
		"SELECT greatest($last, max(id)) FROM syncport.tombstone");
	return $images;
}

# Run statements on the publisher and wait until the subscriber has applied
# them or has given up; then both sides are equal.  Images are compared with
# the publisher's, or match a pattern.
sub replicated
{
	my ($name, $sql, $images) = @_;
	my ($ours, $theirs, %tombstones);

	$marker++;
	$publisher->safe_psql('postgres', "$sql; INSERT INTO marker VALUES ($marker)");
	$subscriber->poll_query_until('postgres',
		"SELECT EXISTS (SELECT FROM marker WHERE n = $marker) OR NOT (SELECT subenabled FROM pg_subscription)");
	is($subscriber->safe_psql('postgres', 'SELECT subenabled FROM pg_subscription'),
		't', "$name: apply goes on")
	  or die(
		"apply stopped after $name: " . join '; ',
		grep { /ERROR/ } split /\n/, slurp_file($subscriber->logfile));
	is($subscriber->safe_psql('postgres', $LIVE),
		$publisher->safe_psql('postgres', $LIVE), "$name: the same live rows");
	%tombstones = map { $_ => 1 } split /\n/, $subscriber->safe_psql('postgres', $TOMBSTONES);
	is_deeply([ grep { !$tombstones{$_} } split /\n/, $publisher->safe_psql('postgres', $TOMBSTONES) ],
		[], "$name: every tombstone is there");
	is($subscriber->safe_psql('postgres', $DANGLING), '', "$name: every parent is there");
	$theirs = new_images($publisher);
	$ours = new_images($subscriber);
	if (defined $images)
	{
		like($ours, $images, "$name: images on the subscriber");
	}
	else
	{
		is($ours, $theirs, "$name: the same images");
	}
	return;
}

# what the subscriber has of a row
sub state_of
{
	my ($table, $id) = @_;

	return $subscriber->safe_psql('postgres',
		"SELECT CASE WHEN deleted_at IS NULL THEN 'live' ELSE 'deleted' END FROM $table WHERE id = $id");
}

# --- row mode
replicated('DELETE of a row', 'DELETE FROM item WHERE id = 1');
is(state_of('item', 1), 'deleted', 'the subscriber has its tombstone');
replicated('DELETE with a cascade', 'DELETE FROM account WHERE id = 2');
is(state_of($_->[0], $_->[1]), 'deleted', "$_->[0] $_->[1] is a tombstone")
  for [ 'account', 2 ], [ 'item', 3 ], [ 'item', 4 ];
replicated('DELETE of several rows', 'DELETE FROM account WHERE id IN (3, 4)');
replicated('DELETE of tombstones', 'DELETE FROM item WHERE id IN (1, 3)',
	qr/^item\|\{"id":"1"\}\|t\|.*\nitem\|\{"id":"3"\}\|t\|/);
replicated('INSERT of a key whose tombstone is gone',
	q(INSERT INTO item VALUES (1, 1, 'again')));
is(state_of('item', 1), 'live', 'the key lives again');
replicated('undelete', 'UPDATE account SET deleted_at = NULL WHERE id = 2');
is(state_of('account', 2), 'live', 'undeleted on the subscriber');
replicated('undelete of a child', 'UPDATE item SET deleted_at = NULL WHERE id = 4');
replicated('soft delete by UPDATE', 'UPDATE item SET deleted_at = now() WHERE id = 4');
replicated('key update', 'UPDATE item SET id = 104 WHERE id = 9',
	qr/^item\|\{"id":"9"\}\|/);
replicated('key update with a cascade', 'UPDATE account SET id = 106 WHERE id = 6',
	qr/^account\|\{"id":"6"\}\|/);
replicated('key update of a tombstone', 'UPDATE account SET id = 103 WHERE id = 3');
replicated('DELETE after UPDATE in one transaction', q(BEGIN;
	UPDATE account SET name = 'new' WHERE id = 7;
	DELETE FROM account WHERE id = 7; COMMIT));
replicated('INSERT and DELETE in one transaction', q(BEGIN;
	INSERT INTO account VALUES (50, 'short');
	INSERT INTO item VALUES (50, 50, 'short');
	DELETE FROM account WHERE id = 50; COMMIT));
is(state_of('item', 50), 'deleted', 'the subscriber knows the short-lived row');
replicated('DELETE and undelete in one transaction', q(BEGIN;
	DELETE FROM account WHERE id = 8;
	UPDATE account SET deleted_at = NULL WHERE id = 8; COMMIT));
is(state_of('account', 8), 'live', 'undeleted in the transaction that deleted');
replicated('DELETE, DELETE again, INSERT and DELETE in one transaction', q(BEGIN;
	DELETE FROM item WHERE id = 17;
	DELETE FROM item WHERE id = 17;
	INSERT INTO item VALUES (17, 9, 'second');
	DELETE FROM item WHERE id = 17; COMMIT));
is(state_of('item', 17), 'deleted', 'the second one is the tombstone');
replicated('DELETE and a savepoint', q(BEGIN; SAVEPOINT s;
	DELETE FROM account WHERE id = 9; ROLLBACK TO s;
	DELETE FROM item WHERE id = 18; COMMIT));
replicated('ON CONFLICT and MERGE', q(
	INSERT INTO item VALUES (20, 10, 'x') ON CONFLICT (id) DO UPDATE SET note = excluded.note;
	MERGE INTO item USING (VALUES (20)) v (id) ON item.id = v.id WHEN MATCHED THEN DELETE));

# --- partitions
replicated('DELETE in a partition', 'DELETE FROM part WHERE id = 1');
# a move is sent as a DELETE and an INSERT: the old key becomes a tombstone
replicated('move to another partition', 'UPDATE part SET r = 2 WHERE id IN (2, 3)', qr/^$/);
is($subscriber->safe_psql('postgres', 'SELECT id, r, deleted_at IS NULL FROM part WHERE id IN (2, 3) ORDER BY 1, 2'),
	"2|1|f\n2|2|t\n3|1|f\n3|2|t", 'the old key is known to be gone');
replicated('DELETE after a move', 'DELETE FROM part WHERE id = 2');

# --- image mode
replicated('image mode: DELETE of a row', 'DELETE FROM line WHERE id = 1',
	qr/^line\|\{"id":"1"\}\|t\|\{"id": "1", "note": "l1", "sheet": "1"\}$/);
replicated('image mode: DELETE with a cascade', 'DELETE FROM sheet WHERE id = 2',
	qr/^line\|\{"id":"3"\}\|t\|.*\nline\|\{"id":"4"\}\|t\|.*\nsheet\|\{"id":"2"\}\|t\|.*$/);
replicated('image mode: INSERT of a deleted key', q(INSERT INTO line VALUES (1, 1, 'again')));
replicated('image mode: key update', 'UPDATE line SET id = 109 WHERE id = 9',
	qr/^line\|\{"id":"9"\}\|/);
replicated('image mode: key update with a cascade', 'UPDATE sheet SET id = 106 WHERE id = 6',
	qr/^sheet\|\{"id":"6"\}\|/);
replicated('image mode: DELETE, INSERT, DELETE in one transaction', q(BEGIN;
	DELETE FROM line WHERE id = 13;
	INSERT INTO line VALUES (13, 8, 'second');
	DELETE FROM line WHERE id = 13; COMMIT),
	qr/^line\|\{"id":"13"\}\|t\|.*"l13".*\nline\|\{"id":"13"\}\|t\|.*"second".*$/);
replicated('image mode: everything', 'DELETE FROM sheet');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM line'), 0,
	'nothing is left in image mode');

# --- purge: what it removes is deleted for good on the publisher, and stays
# known on the subscriber until its own purge
$publisher->safe_psql('postgres', 'CALL syncport.purge()');
replicated('purge', '', qr/^account\|/);
is($publisher->safe_psql('postgres', 'SELECT count(*) FROM syncport.tombstone'),
	0, 'no image is left on the publisher');
$subscriber->safe_psql('postgres', 'CALL syncport.purge()');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM syncport.tombstone'),
	0, 'until it purges itself');
replicated('DELETE after the purges', 'DELETE FROM account WHERE id = 1');

# --- a key that the subscriber has as a tombstone and the publisher has not
$publisher->safe_psql('postgres', q(INSERT INTO account VALUES (60, 'sixty');
	INSERT INTO item VALUES (60, 60, 'i60'), (61, 60, 'i61'), (62, NULL, 'i62'), (63, NULL, 'i63')));
replicated('DELETE and INSERT of a key by one statement', q(
	WITH d AS (DELETE FROM item WHERE id = 62 RETURNING *)
	INSERT INTO item (id, account, note) SELECT id, account, 'replaced' FROM d),
	qr/^item\|\{"id":"62"\}\|t\|/);
is(state_of('item', 62), 'live', 'the key lives');
replicated('move back to the first partition', 'UPDATE part SET r = 1 WHERE id = 3', qr/^/);
is($subscriber->safe_psql('postgres', 'SELECT r, deleted_at IS NULL FROM part WHERE id = 3 ORDER BY 1'),
	"1|t\n2|f", 'the row lives under its first key');
replicated('DELETE and INSERT of several keys by one statement', q(
	WITH d AS (DELETE FROM item WHERE id IN (60, 61) RETURNING *)
	INSERT INTO item (id, account, note) SELECT id, account, 'replaced' FROM d),
	qr/^item\|\{"id":"60"\}\|t\|.*\nitem\|\{"id":"61"\}\|t\|/);
$publisher->safe_psql('postgres',
	'SET syncport.soft_delete = off; DELETE FROM item WHERE id = 63');
$marker++;
$publisher->safe_psql('postgres', "INSERT INTO marker VALUES ($marker)");
$subscriber->poll_query_until('postgres',
	"SELECT EXISTS (SELECT FROM marker WHERE n = $marker)");
is(state_of('item', 63), 'deleted', 'a tombstone on the subscriber alone');
replicated('INSERT of a key that the publisher keeps as an image',
	q(INSERT INTO item VALUES (63, 60, 'once more')), qr/^item\|\{"id":"63"\}\|t\|/);
is(state_of('item', 63), 'live', 'gives way');

$subscriber->stop;
$publisher->stop;
done_testing();
