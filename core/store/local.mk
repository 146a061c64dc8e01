# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libstore.la
%canon_reldir%_libstore_la_CPPFLAGS = $(AM_CPPFLAGS) $(ZSTD_CFLAGS)
%canon_reldir%_libstore_la_LIBADD = $(ZSTD_LIBS)
%canon_reldir%_libstore_la_SOURCES = %reldir%/committer.c %reldir%/committer.h %reldir%/call.c \
	%reldir%/call.h %reldir%/call_content.c %reldir%/call_content.h %reldir%/call_write.c \
	%reldir%/crash_list.c %reldir%/crash_mark.c %reldir%/crash_mark.h %reldir%/drain.h \
	%reldir%/journal.c %reldir%/journal.h %reldir%/journal_follow.c %reldir%/journal_follow.h \
	%reldir%/journal_list.c %reldir%/journal_list.h %reldir%/segment_text.c \
	%reldir%/segment_text.h %reldir%/journal_read.c %reldir%/journal_read.h \
	%reldir%/journal_segment.c %reldir%/journal_segment.h %reldir%/key_set.c \
	%reldir%/key_set.h %reldir%/line_check.c %reldir%/line_check.h %reldir%/plugin_state.c \
	%reldir%/plugin_state.h %reldir%/plugin_state_file.c %reldir%/plugin_state_parts.h \
	%reldir%/segment.c %reldir%/segment.h %reldir%/segment_writer.c %reldir%/segment_writer.h \
	%reldir%/syncer.c %reldir%/syncer.h %reldir%/tail.c %reldir%/tail.h
# What becomes of segments whose process is gone.
%canon_reldir%_libstore_la_SOURCES += %reldir%/open_calls.c %reldir%/open_calls.h \
	%reldir%/recovery.c %reldir%/recovery.h
%canon_reldir%_libstore_la_SOURCES += %reldir%/frames.c %reldir%/frames.h %reldir%/frames_table.h \
	%reldir%/frames_writer.c %reldir%/copied_mark.c %reldir%/copied_mark.h %reldir%/seal.c \
	%reldir%/seal.h %reldir%/retention.c %reldir%/retention.h %reldir%/upkeep.c \
	%reldir%/upkeep.h %reldir%/upkeep_pass.c %reldir%/upkeep_tools.h

# PostgreSQL: a library of its own, so that libharborai, which only writes journals, needs no libpq.
noinst_LTLIBRARIES += %reldir%/libpostgres.la
postgres_statements = %reldir%/sql/0001_calls.sql %reldir%/sql/amend.sql %reldir%/sql/drop.sql \
	%reldir%/sql/give_way.sql \
	%reldir%/sql/look.sql %reldir%/sql/put.sql %reldir%/sql/rows.sql %reldir%/sql/schema.sql \
	%reldir%/sql/status.sql %reldir%/sql/tokens_check.sql %reldir%/sql/tokens_set.sql \
	%reldir%/sql/tokens_sums.sql
%canon_reldir%_libpostgres_la_SOURCES = %reldir%/call_source.c %reldir%/call_source.h \
	%reldir%/postgres.c %reldir%/postgres.h %reldir%/postgres_address.c \
	%reldir%/postgres_query.c %reldir%/postgres_query.h %reldir%/postgres_row.c \
	%reldir%/postgres_row.h %reldir%/postgres_schema.c %reldir%/postgres_schema.h \
	%reldir%/postgres_sql.h %reldir%/postgres_status.c %reldir%/postgres_status.h \
	%reldir%/postgres_store.c %reldir%/postgres_store.h %reldir%/state_id.c \
	%reldir%/state_id.h
nodist_%canon_reldir%_libpostgres_la_SOURCES = %reldir%/postgres_sql.c
%canon_reldir%_libpostgres_la_CPPFLAGS = $(AM_CPPFLAGS) $(PQ_CFLAGS)
%reldir%/postgres_sql.c: $(postgres_statements) %reldir%/sql/embed
	$(AM_V_GEN)$(MKDIR_P) %reldir% && cd $(srcdir) &&  		sh %reldir%/sql/embed $(postgres_statements) >"$(abs_builddir)/$@.new" &&  		mv "$(abs_builddir)/$@.new" "$(abs_builddir)/$@"
EXTRA_DIST += $(postgres_statements) %reldir%/sql/embed doc/postgres.md
CLEANFILES += %reldir%/postgres_sql.c
# What a program needs that copies the journal elsewhere or asks for what is there; libharborai, which
# only writes, has none of it.
noinst_LTLIBRARIES += %reldir%/libdrain.la
%canon_reldir%_libdrain_la_SOURCES = %reldir%/drain.c %reldir%/drain.h %reldir%/drain_copy.c \
	%reldir%/drain_copy.h %reldir%/histogram.c %reldir%/histogram.h %reldir%/index.c \
	%reldir%/index.h %reldir%/index_ids.c %reldir%/index_pack.c %reldir%/index_parts.h \
	%reldir%/index_query.c %reldir%/query.c %reldir%/query.h %reldir%/query_read.c \
	%reldir%/query_read.h %reldir%/stats.c %reldir%/stats.h %reldir%/index_rollup.c \
	%reldir%/index_row.c %reldir%/index_schema.c %reldir%/index_write.c \
	%reldir%/journal_query.c %reldir%/journal_query.h %reldir%/journal_watch.c \
	%reldir%/journal_watch.h
%canon_reldir%_libdrain_la_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
# What reads segments forward, and what becomes of those whose process is gone.
# Who is taking a plugin's file away.
%canon_reldir%_libstore_la_SOURCES += %reldir%/removal_mark.c %reldir%/removal_mark.h
EXTRA_DIST += doc/index.md
# db verify.
%canon_reldir%_libdrain_la_SOURCES += %reldir%/call_digest.c %reldir%/call_digest.h \
	%reldir%/verify.c %reldir%/verify.h %reldir%/verify_index.c %reldir%/verify_index.h \
	%reldir%/verify_files.c %reldir%/verify_parts.h %reldir%/verify_reading.c
%canon_reldir%_libpostgres_la_SOURCES += %reldir%/tokens.c %reldir%/tokens.h \
	%reldir%/verify_postgres.c %reldir%/verify_postgres.h
