# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libwire.la
%canon_reldir%_libwire_la_SOURCES = %reldir%/accept.c %reldir%/accept.h \
	%reldir%/http_body.c %reldir%/http_body.h %reldir%/http_head.c %reldir%/http_head.h \
	%reldir%/json_number.c %reldir%/json_number.h %reldir%/json_schema.c %reldir%/json_schema.h \
	%reldir%/json_write.c %reldir%/json_write.h %reldir%/masker.c %reldir%/masker.h \
	%reldir%/masker_keys.c %reldir%/masker_numbers.c %reldir%/masker_parts.h \
	%reldir%/masker_view.c %reldir%/prometheus.c %reldir%/prometheus.h %reldir%/secrets.c %reldir%/secrets.h \
	%reldir%/shell.c %reldir%/shell.h \
	%reldir%/traceparent.c %reldir%/traceparent.h %reldir%/url.c %reldir%/url.h
