# SPDX-License-Identifier: MIT
# Plugins that misbehave, one fault a file (rogue and misbehaves have many; the latter and throws are built
# by the system tests);
# -rpath makes libtool build a module that is not installed.
EXTRA_DIST += %reldir%/fault.h %reldir%/misbehaves.c %reldir%/throws.cc
fault_flags = $(module_link_flags) -rpath $(abs_top_builddir)/tests/fault
check_LTLIBRARIES += \
	%reldir%/good.la %reldir%/table_differs.la %reldir%/create_fails.la %reldir%/create_lies.la \
	%reldir%/no_chat.la %reldir%/short_table.la %reldir%/tiny_table.la %reldir%/slow_create.la \
	%reldir%/undefined.la %reldir%/no_note.la %reldir%/no_symbol.la %reldir%/null_table.la \
	%reldir%/foreign_abi.la %reldir%/broken_note.la %reldir%/two_notes.la \
	%reldir%/rogue.la %reldir%/odd_usage.la %reldir%/passes_through.la %reldir%/dawdles.la \
	%reldir%/textrel.la %reldir%/exec_stack.la %reldir%/run_path.la %reldir%/exports.la
%canon_reldir%_good_la_SOURCES = %reldir%/good.c
%canon_reldir%_good_la_LDFLAGS = $(fault_flags)
%canon_reldir%_table_differs_la_SOURCES = %reldir%/table_differs.c
%canon_reldir%_table_differs_la_LDFLAGS = $(fault_flags)
%canon_reldir%_create_fails_la_SOURCES = %reldir%/create_fails.c
%canon_reldir%_create_fails_la_LDFLAGS = $(fault_flags)
%canon_reldir%_create_lies_la_SOURCES = %reldir%/create_lies.c
%canon_reldir%_create_lies_la_LDFLAGS = $(fault_flags)
%canon_reldir%_no_chat_la_SOURCES = %reldir%/no_chat.c
%canon_reldir%_no_chat_la_LDFLAGS = $(fault_flags)
%canon_reldir%_short_table_la_SOURCES = %reldir%/short_table.c
%canon_reldir%_short_table_la_LDFLAGS = $(fault_flags)
%canon_reldir%_tiny_table_la_SOURCES = %reldir%/tiny_table.c
%canon_reldir%_tiny_table_la_LDFLAGS = $(fault_flags)
%canon_reldir%_slow_create_la_SOURCES = %reldir%/slow_create.c
%canon_reldir%_slow_create_la_LDFLAGS = $(fault_flags)
%canon_reldir%_undefined_la_SOURCES = %reldir%/undefined.c
%canon_reldir%_undefined_la_LDFLAGS = $(fault_flags)
%canon_reldir%_no_note_la_SOURCES = %reldir%/no_note.c
%canon_reldir%_no_note_la_LDFLAGS = $(fault_flags)
%canon_reldir%_no_symbol_la_SOURCES = %reldir%/no_symbol.c
%canon_reldir%_no_symbol_la_LDFLAGS = -module -avoid-version -shared $(AM_LDFLAGS) -rpath $(abs_top_builddir)/tests/fault
%canon_reldir%_null_table_la_SOURCES = %reldir%/null_table.c
%canon_reldir%_null_table_la_LDFLAGS = $(fault_flags)
%canon_reldir%_foreign_abi_la_SOURCES = %reldir%/foreign_abi.c
%canon_reldir%_foreign_abi_la_LDFLAGS = $(fault_flags)
%canon_reldir%_broken_note_la_SOURCES = %reldir%/broken_note.c
%canon_reldir%_broken_note_la_LDFLAGS = $(fault_flags)
%canon_reldir%_two_notes_la_SOURCES = %reldir%/good.c %reldir%/second_note.c
%canon_reldir%_two_notes_la_LDFLAGS = $(fault_flags)
%canon_reldir%_rogue_la_SOURCES = \
	%reldir%/rogue.c %reldir%/rogue.h %reldir%/rogue_ends.c %reldir%/rogue_exchanges.c \
	%reldir%/rogue_pressure.c %reldir%/rogue_threads.c
%canon_reldir%_rogue_la_LDFLAGS = $(fault_flags)
%canon_reldir%_textrel_la_SOURCES = %reldir%/good.c %reldir%/textrel.c
%canon_reldir%_textrel_la_LDFLAGS = $(fault_flags) -Wl,-z,notext
%canon_reldir%_exec_stack_la_SOURCES = %reldir%/good.c
%canon_reldir%_exec_stack_la_LDFLAGS = $(fault_flags) -Wl,-z,execstack
# The test writes other paths in its place.
%canon_reldir%_run_path_la_SOURCES = %reldir%/good.c
%canon_reldir%_run_path_la_LDFLAGS = $(fault_flags) -Wl,-rpath,/tmp/a-path-that-the-tests-change
%canon_reldir%_exports_la_SOURCES = %reldir%/good.c %reldir%/exports.c
%canon_reldir%_exports_la_LDFLAGS = -module -avoid-version -shared $(AM_LDFLAGS) -rpath $(abs_top_builddir)/tests/fault
%canon_reldir%_odd_usage_la_SOURCES = %reldir%/odd_usage.c
%canon_reldir%_odd_usage_la_LDFLAGS = $(fault_flags)
%canon_reldir%_dawdles_la_SOURCES = %reldir%/dawdles.c
%canon_reldir%_dawdles_la_LDFLAGS = $(fault_flags)
%canon_reldir%_passes_through_la_SOURCES = %reldir%/passes_through.c
%canon_reldir%_passes_through_la_LDFLAGS = $(fault_flags)
