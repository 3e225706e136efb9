# A random schedule of writers and readers, and what the readers should have.
#
# Two tables per seed, their ways to keep what was deleted and their shapes
# decided by the seed: plain, keyed by text, or partitioned with a key of two
# columns, where a row moves when its key changes.  Keys are few, so that
# writers meet: what is deleted comes back, keys are swapped and used again.
# A row stays with its tenant (column ten), but its key may come again as
# another tenant's.

package Feed::Model;

use strict;
use warnings;

use Feed::Client;
use Feed::Session;
use List::Util qw(any first shuffle);

my $WRITERS = 5;
my $CLIENTS = 4;
my $IDS = 14;

# kinds of changes with their weights
my @CHANGES = (
	(\&insert) x 6, (\&update) x 6, (\&upsert) x 4, (\&delete_one) x 6,
	(\&delete_some) x 3, (\&undelete) x 4, (\&rekey) x 3, (\&swap) x 2,
	(\&replace) x 3, (\&delete_restore_delete) x 1, (\&merge) x 1,
	(\&touch) x 1, (\&erase) x 1, (\&many_savepoints) x 1, (\&copy) x 1);

sub pick { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

sub new
{
	my ($class, $connection, $seed) = @_;
	my $self = bless {
		seed => $seed,
		connection => $connection,
		log => [],
		count => {},
		step => 0,
		broken => [],
		prepared => [],
		tables => [],
		clients => [],
	}, $class;

	srand($seed);
	$self->{purges} = pick(0, 1, 3);
	$self->{admin} = Feed::Session->new($connection, 'admin');
	$self->{reader} = Feed::Session->new($connection, 'reader');
	$self->{idle} = Feed::Session->new($connection, 'idle');
	$self->{old} = Feed::Session->new($connection, 'old snapshot');
	foreach my $n (1 .. $WRITERS)
	{
		my $session = Feed::Session->new($connection, "writer $n");
		$session->must("SET lock_timeout = '15ms'");
		push @{ $self->{writers} }, { session => $session, name => "writer $n", saved => [] };
	}
	$self->{$_}->must("SET lock_timeout = '15ms'") for qw(admin reader old);
	push @{ $self->{tables} }, $self->make_table($_) for 'a', 'b';
	push @{ $self->{clients} }, $self->make_client($_) for 1 .. $CLIENTS;
	return $self;
}

# What the seed has chosen, for the name of the test.
sub describe
{
	my ($self) = @_;

	return join ', ', map { "$_->{name} $_->{mode} $_->{shape}" . ($_->{prefix} ? " by $_->{prefix}" : '') } @{ $self->{tables} };
}

# A session is waited for, so that its tables can be dropped.
sub end
{
	my ($self) = @_;

	$_->quit for map({ $_->{session} } @{ $self->{writers} }), @$self{qw(reader old idle)};
	$self->{admin}->must("SET lock_timeout = 0");
	$self->{admin}->must("ROLLBACK PREPARED '$_->{name}'") for @{ $self->{prepared} };
	$self->{admin}->must("DROP TABLE $_->{name}, $_->{name}_tenant; DROP FUNCTION $_->{name}_log") for @{ $self->{tables} };
	$self->{admin}->quit;
	return;
}

# ------------------------------------------------------------------- objects

sub make_table
{
	my ($self, $name) = @_;
	my $parted = ($self->{seed} + ($name eq 'b')) % 3 == 0;
	my $table = {
		name => $name,
		mode => pick('row', 'image'),
		shape => $parted ? 'partitioned' : pick('plain', 'text'),
		prefix => pick('', '', 'grp', 'ten', 'ten'),
		truncated => 0,
		purged => 0,
		filters => [ map { random_filter() } 1 .. 3 ],
	};
	my $id = $table->{shape} eq 'text' ? 'text' : 'integer';
	my $admin = $self->{admin};

	# both tables once in each mode
	$table->{mode} = $self->{tables}[0]{mode} eq 'row' ? 'image' : 'row' if $name eq 'b';
	$admin->must("CREATE TABLE $name (id $id NOT NULL, "
		  . ($parted ? 'part integer NOT NULL, ' : '')
		  . 'ten integer NOT NULL, grp integer, v text, at timestamptz, PRIMARY KEY (id' . ($parted ? ', part' : '') . '))'
		  . ($parted ? ' PARTITION BY LIST (part)' : ''));
	if ($parted)
	{
		$admin->must("CREATE TABLE ${name}_$_ PARTITION OF $name FOR VALUES IN ($_)") for 1 .. 2;
		$admin->must("CREATE TABLE ${name}_rest PARTITION OF $name DEFAULT");
	}
	$self->log_tenants($table);
	$table->{live} = $table->{mode} eq 'row' ? 'deleted_at IS NULL' : 'true';
	$self->insert_first($table) if chance(0.5);
	$admin->must("SELECT syncport.enable('$name', tombstones => '$table->{mode}', retention => '0'"
		  . ($table->{prefix} ? ", prefix => '{$table->{prefix}}'" : '') . ')');
	$self->insert_first($table);
	$admin->must($_)
	  for "CREATE POLICY ten ON $name TO feed_tenant USING (ten = current_setting('app.ten')::integer)",
	  "ALTER TABLE $name ENABLE ROW LEVEL SECURITY", "GRANT SELECT ON $name TO feed_tenant";
	return $table;
}

# Whose each key has been.
sub log_tenants
{
	my ($self, $table) = @_;
	my $name = $table->{name};
	my $key = key_text($table, 'NEW.');

	$self->{admin}->must($_)
	  for "CREATE TABLE ${name}_tenant (key text, ten integer)",
	  "CREATE FUNCTION ${name}_log() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN"
	  . " INSERT INTO ${name}_tenant VALUES ($key, NEW.ten); RETURN NULL; END \$\$",
	  "CREATE TRIGGER log AFTER INSERT OR UPDATE OF id, ten ON $name FOR EACH ROW EXECUTE FUNCTION ${name}_log()";
	return;
}

sub insert_first
{
	my ($self, $table) = @_;

	$self->{admin}->must("INSERT INTO $table->{name} (" . names($table) . ') VALUES ('
		  . values_of($table, random_key($table)) . ') ON CONFLICT DO NOTHING')
	  for 1 .. 6;
	return;
}

# A filter as the request and as SQL have it.
sub random_filter
{
	my $group = int rand 4;

	return @{ pick(
		[ { json => undef, sql => 'true' } ],
		[ { json => qq({"grp":$group}), sql => "grp = $group" } ],
		[ { json => qq({"grp":{"gte":$group}}), sql => "grp >= $group" } ],
		[ { json => '{"v":{"starts_with":"x"}}', sql => q(starts_with(v, 'x')) } ],
		[ { json => '{"grp":null}', sql => 'grp IS NULL' } ],
		[ { json => qq({"or":[{"grp":{"ne":$group}},{"v":{"contains":"y"}}]}),
				sql => "(grp <> $group OR v LIKE '%y%')" } ]) };
}

# What a client wants of a table: JSON for the request, and the query that
# gives the same rows.
sub random_want
{
	my ($table) = @_;
	my $filter = chance(0.5) ? { sql => 'true' } : pick(@{ $table->{filters} });
	my @members = $filter->{json} ? qq("filter":$filter->{json}) : ();
	my @key = $table->{shape} eq 'partitioned' ? ('id', 'part') : ('id');
	my $row = 'to_jsonb(t)';

	push @members, '"include_deleted":true' if chance(0.3);
	if (chance(0.3))
	{
		push @members, '"columns":["v","row_version"]';
		$row = 'jsonb_build_object(' . join(', ', map { "'$_', t.$_" } @key, 'v', 'row_version') . ')';
	}
	my $key = key_text($table, '');
	return {
		members => join(',', @members),
		filter => $filter->{json},
		columns => (first { /^"columns"/ } @members) ? '{v,row_version}' : undef,
		rows => "SELECT $key, $row, row_version FROM $table->{name} t WHERE $table->{live} AND ($filter->{sql})",
	};
}

sub make_client
{
	my ($self, $number) = @_;
	my @tables = $number == 1 ? @{ $self->{tables} } : pick(map { [$_] } @{ $self->{tables} })->@*;
	my %wants = map { $_->{name} => random_want($_) } @tables;
	my $client = Feed::Client->new("client $number",
		{ map { $_ => $wants{$_}{members} } keys %wants },
		{ page_size => 1 + int rand 20 });

	$client->{wants} = \%wants;
	$client->{since} = { map { $_ => 0 } keys %wants };
	$client->{kept} = undef;
	$client->{tenant} = int rand 3 if chance(0.4);
	return $client;
}

# -------------------------------------------------------------------- values

sub sql_text { return Feed::Client::quote($_[0]); }

sub random_id
{
	my ($table) = @_;
	my $id = 1 + int rand $IDS;

	return $id unless $table->{shape} eq 'text';
	return sql_text(('', 'a', 'B', ' ', "it's", 'back\\slash', "tab\there", "line\nbreak", '"', 'é', 'ß', '/', '%', '0', '00')[$id]);
}

# The values of a key, as a list of SQL literals.
sub random_key
{
	my ($table) = @_;

	return [ random_id($table), $table->{shape} eq 'partitioned' ? 1 + int rand 3 : () ];
}

sub key_names { return $_[0]{shape} eq 'partitioned' ? ('id', 'part') : ('id'); }

# The key as clients have it; a prefix for the columns.
sub key_text
{
	my ($table, $of) = @_;

	return join q( || '/' || ), map { "to_jsonb($of$_)::text" } key_names($table);
}

sub names
{
	my ($table) = @_;

	return join ', ', key_names($table), 'ten', 'grp', 'v', 'at';
}

sub random_values
{
	return (
		pick('NULL', 0 .. 3),
		pick('NULL', "'x'", "'xy'", "'zy'", "repeat('x', 3000)", 'md5(random()::text)'),
		pick('NULL', 'now()', "'2026-01-01 12:00:00.5+02'", "'infinity'"));
}

sub values_of
{
	my ($table, $key) = @_;

	return join ', ', @$key, int rand 3, random_values();
}

sub where
{
	my ($table, $key) = @_;
	my @names = key_names($table);

	return join ' AND ', map { "$names[$_] = $key->[$_]" } 0 .. $#names;
}

# The key as the jsonb that restore and erase take.
sub key_json
{
	my ($table, $key) = @_;
	my @names = key_names($table);

	return 'jsonb_build_object(' . join(', ', map { "'$names[$_]', $key->[$_]" } 0 .. $#names) . ')';
}

sub revive { return $_[0]{mode} eq 'row' ? ', deleted_at = NULL' : ''; }

# ------------------------------------------------------------------- changes
# Each gives the statements of one change of a table.

sub insert
{
	my ($table) = @_;

	return "INSERT INTO $table->{name} (" . names($table) . ') VALUES ('
	  . values_of($table, random_key($table)) . ')' . pick('', ' ON CONFLICT DO NOTHING');
}

sub update
{
	my ($table) = @_;
	my ($group, $v) = random_values();

	return "UPDATE $table->{name} SET grp = $group, v = $v WHERE " . where($table, random_key($table));
}

sub upsert_of
{
	my ($table, $key) = @_;

	return "INSERT INTO $table->{name} (" . names($table) . ') VALUES (' . values_of($table, $key)
	  . ') ON CONFLICT (' . join(', ', key_names($table)) . ') DO UPDATE SET v = excluded.v, grp = excluded.grp';
}

sub upsert
{
	my ($table) = @_;

	return upsert_of($table, random_key($table)) . (chance(0.7) ? revive($table) : '');
}

sub delete_one
{
	my ($table) = @_;

	return "DELETE FROM $table->{name} WHERE " . where($table, random_key($table));
}

sub delete_some
{
	my ($table) = @_;

	return "DELETE FROM $table->{name} WHERE grp = " . int rand 4;
}

sub undelete
{
	my ($table) = @_;
	my $key = random_key($table);

	return "UPDATE $table->{name} SET deleted_at = NULL WHERE " . where($table, $key)
	  if $table->{mode} eq 'row' && chance(0.3);
	return "UPDATE $table->{name} SET deleted_at = now() WHERE " . where($table, $key)
	  if $table->{mode} eq 'row' && chance(0.2);
	return "SELECT syncport.restore('$table->{name}', " . key_json($table, $key) . ')';
}

sub set_key
{
	my ($table, $from, $to) = @_;
	my @names = key_names($table);

	return "UPDATE $table->{name} SET " . join(', ', map { "$names[$_] = $to->[$_]" } 0 .. $#names)
	  . ' WHERE ' . where($table, $from);
}

sub rekey
{
	my ($table) = @_;

	return set_key($table, random_key($table), random_key($table));
}

# Two rows exchange their keys, by way of one that nobody else uses.
sub swap
{
	my ($table) = @_;
	my ($one, $other) = map { random_key($table) } 1 .. 2;
	my $between = [@$one];

	$between->[0] = $table->{shape} eq 'text' ? "'between " . int(rand 1e6) . "'" : -1 - int rand 1e6;
	return (set_key($table, $one, $between), set_key($table, $other, $one), set_key($table, $between, $other));
}

# What is deleted comes again under its key, in one transaction or statement.
sub replace
{
	my ($table) = @_;
	my $key = random_key($table);
	my $insert = upsert_of($table, $key) . revive($table);

	return "WITH gone AS (DELETE FROM $table->{name} WHERE " . where($table, $key)
	  . " RETURNING 1) INSERT INTO $table->{name} (" . names($table) . ') VALUES ('
	  . values_of($table, random_key($table)) . ')'
	  if chance(0.2);
	return ("DELETE FROM $table->{name} WHERE " . where($table, $key), $insert);
}

sub delete_restore_delete
{
	my ($table) = @_;
	my $key = random_key($table);
	my $delete = "DELETE FROM $table->{name} WHERE " . where($table, $key);

	return ($delete, "SELECT syncport.restore('$table->{name}', " . key_json($table, $key) . ')',
		chance(0.6) ? $delete : ());
}

sub merge
{
	my ($table) = @_;
	my @names = key_names($table);
	my $key = random_key($table);
	my $source = join ', ', map { "$key->[$_] AS $names[$_]" } 0 .. $#names;
	my $join = join ' AND ', map { "t.$_ = s.$_" } @names;

	return "MERGE INTO $table->{name} t USING (SELECT $source) s ON $join"
	  . ' WHEN MATCHED AND t.grp > 1 THEN DELETE WHEN MATCHED THEN UPDATE SET grp = 2'
	  . ' WHEN NOT MATCHED THEN INSERT (' . names($table) . ') VALUES (' . values_of($table, $key) . ')';
}

sub touch
{
	my ($table) = @_;
	my $filter = pick(@{ $table->{filters} })->{json};

	return "SELECT syncport.touch('$table->{name}', " . (defined $filter ? sql_text($filter) : 'NULL') . ')';
}

sub erase
{
	my ($table) = @_;

	return "SELECT syncport.erase('$table->{name}', " . key_json($table, random_key($table)) . ')';
}

sub copy
{
	my ($table) = @_;

	return "INSERT INTO $table->{name} (" . names($table) . ") SELECT "
	  . join(', ', key_names($table), 'ten', 'grp + 1', "v || 'y'", 'at')
	  . " FROM $table->{name} ORDER BY random() LIMIT 3 ON CONFLICT DO NOTHING"
	  if chance(0.5);
	return "UPDATE $table->{name} SET grp = (grp + 1) % 4 WHERE v IS NOT NULL";
}

# More subtransactions than the server keeps at hand.
sub many_savepoints
{
	my ($table, $self) = @_;

	$self->{count}{'savepoints beyond 64'}++;
	return map { ("SAVEPOINT many_$_", $_ % 10 ? "SELECT 1" : update($table), $_ % 3 ? "INSERT INTO $table->{name} (" . names($table) . ') VALUES (' . values_of($table, random_key($table)) . ') ON CONFLICT DO NOTHING' : ()) } 1 .. 70;
}

# ------------------------------------------------------------------ schedule

# What is broken, as text; stops at the first step that breaks something.
sub run
{
	my ($self, $steps) = @_;
	my @steps = ((\&write_step) x 30, (\&read_step) x 14, (\&purge) x $self->{purges}, \&idle_step, \&lose_answers,
		(\&lose_checkpoint) x 2, \&end_prepared, (\&old_snapshot_step) x 2);

	foreach (1 .. $steps)
	{
		$self->{step}++;
		if (chance(0.004)) { $self->truncate_table }
		else { pick(@steps)->($self) }
		return @{ $self->{broken} } if @{ $self->{broken} };
	}
	$self->finish_all;
	return @{ $self->{broken} };
}

sub note_down
{
	my ($self, $who, $what) = @_;

	push @{ $self->{log} }, "$self->{step} $who: $what";
	return;
}

sub write_step
{
	my ($self) = @_;
	my $writer = pick(@{ $self->{writers} });
	my $choice = rand;

	if (!$writer->{running})
	{
		$self->write($writer, 'BEGIN' . pick('', '', '', ' ISOLATION LEVEL REPEATABLE READ'));
		@$writer{qw(running saved)} = (1, []);
	}
	elsif ($choice < 0.22) { $self->end_transaction($writer) }
	elsif ($choice < 0.30)
	{
		my $name = 's' . @{ $writer->{saved} };
		push @{ $writer->{saved} }, $name if $self->write($writer, "SAVEPOINT $name");
	}
	elsif ($choice < 0.38 && @{ $writer->{saved} })
	{
		my $name = pop @{ $writer->{saved} };
		$self->write($writer, pick('ROLLBACK TO', 'RELEASE') . " $name");
	}
	else
	{
		my $table = pick(@{ $self->{tables} });
		foreach my $statement (pick(@CHANGES)->($table, $self))
		{
			last unless $self->write($writer, $statement);
		}
	}
	return;
}

# One statement; what fails is rolled back, to a savepoint if there is one.
sub write
{
	my ($self, $writer, $statement) = @_;
	my ($state, $output) = $writer->{session}->run($statement);

	$self->note_down($writer->{name}, "$statement -- $state");
	return 1 if $state eq '00000';
	$self->{count}{"error $state"}++;
	push @{ $self->{broken} }, "$statement: $state $output"
	  if $state !~ /^(23|40|55P03|42P01|21000)/ && $state !~ /^(3B001|25P02)/;
	if (@{ $writer->{saved} })
	{
		$self->roll_back_to($writer);
	}
	else
	{
		$writer->{session}->must('ROLLBACK');
		$self->note_down($writer->{name}, 'ROLLBACK');
		$writer->{running} = 0;
	}
	return 0;
}

sub roll_back_to
{
	my ($self, $writer) = @_;
	my ($state) = $writer->{session}->run("ROLLBACK TO $writer->{saved}[-1]");

	$self->note_down($writer->{name}, "ROLLBACK TO $writer->{saved}[-1] -- $state");
	return if $state eq '00000';
	$writer->{session}->must('ROLLBACK');
	$self->note_down($writer->{name}, 'ROLLBACK');
	$writer->{running} = 0;
	return;
}

sub end_transaction
{
	my ($self, $writer) = @_;
	my $choice = rand;

	if ($choice < 0.2)
	{
		$self->write($writer, 'ROLLBACK');
		$self->{count}{'rolled back'}++;
	}
	elsif ($choice < 0.3 && @{ $self->{prepared} } < 3)
	{
		my $name = "prepared $self->{step}";
		if ($self->write($writer, "PREPARE TRANSACTION '$name'"))
		{
			push @{ $self->{prepared} }, { name => $name };
			$self->{count}{prepared}++;
		}
	}
	else { $self->write($writer, 'COMMIT') }
	@$writer{qw(running saved)} = (0, []);
	return;
}

sub end_prepared
{
	my ($self) = @_;

	return unless @{ $self->{prepared} };
	my $it = splice @{ $self->{prepared} }, int rand @{ $self->{prepared} }, 1;
	$self->administer(pick('COMMIT', 'COMMIT', 'ROLLBACK') . " PREPARED '$it->{name}'");
	return;
}

# A statement of the administrator, who may have to give up.
sub administer
{
	my ($self, $statement) = @_;
	my ($state, $output) = $self->{admin}->run($statement);

	$self->note_down('admin', "$statement -- $state");
	return 1 if $state eq '00000';
	push @{ $self->{broken} }, "$statement: $state $output" if $state !~ /^(55P03|40)/;
	return 0;
}

# Somebody who writes elsewhere, and stays.
sub idle_step
{
	my ($self) = @_;

	$self->{idling} = !$self->{idling};
	$self->{idle}->must($self->{idling} ? 'BEGIN; SELECT pg_current_xact_id()' : 'COMMIT');
	$self->note_down('idle', $self->{idling} ? 'begins, with an id' : 'commits');
	return;
}

sub purge
{
	my ($self) = @_;
	my $table = pick(@{ $self->{tables} });

	$table->{purged}++ if $self->administer("CALL syncport.purge('$table->{name}'" . pick('', ', 1', ', 3') . ')');
	return;
}

sub truncate_table
{
	my ($self) = @_;
	my $table = pick(@{ $self->{tables} });
	my $name = $table->{name};

	$name .= pick('', '_1', '_2', '_rest') if $table->{shape} eq 'partitioned';
	$table->{truncated}++ if $self->administer("TRUNCATE $name");
	return;
}

# ------------------------------------------------------------------- readers

sub table_named
{
	my ($self, $name) = @_;

	return first { $_->{name} eq $name } @{ $self->{tables} };
}

# Answer and comparison come from one snapshot.  Some clients see a third of
# the rows, those of a tenant.
sub begin_reading
{
	my ($self, $client) = @_;

	$self->{reader}->must('BEGIN ISOLATION LEVEL REPEATABLE READ' . pick('', ' READ ONLY'));
	$self->become_tenant($client);
	return;
}

sub become_tenant
{
	my ($self, $client) = @_;

	$self->{reader}->must("SET LOCAL ROLE feed_tenant; SET LOCAL app.ten = $client->{tenant}")
	  if defined $client->{tenant};
	return;
}

# A snapshot is taken, and used by some client a while later: he is told that
# it is behind what he has, or gets what it sees.
sub old_snapshot_step
{
	my ($self) = @_;
	my $client = pick(@{ $self->{clients} });

	if (!$self->{old_taken})
	{
		$self->{old}->must($_) for 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1';
		$self->{old_taken} = $self->{step};
		return;
	}
	local $self->{reader} = $self->{old};
	local $self->{is_old} = 1;
	$self->note_down($client->{name}, "uses the snapshot of $self->{old_taken}");
	$self->become_tenant($client);
	$self->read_page($client);
	$self->{old}->must('COMMIT');
	$self->{old_taken} = 0;
	return;
}

# Deletes name no row that was never the tenant's.
sub check_deletes
{
	my ($self, $client, $name, $keys) = @_;

	return unless defined $client->{tenant} && @{ $keys // [] };
	$self->{count}{'deletes for tenants'} += @$keys;
	$self->{reader}->must('RESET ROLE');
	my %own = map { $_ => 1 } split /\n/, $self->{reader}->must(
		"SELECT key FROM ${name}_tenant WHERE ten = $client->{tenant}");
	my @others = grep { !$own{$_} } @$keys;
	push @{ $self->{broken} }, "$client->{name}: deletes of others' rows in $name: @others" if @others;
	return;
}

# A page or some, each compared with its own snapshot.
sub read_step
{
	my ($self) = @_;
	my $client = pick(@{ $self->{clients} });
	my $session = $self->{reader};

	$self->start_at_position($client) if chance(0.02);
	foreach (1 .. pick(1, 1, 2, 5, 30))
	{
		my $single = keys %{ $client->{tables} } == 1;
		my $by_changes = $single && $client->{tables}{ (keys %{ $client->{tables} })[0] }{members} !~ /columns|include/
		  && chance(0.3);

		$self->begin_reading($client);
		my $done = $by_changes ? $self->read_changes($client) : $self->read_page($client);
		$session->must('COMMIT');
		last if $done || @{ $self->{broken} };
	}
	return;
}

# Ask by a statement; undef where a lock was in the way.
sub ask
{
	my ($self, $client, $statement) = @_;
	my ($state, $output) = $self->{reader}->run($statement);

	return $output if $state eq '00000';
	$self->note_down($client->{name}, "asks -- $state");
	push @{ $self->{broken} }, "$client->{name}: $statement\n$state $output" if $state ne '55P03';
	return undef;
}

# One answer of pull(); true if there is nothing more to do.
sub read_page
{
	my ($self, $client) = @_;
	my %change = chance(0.1) ? (page_size => 1 + int rand 20) : chance(0.1) ? (max_bytes => 1 + int rand 2000) : ();
	my $output = $self->ask($client, $client->statement(%change));

	return 1 unless defined $output;
	my $answer = $client->take($output);
	$self->note_down($client->{name}, sprintf 'pulls: %d rows%s%s%s', $answer->{rows},
		$answer->{complete} ? ', complete' : '', $answer->{behind} ? ', behind' : '',
		join '', map { ", reset $_ $answer->{reset}{$_}" } sort keys %{ $answer->{reset} });
	$self->{count}{pages}++;
	push @{ $self->{broken} }, map { "$client->{name}: $_" } @{ $answer->{broken} };
	push @{ $self->{broken} }, "$client->{name}: behind a new snapshot" if $answer->{behind} && !$self->{is_old};
	$self->{count}{behind}++ if $answer->{behind};
	push @{ $self->{broken} }, "$client->{name}: seq is $answer->{seq}" if $answer->{seq} < 1;
	$self->check_reset($client, $_, $answer->{reset}{$_}) for sort keys %{ $answer->{reset} };
	foreach my $name (grep { !$answer->{reset}{$_} && !$answer->{behind} } sort keys %{ $client->{tables} })
	{
		$self->compare($client, $name, $answer->{seq}, $client->{tables}{$name}{complete});
	}
	$self->check_deletes($client, $_, $answer->{deleted}{$_}) for sort keys %{ $answer->{deleted} };
	return $answer->{complete};
}

# Some rows of changes(), of which the client keeps the first ones only; true
# if there is nothing more.  Only no rows at all say that.
sub read_changes
{
	my ($self, $client) = @_;
	my ($name) = keys %{ $client->{tables} };
	my $state = $client->{tables}{$name};
	my $size = 1 + int rand 20;
	my $rows = $self->ask_changes($client, $name, $size) or return 1;
	my $keep = @$rows && chance(0.3) ? 1 + int rand @$rows : @$rows;
	my %answer = (broken => []);

	foreach my $row (@$rows[ 0 .. $keep - 1 ])
	{
		my ($op, $key, $version, $json, $cursor) = split /\t/, $row, -1;
		$client->take_item(\%answer, $op, $name, $key, $version, $json);
		$state->{cursor} = $cursor;
	}
	$self->note_down($client->{name}, sprintf 'changes: %d rows, keeps %d', scalar @$rows, $keep);
	$self->{count}{'pages of changes'}++;
	push @{ $self->{broken} }, map { "$client->{name}: $_" } @{ $answer{broken} };
	$self->compare($client, $name, 1, !@$rows);
	$self->check_deletes($client, $name, $answer{deleted}{$name});
	return !@$rows;
}

# The rows of an answer; undef where the client starts over or a lock was in
# the way.
sub ask_changes
{
	my ($self, $client, $name, $size) = @_;
	my $key = key_text($self->table_named($name), '(item).');
	my ($state, $output) = $self->{reader}->run(
		"SELECT op, $key, (item).row_version, to_jsonb(item), cursor FROM syncport.changes(NULL::$name, "
		  . Feed::Client::quote($client->{tables}{$name}{cursor}) . ", $size, "
		  . Feed::Client::quote($client->{wants}{$name}{filter}) . ')');

	return [ split /\n/, $output ] if $state eq '00000';
	$self->note_down($client->{name}, "asks for changes -- $state");
	if ($state eq 'SY002' && $output =~ /^DETAIL:\s+(\w+)$/m)
	{
		$self->check_reset($client, $name, $1);
	}
	elsif ($state ne '55P03')
	{
		push @{ $self->{broken} }, "$client->{name}: changes of $name: $state $output";
	}
	return undef;
}

# The copy against the table, as the snapshot of the answer has it.
sub compare
{
	my ($self, $client, $name, $seq, $complete) = @_;
	my (%server, %version);

	foreach my $line (split /\n/, $self->{reader}->must($client->{wants}{$name}{rows}))
	{
		my ($key, $row, $version) = split /\t/, $line;
		@server{$key} = $row;
		$version{$key} = $version;
	}
	my ($lost, $extra) = $client->differences($name, \%server);
	if ($complete)
	{
		$self->{count}{complete}++;
		$self->{count}{'complete for tenants'}++ if defined $client->{tenant} && %server;
		push @{ $self->{broken} },
		  "$client->{name}, table $name, complete: lacks @$lost, has @$extra too many"
		  if @$lost || @$extra;
		return;
	}
	my @old = grep { $version{$_} < $seq } @$lost;
	push @{ $self->{broken} }, "$client->{name}, table $name: lacks @old, older than seq $seq" if @old;
	return;
}

# What was purged by a transaction that began before a round of the client
# ended may be too new for it, for as long as an older one is open; here
# nothing is kept for any time.
sub check_reset
{
	my ($self, $client, $name, $reason) = @_;
	my $table = $self->table_named($name);

	$self->{count}{"reset $reason"}++;
	$self->note_down($client->{name}, "starts $name over: $reason");
	push @{ $self->{broken} }, "$client->{name}: reset of $name without cause: $reason"
	  unless defined $client->{tables}{$name}{cursor}
	  && ($reason eq 'purged' && $table->{purged}
		|| $reason eq 'truncated' && $table->{truncated} > $client->{since}{$name});
	$self->start_over($client, $name);
	return;
}

sub start_over
{
	my ($self, $client, $name) = @_;
	my $table = $self->table_named($name);

	$client->start_over($name);
	$client->{since}{$name} = $table->{truncated};
	$client->{kept} = undef;
	return;
}

# The rows as the client reads them itself, and the position of that moment.
sub start_at_position
{
	my ($self, $client) = @_;
	my ($name) = pick(sort keys %{ $client->{tables} });
	my $want = $client->{wants}{$name};
	my $state = $client->{tables}{$name};

	return if $state->{members} =~ /include_deleted/;
	$self->begin_reading($client);
	my $cursor = $self->ask($client, "SELECT syncport.feed_position('$name', "
		  . Feed::Client::quote($want->{columns}) . ', ' . Feed::Client::quote($want->{filter}) . ')');
	if (defined $cursor)
	{
		my @rows = map { [ split /\t/ ] } split /\n/, $self->{reader}->must($want->{rows});
		$self->start_over($client, $name);
		$state->{cursor} = $cursor;
		$state->{rows} = { map { $_->[0] => $_->[1] } @rows };
		$state->{seen} = { map { ("$_->[0] $_->[2]" => 1) } @rows };
		$self->{count}{'from feed_position'}++;
		$self->note_down($client->{name}, "takes the position of $name");
	}
	$self->{reader}->must('COMMIT');
	return;
}

# A client remembers what it has, and later goes back to that.
sub lose_answers
{
	my ($self) = @_;
	my $client = pick(@{ $self->{clients} });

	if ($client->{kept})
	{
		$client->{tables} = $client->{kept};
		$client->{kept} = undef;
		$self->{count}{'lost answers'}++;
		$self->note_down($client->{name}, 'loses its last answers');
		return;
	}
	foreach my $name (keys %{ $client->{tables} })
	{
		my $state = $client->{tables}{$name};
		$client->{kept}{$name} = { %$state, rows => { %{ $state->{rows} } }, seen => { %{ $state->{seen} } } };
	}
	return;
}

sub lose_checkpoint
{
	my ($self) = @_;
	my $client = pick(@{ $self->{clients} });

	$self->start_over($client, pick(sort keys %{ $client->{tables} }));
	$self->{count}{'lost checkpoint'}++;
	$self->note_down($client->{name}, 'loses a checkpoint');
	return;
}

# Everything ends, everybody catches up.
sub finish_all
{
	my ($self) = @_;

	foreach my $writer (@{ $self->{writers} })
	{
		$self->write($writer, 'COMMIT') if $writer->{running};
	}
	$self->end_prepared while @{ $self->{prepared} };
	$self->idle_step if $self->{idling};
	foreach my $client (@{ $self->{clients} })
	{
		foreach (1 .. 1000)
		{
			$self->begin_reading($client);
			my $done = $self->read_page($client);
			$self->{reader}->must('COMMIT');
			last if $done || @{ $self->{broken} };
			push @{ $self->{broken} }, "$client->{name} never gets complete" if $_ == 1000;
		}
	}
	return;
}

1;
