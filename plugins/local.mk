# SPDX-License-Identifier: MIT
# Ours, built as a third party builds theirs: against plugin-sdk/ alone.
plugin_LTLIBRARIES += %reldir%/anthropic/anthropic.la %reldir%/deepseek/deepseek.la \
	%reldir%/doubao/doubao.la %reldir%/openai/openai.la %reldir%/wenxin/wenxin.la
include plugins/anthropic/local.mk
%canon_reldir%_deepseek_deepseek_la_SOURCES = %reldir%/deepseek/deepseek.c \
	%reldir%/deepseek/prices.h $(dialect_sources) \
	plugin-sdk/lib/replayed.c plugin-sdk/lib/replayed.h
%canon_reldir%_deepseek_deepseek_la_LDFLAGS = $(module_link_flags)
%canon_reldir%_doubao_doubao_la_SOURCES = %reldir%/doubao/doubao.c \
	%reldir%/doubao/prices.h $(dialect_sources)
%canon_reldir%_doubao_doubao_la_LDFLAGS = $(module_link_flags)
%canon_reldir%_openai_openai_la_SOURCES = \
	%reldir%/openai/models.c %reldir%/openai/models.h %reldir%/openai/openai.c \
	%reldir%/openai/options.c %reldir%/openai/options.h %reldir%/openai/presets.h \
	%reldir%/openai/prices.h %reldir%/openai/request.c %reldir%/openai/request.h \
	plugin-sdk/lib/chat_edits.c plugin-sdk/lib/chat_edits.h \
	plugin-sdk/lib/error_rules.c plugin-sdk/lib/error_rules.h \
	plugin-sdk/lib/reasoning_request.c plugin-sdk/lib/reasoning_request.h \
	plugin-sdk/lib/replayed.c plugin-sdk/lib/replayed.h $(openai_chat_sources)
%canon_reldir%_openai_openai_la_LDFLAGS = $(module_link_flags)
%canon_reldir%_wenxin_wenxin_la_SOURCES = %reldir%/wenxin/wenxin.c \
	%reldir%/wenxin/prices.h $(dialect_sources)
%canon_reldir%_wenxin_wenxin_la_LDFLAGS = $(module_link_flags)

# Of plugins for a vendor with OpenAI's API, and with words of its own in it.
openai_chat_sources = plugin-sdk/lib/openai_chat.c plugin-sdk/lib/openai_chat.h \
	plugin-sdk/lib/json_scan.c plugin-sdk/lib/json_scan.h \
	plugin-sdk/lib/json_value.c plugin-sdk/lib/json_value.h plugin-sdk/lib/json_word.h \
	plugin-sdk/lib/openai_usage.c plugin-sdk/lib/openai_usage.h \
	plugin-sdk/lib/price_table.c plugin-sdk/lib/price_table.h
dialect_sources = $(openai_chat_sources) \
	plugin-sdk/lib/chat_edits.c plugin-sdk/lib/chat_edits.h \
	plugin-sdk/lib/error_rules.c plugin-sdk/lib/error_rules.h \
	plugin-sdk/lib/reasoning_request.c plugin-sdk/lib/reasoning_request.h

# The tables ship in the tarball and are made again when a book changes.
price_tables = %reldir%/anthropic/prices.h %reldir%/deepseek/prices.h \
	%reldir%/doubao/prices.h %reldir%/openai/prices.h %reldir%/wenxin/prices.h
BUILT_SOURCES += $(price_tables)
EXTRA_DIST += $(price_tables)
MAINTAINERCLEANFILES += $(price_tables)
$(price_tables): %reldir%/%/prices.h: pricing/books/%.json pricing/generate
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(PYTHON3) $(srcdir)/pricing/generate $(srcdir)/pricing/books/$*.json >$@.tmp && \
	mv -f $@.tmp $@
%reldir%/anthropic/anthropic.lo: %reldir%/anthropic/prices.h
%reldir%/deepseek/deepseek.lo: %reldir%/deepseek/prices.h
%reldir%/doubao/doubao.lo: %reldir%/doubao/prices.h
%reldir%/openai/openai.lo: %reldir%/openai/prices.h %reldir%/openai/presets.h
%reldir%/wenxin/wenxin.lo: %reldir%/wenxin/prices.h

openai_presets = %reldir%/openai/presets.h
BUILT_SOURCES += $(openai_presets)
EXTRA_DIST += $(openai_presets) %reldir%/openai/generate-presets %reldir%/openai/presets.json
MAINTAINERCLEANFILES += $(openai_presets)
%reldir%/openai/presets.h: %reldir%/openai/presets.json %reldir%/openai/generate-presets
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(PYTHON3) $(srcdir)/%reldir%/openai/generate-presets $(srcdir)/%reldir%/openai/presets.json \
	    >$@.tmp && mv -f $@.tmp $@

# Plugins that are linked into harborai, by --with-builtin-plugins: of the same objects.
make_builtin = $(AM_V_GEN)LIBTOOL='$(LIBTOOL) --silent --tag=CC' CC='$(CC)' \
	OBJCOPY='$(OBJCOPY)' AR='$(AR)' $(SHELL) $(srcdir)/%reldir%/make-builtin $@
%reldir%/builtin/anthropic.la: $(plugins_anthropic_anthropic_la_OBJECTS) %reldir%/make-builtin
	$(make_builtin) $(plugins_anthropic_anthropic_la_OBJECTS)
%reldir%/builtin/deepseek.la: $(plugins_deepseek_deepseek_la_OBJECTS) %reldir%/make-builtin
	$(make_builtin) $(plugins_deepseek_deepseek_la_OBJECTS)
%reldir%/builtin/doubao.la: $(plugins_doubao_doubao_la_OBJECTS) %reldir%/make-builtin
	$(make_builtin) $(plugins_doubao_doubao_la_OBJECTS)
%reldir%/builtin/openai.la: $(plugins_openai_openai_la_OBJECTS) %reldir%/make-builtin
	$(make_builtin) $(plugins_openai_openai_la_OBJECTS)
%reldir%/builtin/wenxin.la: $(plugins_wenxin_wenxin_la_OBJECTS) %reldir%/make-builtin
	$(make_builtin) $(plugins_wenxin_wenxin_la_OBJECTS)
CLEANFILES += %reldir%/builtin/*.la %reldir%/builtin/*.o \
	%reldir%/builtin/.libs/*
EXTRA_DIST += %reldir%/make-builtin
EXTRA_DIST += doc/providers/anthropic.md doc/providers/compatible.md doc/providers/deepseek.md \
	doc/providers/doubao.md doc/providers/openai.md doc/providers/wenxin.md

# libtool's .la files are of no use beside plugins, which are found by their manifests. Without them
# `libtool --mode=uninstall` does not know of the .so. What is built in goes as well: a file would be
# taken before it, also one of another version.
install-data-hook:
	@for la in $(plugin_LTLIBRARIES); do rm -f "$(DESTDIR)$(plugindir)/$${la##*/}"; done
	@for name in $(BUILTIN_PLUGINS); do rm -f "$(DESTDIR)$(plugindir)/$$name.so"; done
uninstall-hook:
	@for la in $(plugin_LTLIBRARIES); do \
	    la=$${la##*/}; rm -f "$(DESTDIR)$(plugindir)/$${la%.la}.so"; \
	done
