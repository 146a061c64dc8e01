# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/librecord.la
%canon_reldir%_librecord_la_SOURCES = %reldir%/content.c %reldir%/content.h \
	%reldir%/fanout.c %reldir%/fanout.h %reldir%/line.c %reldir%/line.h %reldir%/record.h
EXTRA_DIST += doc/journal.md
