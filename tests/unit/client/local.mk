# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_client
TESTS += %reldir%/check_client
%canon_reldir%_check_client_SOURCES = \
	%reldir%/check_client.c %reldir%/support.c %reldir%/support.h %reldir%/test_body.c \
	%reldir%/test_client.c %reldir%/test_options.c tests/unit/engine/stage.c
%canon_reldir%_check_client_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) \
	-DBUILD_DIRECTORY='"$(abs_top_builddir)"'
%canon_reldir%_check_client_LDADD = core/client/libclient.la $(engine_test_libs) $(CUNIT_LIBS)
