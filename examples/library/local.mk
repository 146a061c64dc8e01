# SPDX-License-Identifier: MIT
# Short programs over libharborai. `make check` builds them and runs them against the simulator.
library_examples = %reldir%/hello %reldir%/stream %reldir%/poll %reldir%/many
check_PROGRAMS += $(library_examples)
TESTS += %reldir%/check
EXTRA_DIST += %reldir%/check
%canon_reldir%_hello_SOURCES = %reldir%/hello.c
%canon_reldir%_hello_LDADD = libharborai.la
%canon_reldir%_stream_SOURCES = %reldir%/stream.c
%canon_reldir%_stream_LDADD = libharborai.la
%canon_reldir%_poll_SOURCES = %reldir%/poll.c
%canon_reldir%_poll_LDADD = libharborai.la
%canon_reldir%_many_SOURCES = %reldir%/many.c
%canon_reldir%_many_LDADD = libharborai.la
