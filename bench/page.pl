# Pages against the query that an expert would write by hand.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Bench;

my $rows = sql('SELECT count(*) FROM records');
my @depths = map { int($rows * 0.97 * $_ / 60) } 1 .. 60;
my $by_date = q{order_by => 'sale_date DESC'};
my $order = 'ORDER BY sale_date DESC, id ASC';

sql(q{SELECT syncport.enable('records', prefix => NULL, sort_keys => ARRAY[
	'sale_date', 'status, sale_date', 'paid_on DESC NULLS LAST, sale_price'])})
  if sql(q{SELECT count(*) FROM syncport.enabled_table
		WHERE target = 'records'::regclass}) == 0;
sql('VACUUM (ANALYZE) records');

# Values of the columns at the depths, in the given order.
sub rows_at
{
	my ($columns, $order, $where, @at) = @_;
	my $list = join ',', @at;
	return map { [ split /\|/, $_, -1 ] } split /\n/, sql(
		"SELECT $columns FROM (SELECT *, row_number() OVER ($order) AS n
		FROM records WHERE $where) r WHERE n IN ($list) ORDER BY n");
}

sub cursor_call
{
	my ($order_by, $position) = @_;
	return sql("SELECT syncport.cursor_at('records', '$order_by', '$position')");
}

# Median microseconds of one round over the statements.
sub round_of
{
	my (@statements) = @_;
	return sub { median(statement_times(2400, '', @statements)) };
}

sub page_call
{
	my ($cursor, $rest) = @_;
	my $after = defined $cursor ? "after => '$cursor', " : '';
	return "SELECT (item).*, cursor FROM syncport.page(NULL::records, ${after}page_size => 50, $rest);";
}

my $live = 'deleted_at IS NULL';
my @at = rows_at('sale_date, id', 'ORDER BY sale_date, id', $live, @depths);
my @cursors = map { cursor_call('sale_date',
	qq({"sale_date":"$_->[0]","id":"$_->[1]"})) } @at;
my @ours = map { page_call($_, q{order_by => 'sale_date'}) } @cursors;
my @hand = map {
	"SELECT * FROM records WHERE $live AND (sale_date, id) >= ('$_->[0]'::date, '$_->[1]'::uuid) ORDER BY sale_date, id LIMIT 50;"
} @at;

title('page of 50 at random depth, prepared');
compare('page() / hand-written keyset', 'us', 5, round_of(@ours),
	round_of(@hand), '1.25, aim 1.15');
compare('page() at depth 95 % / at depth 0', 'us', 5, round_of($ours[-2]),
	round_of(page_call(undef, q{order_by => 'sale_date'})), '1.2');
my @offset = map {
	"SELECT * FROM records WHERE $live ORDER BY sale_date, id LIMIT 50 OFFSET $_;"
} @depths[ 9, 29, 49 ];
compare('page() / OFFSET at the same depths', 'us', 3, round_of(@ours[ 9, 29, 49 ]),
	sub { median(statement_times(6, '', @offset)) }, '0.01');

title('page_json of 50 at random depth');
my @json = map {
	"SELECT syncport.page_json('records', after => '$_', page_size => 50, order_by => 'sale_date');"
} @cursors;
my @json_hand = map {
	"SELECT json_agg(row_to_json(r)) FROM (SELECT * FROM records WHERE $live AND (sale_date, id) >= ('$_->[0]'::date, '$_->[1]'::uuid) ORDER BY sale_date, id LIMIT 50) r;"
} @at;
compare('page_json() / json_agg(row_to_json)', 'us', 5, round_of(@json),
	round_of(@json_hand), '0.9');

title('filter that keeps 1 %, fitting index');
sql('CREATE INDEX IF NOT EXISTS records_tenant_sale_date ON records
	(tenant_id, sale_date, id) WHERE deleted_at IS NULL');
sql('ANALYZE records');
my $few = "$live AND tenant_id = 7";
my $kept = sql("SELECT count(*) FROM records WHERE $few");
my @few_at = rows_at('sale_date, id', 'ORDER BY sale_date, id', $few,
	map { int($kept * 0.95 * $_ / 40) + 1 } 1 .. 40);
my @few_cursors = map { cursor_call('sale_date',
	qq({"sale_date":"$_->[0]","id":"$_->[1]"})) } @few_at;
compare('page() with filter / by hand', 'us', 5,
	round_of(map { page_call($_, q{order_by => 'sale_date', filter => '{"tenant_id":7}'}) } @few_cursors),
	round_of(map { "SELECT * FROM records WHERE $few AND (sale_date, id) >= ('$_->[0]'::date, '$_->[1]'::uuid) ORDER BY sale_date, id LIMIT 50;" } @few_at),
	'1.3');

title('mixed direction with NULLS LAST at depth 95 %');
my $mixed = 'paid_on DESC NULLS LAST, sale_price';
my @mixed_at = rows_at('paid_on, sale_price, id',
	"ORDER BY $mixed, id", $live, map { int($rows * 0.80) + 1000 * $_ } 1 .. 40);
my @null_at = rows_at('paid_on, sale_price, id',
	"ORDER BY $mixed, id", $live, map { int($rows * 0.94) + 1000 * $_ } 1 .. 40);
my $mixed_page = sub {
	map {
		my $day = length $_->[0] ? qq("$_->[0]") : 'null';
		page_call(cursor_call($mixed,
			qq({"paid_on":$day,"sale_price":$_->[1],"id":"$_->[2]"})),
			"order_by => '$mixed'")
	} @_;
};
compare('mixed order, among values / plain', 'us', 5,
	round_of($mixed_page->(@mixed_at)), round_of(@ours), '2');
compare('mixed order, among NULLs / plain', 'us', 5,
	round_of($mixed_page->(@null_at)), round_of(@ours), '2');
