# Clients of the feed against servers of a test: one poll, polling until all
# is there, comparing with what the server has.
#
# The table is records (id, v, and what syncport.enable adds).

package Feed::Poll;

use strict;
use warnings;

use Exporter 'import';
use Feed::Client;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(client poll catch_up is_copy position no_reset);

# A client that has nothing.
sub client
{
	my ($name) = @_;

	return Feed::Client->new($name, { records => '' });
}

# One request; the answer as Feed::Client has it.
sub poll
{
	my ($client, $node, $database) = @_;
	my $output = $node->safe_psql($database // 'postgres', $client->statement,
		extra_params => [ '-F', "\t" ]);
	my $answer = $client->take($output);

	$answer->{reason} = $answer->{reset}{records} // '';
	is_deeply($answer->{broken}, [], "$client->{name}: the answer keeps its promises");
	return $answer;
}

# Polls until the answer is complete; a client that is reset starts over if
# it may.  How many rows it took.
sub catch_up
{
	my ($client, $node, %may) = @_;
	my $rows = 0;

	foreach my $attempt (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $answer = poll($client, $node, $may{database});

		$rows += $answer->{rows};
		if ($answer->{reason} ne '')
		{
			die "$client->{name} was reset: $answer->{reason}" unless $may{start_over};
			$client->start_over('records');
			next;
		}
		return $rows if $answer->{complete} && !$answer->{behind};
		select undef, undef, undef, 0.1 if $answer->{behind};
	}
	die "$client->{name} never has everything";
}

# The client has what the server would tell a new one.
sub is_copy
{
	my ($client, $node, $name, $database) = @_;
	my $rows = $node->safe_psql($database // 'postgres', q{
		SET timezone = 'UTC';
		SELECT to_jsonb(id), to_jsonb(records) FROM records WHERE deleted_at IS NULL ORDER BY id;
	}, extra_params => [ '-F', "\t" ]);

	is_deeply($client->{tables}{records}{rows}, Feed::Client::rows_of($rows), $name);
	return;
}

# The cursor of a client, to be compared.
sub position
{
	my ($client) = @_;

	return $client->{tables}{records}{cursor};
}

# A poll that goes on from where the client was; the answer.
sub no_reset
{
	my ($client, $node, $name) = @_;
	my $answer = poll($client, $node);

	is($answer->{reason}, '', $name);
	return $answer;
}

1;
