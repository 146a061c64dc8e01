# SPDX-License-Identifier: MIT
check_PROGRAMS += %reldir%/check_account
TESTS += %reldir%/check_account
%canon_reldir%_check_account_SOURCES = %reldir%/check_account.c %reldir%/test_cost.c \
	%reldir%/test_keys.c %reldir%/test_rate_limit.c
%canon_reldir%_check_account_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_check_account_LDADD = core/account/libaccount.la pricing/libpricing.la \
	core/wire/libwire.la plugin-sdk/lib/libsdk.la core/base/libbase.la $(CUNIT_LIBS)
