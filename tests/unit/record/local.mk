# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_record
TESTS += %reldir%/check_record
%canon_reldir%_check_record_SOURCES = %reldir%/check_record.c %reldir%/test_content.c %reldir%/test_line.c
%canon_reldir%_check_record_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_record_LDADD = core/record/librecord.la core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(CUNIT_LIBS)
