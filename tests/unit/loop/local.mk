# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_loop
TESTS += %reldir%/check_loop
%canon_reldir%_check_loop_SOURCES = %reldir%/check_loop.c
%canon_reldir%_check_loop_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_loop_LDADD = core/loop/libloop.la core/base/libbase.la $(CUNIT_LIBS)
