# The SQL of the README works when it is pasted, in its order, in one go.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
session_preload_libraries = 'syncport'
});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron');

my ($readme) = grep { -f $_ } map { "$_/README.md" } '.', '..', '../..', $ENV{SYNCPORT_SOURCE} // '.';
my $text = slurp_file($readme);
my @blocks = $text =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar @blocks, '>=', 10, 'the README has SQL');

my $script = join "\n", map { s/\bmydb\b/postgres/r } @blocks;
my ($code, $out, $err) = $node->psql('postgres', "\\set ON_ERROR_STOP on\n$script");
is($code, 0, 'every statement works');
is($err =~ s/^.*NOTICE:.*\n?//mgr, '', 'without a complaint');
like($out, qr/"next_cursor":"/, 'a page has a cursor');
like($out, qr/^42\|t$/m, 'a deleted row is there as its tombstone');
like($out, qr/"upserts":\[\{"id":\d+,.*"complete":false/, 'a first pull has rows');
like($out, qr/^upsert\|7\|5(\.0+)?\|[\w-]+$/m, 'what was updated since a position is an upsert');
like($out, qr/^delete\|8\|[\d.]*\|[\w-]+$/m, 'what was deleted since is a delete');
like($out, qr/"deletes":\[\{"id":8\}\],.*"complete":true/, 'and pull says the same');
like($out, qr/^\{"id":1,"item_name":"item 1",/m, 'rows are copied as JSON');

$node->stop;
done_testing();
