# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_pricing
TESTS += %reldir%/check_pricing
%canon_reldir%_check_pricing_SOURCES = %reldir%/check_pricing.c \
	%reldir%/test_money.c %reldir%/test_tariff.c
%canon_reldir%_check_pricing_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_pricing_LDADD = pricing/libpricing.la core/base/libbase.la $(CUNIT_LIBS)
