# SPDX-License-Identifier: MIT
# Each fuzz target with replay.c for main(). With clang: CC=clang, leave replay.c out and add
# -fsanitize=fuzzer.
check_PROGRAMS += %reldir%/fuzz_json_scan
TESTS += %reldir%/fuzz_json_scan
%canon_reldir%_fuzz_json_scan_SOURCES = %reldir%/fuzz_json_scan.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_json_scan_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_json_edit
TESTS += %reldir%/fuzz_json_edit
%canon_reldir%_fuzz_json_edit_SOURCES = %reldir%/fuzz_json_edit.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_json_edit_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_sse
TESTS += %reldir%/fuzz_sse
%canon_reldir%_fuzz_sse_SOURCES = %reldir%/fuzz_sse.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_sse_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_http_head
TESTS += %reldir%/fuzz_http_head
%canon_reldir%_fuzz_http_head_SOURCES = %reldir%/fuzz_http_head.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_http_head_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_http_body
TESTS += %reldir%/fuzz_http_body
%canon_reldir%_fuzz_http_body_SOURCES = %reldir%/fuzz_http_body.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_http_body_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_traceparent
TESTS += %reldir%/fuzz_traceparent
%canon_reldir%_fuzz_traceparent_SOURCES = %reldir%/fuzz_traceparent.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_traceparent_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_config
TESTS += %reldir%/fuzz_config
%canon_reldir%_fuzz_config_SOURCES = %reldir%/fuzz_config.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_config_LDADD = core/config/libconfig.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_manifest
TESTS += %reldir%/fuzz_manifest
%canon_reldir%_fuzz_manifest_SOURCES = %reldir%/fuzz_manifest.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_manifest_LDADD = core/plugin/libplugin.la plugin-sdk/lib/libsdk.la core/base/libbase.la
EXTRA_DIST += \
	%reldir%/corpus/config/aliases \
	%reldir%/corpus/config/bytes \
	%reldir%/corpus/config/documents \
	%reldir%/corpus/config/faults \
	%reldir%/corpus/config/json \
	%reldir%/corpus/config/odd \
	%reldir%/corpus/config/whole \
	%reldir%/corpus/http_body/chunks \
	%reldir%/corpus/http_body/huge \
	%reldir%/corpus/http_body/length \
	%reldir%/corpus/http_body/until_close \
	%reldir%/corpus/http_body/zeros \
	%reldir%/corpus/http_head/absolute \
	%reldir%/corpus/http_head/answer \
	%reldir%/corpus/http_head/chat \
	%reldir%/corpus/http_head/chunked \
	%reldir%/corpus/http_head/interim \
	%reldir%/corpus/http_head/no_content \
	%reldir%/corpus/http_head/old \
	%reldir%/corpus/http_head/preface \
	%reldir%/corpus/http_head/smuggle \
	%reldir%/corpus/json_edit/chat \
	%reldir%/corpus/json_edit/conflict \
	%reldir%/corpus/json_edit/escaped \
	%reldir%/corpus/json_edit/items \
	%reldir%/corpus/json_edit/nested \
	%reldir%/corpus/json_edit/remove_all \
	%reldir%/corpus/json_scan/chunk \
	%reldir%/corpus/json_scan/deep \
	%reldir%/corpus/json_scan/halves \
	%reldir%/corpus/json_scan/members \
	%reldir%/corpus/json_scan/numbers \
	%reldir%/corpus/json_scan/request \
	%reldir%/corpus/json_scan/utf8 \
	%reldir%/corpus/manifest/elf_x86_64 \
	%reldir%/corpus/manifest/foreign_abi \
	%reldir%/corpus/manifest/minimal \
	%reldir%/corpus/manifest/twice \
	%reldir%/corpus/manifest/whole \
	%reldir%/corpus/sse/anthropic \
	%reldir%/corpus/sse/line_ends \
	%reldir%/corpus/sse/lines \
	%reldir%/corpus/sse/long \
	%reldir%/corpus/sse/mark_and_comments \
	%reldir%/corpus/sse/openai \
	%reldir%/corpus/traceparent/future \
	%reldir%/corpus/traceparent/good \
	%reldir%/corpus/traceparent/zero
