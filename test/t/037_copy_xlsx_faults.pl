# What libxlsxwriter does when it gets no memory, or no room for its files,
# must never show in a workbook, nor hurt the session: every single one of
# its allocations fails once, and the session goes on, with no descriptor
# more.  The test bites: without the child process it is the session that
# dies, and without the checks of the parts a size limit is not noticed.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir;
chmod 0777, $dir or die $!;
my $orders = "$dir/orders";
run_log(
	[
		'gcc', '-shared', '-fPIC', '-O1', '-o', "$dir/fail.so",
		"$FindBin::Bin/../data/fail_xlsxwriter.c", '-ldl'
	]) or die 'no compiler';

my $node = PostgreSQL::Test::Cluster->new('xlsx_faults');
$node->init;
$node->append_conf('postgresql.conf',
	"session_preload_libraries = 'syncport'");
{
	local $ENV{LD_PRELOAD} = "$dir/fail.so";
	local $ENV{FAIL_XLSXWRITER} = $orders;
	$node->start;
}
$node->safe_psql('postgres', 'CREATE EXTENSION syncport');

my $descriptors = q{SELECT 'descriptors ' || count(*) FROM pg_ls_dir('/proc/self/fd');};

# Export under each order in one session.  Returns a line per order, and the
# session's descriptors before and after.
sub export_under
{
	my ($options, @all) = @_;
	my $copy = "COPY (SELECT 1 AS a, 2.5::numeric(4,1) AS b, current_date - current_date + date '2024-01-01' AS c)"
	  . " TO '$dir/book.xlsx' (FORMAT xlsx$options);\n";
	my $script = "$copy\\! mv $dir/book.xlsx $dir/good.xlsx\n$descriptors\n";

	foreach my $order (@all)
	{
		$script .= "\\! rm -f $orders.hit $dir/book.xlsx; echo $order >$orders\n"
		  . "$copy"
		  . "\\echo order $order :SQLSTATE\n"
		  . "\\! test -e $orders.hit && echo hit\n"
		  . "\\! test -e $dir/book.xlsx && { cmp -s $dir/book.xlsx $dir/good.xlsx && echo same || echo different; }\n";
	}
	$script .= "\\! rm -f $orders $dir/book.xlsx\n$copy"
	  . "\\! cmp -s $dir/book.xlsx $dir/good.xlsx && echo good at last\n"
	  . $descriptors;
	my ($out, $err);
	IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$script, '>', \$out, '2>', \$err);
	my @before_after = $out =~ /^descriptors (\d+)$/mg;
	my $good = $out =~ /^good at last$/m;
	my @outcomes = map { s/\s+/ /gr =~ s/ $//r =~ s/ (?:descriptors|good).*//r }
	  grep { /^\S+ \d+ \w{5}/ } split /^order /m, $out;
	return (\@before_after, $good, $err, @outcomes);
}

foreach my $options ('', ', TABLE')
{
	my ($open, $good, $err, @outcomes) =
	  export_under($options, map { "malloc $_" } 0 .. 499);
	my @hit = grep { / hit/ } @outcomes;
	cmp_ok(scalar(@hit), '>', 200, "allocations fail$options");
	cmp_ok(scalar(@hit), '<', 500, 'all that there are');
	is(scalar(@outcomes), 500, 'the session survives each');
	is_deeply(
		[ grep { !/^malloc \d+ (?:(?:53200|58030) hit|00000(?: hit)? same)$/ } @outcomes ],
		[], 'an error and no file, or a whole file');
	cmp_ok(scalar(grep { /53200/ } @outcomes), '>', 100,
		'the error is out of memory');
	like($err, qr/could not write the parts of a workbook\nDETAIL:  libxlsxwriter had too little memory/,
		'and says who has none');
	ok($good, 'the next export is as before');
	is($open->[1], $open->[0], 'no descriptor is left open');
}

my ($open, $good, $err, @outcomes) =
  export_under(', TABLE', map { "size $_" } 0, 10, 500, 1000, 2000, 4000, 4096, 5000, 6000, 8192, 100000);
is($outcomes[-1], 'size 100000 00000 same', 'with room enough all is well');
is_deeply([ grep { !/^size \d+ (?:58030|00000 same)$/ } @outcomes ],
	[], 'with too little it is an error');
cmp_ok(scalar(grep { /58030/ } @outcomes), '>=', 7, 'most of the time');
like($err, qr/could not write the parts of a workbook\nDETAIL:  (?:".*" is not whole|libxlsxwriter says: )/,
	'the message');
is($open->[1], $open->[0], 'no descriptor is left open');

done_testing();
