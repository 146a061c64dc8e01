/* SPDX-License-Identifier: MIT */
#include "price_table.h"

#include <stdbool.h>

#include "../unit.h"
#include "base/attr.h"
#include "plugins/anthropic/prices.h"
#include "plugins/deepseek/prices.h"
#include "plugins/doubao/prices.h"
#include "plugins/openai/prices.h"
#include "plugins/wenxin/prices.h"
#include "pricing/tariff.h"

extern const CU_TestInfo price_table_tests[];

#define DAY INT64_C(86400)
#define Y2025_06_10 (20249 * DAY)
#define Y2026_11_21 (20778 * DAY)
#define IN HARBORAI_TOKENS_INPUT
#define CACHED HARBORAI_TOKENS_CACHE_READ
#define OUT HARBORAI_TOKENS_OUTPUT

static harborai_status find_in(const struct price_table *table, const char *model,
                               const char *tier, int64_t at_s, int64_t input, int64_t output,
                               harborai_price *price)
{
    harborai_price_query query = {
        .size = sizeof query, .at_unix_s = at_s, .input_tokens = input, .output_tokens = output};
    query.model = (harborai_str){model, strlen(model)};
    query.service_tier = (harborai_str){tier, strlen(tier)};
    *price = (harborai_price){.size = sizeof *price};
    return price_table_find(table, &query, price, NULL);
}

static harborai_status find(const char *model, const char *tier, int64_t at_s, int64_t input,
                            harborai_price *price)
{
    return find_in(&openai_prices, model, tier, at_s, input, 1, price);
}

/* pico-dollars a token of one class, with the scale; -1 = no price */
static const struct row {
    const char *model, *tier;
    int64_t at_s, input_tokens;
    int usage_class;
    int64_t pico;
    int num, den;
} rows[] = {
    {"gpt-4o", "", Y2026_11_21, 0, IN, 2500000, 1, 1},
    {"gpt-4o", "default", Y2026_11_21, 0, OUT, 10000000, 1, 1},
    {"gpt-4o", "auto", Y2026_11_21, 0, CACHED, 1250000, 1, 1},
    {"gpt-4o", "", Y2026_11_21, 0, HARBORAI_TOKENS_IMAGE_IN, 2500000, 1, 1},
    {"gpt-4o", "", Y2026_11_21, 0, HARBORAI_TOKENS_AUDIO_IN, -1, 1, 1},
    {"gpt-4o-2024-08-06", "priority", Y2026_11_21, 0, IN, 2500000, 17, 10},
    {"gpt-4o", "fast", Y2026_11_21, 0, IN, 2500000, 17, 10},
    {"gpt-4o", "batch", Y2026_11_21, 0, IN, 1250000, 1, 1},
    {"gpt-4o", "batch", Y2026_11_21, 0, CACHED, -1, 1, 1},
    {"gpt-4o", "flex", Y2026_11_21, 0, IN, -1, 0, 0},
    {"gpt-4o", "scale", Y2026_11_21, 0, IN, -1, 0, 0},
    {"gpt-4o-2024-05-13", "", Y2026_11_21, 0, OUT, 15000000, 1, 1},
    {"gpt-4o-2099-01-01", "", Y2026_11_21, 0, IN, -1, 0, 0},
    {"gpt-4", "", Y2026_11_21, 0, IN, 30000000, 1, 1}, /* retired, priced */
    {"gpt-4o-mini", "priority", Y2026_11_21, 0, OUT, 1000000, 1, 1},
    {"gpt-5-nano", "flex", Y2026_11_21, 0, CACHED, 5000, 1, 2},
    {"gpt-5-mini", "priority", Y2026_11_21, 0, IN, 250000, 9, 5},
    {"gpt-5.4", "", Y2026_11_21, 272000, IN, 2500000, 1, 1},
    {"gpt-5.4", "", Y2026_11_21, 272001, IN, 5000000, 1, 1},
    {"gpt-5.4", "", Y2026_11_21, 272001, CACHED, 500000, 1, 1},
    {"gpt-5.4", "", Y2026_11_21, 272001, OUT, 22500000, 1, 1},
    {"gpt-5.4", "batch", Y2026_11_21, 272001, OUT, 22500000, 1, 2},
    {"gpt-5", "", Y2026_11_21, 500000, IN, 1250000, 1, 1},
    {"gpt-6.1-terra", "", Y2026_11_21, 0, HARBORAI_TOKENS_CACHE_WRITE_12H, 2500000, 1, 1},
    {"gpt-6.1-terra", "", Y2026_11_21, 0, HARBORAI_TOKENS_CACHE_WRITE_30M, 1250000, 1, 1},
    {"gpt-6.1-terra", "", Y2025_06_10, 0, IN, -1, 0, 0}, /* before it had a price */
    {"o3", "", Y2025_06_10 - 1, 0, IN, 10000000, 1, 1},
    {"o3", "", Y2025_06_10, 0, IN, 2000000, 1, 1},
    {"o3", "flex", Y2025_06_10 - 1, 0, IN, -1, 0, 0},
    {"o4-mini", "flex", Y2026_11_21, 0, CACHED, 138000, 1, 1},
    {"ft:gpt-4o-2024-08-06:me::abc", "", Y2026_11_21, 0, IN, 3750000, 1, 1},
    {"ft:gpt-3.5-turbo-0613:me::abc", "", Y2026_11_21, 0, OUT, 6000000, 1, 1},
    {"ft:", "", Y2026_11_21, 0, IN, -1, 0, 0},
    {"", "", Y2026_11_21, 0, IN, -1, 0, 0},
};

static void test_openai(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        char name[96];
        harborai_price price;
        harborai_status st = find(row->model, row->tier, row->at_s, row->input_tokens, &price);
        snprintf(name, sizeof name, "%zu %s %s", i, row->model, row->tier);
        ROW(name, st == (row->den == 0 ? HARBORAI_E_NOT_FOUND : HARBORAI_OK));
        if (st != HARBORAI_OK)
            continue;
        bool is_priced = (price.known_mask >> row->usage_class & 1) != 0;
        ROW(name, (is_priced ? price.per_unit[row->usage_class] : -1) == row->pico);
        ROW(name, price.scale_num == row->num && price.scale_den == row->den);
        ROW(name, strcmp(price.currency, "USD") == 0);
    }
}

static void test_holds_until(void)
{
    harborai_price price;
    CU_ASSERT(find("o3", "", 0, 0, &price) == HARBORAI_OK);
    CU_ASSERT(price.valid_until_unix_s == Y2025_06_10 - 1);
    CU_ASSERT(find("o3", "", Y2025_06_10, 0, &price) == HARBORAI_OK);
    CU_ASSERT(price.valid_until_unix_s == 0);
}

#define AT(y2026_days, hour, minute, second)                                                       \
    ((INT64_C(20454) + (y2026_days)) * DAY + (hour) * 3600 + (minute) * 60 + (second))
#define SEP_10 AT(252, 0, 0, 0) /* a Thursday */
#define SEP_25 AT(267, 0, 0, 0) /* a Friday, and a holiday */
#define NOV_20 AT(323, 0, 0, 0) /* a Friday */
#define HOURS(h) ((h) * INT64_C(3600))

/* DeepSeek: Monday to Friday 01-04 and 06-10 UTC cost twice as much. */
static void test_hours(void)
{
    static const struct {
        const char *name, *model;
        int64_t at_s, input_pico, cached_pico, output_pico; /* -1 = no price */
        int64_t until_s;
    } hours[] = {
        {"last second before the peak", "deepseek-flash", NOV_20 + HOURS(1) - 1, 150000, 3000, 600000,
         NOV_20 + HOURS(1) - 1},
        {"first of the peak", "deepseek-flash", NOV_20 + HOURS(1), 300000, 6000, 1200000,
         NOV_20 + HOURS(4) - 1},
        {"last of the peak", "deepseek-flash", NOV_20 + HOURS(4) - 1, 300000, 6000, 1200000,
         NOV_20 + HOURS(4) - 1},
        {"noon in Beijing", "deepseek-flash", NOV_20 + HOURS(4), 150000, 3000, 600000,
         NOV_20 + HOURS(6) - 1},
        {"afternoon", "deepseek-v4-pro", NOV_20 + HOURS(6), 1320000, 44000, 3960000,
         NOV_20 + HOURS(10) - 1},
        {"evening", "deepseek-v4-pro", NOV_20 + HOURS(10), 660000, 22000, 1980000, NOV_20 + DAY - 1},
        {"Saturday", "deepseek-flash", NOV_20 + DAY + HOURS(2), 150000, 3000, 600000,
         NOV_20 + 2 * DAY - 1},
        {"Sunday", "deepseek-flash", NOV_20 + 2 * DAY + HOURS(7), 150000, 3000, 600000,
         NOV_20 + 3 * DAY - 1},
        {"Monday", "deepseek-flash", NOV_20 + 3 * DAY + HOURS(7), 300000, 6000, 1200000,
         NOV_20 + 3 * DAY + HOURS(10) - 1},
        {"holiday", "deepseek-flash", SEP_25 + HOURS(2), 150000, 3000, 600000, SEP_25 + DAY - 1},
        {"the day before", "deepseek-flash", SEP_25 - DAY + HOURS(2), 300000, 6000, 1200000,
         SEP_25 - DAY + HOURS(4) - 1},
        {"the last peak of the old price", "deepseek-v4-flash", SEP_10 + HOURS(4) - 1, 440000, 14000,
         1320000, SEP_10 + HOURS(4) - 1},
        {"the new price", "deepseek-v4-flash", SEP_10 + HOURS(4), 150000, 3000, 600000,
         SEP_10 + HOURS(6) - 1},
        {"before there was a peak", "deepseek-v4-flash", AT(222, 7, 0, 0), 140000, 2800, 280000,
         AT(227, 16, 0, 0) - 1},
        {"retired names", "deepseek-chat", NOV_20 + HOURS(1), 300000, 6000, 1200000,
         NOV_20 + HOURS(4) - 1},
        {"before V4", "deepseek-reasoner", AT(100, 0, 0, 0), 280000, 28000, 420000,
         AT(113, 0, 0, 0) - 1},
        {"before V3.2", "deepseek-reasoner", AT(-32, 0, 0, 0), -1, -1, -1, 0},
        {"before 1970", "deepseek-flash", -1, -1, -1, -1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(hours); i++) {
        harborai_price price;
        harborai_status st =
            find_in(&deepseek_prices, hours[i].model, "", hours[i].at_s, 0, 0, &price);
        ROW(hours[i].name, st == (hours[i].input_pico < 0 ? HARBORAI_E_NOT_FOUND : HARBORAI_OK));
        if (st != HARBORAI_OK)
            continue;
        ROW(hours[i].name, price.per_unit[IN] == hours[i].input_pico);
        ROW(hours[i].name, price.per_unit[OUT] == hours[i].output_pico);
        ROW(hours[i].name, price.per_unit[CACHED] == hours[i].cached_pico);
        ROW(hours[i].name, price.valid_until_unix_s == hours[i].until_s);
    }
}

static void test_refuses_a_small_answer(void)
{
    harborai_price_query query = {.size = sizeof query, .model = HARBORAI_STR("gpt-4o")};
    harborai_price price = {.size = 16};
    harborai_error error = HARBORAI_ERROR_INIT;
    CU_ASSERT(price_table_find(&openai_prices, &query, &price, &error) == HARBORAI_E_INVALID);
    CU_ASSERT(price.known_mask == 0);
    price.size = sizeof price;
    query.model = HARBORAI_STR("none");
    CU_ASSERT(price_table_find(&openai_prices, &query, &price, &error) == HARBORAI_E_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(error.message, "no price for model 'none'");
    query.model = HARBORAI_STR("gpt-4o");
    query.service_tier = HARBORAI_STR("scale");
    CU_ASSERT(price_table_find(&openai_prices, &query, &price, &error) == HARBORAI_E_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(error.message, "no price for tier 'scale' at that time");
}

#define Y2026_10_07 AT(279, 0, 0, 0)
#define WRITE HARBORAI_TOKENS_CACHE_WRITE
#define WRITE_1H HARBORAI_TOKENS_CACHE_WRITE_1H

/* Prices that the length of prompt or answer decides, for the whole request. */
static void test_lengths(void)
{
    static const struct {
        const struct price_table *table;
        const char *model, *tier;
        int64_t at_s, input, output;
        int usage_class;
        int64_t pico; /* -1 = no price */
    } lengths[] = {
        {&anthropic_prices, "claude-haiku-5-5", "", Y2026_11_21, 100000, 9, IN, 100000},
        {&anthropic_prices, "claude-haiku-5-5", "", Y2026_11_21, 100001, 9, IN, 500000},
        {&anthropic_prices, "claude-haiku-5-5", "", Y2026_11_21, 100001, 9, CACHED, 50000},
        {&anthropic_prices, "claude-haiku-5-5", "", Y2026_11_21, 100001, 9, WRITE, 625000},
        {&anthropic_prices, "claude-haiku-5-5", "", Y2026_11_21, 100001, 9, WRITE_1H, 1000000},
        {&anthropic_prices, "claude-haiku-5-5", "batch", Y2026_11_21, 100001, 9, OUT, 1250000},
        {&anthropic_prices, "claude-haiku-5-5", "", Y2026_10_07, 1, 9, OUT, 500000},
        {&anthropic_prices, "claude-sonnet-5-5", "", Y2026_10_07 - 1, 1, 9, CACHED, 200000},
        {&anthropic_prices, "claude-sonnet-5-5", "", Y2026_10_07, 1, 9, CACHED, 100000},
        {&anthropic_prices, "claude-sonnet-5-5", "batch", Y2026_10_07, 1, 9, CACHED, 50000},
        {&anthropic_prices, "claude-opus-5-5", "fast", Y2026_11_21, 1, 9, OUT, 40000000},
        {&anthropic_prices, "claude-opus-5-5", "fast", Y2026_11_21, 1, 9, HARBORAI_UNITS_SEARCHES,
         INT64_C(10000000000)},
        {&anthropic_prices, "claude-opus-5-5", "standard_only", Y2026_11_21, 1, 9, IN, 4000000},
        {&anthropic_prices, "claude-3-haiku-20240307", "", Y2026_11_21, 1, 9, WRITE, 300000},
        {&anthropic_prices, "claude-opus-4-6", "", AT(71, 0, 0, 0) - 1, 200001, 9, OUT, 37500000},
        {&anthropic_prices, "claude-opus-4-6", "", AT(71, 0, 0, 0), 200001, 9, OUT, 25000000},
        {&doubao_prices, "doubao-seed-1-8-251228", "", Y2026_11_21, 32000, 200, OUT, 2000000},
        {&doubao_prices, "doubao-seed-1-8-251228", "", Y2026_11_21, 32000, 201, OUT, 8000000},
        {&doubao_prices, "doubao-seed-1-8-251228", "", Y2026_11_21, 32000, 201, IN, 800000},
        {&doubao_prices, "doubao-seed-1-8-251228", "", Y2026_11_21, 32001, 1, OUT, 16000000},
        {&doubao_prices, "doubao-seed-1-8-251228", "", Y2026_11_21, 128000, 201, IN, 1200000},
        {&doubao_prices, "doubao-seed-1-8-251228", "", Y2026_11_21, 128001, 201, IN, 2400000},
        {&doubao_prices, "doubao-seed-1-8-251228", "", Y2026_11_21, 128001, 1, CACHED, 160000},
        {&doubao_prices, "doubao-seed-1-8-251228", "batch", Y2026_11_21, 1, 201, OUT, 4000000},
        {&doubao_prices, "doubao-seed-1-8-251228", "batch", Y2026_11_21, 1, 201, CACHED, 160000},
        {&doubao_prices, "doubao-seed-1-6-flash-250828", "", Y2026_11_21, 128000, 1, IN, 300000},
        {&doubao_prices, "doubao-seed-1-6-flash-250828", "", Y2026_11_21, 128001, 1, IN, -1},
        {&wenxin_prices, "ernie-5.1", "", Y2026_11_21, 32768, 1, OUT, 18000000},
        {&wenxin_prices, "ernie-5.1", "", Y2026_11_21, 32769, 1, OUT, 22000000},
        {&wenxin_prices, "ernie-5.1", "", Y2026_11_21, 1, 1, CACHED, -1},
        {&wenxin_prices, "ernie-lite-8k", "", Y2026_11_21, 1, 1, OUT, 0},
        {&wenxin_prices, "ernie-4.0-turbo-8k", "", Y2026_11_21, 1, 1, CACHED, 1200000},
    };
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        harborai_price price;
        char name[96];
        snprintf(name, sizeof name, "%zu %s %s", i, lengths[i].model, lengths[i].tier);
        ROW(name, find_in(lengths[i].table, lengths[i].model, lengths[i].tier, lengths[i].at_s,
                          lengths[i].input, lengths[i].output, &price) == HARBORAI_OK);
        bool is_priced = (price.known_mask >> lengths[i].usage_class & 1) != 0;
        ROW(name, (is_priced ? price.per_unit[lengths[i].usage_class] : -1) == lengths[i].pico);
        ROW(name, strcmp(price.currency, lengths[i].table == &anthropic_prices ? "USD" : "CNY") == 0);
    }
}

static void test_no_price(void)
{
    harborai_price price;
    CU_ASSERT(find_in(&wenxin_prices, "ernie-5.5-flash-preview", "", Y2026_11_21, 1, 1, &price) ==
              HARBORAI_E_NOT_FOUND);
    CU_ASSERT(find_in(&anthropic_prices, "claude-haiku-5-5", "", Y2026_10_07 - 1, 1, 1, &price) ==
              HARBORAI_E_NOT_FOUND);
    CU_ASSERT(find_in(&anthropic_prices, "claude-opus-5", "priority", Y2026_11_21, 1, 1, &price) ==
              HARBORAI_E_NOT_FOUND);
}

/* Each row that a book gives is found again by each of its names; of books with prices by the hour
 * see test_hours. */
static void reach_every_row(const struct price_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct price_row *row = &table->rows[i];
        int64_t at_s = row->until_s == INT64_MAX ? Y2026_11_21 : row->until_s - 1;
        for (const char *const *name = row->names; *name != NULL; name++) {
            for (const struct price_tier *tier = row->tiers; tier->name != NULL; tier++) {
                harborai_price price;
                ROW(*name, find_in(table, *name, tier->name, at_s, row->input_above + 1,
                                   row->output_above + 1, &price) == HARBORAI_OK);
                ROW(*name, price.scale_num == tier->num && price.scale_den == tier->den);
                for (int c = 0; c < PRICE_TABLE_COLUMNS; c++)
                    if (row->pico[c] >= 0)
                        ROW(*name, price.per_unit[table->columns[c]] == row->pico[c]);
            }
        }
    }
}

static void test_every_row_is_reached(void)
{
    reach_every_row(&anthropic_prices);
    reach_every_row(&doubao_prices);
    reach_every_row(&openai_prices);
    reach_every_row(&wenxin_prices);
}

const CU_TestInfo price_table_tests[] = {{"openai", test_openai},
                                         {"holds until", test_holds_until},
                                         {"hours", test_hours},
                                         {"lengths", test_lengths},
                                         {"no price", test_no_price},
                                         {"refuses a small answer", test_refuses_a_small_answer},
                                         {"every row is reached", test_every_row_is_reached},
                                         CU_TEST_INFO_NULL};
