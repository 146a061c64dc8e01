# SPDX-License-Identifier: MIT
# All of the plugin: its tests are built from the same files.
anthropic_sources = %reldir%/anthropic.c %reldir%/blocks.c %reldir%/blocks.h %reldir%/body.h \
	%reldir%/errors.c %reldir%/errors.h %reldir%/events.c %reldir%/events.h \
	%reldir%/models.c %reldir%/models.h %reldir%/request.c %reldir%/request.h \
	%reldir%/request_messages.c %reldir%/request_options.c %reldir%/request_parts.c \
	%reldir%/request_tools.c %reldir%/settings.c %reldir%/settings.h \
	%reldir%/thinking.c %reldir%/thinking.h %reldir%/usage.c %reldir%/usage.h
%canon_reldir%_anthropic_la_SOURCES = $(anthropic_sources) %reldir%/prices.h \
	plugin-sdk/lib/error_rules.c plugin-sdk/lib/error_rules.h \
	plugin-sdk/lib/json_out.c plugin-sdk/lib/json_out.h \
	plugin-sdk/lib/json_scan.c plugin-sdk/lib/json_scan.h \
	plugin-sdk/lib/json_value.c plugin-sdk/lib/json_value.h plugin-sdk/lib/json_word.h \
	plugin-sdk/lib/price_table.c plugin-sdk/lib/price_table.h
%canon_reldir%_anthropic_la_LDFLAGS = $(module_link_flags)
