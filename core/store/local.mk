# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libstore.la
%canon_reldir%_libstore_la_SOURCES = \
	%reldir%/journal.c %reldir%/journal.h %reldir%/segment.c %reldir%/segment.h
