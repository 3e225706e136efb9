# COPY with our formats beside other extensions that hook into the same
# places, in every order of loading.
#
# Whoever is loaded after syncport sees our COPY as a utility statement, as it
# sees core's.  Whoever is loaded before it sees the query inside, under the
# text of the COPY, through the executor's hooks.  Either way each statement
# is counted once and each read of a table audited.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('copy_hooks');
$node->init;
$node->append_conf('postgresql.conf', q{
pgaudit.log = 'all'
pgaudit.log_catalog = off
pg_stat_statements.track = top
session_preload_libraries = ''
shared_preload_libraries = 'pg_stat_statements, pgaudit'
});
$node->start;
my $has_pgaudit = $node->safe_psql('postgres', q{
	SELECT count(*) FROM pg_available_extensions WHERE name = 'pgaudit'});
BAIL_OUT('pgaudit is not installed') unless $has_pgaudit;
$node->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pgaudit;
	CREATE TABLE record AS SELECT 1 AS id;
	CREATE TABLE target (id integer);});

my $dir = PostgreSQL::Test::Utils::tempdir;
chmod 0777, $dir or die $!;

# Lines of the log since $from that audit our statement.
sub audits
{
	my ($from, $pattern) = @_;
	my $log = substr(slurp_file($node->logfile), $from);
	return scalar(() = $log =~ /AUDIT: .*$pattern/g);
}

sub calls
{
	my ($pattern) = @_;
	return $node->safe_psql('postgres', qq{
		SELECT coalesce(string_agg(calls || ' ' || rows, ';'), 'none')
		FROM pg_stat_statements WHERE query ~* '$pattern'});
}

sub check_order
{
	my ($shared, $session) = @_;
	my $order = "shared: $shared; session: $session";

	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries',
		"'$shared'");
	$node->adjust_conf('postgresql.conf', 'session_preload_libraries',
		"'$session'");
	$node->restart;
	$node->safe_psql('postgres', 'SELECT pg_stat_statements_reset()');
	my $from = -s $node->logfile;

	my $out = $node->safe_psql('postgres', qq{
		COPY record TO STDOUT (FORMAT ndjson);
		COPY (SELECT id + 1 AS two FROM record) TO '$dir/two.json' (FORMAT 'json');
		COPY record TO STDOUT (FORMAT csv);
		SET syncport.accelerate_copy = on;
		COPY (SELECT -id FROM record) TO STDOUT (DELIMITER '|');
		COPY (SELECT id, id FROM record) TO '$dir/record.xlsx' (FORMAT xlsx);
		SELECT octet_length(syncport.export('record', 'csv'));
		RESET syncport.accelerate_copy;
		COPY record TO PROGRAM 'cat > $dir/record.csv' (FORMAT csv);
		COPY target FROM '$dir/record.csv' (FORMAT csv);
		COPY (INSERT INTO target VALUES (7) RETURNING id) TO STDOUT (FORMAT 'json')});
	is($out, qq({"id":1}\n1\n-1\n5\n{"id":7}), "$order: all statements work");
	is(slurp_file("$dir/two.json"), qq({"two":2}\n), "$order: a file");
	is(calls('copy record to stdout .format ndjson'), '1 1',
		"$order: a table is counted once");
	is(calls('as two from record'), '1 1', "$order: a query is counted once");
	is(calls('copy record to stdout .format csv'), '1 1',
		"$order: core's formats are counted once");
	is(calls('copy .select -id'), '1 1',
		"$order: and so when we run them");
	is(calls('copy .select id, id'), '1 1', "$order: a workbook is counted once");
	is(calls('select octet_length'), '1 1', "$order: a function is a query");
	is(audits($from, 'READ,SELECT,.*DELIMITER'), 1,
		"$order: an accelerated read is audited");
	is(calls('copy target from'), '1 1', "$order: COPY FROM is, too");
	is(audits($from, 'READ,SELECT,.*FORMAT ndjson'), 1,
		"$order: reading a table is audited");
	is(audits($from, 'WRITE,INSERT,.*FORMAT .json'), 1,
		"$order: writing one is audited");
	my $error = ($node->psql('postgres',
			'COPY record TO STDOUT (FORMAT "json", HEADER)'))[2];
	like($error, qr/"header" is not valid/, "$order: errors come through");
	$node->safe_psql('postgres', 'TRUNCATE target');
}

check_order('pg_stat_statements, pgaudit, syncport', '');
check_order('syncport, pg_stat_statements, pgaudit', '');
check_order('pgaudit, syncport, pg_stat_statements', '');
check_order('pg_stat_statements, syncport, pgaudit', '');
check_order('pg_stat_statements, pgaudit', 'syncport');

# Without the library the statement is core's to refuse.
$node->adjust_conf('postgresql.conf', 'session_preload_libraries', "''");
$node->restart;
like(($node->psql('postgres', 'COPY record TO STDOUT (FORMAT ndjson)'))[2],
	qr/COPY format "ndjson" not recognized/, 'without the library');

done_testing();
