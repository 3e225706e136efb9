# The stamp trigger against contrib's moddatetime, and soft delete against an
# UPDATE that sets deleted_at on an equal table without triggers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Bench;

my $touched = 200_000;
my $columns = 'id uuid PRIMARY KEY, tenant_id int, item_name text,
	sale_date date, sale_price numeric(12,2), n int GENERATED ALWAYS AS IDENTITY,
	updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz,
	row_version bigint NOT NULL DEFAULT 0';
my %made = (
	stamped => q{SELECT syncport.enable('stamped', sort_keys => '{sale_date}');},
	moddatetime => q{CREATE TRIGGER stamp BEFORE UPDATE ON moddatetime
		FOR EACH ROW EXECUTE FUNCTION moddatetime(updated_at);},
	plain => '',
	bare => '');

sub make_table
{
	my ($name) = @_;
	sql(qq{DROP TABLE IF EXISTS $name;
		CREATE TABLE $name ($columns);
		INSERT INTO $name (id, tenant_id, item_name, sale_date, sale_price)
		SELECT id, tenant_id, item_name, sale_date, sale_price
		FROM records LIMIT 400000;
		$made{$name}});
	copy_indexes($name) unless $name eq 'stamped' || $name eq 'bare';
	sql("VACUUM (ANALYZE) $name");
	sql('CHECKPOINT');
}

# The same indexes as the enabled table has.
sub copy_indexes
{
	my ($name) = @_;
	sql($_) for split /\n/, sql(qq{
		SELECT regexp_replace(pg_get_indexdef(indexrelid),
			'INDEX .* ON .*stamped USING', 'INDEX ON $name USING')
		FROM pg_index WHERE indrelid = 'stamped'::regclass AND NOT indisprimary});
}

sub timed_on_new
{
	my ($name, $statement) = @_;
	return sub {
		make_table($name);
		return timed($statement =~ s/TABLE/$name/r);
	};
}

sql('CREATE EXTENSION IF NOT EXISTS moddatetime');
make_table('stamped');

my $update = "UPDATE TABLE SET sale_price = sale_price + 1 WHERE n <= $touched;";
title("UPDATE of $touched rows");
compare('stamp trigger / moddatetime, the same indexes', 's', 3,
	timed_on_new('stamped', $update), timed_on_new('moddatetime', $update), '1.05');
compare('stamp trigger / a table without our indexes', 's', 3,
	timed_on_new('stamped', $update), timed_on_new('bare', $update), 'report');

title("soft delete of $touched rows");
compare('DELETE / UPDATE SET deleted_at, no triggers', 's', 3,
	timed_on_new('stamped', "DELETE FROM TABLE WHERE n <= $touched;"),
	timed_on_new('plain', "UPDATE TABLE SET deleted_at = now(), updated_at = now(), row_version = row_version + 1 WHERE n <= $touched;"),
	'1.5');
sql("DROP TABLE $_") for keys %made;
