# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libloop.la
%canon_reldir%_libloop_la_SOURCES = \
	%reldir%/jobs.c %reldir%/jobs.h %reldir%/loop.c %reldir%/loop.h %reldir%/outer.c %reldir%/outer.h %reldir%/timer.c %reldir%/timer.h
