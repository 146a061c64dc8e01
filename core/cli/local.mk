# SPDX-License-Identifier: MIT
bin_PROGRAMS += harborai
harborai_SOURCES = %reldir%/call_index.c %reldir%/call_index.h %reldir%/call_query.c \
	%reldir%/cmd_export.c %reldir%/export.c %reldir%/export.h %reldir%/export_value.c \
	%reldir%/export_value.h %reldir%/output_file.c %reldir%/output_file.h \
	%reldir%/log_follow.c %reldir%/log_follow.h %reldir%/log_id.c %reldir%/log_id.h \
	%reldir%/log_source.c %reldir%/log_source.h %reldir%/log_table.c %reldir%/log_table.h \
	%reldir%/stats_table.c %reldir%/stats_table.h %reldir%/stores.c %reldir%/stores.h \
	%reldir%/progress.c %reldir%/progress.h %reldir%/cmd_db_reindex.c \
	%reldir%/cmd_logs_show.c %reldir%/cmd_stats.c %reldir%/cmd_chat.c \
	%reldir%/cmd_complete.c %reldir%/cmd_completion.c %reldir%/cmd_config.c \
	%reldir%/cmd_db_verify.c %reldir%/cmd_db_drain.c %reldir%/cmd_db_status.c \
	%reldir%/cmd_key_create.c %reldir%/cmd_key_list.c %reldir%/cmd_key_revoke.c \
	%reldir%/key_show.c %reldir%/key_show.h %reldir%/cmd_init_db.c \
	%reldir%/cmd_interactive.c %reldir%/cmd_list_models.c %reldir%/cmd_list_plugins.c \
	%reldir%/cmd_logs.c %reldir%/cmd_plugin_doctor.c %reldir%/cmd_plugin_info.c \
	%reldir%/cmd_plugin_install.c %reldir%/cmd_plugin_lock.c %reldir%/cmd_plugin_reload.c \
	%reldir%/cmd_plugin_remove.c %reldir%/cmd_plugin_switch.c %reldir%/cmd_serve.c \
	%reldir%/command.c %reldir%/command.h %reldir%/command_list.c %reldir%/conflicts.c \
	%reldir%/conflicts.h %reldir%/conversation.c %reldir%/conversation.h %reldir%/database.c \
	%reldir%/database.h %reldir%/database_state.c %reldir%/database_state.h %reldir%/fatal.c \
	%reldir%/fatal.h %reldir%/findings.c %reldir%/findings.h %reldir%/gateway.c \
	%reldir%/gateway.h %reldir%/gateway_table.c %reldir%/input.c %reldir%/input.h \
	%reldir%/main.c %reldir%/plugins.c %reldir%/plugins.h %reldir%/service.c \
	%reldir%/service.h %reldir%/setup.c %reldir%/setup.h %reldir%/table.c %reldir%/signals.c \
	%reldir%/signals.h %reldir%/table.h %reldir%/talk.c %reldir%/talk.h %reldir%/core_dump.c \
	%reldir%/core_dump.h %reldir%/terminal.c %reldir%/terminal.h %reldir%/verify_tokens.c \
	%reldir%/verify_tokens.h %reldir%/descriptors.c %reldir%/descriptors.h \
	%reldir%/gnutls.c %reldir%/gnutls.h
# Excel, unless it is built --without-xlsx.
if XLSX
harborai_SOURCES += %reldir%/export_xlsx.c
else
harborai_SOURCES += %reldir%/export_no_xlsx.c
endif
harborai_CPPFLAGS = $(AM_CPPFLAGS) $(EDIT_CFLAGS) $(XLSX_CFLAGS) -DPLUGINDIR='"$(plugindir)"'
harborai_LDFLAGS = $(AM_LDFLAGS) -Wl,--export-dynamic-symbol=_gnutls_global_init_skip
harborai_LDADD = core/server/libserver.la core/client/libclient.la core/store/libpostgres.la \
	core/store/libdrain.la $(builtin_library) $(client_rooms) $(client_libs) $(SQLITE_LIBS) \
	$(PQ_LIBS) $(EDIT_LIBS) $(XLSX_LIBS) $(BUILTIN_LINK)
EXTRA_harborai_DEPENDENCIES = $(BUILTIN_MODULES)
EXTRA_DIST += doc/commands.md doc/export.md
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %reldir%/completion/harborai
dist_man_MANS = doc/man/harborai.1 doc/man/harborai.5 doc/man/harborai-view-logs.1

# The forebears' name for 'harborai logs': main.c goes by what it is called.
all-local: harborai-view-logs
harborai-view-logs: harborai$(EXEEXT)
	$(AM_V_GEN)rm -f $@ && $(LN_S) harborai$(EXEEXT) $@
CLEANFILES += harborai-view-logs
install-exec-local:
	$(MKDIR_P) "$(DESTDIR)$(bindir)" && cd "$(DESTDIR)$(bindir)" && rm -f harborai-view-logs && \
		$(LN_S) `echo harborai | sed '$(transform)'`$(EXEEXT) harborai-view-logs
uninstall-local:
	rm -f "$(DESTDIR)$(bindir)/harborai-view-logs"
EXTRA_DIST += doc/man/generate-settings
