/* SPDX-License-Identifier: MIT */
#include "chat/usage.h"

#include "../unit.h"
#include "base/limits.h"

extern const CU_TestInfo usage_tests[];

/* The known classes as "input=7 output=2", in order. */
static void show(struct buf *b, const harborai_usage *usage)
{
    buf_clear(b);
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if ((usage->known_mask >> c & 1) != 0)
            buf_printf(b, "%s%s=%lld", b->len > 0 ? " " : "", usage_class_name(c),
                       (long long)usage->count[c]);
}

static void test_parse(void)
{
    static const struct row {
        const char *name, *json, *want; /* NULL = E_NOT_FOUND */
        int64_t total;
    } rows[] = {
        {"plain", "{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9}",
         "input=7 output=2", 9},
        {"no total", "{\"prompt_tokens\":7,\"completion_tokens\":2}", "input=7 output=2", 9},
        {"prompt alone", "{\"prompt_tokens\":7,\"total_tokens\":7}", "input=7", 7},
        /* gpt-4o, OpenAI's full object */
        {"openai",
         "{\"prompt_tokens\":2006,\"completion_tokens\":300,\"total_tokens\":2306,"
         "\"prompt_tokens_details\":{\"cached_tokens\":1920,\"audio_tokens\":0},"
         "\"completion_tokens_details\":{\"reasoning_tokens\":128,\"audio_tokens\":0,"
         "\"accepted_prediction_tokens\":5,\"rejected_prediction_tokens\":10}}",
         "input=86 cache_read=1920 output=162 reasoning=128 audio_in=0 audio_out=0 "
         "prediction_rejected=10", 2306},
        /* gpt-4o-audio-preview */
        {"audio",
         "{\"completion_tokens\":9,\"completion_tokens_details\":{\"audio_tokens\":0,"
         "\"reasoning_tokens\":0,\"text_tokens\":9},\"prompt_tokens\":64,"
         "\"prompt_tokens_details\":{\"audio_tokens\":44,\"cached_tokens\":0,\"image_tokens\":0,"
         "\"text_tokens\":20},\"total_tokens\":73}",
         "input=20 cache_read=0 output=9 reasoning=0 audio_in=44 audio_out=0 image_in=0", 73},
        /* deepseek-v4-flash: the same count under two names */
        {"deepseek",
         "{\"completion_tokens\":116,\"completion_tokens_details\":{\"reasoning_tokens\":60},"
         "\"prompt_cache_hit_tokens\":512,\"prompt_cache_miss_tokens\":51,\"prompt_tokens\":563,"
         "\"prompt_tokens_details\":{\"cached_tokens\":512},\"total_tokens\":679}",
         "input=51 cache_read=512 output=56 reasoning=60", 679},
        {"deepseek, old", "{\"prompt_tokens\":10,\"prompt_cache_hit_tokens\":8,"
         "\"prompt_cache_miss_tokens\":2,\"completion_tokens\":1,\"total_tokens\":11}",
         "input=2 cache_read=8 output=1", 11},
        /* mistral-large-latest */
        {"mistral", "{\"completion_tokens\":39,\"num_cached_tokens\":174,\"prompt_tokens\":175,"
         "\"total_tokens\":214}", "input=1 cache_read=174 output=39", 214},
        {"moonshot", "{\"completion_tokens\":3,\"cached_tokens\":4,\"prompt_tokens\":5,"
         "\"total_tokens\":8}", "input=1 cache_read=4 output=3", 8},
        /* claude by OpenRouter */
        {"cache write",
         "{\"completion_tokens\":100,\"prompt_tokens\":2572,\"prompt_tokens_details\":"
         "{\"audio_tokens\":0,\"cache_write_tokens\":329,\"cached_tokens\":2240,"
         "\"video_tokens\":0},\"total_tokens\":2672,\"cost\":0.003}",
         "input=3 cache_read=2240 cache_write=329 output=100 audio_in=0 video_in=0", 2672},
        {"reasoning outside (xAI)",
         "{\"prompt_tokens\":32,\"completion_tokens\":9,\"total_tokens\":135,"
         "\"completion_tokens_details\":{\"reasoning_tokens\":94}}",
         "input=32 output=9 reasoning=94", 135},
        /* gemini-2.5-pro: thoughts in the total alone */
        {"total is more", "{\"completion_tokens\":12,\"prompt_tokens\":35,\"total_tokens\":109}",
         "input=35 output=12", 109},
        {"cached is more than the prompt",
         "{\"prompt_tokens\":5,\"completion_tokens\":1,\"total_tokens\":6,"
         "\"prompt_tokens_details\":{\"cached_tokens\":9}}",
         "input=0 cache_read=9 output=1", 6},
        {"details null", "{\"prompt_tokens\":5,\"completion_tokens\":1,\"total_tokens\":6,"
         "\"prompt_tokens_details\":null,\"completion_tokens_details\":null}",
         "input=5 output=1", 6},
        {"nonsense", "{\"prompt_tokens\":-5,\"completion_tokens\":\"x\",\"total_tokens\":6}", NULL,
         0},
        {"huge", "{\"prompt_tokens\":9223372036854775807,\"completion_tokens\":1}", "output=1", 1},
        {"floats", "{\"prompt_tokens\":5.0,\"completion_tokens\":1e0,\"total_tokens\":6}",
         "input=5 output=1", 6},
        {"empty", "{}", NULL, 0},
        {"null", "null", NULL, 0},
        {"nothing", "", NULL, 0},
    };
    AUTO(buf) b = BUF_INIT(KIB(16));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_usage usage = USAGE_INIT;
        harborai_status st = usage_parse_openai(slice_of(rows[i].json), &usage, NULL);
        ROW(rows[i].name, (st == HARBORAI_OK) == (rows[i].want != NULL));
        ROW(rows[i].name, st == HARBORAI_OK || st == HARBORAI_E_NOT_FOUND);
        if (st != HARBORAI_OK)
            continue;
        show(&b, &usage);
        ROW(rows[i].name, slice_is(buf_slice(&b), rows[i].want));
        ROW(rows[i].name, usage.vendor_total == rows[i].total);
        ROW(rows[i].name, slice_is(usage.vendor_json, rows[i].json));
    }
}

static void test_write(void)
{
    AUTO(buf) b = BUF_INIT(KIB(16));
    harborai_usage usage = USAGE_INIT, more = USAGE_INIT, again;

    usage_write_openai(&b, &usage);
    ROW("unknown", slice_is(buf_slice(&b), "{\"prompt_tokens\":0,\"completion_tokens\":0,"
                                           "\"total_tokens\":0}"));
    buf_clear(&b);
    usage.vendor_json = HARBORAI_STR("{\"input_tokens\":3}"); /* Anthropic's */
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
                 "\"completion_tokens_details\":{\"reasoning_tokens\":2}}"));
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
    {"vendors' objects", test_parse},
    {"writing and merging", test_write},
    CU_TEST_INFO_NULL,
};
