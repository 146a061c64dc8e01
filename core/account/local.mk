# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libaccount.la
%canon_reldir%_libaccount_la_SOURCES = %reldir%/cost.c %reldir%/cost.h
