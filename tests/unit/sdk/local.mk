# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_sdk
TESTS += %reldir%/check_sdk
%canon_reldir%_check_sdk_SOURCES = %reldir%/check_sdk.c %reldir%/random.h \
	%reldir%/test_json_scan.c %reldir%/test_json_value.c %reldir%/test_json_edit.c \
	%reldir%/test_json_out.c %reldir%/test_openai_usage.c %reldir%/test_lines.c \
	%reldir%/test_replayed.c %reldir%/test_sse.c %reldir%/test_json_peer.c
%canon_reldir%_check_sdk_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) $(JSONC_CFLAGS)
%canon_reldir%_check_sdk_LDADD = plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS) \
	$(CUNIT_LIBS)
EXTRA_DIST += tests/wire/usage/openai_form.json
