/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "config/value.h"

extern const CU_TestInfo value_tests[];

struct row {
    const char *text;
    int64_t want; /* -1 = refused */
    const char *back;
};

static void test_durations(void)
{
    static const struct row rows[] = {
        {"10", 10000, "10s"},     {"500ms", 500, "500ms"}, {"10s", 10000, "10s"},
        {"2m", 120000, "2m"},     {"1.5m", 90000, "90s"},  {"1h", 3600000, "1h"},
        {"0", 0, "0s"},           {"0.25", 250, "250ms"},  {"90 s", 90000, "90s"},
        {"0.5ms", -1, NULL},      {"", -1, NULL},          {"s", -1, NULL},
        {"-1s", -1, NULL},        {"1 week", -1, NULL},    {"1.s", -1, NULL},
        {".5s", -1, NULL},        {"1.2.3", -1, NULL},     {"1S", -1, NULL},
        {"0.0000001", -1, NULL},  {"9223372036854775807", -1, NULL},
        {"99999999999999999999h", -1, NULL}, {"2562047788014h", 9223372036850400000, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = -1;
        char back[32] = "";
        ROW(rows[i].text, value_parse_duration_ms(slice_of(rows[i].text), &value) ==
                              (rows[i].want >= 0));
        ROW(rows[i].text, value == rows[i].want);
        if (rows[i].back == NULL)
            continue;
        value_format_duration_ms(value, back, sizeof back);
        ROW(rows[i].text, strcmp(back, rows[i].back) == 0);
    }
}

static void test_sizes(void)
{
    static const struct row rows[] = {
        {"32MiB", 32 << 20, "32MiB"}, {"64 KiB", 64 << 10, "64KiB"}, {"1GiB", 1 << 30, "1GiB"},
        {"1000", 1000, "1000B"},      {"1.5KiB", 1536, "1536B"},     {"7B", 7, "7B"},
        {"0", 0, "0B"},               {"32MB", -1, NULL},            {"32M", -1, NULL},
        {"0.3KiB", -1, NULL},         {"", -1, NULL},                {"9999999999GiB", -1, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = -1;
        char back[32] = "";
        ROW(rows[i].text, value_parse_size(slice_of(rows[i].text), &value) == (rows[i].want >= 0));
        ROW(rows[i].text, value == rows[i].want);
        if (rows[i].back == NULL)
            continue;
        value_format_size(value, back, sizeof back);
        ROW(rows[i].text, strcmp(back, rows[i].back) == 0);
    }
}

const CU_TestInfo value_tests[] = {
    {"durations", test_durations}, {"sizes", test_sizes}, CU_TEST_INFO_NULL};
