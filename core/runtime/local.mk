# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libruntime.la
%canon_reldir%_libruntime_la_SOURCES = %reldir%/crash.c %reldir%/keeper.c %reldir%/listing.c \
	%reldir%/listing.h %reldir%/models.c %reldir%/order.c %reldir%/order.h \
	%reldir%/order_switch.c %reldir%/options.c %reldir%/options.h %reldir%/plugin_metrics.c \
	%reldir%/preset.c %reldir%/preset.h %reldir%/provider.c %reldir%/replace.c \
	%reldir%/reminder.c %reldir%/reminder.h %reldir%/runtime.c %reldir%/runtime.h \
	%reldir%/services.c %reldir%/subscribers.c %reldir%/state.h %reldir%/subject.c \
	%reldir%/subject.h %reldir%/switch.c %reldir%/watcher.c %reldir%/watcher.h \
	%reldir%/watchlist.c %reldir%/watchlist.h
