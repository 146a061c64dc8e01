# SPDX-License-Identifier: MIT
# Helpers that are compiled into a plugin, and used by core/wire and the rooms above it.
noinst_LTLIBRARIES += %reldir%/libsdk.la
%canon_reldir%_libsdk_la_SOURCES = \
	%reldir%/chat_edits.c %reldir%/chat_edits.h \
	%reldir%/error_rules.c %reldir%/error_rules.h \
	%reldir%/held.c %reldir%/held.h \
	%reldir%/json_edit.c %reldir%/json_edit.h \
	%reldir%/json_out.c %reldir%/json_out.h \
	%reldir%/json_scan.c %reldir%/json_scan.h \
	%reldir%/json_value.c %reldir%/json_value.h %reldir%/json_word.h \
	%reldir%/lines.c %reldir%/lines.h \
	%reldir%/openai_usage.c %reldir%/openai_usage.h \
	%reldir%/reasoning_request.c %reldir%/reasoning_request.h \
	%reldir%/replayed.c %reldir%/replayed.h \
	%reldir%/sse.c %reldir%/sse.h

# For plugins outside of this tree: the sources, since a plugin links with nothing of ours.
sdkdir = $(datadir)/harborai/plugin-sdk
sdk_DATA = $(%canon_reldir%_libsdk_la_SOURCES) %reldir%/README.md \
	%reldir%/openai_chat.c %reldir%/openai_chat.h %reldir%/price_table.c %reldir%/price_table.h
EXTRA_DIST += $(sdk_DATA)
