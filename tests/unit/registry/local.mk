# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_registry
TESTS += %reldir%/check_registry
%canon_reldir%_check_registry_SOURCES = %reldir%/check_registry.c %reldir%/test_model_map.c \
	%reldir%/test_model_map_busy.c
%canon_reldir%_check_registry_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_registry_LDADD = core/registry/libregistry.la core/plugin/libplugin.la core/config/libconfig.la \
	core/wire/libwire.la \
	core/loop/libloop.la plugin-sdk/lib/libsdk.la core/base/libbase.la $(CUNIT_LIBS)
