# COPY (FORMAT ndjson) against core COPY of row_to_json, and its memory.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Bench;

my $rows = sql('SELECT count(*) FROM records');

title("COPY of $rows rows to /dev/null");
compare('row_to_json / FORMAT ndjson (times faster)', 's', 5,
	sub { timed(q{COPY (SELECT row_to_json(r) FROM records r) TO '/dev/null';}) },
	sub { timed(q{COPY records TO '/dev/null' (FORMAT ndjson);}) },
	'at least 5');

title('peak RssAnon of the backend and its parallel workers, kB');
my ($few, $all) = map { [ map { backend_rss_anon($_) } ($_) x 3 ] } (
	q{COPY (SELECT * FROM records LIMIT 10000) TO '/dev/null' (FORMAT ndjson);},
	q{COPY records TO '/dev/null' (FORMAT ndjson);});
report("$rows rows / 10000 rows", 'kB', $all, $few,
	'within 8192 kB of each other');
printf "%-52s %d kB\n", 'difference', median(@$all) - median(@$few);
