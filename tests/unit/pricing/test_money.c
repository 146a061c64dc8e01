/* SPDX-License-Identifier: MIT */
#include "pricing/money.h"

#include "../unit.h"

extern const CU_TestInfo money_tests[];

static void test_parse(void)
{
    static const struct row {
        const char *text;
        int64_t units, pico; /* pico < 0: refused */
        const char *message;
    } rows[] = {
        {"0.0145", MONEY_PER_MILLION, 14500, NULL},
        {"2.50", MONEY_PER_MILLION, 2500000, NULL},
        {"0.003625", MONEY_PER_MILLION, 3625, NULL},
        {"0.000001", MONEY_PER_MILLION, 1, NULL},
        {"0.0000010000", MONEY_PER_MILLION, 1, NULL},
        {"0.0000001", MONEY_PER_MILLION, -1, "finer than 10^-12"},
        {"0.0000015", MONEY_PER_MILLION, -1, "finer"},
        {"0.025", MONEY_PER_TOKEN, 25000000000, NULL},
        {"0", MONEY_PER_MILLION, 0, NULL},
        {"000", MONEY_PER_TOKEN, 0, NULL},
        {"0.000000000000000000000000000000000000000000000", MONEY_PER_TOKEN, 0, NULL},
        {"00000000000000000000000000000000000000000000001", MONEY_PER_TOKEN, MONEY_PICO, NULL},
        {"600", MONEY_PER_MILLION, 600000000, NULL},
        {"9223372.036854775807", MONEY_PER_TOKEN, INT64_MAX, NULL},
        {"9223372.036854775808", MONEY_PER_TOKEN, -1, "too large"},
        {"9223372036854.775807", MONEY_PER_MILLION, INT64_MAX, NULL},
        {"9223372036854.775808", MONEY_PER_MILLION, -1, "too large"},
        {"0.0000000000000000000000000000000000001", MONEY_PER_TOKEN, -1, "finer"},
        {"99999999999999999999999999999999999999", MONEY_PER_TOKEN, -1, "not a decimal"},
        {"9999999999999999999999999999999999999", MONEY_PER_TOKEN, -1, "too large"},
        {"", MONEY_PER_TOKEN, -1, "not a decimal"},
        {".5", MONEY_PER_TOKEN, -1, "not a decimal"},
        {"5.", MONEY_PER_TOKEN, -1, "not a decimal"},
        {".", MONEY_PER_TOKEN, -1, "not a decimal"},
        {"-1", MONEY_PER_TOKEN, -1, "not a decimal"},
        {"+1", MONEY_PER_TOKEN, -1, "not a decimal"},
        {"1e-6", MONEY_PER_TOKEN, -1, "not a decimal"},
        {"1,5", MONEY_PER_TOKEN, -1, "not a decimal"},
        {"1.2.3", MONEY_PER_TOKEN, -1, "not a decimal"},
        {" 1", MONEY_PER_TOKEN, -1, "not a decimal"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        int64_t pico = -1;
        harborai_status st = money_parse(slice_of(rows[i].text), rows[i].units, &pico, &error);
        ROW(rows[i].text, pico == rows[i].pico);
        ROW(rows[i].text, st == (rows[i].message == NULL ? HARBORAI_OK : HARBORAI_E_INVALID));
        ROW(rows[i].text,
            rows[i].message == NULL || strstr(error.message, rows[i].message) != NULL);
    }
}

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
        int64_t again;
        if (rows[i].pico >= 0) {
            ROW(rows[i].text,
                money_parse(slice_of(text), MONEY_PER_TOKEN, &again, NULL) == HARBORAI_OK &&
                    again == rows[i].pico);
        }
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

const CU_TestInfo money_tests[] = {{"parse", test_parse},
                                   {"print", test_print},
                                   {"currency", test_currency},
                                   CU_TEST_INFO_NULL};
