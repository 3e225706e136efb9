# A client of the feed: a checkpoint and a copy of the rows per table.
#
# What an answer breaks of the feed's promises is returned as text; what the
# copy misses only a comparison with the server can tell.

package Feed::Client;

use strict;
use warnings;

# One row per item of the answer, its kind first.  Keys are the JSON of the
# columns id and, where they are the key, kind.
my $PULL = <<'SQL';
WITH answer AS MATERIALIZED (SELECT syncport.pull(%s) AS a),
	tables AS (SELECT t.key AS name, t.value AS v FROM answer, json_each(a->'tables') t)
SELECT 'answer', a->>'seq', a->>'behind', NULL, NULL FROM answer
UNION ALL
SELECT 'upsert', name, concat_ws('/', r->'id', r->'part'), r->>'row_version', r::jsonb::text
FROM tables, json_array_elements(v->'upserts') r
UNION ALL
SELECT 'delete', name, concat_ws('/', r->'id', r->'part'), NULL, r::jsonb::text
FROM tables, json_array_elements(v->'deletes') r
UNION ALL
SELECT 'table', name, v->>'complete', v->>'cursor', v->>'reset' FROM tables
SQL

# A client of these tables: name => what the request says of it besides the
# cursor, as JSON members ('"filter":{...}'), with the rest of the request.
sub new
{
	my ($class, $name, $tables, $rest) = @_;
	my $self = bless { name => $name, rest => $rest // {}, tables => {} }, $class;

	foreach my $table (keys %$tables)
	{
		$self->{tables}{$table} = { members => $tables->{$table} };
		$self->start_over($table);
	}
	return $self;
}

# As a client that lost its checkpoint and what it had.
sub start_over
{
	my ($self, $table) = @_;
	my $state = $self->{tables}{$table};

	@$state{qw(cursor rows seen complete)} = (undef, {}, {}, 0);
	return;
}

sub quote
{
	my ($text) = @_;

	return 'NULL' unless defined $text;
	$text =~ s/'/''/g;
	return "'$text'";
}

# The statement that asks for the next page.
sub statement
{
	my ($self, %change) = @_;
	my %rest = (%{ $self->{rest} }, %change);
	my @tables;

	foreach my $name (sort keys %{ $self->{tables} })
	{
		my $state = $self->{tables}{$name};
		my $cursor = defined $state->{cursor} ? qq("$state->{cursor}") : 'null';

		push @tables, qq("$name":{) . join(',', qq("cursor":$cursor), $state->{members} || ()) . '}';
	}
	my $request = '{' . join(',', '"tables":{' . join(',', @tables) . '}',
		map { qq("$_":$rest{$_}) } sort keys %rest) . '}';

	return sprintf $PULL, quote($request);
}

# Take in what the statement answered: a hash of seq, behind, complete (all
# tables are), rows (how many items), deleted (table => keys), reset (table =>
# reason) and broken (a list of promises that this answer breaks).
sub take
{
	my ($self, $output) = @_;
	my %answer = (complete => 1, rows => 0, reset => {}, broken => [], twice => 0);
	my (%here, %rows_of);

	foreach my $line (split /\n/, $output)
	{
		my ($what, @rest) = split /\t/, $line, -1;
		if ($what eq 'answer')
		{
			@answer{qw(seq behind)} = ($rest[0], $rest[1] eq 'true' ? 1 : 0);
		}
		elsif ($what eq 'upsert' || $what eq 'delete')
		{
			$answer{rows}++;
			$rows_of{ $rest[0] }++;
			# deletes of one key may be many: the client minds only the first
			my $before = $here{"$rest[0] $rest[1]"};
			push @{ $answer{broken} }, "$rest[0] $rest[1]: $before and $what in one answer"
			  if defined $before && ($before ne 'delete' || $what ne 'delete');
			$here{"$rest[0] $rest[1]"} = $what;
			$self->take_item(\%answer, $what, @rest);
		}
		elsif ($what eq 'table')
		{
			$self->take_end(\%answer, $rows_of{ $rest[0] } // 0, @rest);
		}
	}
	return \%answer;
}

sub take_item
{
	my ($self, $answer, $what, $table, $key, $version, $row) = @_;
	my $state = $self->{tables}{$table};

	if ($what eq 'delete')
	{
		delete $state->{rows}{$key};
		push @{ $answer->{deleted}{$table} }, $key;
		return;
	}
	$state->{rows}{$key} = $row;
	return unless $state->{seen}{"$key $version"}++;
	$answer->{twice}++;
	push @{ $answer->{broken} }, "$table $key of version $version was delivered twice";
	return;
}

sub take_end
{
	my ($self, $answer, $rows, $table, $complete, $cursor, $reset) = @_;
	my $state = $self->{tables}{$table};

	if (length $reset)
	{
		$answer->{reset}{$table} = $reset;
		$answer->{complete} = 0;
		return;
	}
	push @{ $answer->{broken} }, "$table has rows, but the cursor that was sent"
	  if $rows && defined $state->{cursor} && $cursor eq $state->{cursor};
	push @{ $answer->{broken} }, "$table is behind, with rows or another cursor"
	  if $answer->{behind}
	  && ($rows || $cursor ne ($state->{cursor} // ''));
	$state->{cursor} = length $cursor ? $cursor : undef;
	$state->{complete} = $complete eq 'true' ? 1 : 0;
	$answer->{complete} = 0 unless $state->{complete};
	return;
}

# Ask for pages by this session until all is complete; tables that reset
# start over.  Returns the pages needed; broken promises go to the list.
sub catch_up
{
	my ($self, $session, $broken, $limit) = @_;

	foreach my $page (1 .. $limit // 100_000)
	{
		my $answer = $self->take($session->must($self->statement));

		push @$broken, @{ $answer->{broken} };
		$self->start_over($_) for keys %{ $answer->{reset} };
		return $page if $answer->{complete} && !$answer->{behind};
	}
	die "$self->{name} never gets complete\n";
}

# What the copy of a table and these rows of the server (key => JSON) differ
# in: (missing or stale, too many), as keys.
sub differences
{
	my ($self, $table, $server) = @_;
	my $rows = $self->{tables}{$table}{rows};
	my @lost = grep { !defined $rows->{$_} || $rows->{$_} ne $server->{$_} } sort keys %$server;
	my @extra = grep { !exists $server->{$_} } sort keys %$rows;

	return (\@lost, \@extra);
}

# The rows that this query (key, JSON) gives.
sub rows_of
{
	my ($output) = @_;

	return { map { split /\t/, $_, 2 } split /\n/, $output };
}

1;
