# SPDX-License-Identifier: MIT
# The room, and libharborai: all rooms that it needs in one shared library behind harborai.h.
noinst_LTLIBRARIES += %reldir%/libclient.la
%canon_reldir%_libclient_la_SOURCES = \
	%reldir%/ask.c %reldir%/ask.h %reldir%/body.c %reldir%/chat.c %reldir%/check.c %reldir%/client.c %reldir%/client.h \
	%reldir%/dispatch.c %reldir%/outcome.c %reldir%/outcome.h %reldir%/piece.c %reldir%/reply.c \
	%reldir%/roster.c %reldir%/sink.c %reldir%/sink.h %reldir%/stats.c %reldir%/totals.c %reldir%/totals.h \
	%reldir%/turn.c %reldir%/wish.c
%canon_reldir%_libclient_la_CPPFLAGS = $(AM_CPPFLAGS) -DPLUGINDIR='"$(plugindir)"'

lib_LTLIBRARIES += libharborai.la
libharborai_la_SOURCES =
libharborai_la_LIBADD = core/client/libclient.la $(client_rooms) $(client_libs)
# current:revision:age, as libtool has them: the soname is libharborai.so.0 until 1.0.
libharborai_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(srcdir)/%reldir%/harborai.map
EXTRA_libharborai_la_DEPENDENCIES = %reldir%/harborai.map
EXTRA_DIST += %reldir%/harborai.map doc/library.md

# The rooms below the client, from the highest to the lowest, and what they need of the system.
client_rooms = core/runtime/libruntime.la \
	core/engine/libengine.la core/transport/libtransport.la core/registry/libregistry.la \
	core/plugin/libplugin.la core/observe/libobserve.la core/store/libstore.la \
	core/account/libaccount.la core/record/librecord.la pricing/libpricing.la core/chat/libchat.la \
	core/config/libconfig.la core/loop/libloop.la core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la
client_libs = $(CURL_LIBS) $(OPENSSL_LIBS) $(JSONC_LIBS) $(YAML_LIBS) $(ELF_LIBS) $(ZSTD_LIBS)

harboraiinclude_HEADERS += %reldir%/include/harborai/harborai.h
pkgconfig_DATA += %reldir%/harborai.pc
