/* SPDX-License-Identifier: MIT */
/* Plugin openai without a host: what tests/system/test_compatible.py cannot see. */
#include "../unit.h"
#include "base/attr.h"
#include "bench.h"

extern const CU_TestInfo openai_tests[];

#define URL "\"base_url\":\"https://example.com/v1\""

/* The vendor says whether the same request may succeed. */
static void test_should_retry(void)
{
    static const struct {
        const char *header, *value;
        uint32_t before, want;
    } rows[] = {
        {"x-should-retry", "false", HARBORAI_ERROR_RETRYABLE | HARBORAI_ERROR_FALLBACK,
         HARBORAI_ERROR_FALLBACK},
        {"x-should-retry", "true", HARBORAI_ERROR_NOT_BILLED,
         HARBORAI_ERROR_NOT_BILLED | HARBORAI_ERROR_RETRYABLE},
        {"x-should-retry", "perhaps", HARBORAI_ERROR_RETRYABLE, HARBORAI_ERROR_RETRYABLE},
        {"retry-after", "false", HARBORAI_ERROR_RETRYABLE, HARBORAI_ERROR_RETRYABLE},
    };
    struct bench b;
    bench_open(&b, "openai", "{" URL "}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const harborai_header header = {{rows[i].header, strlen(rows[i].header)},
                                        {rows[i].value, strlen(rows[i].value)},
                                        {NULL, 0}};
        const harborai_http_response response = {sizeof response, 429, &header, 1};
        harborai_error error = HARBORAI_ERROR_INIT;
        error.code = HARBORAI_E_RATE_LIMIT;
        error.flags = rows[i].before;
        ROW(rows[i].value, b.plugin->map_error(NULL, NULL, &response, HARBORAI_STR("{}"), &error) ==
                               HARBORAI_OK);
        ROW(rows[i].value, error.flags == rows[i].want && error.code == HARBORAI_E_RATE_LIMIT);
    }
    bench_close(&b);
}

static void test_prices(void)
{
    static const struct {
        const char *config;
        harborai_status want;
    } rows[] = {{"{" URL "}", HARBORAI_OK},
                {"{" URL ",\"list_prices\":true}", HARBORAI_OK},
                {"{" URL ",\"list_prices\":false}", HARBORAI_E_NOT_FOUND}};
    const harborai_price_query query = {.size = sizeof query, .model = HARBORAI_STR("gpt-4o"),
                                        .at_unix_s = 1800000000};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        harborai_price price = {.size = sizeof price};
        bench_open(&b, "openai", rows[i].config);
        ROW(rows[i].config, b.plugin->pricing(b.provider, &query, &price, NULL) == rows[i].want);
        ROW(rows[i].config, b.plugin->pricing(NULL, &query, &price, NULL) == HARBORAI_OK);
        bench_close(&b);
    }
}

/* What is dropped is refused where the operator wants it so; what is only said otherwise is not. */
static void test_strict(void)
{
    struct bench b;
    bench_open(&b, "openai", "{" URL "}");
    b.is_strict = true;
    CU_ASSERT(bench_chat(&b, "gpt-5-mini", "{\"messages\":[],\"max_tokens\":5}", false) ==
              HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(b.sent, "{\"messages\":[],\"max_completion_tokens\":5}");
    CU_ASSERT_STRING_EQUAL(b.changed, "/max_tokens adapted\n");
    CU_ASSERT(bench_chat(&b, "gpt-5-mini", "{\"messages\":[],\"temperature\":0}", false) ==
              HARBORAI_E_INVALID);
    CU_ASSERT_STRING_EQUAL(b.sent, "");
    bench_close(&b);
}

/* Members that stand twice, values of another kind, and what is null. */
static void test_odd_requests(void)
{
    static const char *const bodies[] = {
        "{\"messages\":5,\"tools\":{},\"thinking\":[],\"reasoning\":\"x\",\"enable_thinking\":\"x\"}",
        "{\"messages\":[1,\"a\",null,{\"reasoning\":1,\"reasoning\":2}],\"reasoning_effort\":{}}",
        "{\"tools\":[{},{\"type\":5},[]],\"stop\":null,\"temperature\":\"hot\",\"top_p\":{}}",
        "{\"reasoning_effort\":\"\",\"thinking\":{\"type\":null},\"chat_template_kwargs\":[]}",
        "{}",
    };
    static const char *const configs[] = {
        "{" URL "}",
        "{" URL ",\"reasoning\":\"effort\",\"efforts\":[]}",
        "{" URL ",\"reasoning\":{},\"history_reasoning\":\"remove\",\"message_names\":\"remove\"}",
        "{" URL ",\"reasoning\":\"chat_template\",\"developer_role\":\"system\"}",
        "{" URL ",\"reasoning\":\"adaptive\",\"seed_member\":\"s\",\"stream_usage\":\"never\"}",
        "{" URL ",\"reasoning\":\"enable_thinking\",\"fixed_sampling\":[\"*\"],\"defaults\":{}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(configs); i++)
        for (size_t j = 0; j < ARRAY_LEN(bodies); j++) {
            struct bench b;
            bench_open(&b, "openai", configs[i]);
            harborai_status st = bench_chat(&b, "gpt-6-sol", bodies[j], false);
            ROW(configs[i], st == HARBORAI_OK || st == HARBORAI_E_INVALID);
            ROW(configs[i], (st == HARBORAI_OK) == (b.sent[0] == '{'));
            bench_close(&b);
        }
}

static void test_options(void)
{
    static const struct {
        const char *config, *param, *message;
    } rows[] = {
        {"{" URL ",\"headers\":{\"A\":\"1\"}}", "/headers", "names in lower case"},
        {"{" URL ",\"headers\":{\"a\":\"1\",\"b\":\"1\",\"c\":\"1\",\"d\":\"1\",\"e\":\"1\",\"f\":\"1\","
         "\"g\":\"1\",\"h\":\"1\",\"i\":\"1\"}}", "/headers", "at most 8"},
        {"{" URL ",\"defaults\":{\"a/b\":1}}", "/defaults", "must be an object of members without"},
        {"{}", "", "base_url"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        ROW(rows[i].config, bench_create(&b, "openai", rows[i].config) == HARBORAI_E_CONFIG);
        ROW(rows[i].config, strcmp(b.error.param, rows[i].param) == 0);
        ROW(rows[i].config, strstr(b.error.message, rows[i].message) != NULL);
        bench_close(&b);
    }
}

const CU_TestInfo openai_tests[] = {{"x-should-retry", test_should_retry},
                                    {"prices of OpenAI alone", test_prices},
                                    {"strict", test_strict},
                                    {"odd requests", test_odd_requests},
                                    {"options that are refused", test_options},
                                    CU_TEST_INFO_NULL};
