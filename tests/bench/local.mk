# SPDX-License-Identifier: MIT
# `make bench`: harborai serve against nginx (tests/bench/run.py). Its programs are not part of
# `make`; BENCH_FLAGS are run.py's options, as in `make bench BENCH_FLAGS='--only cpu_1k,rps_32'`.
bench_programs = %reldir%/bench_upstream %reldir%/bench_load %reldir%/lookup %reldir%/open \
	%reldir%/make_journal
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)
EXTRA_DIST += %reldir%/run.py %reldir%/servers.py %reldir%/report.py %reldir%/nginx.conf.in \
	%reldir%/alone.py %reldir%/loads.py %reldir%/cpu_profile.py %reldir%/records.py

%canon_reldir%_bench_upstream_SOURCES = \
	%reldir%/bench_upstream.c \
	%reldir%/args.c %reldir%/args.h \
	%reldir%/heap.c %reldir%/heap.h \
	%reldir%/net.c %reldir%/net.h \
	%reldir%/tls.c %reldir%/tls.h
%canon_reldir%_bench_upstream_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
%canon_reldir%_bench_upstream_LDADD = $(OPENSSL_LIBS)
%canon_reldir%_bench_load_SOURCES = \
	%reldir%/bench_load.c \
	%reldir%/answer.c %reldir%/answer.h \
	%reldir%/args.c %reldir%/args.h \
	%reldir%/clocks.c %reldir%/clocks.h \
	%reldir%/net.c %reldir%/net.h \
	%reldir%/samples.c %reldir%/samples.h
%canon_reldir%_lookup_SOURCES = \
	%reldir%/lookup.c \
	%reldir%/args.c %reldir%/args.h
%canon_reldir%_lookup_LDADD = core/registry/libregistry.la core/plugin/libplugin.la core/config/libconfig.la \
	core/wire/libwire.la \
	core/loop/libloop.la plugin-sdk/lib/libsdk.la core/base/libbase.la

%canon_reldir%_open_SOURCES = %reldir%/open.c
%canon_reldir%_open_LDADD = libharborai.la

%canon_reldir%_make_journal_SOURCES = %reldir%/make_journal.c
%canon_reldir%_make_journal_LDADD = core/store/libstore.la core/record/librecord.la core/chat/libchat.la \
	core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la

# For `make soak` (tests/system/soak.py).
EXTRA_DIST += %reldir%/heap_in_use.c
EXTRA_PROGRAMS += %reldir%/bench_faults %reldir%/soak
CLEANFILES += %reldir%/bench_faults %reldir%/soak
%canon_reldir%_bench_faults_SOURCES = \
	%reldir%/bench_faults.c \
	%reldir%/args.c %reldir%/args.h \
	%reldir%/net.c %reldir%/net.h
%canon_reldir%_soak_SOURCES = \
	%reldir%/soak.c \
	%reldir%/answer.c %reldir%/answer.h \
	%reldir%/args.c %reldir%/args.h \
	%reldir%/net.c %reldir%/net.h

if SANITIZED
bench_build = --sanitized
else
bench_build =
endif

bench: all $(bench_programs)
	$(PYTHON3) -B $(srcdir)/%reldir%/run.py --build . $(bench_build) $(BENCH_FLAGS)
# Where the CPU time of such a load goes, by function (tests/bench/cpu_profile.py).
profile: all $(bench_programs)
	$(PYTHON3) -B $(srcdir)/%reldir%/cpu_profile.py --build . $(PROFILE_FLAGS)
# Many calls on record: copying them, and finding some (tests/bench/records.py).
bench-records: all %reldir%/make_journal
	$(PYTHON3) -B $(srcdir)/%reldir%/records.py --build . $(RECORDS_FLAGS)
.PHONY: bench profile bench-records
