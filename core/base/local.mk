# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libbase.la
%canon_reldir%_libbase_la_SOURCES = \
	%reldir%/arena.c %reldir%/arena.h %reldir%/attr.h %reldir%/buf.c %reldir%/buf.h \
	%reldir%/clock.c %reldir%/clock.h %reldir%/crc32c.c %reldir%/crc32c.h \
	%reldir%/decimal.c %reldir%/decimal.h %reldir%/directory.c %reldir%/directory.h \
	%reldir%/error.c %reldir%/error.h %reldir%/file_lock.c %reldir%/file_lock.h %reldir%/hash.h \
	%reldir%/ids.c %reldir%/ids.h %reldir%/limits.h %reldir%/list.h %reldir%/log.c %reldir%/log.h \
	%reldir%/mpsc.c %reldir%/mpsc.h %reldir%/nearest.c %reldir%/nearest.h %reldir%/once.c %reldir%/once.h \
	%reldir%/process.c %reldir%/process.h %reldir%/replacement.c \
	%reldir%/replacement.h %reldir%/secret.c %reldir%/secret.h \
	%reldir%/slice.c %reldir%/slice.h %reldir%/snapshot.c %reldir%/snapshot.h \
	%reldir%/thread.c %reldir%/thread.h
if HAVE_SSE42
%canon_reldir%_libbase_la_SOURCES += %reldir%/crc32c_sse42.c
else
%canon_reldir%_libbase_la_SOURCES += %reldir%/crc32c_portable.c
endif
EXTRA_DIST += doc/errors.md doc/log-events.md
