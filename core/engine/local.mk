# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libengine.la
%canon_reldir%_libengine_la_SOURCES = %reldir%/answer.c %reldir%/attempt.c %reldir%/call.c \
	%reldir%/call.h %reldir%/callback.h %reldir%/changes.c %reldir%/charge.c %reldir%/commit.c %reldir%/content.c \
	%reldir%/engine.c %reldir%/engine.h %reldir%/host_call.c %reldir%/http_start.c %reldir%/leave.c \
	%reldir%/mail.c %reldir%/output.c %reldir%/output_json.c %reldir%/passthrough.c %reldir%/phase.c %reldir%/phase.h \
	%reldir%/policy.c %reldir%/replay_call.c %reldir%/replay_call.h \
	%reldir%/replay_give.c %reldir%/replay_keep.c %reldir%/replay_store.c \
	%reldir%/replay_store.h %reldir%/route.c %reldir%/state.h %reldir%/take.c %reldir%/target.h \
	%reldir%/usage_check.c %reldir%/unsupported.c
