# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libtransport.la
%canon_reldir%_libtransport_la_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(OPENSSL_CFLAGS)
%canon_reldir%_libtransport_la_LIBADD = $(CURL_LIBS) $(OPENSSL_LIBS)
%canon_reldir%_libtransport_la_SOURCES = \
	%reldir%/connect.c %reldir%/connect.h %reldir%/connect_explain.c \
	%reldir%/connection.c %reldir%/connection.h %reldir%/curl_loop.c %reldir%/curl_loop.h \
	%reldir%/exchange.c %reldir%/exchange.h %reldir%/exchange_io.h \
	%reldir%/exchange_read.c %reldir%/exchange_send.c \
	%reldir%/http_wait.c %reldir%/http_wait.h %reldir%/local_ask.c %reldir%/local_ask.h %reldir%/pool.c %reldir%/pool.h \
	%reldir%/proxy.c %reldir%/proxy.h %reldir%/resolver.c %reldir%/resolver.h \
	%reldir%/tls_store.c %reldir%/tls_store.h %reldir%/transport.c %reldir%/transport.h \
	%reldir%/waiter.c %reldir%/waiter.h
