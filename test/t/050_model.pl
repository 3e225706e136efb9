# A seeded model test: random schemas and statements, with a twin database
# that runs the same without syncport.
#
#   MODEL_SEED=7 runs one seed, MODEL_RUNS=100 the seeds from 1 (or from
#   MODEL_SEED) on; MODEL_STEPS sets the length of a script.
#
# A seed's class is its number modulo 3 (lib/Model/Schema.pm): exact, where
# nothing may differ, mixed, where only what the table of the two modes names
# may, and alone, without a twin, where rows below tombstones and whatever
# else the twin refuses stay.  A statement that differs legitimately is
# rolled back in both databases, with its transaction or to its savepoint,
# so that their live rows can be compared in the end, in every class.
#
# After each script: live rows equal the twin's, in image mode the newest
# image of a deleted row equals what the twin lost; every foreign key finds
# its row, tombstones included; every unique key is unique; everything that
# was deleted is known as a tombstone or an image; a dump restores.
#
# Broken on purpose, it failed within twelve seeds: a put-back that took any
# parent for locked left tombstones below rows that are gone (found by the
# anti-join and by psql restoring, or by a statement that the twin passed);
# without our NO ACTION check a statement passed that the twin refused; without
# images at key changes three seeds had keys that nobody knew.  An undelete
# that needs no live parent went unnoticed.  Statements never wait here, so
# what only a wait can break belongs to the isolation tests.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Model::Schema;
use Model::Script;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @CLASSES = qw(exact mixed alone);
my $first = $ENV{MODEL_SEED} || 1;
my $runs = $ENV{MODEL_RUNS} || ($ENV{MODEL_SEED} ? 1 : 12);
my $steps = $ENV{MODEL_STEPS} || 320;
my $libraries = dirname(__FILE__) . '/lib/Model';
my $driver;

my $node = PostgreSQL::Test::Cluster->new('model');
$node->init;
# Triggers of a foreign key fire in the order of their names, which end in an
# OID: as many digits for all.
$node->command_ok([ 'pg_resetwal', '-o', '200000', $node->data_dir ],
	'object identifiers have six digits');
$node->append_conf(
	'postgresql.conf', q(
autovacuum = off
max_connections = 30
fsync = off
log_min_messages = panic
));
$node->start;
set_up();
run_seed($_) for $first .. $first + $runs - 1;
$node->stop;
done_testing();

# roles, the driver, and what databases are copied from
sub set_up
{
	my $log = slurp_file("$libraries/log.sql");

	$node->safe_psql('postgres', q(
		CREATE EXTENSION dblink;
		CREATE ROLE model_owner LOGIN;
		CREATE ROLE model_1 LOGIN;
		CREATE ROLE model_2 LOGIN;
		CREATE DATABASE ours_template;
		CREATE DATABASE twin_template;));
	$node->safe_psql('postgres', slurp_file("$libraries/driver.sql"));
	$node->safe_psql('ours_template', q(
		CREATE EXTENSION syncport;
		GRANT USAGE ON SCHEMA syncport TO model_owner;
		GRANT EXECUTE ON FUNCTION syncport.enable TO model_owner;));
	$node->safe_psql($_, "$log GRANT ALL ON SCHEMA public TO model_owner;")
	  for 'ours_template', 'twin_template';
	return;
}

sub run_seed
{
	my ($seed) = @_;
	my $class = $CLASSES[ $seed % 3 ];
	my ($schema, $script, $broken, $ddl);

	srand($seed);
	$schema = Model::Schema::generate($class);
	$script = Model::Script::generate($schema, $steps);
	$ddl = make_databases($schema);
	$broken = run_script($schema, $script);
	note($node->safe_psql('postgres', q(
		SELECT string_agg(concat_ws(' ', what, state, count), ', ' ORDER BY count DESC)
		FROM (SELECT CASE verdict WHEN 'same' THEN 'both' ELSE verdict END what,
				a_state || CASE WHEN a_tag ~ ' 0$' THEN ' (no row)' ELSE '' END state, count(*)
			  FROM outcome GROUP BY 1, 2) o)));
	subtest "seed $seed ($class)" => sub {
		is($broken, '', 'each statement has the outcome of the twin');
		check_live_rows($schema) if $class ne 'alone';
		check_images($schema) if $class ne 'alone';
		check_constraints($schema, 'ours');
		check_known($schema);
		check_dump($schema);
	} or report($seed, $schema, $ddl, $broken);
	$node->safe_psql('postgres', "DROP DATABASE $_ WITH (FORCE)")
	  for 'ours', 'twin', 'restored';
	return;
}

sub make_databases
{
	my ($schema) = @_;
	my $keys = Model::Schema::keys_sql($schema);
	my $enable = Model::Schema::enable_sql($schema);
	my $tables = Model::Schema::tables_sql($schema);
	my $ours =
	    $tables
	  . ($schema->{keys_last} ? "$enable\n$keys" : "$keys\n$enable")
	  . Model::Schema::triggers_sql($schema, 1);
	my $twin = "$tables $keys " . Model::Schema::triggers_sql($schema, 0);

	$node->safe_psql('postgres', 'CREATE DATABASE ours TEMPLATE ours_template');
	$node->safe_psql('postgres', 'CREATE DATABASE twin TEMPLATE twin_template');
	$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
	$node->safe_psql('ours', "SET client_min_messages = error; SET ROLE model_owner; $ours");
	$node->safe_psql('twin', "SET ROLE model_owner; $twin");
	return $ours;
}

# the number of the step that failed, or nothing
sub run_script
{
	my ($schema, $script) = @_;
	my $alone = $schema->{class} eq 'alone';
	my @users = qw(model_owner model_owner model_1 model_2);
	my $host = 'host=' . $node->host . ' port=' . $node->port;
	my @sql = ('BEGIN', 'TRUNCATE step, outcome');
	my $number = 0;

	foreach my $step (@$script)
	{
		push @sql, 'INSERT INTO step VALUES (' . join(', ', ++$number,
			map { quote($_) } @$step{qw(session kind a b find)},
			'{' . join(',', @{ $step->{allow} }) . '}') . ')';
	}
	push @sql, 'COMMIT';
	foreach my $session (1 .. 4)
	{
		push @sql, "SELECT dblink_connect('$_->[0]$session', '$host dbname=$_->[1] user=$users[$session - 1]"
		  . " options=''-c lock_timeout=25ms -c enable_seqscan=off -c client_min_messages=error''')"
		  for [ 'a', 'ours' ], [ 'b', 'twin' ];
	}
	push @sql, "SELECT dblink_connect('purge', '$host dbname=ours options=''-c lock_timeout=25ms''')",
	  "SELECT dblink_connect('log', '$host dbname="
	  . ($alone ? 'ours' : 'twin') . "')",
	  "SELECT 'step ' || run_script(" . ($alone ? 'false' : 'true') . ')';
	return $node->safe_psql('postgres', join(";\n", @sql)) =~ /^(step .*)$/m
	  ? $1
	  : '';
}

sub quote
{
	my ($text) = @_;

	return 'NULL' unless defined $text;
	$text =~ s/'/''/g;
	return "'$text'";
}

sub is_soft
{
	my ($table) = @_;

	return $table->{mode} eq 'row' ? 'deleted_at IS NULL' : 'true';
}

# the application's columns of all live rows
sub rows_sql
{
	my ($table, $where) = @_;
	my $columns = join ', ', Model::Schema::columns($table);

	return "SELECT '$table->{name}' || t::text FROM (SELECT $columns FROM $table->{name} WHERE $where) t";
}

sub check_live_rows
{
	my ($schema) = @_;
	my @tables = @{ $schema->{tables} };
	my $ours = join ' UNION ALL ', map { rows_sql($_, is_soft($_)) } @tables;
	my $twin = join ' UNION ALL ', map { rows_sql($_, 'true') } @tables;

	is( $node->safe_psql('ours', "$ours ORDER BY 1"),
		$node->safe_psql('twin', "$twin ORDER BY 1"),
		'live rows equal those of the twin');
	return;
}

# A partition move looks like a DELETE to the twin's trigger, and beside
# row-mode tables actions write to tombstones.
sub check_images
{
	my ($schema) = @_;

	foreach my $table (
		grep { $_->{mode} eq 'image' && !$_->{soft} && !$_->{partitioned} }
		@{ $schema->{tables} })
	{
		my $columns = join ', ', map { "'$_'" } Model::Schema::columns($table);
		my $key = join q( || ' ' || ), map { "(key ->> '$_')" } @{ $table->{key} };
		my $lost = $node->safe_psql('twin', qq(
			SELECT g.key, g.what, string_agg(e.key || '=' || coalesce(e.value, '-'), ',' ORDER BY e.key)
			FROM (SELECT DISTINCT ON (key) * FROM model_gone
				  WHERE target = '$table->{name}' ORDER BY key, seq DESC) g,
				jsonb_each_text(old) e
			WHERE what = 'DELETE' AND e.key IN ($columns)
			GROUP BY 1, 2));
		my $kept = $node->safe_psql('ours', qq(
			SELECT t.k, 'DELETE', string_agg(e.key || '=' || coalesce(e.value, '-'), ',' ORDER BY e.key)
			FROM (SELECT DISTINCT ON (k) * FROM
				  (SELECT *, $key AS k FROM syncport.tombstone
				   WHERE target = '$table->{name}'::regclass) t
				  ORDER BY k, id DESC) t, json_each_text(image) e
			WHERE complete AND e.key IN ($columns)
			GROUP BY 1, 2));
		my %kept = map { /^([^|]*)\|(.*)$/s ? ($1 => $2) : () } split /\n/, $kept;
		my %lost = map { /^([^|]*)\|(.*)$/s ? ($1 => $2) : () } split /\n/, $lost;

		is_deeply({ map { $_ => $kept{$_} } keys %lost }, \%lost,
			"$table->{name}: newest images are what the twin lost");
	}
	return;
}

sub check_constraints
{
	my ($schema, $database) = @_;
	my @checks;

	foreach my $key (@{ $schema->{keys} })
	{
		my @columns = @{ $key->{columns} };
		my $join = join ' AND ',
		  map { "p.$key->{references}[$_] = c.$columns[$_]" } 0 .. $#columns;
		my $filled = join ' AND ', map { "c.$_ IS NOT NULL" } @columns;

		push @checks, "SELECT '$key->{name}' AS violated, c::text FROM $key->{child}{name} c"
		  . " WHERE $filled AND NOT EXISTS (SELECT FROM $key->{parent}{name} p WHERE $join)";
	}
	foreach my $table (@{ $schema->{tables} })
	{
		foreach my $key (join(', ', @{ $table->{key} }), $table->{unique} // ())
		{
			my $filled = join ' AND ', map { "$_ IS NOT NULL" } split /, /, $key;

			push @checks, "SELECT '$table->{name} ($key)', min(t::text) FROM $table->{name} t"
			  . " WHERE $filled GROUP BY $key HAVING count(*) > 1";
		}
	}
	is($node->safe_psql($database, join ' UNION ALL ', @checks),
		'', 'every constraint holds, tombstones included');
	return;
}

# Nothing that is gone is unknown to the feed.
sub check_known
{
	my ($schema) = @_;
	my $log = $schema->{class} eq 'alone' ? 'ours' : 'twin';
	my @enabled = grep { $_->{mode} ne 'plain' } @{ $schema->{tables} };
	my $known = join ' UNION ALL ', map {
		my $table = $_;
		my $name = $table->{name};
		my $key = join q( || ' ' || ), @{ $table->{key} };
		my $image = join q( || ' ' || ), map { "(key ->> '$_')" } @{ $table->{key} };
		"SELECT '$name ' || $key FROM $name UNION ALL SELECT '$name ' || $image"
		  . " FROM syncport.tombstone WHERE target = '$name'::regclass";
	} @enabled;
	my %known = map { $_ => 1 } split /\n/, $node->safe_psql('ours', $known);
	my @gone = split /\n/, $node->safe_psql($log,
		"SELECT DISTINCT target || ' ' || key FROM model_gone WHERE target IN ("
		  . join(', ', map { "'$_->{name}'" } @enabled) . ') ORDER BY 1');

	is_deeply([ grep { !$known{$_} } @gone ],
		[], 'whatever is gone is known');
	return;
}

sub check_dump
{
	my ($schema) = @_;
	my $file = $PostgreSQL::Test::Utils::tmp_check . '/model.sql';
	my $rows = join ' UNION ALL ',
	  map { "SELECT '$_->{name}' || row_to_json(t)::text FROM $_->{name} t" }
	  @{ $schema->{tables} };
	my ($out, $err);

	$rows .= " UNION ALL SELECT row_to_json(t)::text FROM syncport.tombstone t ORDER BY 1";
	PostgreSQL::Test::Utils::run_command(
		[ 'pg_dump', '-f', $file, $node->connstr('ours') ]);
	($out, $err) = PostgreSQL::Test::Utils::run_command(
		[
			'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file,
			$node->connstr('restored')
		]);
	is($err, '', 'a dump restores');
	is($node->safe_psql('restored', $rows),
		$node->safe_psql('ours', $rows), 'with the same rows');
	return;
}

# Everything to replay by hand: the schema and what each session ran.
sub report
{
	my ($seed, $schema, $ddl, $broken) = @_;
	my $file = "$PostgreSQL::Test::Utils::log_path/model_$seed.log";
	my $query = q(
		SELECT format('%s%s: %s -- %s %s%s%s', s.n, CASE WHEN o.n IS NULL THEN ' (skipped)' ELSE '' END,
			'session ' || s.session, coalesce(s.a, s.kind), o.verdict,
			' | ours: ' || concat_ws(' ', o.a_state, o.a_tag, o.a_message),
			' | twin: ' || concat_ws(' ', o.b_state, o.b_tag, o.b_message))
		FROM step s LEFT JOIN outcome o USING (n) );
	my $all = $node->safe_psql('postgres', "$query ORDER BY s.n");
	my $number = $broken =~ /(\d+)/ ? $1 : undef;

	append_to_file($file, "$ddl\n$all\n");
	diag("replay: MODEL_SEED=$seed MODEL_STEPS=$steps; schema and statements: $file");
	diag($ddl);
	diag($node->safe_psql('postgres',
		"$query WHERE o.n BETWEEN $number - 12 AND $number ORDER BY o.n"))
	  if defined $number;
	return;
}
