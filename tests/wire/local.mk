# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_wire
TESTS += %reldir%/check_wire
%canon_reldir%_check_wire_SOURCES = %reldir%/check_wire.c %reldir%/fold.c %reldir%/fold.h \
	%reldir%/peer.c %reldir%/peer.h %reldir%/play.c %reldir%/play.h
%canon_reldir%_check_wire_CPPFLAGS = $(AM_CPPFLAGS) $(JSONC_CFLAGS) \
	-DWIRE_DIRECTORY='"$(abs_top_srcdir)/tests/wire"' \
	-DPLUGINS='"[\"$(abs_top_builddir)/plugins/anthropic/.libs\", \"$(abs_top_builddir)/plugins/deepseek/.libs\", \"$(abs_top_builddir)/plugins/doubao/.libs\", \"$(abs_top_builddir)/plugins/openai/.libs\", \"$(abs_top_builddir)/plugins/wenxin/.libs\"]"'
%canon_reldir%_check_wire_LDADD = $(client_rooms) $(client_libs)
EXTRA_DIST += %reldir%/README.md
EXTRA_DIST += %reldir%/anthropic %reldir%/compatible %reldir%/deepseek %reldir%/doubao %reldir%/openai %reldir%/wenxin
