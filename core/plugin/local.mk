# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libplugin.la
%canon_reldir%_libplugin_la_SOURCES = %reldir%/builtin.h %reldir%/builtin_none.c \
	%reldir%/discover.c %reldir%/discover.h \
	%reldir%/dynamic.c %reldir%/dynamic.h %reldir%/grammar.c %reldir%/grammar.h \
	%reldir%/header_lines.c %reldir%/header_lines.h %reldir%/host.c %reldir%/host.h \
	%reldir%/install.c %reldir%/install.h %reldir%/lock.c %reldir%/lock.h \
	%reldir%/manifest.c %reldir%/manifest.h \
	%reldir%/manifest_models.c %reldir%/manifest_plugin.c %reldir%/manifest_presets.c \
	%reldir%/manifest_reader.h %reldir%/manifest_value.c %reldir%/meter.c %reldir%/meter.h \
	%reldir%/note.c %reldir%/note.h \
	%reldir%/object.c %reldir%/object.h %reldir%/probe.c %reldir%/probe.h %reldir%/provider.c \
	%reldir%/provider.h %reldir%/schema_words.c %reldir%/schema_words.h %reldir%/slot.c \
	%reldir%/slot.h %reldir%/slot_job.c %reldir%/slot_parts.h %reldir%/stage.h %reldir%/trust.c \
	%reldir%/trust.h
%canon_reldir%_libplugin_la_CPPFLAGS = $(AM_CPPFLAGS) $(ELF_CFLAGS) $(OPENSSL_CFLAGS)
%canon_reldir%_libplugin_la_LIBADD = $(ELF_LIBS) $(OPENSSL_LIBS)
# Of the program alone, where it stands before libplugin: what is found there is not taken from
# builtin_none.c, as in libharborai and in all tests.
if BUILTIN_PLUGINS
builtin_library = %reldir%/libbuiltin.la
noinst_LTLIBRARIES += $(builtin_library)
%canon_reldir%_libbuiltin_la_SOURCES = %reldir%/builtin.h %reldir%/builtin_ltdl.c
%canon_reldir%_libbuiltin_la_LIBADD = $(LTDL_LIBS)
endif
EXTRA_DIST += doc/abi-history.md
