# The typedefs that our sources name, one a line: the server's from the
# debugging information of a tree built by the harness, which keeps unused
# types, and our own also from the sources, as no object may include them yet.
use strict;
use warnings;

my $text = '';
foreach my $file (glob('src/*.[ch] src/*/*.[ch]'))
{
	open(my $handle, '<', $file) or die "$file: $!\n";
	local $/ = undef;
	$text .= <$handle>;
}
$text =~ s!/\*.*?\*/!!gs;
my %named = map { $_ => 1 } $text =~ /\b([A-Za-z_]\w*)\b/g;

my %types;
$types{$1} = 1 while $text =~ /^\}\s*(\w+);/gm;
$types{$1} = 1 while $text =~ /^typedef\s+(?:struct|union|enum)\s+\w+\s+(\w+);/gm;
foreach my $object (glob('src/*.o src/*/*.o'))
{
	my $in_typedef = 0;
	foreach my $line (split /\n/, `objdump --dwarf=info '$object'`)
	{
		$in_typedef = $1 eq 'DW_TAG_typedef' if $line =~ /\((DW_TAG_\w+)\)/;
		next unless $in_typedef && $line =~ /DW_AT_name\s*:(?:.*:)?\s*(\S+)\s*$/;
		$types{$1} = 1 if $named{$1};
		$in_typedef = 0;
	}
}
print map { "$_\n" } sort keys %types;
