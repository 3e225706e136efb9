# Builds and prints typedefs.list.
use strict;
use warnings;

use Harness qw(set_up run);

set_up('-Werror');
run('perl', 'test/lint/typedefs.pl');
