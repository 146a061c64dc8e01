# SPDX-License-Identifier: MIT
harboraiincludedir = $(includedir)/harborai
harboraiinclude_HEADERS = \
	%reldir%/include/harborai/types.h \
	%reldir%/include/harborai/plugin.h
pkgconfig_DATA += %reldir%/harborai-plugin.pc
include plugin-sdk/lib/local.mk
