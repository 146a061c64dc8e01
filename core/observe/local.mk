# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libobserve.la
%canon_reldir%_libobserve_la_SOURCES = %reldir%/by_model.c %reldir%/by_model.h \
	%reldir%/confidence.c %reldir%/confidence.h \
	%reldir%/durations.c %reldir%/durations.h \
	%reldir%/metrics.c %reldir%/metrics.h %reldir%/recent.c %reldir%/recent.h
EXTRA_DIST += doc/metrics.md
