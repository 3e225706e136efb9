# A psql in the background that answers statement by statement.
#
# send() hands statements over and returns at once; finish() waits for their
# end and returns what the last of them came to.  Many sessions in one process
# make a schedule that a seed decides.

package Feed::Session;

use strict;
use warnings;

use Errno qw(EINTR);
use IO::Handle;

# What ends an answer; no value of ours begins a line with it.
my $MARK = "\x01end ";

# Connect by libpq's connection string; an empty one leaves all to the
# environment.
sub new
{
	my ($class, $connection, $name) = @_;
	my ($in_read, $in_write, $out_read, $out_write);
	my $self;

	pipe($in_read, $in_write) or die "pipe: $!\n";
	pipe($out_read, $out_write) or die "pipe: $!\n";
	my $pid = fork() // die "fork: $!\n";
	if ($pid == 0)
	{
		local $ENV{PGAPPNAME} = $name // 'feed';
		local $ENV{PGTZ} = 'UTC';
		open(STDIN, '<&', $in_read) or die "dup: $!\n";
		open(STDOUT, '>&', $out_write) or die "dup: $!\n";
		open(STDERR, '>&', $out_write) or die "dup: $!\n";
		close $_ for $in_read, $in_write, $out_read, $out_write;
		exec('psql', '-XAtq', '-F', "\t", '-d', $connection) or exit 127;
	}
	close $in_read;
	close $out_write;
	binmode $_, ':raw' for $in_write, $out_read;
	$in_write->autoflush(1);
	$self = bless { pid => $pid, in => $in_write, out => $out_read, buffer => '' }, $class;
	$self->must('SET client_min_messages = error');
	return $self;
}

# Hand over statements, without the last one's semicolon.
sub send
{
	my ($self, $statements) = @_;
	local $SIG{PIPE} = 'IGNORE';

	utf8::encode($statements) if utf8::is_utf8($statements);
	print { $self->{in} } "$statements\n;\n\\echo '\\001end ':SQLSTATE\n"
	  or die "psql is gone\n";
	return;
}

# Wait for the end of what was sent: (SQLSTATE of the last statement, what
# psql wrote).  With a number, only about so many bytes of its end are kept.
sub finish
{
	my ($self, $keep) = @_;
	my $from = 0;
	my $end;

	while (($end = index $self->{buffer}, $MARK, $from) < 0
		|| index($self->{buffer}, "\n", $end) < 0)
	{
		substr($self->{buffer}, 0, -$keep) = ''
		  if $keep && length $self->{buffer} > 1_000_000 + $keep;
		$from = length($self->{buffer}) - length $MARK;
		$from = 0 if $from < 0 || $end >= 0;
		my $got = sysread $self->{out}, $self->{buffer}, 1 << 20, length $self->{buffer};
		next if !defined $got && $! == EINTR;
		die "psql is gone: $self->{buffer}\n" unless $got;
	}
	my $output = substr $self->{buffer}, 0, $end;
	my ($state) = substr($self->{buffer}, $end) =~ /\A\Q$MARK\E(\S*)\n\z/
	  or die "psql wrote more than it was asked for: $self->{buffer}\n";
	$self->{buffer} = '';
	chomp $output;
	return ($state, $output);
}

sub run
{
	my ($self, $statements) = @_;

	$self->send($statements);
	return $self->finish;
}

# The output of statements that may not fail.
sub must
{
	my ($self, $statements) = @_;
	my ($state, $output) = $self->run($statements);

	die "$statements\nfailed ($state): $output\n" if $state ne '00000';
	return $output;
}

sub quit
{
	my ($self) = @_;

	return unless defined $self->{pid};
	close $self->{in};
	close $self->{out};
	waitpid $self->{pid}, 0;
	delete $self->{pid};
	return;
}

# A forked child leaves the sessions of its parent alone.
sub forget
{
	my ($self) = @_;

	delete $self->{pid};
	return;
}

1;
