# The third act of the demo: clients that edit offline.  The phone, the tablet
# and the laptop keep the sales of one account.  Phone and tablet go offline,
# edit the same sales and come back; the laptop stays away for longer than
# deleted rows are kept.  In the end every copy has to equal the server's rows.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../test/t/lib";
use Demo qw(say_at with_commas compare_copies);
use Digest::MD5 qw(md5_hex);
use Feed::Session;
use JSON::PP ();
use Time::HiRes qw(sleep);

my $ACCOUNT = 42;
my $RETENTION = 2;
my @SHOWN = qw(item_name quantity sale_price status);
my $json = JSON::PP->new->canonical;
$| = 1;
my $server = Feed::Session->new('', 'demo');

# Call a function of syncport with one JSON argument and more as SQL.
sub call
{
	my ($function, $argument, $more) = @_;
	my $text = $json->encode($argument) =~ s/'/''/gr;
	return $json->decode($server->must("SELECT syncport.$function('$text'$more)"));
}

# ------------------------------------------------------------------ a client

sub new_client
{
	my ($name) = @_;
	return { name => $name, rows => {}, cursor => undef, queue => [], edits => 0 };
}

# Take in what is new on the server, a page at a time; a client that is reset
# forgets its rows and starts anew.
sub pull
{
	my ($self) = @_;
	my $complete;

	until ($complete)
	{
		my $request = {
			tables => { records => { cursor => $self->{cursor}, filter => { account_id => $ACCOUNT } } },
			numeric_as_text => JSON::PP::true };
		my $answer = call('pull', $request, '')->{tables}{records};
		if ($answer->{reset})
		{
			say_at($self->{name}, "is answered  reset: $answer->{reset}");
			@$self{qw(cursor rows)} = (undef, {});
			next;
		}
		$self->{rows}{ $_->{id} } = $_ for @{ $answer->{upserts} };
		delete $self->{rows}{ $_->{id} } for @{ $answer->{deletes} };
		$self->{cursor} = $answer->{cursor};
		$complete = $answer->{complete};
	}
	return;
}

# Edit the own copy and queue the edit, with the version that it was made on.
sub edit
{
	my ($self, $op, $id, $set) = @_;
	my $row = $self->{rows}{$id};

	push @{ $self->{queue} }, {
		id => "$self->{name}-" . ++$self->{edits},
		table => 'records', op => $op, key => { id => $id },
		$set ? (set => $set) : (),
		$row ? (base_version => $row->{row_version}) : () };
	if ($op eq 'delete') { delete $self->{rows}{$id} }
	else { $self->{rows}{$id} = { %{ $row // {} }, %$set } }
	return;
}

# Send the queue.  It is emptied when the answer is there: what is sent again
# because an answer was lost is not applied again.
sub push_queue
{
	my ($self, $lost) = @_;
	my $answer = call('push_json', $self->{queue}, ", client_id => '$self->{name}', numeric_as_text => true");
	my %count;

	$count{ $_->{status} }++ for @{ $answer->{results} };
	say_at($self->{name}, sprintf 'pushes %d edit%s: %s%s', scalar @{ $self->{queue} }, @{ $self->{queue} } == 1 ? '' : 's',
		join(', ', map { "$count{$_} $_" } sort keys %count), $lost ? '; the answer is lost' : '');
	return [] if $lost;
	$self->{queue} = [];
	foreach my $result (@{ $answer->{results} })
	{
		my $id = $result->{key}{id};
		if ($result->{server} && !$result->{server}{deleted_at}) { $self->{rows}{$id} = $result->{server} }
		else { delete $self->{rows}{$id} }
	}
	return $answer->{results};
}

# What a user sees who has to decide.
sub show_conflict
{
	my ($result, $before) = @_;
	my $theirs = $result->{server};

	print "\n  a conflict over sale $result->{key}{id}\n";
	printf "  %-12s %-28s %-28s %s\n", '', 'as it was', 'the server has', 'the tablet wants';
	foreach my $column (@SHOWN)
	{
		my $mine = $result->{client}{$column};
		printf "  %-12s %-28s %-28s %s\n", $column, $before->{$column},
		  $theirs && !$theirs->{deleted_at} ? $theirs->{$column} : '(deleted)', $mine // '';
	}
	print "\n";
	return;
}

# Count and checksum of a copy, as of_server says them.
sub of_copy
{
	my ($self) = @_;
	my $sum = 0;

	foreach my $row (values %{ $self->{rows} })
	{
		my @cells = map { my $value = $row->{$_};
			"$_=" . (!defined $value ? '' : JSON::PP::is_bool($value) ? ($value ? 'true' : 'false') : $value) } sort keys %$row;
		$sum += hex substr md5_hex(join '|', @cells), 0, 8;
	}
	return scalar(keys %{ $self->{rows} }) . "\t$sum";
}

sub of_server
{
	return $server->must(qq{
		SELECT count(*), sum(('x' || left(md5(line), 8))::bit(32)::bigint)
		FROM records AS r, LATERAL (
			SELECT string_agg(key || '=' || coalesce(value, ''), '|' ORDER BY key COLLATE "C")
			FROM jsonb_each_text(to_jsonb(r))) AS cells (line)
		WHERE account_id = $ACCOUNT});
}

# ------------------------------------------------------------------ the play

print "\n# three clients edit the sales of account $ACCOUNT, offline\n\n";
$server->must("SET timezone = 'UTC'");
$server->must("SELECT syncport.enable('records', retention => '$RETENTION s')");
my ($phone, $tablet, $laptop) = map { new_client($_) } qw(phone tablet laptop);
foreach my $client ($phone, $tablet, $laptop)
{
	pull($client);
	say_at($client->{name}, 'has ' . with_commas(scalar keys %{ $client->{rows} }) . ' sales, and goes offline');
}

my ($lens, $lamp, $chair, $camera) = (sort keys %{ $phone->{rows} })[ 0 .. 3 ];
my %before = map { $_ => { %{ $tablet->{rows}{$_} } } } $lens, $lamp;
edit($phone, 'update', $lens, { quantity => 3, sale_price => '19.90' });
edit($phone, 'delete', $lamp);
edit($phone, 'update', $chair, { status => 'paid' });
edit($phone, 'insert', '00000000-0000-4000-8000-000000000001', {
		%{ $phone->{rows}{$camera} }, item_name => 'Tripod, sold offline' });
edit($tablet, 'update', $lens, { quantity => 5 });
edit($tablet, 'update', $lamp, { sale_price => '7.50' });
edit($tablet, 'update', $camera, { item_name => 'Camera with bag' });

push_queue($phone);
push_queue($tablet, 'lost');
my @conflicts = grep { $_->{conflict_columns} } @{ push_queue($tablet) };
show_conflict($_, $before{ $_->{key}{id} }) for @conflicts;

# The user wants both about the lens; that the lamp is gone he takes over.
# The base is now the version that he was shown, so nothing is written over
# that somebody did in the meantime.
foreach my $result (grep { $_->{key}{id} eq $lens } @conflicts)
{
	edit($tablet, 'update', $lens, { quantity => 8 });
	say_at('tablet', "decides for a quantity of 8, and keeps the phone's price");
}
push_queue($tablet);

my $gone = $server->must("WITH gone AS (DELETE FROM records WHERE account_id = $ACCOUNT AND status = 'draft' RETURNING 1) SELECT count(*) FROM gone");
say_at('server', "deletes $gone sales");
pull($_) for $phone, $tablet;
sleep $RETENTION + 1;
my ($purged) = split /\t/, $server->must("CALL syncport.purge('records')");
say_at('server', 'purge forgets what was deleted: ' . with_commas($purged) . ' rows');
say_at('laptop', 'comes back');
pull($_) for $laptop, $phone, $tablet;

my %sums = (server => of_server(), map { $_->{name} => of_copy($_) } $phone, $tablet, $laptop);
my $different = compare_copies(\%sums, qw(phone tablet laptop));
$server->quit;
exit($different || @conflicts != 2 ? 1 : 0);
