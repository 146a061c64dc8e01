/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include "../unit.h"
#include "base/attr.h"

extern const CU_TestInfo nearest_tests[];

static const char *const names[] = {"ab", "lab", "chat", "chats", "openai", "openrouter"};

static void test_nearest(void)
{
    static const struct row {
        const char *given, *want;
    } rows[] = {
        {"opnai", "openai"}, {"openia", "openai"}, {"opneia", "openai"}, {"caht", "chat"},
        {"chat", "chat"},    {"chatss", "chats"},  {"lob", "lab"},       {"blab", "lab"},
        {"claude", ""},      {"lobby", ""}, /* two edits of three letters */
        {"xb", ""},          {"lb", ""},           {"a", ""},            {"abc", ""},
        {"lbo", ""},         {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct nearest nearest = NEAREST_TO(slice_of(rows[i].given));
        for (size_t j = 0; j < ARRAY_LEN(names); j++)
            nearest_consider(&nearest, slice_of(names[j]));
        ROW(rows[i].given, slice_is(nearest.name, rows[i].want));
    }
}

const CU_TestInfo nearest_tests[] = {{"names that are none", test_nearest}, CU_TEST_INFO_NULL};
