# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_wire
TESTS += %reldir%/check_wire
%canon_reldir%_check_wire_SOURCES = %reldir%/check_wire.c %reldir%/test_accept.c \
	%reldir%/test_http_body.c %reldir%/test_http_head.c \
	%reldir%/test_json_number.c %reldir%/test_json_schema.c %reldir%/test_json_write.c \
	%reldir%/test_masker.c %reldir%/test_prometheus.c %reldir%/test_secrets.c %reldir%/test_shell.c \
	%reldir%/test_traceparent.c %reldir%/test_url.c
%canon_reldir%_check_wire_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_wire_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la $(CUNIT_LIBS)
