# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_chat
TESTS += %reldir%/check_chat
%canon_reldir%_check_chat_SOURCES = \
	%reldir%/check_chat.c %reldir%/delta_rows.h %reldir%/test_answer.c %reldir%/test_arguments.c \
	%reldir%/test_chunk.c \
	%reldir%/test_collect.c %reldir%/test_error.c %reldir%/test_excerpt.c %reldir%/test_fold.c %reldir%/test_repair.c \
	%reldir%/test_request.c \
	%reldir%/test_stream.c %reldir%/test_usage.c
%canon_reldir%_check_chat_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_chat_LDADD = core/chat/libchat.la core/wire/libwire.la \
	plugin-sdk/lib/libsdk.la core/base/libbase.la $(JSONC_LIBS) $(CUNIT_LIBS)
