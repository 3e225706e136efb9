# The JSON Schemas of doc/schema say what pull takes and answers: the server
# and the schema accept and refuse the same requests, every kind of answer is
# valid, and answers that are wrong in one place are not.
use strict;
use warnings;

use FindBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($schemas) = grep { -d $_ }
  map { "$_/doc/schema" } "$FindBin::Bin/../..", '.', $ENV{SYNCPORT_SOURCE} // '.';
my $json = JSON::PP->new->canonical->allow_nonref;
my $directory = PostgreSQL::Test::Utils::tempdir();

# What the schema says of each text, in order.
sub validate
{
	my ($schema, @texts) = @_;
	my $file = "$directory/texts.json";
	unlink $file;
	append_to_file($file, join '', map { tr/\n/ /r . "\n" } @texts);
	my ($out, $err) = run_command([
		'python3', "$FindBin::Bin/lib/validate_json.py",
		"$schemas/feed-pull-$schema.schema.json", $file ]);
	is($err, '', "the schema of the $schema works") if $err ne '';
	return split /\n/, $out;
}

my $node = PostgreSQL::Test::Cluster->new('schema');
$node->init(extra => [qw(--encoding=UTF8 --locale=C)]);
$node->append_conf('postgresql.conf', "session_preload_libraries = 'syncport'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION syncport;
	CREATE TABLE records (id bigint PRIMARY KEY, name text, amount numeric, at timestamptz,
		data jsonb, CHECK (id > 0));
	CREATE TABLE "Odd ""Name""" (a int, "b c" text, PRIMARY KEY (a, "b c"));
	CREATE TABLE empty (id int PRIMARY KEY);
	SELECT syncport.enable('records', retention => '0 s');
	SELECT syncport.enable('"Odd ""Name"""', tombstones => 'image');
	SELECT syncport.enable('empty');
	INSERT INTO records
		SELECT i, 'name "' || i, i / 7.0, now(), jsonb_build_object('a', ARRAY[i])
		FROM generate_series(1, 20) i;
	INSERT INTO records VALUES (9007199254740993, NULL, 'NaN', 'infinity', 'null');
	INSERT INTO "Odd ""Name""" VALUES (1, 'x'), (2, E'\u00e9\n');
});

# The server's answer to a request, as text; '' and the error where it fails.
sub pull
{
	my ($request) = @_;
	my ($code, $out, $err) =
	  $node->psql('postgres', qq{SELECT syncport.pull(\$request\$$request\$request\$)});
	return wantarray ? ($out, $err) : $out;
}

my %request = (
	'an initial load' => '{"tables":{"records":{}}}',
	'the same said at length' => '{"tables":{"records":{"cursor":null,"columns":null,'
	  . '"filter":null,"include_deleted":null}},"page_size":null,"max_bytes":null,'
	  . '"at_least_seq":null,"int8_as_text":null,"numeric_as_text":null,"time_zone":null}',
	'several tables' => q({"tables":{"records":{},"\"Odd \"\"Name\"\"\"":{"include_deleted":true},)
	  . q("public.empty":{}}}),
	'an empty table' => '{"tables":{"empty":{}}}',
	'columns and a filter' =>
	  '{"tables":{"records":{"columns":["name"],"filter":{"id":{"lt":5}}}}}',
	'the key alone' => '{"tables":{"records":{"columns":["id"]}}}',
	'pages' => '{"tables":{"records":{},"empty":{}},"page_size":7}',
	'limits of bytes' => '{"tables":{"records":{},"empty":{}},"max_bytes":1}',
	'strings for numbers' =>
	  '{"tables":{"records":{}},"int8_as_text":true,"numeric_as_text":true}',
	'a time zone' => '{"tables":{"records":{}},"time_zone":"Asia/Kolkata"}',
	'a seq that is there' => '{"tables":{"records":{}},"at_least_seq":1}',
	'a seq that is not' => '{"tables":{"records":{},"empty":{}},"at_least_seq":9007199254740991}',
	'limits at their ends' =>
	  '{"tables":{"records":{}},"page_size":10000,"max_bytes":500000000}');
my @names = sort keys %request;
my %answer = map { $_ => scalar pull($request{$_}) } @names;
my @verdicts = validate('request', @request{@names});
is(shift @verdicts, 'valid', "the request is valid: $_") foreach @names;
@verdicts = validate('answer', @answer{@names});
is(shift @verdicts, 'valid', "the answer is valid: $_") foreach @names;

# What the answers are about, so that their being valid says something.
is(scalar @{ $json->decode($answer{'an initial load'})->{tables}{records}{upserts} }, 21,
	'an initial load has rows');
like($answer{'strings for numbers'}, qr/"id":"9007199254740993"/, 'an integer is a string');
is($json->decode($answer{'a seq that is not'})->{behind}, JSON::PP::true, 'behind');
is($json->decode($answer{'pages'})->{tables}{records}{complete}, JSON::PP::false, 'a page');
like($answer{'several tables'}, qr/"\\"Odd \\"\\"Name\\"\\"\\"":\{/, 'a name comes back as sent');

# Catching up, deletes and every reset that a server alone can show.
my $loaded = $json->decode($answer{'an initial load'})->{tables}{records}{cursor};
sub since
{
	my ($cursor, $rest) = @_;
	return qq({"tables":{"records":{"cursor":"$cursor"@{[$rest // '']}}}});
}
my @later;

# Note the answer to a request, and check what it has to be.
sub look
{
	my ($name, $request, $pattern) = @_;
	my ($out, $err) = pull($request);
	is($err, '', "$name is answered");
	like($out, $pattern, $name);
	push @later, [ $name, $request, $out ];
	return;
}

look('nothing new', since($loaded), qr/"upserts":\[\],"deletes":\[\].*"complete":true/);
$node->safe_psql('postgres',
	q{UPDATE records SET name = 'new' WHERE id = 1; DELETE FROM records WHERE id IN (2, 3)});
look('catching up', since($loaded), qr/"name":"new".*"deletes":\[\{"id":2\},\{"id":3\}\]/);
look('another filter', since($loaded, ',"filter":{"id":1}'), qr/"reset":"filter"/);
$node->safe_psql('postgres', 'CALL syncport.purge()');
look('purged', since($loaded), qr/"reset":"purged"/);

# A cursor of now.
sub position
{
	return $node->safe_psql('postgres', q{SELECT syncport.feed_position('records')});
}
my $position = position();
$node->safe_psql('postgres', q{SELECT syncport.reset_access('records')});
look('other access', since($position), qr/"reset":"access"/);
$position = position();
$node->safe_psql('postgres', q{ALTER TABLE records ALTER name TYPE varchar(100)});
look('another definition', since($position), qr/"reset":"schema"/);
$position = position();
$node->safe_psql('postgres', 'TRUNCATE records');
look('truncated', since($position), qr/"reset":"truncated"/);
$node->safe_psql('postgres', q{SELECT syncport.disable('records')});
look('disabled beside another table', since($position, '},"empty":{'),
	qr/"reset":"disabled"/);

@verdicts = validate('request', map { $_->[1] } @later);
is(shift @verdicts, 'valid', "the request is valid: $_->[0]") foreach @later;
@verdicts = validate('answer', map { $_->[2] } @later);
is(shift @verdicts, 'valid', "the answer is valid: $_->[0]") foreach @later;

# Requests that neither takes.
$node->safe_psql('postgres', q{SELECT syncport.enable('records')});
my @wrong = (
	'null', '[]', '1', '{}', '{"tables":null}', '{"tables":{}}', '{"tables":["records"]}',
	'{"tables":{"":{}}}', '{"tables":{"records":null}}', '{"tables":{"records":[]}}',
	'{"tables":{"records":{"since":null}}}', '{"tables":{"records":{"cursor":1}}}',
	'{"tables":{"records":{"cursor":""}}}', '{"tables":{"records":{"cursor":"a+b/"}}}',
	'{"tables":{"records":{"columns":"name"}}}', '{"tables":{"records":{"columns":[1]}}}',
	'{"tables":{"records":{"columns":[]}}}', '{"tables":{"records":{"columns":[null]}}}', '{"tables":{"records":{"columns":[""]}}}',
	'{"tables":{"records":{"filter":[]}}}', '{"tables":{"records":{"filter":"name"}}}',
	'{"tables":{"records":{"include_deleted":"true"}}}',
	map { qq({"tables":{"records":{}},$_}) } '"other":1', '"page_size":0',
	'"page_size":10001', '"page_size":1.5', '"page_size":"1"', '"max_bytes":0',
	'"max_bytes":500000001', '"max_bytes":true', '"at_least_seq":0', '"at_least_seq":-1',
	'"at_least_seq":9007199254740992', '"at_least_seq":"1"', '"int8_as_text":1',
	'"numeric_as_text":"no"', '"time_zone":5', '"time_zone":""');
@verdicts = validate('request', @wrong);
foreach my $request (@wrong)
{
	like(shift @verdicts, qr/^invalid/, "the schema refuses $request");
	my ($out, $err) = pull($request);
	like($err, qr/ERROR:/, '... and so does the server');
}

# An answer, and every member of it spoilt.
my $page = q({"upserts":[{"id":1}],"deletes":[{"id":2}],"cursor":"Ab-_9","complete":true,)
  . q("schema_version":"0123456789abcdef"});
my $whole = sub {
	my ($tables, %rest) = @_;
	%rest = (seq => 5, behind => 'false', server_time => '"2026-01-01T00:00:00.5+00:00"', %rest);
	return "{\"tables\":$tables"
	  . join('', map { defined $rest{$_} ? ",\"$_\":$rest{$_}" : () } sort keys %rest) . '}';
};
is((validate('answer', $whole->("{\"t\":$page}")))[0], 'valid', 'an answer made by hand is valid');
my @spoilt = (
	$whole->('{}'), $whole->('[]'),
	(map { $whole->("{\"t\":$page}", %$_) } { seq => undef }, { seq => 0 }, { seq => 1.5 },
		{ seq => '"5"' }, { seq => '9007199254740992' }, { behind => undef }, { behind => 0 },
		{ behind => 'true' }, { server_time => undef }, { server_time => '"now"' },
		{ server_time => '"2026-01-01T00:00:00+01:00"' }, { other => 1 }),
	(map { $whole->("{\"t\":$_}") } '{"reset":"lost","hint":"x"}', '{"reset":"purged"}',
		'{"reset":"purged","hint":"x","cursor":"Ab"}', '{"reset":"purged","hint":""}',
		$page =~ s/\{"id":1\}/1/r, $page =~ s/\{"id":1\}/{}/r, $page =~ s/\{"id":2\}/[2]/r,
		$page =~ s/"Ab-_9"/null/r, $page =~ s/"Ab-_9"/"A="/r, $page =~ s/"Ab-_9"/""/r,
		$page =~ s/true/"yes"/r, $page =~ s/"complete":true,//r,
		$page =~ s/"0123456789abcdef"/1/r, $page =~ s/^\{/{"reset":"purged",/r),
	$whole->('{"t":{"upserts":[],"deletes":[],"cursor":null,"complete":true,'
		  . '"schema_version":"0123456789abcdef"}}', behind => 'true'));
@verdicts = validate('answer', @spoilt);
like(shift @verdicts, qr/^invalid/, "refused: $_") foreach @spoilt;

# The reasons are those of the README.
my ($readme) = grep { -f $_ }
  map { "$_/README.md" } "$FindBin::Bin/../..", '.', $ENV{SYNCPORT_SOURCE} // '.';
my ($table) = grep { /^\| `purged`/m } slurp_file($readme) =~ /^((?:\|.*\n)+)/mg;
my @documented = sort map { /^\| `(\w+)`/ ? $1 : () } split /\n/, $table // '';
my $schema = $json->decode(slurp_file("$schemas/feed-pull-answer.schema.json"));
is_deeply(\@documented, [ sort @{ $schema->{definitions}{reset}{properties}{reset}{enum} } ],
	'the README lists the same reasons');

$node->stop;
done_testing();
