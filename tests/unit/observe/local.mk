# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_observe
TESTS += %reldir%/check_observe
%canon_reldir%_check_observe_SOURCES = %reldir%/check_observe.c %reldir%/test_durations.c \
	%reldir%/test_metrics.c
%canon_reldir%_check_observe_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_observe_LDADD = core/observe/libobserve.la core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS) $(CUNIT_LIBS)
