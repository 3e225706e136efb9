# syncport: a PostgreSQL extension built with PGXS.
# OBJS, one per line, is the map of the C code.

EXTENSION  = syncport
MODULE_big = syncport
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" syncport.control)

OBJS = \
	src/syncport.o \
	src/guc.o \
	src/encode/json.o \
	src/encode/json_nested.o \
	src/encode/json_string.o \
	src/encode/value_number.o \
	src/encode/value_time.o \
	src/keyset/bound.o \
	src/keyset/count.o \
	src/keyset/cursor.o \
	src/keyset/cursor_at.o \
	src/keyset/filter.o \
	src/keyset/filter_value.o \
	src/keyset/index.o \
	src/keyset/order.o \
	src/keyset/page.o \
	src/keyset/page_json.o \
	src/keyset/plan.o \
	src/keyset/request.o \
	src/keyset/rung.o \
	src/support/base64.o \
	src/support/principal.o \
	src/support/quote.o \
	src/support/relation.o \
	src/support/value.o \
	src/table/enable.o \
	src/table/index.o \
	src/table/plan.o \
	src/table/registry.o \
	src/table/sortkey.o \
	src/table/target.o

INSTALL_SQL := $(sort $(wildcard sql/install/*.sql))
DATA_built   = syncport--$(EXTVERSION).sql
DATA         = $(wildcard sql/upgrade/*.sql)
EXTRA_CLEAN  = syncport--*.sql

# sql/*.sql are the regression tests; sql/install/ holds the extension itself.
REGRESS      = $(sort $(notdir $(basename $(wildcard sql/*.sql))))

PG_CPPFLAGS  = -I$(srcdir)/src
PG_CFLAGS    = -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers

PG_CONFIG   ?= pg_config
PGXS        := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS tracks no headers.
$(OBJS): $(wildcard src/*.h src/*/*.h)

syncport--$(EXTVERSION).sql: $(INSTALL_SQL)
	cat $^ > $@
