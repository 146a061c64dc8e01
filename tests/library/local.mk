# SPDX-License-Identifier: MIT
# Programs over the shared library, as an application links it: tests/system/test_library.py runs them
# against the simulator. `both` runs by itself.
library_drivers = %reldir%/parallel %reldir%/conduct %reldir%/memory %reldir%/stuck
check_PROGRAMS += $(library_drivers) %reldir%/both
TESTS += %reldir%/both
%canon_reldir%_parallel_SOURCES = %reldir%/parallel.c %reldir%/driver.h
%canon_reldir%_parallel_LDADD = libharborai.la
%canon_reldir%_conduct_SOURCES = %reldir%/conduct.c %reldir%/driver.h
%canon_reldir%_conduct_LDADD = libharborai.la
%canon_reldir%_memory_SOURCES = %reldir%/memory.c %reldir%/driver.h
%canon_reldir%_memory_LDADD = libharborai.la
%canon_reldir%_stuck_SOURCES = %reldir%/stuck.c %reldir%/driver.h
%canon_reldir%_stuck_LDADD = libharborai.la
%canon_reldir%_both_SOURCES = %reldir%/both.c
%canon_reldir%_both_LDADD = libharborai.la
