# Very many transactions in progress: cursors stay short, nothing is lost and
# nothing comes twice.  Prepared transactions stand for open ones.  As many as
# a cursor can hold do not delay anything; beyond that later rows wait, but
# only for the first that a cursor cannot hold.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $MANY = 1000;
my $MORE = 3000;

my $node = PostgreSQL::Test::Cluster->new('many');
$node->init;
# ids whose upper half is not zero
command_ok([ 'pg_resetwal', '-e', '5', '-D', $node->data_dir ], 'a later epoch');
$node->append_conf('postgresql.conf', 'max_prepared_transactions = ' . ($MANY + $MORE));
$node->append_conf('postgresql.conf', "session_preload_libraries = 'syncport'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE TABLE rec (id int PRIMARY KEY, v text);
	SELECT syncport.enable('rec');
	INSERT INTO rec SELECT -g, 'old' FROM generate_series(1, 50) g;

	-- A client: its copy, its cursor, and how often each version came.
	CREATE TABLE client (id int, version bigint, PRIMARY KEY (id, version));
	CREATE TABLE place (cursor text, longest int);
	INSERT INTO place VALUES (NULL, 0);
	-- One poll: how many rows came, -1 for each answer that is no progress.
	CREATE FUNCTION poll(page_size int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		answer jsonb; part jsonb; got int := 0; n int;
	BEGIN
		LOOP
			answer := syncport.pull(jsonb_build_object('page_size', page_size, 'tables',
				jsonb_build_object('rec', jsonb_build_object('cursor', (SELECT cursor FROM place)))));
			part := answer #> '{tables,rec}';
			IF part ? 'reset' OR (answer ->> 'behind')::bool THEN
				RAISE EXCEPTION 'unexpected answer: %', answer;
			END IF;
			INSERT INTO client SELECT (r ->> 'id')::int, (r ->> 'row_version')::bigint
				FROM jsonb_array_elements(part -> 'upserts') r;
			got := got + jsonb_array_length(part -> 'upserts');
			UPDATE place SET cursor = part ->> 'cursor',
				longest = greatest(longest, length(part ->> 'cursor'));
			EXIT WHEN (part ->> 'complete')::bool;
		END LOOP;
		RETURN got;
	END $$;
	-- The oracle: versions of the table that the client does not have.
	CREATE FUNCTION missing() RETURNS bigint LANGUAGE sql AS $$
		SELECT count(*) FROM rec r WHERE NOT EXISTS
			(SELECT FROM client c WHERE c.id = r.id AND c.version = r.row_version)
	$$;
});

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub poll { return sql('SELECT poll(' . ($_[0] // 1000) . ')'); }

# Prepare transactions that insert rows from..to; behind each of them go
# gap ids that are used up elsewhere.
sub prepare
{
	my ($from, $to, $gap) = @_;

	sql(join("\n", map {
		("BEGIN; INSERT INTO rec VALUES ($_, 'prepared'); PREPARE TRANSACTION 'p$_';",
		  ('SELECT pg_current_xact_id();') x $gap) } $from .. $to));
	return;
}

sub finish
{
	my ($how, @ids) = @_;

	sql(join("\n", map { "$how PREPARED 'p$_';" } @ids));
	return;
}

is(poll(20), 50, 'the initial load');
prepare(1, $MANY, 0);
is(poll(), 0, 'nothing of what is in progress comes');
$node->stop('immediate');
$node->start;
is(poll(), 0, 'nor when they have outlived a crash');
sql(q{INSERT INTO rec SELECT g, 'free' FROM generate_series(10001, 10010) g});
is(poll(3), 10, "what is committed comes beside $MANY transactions in progress");
is(poll(), 0, 'once');
finish('COMMIT', grep { $_ % 3 == 0 } 1 .. $MANY);
finish('ROLLBACK', grep { $_ % 3 == 1 } 1 .. $MANY);
is(poll(7), int($MANY / 3), 'those that have ended come, page by page');
is(sql('SELECT missing()'), 0, 'and none is missing');

# an id between each two, so that they are no dense range
prepare(20001, 20001 + $MORE - 1, 1);
sql(q{INSERT INTO rec VALUES (10011, 'free')});
cmp_ok(poll(), '<=', 1, "with $MORE more a later row may wait");
finish('COMMIT', grep { $_ % 3 == 2 } 1 .. $MANY);
is(sql(q{SELECT poll(100) >= (SELECT count(*) FROM rec WHERE id <= 1000 AND id % 3 = 2 AND id > 0)}),
	't', 'those that a cursor holds come without delay');
finish('COMMIT', map { 20000 + $_ } 1 .. 10);
is(sql('SELECT poll(3) >= 10'), 't', 'the first of the new ones too');

# what the cursor holds ends, others begin: for a round it holds both lists
finish('COMMIT', map { 20000 + $_ } 11 .. 2400);
prepare(30001, 30000 + $MORE - 600, 1);
is(sql('SELECT poll(500) >= 2390'), 't', 'those that have ended come');
cmp_ok(sql('SELECT missing()'), '<=', 1, 'and nothing else is left behind');
# from the last to the first, so that the list stays long
my @left = ((map { 20000 + $_ } 2401 .. $MORE), (map { 30000 + $_ } 1 .. $MORE - 600));
while (@left)
{
	finish('COMMIT', reverse splice(@left, @left > 800 ? -800 : 0));
	poll(500);
}
is(poll(), 0, 'nothing is left in the end');
is(sql('SELECT missing()'), 0, 'and nothing was lost');
is(sql('SELECT min(version) >> 32 FROM client'), 5, 'versions hold the epoch');
is(sql('SELECT count(*) FROM client'), 50 + int($MANY / 3) * 2 + 11 + $MORE + $MORE - 600, 'nothing came twice');
my $longest = sql('SELECT longest FROM place');
cmp_ok($longest, '<', 8192, "the longest cursor, of $longest characters, was below 8 kB");
cmp_ok($longest, '>', 6000, 'and held two long lists');

$node->stop;
done_testing();
