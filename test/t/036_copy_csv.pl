# CSV and text by our encoders against core's, on the same statements: output,
# messages, files and errors.  syncport.accelerate_copy decides who writes.
use strict;
use warnings;

use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('copy_csv');
$node->init(extra => [ '--encoding', 'UTF8', '--locale', 'C' ]);
$node->append_conf('postgresql.conf',
	"session_preload_libraries = 'syncport'");
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
chmod 0777, $dir or die $!;

$node->safe_psql('postgres', <<'SQL');
	CREATE EXTENSION syncport;
	CREATE TYPE mood AS ENUM ('sad', 'so, so', '"', '');
	CREATE DOMAIN price AS numeric(12, 2);
	CREATE TYPE pair AS (a integer, "B c" text);
	CREATE TABLE value (
		id integer, big bigint, small smallint, o oid, f4 real, f8 double precision,
		n numeric, p price, ok boolean, u uuid, t text, v varchar(40), c char(5),
		"Odd ""name"", ä" text, d date, ti time, tz timetz, ts timestamp,
		tstz timestamptz, i interval, b bytea, j json, jb jsonb, m mood, a text[],
		na numeric[], r int4range, tr tstzrange, co pair, nm name, ip inet, x xml,
		mo money, bi bit(3), pt point);
	INSERT INTO value (id) VALUES (0);
	INSERT INTO value VALUES
	(1, -9223372036854775808, -32768, 4294967295, '-0', 'NaN', 'NaN', 0, true,
	 '00000000-0000-0000-0000-00000000000f', '', ' ', '', 'x', '0044-03-15 BC',
	 '24:00', '24:00+14:30', 'infinity', '-infinity', '-1 mon +2 days -03:00:00.5',
	 '', '{"a" :  "b\n"}', '{"a": ["\"", null]}', '', '{}', '{NULL,NaN}', 'empty', '(,)',
	 ROW(NULL, ''), '', '::1/64', '<a b="c"/>', '-1.5', '101', '(0,-0)'),
	(2, 9223372036854775807, 32767, 0, '1e-30', '1e300', '-Infinity',
	 -123456789.5, false, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'a,b', '"quoted"',
	 'ab', '\.', '9999-12-31', '23:59:59.999999', '00:00:00.000001-00:00:01',
	 '0099-01-01 12:34:56.7 BC', '2026-03-29 01:00:00+00', '1 year', '\x00ff22',
	 E'[1,\n2]', '"x"', 'so, so', '{"a,b","c\"d",NULL,""}', '{1.10,-0.000001}',
	 '[1,5)', '[2026-01-01,2026-07-01)', ROW(1, 'x,"y"'), 'n"m', '10.0.0.1', 'text',
	 '1234567.89', '000', '(1e300,NaN)'),
	(3, 0, 0, 7, '3.4028235e38', 0.1, 1234567890123456789012345678901234567890.5,
	 1, NULL, NULL, E'line\nbreak', E'cr\rhere', 'NULL', E'tab\there\\', 'infinity', '00:00',
	 '12:00+05', '2026-02-28', '1883-11-18 12:00:00-05', '00:00', E'a\\\\b', '1', 'true', 'sad', NULL,
	 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(4, 4, 4, 4, 4, 123456789.123, 1e-20, 4, true, NULL, '\.', '\N', '=1+1',
	 E'größe €𝄞', '0001-01-01', NULL, NULL, '2026-10-25 01:30', '2026-10-25 00:30+00', '@ 1 sec ago',
	 NULL, NULL, NULL, '"', '{{1,2},{3,4}}', NULL, NULL, NULL, NULL, NULL, NULL,
	 NULL, NULL, NULL, NULL);
	INSERT INTO value (id, t, n) SELECT g, repeat(chr(33 + g % 90), g % 40) || ',', g / 7.0
	FROM generate_series(10, 3000) g;
	INSERT INTO value (id, t) VALUES (5000, repeat('long "text", ', 200000));
	INSERT INTO value (id, n) VALUES (5001, ('1' || repeat('0', 3000) || '.5')::numeric);
	ALTER TABLE value DROP COLUMN o;
	CREATE TABLE one (t text);
	INSERT INTO one VALUES ('\.'), (''), (NULL), ('x'), ('\N'), ('.');
	CREATE TABLE none ();
	INSERT INTO none DEFAULT VALUES;
	CREATE VIEW seen AS SELECT id FROM value;
	CREATE ROLE reader;
	GRANT SELECT (id, t) ON value TO reader;
	CREATE TABLE parted (id integer) PARTITION BY LIST (id);
	CREATE MATERIALIZED VIEW kept AS SELECT 1 AS id;
SQL


# What psql shows of a statement with and without us.
sub both_ways
{
	my ($setup, $statement) = @_;
	my @answers;
	foreach my $switch ('off', 'on')
	{
		my ($status, $out, $err) = $node->psql('postgres',
			"$setup;\nSET syncport.accelerate_copy = $switch;\n$statement;",
			on_error_stop => 1);
		push @answers, [ $status, $out, $err =~ s/psql:<stdin>:\d+: //gr ];
	}
	return @answers;
}

sub same
{
	my ($setup, $statement) = @_;
	my ($core, $ours) = both_ways($setup, $statement);
	is($core->[0], 0, "core runs $statement") or diag($core->[2]);
	ok($core->[1] eq $ours->[1] && $core->[2] eq $ours->[2],
		"the same: $setup; $statement")
	  or diag(first_difference($core->[1], $ours->[1]), $ours->[2]);
	return;
}

sub same_error
{
	my ($setup, $statement) = @_;
	my ($core, $ours) = both_ways($setup, $statement);
	isnt($core->[0], 0, "core refuses $statement");
	is($ours->[2], $core->[2], "in the same words: $statement");
	return;
}

sub first_difference
{
	my @core = split /\n/, $_[0];
	my @ours = split /\n/, $_[1];
	foreach my $i (0 .. $#core)
	{
		next if $core[$i] eq ($ours[$i] // '');
		return "core: $core[$i]\nours: " . ($ours[$i] // 'nothing') . "\n";
	}
	return "lengths differ\n";
}

my @settings = (
	'SELECT 1',
	'SET DateStyle = "SQL, DMY"; SET TimeZone = "America/New_York"',
	'SET DateStyle = "German"; SET TimeZone = "Asia/Kathmandu"',
	'SET DateStyle = "Postgres, MDY"; SET TimeZone = "UTC"',
	'SET TimeZone = "Europe/Berlin"; SET IntervalStyle = iso_8601; SET extra_float_digits = -3',
	'SET TimeZone = "<-00:30>0:30"; SET bytea_output = escape; SET extra_float_digits = 0');
my @options = (
	"(FORMAT csv)",
	"(FORMAT csv, HEADER)",
	"(FORMAT csv, FORCE_QUOTE *)",
	q{(FORMAT csv, FORCE_QUOTE (id, n, t, "Odd ""name"", ä"), NULL 'null', HEADER)},
	"(FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\\')",
	"(FORMAT csv, DELIMITER '-', QUOTE '0', NULL 'NaN')",
	"(FORMAT csv, DELIMITER 't', NULL '4')",
	"(FORMAT csv, DELIMITER ' ', QUOTE ':', ESCAPE '1')",
	"(FORMAT csv, ENCODING 'UTF8')",
	"(FORMAT text)",
	"(DELIMITER '|', NULL '', HEADER)",
	"(DELIMITER ':', NULL 'x')",
	"(DELIMITER E'\\b')");

foreach my $setting (@settings)
{
	same($setting, "COPY value TO STDOUT $_") foreach @options;
}
foreach my $option (@options)
{
	same('SELECT 1', "COPY one TO STDOUT $option") if $option !~ /"Odd/;
	same('SELECT 1', "COPY none TO STDOUT $option") if $option !~ /"Odd/;
}
same('SELECT 1', 'COPY value (t, id) TO STDOUT (FORMAT csv, FORCE_QUOTE (t))');
same('SELECT 1', q{COPY (SELECT id AS a, t AS a, '' AS "?", NULL::text FROM value) TO STDOUT (FORMAT csv, HEADER)});
same('SELECT 1', q{COPY value TO STDOUT CSV HEADER});
same('SELECT 1', q{COPY value TO STDOUT WITH DELIMITER '|'});
same('SET ROLE reader', 'COPY value (id, t) TO STDOUT (FORMAT csv)');
same('BEGIN READ ONLY', 'COPY value TO STDOUT (FORMAT csv)');
same('SET client_encoding = LATIN1', q{COPY (SELECT 'größe', 'a,ä') TO STDOUT (FORMAT csv)});
same('SET client_encoding = LATIN1', q{COPY (SELECT 'größe', E'a\tä') TO STDOUT});
# A client's own encoding may make a backslash of what is none to the server.
same("SET client_encoding = $_->[0]", q{COPY (SELECT U&'a\00A5nb', U&'\00A5.', U&'\203E') TO STDOUT } . $_->[1])
  foreach map { my $encoding = $_; map { [ $encoding, $_ ] } '(FORMAT csv)', '', "(FORMAT csv, QUOTE '~')" } 'SJIS', 'SHIFT_JIS_2004';
same('SET client_encoding = SJIS', q{COPY (SELECT 'ソ,能', 'ソ' AS "表") TO STDOUT (FORMAT csv, HEADER, DELIMITER '|')});

same('SELECT 1', 'COPY (SELECT 1 AS a, 2 AS a) TO STDOUT (FORMAT csv, FORCE_QUOTE (a))');

# Rows come as they are stored, also where an index has all that is asked for.
$node->safe_psql('postgres', q{
	CREATE TABLE shuffled (id integer, pad text);
	INSERT INTO shuffled SELECT g * 7919 % 20011, repeat('x', 500) FROM generate_series(1, 20000) g;
	CREATE UNIQUE INDEX ON shuffled (id)});
$node->safe_psql('postgres', 'VACUUM ANALYZE shuffled');
like($node->safe_psql('postgres', 'EXPLAIN SELECT id FROM shuffled'),
	qr/Index Only Scan/, 'a query of it would come in another order');
same($_, 'COPY shuffled (id) TO STDOUT (FORMAT csv)')
  foreach 'SELECT 1', 'SET enable_seqscan = off';

# Under row policies core writes generated columns, too.
$node->safe_psql('postgres', q{
	CREATE TABLE guarded (id integer, g integer GENERATED ALWAYS AS (id * 2) STORED);
	INSERT INTO guarded VALUES (1), (2);
	ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
	CREATE POLICY one ON guarded USING (id = 1);
	GRANT SELECT ON guarded TO reader});
same($_, 'COPY guarded TO STDOUT (FORMAT csv)')
  foreach 'SELECT 1', 'SET ROLE reader';
same_error('SET ROLE reader; SET row_security = off', 'COPY guarded TO STDOUT (FORMAT csv)');

# A label that is renamed on the way shows its new name behind that.
$node->safe_psql('postgres', q{
	CREATE TYPE stage AS ENUM ('a', 'b');
	CREATE FUNCTION rename_label(old text, new text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE format('ALTER TYPE stage RENAME VALUE %L TO %L', old, new);
		RETURN new;
	END $$});
same('BEGIN', q{COPY (SELECT 'a'::stage, CASE WHEN g IN (3, 6) THEN rename_label(CASE g WHEN 3 THEN 'a' ELSE 'c' END, CASE g WHEN 3 THEN 'c' ELSE 'a' END) END
	FROM generate_series(1, 8) g) TO STDOUT (FORMAT csv)});

# The text for NULL can be long; of 1600 columns not all of it has room.
same("SELECT repeat('N', 2684354) AS n, repeat('NULL::int, ', 199) || '1' AS columns \\gset\nSELECT 1",
	q{COPY (SELECT :columns) TO STDOUT (FORMAT csv, NULL :'n')});
is($node->safe_psql('postgres', q{
	SELECT repeat('N', 2684354) AS n, repeat('NULL::int, ', 1599) || '1' AS columns \gset
	\set ON_ERROR_STOP 0
	COPY (SELECT :columns) TO '/dev/null' (FORMAT csv, NULL :'n', COMPRESSION gzip);
	\echo :LAST_ERROR_SQLSTATE}), '54000', 'more than a row can be is refused');

same_error('SET ROLE reader', 'COPY value TO STDOUT (FORMAT csv)');
same_error('SET ROLE reader', "COPY value TO '$dir/x' (FORMAT csv)");
same_error('SET ROLE reader', "COPY value TO PROGRAM 'cat' (FORMAT csv)");
same_error('SELECT 1', $_)
  foreach ('COPY seen TO STDOUT (FORMAT csv)', 'COPY parted TO STDOUT (FORMAT csv)',
	'COPY nothing TO STDOUT (FORMAT csv)', 'COPY value (nothing) TO STDOUT',
	'COPY value (id, id) TO STDOUT',
	"COPY value TO STDOUT (FORMAT csv, DELIMITER ',,')",
	"COPY value TO STDOUT (FORMAT csv, FORCE_QUOTE 3)",
	"COPY value TO STDOUT (FORMAT csv, ENCODING 'klingon')",
	'COPY (INSERT INTO one VALUES (1)) TO STDOUT',
	"COPY value TO STDOUT (FORMAT csv, FORCE_NOT_NULL (id))",
	"COPY value TO STDOUT (FORMAT text, QUOTE '\"')",
	"COPY value TO STDOUT (FORMAT csv, HEADER match)",
	"COPY value TO STDOUT (FORMAT csv, HEADER, HEADER)",
	"COPY value (id) TO STDOUT (FORMAT csv, FORCE_QUOTE (t))",
	"COPY value (id) TO STDOUT (FORMAT csv, FORCE_QUOTE (nothing))",
	"COPY value (id) TO STDOUT (FORMAT csv, FORCE_QUOTE (id, id))",
	"COPY (SELECT 1 AS a) TO STDOUT (FORMAT csv, FORCE_QUOTE (b))",
	q{COPY value TO STDOUT (FORMAT csv, NULL '€', ENCODING 'LATIN1')},
	"COPY value TO 'relative' (FORMAT csv)",
	"COPY (SELECT 1 / 0) TO STDOUT (FORMAT csv)",
	q{COPY (SELECT U&'\20ac') TO STDOUT (FORMAT csv, ENCODING 'LATIN1')});

# A file is overwritten in place, as core does it.
my $inode;
foreach my $switch ('off', 'on')
{
	$node->safe_psql('postgres',
		"SET syncport.accelerate_copy = $switch; COPY value TO '$dir/$switch.csv' (FORMAT csv)");
}
is(slurp_file("$dir/on.csv"), slurp_file("$dir/off.csv"), 'the same file');
$inode = (stat "$dir/on.csv")[1];
$node->safe_psql('postgres',
	"SET syncport.accelerate_copy = on; COPY one TO '$dir/on.csv' (FORMAT csv)");
is((stat "$dir/on.csv")[1], $inode, 'in place');
is((stat "$dir/on.csv")[2] & 0777, (stat "$dir/off.csv")[2] & 0777, 'with the same mode');
is(scalar(() = slurp_file("$dir/on.csv") =~ /\n/g), 6, 'and nothing left of the old one');

# The messages are the same, one per row.
my $socket = IO::Socket::UNIX->new(
	Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "connect: $!";

sub say_to_server
{
	my ($type, $body) = @_;
	print $socket $type . pack('N', length($body) + 4) . $body;
	$socket->flush;
	my @messages;
	do
	{
		push @messages, [ unpack('aN', read_bytes(5)) ];
		$messages[-1] = [ $messages[-1][0], read_bytes($messages[-1][1] - 4) ];
	} until $messages[-1][0] eq 'Z';
	return join("\n", map { $_->[0] . unpack('H*', $_->[1]) } @messages);
}

sub read_bytes
{
	my ($length) = @_;
	my $data = '';
	while (length($data) < $length)
	{
		sysread($socket, $data, $length - length($data), length($data))
		  or die 'the server closed the connection';
	}
	return $data;
}

my $user = $node->safe_psql('postgres', 'SELECT current_user');
say_to_server('', pack('N', 196608) . "user\0$user\0database\0postgres\0\0");
my %messages;
foreach my $switch ('off', 'on')
{
	say_to_server('Q', "SET syncport.accelerate_copy = $switch\0");
	$messages{$switch} = say_to_server('Q', "COPY value TO STDOUT (FORMAT csv, HEADER)\0")
	  . say_to_server('Q', "COPY none TO STDOUT\0")
	  . say_to_server('Q', "COPY (SELECT 1, 2 WHERE false) TO STDOUT\0");
}
ok($messages{on} eq $messages{off}, 'the same messages');

# What is ours: spreadsheets, compressions and names for people are asked for
# by options, and core's own CSV reads what they leave as text.
is($node->safe_psql('postgres', q{
	COPY (SELECT * FROM (VALUES (1, '=1+1', -1.5, '-2'::text, date '-infinity'),
		(2, '  @x', 0, '''quoted', NULL), (3, '''=1', 0, '', NULL),
		(4, E'\tx', 0, '+"a"', NULL), (5, ' ''=', 0, '''''-', NULL)) AS v(id, a, n, "=b", d))
	TO STDOUT (FORMAT csv, HEADER, FORMULAS 'escape', HEADINGS '{"a":"+Heading, one"}')}),
	qq{id,"'+Heading, one",n,'=b,d
1,'=1+1,-1.5,'-2,-infinity
2,'  \@x,0,'quoted,
3,''=1,0,"",
4,'\tx,0,"'+""a""",
5, '=,0,'''-,}, 'FORMULAS and HEADINGS');
is($node->safe_psql('postgres',
	q{COPY (SELECT timestamptz '2026-07-01 12:00+00' AS t) TO STDOUT (FORMAT csv, TIME_ZONE 'Asia/Tokyo')}),
	'2026-07-01 21:00:00+09', 'TIME_ZONE');
is(unpack('H*', $node->safe_psql('postgres',
	q{COPY (SELECT 'ä' AS a) TO STDOUT (FORMAT csv, BOM)})), 'efbbbfc3a4', 'BOM');
$node->safe_psql('postgres',
	"COPY (SELECT 'ä' AS a WHERE false) TO '$dir/bom.csv' (FORMAT csv, BOM)");
is(unpack('H*', slurp_file("$dir/bom.csv")), 'efbbbf', 'BOM without rows');
$node->safe_psql('postgres',
	"CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
$node->safe_psql('latin',
	"SET client_encoding = latin1; COPY (SELECT E'\\344' AS a) TO '$dir/bom.csv' (FORMAT csv, BOM, ENCODING 'UTF8')");
is(unpack('H*', slurp_file("$dir/bom.csv")), 'efbbbfc3a40a', 'BOM ahead of what is converted');
like(($node->psql('latin', "SET client_encoding = latin1; COPY (SELECT 1) TO STDOUT (FORMAT csv, BOM)"))[2],
	qr/COPY option "bom" needs the encoding UTF8\nDETAIL:  The encoding is "LATIN1"/, 'only UTF-8 has one');

done_testing();
