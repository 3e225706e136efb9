# Random schemas for the model test: the same seed gives the same schema.
#
# A schema is a hash: tables (by name, in order), keys (foreign keys).  Its
# class decides what may be in it:
#   exact   wherever the table of the two modes says "as without us", so that
#           nothing may differ from the twin: components of plain and
#           image-mode tables hold anything; components with a row-mode table
#           hold no RESTRICT, no SET DEFAULT, NO ACTION only towards row-mode
#           tables and never beside a cascade (ours runs behind all cascades,
#           core's in the order of creation), ON UPDATE only where it acts.
#   mixed   anything
#   alone   anything

package Model::Schema;

use strict;
use warnings;

use List::Util qw(any);

my @ACTIONS =
  ('NO ACTION', 'RESTRICT', 'CASCADE', 'CASCADE', 'SET NULL', 'SET DEFAULT');

sub pick { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

sub generate
{
	my ($class) = @_;
	my $schema = { class => $class, tables => [], keys => [] };

	push @{ $schema->{tables} }, random_table("t$_") for 1 .. 1 + int rand 5;
	# without an enabled table there is nothing to see
	$schema->{tables}[0]{mode} = pick('row', 'image')
	  unless any { $_->{mode} ne 'plain' } @{ $schema->{tables} };
	foreach my $child (@{ $schema->{tables} })
	{
		add_key($schema, $child, pick(@{ $schema->{tables} }))
		  for 1 .. pick(0, 1, 1, 2, 2);
	}
	# a trigger of the application joins tables as a foreign key does
	if (chance(0.35))
	{
		my ($from, $to) = map { pick(@{ $schema->{tables} }) } 1 .. 2;

		$from->{deletes} = $to;
	}
	find_components($schema);
	restrict_keys($schema) if $class eq 'exact';
	$schema->{keys_last} = chance(0.3);
	return $schema;
}

sub random_table
{
	my ($name) = @_;
	my $partitioned = pick('', '', '', 'list', 'range', 'list');
	my $table = {
		name => $name,
		mode => pick('plain', 'row', 'row', 'image', 'image'),
		partitioned => $partitioned,
		key => $partitioned eq 'list' || ($partitioned eq '' && chance(0.2))
		? ['id', 'r']
		: ['id'],
		generated => chance(0.3),
		check => chance(0.4),
		security => pick('', '', 'on', 'forced'),
		keys => [],
	};

	if (chance(0.5))
	{
		$table->{unique} =
			$partitioned eq 'list' ? 'u, r'
		  : $partitioned eq 'range' ? 'u, id'
		  : 'u';
		$table->{unique_deferrable} = random_deferrable();
	}
	if ($partitioned eq '' && chance(0.3))
	{
		$table->{exclude} = pick('gist', 'btree');
		$table->{exclude_deferrable} = random_deferrable();
	}
	return $table;
}

sub random_deferrable
{
	return pick('', '', '', ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED');
}

# a foreign key to the primary key, now and then to the unique one
sub add_key
{
	my ($schema, $child, $parent) = @_;
	my $number = @{ $child->{keys} } + 1;
	my $unique =
		 ($parent->{unique} // '') eq 'u'
	  && $parent->{unique_deferrable} eq ''
	  && chance(0.3);
	my @references = $unique ? ('u') : @{ $parent->{key} };
	my $key = {
		name => "$child->{name}_fk$number",
		child => $child,
		parent => $parent,
		references => \@references,
		columns => [ map { "f$number$_" } @references ],
		delete => pick(@ACTIONS),
		update => pick(@ACTIONS),
		deferrable => random_deferrable(),
		full => @references > 1 && chance(0.3),
		not_null => chance(0.15),
		default => chance(0.5) ? 1 : undef,
	};

	$key->{delete} = "SET NULL ($key->{columns}[0])"
	  if $key->{delete} eq 'SET NULL' && @references > 1
	  && !$key->{full} && chance(0.3);
	push @{ $child->{keys} }, $key;
	push @{ $schema->{keys} }, $key;
	return;
}

# tables joined by foreign keys; with a row-mode one a component is "soft"
sub find_components
{
	my ($schema) = @_;
	my %component = map { $_->{name} => $_->{name} } @{ $schema->{tables} };

	my @pairs = (
		(map { [ $_->{child}, $_->{parent} ] } @{ $schema->{keys} }),
		map { [ $_, $_->{deletes} ] }
		grep { $_->{deletes} } @{ $schema->{tables} });
	foreach my $pair (@pairs)
	{
		my ($from, $to) = map { $component{ $_->{name} } } @$pair;
		$_ eq $from and $_ = $to for values %component;
	}
	foreach my $table (@{ $schema->{tables} })
	{
		my $own = $component{ $table->{name} };

		$table->{component} = $own;
		$table->{soft} = any
		{ $component{ $_->{name} } eq $own && $_->{mode} eq 'row' }
		@{ $schema->{tables} };
	}
	return;
}

# see above: class exact
sub restrict_keys
{
	my ($schema) = @_;
	my %strict;

	foreach my $key (grep { $_->{child}{soft} } @{ $schema->{keys} })
	{
		my $component = $key->{child}{component};

		$strict{$component} //= chance(0.4);
		$key->{delete} =
			$strict{$component} && $key->{parent}{mode} eq 'row'
		  ? 'NO ACTION'
		  : $strict{$component} ? 'SET NULL'
		  : pick('CASCADE', 'CASCADE', 'SET NULL');
		# SET NULL before or after NO ACTION is the same question of order
		$key->{delete} = 'CASCADE'
		  if $key->{delete} eq 'SET NULL' && $key->{full};
		$key->{update} = pick('CASCADE', 'SET NULL');
		$key->{not_null} = 0;
		$key->{default} = undef;
		# ours is deferred wherever core's can be
		$key->{deferrable} = ' DEFERRABLE INITIALLY DEFERRED'
		  if $key->{delete} eq 'NO ACTION' && $key->{deferrable};
	}
	foreach my $table (grep { $_->{soft} } @{ $schema->{tables} })
	{
		$table->{check} = 0;
	}
	return;
}

# the columns of the application, without generated ones if asked
sub columns
{
	my ($table, $written) = @_;

	return (
		qw(id r tenant v u period note),
		($table->{generated} && !$written ? ('g') : ()),
		map { @{ $_->{columns} } } @{ $table->{keys} });
}

# DDL for both databases
sub tables_sql
{
	my ($schema) = @_;

	return join "\n",
	  map { (table_sql($_), log_sql($_), security_sql($_)) }
	  @{ $schema->{tables} };
}

# the application's own triggers; beside us they look at live rows
sub triggers_sql
{
	my ($schema, $ours) = @_;
	my $sql = '';

	foreach my $table (grep { $_->{deletes} } @{ $schema->{tables} })
	{
		my $target = $table->{deletes};
		my $live = $ours && $target->{mode} eq 'row' ? 'deleted_at IS NULL' : 'true';

		$sql .= "CREATE FUNCTION model_delete() RETURNS trigger LANGUAGE plpgsql AS \$\$"
		  . " BEGIN DELETE FROM $target->{name} WHERE id = OLD.id + 1 AND $live;"
		  . " RETURN NULL; END \$\$;\n"
		  . 'CREATE TRIGGER '
		  . "model_delete AFTER DELETE ON $table->{name} FOR EACH ROW EXECUTE FUNCTION model_delete();\n";
	}
	return $sql;
}

sub table_sql
{
	my ($table) = @_;
	my ($name, $key) = ($table->{name}, join ', ', @{ $table->{key} });
	my @parts = (
		'id int', 'r int', 'tenant int', 'v int',
		'u int', 'period int4range', 'note text');
	my $sql;

	push @parts, 'g int GENERATED ALWAYS AS (v * 2) STORED'
	  if $table->{generated};
	foreach my $foreign (@{ $table->{keys} })
	{
		my $default =
		  defined $foreign->{default} ? " DEFAULT $foreign->{default}" : '';
		my $null = $foreign->{not_null} ? ' NOT NULL' : '';
		push @parts, map { "$_ int$default$null" } @{ $foreign->{columns} };
	}
	push @parts, "PRIMARY KEY ($key)";
	push @parts, "UNIQUE ($table->{unique})$table->{unique_deferrable}"
	  if $table->{unique};
	push @parts, 'EXCLUDE USING '
	  . ($table->{exclude} eq 'gist'
		? 'gist (period WITH &&)'
		: 'btree (period WITH =)')
	  . $table->{exclude_deferrable}
	  if $table->{exclude};
	push @parts, 'CHECK (v < 9)' if $table->{check};
	push @parts, "CHECK (v <> 3 OR $_->{columns}[0] IS NOT NULL)"
	  for grep { $table->{check} && !$_->{full} } @{ $table->{keys} };

	$sql = "CREATE TABLE $name (" . join(', ', @parts) . ')';
	$sql .= ' PARTITION BY '
	  . ($table->{partitioned} eq 'list' ? 'LIST (r)' : 'RANGE (id)')
	  if $table->{partitioned};
	$sql .= ";\n";
	$sql .= "CREATE TABLE ${name}_1 PARTITION OF $name FOR VALUES IN (1);\n"
	  . "CREATE TABLE ${name}_2 PARTITION OF $name DEFAULT;\n"
	  if $table->{partitioned} eq 'list';
	$sql .=
	  "CREATE TABLE ${name}_1 PARTITION OF $name FOR VALUES FROM (MINVALUE) TO (1);\n"
	  . "CREATE TABLE ${name}_2 PARTITION OF $name FOR VALUES FROM (1) TO (MAXVALUE);\n"
	  if $table->{partitioned} eq 'range';
	return $sql;
}

# Who deleted what: the twin knows it without us.  The trigger sorts last.
sub log_sql
{
	my ($table) = @_;
	my ($name, $key) = ($table->{name}, "@{ $table->{key} }");

	return
	  "CREATE TRIGGER zz_log AFTER DELETE OR UPDATE ON $name FOR EACH ROW EXECUTE FUNCTION model_log('$name', '$key');\n"
	  . "CREATE TRIGGER zz_truncate BEFORE TRUNCATE ON $name EXECUTE FUNCTION model_truncate('$name');\n";
}

sub security_sql
{
	my ($table) = @_;
	my $name = $table->{name};
	my $sql = "GRANT ALL ON $name TO model_1, model_2;\n";

	return $sql unless $table->{security};
	$sql .= "ALTER TABLE $name ENABLE ROW LEVEL SECURITY;\n";
	$sql .= "ALTER TABLE $name FORCE ROW LEVEL SECURITY;\n"
	  if $table->{security} eq 'forced';
	$sql .= "CREATE POLICY owner ON $name TO model_owner USING (tenant = 1);\n";
	$sql .= "CREATE POLICY p$_ ON $name TO model_$_ USING (tenant = $_);\n"
	  for 1, 2;
	return $sql;
}

sub keys_sql
{
	my ($schema) = @_;

	return join "\n", map { key_sql($_) } @{ $schema->{keys} };
}

sub key_sql
{
	my ($key) = @_;
	my $columns = join ', ', @{ $key->{columns} };
	my $references = join ', ', @{ $key->{references} };

	return
	  "ALTER TABLE $key->{child}{name} ADD CONSTRAINT $key->{name} FOREIGN KEY ($columns)"
	  . " REFERENCES $key->{parent}{name} ($references)"
	  . ($key->{full} ? ' MATCH FULL' : '')
	  . " ON DELETE $key->{delete} ON UPDATE $key->{update}$key->{deferrable};\n"
	  . "CREATE INDEX ON $key->{child}{name} ($columns);\n";
}

# for the database with syncport alone
sub enable_sql
{
	my ($schema) = @_;

	return join "\n",
	  map { "SELECT syncport.enable('$_->{name}', tombstones => '$_->{mode}', retention => '0');" }
	  grep { $_->{mode} ne 'plain' } @{ $schema->{tables} };
}

1;
