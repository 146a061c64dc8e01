# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_transport
TESTS += %reldir%/check_transport
%canon_reldir%_check_transport_SOURCES = \
	%reldir%/caller.c %reldir%/caller.h %reldir%/check_transport.c %reldir%/names.c \
	%reldir%/names.h %reldir%/peer.c %reldir%/peer.h %reldir%/plain.c %reldir%/plain.h \
	%reldir%/test_exchange.c %reldir%/test_exchange_bodies.c %reldir%/test_exchange_faults.c \
	%reldir%/test_exchange_limits.c %reldir%/test_local_ask.c %reldir%/test_names.c \
	%reldir%/test_tls.c
%canon_reldir%_check_transport_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) $(OPENSSL_CFLAGS)
%canon_reldir%_check_transport_LDADD = core/transport/libtransport.la core/wire/libwire.la \
	core/loop/libloop.la core/base/libbase.la $(CUNIT_LIBS) $(OPENSSL_LIBS)
