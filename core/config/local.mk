# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libconfig.la
%canon_reldir%_libconfig_la_SOURCES = \
	%reldir%/faults.c %reldir%/faults.h %reldir%/node.c %reldir%/node.h \
	%reldir%/value.c %reldir%/value.h %reldir%/yaml.c %reldir%/yaml.h
%canon_reldir%_libconfig_la_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
%canon_reldir%_libconfig_la_LIBADD = $(YAML_LIBS)
