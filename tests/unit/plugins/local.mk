# SPDX-License-Identifier: MIT
# A plugin that translates, built into the test together with a host of one call.
check_PROGRAMS += %reldir%/check_plugins
TESTS += %reldir%/check_plugins
%canon_reldir%_check_plugins_SOURCES = %reldir%/check_plugins.c \
	%reldir%/test_anthropic_answer.c %reldir%/test_anthropic_request.c \
	%reldir%/tiny_host.c %reldir%/tiny_host.h \
	$(anthropic_sources) plugin-sdk/lib/price_table.c
nodist_%canon_reldir%_check_plugins_SOURCES = plugins/anthropic/prices.h
%canon_reldir%_check_plugins_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_plugins_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS) $(CUNIT_LIBS)
