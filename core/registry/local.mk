# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libregistry.la
%canon_reldir%_libregistry_la_SOURCES = \
	%reldir%/model_map.c %reldir%/model_map.h %reldir%/model_map_build.c %reldir%/model_map_parts.h \
	%reldir%/model_claims.c %reldir%/model_claims.h %reldir%/aliases.c %reldir%/builder.h
