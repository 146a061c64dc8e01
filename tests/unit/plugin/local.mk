# SPDX-License-Identifier: MIT
include tests/fault/local.mk
EXTRA_DIST += %reldir%/fixture.h
check_PROGRAMS += %reldir%/check_plugin
TESTS += %reldir%/check_plugin
%canon_reldir%_check_plugin_SOURCES = %reldir%/check_plugin.c %reldir%/fixture.c \
	%reldir%/test_manifest.c %reldir%/test_meter.c %reldir%/test_builtin.c %reldir%/test_discover.c \
	%reldir%/test_provider.c %reldir%/test_slot.c %reldir%/test_echo.c \
	%reldir%/test_header_lines.c %reldir%/test_lock.c %reldir%/test_schema_words.c
%canon_reldir%_check_plugin_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) \
	-DFAULT_DIRECTORY='"$(abs_top_builddir)/tests/fault/.libs"' \
	-DECHO_DIRECTORY='"$(abs_top_builddir)/examples/plugins/echo/.libs"'
%canon_reldir%_check_plugin_LDADD = core/plugin/libplugin.la core/loop/libloop.la \
	core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la $(CUNIT_LIBS)
