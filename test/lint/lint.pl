# What a reader should not have to check: one TAP line per rule, what broke it
# listed below.  Runs in a built tree.
use strict;
use warnings;

my $MAX_FILE_LINES = 800;
my $MAX_FUNCTION_LINES = 120;
my $MAX_COLUMNS = 79;

my @sources = sort glob('src/*.[ch] src/*/*.[ch]');
my $number = 0;
my $failed = 0;

sub read_all
{
	my ($file) = @_;
	open(my $handle, '<', $file) or return '';
	local $/ = undef;
	return scalar(<$handle>) // '';
}

# One rule: holds while nothing breaks it.
sub rule
{
	my ($name, @broken) = @_;
	$number++;
	$failed++ if @broken;
	print @broken ? 'not ok' : 'ok', " $number - $name\n";
	print map { "#   $_\n" } map { split /\n/ } @broken;
	return;
}

# Lines of the files that match, as file:line: text.
sub matching
{
	my ($pattern, @files) = @_;
	my @found;
	foreach my $file (@files)
	{
		my $line = 0;
		foreach my $text (split /\n/, read_all($file))
		{
			$line++;
			push @found, "$file:$line: $text" if $text =~ $pattern;
		}
	}
	return @found;
}

sub bad_format
{
	my $output = `perl test/lint/indent.pl @sources 2>&1`;
	return $? == 0 ? () : ($output);
}

# What the compiler saw as typedefs in our code and the list lacks: without
# them the formatter misjudges declarations.
sub missing_typedefs
{
	my %listed = map { $_ => 1 } split ' ', read_all('typedefs.list');
	return grep { !$listed{$_} } split ' ', `perl test/lint/typedefs.pl`;
}

sub foreign_symbols
{
	my @names = map { (split)[2] } split /\n/, `nm -D --defined-only syncport.so`;
	return 'syncport.so exports nothing' unless @names;
	return grep {
		!/^(?:sp_|syncport_|pg_finfo_syncport_)/
		  && !/^(?:Pg_magic_func|_PG_init|_init|_fini|__bss_start|_edata|_end)$/
	} @names;
}

sub long_lines
{
	my @found;
	foreach my $file (@sources)
	{
		my $line = 0;
		foreach my $text (split /\n/, read_all($file))
		{
			$line++;
			1 while $text =~ s/^([^\t]*)\t/$1 . ' ' x (4 - length($1) % 4)/e;
			# what the indenter aligns far to the right cannot be broken
			my $aligned = $text =~ /^ {28}/;
			push @found, "$file:$line"
			  if length($text) > $MAX_COLUMNS && $text !~ /"/ && !$aligned;
		}
	}
	return @found;
}

sub long_files
{
	return grep { (read_all($_) =~ tr/\n//) > $MAX_FILE_LINES } @sources;
}

sub long_functions
{
	my @found;
	foreach my $file (@sources)
	{
		my ($line, $start) = (0, 0);
		foreach my $text (split /\n/, read_all($file))
		{
			$line++;
			$start = $line if $text =~ /^\{/;
			push @found, "$file:$start: " . ($line - $start - 1) . ' lines'
			  if $text =~ /^\}/ && $start && $line - $start - 1 > $MAX_FUNCTION_LINES;
		}
	}
	return @found;
}

# A function's definition starts in the line after its type, below a comment
# or, where the contract stands at the prototype, below an empty line.
sub uncommented_functions
{
	my $headers = join '', map { read_all($_) } grep { /\.h$/ } @sources;
	my @found;
	foreach my $file (grep { /\.c$/ } @sources)
	{
		my $text = read_all($file);
		while ($text =~ /^(.*)\n[A-Za-z][\w \t]*\**\n(\w+)\([^;{]*\)\n\{/gm)
		{
			my ($above, $name) = ($1, $2);
			push @found, "$file: $name"
			  if $above !~ m!\*/\s*$! && $name ne '_PG_init' && $headers !~ /\b\Q$name\E\(/;
		}
	}
	return @found;
}

# Every message that a user can cause is raised by some test: its text, the
# formats standing for anything, occurs in what tests expect.
sub unraised_messages
{
	my $corpus = join "\n", map { read_all($_) } glob(
		'expected/*.out test/isolation/expected/*.out test/pgtap/*.sql test/t/*.pl test/fuzz/*.sql');
	$corpus .= $corpus =~ s/''/'/gr . $corpus =~ s/\\//gr;
	my $literal = qr/(?:"(?:[^"\\]|\\.)*"\s*)+/;
	my @found;
	foreach my $file (@sources)
	{
		my $text = read_all($file);
		while ($text =~ /\berrmsg(_plural)?\(\s*($literal)(?:,\s*($literal))?/g)
		{
			my @texts = ($2, defined $1 && defined $3 ? $3 : ());
			push @found, "$file: " . join(' | ', map { s/\s+$//r } @texts)
			  unless grep { $corpus =~ pattern_of($_) } @texts;
		}
	}
	return @found;
}

# A C string literal, maybe in several pieces, as a pattern.
sub pattern_of
{
	my ($literal) = @_;
	my $text = join '', $literal =~ /"((?:[^"\\]|\\.)*)"/g;
	$text =~ s/\\(["\\])/$1/g;
	my @parts = split /%(?:%|[-+ #0-9.*]*(?:ll|[lhzt])?[a-zA-Z])/, $text;
	my $pattern = join '[^\n]*', map { quotemeta } @parts;
	return qr/$pattern/;
}

sub version_differences
{
	my ($version) = read_all('syncport.control') =~ /^default_version = '(.*)'/m;
	return 'syncport.control states no version' unless defined $version;
	my $meta = read_all('META.json') =~ s/"meta-spec"\s*:\s*\{[^}]*\}//r;
	my @stated = map { [ 'META.json', $_ ] } $meta =~ /"version"\s*:\s*"(\d[^"]*)"/g;
	push @stated, [ 'CHANGELOG.md', $1 ]
	  if read_all('CHANGELOG.md') =~ /^##\s+\[?v?(\d+\.\d+\.\d+)/m;
	return map { "$_->[0] says $_->[1], syncport.control $version" }
	  grep { $_->[1] ne $version } @stated;
}

# Every file that is part of the project; the copy we run in has only those
# and what the build has made.
my @all = grep { !/\.(?:o|so|bc)$/ && -T $_ } split /\n/,
  `find . -type f -not -path './.git/*' -not -name 'syncport--*.sql' | sed 's!^\\./!!' | sort`;
my @not_lint = grep { !m!^test/lint/! } @all;

rule('formatted (make indent)', bad_format());
rule('typedefs.list is complete (make typedefs)', missing_typedefs());
rule('exported symbols are prefixed', foreign_symbols());
rule("at most $MAX_COLUMNS columns", long_lines());
rule("files have at most $MAX_FILE_LINES lines", long_files());
rule("functions have at most $MAX_FUNCTION_LINES lines", long_functions());
rule('functions are commented', uncommented_functions());
rule('every error message is raised by a test', unraised_messages());
rule('versions agree', version_differences());
rule('only compat.h looks at the version',
	matching(qr/PG_VERSION_NUM/, grep { $_ ne 'src/support/compat.h' } @sources));
rule('no paths of a machine', matching(qr!/home/|/root/|/work/!, @not_lint));
rule('nothing left to do', matching(qr/\b(?:TODO|FIXME|XXX)\b/, @sources,
	grep { m!^(?:sql|test|demo|bench|doc)/! } @not_lint));
rule('no blanks at the ends of lines',
	matching(qr/[ \t]$/, grep { !m!(?:^|/)expected/! && !/\.(?:md|diff)$/ } @not_lint));
rule('no functions of our own that anyone may hijack',
	matching(qr/SECURITY\s+DEFINER|LANGUAGE\s+plpgsql/i, glob('sql/install/*.sql')));
print "1..$number\n";
exit($failed ? 1 : 0);
