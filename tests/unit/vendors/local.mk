# SPDX-License-Identifier: MIT
# Plugins as they are built, without a host around them.
check_PROGRAMS += %reldir%/check_vendors
TESTS += %reldir%/check_vendors
%canon_reldir%_check_vendors_SOURCES = %reldir%/check_vendors.c %reldir%/bench.c %reldir%/bench.h \
	%reldir%/test_edits.c %reldir%/test_errors.c %reldir%/test_openai.c %reldir%/test_tokens.c
%canon_reldir%_check_vendors_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) \
	-DBUILD_DIRECTORY='"$(abs_top_builddir)"'
%canon_reldir%_check_vendors_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(CUNIT_LIBS)
