# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libconfig.la
%canon_reldir%_libconfig_la_SOURCES = \
	%reldir%/character.c %reldir%/character.h \
	%reldir%/command.c %reldir%/command.h %reldir%/config.c %reldir%/config.h \
	%reldir%/database_url.c %reldir%/database_url.h \
	%reldir%/dotenv.c %reldir%/dotenv.h %reldir%/environment.c %reldir%/environment.h \
	%reldir%/expand.c %reldir%/expand.h %reldir%/faults.c %reldir%/faults.h \
	%reldir%/field.c %reldir%/field.h %reldir%/files.c %reldir%/files.h \
	%reldir%/json.c %reldir%/json.h %reldir%/key.c %reldir%/key.h %reldir%/legacy.c %reldir%/legacy.h \
	%reldir%/legacy_table.c %reldir%/legacy_table.h %reldir%/mask.c %reldir%/mask.h \
	%reldir%/node.c %reldir%/node.h \
	%reldir%/read.c %reldir%/read.h %reldir%/schema.c %reldir%/schema.h \
	%reldir%/settings.c %reldir%/settings.h %reldir%/show.c %reldir%/show.h \
	%reldir%/tree.c %reldir%/tree.h %reldir%/value.c %reldir%/value.h %reldir%/yaml.c %reldir%/yaml.h
%canon_reldir%_libconfig_la_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS) \
	-DSYSTEM_CONFIG='"$(sysconfdir)/harborai/config.yaml"'
%canon_reldir%_libconfig_la_LIBADD = $(YAML_LIBS)

EXTRA_DIST += doc/configuration.md
dist_pkgdata_DATA = doc/config.schema.json
