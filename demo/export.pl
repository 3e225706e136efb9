# The export act: the table as CSV, CSV.gz, NDJSON and XLSX, beside core's
# COPY, with rate, size and memory; then the XLSX file goes to LibreOffice, if
# there is one.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../bench/lib";
use Bench qw(sql backend_rss_anon);
use Demo qw(with_commas);
use File::Path qw(make_path);
use Time::HiRes qw(time);

use Harness qw($root);

# LibreOffice needs minutes for a million rows, and is not waited for longer.
my $PATIENCE = 600;

my $dir = "$root/export";
make_path($dir);
my $rows = sql('SELECT count(*) FROM records');

my @exports = (
	[ 'core COPY csv', 'core.csv', "COPY records TO '%s' (FORMAT csv)" ],
	[ 'csv', 'records.csv', "COPY records TO '%s' (FORMAT csv, FORMULAS 'keep')" ],
	[ 'core COPY csv | gzip -6', 'core.csv.gz', "COPY records TO PROGRAM 'gzip -6 > %s' (FORMAT csv)" ],
	[ 'csv, gzip', 'records.csv.gz', "COPY records TO '%s' (FORMAT csv, COMPRESSION 'gzip')" ],
	[ 'core row_to_json', 'core.ndjson', "COPY (SELECT row_to_json(r) FROM records r) TO '%s'" ],
	[ 'ndjson', 'records.ndjson', "COPY records TO '%s' (FORMAT ndjson)" ],
	[ 'xlsx', 'records.xlsx', "COPY records TO '%s' (FORMAT xlsx, SHEET 'Records')" ]);

print "\n## ", with_commas($rows), " records leave the database\n\n";
printf "  %-24s %9s %12s %10s %12s\n", '', 'seconds', 'rows/s', 'MB', 'memory, MB';
foreach my $export (@exports)
{
	my ($name, $file, $statement) = @$export;
	my $start = time;
	my $memory = backend_rss_anon(sprintf "SET jit = off; $statement;", "$dir/$file");
	my $seconds = time - $start;
	printf "  %-24s %9.2f %12s %10.1f %12.1f\n", $name, $seconds,
	  with_commas(int($rows / $seconds)), (-s "$dir/$file") / 1e6, $memory / 1024;
}

system('cmp', "$dir/core.csv", "$dir/records.csv") == 0
  or die "the CSV differs from core's\n";
system("gzip -dc '$dir/records.csv.gz' | cmp - '$dir/core.csv'") == 0
  or die "the compressed CSV differs from core's\n";
print "\n  records.csv and records.csv.gz are core's CSV, byte for byte\n";

open_in_libreoffice("$dir/records.xlsx");
system('rm', '-rf', $dir);

# Convert the workbook's sheets to CSV and count what arrived.
sub open_in_libreoffice
{
	my ($file) = @_;
	my ($office) = grep { -x } map { "$_/soffice" } split /:/, $ENV{PATH};

	if (!$office)
	{
		print "  LibreOffice is not installed: nobody opens records.xlsx\n";
		return;
	}
	my $start = time;
	my $status = system("cd '$dir' && timeout $PATIENCE '$office' --headless"
		  . " '-env:UserInstallation=file://$dir/office' --convert-to"
		  . " 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1'"
		  . " '$file' >office.log 2>&1");
	if ($status != 0)
	{
		print "  LibreOffice did not open records.xlsx within $PATIENCE s\n";
		return;
	}
	printf "  LibreOffice opened records.xlsx in %.0f s:\n", time - $start;
	foreach my $sheet (sort glob "$dir/records-*.csv")
	{
		my ($lines) = `wc -l < '$sheet'` =~ /(\d+)/;
		printf "    %-24s %s rows and the headings\n", $sheet =~ s/.*records-//r =~ s/\.csv$//r,
		  with_commas($lines - 1);
	}
	return;
}
