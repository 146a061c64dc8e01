# SPDX-License-Identifier: MIT
# Built where it stands and not installed: -rpath makes libtool build a module all the same.
noinst_LTLIBRARIES += %reldir%/echo.la
%canon_reldir%_echo_la_SOURCES = %reldir%/echo.c
%canon_reldir%_echo_la_LDFLAGS = $(module_link_flags) -rpath $(abs_top_builddir)/%reldir%
%canon_reldir%_echo_la_LIBADD = plugin-sdk/lib/libsdk.la
