# SPDX-License-Identifier: MIT
# Helpers that are compiled into a plugin, and used by core/wire and the rooms above it.
noinst_LTLIBRARIES += %reldir%/libsdk.la
%canon_reldir%_libsdk_la_SOURCES = \
	%reldir%/held.c %reldir%/held.h \
	%reldir%/json_edit.c %reldir%/json_edit.h \
	%reldir%/json_scan.c %reldir%/json_scan.h \
	%reldir%/json_value.c %reldir%/json_value.h %reldir%/json_word.h \
	%reldir%/lines.c %reldir%/lines.h %reldir%/sse.c %reldir%/sse.h
EXTRA_DIST += %reldir%/README.md
