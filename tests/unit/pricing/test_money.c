/* SPDX-License-Identifier: MIT */
#include "pricing/money.h"

#include "../unit.h"

extern const CU_TestInfo money_tests[];

static void test_print(void)
{
    static const struct row {
        int64_t pico;
        const char *text;
    } rows[] = {
        {540013821500, "0.5400138215"},
        {0, "0"},
        {1, "0.000000000001"},
        {MONEY_PICO, "1"},
        {10 * MONEY_PICO, "10"},
        {1500000000000, "1.5"},
        {-14500, "-0.0000000145"},
        {INT64_MAX, "9223372.036854775807"},
        {INT64_MIN, "-9223372.036854775808"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[MONEY_TEXT];
        size_t len = money_print(rows[i].pico, text);
        ROW(rows[i].text, strcmp(text, rows[i].text) == 0 && len == strlen(text));
    }
}

static void test_currency(void)
{
    static const struct row {
        const char *text, *want; /* want NULL: refused */
    } rows[] = {{"USD", "USD"}, {"CNY", "CNY"}, {"RMB", "CNY"}, {"usd", NULL},
                {"US", NULL},   {"USDT", NULL}, {"", NULL},     {"U\nD", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char code[8] = "?";
        harborai_status st = money_currency(slice_of(rows[i].text), code, NULL);
        ROW(rows[i].text, (st == HARBORAI_OK) == (rows[i].want != NULL));
        ROW(rows[i].text, strcmp(code, rows[i].want != NULL ? rows[i].want : "?") == 0);
    }
}

const CU_TestInfo money_tests[] = {{"print", test_print},
                                   {"currency", test_currency},
                                   CU_TEST_INFO_NULL};
