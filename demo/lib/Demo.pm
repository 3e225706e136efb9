# What the acts of the demo have in common.
package Demo;

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

our @EXPORT_OK = qw(say_at with_commas compare_copies);

my $start = time;

# Tell what somebody does, and when.  In one write, since processes share the
# output.
sub say_at
{
	my ($who, $what) = @_;
	syswrite STDOUT, sprintf "%6.1f s  %-7s %s\n", time - $start, $who, $what;
	return;
}

sub with_commas
{
	my ($number) = @_;
	1 while $number =~ s/^(\d+)(\d{3})/$1,$2/;
	return $number;
}

# Show counts and checksums, "count TAB sum" by name, beside the server's;
# returns how many differ.
sub compare_copies
{
	my ($sums, @names) = @_;
	my $different = 0;

	print "\n  copy         rows          checksum\n";
	foreach my $name ('server', @names)
	{
		my ($count, $sum) = split /\t/, $sums->{$name};
		my $equal = $sums->{$name} eq $sums->{server};
		printf "  %-7s %9s  %16s%s\n", $name, with_commas($count), $sum,
		  $name eq 'server' ? '' : $equal ? '  equals the server' : '  DIFFERS';
		$different++ unless $equal;
	}
	return $different;
}

1;
