# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += %reldir%/libpricing.la
%canon_reldir%_libpricing_la_SOURCES = \
	%reldir%/money.c %reldir%/money.h %reldir%/tariff.c %reldir%/tariff.h
EXTRA_DIST += %reldir%/compare %reldir%/generate %reldir%/books/anthropic.json %reldir%/books/deepseek.json \
	%reldir%/books/doubao.json %reldir%/books/openai.json %reldir%/books/wenxin.json
