# Pages, counts and COPY answer on a hot standby as on its primary.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "session_preload_libraries = 'syncport'");
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE TABLE records (id int PRIMARY KEY, amount numeric, sold date);
	INSERT INTO records SELECT i, i % 7, date '2026-01-01' + i % 30
		FROM generate_series(1, 500) i;
	SELECT syncport.enable('records', sort_keys => '{sold DESC}');
	DELETE FROM records WHERE id % 10 = 0;
	SELECT syncport.save_preset('records', 'cheap', filter => '{"amount": {"lt": 3}}', order_by => 'id');
});
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

my $cursor = $primary->safe_psql('postgres',
	q{SELECT syncport.cursor_at('records', 'sold DESC', '{"sold":"2026-01-12"}')});
foreach my $query (
	"SELECT item, cursor FROM syncport.page(NULL::records, after => '$cursor', order_by => 'sold DESC', page_size => 20)",
	q{SELECT syncport.page_json('records', before => 'end', filter => '{"amount":{"in":[1,2]}}', total => 'exact')},
	q{SELECT * FROM syncport.count_rows('records', mode => 'exact')},
	q{SELECT syncport.cursor_at('records', 'sold DESC', '{"id":33}')},
	'COPY records TO STDOUT (FORMAT ndjson)',
	q{COPY records TO STDOUT (FORMAT csv, FORMULAS 'escape', PRESET 'cheap')},
	q{SELECT md5(string_agg(c, '')) FROM syncport.export('records', 'xlsx', preset => 'cheap') c},
	q{SELECT * FROM syncport.plan_export('records', preset => 'cheap')})
{
	my $expected = $primary->safe_psql('postgres', $query);
	isnt($expected, '', 'the primary answers');
	is($standby->safe_psql('postgres', $query), $expected, "the standby answers: $query");
}
like(($standby->psql('postgres', q{SELECT syncport.enable('records')}))[2],
	qr/read-only|recovery/, 'enable belongs to the primary');
like(($standby->psql('postgres', q{SELECT syncport.save_preset('records', 'p')}))[2],
	qr/read-only|recovery/, 'and so does save_preset');

$standby->promote;
$standby->safe_psql('postgres', 'DELETE FROM records WHERE id = 33');
is($standby->safe_psql('postgres', 'SELECT deleted_at IS NOT NULL FROM records WHERE id = 33'),
	't', 'once promoted it keeps tombstones');

$standby->stop;
$primary->stop;
done_testing();
