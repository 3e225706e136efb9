# What keeping deleted rows costs: DELETE in both modes, pages that show what
# was deleted, and the purge with what other sessions notice of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Bench;

my $deleted = 200_000;
my $rows = 400_000;

# A copy of the first rows of records, with a number to choose rows by.
sub make_table
{
	my ($name, $after) = @_;
	sql(qq{DROP TABLE IF EXISTS $name CASCADE;
		CREATE TABLE $name (LIKE records);
		ALTER TABLE $name ADD n integer;
		INSERT INTO $name SELECT r.*, row_number() OVER () FROM (SELECT * FROM records LIMIT $rows) r;
		ALTER TABLE $name ADD PRIMARY KEY (id);
		$after});
	sql("VACUUM (ANALYZE) $name");
	sql('CHECKPOINT');
}

sub timed_on_new
{
	my ($name, $after, $statement) = @_;
	return sub {
		make_table($name, $after);
		return timed($statement);
	};
}

# The indexes of one table on another.
sub like_indexes
{
	my ($of, $name) = @_;
	return join "\n", map { "$_;" } split /\n/, sql(qq{
		SELECT regexp_replace(pg_get_indexdef(indexrelid), 'INDEX .* ON .*$of USING', 'INDEX ON $name USING')
		FROM pg_index WHERE indrelid = '$of'::regclass AND NOT indisprimary});
}

my $audit = q{
	DROP TABLE IF EXISTS audit;
	CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, removed_at timestamptz, row jsonb);
	CREATE OR REPLACE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN INSERT INTO audit (removed_at, row) VALUES (now(), to_jsonb(OLD)); RETURN NULL; END $$;
	CREATE TRIGGER audit AFTER DELETE ON audited FOR EACH ROW EXECUTE FUNCTION audit();};

title("DELETE of $deleted of $rows rows of 17 columns");
make_table('row_mode', q{SELECT syncport.enable('row_mode', sort_keys => '{sale_date}');});
my $same = like_indexes('row_mode', 'flagged');
compare('row mode / UPDATE SET deleted_at, no triggers', 's', 5,
	timed_on_new('row_mode', q{SELECT syncport.enable('row_mode', sort_keys => '{sale_date}');},
		"DELETE FROM row_mode WHERE n <= $deleted;"),
	timed_on_new('flagged', "ALTER TABLE flagged ADD updated_at timestamptz NOT NULL DEFAULT now(), ADD deleted_at timestamptz, ADD row_version bigint NOT NULL DEFAULT 0; $same",
		"UPDATE flagged SET deleted_at = now(), updated_at = now(), row_version = row_version + 1 WHERE n <= $deleted;"),
	'1.5');
my @image = (timed_on_new('image_mode', q{SELECT syncport.enable('image_mode', tombstones => 'image');},
		"DELETE FROM image_mode WHERE n <= $deleted;"));
compare('image mode / plain DELETE', 's', 5, @image,
	timed_on_new('plain', '', "DELETE FROM plain WHERE n <= $deleted;"), '2');
compare('image mode / DELETE with an audit trigger in PL/pgSQL', 's', 3, @image,
	timed_on_new('audited', $audit, "DELETE FROM audited WHERE n <= $deleted;"), 'report');
# The same rows moved by one statement, typed, into a table indexed alike.
my $archive = q{
	DROP TABLE IF EXISTS archive;
	CREATE TABLE archive (image_id bigserial, target oid, version bigint, LIKE records, n integer);
	CREATE INDEX ON archive (target, version, image_id);};
compare('image mode / DELETE RETURNING moved by INSERT SELECT', 's', 3, @image,
	timed_on_new('moved', $archive, "WITH gone AS (DELETE FROM moved WHERE n <= $deleted RETURNING *)
		INSERT INTO archive SELECT nextval('archive_image_id_seq'), 1, 1, * FROM gone;"), 'report');
sql("DROP TABLE IF EXISTS $_ CASCADE") for qw(row_mode flagged image_mode plain audited audit moved archive);

# One row in a hundred is deleted; the same rows, the same order, both modes.
title('pages of 50 with include_deleted, 1 % of the rows deleted');
make_table('row_mode', q{SELECT syncport.enable('row_mode', sort_keys => '{sale_date}'); DELETE FROM row_mode WHERE n % 100 = 0;});
make_table('image_mode', q{SELECT syncport.enable('image_mode', tombstones => 'image', sort_keys => '{sale_date}'); DELETE FROM image_mode WHERE n % 100 = 0;});
sql('VACUUM (ANALYZE) syncport.tombstone');
for my $order ('id', 'sale_date, id')
{
	my @positions = split /\n/, sql(qq{SELECT json_build_object('id', id, 'sale_date', sale_date)
		FROM (SELECT id, sale_date, row_number() OVER (ORDER BY $order) AS k FROM row_mode) r
		WHERE k % ($rows / 20) = $rows / 40});
	my %calls;
	for my $table (qw(row_mode image_mode))
	{
		$calls{$table} = [ map {
			my $cursor = sql("SELECT syncport.cursor_at('$table', '$order', " . ($order eq 'id' ? "jsonb_build_object('id', '$_'::jsonb->'id')" : "'$_'") . ")");
			"SELECT (item).*, cursor FROM syncport.page(NULL::$table, after => '$cursor', page_size => 50, order_by => '$order', include_deleted => true);"
		} @positions ];
	}
	# row mode has no index over tombstones by sale_date, and sorts
	my ($count, $rounds) = $order eq 'id' ? (1000, 5) : (60, 3);
	compare("ordered by $order: image mode / row mode", 'us', $rounds,
		sub { median(statement_times($count, '', @{ $calls{image_mode} })) },
		sub { median(statement_times($count, '', @{ $calls{row_mode} })) }, '1.5');
}
sql("DROP TABLE IF EXISTS $_ CASCADE") for qw(row_mode image_mode);

# Purge against a loop written by hand, alone and beside other sessions.
my $tombstones = 1_000_000;
my $columns = 'id int PRIMARY KEY, v text, n int, updated_at timestamptz NOT NULL, deleted_at timestamptz, row_version bigint NOT NULL';

sub make_tombstones
{
	my ($name, $after) = @_;
	sql(qq{DROP TABLE IF EXISTS $name CASCADE;
		CREATE TABLE $name ($columns);
		INSERT INTO $name SELECT g, 'row ' || g, g, now() - interval '40 days',
			CASE WHEN g % 10 > 0 THEN now() - interval '40 days' END, 3
		FROM generate_series(1, $tombstones * 10 / 9) g;
		$after});
	sql("VACUUM (ANALYZE) $name");
	sql('CHECKPOINT');
}

sub prepare_purged
{
	make_tombstones('purged', q{
		SELECT syncport.enable('purged');
		ALTER TABLE purged DISABLE TRIGGER USER;
		UPDATE purged SET updated_at = now() - interval '40 days' WHERE deleted_at IS NOT NULL;
		ALTER TABLE purged ENABLE TRIGGER USER;
		SELECT syncport.enable('purged');});
}

sub prepare_by_hand
{
	make_tombstones('by_hand', like_indexes('purged', 'by_hand') . q{
		CREATE OR REPLACE PROCEDURE purge_by_hand() LANGUAGE plpgsql AS $$
		BEGIN
			LOOP
				DELETE FROM by_hand WHERE id IN (SELECT id FROM by_hand
					WHERE deleted_at IS NOT NULL AND updated_at < now() - interval '30 days' LIMIT 10000);
				EXIT WHEN NOT FOUND;
				COMMIT;
			END LOOP;
		END $$;});
}

title("purge of $tombstones tombstones");
prepare_purged();
compare('CALL purge / batches of 10000 by hand', 's', 3,
	sub { prepare_purged(); timed("CALL syncport.purge('purged');") },
	sub { prepare_by_hand(); timed('CALL purge_by_hand();') }, '1.3');
compare('CALL purge / one DELETE of all, its own transaction', 's', 3,
	sub { prepare_purged(); timed("CALL syncport.purge('purged');") },
	sub { prepare_by_hand(); timed("DELETE FROM by_hand WHERE deleted_at IS NOT NULL AND updated_at < now() - interval '30 days';") }, 'report');

# Microseconds of updates of live rows that another session does meanwhile.
sub p99_beside
{
	my ($table, $statement) = @_;
	my $child = fork() // die "fork: $!";
	if ($child == 0)
	{
		open STDOUT, '>', '/dev/null';
		exec 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', $statement;
	}
	my @times;
	while (waitpid($child, 1) == 0)
	{
		push @times, statement_times(1000, '', map { "UPDATE $table SET n = n + 1 WHERE id = " . $_ * 1110 . ';' } 1 .. 100);
	}
	my @sorted = sort { $a <=> $b } @times;
	return $sorted[ $#sorted * 0.99 ];
}
title('p99 of updates of live rows in another session meanwhile');
my (@beside, @alone);
prepare_purged();
push @beside, p99_beside('purged', "CALL syncport.purge('purged')");
prepare_by_hand();
push @alone, p99_beside('by_hand', 'CALL purge_by_hand()');
report('beside purge / beside batches by hand', 'us', \@beside, \@alone, 'report');
prepare_purged();
report('beside purge / beside nothing', 'us', \@beside, [ p99_beside('purged', 'SELECT pg_sleep(3)') ], 'report');
sql("DROP TABLE IF EXISTS $_ CASCADE") for qw(purged by_hand);
