# pg_bsd_indent as PostgreSQL runs it.
#
#   indent.pl FILES           prints the difference and fails where there is one
#   indent.pl --write FILES   formats in place
use strict;
use warnings;

use File::Temp qw(tempdir);

my @OPTIONS = qw(-bad -bap -bbb -bc -bl -cli1 -cp33 -cdb -nce -d0 -di12 -nfc1
  -i4 -l79 -lp -lpl -nip -npro -sac -tpg -ts4);

# Names that are typedefs somewhere and identifiers in our code, and bool,
# which is a macro.
my %NOT_TYPES = map { $_ => 1 } qw(U abs date digit interval iterator other
  pointer reference string timestamp type wrap);

my $dir = tempdir(CLEANUP => 1);

sub read_all
{
	my ($file) = @_;
	open(my $handle, '<', $file) or die "$file: $!\n";
	local $/ = undef;
	return scalar <$handle>;
}

sub write_all
{
	my ($file, $text) = @_;
	open(my $handle, '>', $file) or die "$file: $!\n";
	print $handle $text;
	close($handle) or die "$file: $!\n";
	return;
}

# The text as the formatter leaves it.  It may not rewrap comments that open
# with a rule, and puts a tab before the star of a returned pointer.
sub formatted
{
	my ($text, $file) = @_;
	my $copy = "$dir/copy.c";
	$text =~ s!/\* +---!/*---=!g;
	write_all($copy, $text);
	# it leaves a copy in the current directory
	my $output = `cd $dir && pg_bsd_indent @OPTIONS -U$dir/typedefs copy.c 2>&1`;
	die "pg_bsd_indent on $file: $output\n" if $? != 0 || $output ne '';
	$text = read_all($copy);
	unlink "$copy.BAK";
	$text =~ s!/\*---=!/* ---!g;
	$text =~ s!\*/(/\*.*\*/)$!*/\t$1!gm;
	$text =~ s!^([A-Za-z_]\S*)[ \t]+\*$!$1 *!gm;
	return $text;
}

my $write = @ARGV && $ARGV[0] eq '--write' && shift @ARGV;
my @types = grep { !$NOT_TYPES{$_} } split ' ', read_all('typedefs.list');
write_all("$dir/typedefs", join('', map { "$_\n" } 'bool', @types));

my $different = 0;
foreach my $file (@ARGV)
{
	my $before = read_all($file);
	my $after = formatted($before, $file);
	next if $before eq $after;
	$different = 1;
	if ($write)
	{
		write_all($file, $after);
		next;
	}
	write_all("$dir/after", $after);
	print `diff -u --label '$file' --label 'make indent' '$file' '$dir/after'`;
}
exit($different && !$write ? 1 : 0);
