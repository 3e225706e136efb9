# syncport: a PostgreSQL extension built with PGXS.
# OBJS, one per line, is the map of the C code.

EXTENSION  = syncport
MODULE_big = syncport
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" syncport.control)

OBJS = \
	src/syncport.o \
	src/guc.o \
	src/compress/deflate.o \
	src/compress/deflate_isal.o \
	src/compress/deflate_zlib.o \
	src/encode/enum_label.o \
	src/encode/json.o \
	src/encode/json_nested.o \
	src/encode/jsonb.o \
	src/encode/json_string.o \
	src/encode/text.o \
	src/encode/value_number.o \
	src/encode/value_time.o \
	src/export/accelerate.o \
	src/export/copy_hook.o \
	src/export/copy_option.o \
	src/export/copy_query.o \
	src/export/delimited.o \
	src/export/export_function.o \
	src/export/option_json.o \
	src/export/preset.o \
	src/export/receiver.o \
	src/export/selection.o \
	src/export/sink_bom.o \
	src/export/sink_chunk.o \
	src/export/sink_client.o \
	src/export/sink_compress.o \
	src/export/sink_encoding.o \
	src/export/sink_file.o \
	src/export/sink_filters.o \
	src/export/sink_gzip.o \
	src/export/sink_program.o \
	src/export/sink_zstd.o \
	src/export/stream.o \
	src/export/writer.o \
	src/export/writer_csv.o \
	src/export/writer_json.o \
	src/export/writer_raw.o \
	src/export/writer_text.o \
	src/export/writer_xlsx.o \
	src/feed/changes.o \
	src/feed/feed_position.o \
	src/feed/image_stream.o \
	src/feed/origin.o \
	src/feed/position.o \
	src/feed/pull.o \
	src/feed/pull_request.o \
	src/feed/reset.o \
	src/feed/restamp.o \
	src/feed/round.o \
	src/feed/scope.o \
	src/feed/snapshot.o \
	src/feed/version_index.o \
	src/job/maintain.o \
	src/job/schedule.o \
	src/keyset/bound.o \
	src/keyset/count.o \
	src/keyset/cursor.o \
	src/keyset/cursor_at.o \
	src/keyset/filter.o \
	src/keyset/image_cache.o \
	src/keyset/index.o \
	src/keyset/item.o \
	src/keyset/item_scan.o \
	src/keyset/merge.o \
	src/keyset/order.o \
	src/keyset/page.o \
	src/keyset/page_json.o \
	src/keyset/plan.o \
	src/keyset/request.o \
	src/keyset/rung.o \
	src/keyset/touch.o \
	src/push/answer.o \
	src/push/answer_error.o \
	src/push/apply.o \
	src/push/base.o \
	src/push/forget.o \
	src/push/input.o \
	src/push/ledger.o \
	src/push/mutation.o \
	src/push/name_map.o \
	src/push/push.o \
	src/push/push_call.o \
	src/push/push_table.o \
	src/push/row.o \
	src/push/row_write.o \
	src/push/run.o \
	src/push/temp_id.o \
	src/support/base64.o \
	src/support/json_value.o \
	src/support/principal.o \
	src/support/quote.o \
	src/support/relation.o \
	src/support/value.o \
	src/table/below_triggers.o \
	src/table/children.o \
	src/table/disable.o \
	src/table/enable.o \
	src/table/erase.o \
	src/table/erase_image.o \
	src/table/event_trigger.o \
	src/table/image.o \
	src/table/image_list.o \
	src/table/image_parse.o \
	src/table/image_query.o \
	src/table/image_read.o \
	src/table/image_source.o \
	src/table/image_text.o \
	src/table/index.o \
	src/table/keep.o \
	src/table/key.o \
	src/table/parents.o \
	src/table/plan.o \
	src/table/plan_trigger.o \
	src/table/policy.o \
	src/table/purge.o \
	src/table/put_back.o \
	src/table/reference.o \
	src/table/registry.o \
	src/table/release_unique.o \
	src/table/reset_access.o \
	src/table/reset_event.o \
	src/table/restore.o \
	src/table/restore_write.o \
	src/table/settle.o \
	src/table/sortkey.o \
	src/table/status.o \
	src/table/target.o \
	src/table/trigger.o \
	src/xlsx/cell.o \
	src/xlsx/name.o \
	src/xlsx/parts.o \
	src/xlsx/sheet.o \
	src/xlsx/text.o \
	src/xlsx/zip.o

INSTALL_SQL := $(sort $(wildcard sql/install/*.sql))
DATA_built   = syncport--$(EXTVERSION).sql
DATA         = $(wildcard sql/upgrade/*.sql)
EXTRA_CLEAN  = syncport--*.sql

# sql/*.sql are the regression tests; sql/install/ holds the extension itself.
REGRESS      = $(sort $(notdir $(basename $(wildcard sql/*.sql))))
REGRESS_OPTS = --load-extension=syncport

PG_CPPFLAGS  = -I$(srcdir)/src
PG_CFLAGS    = -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers
SHLIB_LINK   = -lz -lzstd -lxlsxwriter

# These build a copy of their own, with warnings as errors, and need nothing
# installed: PG=15, 17 or 18 and TESTS="kind[:name] ..." choose.
HARNESS = test lint demo bench check-asan check-fuzz
OURS    = $(HARNESS) test-clients indent typedefs

ifneq ($(filter-out $(OURS),$(or $(MAKECMDGOALS),all)),)
PG_CONFIG   ?= pg_config

# ISA-L makes deflate several times faster, and is not to be had everywhere:
# without it, or with ISAL=no after make clean, zlib does it all.
ISAL        ?= $(shell $$($(PG_CONFIG) --cc) -E -x c -include isa-l/igzip_lib.h \
	/dev/null >/dev/null 2>&1 && echo yes)
ifeq ($(ISAL),yes)
PG_CPPFLAGS += -DSP_HAVE_ISAL
SHLIB_LINK  += -lisal
endif

PGXS        := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS tracks no headers.
$(OBJS): $(wildcard src/*.h src/*/*.h)

syncport--$(EXTVERSION).sql: $(INSTALL_SQL)
	cat $^ > $@
endif

.PHONY: $(OURS)

$(HARNESS):
	@exec env PG='$(PG)' TESTS='$(TESTS)' ROWS='$(ROWS)' BENCH='$(BENCH)' test/harness/run $@

test-clients:
	@exec $(MAKE) --no-print-directory test TESTS=clients

# Both change the working tree.
indent:
	@perl test/lint/indent.pl --write $(wildcard src/*.[ch] src/*/*.[ch])

typedefs:
	@test/harness/run typedefs > typedefs.new && mv typedefs.new typedefs.list
