/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "config/expand.h"
#include "support.h"

extern const CU_TestInfo expand_tests[];

static void test_texts(void)
{
    static const struct row {
        const char *text;
        enum expansion_outcome outcome;
        const char *want, *variable;
    } rows[] = {
        {"plain", EXPANSION_DONE, "plain", ""},
        {"", EXPANSION_DONE, "", ""},
        {"${PORT}", EXPANSION_DONE, "8100", "PORT"},
        {"a${PORT}b${EMPTY}c", EXPANSION_DONE, "a8100bc", "PORT"},
        {"${EMPTY}", EXPANSION_DONE, "", "EMPTY"},
        {"${EMPTY:-x}", EXPANSION_DONE, "x", "EMPTY"},
        {"${NONE:-}", EXPANSION_DONE, "", "NONE"},
        {"${NONE:-a:-b}", EXPANSION_DONE, "a:-b", "NONE"},
        {"${PORT:-x}", EXPANSION_DONE, "8100", "PORT"},
        {"${PORT:?set it}", EXPANSION_DONE, "8100", "PORT"},
        {"$$", EXPANSION_DONE, "$", ""},
        {"$${PORT}", EXPANSION_DONE, "${PORT}", ""},
        {"$$${PORT}", EXPANSION_DONE, "$8100", "PORT"},
        {"cost: 5$", EXPANSION_DONE, "cost: 5$", ""},
        {"$PORT", EXPANSION_DONE, "$PORT", ""},
        {"${PORT}}", EXPANSION_DONE, "8100}", "PORT"},
        {"${NONE}", EXPANSION_UNSET, NULL, "NONE"},
        {"${NONE:?set it}", EXPANSION_REQUIRED, NULL, "NONE"},
        {"${EMPTY:?}", EXPANSION_REQUIRED, NULL, "EMPTY"},
        {"${", EXPANSION_BROKEN, NULL, "{"},
        {"${PORT", EXPANSION_BROKEN, NULL, "{PORT"},
        {"${}", EXPANSION_BROKEN, NULL, ""},
        {"${1A}", EXPANSION_BROKEN, NULL, "1A"},
        {"${A B}", EXPANSION_BROKEN, NULL, "A B"},
        {"${PORT:x}", EXPANSION_BROKEN, NULL, "PORT"},
        {"${PORT:}", EXPANSION_BROKEN, NULL, "PORT"},
        {"${NONE:-${PORT}}", EXPANSION_BROKEN, NULL, "NONE"},
    };
    struct fixed_environment fixed = fixed_environment(usual_pairs);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) out = BUF_INIT(1024);
        struct expansion got = expand_text(&fixed.environment, slice_of(rows[i].text), &out);
        ROW(rows[i].text, got.outcome == rows[i].outcome);
        ROW(rows[i].text, slice_is(got.variable, rows[i].variable));
        if (rows[i].want != NULL)
            ROW(rows[i].text, slice_is(buf_slice(&out), rows[i].want));
    }
}

/* A fault of that value, at its place, and no lack of memory. */
static void test_too_long(void)
{
    static const char *const texts[] = {"server: { host: \"${BIG}${BIG}\" }",
                                        "providers: { a: { api_key: \"${BIG}${BIG}\" } }",
                                        "providers: { a: { api_key: \"file:${BIG}${BIG}\" } }",
                                        "providers: { a: { options: { o: \"${BIG}${BIG}\" } } }"};
    static const char *const wants[] = {
        "c.yaml:1:17: longer than 256 KiB with its variables in place\n",
        "c.yaml:1:28: longer than 256 KiB with its variables in place\n",
        "c.yaml:1:28: longer than 256 KiB with its variables in place\n",
        "c.yaml:1:33: longer than 256 KiB with its variables in place\n"};
    static char big[150 << 10] = "BIG=";
    const char *const pairs[] = {big, NULL};
    memset(big + strlen(big), 'x', sizeof big - strlen(big) - 1);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(buf) faults = BUF_INIT(1024);
        ROW(texts[i], load_text(texts[i], pairs, NULL, 0, &faults) == NULL);
        ROW(texts[i], slice_is(buf_slice(&faults), wants[i]));
    }
}

static void test_names(void)
{
    char longest[130];
    memset(longest, 'A', sizeof longest);
    CU_ASSERT(environment_is_name((harborai_str){longest, 128}));
    CU_ASSERT(!environment_is_name((harborai_str){longest, 129}));
    CU_ASSERT(!environment_is_name(HARBORAI_STR("A=B")));
    CU_ASSERT(!environment_is_name(HARBORAI_STR("A\0B")));
    CU_ASSERT(environment_is_name(HARBORAI_STR("_a9")));
}

const CU_TestInfo expand_tests[] = {
    {"texts", test_texts}, {"too long", test_too_long}, {"names", test_names}, CU_TEST_INFO_NULL};
