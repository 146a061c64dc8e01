# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_runtime
TESTS += %reldir%/check_runtime
%canon_reldir%_check_runtime_SOURCES = %reldir%/check_runtime.c %reldir%/churn.c \
	%reldir%/churn.h %reldir%/test_apply.c %reldir%/test_churn.c %reldir%/test_order.c \
	%reldir%/test_plugin_metrics.c %reldir%/test_replace.c %reldir%/test_runtime.c \
	%reldir%/test_watchlist.c tests/unit/engine/stage.c tests/unit/engine/vendor.c
%canon_reldir%_check_runtime_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) \
	-DBUILD_DIRECTORY='"$(abs_top_builddir)"'
%canon_reldir%_check_runtime_LDADD = $(engine_test_libs) $(CUNIT_LIBS)
