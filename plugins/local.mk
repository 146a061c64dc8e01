# SPDX-License-Identifier: MIT
# Ours, built as a third party builds theirs: against plugin-sdk/ alone.
plugin_LTLIBRARIES += %reldir%/openai/openai.la
%canon_reldir%_openai_openai_la_SOURCES = %reldir%/openai/openai.c \
	%reldir%/openai/prices.h plugin-sdk/lib/price_table.c plugin-sdk/lib/price_table.h
%canon_reldir%_openai_openai_la_LDFLAGS = $(module_link_flags)

# The table ships in the tarball and is made again when the book changes.
BUILT_SOURCES += %reldir%/openai/prices.h
MAINTAINERCLEANFILES += %reldir%/openai/prices.h
%reldir%/openai/prices.h: pricing/books/openai.json pricing/generate
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(PYTHON3) $(srcdir)/pricing/generate $(srcdir)/pricing/books/openai.json >$@.tmp && \
	mv -f $@.tmp $@
%reldir%/openai/openai.lo: %reldir%/openai/prices.h
