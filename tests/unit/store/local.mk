# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_store
TESTS += %reldir%/check_store
%canon_reldir%_check_store_SOURCES = %reldir%/check_store.c %reldir%/scratch.c %reldir%/scratch.h \
	%reldir%/test_call.c %reldir%/test_drain.c %reldir%/test_index.c %reldir%/test_query.c \
	%reldir%/test_crash_mark.c %reldir%/test_journal.c %reldir%/test_journal_read.c \
	%reldir%/test_key_set.c %reldir%/test_journal_follow.c %reldir%/test_journal_list.c \
	%reldir%/test_line_check.c %reldir%/test_plugin_state.c %reldir%/test_removal_mark.c \
	%reldir%/test_postgres.c %reldir%/test_call_digest.c
%canon_reldir%_check_store_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) $(SQLITE_CFLAGS)
%canon_reldir%_check_store_LDADD = core/store/libpostgres.la core/store/libdrain.la \
	core/store/libstore.la pricing/libpricing.la core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(SQLITE_LIBS) $(CUNIT_LIBS)
%canon_reldir%_check_store_SOURCES += %reldir%/test_frames.c %reldir%/test_recovery.c \
	%reldir%/test_seal.c %reldir%/test_syncer.c %reldir%/test_upkeep.c
