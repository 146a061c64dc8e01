# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libtransport.la
%canon_reldir%_libtransport_la_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(OPENSSL_CFLAGS)
%canon_reldir%_libtransport_la_LIBADD = $(CURL_LIBS) $(OPENSSL_LIBS)
%canon_reldir%_libtransport_la_SOURCES = \
	%reldir%/http_wait.c %reldir%/http_wait.h %reldir%/proxy.c %reldir%/proxy.h \
	%reldir%/resolver.c %reldir%/resolver.h %reldir%/tls_store.c %reldir%/tls_store.h \
	%reldir%/transport.h %reldir%/url.c %reldir%/url.h %reldir%/waiter.c %reldir%/waiter.h
