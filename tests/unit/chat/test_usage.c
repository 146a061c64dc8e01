/* SPDX-License-Identifier: MIT */
#include "chat/usage.h"

#include "../unit.h"
#include "base/limits.h"

extern const CU_TestInfo usage_tests[];

static void test_write(void)
{
    AUTO(buf) b = BUF_INIT(KIB(16));
    harborai_usage usage = USAGE_INIT, more = USAGE_INIT, again;

    usage_write_openai(&b, &usage);
    ROW("unknown", slice_is(buf_slice(&b), "{\"prompt_tokens\":0,\"completion_tokens\":0,"
                                           "\"total_tokens\":0}"));
    buf_clear(&b);
    usage.vendor_json = HARBORAI_STR("{\"input_tokens\":3, \"total_tokens\":9}"); /* Anthropic's */
    harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT, 3);
    harborai_usage_set(&usage, HARBORAI_TOKENS_CACHE_READ, 100);
    harborai_usage_set(&usage, HARBORAI_TOKENS_CACHE_WRITE, 20);
    harborai_usage_set(&usage, HARBORAI_TOKENS_CACHE_WRITE_1H, 5);
    harborai_usage_set(&more, HARBORAI_TOKENS_OUTPUT, 1);
    usage_merge(&usage, &more);
    harborai_usage_set(&more, HARBORAI_TOKENS_OUTPUT, 40);
    harborai_usage_set(&more, HARBORAI_TOKENS_REASONING, 2);
    harborai_usage_set(&more, HARBORAI_UNITS_SEARCHES, 9);
    usage_merge(&usage, &more);
    usage_write_openai(&b, &usage);
    ROW("classes",
        slice_is(buf_slice(&b),
                 "{\"prompt_tokens\":128,\"completion_tokens\":42,\"total_tokens\":170,"
                 "\"prompt_tokens_details\":{\"cached_tokens\":100,\"cache_write_tokens\":25},"
                 "\"completion_tokens_details\":{\"reasoning_tokens\":2},\"input_tokens\":3}"));
    ROW("back", usage_parse_openai(buf_slice(&b), &again, NULL) == HARBORAI_OK);
    ROW("back", again.count[HARBORAI_TOKENS_INPUT] == 3);
    ROW("totals", usage_input_total(&usage) == 128 && usage_output_total(&usage) == 42);

    buf_clear(&b);
    usage.vendor_json = HARBORAI_STR("{\"prompt_tokens\":1,\n\"x\":2}");
    usage_write_openai(&b, &usage);
    ROW("verbatim", slice_is(buf_slice(&b), "{\"prompt_tokens\":1,\"x\":2}"));

    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        harborai_usage_set(&usage, c, c % 2 == 0 ? INT64_MAX : INT64_MIN);
    ROW("sums do not overflow", usage_input_total(&usage) > 0 && usage_output_total(&usage) > 0);
    ROW("no name", usage_class_name(16) == NULL && usage_class_name(99) == NULL);
}

const CU_TestInfo usage_tests[] = {
    {"writing and merging", test_write},
    CU_TEST_INFO_NULL,
};
