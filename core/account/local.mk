# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libaccount.la
%canon_reldir%_libaccount_la_SOURCES = %reldir%/cost.c %reldir%/cost.h %reldir%/key_file.c \
	%reldir%/key_file.h %reldir%/key_list.c %reldir%/key_parts.h %reldir%/key_text.c \
	%reldir%/key_text.h %reldir%/keys.c %reldir%/keys.h %reldir%/rate_limit.c %reldir%/rate_limit.h \
	%reldir%/rate_table.c %reldir%/rate_table.h
%canon_reldir%_libaccount_la_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
%canon_reldir%_libaccount_la_LIBADD = $(OPENSSL_LIBS)
EXTRA_DIST += doc/keys.md
