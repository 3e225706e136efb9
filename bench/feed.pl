# What clients pay for the feed: the first load, catching up, asking in vain,
# and doing so as one tenant of many.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../test/t/lib";
use Bench;
use Feed::Session;
use POSIX ();
use Time::HiRes qw(time);

my $rows = sql('SELECT count(*) FROM records');
my $loaded = $rows < 1_000_000 ? $rows : 1_000_000;
my $few = int($rows / 10);

# The first rows of records, enabled alike.
sub make_table
{
	my ($name, $condition, $rest) = @_;
	sql(qq{DROP TABLE IF EXISTS $name CASCADE;
		CREATE TABLE $name (LIKE records INCLUDING DEFAULTS);
		INSERT INTO $name SELECT * FROM records $condition;
		ALTER TABLE $name ADD PRIMARY KEY (id);
		SELECT syncport.enable('$name'$rest);});
	sql("VACUUM (ANALYZE) $name");
	return;
}

# The request for a page of one table, as SQL.
sub pull_call
{
	my ($table, $cursor, $page_size) = @_;
	my $from = defined $cursor ? qq("$cursor") : 'null';
	return qq(SELECT syncport.pull('{"tables":{"$table":{"cursor":$from}},"page_size":$page_size,"max_bytes":100000000}'));
}

# Pull until complete; seconds, the last cursor and the calls it took.
sub pull_all
{
	my ($session, $table, $cursor, $page_size) = @_;
	my $start = time;
	for my $calls (1 .. 1_000_000)
	{
		$session->send(pull_call($table, $cursor, $page_size));
		my ($state, $output) = $session->finish(16384);
		$output =~ /"cursor":"([^"]+)","complete":(true|false),"schema_version":"[^"]*"\}\},"seq"/
		  or die "pull of $table: $state " . substr($output, 0, 1000) . "\n";
		$cursor = $1;
		return (time - $start, $cursor, $calls) if $2 eq 'true';
	}
	return;
}

sub copy_all
{
	my ($session, $table) = @_;
	my $start = time;
	$session->send("COPY (SELECT row_to_json(r) FROM $table r) TO STDOUT");
	my ($state, $output) = $session->finish(16384);
	die "COPY: $output\n" if $state ne '00000';
	return time - $start;
}

sub position
{
	my ($table) = @_;
	return sql("SELECT syncport.feed_position('$table')");
}

# Change so many rows, spread over the table, in transactions of 100.
sub change_rows
{
	my ($table, $count, $condition) = @_;
	my @ids = split /\n/, sql("SELECT id FROM $table $condition ORDER BY md5(id::text) LIMIT $count");
	my @statements;
	push @statements, "UPDATE $table SET quantity = quantity + 1 WHERE id IN ('" . join("','", splice @ids, 0, 100) . "');"
	  while @ids;
	sql(join "\n", @statements);
	return;
}

sub round_of
{
	my ($count, $setup, @statements) = @_;
	return sub { median(statement_times($count, $setup, map { "$_;" } @statements)) };
}

my $session = Feed::Session->new('', 'bench');

title("initial load of $loaded rows, pages of 5000");
make_table('load_records', "LIMIT $loaded", '');
compare('pull() / COPY (SELECT row_to_json(r)) TO STDOUT', 's', 5,
	sub { (pull_all($session, 'load_records', undef, 5000))[0] },
	sub { copy_all($session, 'load_records') }, '1.0');
sql('DROP TABLE load_records');

sql(q{SELECT syncport.enable('records', prefix => '{tenant_id}')});
sql('VACUUM (ANALYZE) records');
make_table('few_records', "LIMIT $few", '');

title("catch-up of 1000 changes");
my %cursor = map { $_ => position($_) } qw(records few_records);
my %before = map { $_ => sql("SELECT max(row_version) FROM $_") } keys %cursor;
change_rows($_, 1000, '') for sort keys %cursor;
my %pull = map { $_ => pull_call($_, $cursor{$_}, 1000) } keys %cursor;
my $same = sql($pull{records}) =~ tr/{// - 3;
die "pull gives $same rows instead of 1000\n" if $same != 1000;
my $hand = "SELECT json_agg(row_to_json(r)) FROM (SELECT * FROM records
	WHERE row_version > $before{records} ORDER BY row_version, id LIMIT 1000) r";
compare("of $rows rows: pull() / index range by hand", 'us', 5,
	round_of(100, '', $pull{records}), round_of(100, '', $hand), '3');
compare("of $rows rows / of $few rows", 'us', 5,
	round_of(100, '', $pull{records}), round_of(100, '', $pull{few_records}), '1.3');

title('a poll in vain');
my $one = sub { statement_mean(4000, '', 'SELECT 1;') };

# The cursor is that of now at every round, as clients have it.
sub idle_round
{
	my ($table) = @_;
	return sub { statement_mean(4000, '', pull_call($table, position($table), 1000) . ';') };
}
compare('pull() / SELECT 1, nobody writes', 'us', 5, idle_round('records'), $one, '3');

# Other tables are written all the time.
sub beside_writers
{
	my ($code) = @_;
	sql('DROP TABLE IF EXISTS other; CREATE TABLE other (id int PRIMARY KEY, n int);
		INSERT INTO other SELECT g, 0 FROM generate_series(1, 1000) g;');
	my $writer = fork() // die "fork: $!";
	if ($writer == 0)
	{
		my $session = Feed::Session->new('', 'writer');
		my $stop = 0;
		local $SIG{TERM} = sub { $stop = 1 };
		until ($stop)
		{
			$session->must(join ";\n", map { 'UPDATE other SET n = n + 1 WHERE id = ' . (1 + int rand 1000) } 1 .. 20);
			select undef, undef, undef, 0.02;
		}
		$session->quit;
		POSIX::_exit(0);
	}
	eval { $code->(); 1 } or warn $@;
	kill 'TERM', $writer;
	waitpid $writer, 0;
	sql('DROP TABLE other');
	return;
}
beside_writers(sub {
	compare('pull() / SELECT 1, another table is written', 'us', 5, idle_round('records'), $one, '3');
});

my $idle = Feed::Session->new('', 'open');
$idle->must('BEGIN; SELECT pg_current_xact_id()');
my $changes = $rows < 2_000_000 ? int($rows / 4) : 500_000;
sql('CREATE TEMP TABLE changed AS SELECT id, row_number() OVER () AS n FROM records ORDER BY md5(id::text) LIMIT ' . $changes . ';
	ANALYZE changed;' . join "\n", map { "UPDATE records r SET quantity = quantity + 1 FROM changed s WHERE s.id = r.id AND s.n % 50 = $_;" } 0 .. 49);
(undef, my $caught_up) = pull_all($session, 'records', $cursor{records}, 10000);
compare("pull() / SELECT 1, a transaction open before $changes changes", 'us', 5,
	sub { statement_mean(4000, '', pull_call('records', $caught_up, 1000) . ';') }, $one, '3');
$idle->quit;

# A hundredth of the rows, seen through a policy or in a table of its own.
sql(q{
	DROP POLICY IF EXISTS tenant ON records;
	CREATE POLICY tenant ON records USING (tenant_id = current_setting('app.tenant_id')::int);
	ALTER TABLE records ENABLE ROW LEVEL SECURITY;
	DO $$ BEGIN CREATE ROLE tenant; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
	GRANT USAGE ON SCHEMA syncport TO tenant;
	GRANT SELECT ON records TO tenant;});
sql('VACUUM (ANALYZE) records');
make_table('own_records', 'WHERE tenant_id = 42', '');
sql('GRANT SELECT ON own_records TO tenant');
my $count = sql('SELECT count(*) FROM own_records');
my $as_tenant = '-c role=tenant -c app.tenant_id=42';
$session->must("SET app.tenant_id = '42'");
$session->must('SET ROLE tenant');

sub as_tenant
{
	my ($query) = @_;
	return sql("SET app.tenant_id = '42'; SET ROLE tenant; $query");
}

title("one tenant in 100, $count rows");
compare('initial load under RLS / of a table of its own', 's', 5,
	sub { (pull_all($session, 'records', undef, 1000))[0] },
	sub { (pull_all($session, 'own_records', undef, 1000))[0] }, '1.5');
%cursor = map { $_ => as_tenant("SELECT syncport.feed_position('$_')") } qw(records own_records);

# 1000 changes of the tenant's own, among those of all
sql(join "\n", map { my $n = $_; map { "UPDATE $_ SET quantity = quantity + 1 WHERE hashtext(id::text) % 20 = 0 AND abs(hashtext(id::text)) / 20 % 10 = $n;" } qw(records own_records) } 0 .. 9);
my %found = map { $_ => as_tenant(pull_call($_, $cursor{$_}, 10000)) =~ tr/{// - 3 } keys %cursor;
die "$found{records} and $found{own_records} changes\n" if $found{records} != $found{own_records};
compare("catch-up of $found{records} changes, of 100 times as many", 'us', 5,
	(map { round_of(100, $as_tenant, pull_call($_, $cursor{$_}, 1000)) } qw(records own_records)), '1.5');
compare('a poll in vain', 'us', 5,
	(map { my $call = pull_call($_, (pull_all($session, $_, $cursor{$_}, 1000))[1], 1000); sub { statement_mean(4000, $as_tenant, "$call;") } } qw(records own_records)), '1.5');
$session->quit;
sql('DROP TABLE own_records, few_records; ALTER TABLE records DISABLE ROW LEVEL SECURITY');
