# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_base
TESTS += %reldir%/check_base
%canon_reldir%_check_base_SOURCES = %reldir%/check_base.c \
	%reldir%/test_slice.c %reldir%/test_buf.c %reldir%/test_snapshot.c %reldir%/test_ids.c \
	%reldir%/test_log.c %reldir%/test_nearest.c %reldir%/test_once.c
%canon_reldir%_check_base_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_base_LDADD = core/base/libbase.la $(CUNIT_LIBS)
