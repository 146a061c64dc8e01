# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libruntime.la
%canon_reldir%_libruntime_la_SOURCES = %reldir%/crash.c %reldir%/crash_subject.c \
	%reldir%/crash_subject.h %reldir%/key_watch.c %reldir%/key_watch.h %reldir%/keeper.c %reldir%/kept.c %reldir%/listing.c \
	%reldir%/listing.h %reldir%/models.c %reldir%/options.c %reldir%/options.h %reldir%/order.c \
	%reldir%/order.h %reldir%/order_switch.c %reldir%/plugin_metrics.c %reldir%/prepare.c \
	%reldir%/preset.c %reldir%/preset.h %reldir%/provider.c %reldir%/refused.c \
	%reldir%/reminder.c %reldir%/reminder.h %reldir%/removals.c %reldir%/replace.c \
	%reldir%/runtime.c %reldir%/runtime.h %reldir%/secrets.c %reldir%/segments.c %reldir%/services.c \
	%reldir%/state.h %reldir%/subject.c %reldir%/subject.h %reldir%/subscribers.c \
	%reldir%/switch.c %reldir%/wanted.c %reldir%/wanted.h %reldir%/watcher.c %reldir%/watcher.h \
	%reldir%/watchlist.c %reldir%/watchlist.h
