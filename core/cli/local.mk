# SPDX-License-Identifier: MIT
bin_PROGRAMS += harborai
harborai_SOURCES = \
	%reldir%/cmd_chat.c %reldir%/cmd_config.c %reldir%/cmd_list_models.c %reldir%/cmd_list_plugins.c \
	%reldir%/cmd_serve.c %reldir%/command.c %reldir%/command.h %reldir%/main.c %reldir%/setup.c %reldir%/setup.h \
	%reldir%/table.c %reldir%/table.h
harborai_CPPFLAGS = $(AM_CPPFLAGS) -DPLUGINDIR='"$(plugindir)"'
harborai_LDADD = core/server/libserver.la core/client/libclient.la core/runtime/libruntime.la \
	core/engine/libengine.la core/transport/libtransport.la core/registry/libregistry.la \
	core/plugin/libplugin.la core/observe/libobserve.la core/store/libstore.la \
	core/account/libaccount.la core/record/librecord.la pricing/libpricing.la core/chat/libchat.la \
	core/config/libconfig.la core/loop/libloop.la core/wire/libwire.la plugin-sdk/lib/libsdk.la \
	core/base/libbase.la $(CURL_LIBS) $(OPENSSL_LIBS) $(JSONC_LIBS) $(YAML_LIBS) $(ELF_LIBS)
EXTRA_DIST += doc/commands.md
