# What push costs beside the UPDATE statements that it stands for, on a table
# that is enabled for both.  fsync is on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Bench;
use File::Temp qw(tempdir);

my $COUNT = 1000;
my $ROUNDS = 7;
my $dir = tempdir(CLEANUP => 1);
my $rows = sql('SELECT count(*) FROM records');
my $size = $rows < 400_000 ? $rows : 400_000;
my $serial = 0;

# The run's own copy of the server has neither libpq nor its header.
my $config = "/usr/lib/postgresql/$ENV{HARNESS_PG}/bin/pg_config";
my ($include, $lib) = map { my $path = `$config $_`; chomp $path; $path } qw(--includedir --libdir);
system('cc', '-O2', '-Wall', '-Werror', "-I$include", '-o', "$dir/client", "$FindBin::Bin/update_client.c", "-L$lib", '-lpq') == 0
  or die "could not build the client\n";

# Keys that lie apart, each once, and what is written there.
sub changes
{
	$serial++;
	return map { [ ($_ * 7919 + $serial * 104729) % $size + 1, sprintf '%.2f', $serial * 1000 + $_ / 100 ] } 1 .. $COUNT;
}

# Seconds that the client takes for this input.
sub run_client
{
	my ($input, @arguments) = @_;
	open my $file, '>', "$dir/input" or die "input: $!\n";
	print $file $input;
	close $file;
	open STDIN, '<', "$dir/input" or die "input: $!\n";
	open my $client, '-|', "$dir/client", @arguments or die "client: $!\n";
	chomp(my $seconds = <$client> // '');
	close $client;
	die "the client failed\n" if $?;
	return $seconds;
}

sub updates
{
	my ($mode, $table) = @_;
	return sub { return run_client(join("\n", map { "@$_" } changes()), $mode, $table) };
}

# A push of one mutation per change, its other members as $more says.
sub push_of
{
	my ($more) = @_;
	return sub {
		my $number = 0;
		my @mutations = map { $number++; sprintf '{"id":"%d-%d-%d","table":"sale",%s}', $$, $serial + 1, $number, $more->(@$_) } changes();
		my $first = sprintf '[{"id":"%d-%d","table":"sale","op":"update","key":{"n":0},"set":{"sale_price":0}}]', $$, $serial;
		return run_client('[' . join(",\n", @mutations) . "\n]", 'push', $first);
	};
}

sub update_of { my ($key, $price) = @_; return qq("op":"update","key":{"n":$key},"set":{"sale_price":"$price"}) }

# The versions and prices that clients would know.
sub known
{
	my ($column) = @_;
	return map { split /\|/, $_, 2 } split /\n/, sql("SELECT n, $column FROM sale");
}

sub pushes_with_base
{
	my ($column, $base) = @_;
	return sub {
		my %known = known($column);
		return push_of(sub { return update_of(@_) . $base->($known{ $_[0] }) })->();
	};
}

my $new = $size;
sub insert_of
{
	my (undef, $price) = @_;
	$new++;
	return qq("op":"insert","key":{"n":$new},"set":{"id":"00000000-0000-0000-0000-) . sprintf('%012d', $new)
	  . qq(","tenant_id":1,"account_id":2,"seller_id":3,"item_name":"Lamp","status":"open","sale_date":"2026-01-31","sale_price":$price,"fee":1.5,"quantity":1,"is_refund":false,"listed_at":"2026-01-01T00:00:00Z","sold_at":"2026-01-31T00:00:00Z"});
}

foreach my $table (qw(sale bare))
{
	sql(qq{DROP TABLE IF EXISTS $table CASCADE;
		CREATE TABLE $table (LIKE records);
		ALTER TABLE $table ADD n integer;
		INSERT INTO $table SELECT r.*, row_number() OVER () FROM (SELECT * FROM records LIMIT $size) r;
		ALTER TABLE $table ADD PRIMARY KEY (n)});
}
sql("SELECT syncport.enable('sale')");
sql('VACUUM (ANALYZE) sale');
sql('VACUUM (ANALYZE) bare');
sql("ALTER SYSTEM SET fsync = on");
sql("SELECT pg_reload_conf()");
my $data = sql('SHOW data_directory');

title('pg_test_fsync');
print grep { /compare file sync methods using one|fdatasync|  fsync|open_datasync/i } `pg_test_fsync -s 1 -f $data/fsync.test 2>&1`;

title("$COUNT updates of single rows, $size rows in the table");
my $push = push_of(\&update_of);
compare('each a transaction / one push', 's', $ROUNDS, updates('own', 'sale'), $push, '>= 5');
compare('one push / all in one transaction', 's', $ROUNDS, $push, updates('one', 'sale'), '<= 3');
compare('one push / the same in a pipeline', 's', $ROUNDS, $push, updates('pipe', 'sale'), 'report');
compare('one push / one transaction, table not enabled', 's', $ROUNDS, $push, updates('one', 'bare'), 'report');
compare('base_version / without a base', 's', $ROUNDS,
	pushes_with_base('row_version', sub { qq(,"base_version":$_[0]) }), $push, 'report');
compare('base / without a base', 's', $ROUNDS,
	pushes_with_base('sale_price', sub { qq(,"base":{"sale_price":$_[0]}) }), $push, 'report');
compare('insert / update', 's', $ROUNDS, push_of(\&insert_of), $push, 'report');

sql("ALTER SYSTEM RESET fsync");
sql("SELECT pg_reload_conf()");
sql("DROP TABLE $_ CASCADE") for qw(sale bare);
