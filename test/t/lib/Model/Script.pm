# Random statements for the model test: the same seed gives the same script.
#
# A script is a list of steps, in the order in which they run: session (1 to
# 4; 1 and 2 are the owner's, 3 and 4 belong to two roles), kind, the
# statement for the database with syncport and that for its twin, and which
# differences between the two are legitimate (see Model::Driver).
#
# No statement depends on an order that the database is free to choose: many
# rows change their key only by its sign, where the outcome is the same
# whichever comes first.

package Model::Script;

use strict;
use warnings;

use List::Util qw(any);
use Model::Schema;

*pick = \&Model::Schema::pick;
*chance = \&Model::Schema::chance;

# What may differ beside a row-mode table, each a line of the table of modes:
# taken (the values of a tombstone), below (a child below a tombstone),
# counts and acts (a tombstoned child is referenced, an action writes to it),
# matched (ON CONFLICT and MERGE find tombstones), lock (a tombstone is
# locked where the twin has no row), both (two errors at once).
my @SOFT = qw(taken below counts acts matched lock both);

my @STATEMENTS = (
	(\&insert) x 9, (\&update_values) x 3, (\&update_key) x 3,
	(\&update_parent) x 3, (\&negate_keys) x 1, (\&move) x 2,
	(\&delete_one) x 3, (\&delete_parent) x 5, (\&delete_many) x 2, (\&delete_returning) x 2,
	(\&on_conflict) x 3, (\&merge) x 2, (\&replace_row) x 1,
	(\&block) x 3, (\&loop) x 1, (\&undelete) x 3, (\&delete_again) x 1, (\&truncate_table) x 1);

sub generate
{
	my ($schema, $steps) = @_;
	my $self = bless {
		schema => $schema,
		counter => 0,
		recent => {},
		script => [],
		alone => $schema->{class} eq 'alone',
	}, __PACKAGE__;
	my %left = map { $_ => 0 } 1 .. 4;

	# rows to begin with, as far as they can be
	for my $id (1 .. 6)
	{
		foreach my $table (@{ $schema->{tables} })
		{
			my $row = $self->random_row($table, 1,
				$self->is_careful($table) ? undef : $id);

			$self->start(1);
			$self->add($table, 1,
				"INSERT INTO $table->{name} (" . column_list($table) . ") VALUES ($row)");
			$self->finish(1, 'commit');
		}
	}
	$steps += @{ $self->{script} };
	while (@{ $self->{script} } < $steps)
	{
		my $session = 1 + int rand 4;

		if ($left{$session} == 0)
		{
			$self->start($session);
			$left{$session} = 1 + pick(1, 2, 3, 4, 6);
		}
		elsif (--$left{$session} == 0)
		{
			$self->finish($session, chance(0.85) ? 'commit' : 'rollback');
		}
		else
		{
			$self->random_step($session);
		}
	}
	$self->finish($_, 'commit') for grep { $left{$_} } 1 .. 4;
	return $self->{script};
}

sub step
{
	my ($self, $session, $kind, %more) = @_;

	push @{ $self->{script} },
	  { session => $session, kind => $kind, allow => [], %more };
	return;
}

sub start
{
	my ($self, $session) = @_;
	my $level = 'READ COMMITTED';

	# a snapshot that is older than a delete sees parents that are gone
	$level = 'REPEATABLE READ'
	  if chance(0.25)
	  && !($self->{schema}{class} eq 'exact'
		&& any { $_->{soft} } @{ $self->{schema}{tables} });
	$self->step($session, 'begin', a => "BEGIN ISOLATION LEVEL $level");
	return;
}

sub finish
{
	my ($self, $session, $how) = @_;

	# what deferrable keys find depends on what other sessions deleted since:
	# a parent may be a tombstone by now, or an image with tombstones below
	$self->step($session, $how,
		allow => [ @{ $self->allowed(@{ $self->{schema}{tables} }) },
			(any { $_->{soft} } @{ $self->{schema}{tables} }) ? qw(below counts) : () ]);
	return;
}

sub random_step
{
	my ($self, $session) = @_;
	my $dice = rand;

	return $self->step($session, 'savepoint') if $dice < 0.06;
	return $self->step($session, 'back') if $dice < 0.10;
	return $self->step($session, 'purge') if $dice < 0.11;
	if ($dice < 0.13)
	{
		my $sql = 'SET CONSTRAINTS ALL ' . pick('IMMEDIATE', 'DEFERRED');

		return $self->step($session, 'run', a => $sql,
			allow => $self->allowed(@{ $self->{schema}{tables} }));
	}
	pick(@STATEMENTS)
	  ->($self, pick(@{ $self->{schema}{tables} }), $session);
	return;
}

# which differences are legitimate for a statement on these tables
sub allowed
{
	my ($self, @tables) = @_;

	return [] unless any { $_->{soft} } @tables;
	return ['lock'] if $self->{schema}{class} eq 'exact';
	return \@SOFT;
}

# a statement on a table, {live} standing for what sees no tombstones
sub add
{
	my ($self, $table, $session, $sql, $kind) = @_;

	$self->step(
		$session, $kind // 'run',
		a => fill_live($sql, 1),
		b => fill_live($sql, 0),
		allow => $self->allowed($table));
	return;
}

sub live
{
	my ($table, $alias) = @_;

	return $table->{mode} eq 'row'
	  ? '{' . ($alias ? "$alias." : '') . 'deleted_at IS NULL}'
	  : 'true';
}

sub fill_live
{
	my ($sql, $ours) = @_;

	$sql =~ s/\{([^}]*)\}/$ours ? $1 : 'true'/ge;
	return $sql;
}

# Beside row-mode tables class exact uses no deleted key again.
sub is_careful
{
	my ($self, $table) = @_;

	return $self->{schema}{class} eq 'exact' && $table->{soft};
}

sub new_number
{
	my ($self, $table) = @_;
	my $recent = $self->{recent}{ $table->{name} } //= [];

	return pick(1 .. 7, 1 .. 7, -5 .. -1) unless $self->is_careful($table);
	push @$recent, ++$self->{counter};
	shift @$recent if @$recent > 14;
	return $self->{counter};
}

sub old_number
{
	my ($self, $table) = @_;

	return pick(1 .. 7, 1 .. 7, -5 .. -1) unless $self->is_careful($table);
	return pick(@{ $self->{recent}{ $table->{name} } });
}

# the condition for one live row, now and then whichever is next
sub one_live
{
	my ($self, $table) = @_;
	my $number = $self->old_number($table);

	return "id = $number AND " . live($table) if chance(0.4);
	return "id = (SELECT min(id) FROM $table->{name} WHERE id >= $number AND "
	  . live($table) . ') AND ' . live($table);
}

# the range in which several rows are written
sub old_range
{
	my ($self, $table) = @_;
	my $first = $self->old_number($table);

	return 'id IN (' . join(', ', map { $self->old_number($table) } 1 .. 4) . ')'
	  if $self->is_careful($table);
	return "id BETWEEN $first AND " . ($first + 3);
}

sub unique_number
{
	my ($self, $table) = @_;

	return 'NULL' if chance(0.3);
	return $self->is_careful($table) ? ++$self->{counter} : 1 + int rand 12;
}

sub random_period
{
	my ($self, $table) = @_;
	my $start;

	return 'NULL' if chance(0.5);
	$start = $self->is_careful($table) ? 10 * ++$self->{counter} : int rand 60;
	return sprintf "'[%d,%d)'", $start, $start + 4;
}

# the values of a foreign key's columns
sub parent_values
{
	my ($self, $key) = @_;
	my $parent = $key->{parent};
	my $number = ($self->{recent}{ $parent->{name} } // [1])->[0];
	my $r = pick(1, 2);
	my $column = $key->{references}[0];
	my $where = '';
	my @rest;

	return map { 'NULL' } @{ $key->{columns} }
	  if chance(0.1) && !$key->{not_null};
	$number = $self->old_number($parent)
	  if !$self->is_careful($parent) || $self->{recent}{ $parent->{name} };
	$number = pick(1 .. 12)
	  if $column eq 'u' && !$self->is_careful($parent);
	if (@{ $key->{references} } > 1)
	{
		$where = " AND r = $r";
		@rest = ($r);
	}
	return ($number, @rest)
	  if !$self->is_careful($parent) && chance(0.2);
	# the next one that is there
	return (
		"(SELECT min($column) FROM $parent->{name} WHERE $column >= "
		  . ($number - 3) . "$where AND " . live($parent) . ')',
		@rest);
}

# one row for columns()
sub random_row
{
	my ($self, $table, $session, $id) = @_;
	my $tenant = $session > 2 && chance(0.9) ? $session - 2 : pick(1, 1, 1, 2);

	return join ', ', $id // $self->new_number($table), pick(1, 2), $tenant,
	  int rand($self->is_careful($table) ? 9 : 10),
	  $self->unique_number($table), $self->random_period($table),
	  "'" . pick('a', "it''s", 'ü', '"', '') . "'",
	  map { $self->parent_values($_) } @{ $table->{keys} };
}

sub column_list
{
	my ($table) = @_;

	return join ', ', Model::Schema::columns($table, 1);
}

sub key_list
{
	my ($table) = @_;

	return join ', ', @{ $table->{key} };
}

# --- the statements

sub insert
{
	my ($self, $table, $session) = @_;
	my @rows =
	  map { '(' . $self->random_row($table, $session) . ')' }
	  1 .. pick(1, 1, 1, 1, 2);

	$self->add($table, $session,
		"INSERT INTO $table->{name} (" . column_list($table)
		  . ') VALUES ' . join ', ', @rows);
	return;
}

sub update_values
{
	my ($self, $table, $session) = @_;
	my $set = "note = note || 'x'";
	my $where = $self->old_range($table);

	if (chance(0.5))
	{
		$set = 'u = ' . $self->unique_number($table) . ', v = ' . int rand 9;
		$where = $self->one_live($table);
	}
	$self->add($table, $session,
		"UPDATE $table->{name} SET $set WHERE $where AND " . live($table));
	return;
}

sub update_key
{
	my ($self, $table, $session) = @_;
	my $set = 'id = ' . $self->new_number($table);

	$set .= ', r = ' . pick(1, 2) if chance(0.3);
	$self->add($table, $session,
		"UPDATE $table->{name} SET $set WHERE " . $self->one_live($table));
	return;
}

sub negate_keys
{
	my ($self, $table, $session) = @_;

	return if $self->is_careful($table);
	$self->add($table, $session,
		"UPDATE $table->{name} SET id = -id WHERE " . $self->old_range($table)
		  . ' AND ' . live($table));
	return;
}

# to another partition, if there are any
sub move
{
	my ($self, $table, $session) = @_;

	# (id, r) may have been deleted before
	return if $self->is_careful($table) && @{ $table->{key} } > 1;
	$self->add($table, $session,
		"UPDATE $table->{name} SET r = 3 - r WHERE " . $self->one_live($table));
	return;
}

sub update_parent
{
	my ($self, $table, $session) = @_;
	my ($key, @values, @set);

	return unless @{ $table->{keys} };
	$key = pick(@{ $table->{keys} });
	@values = $self->parent_values($key);
	@set = map { "$key->{columns}[$_] = $values[$_]" } 0 .. $#values;
	$self->add($table, $session,
		"UPDATE $table->{name} SET " . join(', ', @set) . ' WHERE '
		  . $self->one_live($table));
	return;
}

sub delete_one
{
	my ($self, $table, $session) = @_;

	$self->add($table, $session,
		"DELETE FROM $table->{name} WHERE " . $self->one_live($table));
	return;
}

# a row that another one references
sub delete_parent
{
	my ($self, $table, $session) = @_;
	my ($key, $where);

	return unless @{ $table->{keys} };
	$key = pick(@{ $table->{keys} });
	$where = join ' AND ', map {
		"$key->{references}[$_] = (SELECT "
		  . ($_ == 0 ? 'min' : 'max')
		  . "($key->{columns}[$_]) FROM $table->{name} WHERE id >= "
		  . $self->old_number($table) . ' AND '
		  . live($table) . ')'
	} 0 .. $#{ $key->{columns} };
	$self->add($key->{parent}, $session,
		"DELETE FROM $key->{parent}{name} WHERE $where AND " . live($key->{parent}));
	return;
}

sub delete_many
{
	my ($self, $table, $session) = @_;
	my $where = chance(0.15) ? 'true' : $self->old_range($table);

	$self->add($table, $session,
		"DELETE FROM $table->{name} WHERE $where AND " . live($table));
	return;
}

sub delete_returning
{
	my ($self, $table, $session) = @_;

	$self->add($table, $session,
		"WITH d AS (DELETE FROM $table->{name} WHERE "
		  . $self->old_range($table) . ' AND ' . live($table)
		  . ' RETURNING ' . join(', ', Model::Schema::columns($table))
		  . ') SELECT coalesce(string_agg(d::text, chr(10) ORDER BY id, r), chr(45)) FROM d',
		'rows');
	return;
}

sub on_conflict
{
	my ($self, $table, $session) = @_;
	my $action =
	  chance(0.6)
	  ? '(' . key_list($table) . ') DO UPDATE SET v = excluded.v, note = excluded.note WHERE '
	  . live($table, $table->{name})
	  : 'DO NOTHING';

	$self->add($table, $session,
		"INSERT INTO $table->{name} (" . column_list($table) . ') VALUES ('
		  . $self->random_row($table, $session) . ") ON CONFLICT $action");
	return;
}

sub merge
{
	my ($self, $table, $session) = @_;
	my $row = $self->random_row($table, $session,
		chance(0.6) ? $self->old_number($table) : undef);
	my $columns = column_list($table);
	my $on = join ' AND ', map { "t.$_ = s.$_" } @{ $table->{key} };
	my $insert = "WHEN NOT MATCHED THEN INSERT ($columns) VALUES ("
	  . join(', ', map { "s.$_" } Model::Schema::columns($table, 1)) . ')';

	# a key that was deleted would be inserted again
	$insert = '' if $self->is_careful($table);
	$self->add($table, $session,
		"MERGE INTO $table->{name} t USING (SELECT (json_populate_record(NULL::$table->{name}, row_to_json(n))).*"
		  . " FROM (VALUES ($row)) n ($columns)) s ON $on"
		  . ' WHEN MATCHED AND t.v > 5 AND ' . live($table, 't') . ' THEN DELETE'
		  . ' WHEN MATCHED AND ' . live($table, 't')
		  . ' THEN UPDATE SET v = s.v, note = s.note ' . $insert);
	return;
}

# deleted and inserted again by one statement
sub replace_row
{
	my ($self, $table, $session) = @_;
	my $columns = column_list($table);

	$self->add($table, $session,
		"WITH d AS (DELETE FROM $table->{name} WHERE "
		  . $self->one_live($table)
		  . " RETURNING *) INSERT INTO $table->{name} ($columns) SELECT $columns FROM d");
	return;
}

# a part of one statement is taken back
sub block
{
	my ($self, $table, $session) = @_;
	my ($first, $second, $third) =
	  map { "DELETE FROM $table->{name} WHERE " . $self->one_live($table) . ';' } 1 .. 3;

	$self->add($table, $session,
		"DO \$\$ BEGIN $first BEGIN $second RAISE division_by_zero;"
		  . " EXCEPTION WHEN division_by_zero THEN NULL; END; $third END \$\$");
	return;
}

# row by row
sub loop
{
	my ($self, $table, $session) = @_;
	my $where = $self->old_range($table) . ' AND ' . live($table);

	$self->add($table, $session,
		"DO \$\$ DECLARE k record; c CURSOR FOR SELECT * FROM $table->{name} WHERE $where FOR UPDATE;"
		  . " BEGIN FOR k IN c LOOP DELETE FROM $table->{name} WHERE CURRENT OF c; END LOOP; END \$\$");
	return;
}

# The twin inserts the row that we undelete.
sub undelete
{
	my ($self, $table, $session) = @_;
	my ($name, $columns) = ($table->{name}, column_list($table));
	my $where;

	return unless $table->{mode} eq 'row';
	$where = "(id, r) = (SELECT id, r FROM $name WHERE deleted_at IS NOT NULL AND id >= "
	  . $self->old_number($table) . ' ORDER BY id, r LIMIT 1)';
	$self->step(
		$session, 'undelete',
		find => "SELECT to_json(t)::text FROM $name t WHERE $where",
		a => "UPDATE $name SET deleted_at = NULL WHERE $where",
		b => "INSERT INTO $name ($columns) SELECT $columns FROM json_populate_record(NULL::$name, %L)",
		# ours wants live parents, and at once, however the key is deferrable
		allow => [
			(grep { $_ ne 'below' } @{ $self->allowed($table) }),
			(any { $_->{deferrable} } @{ $table->{keys} }) ? 'counts' : ()
		]);
	return;
}

# A tombstone is deleted: the twin has no such row.
sub delete_again
{
	my ($self, $table, $session) = @_;

	return unless $table->{mode} eq 'row';
	$self->step($session, 'ours',
		a => "DELETE FROM $table->{name} WHERE id = "
		  . $self->old_number($table) . ' AND deleted_at IS NOT NULL');
	return;
}

sub truncate_table
{
	my ($self, $table, $session) = @_;

	return if chance(0.9);
	$self->add($table, $session, "TRUNCATE $table->{name} CASCADE");
	return;
}

1;
