# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_engine
TESTS += %reldir%/check_engine
engine_test_libs = $(client_rooms) $(client_libs)
%canon_reldir%_check_engine_SOURCES = %reldir%/check_engine.c %reldir%/stage.c \
	%reldir%/stage.h %reldir%/test_answer.c %reldir%/test_bodies.c %reldir%/test_call.c \
	%reldir%/test_disk.c %reldir%/test_leave.c %reldir%/test_limit.c %reldir%/test_phase.c %reldir%/test_pressure.c \
	%reldir%/test_replay_call.c %reldir%/test_replay_store.c %reldir%/test_rogue.c \
	%reldir%/vendor.c %reldir%/vendor.h
%canon_reldir%_check_engine_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) \
	-DBUILD_DIRECTORY='"$(abs_top_builddir)"'
%canon_reldir%_check_engine_LDADD = $(engine_test_libs) $(CUNIT_LIBS)
