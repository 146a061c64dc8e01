# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libclient.la
%canon_reldir%_libclient_la_SOURCES = %reldir%/client.c %reldir%/client.h
harboraiinclude_HEADERS += %reldir%/include/harborai/harborai.h
