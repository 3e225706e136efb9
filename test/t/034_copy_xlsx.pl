# COPY with FORMAT xlsx: every value is read back, by a reader of the XML, by
# openpyxl, and by LibreOffice where it is installed; sheets split where they
# have to; the same rows make the same bytes; memory does not grow.
use strict;
use warnings;
use utf8;

use FindBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Debian's packages are for Debian's Python
my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
my $reader = "$FindBin::Bin/../data/read_xlsx.py";
my $json = JSON::PP->new->utf8->allow_nonref;

my $node = PostgreSQL::Test::Cluster->new('xlsx');
$node->init(extra => [ '--locale=C', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf',
	"session_preload_libraries = 'syncport'");
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
chmod 0777, $dir or die $!;
$node->safe_psql('postgres', 'CREATE EXTENSION syncport');

my $files = 0;

# Run statements of which $copy is COPY without its target; the file's name.
sub export
{
	my ($copy, $options, $setup, $database) = @_;
	my $file = sprintf('%s/%03d.xlsx', $dir, ++$files);
	utf8::encode($copy);
	utf8::encode($options //= '');
	$options = ", $options" if $options ne '';
	$node->safe_psql($database // 'postgres',
		($setup // '') . "; COPY $copy TO '$file' (FORMAT xlsx$options)");
	return $file;
}

# A test's name in bytes
sub named
{
	my ($name) = @_;
	utf8::encode($name);
	return $name;
}

# Lines of JSON that the reader prints.
sub read_by
{
	my ($action, $file) = @_;
	my ($out, $err) = run_command([ $python, $reader, $action, $file ]);
	is($err, '', "$action reads the file");
	return map { $json->decode($_) } split /\n/, $out;
}

# [kind, format, value] of the cells of row 2, by column letters
sub second_row
{
	return {
		map { ($_->[1] =~ s/2$//r) => [ @$_[ 2 .. 4 ] ] }
		grep { $_->[1] =~ /^[A-Z]+2$/ } read_by('cells', shift)
	};
}

# Export one row of expressions; what becomes of each is
# [expression, kind, value, format]; kind undef: no cell.
sub check_values
{
	my ($name, $options, $setup, @values) = @_;
	my $i = 0;
	my $file = export('(SELECT '
		  . join(', ', map { "$_->[0] AS c" . $i++ } @values) . ')',
		$options, $setup);
	my $cells = second_row($file);
	my $letters = 'A';

	foreach my $value (@values)
	{
		my ($expression, $kind, $text, $format) = @$value;
		is_deeply($cells->{ $letters++ },
			defined $kind ? [ $kind, $format // 'General', $text ] : undef,
			named("$name: $expression"));
	}
	is((read_by('same', $file))[0],
		@values + grep({ defined $_->[1] } @values),
		"$name: openpyxl agrees");
	return $file;
}

my $day = 'yyyy-mm-dd';
my $moment = 'yyyy-mm-dd hh:mm:ss';
my $clock = 'hh:mm:ss';

# Values, under settings that must not matter

my $settings = q{
	SET extra_float_digits = -15; SET DateStyle = 'SQL, DMY';
	SET IntervalStyle = 'iso_8601'; SET bytea_output = 'escape';
	SET TimeZone = 'America/New_York'};

check_values(
	'numbers', '', $settings,
	[ q{(-32768)::int2}, 'n', '-32768' ],
	[ q{2147483647}, 'n', '2147483647' ],
	[ q{9007199254740992::int8}, 'n', '9007199254740992', '0' ],
	[ q{(-9007199254740992)::int8}, 'n', '-9007199254740992', '0' ],
	[ q{9007199254740993::int8}, 's', '9007199254740993' ],
	[ q{(-9007199254740993)::int8}, 's', '-9007199254740993' ],
	[ q{(-9223372036854775808)::int8}, 's', '-9223372036854775808' ],
	[ q{4294967295::oid}, 'n', '4294967295' ],
	[ q{123456789012345::numeric}, 'n', '123456789012345' ],
	[ q{1234567890123456::numeric}, 's', '1234567890123456' ],
	[ q{-0.00012345678901234::numeric}, 'n', '-0.00012345678901234' ],
	[ q{1.234567890123456::numeric}, 's', '1.234567890123456' ],
	[ q{100000000000000000000::numeric}, 'n', '100000000000000000000' ],
	[ q{1.5::numeric(12, 2)}, 'n', '1.50', '0.00' ],
	[ q{7::numeric(5)}, 'n', '7', '0' ],
	[ q{7::numeric(15, 4)}, 'n', '7.0000', '0.0000' ],
	[ q{0.5::numeric(40, 31)}, 'n', '0.5' . '0' x 30 ],
	[ q{12345::numeric(3, -2)}, 'n', '12300', '0' ],
	[ q{'5e-400'::numeric(3, 402)}, 's', '0.' . '0' x 399 . '500' ],
	[ q{'5e402'::numeric(3, -402)}, 's', '5' . '0' x 402 ],
	[ q{'NaN'::numeric(4, 1)}, 's', 'NaN' ],
	[ q{'12345678901234567.891'::numeric(20, 3)}, 's', '12345678901234567.891' ],
	[ q{'99999999999999999999999999999999999999'::numeric}, 's', '9' x 38 ],
	[ q{'-Infinity'::numeric}, 's', '-Infinity' ],
	[ q{'1e400'::numeric}, 's', '1' . '0' x 400 ],
	[ q{0.1::float4}, 'n', '0.1' ],
	[ q{0.1::float8 + 0.2}, 'n', '0.30000000000000004' ],
	[ q{'-0'::float8}, 'n', '-0' ],
	[ q{1e300::float8}, 'n', '1e+300' ],
	[ q{'NaN'::float8}, 's', 'NaN' ],
	[ q{'-Infinity'::float4}, 's', '-Infinity' ],
	[ q{4.9e-324::float8}, 's', '5e-324' ],
	[ q{true}, 'b', '1' ],
	[ q{false}, 'b', '0' ],
	[ q{NULL::integer} ]);

check_values(
	'times', '', $settings,
	[ q{date '1900-02-28'}, 's', '1900-02-28' ],
	[ q{date '1900-03-01'}, 'n', '61', $day ],
	[ q{date '9999-12-31'}, 'n', '2958465', $day ],
	[ q{date '10000-01-01'}, 's', '10000-01-01' ],
	[ q{date 'infinity'}, 's', 'infinity' ],
	[ q{date '0044-03-15 BC'}, 's', '0044-03-15 BC' ],
	[ q{timestamp '2024-02-29 00:00'}, 'n', '45351', $moment ],
	[ q{timestamp '2024-02-29 12:00'}, 'n', '45351.5', $moment ],
	[ q{timestamp '2024-02-29 23:59:59.999999'}, 'n', '45351.999999999988', $moment ],
	[ q{timestamp '2024-02-29 00:00:00.000001'}, 'n', '45351.000000000012', $moment ],
	[ q{timestamp '1900-02-28 23:59:59.999999'}, 's', '1900-02-28T23:59:59.999999' ],
	[ q{timestamp '-infinity'}, 's', '-infinity' ],
	[ q{timestamptz '2024-07-01 12:00Z'}, 'n', '45474.5', $moment ],
	[ q{timestamptz '1900-02-28 23:00:00Z'}, 's', '1900-02-28T23:00:00+00:00' ],
	[ q{timestamptz '0001-01-01 00:00:00Z BC'}, 's', '0001-01-01T00:00:00+00:00 BC' ],
	[ q{timestamptz 'infinity'}, 's', 'infinity' ],
	[ q{time '06:00'}, 'n', '0.25', $clock ],
	[ q{time '00:00'}, 'n', '0', $clock ],
	[ q{time '24:00'}, 's', '24:00:00' ],
	[ q{timetz '06:00+02'}, 's', '06:00:00+02' ],
	[ q{interval '1 year 2 days'}, 's', '1 year 2 days' ],
	[ q{tstzrange('2024-07-01 12:00Z', NULL)}, 's', '["2024-07-01 12:00:00+00",)' ],
	[ q{ARRAY[date '2024-02-01']}, 's', '{2024-02-01}' ],
	[ q{ROW(0.1::float8, '\x00'::bytea)}, 's', '(0.1,"\\\\x00")' ]);

check_values(
	'zone', "TIME_ZONE 'Europe/Berlin'", $settings,
	[ q{timestamptz '2024-03-31 00:59:59Z'}, 'n', '45382.083321759259', $moment ],
	[ q{timestamptz '2024-03-31 01:00:00Z'}, 'n', '45382.125', $moment ],
	[ q{timestamptz '2024-10-27 00:30:00Z'}, 'n', '45592.104166666667', $moment ],
	[ q{timestamptz '2024-10-27 01:30:00Z'}, 'n', '45592.104166666667', $moment ],
	[ q{timestamptz '1900-02-28 22:59:59.5Z'}, 's', '1900-02-28T23:59:59.5+01:00' ],
	[ q{timestamptz '1900-02-28 23:00:00Z'}, 'n', '61', $moment ],
	[ q{timestamptz '1800-01-01 00:00:00Z'}, 's', '1800-01-01T00:53:28+00:53:28' ]);

$node->safe_psql('postgres', q{
	CREATE TYPE mood AS ENUM ('sad', 'so & so', ' happy ');
	CREATE DOMAIN price AS numeric(10, 3);
	CREATE DOMAIN feeling AS mood;
	CREATE TYPE pair AS (a integer, b text)});
check_values(
	'texts', '', $settings,
	[ q{''::text}, 's', '' ],
	[ q{NULL::text} ],
	[ q{'a<b>&"c'''}, 's', q{a<b>&"c'} ],
	[ q{' both '::text}, 's', ' both ' ],
	[ q{E'a\r\nb\tc\rd\n'}, 's', "a\r\nb\tc\rd\n" ],
	[ q{'_x0041_ _x00_ _x005f__xabcd_ _xabcg_'}, 's', '_x0041_ _x00_ _x005f__xabcd_ _xabcg_' ],
	[ q{']]> <!-- <![CDATA['}, 's', ']]> <!-- <![CDATA[' ],
	[ q{'=1+1'}, 's', '=1+1' ],
	[ q{'äöü € 漢字 😀 ﷐'}, 's', 'äöü € 漢字 😀 ﷐' ],
	[ q{'x'::char(4)}, 's', 'x   ' ],
	[ q{'y'::varchar(4)}, 's', 'y' ],
	[ q{'z'::name}, 's', 'z' ],
	[ q{'007'::text}, 's', '007' ],
	[ q{'c4ca4238-a0b9-2382-0dcc-509a6f75849b'::uuid}, 's', 'c4ca4238-a0b9-2382-0dcc-509a6f75849b' ],
	[ q{'\x00ff'::bytea}, 's', '\x00ff' ],
	[ q{'{"a": "q\"\n"}'::jsonb}, 's', '{"a": "q\"\n"}' ],
	[ q{E'{"a":\n1}'::json}, 's', qq({"a":\n1}) ],
	[ q{'so & so'::mood}, 's', 'so & so' ],
	[ q{' happy '::feeling}, 's', ' happy ' ],
	[ q{1.5::price}, 'n', '1.500', '0.000' ],
	[ q{ARRAY[1, NULL, 2]}, 's', '{1,NULL,2}' ],
	[ q{ARRAY['a b', '"']}, 's', '{"a b","\\""}' ],
	[ q{(1, 'x y')::pair}, 's', '(1,"x y")' ],
	[ q{int4range(1, 5)}, 's', '[1,5)' ],
	[ q{inet '10.0.0.1/8'}, 's', '10.0.0.1/8' ],
	[ q{point '(1,2)'}, 's', '(1,2)' ],
	[ q{repeat('a', 32767)}, 's', 'a' x 32767 ],
	[ q{repeat('😀', 16383) || 'a'}, 's', '😀' x 16383 . 'a' ],
	[ q{repeat('€', 32767)}, 's', '€' x 32767 ],
	[ q{repeat('<', 32767)}, 's', '<' x 32767 ]);

check_values(
	'replaced', "ON_UNREPRESENTABLE 'replace'", '',
	[ q{E'a\x01b\x1f'}, 's', "a\x{FFFD}b\x{FFFD}" ],
	[ q{U&'\FFFE\FFFF\FFFD'}, 's', "\x{FFFD}\x{FFFD}\x{FFFD}" ],
	[ q{repeat('a', 32768)}, 's', 'a' x 32767 ],
	[ q{repeat('😀', 16384)}, 's', '😀' x 16383 ],
	[ q{repeat('a', 100000000)}, 's', 'a' x 32767 ],
	[ q{decode(repeat('ff', 20000), 'hex')}, 's', '\x' . 'f' x 32765 ]);

# An enum's label is kept once it is known, in every row

my $file = export(
	q{(SELECT CASE WHEN i % 2 = 0 THEN 'so & so'::mood ELSE ' happy ' END FROM generate_series(1, 4) i)});
is_deeply([ map { $_->[4] } read_by('cells', $file) ],
	[ 'case', ' happy ', 'so & so', ' happy ', 'so & so' ], 'labels');

# Rows, as SQL computes what they have to become

$node->safe_psql('postgres', q{
	CREATE TABLE record AS
	SELECT i AS id,
		CASE WHEN i % 7 > 0 THEN 'row ' || i || repeat(' é<', i % 30) END AS title,
		(i * 7919 % 100000 / 100.0)::numeric(12, 2) AS amount,
		CASE WHEN i % 5 > 0 THEN date '2000-01-01' + i * 37 % 20000 END AS sold_on,
		timestamptz '1990-01-01 00:00:00Z' + i * interval '51234567.891 milliseconds' AS sold_at,
		i % 3 = 0 AS paid
	FROM generate_series(1, 3000) i});
$file = export('record');
my @got = read_by('cells', $file);
my @expected = split /\n/, $node->safe_psql('postgres', q{
	SELECT cell::text FROM record, LATERAL (VALUES
		(1, jsonb_build_array('Sheet1', 'A' || id + 1, 'n', 'General', id::text)),
		(2, CASE WHEN title IS NOT NULL THEN
			jsonb_build_array('Sheet1', 'B' || id + 1, 's', 'General', title) END),
		(3, jsonb_build_array('Sheet1', 'C' || id + 1, 'n', '0.00', amount::text)),
		(4, CASE WHEN sold_on IS NOT NULL THEN
			jsonb_build_array('Sheet1', 'D' || id + 1, 'n', 'yyyy-mm-dd',
				(sold_on - date '1899-12-30')::text) END),
		(5, jsonb_build_array('Sheet1', 'E' || id + 1, 'n', 'yyyy-mm-dd hh:mm:ss',
			trim_scale(round(extract(epoch FROM sold_at) / 86400 + 25569, 12))::text)),
		(6, jsonb_build_array('Sheet1', 'F' || id + 1, 'b', 'General', paid::integer::text)))
		AS cells (place, cell)
	WHERE cell IS NOT NULL ORDER BY id, place});
is_deeply([ @got[ 6 .. $#got ] ], [ map { $json->decode($_) } @expected ],
	'every cell of 3000 rows');
is((read_by('same', $file))[0], scalar(@got), 'openpyxl agrees');
is(slurp_file(export('record')), slurp_file($file),
	'the same rows make the same bytes');

# What stands around the rows

my ($sheet) = read_by('sheets', $file);
is("@$sheet{qw(name rows last frozen filter tables)}",
	'Sheet1 3001 3001 A2 A1:F3001 0', 'header, frozen, filtered');
($sheet) = read_by('sheets', export('record', 'HEADER false'));
is($sheet->{rows}, 3000, 'HEADER false');
is($sheet->{frozen} // $sheet->{filter}, undef, 'nothing frozen or filtered');
$file = export('record', 'TABLE');
($sheet) = read_by('sheets', $file);
is("$sheet->{tables} $sheet->{frozen}", '1 A2', 'TABLE');
is($sheet->{filter}, undef, 'with a filter of its own');
my ($tables) = run_command(
	[ $python, '-c', q{
import openpyxl, sys
for sheet in openpyxl.load_workbook(sys.argv[1]):
    for table in sheet.tables.values():
        print(table.ref, [c.name for c in table.tableColumns])
}, $file ]);
is($tables,
	"A1:F3001 ['id', 'title', 'amount', 'sold_on', 'sold_at', 'paid']",
	'a table over all rows');

foreach my $case (
	[ '(SELECT 1 AS a LIMIT 0)', '', 'Sheet1 1 1 A2 A1:A1' ],
	[ '(SELECT 1 AS a LIMIT 0)', 'TABLE', 'Sheet1 1 1 A2 none' ],
	[ '(SELECT 1 AS a LIMIT 0)', 'HEADER false', 'Sheet1 0 0 none none' ],
	[ '(SELECT FROM generate_series(1, 3))', '', 'Sheet1 4 4 A2 none' ],
	[ '(SELECT FROM generate_series(1, 3))', 'TABLE', 'Sheet1 4 4 A2 none' ],
	[ '(SELECT LIMIT 0)', '', 'Sheet1 1 1 A2 none' ])
{
	my ($copy, $options, $expected) = @$case;
	my $empty = export($copy, $options);
	my ($sheet) = read_by('sheets', $empty);
	is(join(' ', map { $_ // 'none' }
			  @$sheet{qw(name rows last frozen filter)}),
		$expected, "$copy $options");
	read_by('same', $empty);
}

my $long = 'x' x 63;
$file = export(qq{(SELECT 1 AS a, 2 AS a, 3 AS "$long", 4 AS "A & <B>", 5 AS " ")},
	q{HEADINGS '{" ": "=Überschrift\n2"}'});
is_deeply([ map { $_->[4] } grep { $_->[1] =~ /^[A-Z]1$/ } read_by('cells', $file) ],
	[ 'a', 'a', $long, 'A & <B>', "=Überschrift\n2" ],
	'headings, two of them the same');

my $many = join ', ', map { "$_ AS c$_" } 1 .. 1600;
($sheet) = read_by('sheets', export("(SELECT $many)"));
is("$sheet->{cells} $sheet->{filter}", '3200 A1:BIN2', '1600 columns');

# Names of sheets

foreach my $case (
	[ 'Sales', 'Sales' ],
	[ q{a[b]c:d*e?f/g\\h}, 'a_b_c_d_e_f_g_h' ],
	[ q{'quoted'}, 'quoted' ],
	[ q{it's}, q{it's} ],
	[ q{}, 'Sheet1' ],
	[ q{'''}, 'Sheet1' ],
	[ q{   }, 'Sheet1' ],
	[ 'history', 'history_' ],
	[ '2024', '2024' ],
	[ 'A1', 'A1' ],
	[ 'x' x 40, 'x' x 31 ],
	[ '😀' x 20, '😀' x 15 ],
	[ "tab\tand\nline", 'tab_and_line' ],
	[ '<&>"', '<&>"' ],
	[ 'a_x0041_b', 'a-x0041_b' ])
{
	my ($given, $expected) = @$case;
	$given =~ s/'/''/g;
	$file = export('(SELECT 1 AS a)', "SHEET '$given'");
	my ($sheet) = read_by('sheets', $file);
	is($sheet->{name}, $expected, named("SHEET '$given'"));
	is((read_by('same', $file))[0], 2, 'openpyxl finds it');
}

# Sheets are split at 1,048,576 rows

foreach my $case (
	[ 1048575, '', 'Sheet1:1048576' ],
	[ 1048576, '', 'Sheet1:1048576 Sheet1 (2):2' ],
	[ 1048577, 'HEADER false', 'Sheet1:1048576 Sheet1 (2):1' ],
	[ 1048576, 'TABLE, SHEET ' . "'" . 'n' x 27 . " (2)'",
		'n' x 27 . ' (2):1048576 ' . 'n' x 26 . '_ (2):2' ],
	[ 1048576, 'TABLE, SHEET ' . "'" . 'n' x 26 . "é (2)'",
		'n' x 26 . 'é (2):1048576 ' . 'n' x 26 . '_ (2):2' ])
{
	my ($rows, $options, $expected) = @$case;
	my @sheets = read_by('sheets',
		export("(SELECT 1 AS a FROM generate_series(1, $rows))", $options));
	is(join(' ', map { "$_->{name}:$_->{last}" } @sheets), $expected,
		"$rows rows $options");
	is(scalar(grep { $_->{rows} != $_->{last} || $_->{cells} != $_->{last} }
			  @sheets), 0, 'each has its cells');
}

# or before 4 GiB of XML, and the file ends before 4 GiB, which takes rows
# that do not become smaller: 32,767 characters is as far as deflate looks

$file = export(
	"(SELECT repeat('x', 32767) AS a FROM generate_series(1, 132000))");
my ($entries) = run_command([ $python, '-c', q{
import sys, zipfile
for info in zipfile.ZipFile(sys.argv[1]).infolist():
    if info.filename.startswith('xl/worksheets/'):
        print(info.file_size)
}, $file ]);
my @bytes = split /\n/, $entries;
cmp_ok($bytes[0], '<', 2**32, 'a sheet ends below 4 GiB');
cmp_ok($bytes[0], '>', 3_800_000_000, 'and not much below');
cmp_ok($bytes[0] + $bytes[1], '>', 132000 * 32767, 'the next one has the rest');
unlink $file;
my ($ret, $out, $err) = $node->psql('postgres', qq{
	COPY (SELECT a FROM (
			SELECT left(string_agg(replace(encode(sha512(i::text::bytea), 'base64'), E'\\n', ''), ''), 32767) AS a
			FROM generate_series(1, 380) i) AS text, generate_series(1, 200000))
	TO '/dev/null' (FORMAT xlsx)});
like($err, qr/workbook is too large\nDETAIL:  A file of format "xlsx" holds less than 4 GiB/,
	'a workbook of 4 GiB is refused');

# Encodings

$node->safe_psql('postgres',
	"CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
	CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");
$file = export(q{(SELECT chr(228) || '<' AS a, 'b' AS b)},
	qq{SHEET 'sh\xE4', HEADINGS '{"b": "h\xE4"}'},
	'SET client_encoding = utf8', 'latin');
is_deeply([ map { "$_->[0]:$_->[4]" } read_by('cells', $file) ],
	[ 'shä:a', 'shä:hä', 'shä:ä<', 'shä:b' ], 'LATIN1');
$file = export(q{(SELECT E'\xc3\xa4' AS a)}, '', '', 'ascii');
is((read_by('cells', $file))[1][4], 'ä', 'SQL_ASCII that is UTF-8');
($ret, $out, $err) = $node->psql('ascii',
	qq{COPY (SELECT 'ok' AS a UNION ALL SELECT E'\\xe4') TO '$dir/bad.xlsx' (FORMAT xlsx)});
like($err, qr/text of column "a" is not valid in encoding "UTF8"\nDETAIL:  It is in row 2/,
	'and that is not');

# Errors in the middle

($ret, $out, $err) = $node->psql('postgres',
	qq{COPY (SELECT CASE WHEN i = 30000 THEN E'\\x02' END AS a FROM generate_series(1, 40000) i) TO '$dir/bad.xlsx' (FORMAT xlsx)});
like($err, qr/value cannot be written in format "xlsx"\nDETAIL:  Column "a", row 30000: the text holds the character U\+0002/,
	'a value that cannot be written');
ok(!-e "$dir/bad.xlsx", 'leaves no file');

# The client gets the same bytes

command_ok(
	[
		'psql', '-X', '-d', $node->connstr('postgres'), '-c',
		"\\copy record TO '$dir/client.xlsx' (FORMAT xlsx)"
	],
	'\copy');
is(slurp_file("$dir/client.xlsx"), slurp_file(export('record')),
	'\copy writes what COPY writes');

# Memory

my $memory = q{SELECT substring(pg_read_file('/proc/self/status')
	FROM 'RssAnon:\s+(\d+)')};
my ($small, $large) = split /\n/, $node->safe_psql('postgres', qq{
	COPY (SELECT r.* FROM record r, generate_series(1, 4)) TO '/dev/null' (FORMAT xlsx);
	$memory;
	COPY (SELECT r.* FROM generate_series(1, 500), record r) TO '/dev/null' (FORMAT xlsx);
	$memory});
cmp_ok($large - $small, '<', 8192,
	"1.5 million rows take no more memory than 12,000 ($small, $large kB)");

# LibreOffice shows what the server writes as text

SKIP:
{
	my $office = (grep { -x } map { "$_/soffice" } split /:/, $ENV{PATH})[0];
	skip 'LibreOffice is not installed', 3 unless defined $office;
	$file = export('(SELECT * FROM record ORDER BY id)', q{TIME_ZONE 'UTC'});
	my ($log, $error) = run_command(
		[
			$office, '--headless', "-env:UserInstallation=file://$dir/office",
			'--convert-to', 'csv:Text - txt - csv (StarCalc):44,34,76',
			'--outdir', "$dir/csv", $file
		]);
	my $csv = "$dir/csv/" . ($file =~ s{.*/(\d+)\.xlsx$}{$1.csv}r);
	ok(-e $csv, 'LibreOffice opens the file') or diag("$log $error");
	# fractions of a second are there, but not shown
	my @expected = split /\n/, $node->safe_psql('postgres', q{
		SET TimeZone = 'UTC';
		COPY (SELECT id, title, amount, sold_on,
				to_char(date_trunc('second', sold_at), 'YYYY-MM-DD HH24:MI:SS') AS sold_at,
				CASE WHEN paid THEN 'TRUE' ELSE 'FALSE' END AS paid
			FROM record ORDER BY id) TO STDOUT (FORMAT csv, HEADER)});
	my @shown = split /\n/, slurp_file($csv);
	is(scalar(@shown), scalar(@expected), 'and shows every row');
	my ($different) = grep { $shown[$_] ne $expected[$_] } 0 .. $#expected;
	is($shown[ $different // 0 ], $expected[ $different // 0 ],
		'as the server does');
}

done_testing();
