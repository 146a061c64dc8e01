/* SPDX-License-Identifier: MIT */
/* Usage objects as the vendors write them, and what they cost. */
#include "../unit.h"
#include "base/attr.h"
#include "bench.h"

enum { NONE = -1 };

static const struct row {
    const char *name, *plugin, *json;
    harborai_status status;
    int64_t input, cached, output, reasoning, total;
} rows[] = {
    /* https://api-docs.deepseek.com/api/create-chat-completion, "usage" */
    {"DeepSeek", "deepseek",
     "{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150,"
     "\"prompt_cache_hit_tokens\":64,\"prompt_cache_miss_tokens\":36,"
     "\"prompt_tokens_details\":{\"cached_tokens\":64},"
     "\"completion_tokens_details\":{\"reasoning_tokens\":30}}",
     HARBORAI_OK, 36, 64, 20, 30, 150},
    {"DeepSeek, hits alone", "deepseek",
     "{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150,"
     "\"prompt_cache_hit_tokens\":64,\"prompt_cache_miss_tokens\":36}",
     HARBORAI_OK, 36, 64, 50, NONE, 150},
    /* https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb, "usage" */
    {"Qianfan", "wenxin", "{\"prompt_tokens\":19,\"completion_tokens\":4,\"total_tokens\":23}",
     HARBORAI_OK, 19, NONE, 4, NONE, 23},
    {"Qianfan with a cache", "wenxin",
     "{\"prompt_tokens\":19,\"completion_tokens\":4,\"total_tokens\":23,"
     "\"prompt_tokens_details\":{\"cached_tokens\":16}}",
     HARBORAI_OK, 3, 16, 4, NONE, 23},
    /* https://www.volcengine.com/docs/82379/1494384, "usage" */
    {"Ark", "doubao",
     "{\"prompt_tokens\":19,\"completion_tokens\":40,\"total_tokens\":59,"
     "\"prompt_tokens_details\":{\"cached_tokens\":0},"
     "\"completion_tokens_details\":{\"reasoning_tokens\":30}}",
     HARBORAI_OK, 19, 0, 10, 30, 59},
    {"a whole answer", "doubao",
     "{\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}",
     HARBORAI_OK, 1, NONE, 2, NONE, 3},
    {"a chunk without", "doubao", "{\"choices\":[],\"usage\":null}", HARBORAI_E_NOT_FOUND, 0, 0, 0, 0,
     0},
    {"an empty object", "wenxin", "{}", HARBORAI_E_NOT_FOUND, 0, 0, 0, 0, 0},
    {"another kind", "wenxin", "[1]", HARBORAI_E_NOT_FOUND, 0, 0, 0, 0, 0},
    {"no JSON", "deepseek", "{\"prompt_tokens\":1", HARBORAI_E_INVALID, 0, 0, 0, 0, 0},
    {"nothing", "deepseek", "", HARBORAI_E_INVALID, 0, 0, 0, 0, 0},
    {"beyond belief", "deepseek", "{\"prompt_tokens\":99999999999999999999,\"completion_tokens\":-5}",
     HARBORAI_E_NOT_FOUND, 0, 0, 0, 0, 0},
};

static int64_t count_of(const harborai_usage *usage, unsigned c)
{
    return (usage->known_mask & UINT32_C(1) << c) != 0 ? usage->count[c] : NONE;
}

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        harborai_usage usage = {.size = sizeof usage, .vendor_total = 7};
        harborai_error error = HARBORAI_ERROR_INIT;
        struct bench b;
        bench_open(&b, row->plugin, "{\"base_url\":\"https://example.com\"}");
        harborai_str json = unit_tight((harborai_str){row->json, strlen(row->json)});
        harborai_status st = b.plugin->parse_tokens(NULL, HARBORAI_STR("m"), json, &usage, &error);
        ROW(row->name, st == row->status && usage.size == sizeof usage);
        if (row->status < 0)
            ROW(row->name, usage.vendor_total == 7 && usage.known_mask == 0);
        else
            ROW(row->name, count_of(&usage, HARBORAI_TOKENS_INPUT) == row->input &&
                               count_of(&usage, HARBORAI_TOKENS_CACHE_READ) == row->cached &&
                               count_of(&usage, HARBORAI_TOKENS_OUTPUT) == row->output &&
                               count_of(&usage, HARBORAI_TOKENS_REASONING) == row->reasoning &&
                               usage.vendor_total == row->total);
        unit_drop(json);
        bench_close(&b);
    }
}

#define DOUBAO                                                                                     \
    "{\"base_url\":\"https://example.com\",\"endpoints\":{\"ep-1\":\"doubao-seed-1-8-251228\"}}"

static const struct price {
    const char *name, *plugin, *config, *model;
    int64_t input_tokens, output_tokens, input, output; /* a token, in 10^-12 CNY */
} prices[] = {
    {"ernie", "wenxin", NULL, "ernie-5.1", 1000, 10, 4000000, 18000000},
    {"ernie, long", "wenxin", NULL, "ernie-5.1", 40000, 10, 6000000, 22000000},
    {"retired", "wenxin", NULL, "ernie-4.5-turbo-128k", 10, 10, 800000, 3200000},
    {"short answer", "doubao", NULL, "doubao-seed-1-8-251228", 10, 200, 800000, 2000000},
    {"longer answer", "doubao", NULL, "doubao-seed-1-8-251228", 10, 201, 800000, 8000000},
    {"endpoint", "doubao", DOUBAO, "ep-1", 10, 201, 800000, 8000000},
    {"unknown endpoint", "doubao", DOUBAO, "ep-2", 10, 201, NONE, NONE},
    {"unknown model", "wenxin", NULL, "ernie-9", 10, 10, NONE, NONE},
};

static void test_prices(void)
{
    for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
        const struct price *row = &prices[i];
        const harborai_price_query query = {.size = sizeof query,
                                            .model = {row->model, strlen(row->model)},
                                            .at_unix_s = INT64_C(1795219200), /* 2026-11-21 */
                                            .input_tokens = row->input_tokens,
                                            .output_tokens = row->output_tokens};
        harborai_price price = {.size = sizeof price};
        harborai_error error = HARBORAI_ERROR_INIT;
        struct bench b;
        bench_open(&b, row->plugin,
                   row->config != NULL ? row->config : "{\"base_url\":\"https://example.com\"}");
        harborai_status st = b.plugin->pricing(row->config != NULL ? b.provider : NULL, &query,
                                               &price, &error);
        if (row->input == NONE)
            ROW(row->name, st == HARBORAI_E_NOT_FOUND);
        else
            ROW(row->name, st == HARBORAI_OK && strcmp(price.currency, "CNY") == 0 &&
                               price.per_unit[HARBORAI_TOKENS_INPUT] == row->input &&
                               price.per_unit[HARBORAI_TOKENS_OUTPUT] == row->output);
        bench_close(&b);
    }
}

const CU_TestInfo tokens_tests[] = {{"tokens", test_rows},
                                    {"prices", test_prices},
                                    CU_TEST_INFO_NULL};
