# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_config
TESTS += %reldir%/check_config
%canon_reldir%_check_config_SOURCES = %reldir%/check_config.c %reldir%/support.c %reldir%/support.h \
	%reldir%/test_value.c %reldir%/test_node.c %reldir%/test_yaml.c %reldir%/test_expand.c \
	%reldir%/test_config.c %reldir%/test_faults.c %reldir%/test_settings.c %reldir%/test_memory.c \
	%reldir%/test_dotenv.c %reldir%/test_json.c %reldir%/test_key.c %reldir%/test_layers.c \
	%reldir%/test_postgres.c %reldir%/test_show.c
%canon_reldir%_check_config_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_config_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
%canon_reldir%_check_config_LDADD = core/config/libconfig.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(CUNIT_LIBS)
