/* SPDX-License-Identifier: MIT */
/* openai_usage: reads a usage object in OpenAI's form into HarborAI's disjoint classes: OpenAI's
 * own, and what other vendors with that API put beside it.
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [any]. */
#ifndef SDK_OPENAI_USAGE_H
#define SDK_OPENAI_USAGE_H

#include <harborai/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

#define OPENAI_USAGE_BIT(usage_class) (UINT32_C(1) << (usage_class))

enum { /* the classes whose sum is prompt_tokens, and completion_tokens */
    OPENAI_USAGE_PROMPT =
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_INPUT) | OPENAI_USAGE_BIT(HARBORAI_TOKENS_CACHE_READ) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_CACHE_WRITE) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_CACHE_WRITE_1H) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_AUDIO_IN) | OPENAI_USAGE_BIT(HARBORAI_TOKENS_IMAGE_IN) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_VIDEO_IN) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_AUDIO_CACHE_READ) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_IMAGE_CACHE_READ) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_CACHE_WRITE_30M) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_CACHE_WRITE_12H),
    OPENAI_USAGE_COMPLETION =
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_OUTPUT) | OPENAI_USAGE_BIT(HARBORAI_TOKENS_REASONING) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_AUDIO_OUT) | OPENAI_USAGE_BIT(HARBORAI_TOKENS_IMAGE_OUT) |
        OPENAI_USAGE_BIT(HARBORAI_TOKENS_PREDICTION_REJECTED)
};

/* A greater count is not read: beyond what any answer has, and no sum of the classes overflows. */
#define OPENAI_USAGE_MOST (INT64_C(1) << 53)

/* `json`, which json_scan has checked, is a usage object, of Chat Completions or of the Responses
 * API, or else an answer or event with one: at /usage, /data/usage, /result/usage, /response/usage,
 * /x_groq/usage or /choices/0/usage. So the function is all that parse_tokens() of such a plugin
 * needs. *ret_usage is written whole; vendor_json borrows from `json`; vendor_total is 0 if the
 * vendor gave none. Counts that contradict each other are kept as they came. E_NOT_FOUND: neither of
 * the two counts is there; *ret_usage is as it was. */
harborai_status openai_usage_parse(harborai_str json, harborai_usage *ret_usage,
                                   harborai_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
