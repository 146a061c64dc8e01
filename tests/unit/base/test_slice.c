/* SPDX-License-Identifier: MIT */
#include "base/slice.h"

#include "../unit.h"
#include "base/attr.h"

extern const CU_TestInfo slice_tests[];

static void test_glob(void)
{
    static const struct row {
        const char *text, *pattern;
        bool want;
    } rows[] = {
        {"gpt-4o", "gpt-4o", true},   {"gpt-4o", "gpt-*", true},     {"gpt-4o", "*", true},
        {"", "*", true},              {"", "", true},                {"gpt-4o", "", false},
        {"gpt-4o", "gpt", false},     {"ft:a:b:c", "ft:*:c", true},  {"ft:a:b:d", "ft:*:c", false},
        {"aaab", "*a*b", true},       {"aaac", "*a*b", false},       {"a", "a**", true},
        {"abcabc", "*abc", true},     {"mississippi", "m*iss*pi", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW(rows[i].pattern,
            slice_matches_glob(slice_of(rows[i].text), slice_of(rows[i].pattern)) == rows[i].want);
}

static void test_distance(void)
{
    static const struct row {
        const char *a, *b;
        unsigned want;
    } rows[] = {
        {"model", "model", 0}, {"modle", "model", 1}, {"mdel", "model", 1}, {"modell", "model", 1},
        {"nodel", "model", 1}, {"provider", "model", 3}, {"", "ab", 2},     {"abcdef", "", 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW(rows[i].a, slice_distance(slice_of(rows[i].a), slice_of(rows[i].b), 2) == rows[i].want);
}

static void test_numbers(void)
{
    static const struct row {
        const char *text;
        bool good;
        uint64_t want;
    } rows[] = {
        {"0", true, 0},         {"18446744073709551615", true, UINT64_MAX},
        {"42", true, 42},       {"18446744073709551616", false, 0},
        {"", false, 0},         {"-1", false, 0},
        {" 1", false, 0},       {"1x", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value = 0;
        ROW(rows[i].text, slice_to_u64(slice_of(rows[i].text), &value) == rows[i].good);
        ROW(rows[i].text, value == rows[i].want);
    }
}

static void test_cursor(void)
{
    harborai_str head, tail;
    CU_ASSERT(slice_split(HARBORAI_STR("a/b/c"), '/', &head, &tail));
    CU_ASSERT(slice_is(head, "a") && slice_is(tail, "b/c"));
    CU_ASSERT(!slice_split(HARBORAI_STR("abc"), '/', &head, &tail));
    CU_ASSERT(slice_is(head, "abc") && tail.len == 0);
    CU_ASSERT(slice_is(slice_trim(HARBORAI_STR(" \t x y\r\n")), "x y"));
    CU_ASSERT(slice_equal_ignoring_case(HARBORAI_STR("Content-Length"),
                                        HARBORAI_STR("content-length")));
    CU_ASSERT(slice_is_hex(HARBORAI_STR("0123456789abcdef")));
    CU_ASSERT_FALSE(slice_is_hex(HARBORAI_STR("abcdefg")));
    CU_ASSERT_FALSE(slice_is_hex(HARBORAI_STR("ABC")));
    CU_ASSERT(slice_starts_with(HARBORAI_STR("hb_1"), "hb_"));
    CU_ASSERT(!slice_ends_with(HARBORAI_STR("o"), ".so"));
}

const CU_TestInfo slice_tests[] = {
    {"glob", test_glob},       {"distance", test_distance}, {"numbers", test_numbers},
    {"cursor", test_cursor},   CU_TEST_INFO_NULL,
};
