# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_pricing
TESTS += %reldir%/check_pricing %reldir%/check_generate %reldir%/check_compare
EXTRA_DIST += %reldir%/check_generate %reldir%/check_compare
%canon_reldir%_check_pricing_SOURCES = %reldir%/check_pricing.c \
	%reldir%/test_money.c %reldir%/test_price_table.c %reldir%/test_tariff.c \
	plugin-sdk/lib/price_table.c
%canon_reldir%_check_pricing_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_pricing_LDADD = pricing/libpricing.la core/base/libbase.la $(CUNIT_LIBS)
