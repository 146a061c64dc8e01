# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libchat.la
%canon_reldir%_libchat_la_CPPFLAGS = $(AM_CPPFLAGS) $(JSONC_CFLAGS)
%canon_reldir%_libchat_la_SOURCES = \
	%reldir%/answer.c %reldir%/answer.h %reldir%/answer_repair.c %reldir%/answer_repair.h \
	%reldir%/arguments.c %reldir%/arguments.h \
	%reldir%/choice.c %reldir%/choice.h %reldir%/chunk.c %reldir%/chunk.h \
	%reldir%/collect.c %reldir%/collect.h %reldir%/collect_node.c %reldir%/collect_node.h \
	%reldir%/delta.c %reldir%/delta.h %reldir%/error_json.c %reldir%/error_json.h \
	%reldir%/excerpt.c %reldir%/excerpt.h \
	%reldir%/fold.c %reldir%/fold.h %reldir%/json_line.c %reldir%/json_line.h \
	%reldir%/message.c %reldir%/message.h \
	%reldir%/request.c %reldir%/request.h %reldir%/splice.c %reldir%/splice.h \
	%reldir%/stream.c %reldir%/stream.h %reldir%/stream_choice.c %reldir%/stream_choice.h \
	%reldir%/think.c %reldir%/think.h %reldir%/tool_calls.c %reldir%/tool_calls.h \
	%reldir%/usage.c %reldir%/usage.h %reldir%/vendor_error.c %reldir%/vendor_error.h
EXTRA_DIST += doc/streams.md
