# Pages of a tenant holding 1 % of the rows, under row-level security with a
# prefix, against the same call on a table of only those rows without it.
# numeric and enum comparisons are not leakproof: without our bounds the
# server reads the tenant's rows from the start at every page.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Bench;

my @orders = qw(sale_date item_name sale_price status);
my $keys = join ',', map { "'$_'" } @orders;

sql(qq{
	DROP TABLE IF EXISTS own_records;
	CREATE TABLE own_records (LIKE records);
	INSERT INTO own_records SELECT * FROM records
		WHERE tenant_id = 42;
	ALTER TABLE own_records ADD PRIMARY KEY (id);
	SELECT syncport.enable('own_records', sort_keys => ARRAY[$keys]);
	SELECT syncport.enable('records', sort_keys => ARRAY[$keys],
		prefix => '{tenant_id}');
	DROP POLICY IF EXISTS tenant ON records;
	CREATE POLICY tenant ON records
		USING (tenant_id = current_setting('app.tenant_id')::int);
	ALTER TABLE records ENABLE ROW LEVEL SECURITY;
	DO \$\$ BEGIN CREATE ROLE tenant; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
	GRANT USAGE ON SCHEMA syncport TO tenant;
	GRANT SELECT ON records, own_records TO tenant;
});
sql('VACUUM (ANALYZE) records');
sql('VACUUM (ANALYZE) own_records');

my $count = sql('SELECT count(*) FROM own_records');
my $depths = join ',', map { int($count * 0.97 * $_ / 40) } 1 .. 40;
my $session = '-c role=tenant -c app.tenant_id=42';

title("tenant of $count rows under RLS, pages of 50 at random depth");
for my $order (@orders)
{
	my @positions = split /\n/, sql("SELECT json_build_object('$order', $order, 'id', id)
		FROM (SELECT *, row_number() OVER (ORDER BY $order, id) AS n
			FROM own_records) r WHERE n IN ($depths)");
	my %calls;
	for my $table (qw(records own_records))
	{
		$calls{$table} = [ map {
			my $cursor = sql("SELECT syncport.cursor_at('$table', '$order', \$json\$$_\$json\$)");
			"SELECT (item).*, cursor FROM syncport.page(NULL::$table, after => '$cursor', page_size => 50, order_by => '$order');"
		} @positions ];
	}
	compare("by $order: under RLS / rows of its own", 'us', 5,
		sub { median(statement_times(800, $session, @{ $calls{records} })) },
		sub { median(statement_times(800, $session, @{ $calls{own_records} })) },
		'1.5');
}
sql('ALTER TABLE records DISABLE ROW LEVEL SECURITY');
