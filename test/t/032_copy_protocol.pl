# What COPY TO STDOUT sends, message by message, in the simple and in the
# extended protocol, and in a pipeline.
use strict;
use warnings;

use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('copy_protocol');
$node->init;
$node->append_conf('postgresql.conf',
	"session_preload_libraries = 'syncport'");
$node->start;

my $socket = IO::Socket::UNIX->new(
	Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "connect: $!";
my $user = $node->safe_psql('postgres', 'SELECT current_user');

sub send_startup
{
	my $body = pack('N', 196608) . "user\0$user\0database\0postgres\0\0";
	print $socket pack('N', length($body) + 4) . $body;
	return;
}

sub message
{
	my ($type, $body) = @_;
	return $type . pack('N', length($body) + 4) . $body;
}

# Parse, Bind and Execute of a statement without parameters.
sub extended
{
	my ($sql) = @_;
	return message('P', "\0$sql\0" . pack('n', 0))
	  . message('B', "\0\0" . pack('nnn', 0, 0, 0))
	  . message('E', "\0" . pack('N', 0));
}

sub read_bytes
{
	my ($length) = @_;
	my $data = '';
	while (length($data) < $length)
	{
		sysread($socket, $data, $length - length($data), length($data))
		  or die 'the server closed the connection';
	}
	return $data;
}

# All messages up to ReadyForQuery as [type, body].
sub read_messages
{
	my @messages;
	$socket->flush;
	do
	{
		my ($type, $length) = unpack('aN', read_bytes(5));
		push @messages, [ $type, read_bytes($length - 4) ];
	} until $messages[-1][0] eq 'Z';
	return @messages;
}

# Types of messages, a run of one type as one letter.
sub shape
{
	return join('', map { $_->[0] } @_) =~ s/d+/d/gr;
}

sub content
{
	return join('', map { $_->[1] } grep { $_->[0] eq 'd' } @_);
}

send_startup();
read_messages();

# Simple

print $socket message('Q',
	"COPY (SELECT 1 AS a, 2 AS b) TO STDOUT (FORMAT 'json')\0");
my @got = read_messages();
is(shape(@got), 'HdcCZ', 'simple protocol');
is(unpack('H*', $got[0][1]), '00' . '0001' . '0000',
	'announced as one column of text');
is(content(@got), qq({"a":1,"b":2}\n), 'the row');
is((grep { $_->[0] eq 'C' } @got)[0][1], "COPY 1\0", 'the tag');

print $socket message('Q', "COPY (SELECT WHERE false) TO STDOUT (FORMAT 'json')\0");
@got = read_messages();
is(shape(@got), 'HcCZ', 'no row is no message');

# Large messages of whole rows

print $socket message('Q',
	"COPY (SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i) TO STDOUT (FORMAT ndjson)\0");
@got = read_messages();
my @data = grep { $_->[0] eq 'd' } @got;
cmp_ok(scalar(@data), '<', 60, 'few messages');
is(scalar(grep { $_->[1] !~ /\n\z/ } @data), 0, 'each ends with a row');
is(scalar(() = content(@got) =~ /\n/g), 20000, 'every row');

# Extended

print $socket extended(
	'COPY (SELECT 1 AS a) TO STDOUT (FORMAT "json")') . message('S', '');
@got = read_messages();
is(shape(@got), '12HdcCZ', 'extended protocol');
is(content(@got), qq({"a":1}\n), 'the same row');

# Two in one pipeline, and an error before the first byte of a third

print $socket extended('COPY (SELECT 1 AS a) TO STDOUT (FORMAT "json")')
  . extended('COPY (SELECT 2 AS a) TO STDOUT (FORMAT "json", FORCE_ARRAY)')
  . extended('COPY no_such_table TO STDOUT (FORMAT "json")')
  . message('S', '');
@got = read_messages();
is(shape(@got), '12HdcC12HdcC12EZ', 'a pipeline');
is(content(@got), qq({"a":1}\n[\n {"a":2}\n]\n), 'its rows');

# An error after data: no CopyDone, and the connection is good

print $socket message('Q',
	"COPY (SELECT 1 / (20000 - i) AS q, repeat('x', 100) FROM generate_series(1, 20000) i) TO STDOUT (FORMAT 'json')\0");
@got = read_messages();
is(shape(@got), 'HdEZ', 'an error in the middle');
print $socket message('Q', "COPY (SELECT 1) TO STDOUT (FORMAT 'json')\0");
is(shape(read_messages()), 'HdcCZ', 'the connection goes on');

# Errors come before anything is announced

for my $sql (
	'COPY (SELECT 1) TO STDOUT (FORMAT "json", HEADER)',
	'COPY (SELECT 1) TO STDOUT (FORMAT "json", FORMAT "json")',
	'COPY pg_authid (nothing) TO STDOUT (FORMAT "json")')
{
	print $socket message('Q', "$sql\0");
	is(shape(read_messages()), 'EZ', $sql);
}

close $socket;
done_testing();
