# SPDX-License-Identifier: MIT
# Each fuzz target with replay.c for main(); tests/fuzz/run builds them with clang's libFuzzer.
check_PROGRAMS += %reldir%/fuzz_json_scan
TESTS += %reldir%/fuzz_json_scan
%canon_reldir%_fuzz_json_scan_SOURCES = %reldir%/fuzz_json_scan.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_json_scan_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_json_edit
TESTS += %reldir%/fuzz_json_edit
%canon_reldir%_fuzz_json_edit_SOURCES = %reldir%/fuzz_json_edit.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_json_edit_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_sse
TESTS += %reldir%/fuzz_sse
%canon_reldir%_fuzz_sse_SOURCES = %reldir%/fuzz_sse.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_sse_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_http_head
TESTS += %reldir%/fuzz_http_head
%canon_reldir%_fuzz_http_head_SOURCES = %reldir%/fuzz_http_head.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_http_head_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_http_body
TESTS += %reldir%/fuzz_http_body
%canon_reldir%_fuzz_http_body_SOURCES = %reldir%/fuzz_http_body.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_http_body_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_traceparent
TESTS += %reldir%/fuzz_traceparent
%canon_reldir%_fuzz_traceparent_SOURCES = %reldir%/fuzz_traceparent.c %reldir%/replay.c \
	%reldir%/fuzz.h
%canon_reldir%_fuzz_traceparent_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_config
TESTS += %reldir%/fuzz_config
%canon_reldir%_fuzz_config_SOURCES = %reldir%/fuzz_config.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_config_LDADD = core/config/libconfig.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_dotenv
TESTS += %reldir%/fuzz_dotenv
%canon_reldir%_fuzz_dotenv_SOURCES = %reldir%/fuzz_dotenv.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_dotenv_LDADD = core/config/libconfig.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_manifest
TESTS += %reldir%/fuzz_manifest
%canon_reldir%_fuzz_manifest_SOURCES = %reldir%/fuzz_manifest.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_manifest_LDADD = core/plugin/libplugin.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_chat_request
TESTS += %reldir%/fuzz_chat_request
%canon_reldir%_fuzz_chat_request_SOURCES = %reldir%/fuzz_chat_request.c %reldir%/replay.c \
	%reldir%/chat.h %reldir%/fuzz.h
%canon_reldir%_fuzz_chat_request_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS)
check_PROGRAMS += %reldir%/fuzz_chat_stream
TESTS += %reldir%/fuzz_chat_stream
%canon_reldir%_fuzz_chat_stream_SOURCES = %reldir%/fuzz_chat_stream.c %reldir%/replay.c \
	%reldir%/chat.h %reldir%/fuzz.h
%canon_reldir%_fuzz_chat_stream_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS)
check_PROGRAMS += %reldir%/fuzz_chat_answer
TESTS += %reldir%/fuzz_chat_answer
%canon_reldir%_fuzz_chat_answer_SOURCES = %reldir%/fuzz_chat_answer.c %reldir%/replay.c \
	%reldir%/chat.h %reldir%/fuzz.h
%canon_reldir%_fuzz_chat_answer_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS)
check_PROGRAMS += %reldir%/fuzz_arguments
TESTS += %reldir%/fuzz_arguments
%canon_reldir%_fuzz_arguments_SOURCES = %reldir%/fuzz_arguments.c %reldir%/replay.c \
	%reldir%/chat.h %reldir%/fuzz.h
%canon_reldir%_fuzz_arguments_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS)
check_PROGRAMS += %reldir%/fuzz_replay
TESTS += %reldir%/fuzz_replay
%canon_reldir%_fuzz_replay_SOURCES = %reldir%/fuzz_replay.c %reldir%/replay.c %reldir%/chat.h \
	%reldir%/fuzz.h
%canon_reldir%_fuzz_replay_LDADD = core/engine/libengine.la core/chat/libchat.la \
	core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS)
check_PROGRAMS += %reldir%/fuzz_vendor_error
TESTS += %reldir%/fuzz_vendor_error
%canon_reldir%_fuzz_vendor_error_SOURCES = %reldir%/fuzz_vendor_error.c %reldir%/replay.c \
	%reldir%/chat.h %reldir%/fuzz.h
%canon_reldir%_fuzz_vendor_error_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS)
check_PROGRAMS += %reldir%/fuzz_anthropic
TESTS += %reldir%/fuzz_anthropic
%canon_reldir%_fuzz_anthropic_SOURCES = %reldir%/fuzz_anthropic.c %reldir%/replay.c \
	%reldir%/chat.h %reldir%/fuzz.h $(anthropic_sources) plugin-sdk/lib/price_table.c \
	tests/unit/plugins/tiny_host.c tests/unit/plugins/tiny_host.h
# Its own objects: those of the plugin are for a shared one.
%canon_reldir%_fuzz_anthropic_CPPFLAGS = $(AM_CPPFLAGS)
%canon_reldir%_fuzz_anthropic_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS)
# Plugins, as parts of one program: each has its one symbol under another name.
check_LTLIBRARIES += %reldir%/libdeepseek.la %reldir%/libdoubao.la %reldir%/libopenai.la \
	%reldir%/libwenxin.la
%canon_reldir%_libdeepseek_la_SOURCES = plugins/deepseek/deepseek.c
%canon_reldir%_libdeepseek_la_CPPFLAGS = $(AM_CPPFLAGS) -Dharborai_plugin_query=deepseek_query
%canon_reldir%_libdoubao_la_SOURCES = plugins/doubao/doubao.c
%canon_reldir%_libdoubao_la_CPPFLAGS = $(AM_CPPFLAGS) -Dharborai_plugin_query=doubao_query
%canon_reldir%_libopenai_la_SOURCES = plugins/openai/models.c plugins/openai/openai.c \
	plugins/openai/options.c plugins/openai/request.c
%canon_reldir%_libopenai_la_CPPFLAGS = $(AM_CPPFLAGS) -Dharborai_plugin_query=openai_query
%canon_reldir%_libwenxin_la_SOURCES = plugins/wenxin/wenxin.c
%canon_reldir%_libwenxin_la_CPPFLAGS = $(AM_CPPFLAGS) -Dharborai_plugin_query=wenxin_query
check_PROGRAMS += %reldir%/fuzz_vendors
TESTS += %reldir%/fuzz_vendors
%canon_reldir%_fuzz_vendors_SOURCES = %reldir%/fuzz_vendors.c %reldir%/replay.c \
	%reldir%/chat.h %reldir%/fuzz.h plugin-sdk/lib/openai_chat.c plugin-sdk/lib/price_table.c
%canon_reldir%_fuzz_vendors_CPPFLAGS = $(AM_CPPFLAGS)
%canon_reldir%_fuzz_vendors_LDADD = %reldir%/libdeepseek.la %reldir%/libdoubao.la \
	%reldir%/libopenai.la %reldir%/libwenxin.la core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS)
check_PROGRAMS += %reldir%/fuzz_usage
TESTS += %reldir%/fuzz_usage
%canon_reldir%_fuzz_usage_SOURCES = %reldir%/fuzz_usage.c %reldir%/replay.c %reldir%/chat.h \
	%reldir%/fuzz.h
%canon_reldir%_fuzz_usage_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS)
check_PROGRAMS += %reldir%/fuzz_journal
TESTS += %reldir%/fuzz_journal
%canon_reldir%_fuzz_journal_SOURCES = %reldir%/fuzz_journal.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_journal_LDADD = core/store/libstore.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_call
TESTS += %reldir%/fuzz_call
%canon_reldir%_fuzz_call_SOURCES = %reldir%/fuzz_call.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_call_LDADD = core/store/libstore.la core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
EXTRA_DIST += %reldir%/corpus/call/amend %reldir%/corpus/call/end %reldir%/corpus/call/error \
	%reldir%/corpus/call/older
check_PROGRAMS += %reldir%/fuzz_frames
TESTS += %reldir%/fuzz_frames
%canon_reldir%_fuzz_frames_SOURCES = %reldir%/fuzz_frames.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_frames_LDADD = core/store/libstore.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_masker
TESTS += %reldir%/fuzz_masker
%canon_reldir%_fuzz_masker_SOURCES = %reldir%/fuzz_masker.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_masker_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_plugin_state
TESTS += %reldir%/fuzz_plugin_state
%canon_reldir%_fuzz_plugin_state_SOURCES = %reldir%/fuzz_plugin_state.c %reldir%/replay.c \
	%reldir%/fuzz.h
%canon_reldir%_fuzz_plugin_state_LDADD = core/store/libstore.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_keys
TESTS += %reldir%/fuzz_keys
%canon_reldir%_fuzz_keys_SOURCES = %reldir%/fuzz_keys.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_keys_LDADD = core/account/libaccount.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
EXTRA_DIST += %reldir%/corpus/keys/escapes %reldir%/corpus/keys/same %reldir%/corpus/keys/text \
	%reldir%/corpus/keys/unknown %reldir%/corpus/keys/whole
EXTRA_DIST += %reldir%/run %reldir%/corpus/anthropic/error_overloaded \
	%reldir%/corpus/anthropic/error_spend \
	%reldir%/corpus/anthropic/events_arguments_cut %reldir%/corpus/anthropic/events_error \
	%reldir%/corpus/anthropic/events_error_without_words \
	%reldir%/corpus/anthropic/events_refusal %reldir%/corpus/anthropic/events_text \
	%reldir%/corpus/anthropic/events_tools %reldir%/corpus/anthropic/request_files \
	%reldir%/corpus/anthropic/request_loop %reldir%/corpus/anthropic/request_members \
	%reldir%/corpus/anthropic/request_thinking %reldir%/corpus/anthropic/request_younger \
	%reldir%/corpus/anthropic/usage %reldir%/corpus/frames/none %reldir%/corpus/frames/one \
	%reldir%/corpus/frames/three %reldir%/corpus/journal/broken %reldir%/corpus/journal/calls \
	%reldir%/corpus/journal/escaped %reldir%/corpus/journal/long %reldir%/corpus/journal/torn \
	%reldir%/corpus/logs_query/bad %reldir%/corpus/logs_query/limits \
	%reldir%/corpus/logs_query/query %reldir%/corpus/logs_query/stats \
	%reldir%/corpus/logs_query/times \
	%reldir%/corpus/masker/blocks %reldir%/corpus/masker/escaped %reldir%/corpus/masker/json \
	%reldir%/corpus/masker/numbers %reldir%/corpus/masker/plain \
	%reldir%/corpus/chat_request/escaped_key %reldir%/corpus/chat_request/options_null \
	%reldir%/corpus/chat_request/stream %reldir%/corpus/chat_request/twice \
	%reldir%/corpus/chat_request/whole %reldir%/corpus/chat_request/wrong \
	%reldir%/corpus/chat_stream/bad %reldir%/corpus/chat_stream/error \
	%reldir%/corpus/chat_stream/gemini %reldir%/corpus/chat_stream/message \
	%reldir%/corpus/chat_stream/object_arguments %reldir%/corpus/chat_stream/qwen \
	%reldir%/corpus/chat_stream/reasoning %reldir%/corpus/chat_stream/shape \
	%reldir%/corpus/chat_stream/two_choices_tools %reldir%/corpus/chat_stream/openai \
	%reldir%/corpus/chat_stream/think %reldir%/corpus/chat_stream/tools \
	%reldir%/corpus/chat_stream/usage_twice \
	%reldir%/corpus/chat_stream/two_choices %reldir%/corpus/chat_stream/usage_beside \
	%reldir%/corpus/arguments/broken %reldir%/corpus/arguments/escapes \
	%reldir%/corpus/arguments/number %reldir%/corpus/arguments/object \
	%reldir%/corpus/arguments/twice %reldir%/corpus/chat_answer/blanks \
	%reldir%/corpus/chat_answer/error %reldir%/corpus/chat_answer/html \
	%reldir%/corpus/chat_answer/negative %reldir%/corpus/chat_answer/openai \
	%reldir%/corpus/chat_answer/reasoning %reldir%/corpus/chat_answer/tools \
	%reldir%/corpus/chat_answer/think %reldir%/corpus/chat_answer/think_cut \
	%reldir%/corpus/chat_answer/torn %reldir%/corpus/chat_answer/usage \
	%reldir%/corpus/vendor_error/anthropic %reldir%/corpus/vendor_error/context \
	%reldir%/corpus/vendor_error/detail %reldir%/corpus/vendor_error/list \
	%reldir%/corpus/vendor_error/openai %reldir%/corpus/vendor_error/quota \
	%reldir%/corpus/vendor_error/string %reldir%/corpus/vendor_error/text \
	%reldir%/corpus/config/aliases %reldir%/corpus/config/bytes %reldir%/corpus/config/documents \
	%reldir%/corpus/config/faults %reldir%/corpus/config/json %reldir%/corpus/config/odd \
	%reldir%/corpus/config/preset_without_plugin %reldir%/corpus/config/strict \
	%reldir%/corpus/config/whole %reldir%/corpus/dotenv/bytes %reldir%/corpus/dotenv/faults \
	%reldir%/corpus/dotenv/quotes %reldir%/corpus/dotenv/usual %reldir%/corpus/http_body/chunks \
	%reldir%/corpus/http_body/huge %reldir%/corpus/http_body/length \
	%reldir%/corpus/http_body/until_close %reldir%/corpus/http_body/zeros \
	%reldir%/corpus/http_head/absolute %reldir%/corpus/http_head/answer \
	%reldir%/corpus/http_head/chat %reldir%/corpus/http_head/chunked \
	%reldir%/corpus/http_head/interim %reldir%/corpus/http_head/no_content \
	%reldir%/corpus/http_head/old %reldir%/corpus/http_head/preface \
	%reldir%/corpus/http_head/smuggle %reldir%/corpus/json_edit/chat \
	%reldir%/corpus/json_edit/conflict %reldir%/corpus/json_edit/escaped \
	%reldir%/corpus/json_edit/items %reldir%/corpus/json_edit/nested \
	%reldir%/corpus/json_edit/remove_all %reldir%/corpus/json_scan/chunk \
	%reldir%/corpus/json_scan/deep %reldir%/corpus/json_scan/halves \
	%reldir%/corpus/json_scan/members %reldir%/corpus/json_scan/numbers \
	%reldir%/corpus/json_scan/request %reldir%/corpus/json_scan/utf8 \
	%reldir%/corpus/manifest/elf_x86_64 %reldir%/corpus/manifest/foreign_abi \
	%reldir%/corpus/manifest/minimal %reldir%/corpus/manifest/presets \
	%reldir%/corpus/manifest/schema %reldir%/corpus/manifest/twice %reldir%/corpus/manifest/whole \
	%reldir%/corpus/plugin_state/escapes %reldir%/corpus/plugin_state/twice \
	%reldir%/corpus/plugin_state/whole %reldir%/corpus/replay/calls \
	%reldir%/corpus/replay/details %reldir%/corpus/replay/many %reldir%/corpus/replay/odd \
	%reldir%/corpus/replay/twice %reldir%/corpus/sse/anthropic %reldir%/corpus/sse/line_ends \
	%reldir%/corpus/sse/lines %reldir%/corpus/sse/long %reldir%/corpus/sse/mark_and_comments \
	%reldir%/corpus/sse/openai %reldir%/corpus/traceparent/future \
	%reldir%/corpus/traceparent/good %reldir%/corpus/traceparent/zero \
	%reldir%/corpus/vendors/deepseek_error %reldir%/corpus/vendors/deepseek_finish \
	%reldir%/corpus/vendors/doubao_context %reldir%/corpus/vendors/doubao_error \
	%reldir%/corpus/vendors/request_reasoning %reldir%/corpus/vendors/request_tools \
	%reldir%/corpus/vendors/request_twice %reldir%/corpus/vendors/usage \
	%reldir%/corpus/vendors/wenxin_error %reldir%/corpus/vendors/wenxin_v1 \
	%reldir%/corpus/usage/answer %reldir%/corpus/usage/anthropic %reldir%/corpus/usage/audio \
	%reldir%/corpus/usage/deepseek %reldir%/corpus/usage/event %reldir%/corpus/usage/gemini \
	%reldir%/corpus/usage/groq %reldir%/corpus/usage/groq_chunk %reldir%/corpus/usage/mistral \
	%reldir%/corpus/usage/moonshot_chunk %reldir%/corpus/usage/odd %reldir%/corpus/usage/openai \
	%reldir%/corpus/usage/openrouter %reldir%/corpus/usage/qwen %reldir%/corpus/usage/responses \
	%reldir%/corpus/usage/two_lives %reldir%/corpus/usage/xai
check_PROGRAMS += %reldir%/fuzz_logs_query
TESTS += %reldir%/fuzz_logs_query
%canon_reldir%_fuzz_logs_query_SOURCES = %reldir%/fuzz_logs_query.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_logs_query_LDADD = core/server/libserver.la core/store/libdrain.la \
	core/store/libstore.la core/config/libconfig.la pricing/libpricing.la core/chat/libchat.la \
	core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la $(SQLITE_LIBS) $(JSONC_LIBS)
check_PROGRAMS += %reldir%/fuzz_url
TESTS += %reldir%/fuzz_url
%canon_reldir%_fuzz_url_SOURCES = %reldir%/fuzz_url.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_url_LDADD = core/server/libserver.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_requests
TESTS += %reldir%/fuzz_requests
%canon_reldir%_fuzz_requests_SOURCES = %reldir%/fuzz_requests.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_requests_LDADD = core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la
check_PROGRAMS += %reldir%/fuzz_cors
TESTS += %reldir%/fuzz_cors
%canon_reldir%_fuzz_cors_SOURCES = %reldir%/fuzz_cors.c %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_cors_LDADD = core/server/libserver.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la
EXTRA_DIST += %reldir%/corpus/cors/all %reldir%/corpus/cors/preflight %reldir%/corpus/cors/stranger \
	%reldir%/corpus/requests/absolute %reldir%/corpus/requests/chunks %reldir%/corpus/requests/lengths \
	%reldir%/corpus/requests/pipeline %reldir%/corpus/requests/refused %reldir%/corpus/requests/smuggled \
	%reldir%/corpus/requests/trailer %reldir%/corpus/url/address %reldir%/corpus/url/encoded \
	%reldir%/corpus/url/refused %reldir%/corpus/url/whole
