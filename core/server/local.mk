# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libserver.la
%canon_reldir%_libserver_la_SOURCES = %reldir%/acceptor.c %reldir%/acceptor.h %reldir%/api.h \
	%reldir%/api_chat.c %reldir%/api_health.c %reldir%/api_keys.c %reldir%/api_logs.c \
	%reldir%/api_metrics.c %reldir%/api_models.c %reldir%/api_options.c \
	%reldir%/api_plugins.c %reldir%/api_root.c %reldir%/api_stats.c %reldir%/auth.c \
	%reldir%/auth.h %reldir%/budget.c %reldir%/budget.h %reldir%/conn.c %reldir%/conn.h \
	%reldir%/conn_io.h %reldir%/conn_limit.c %reldir%/conn_limit.h %reldir%/conn_read.c \
	%reldir%/conn_tls.c %reldir%/conn_write.c %reldir%/control.c %reldir%/control.h \
	%reldir%/cors.c %reldir%/cors.h %reldir%/cost_json.c %reldir%/cost_json.h \
	%reldir%/drains.c %reldir%/drains.h %reldir%/extras.c %reldir%/extras.h \
	%reldir%/fd_pass.c %reldir%/fd_pass.h %reldir%/gate.c %reldir%/gate.h \
	%reldir%/handover.c %reldir%/handover.h %reldir%/health.c %reldir%/health.h \
	%reldir%/listener.c %reldir%/listener.h %reldir%/listener_offer.c \
	%reldir%/listener_tcp.c %reldir%/listener_unix.c %reldir%/logs_desk.c \
	%reldir%/logs_desk.h %reldir%/logs_json.c %reldir%/logs_json.h %reldir%/logs_query.c \
	%reldir%/logs_query.h %reldir%/percent.c %reldir%/percent.h %reldir%/ping.c \
	%reldir%/ping.h %reldir%/plugins_json.c %reldir%/plugins_json.h %reldir%/reply.c \
	%reldir%/reply.h %reldir%/router.c %reldir%/router.h %reldir%/self_metrics.c \
	%reldir%/self_metrics.h %reldir%/server.c %reldir%/server.h %reldir%/site.c %reldir%/site.h %reldir%/takeover.c \
	%reldir%/takeover.h %reldir%/tls.c %reldir%/tls.h %reldir%/tls_pair.c \
	%reldir%/tls_pair.h
EXTRA_DIST += doc/http.md
