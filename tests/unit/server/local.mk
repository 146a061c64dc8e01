# SPDX-License-Identifier: MIT
# fake.c stands for the engine and the runtime; everything else is real.
check_PROGRAMS += %reldir%/check_server
TESTS += %reldir%/check_server
%canon_reldir%_check_server_SOURCES = %reldir%/check_server.c %reldir%/fake.c %reldir%/fake.h \
	%reldir%/test_acceptor.c %reldir%/test_budget.c %reldir%/test_conn.c %reldir%/test_http.c %reldir%/test_limits.c \
	%reldir%/test_listener.c %reldir%/test_logs_query.c %reldir%/test_memory.c %reldir%/test_ping.c \
	%reldir%/test_server.c
%canon_reldir%_check_server_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_server_LDADD = core/server/libserver.la core/account/libaccount.la core/store/libpostgres.la core/store/libdrain.la core/store/libstore.la pricing/libpricing.la core/registry/libregistry.la \
	core/plugin/libplugin.la core/config/libconfig.la core/observe/libobserve.la \
	core/chat/libchat.la core/loop/libloop.la \
	core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS) $(ELF_LIBS) $(SQLITE_LIBS) $(PQ_LIBS) \
	$(CUNIT_LIBS)
