/* SPDX-License-Identifier: MIT */
#include "account/cost.h"

#include "../unit.h"
#include "base/attr.h"

extern const CU_TestInfo cost_tests[];

/* A plugin whose tariff depends on the question, so that the question is seen in the answer. */
static harborai_status pricing(harborai_provider *provider, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error)
{
    (void)provider;
    if (harborai_str_equal(query->model, "unknown"))
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "no");
    if (harborai_str_equal(query->model, "unterminated")) {
        memset(price->currency, 'X', sizeof price->currency);
        return HARBORAI_OK;
    }
    memcpy(price->currency, harborai_str_equal(query->model, "rmb") ? "RMB" : "USD", 4);
    price->known_mask = 1u << HARBORAI_TOKENS_INPUT | 1u << HARBORAI_TOKENS_CACHE_READ |
                        1u << HARBORAI_TOKENS_OUTPUT;
    price->per_unit[HARBORAI_TOKENS_INPUT] = query->input_tokens > 100 ? 20 : 10;
    price->per_unit[HARBORAI_TOKENS_CACHE_READ] = query->output_tokens > 100 ? 2 : 1;
    price->per_unit[HARBORAI_TOKENS_OUTPUT] = query->at_unix_s;
    if (query->service_tier.len > 0) {
        price->scale_num = 1;
        price->scale_den = 2;
    }
    return HARBORAI_OK;
}

static const harborai_plugin priced = {.size = sizeof priced, .id = "com.example.acme",
                                       .version = "1.2.3", .pricing = pricing};
static const harborai_plugin unpriced = {.size = sizeof unpriced, .id = "com.example.mute",
                                         .version = "1.0.0"};
static const harborai_plugin old = {.size = offsetof(harborai_plugin, pricing),
                                    .id = "com.example.old", .version = "1.0.0",
                                    .pricing = pricing};

#define SOURCE "plugin:com.example.acme 1.2.3"

static const struct row {
    const char *name;
    const harborai_plugin *plugin;
    const char *model, *tier;
    int64_t input, cached, audio, output, reasoning; /* -1 = not known */
    enum tariff_reason reason;
    int usage_class;
    int64_t pico;
    const char *currency, *source;
} rows[] = {
    {"plain", &priced, "m", "", 5, 3, -1, 2, -1, TARIFF_KNOWN, -1, 1053, "USD", SOURCE},
    {"tier", &priced, "m", "batch", 6, -1, -1, -1, -1, TARIFF_KNOWN, -1, 30, "USD", SOURCE},
    {"all input counts", &priced, "m", "", 1, 100, -1, -1, -1, TARIFF_KNOWN, -1, 120, "USD",
     SOURCE},
    {"all output counts", &priced, "m", "", -1, 1, -1, 1, 100, TARIFF_KNOWN, -1, 50502, "USD",
     SOURCE},
    {"saturates", &priced, "m", "", 1, INT64_MAX, -1, -1, -1, TARIFF_TOO_LARGE, -1, 0, "USD",
     SOURCE},
    {"class without price", &priced, "m", "", 1, -1, 7, 1, -1, TARIFF_CLASS_NO_PRICE,
     HARBORAI_TOKENS_AUDIO_IN, 0, "USD", SOURCE},
    {"RMB is CNY", &priced, "rmb", "", 1, -1, -1, -1, -1, TARIFF_KNOWN, -1, 10, "CNY", SOURCE},
    {"currency without end", &priced, "unterminated", "", 1, -1, -1, -1, -1, TARIFF_BAD_PRICE, -1,
     0, "", SOURCE},
    {"no usage", &priced, "m", "", -1, -1, -1, -1, -1, TARIFF_NO_USAGE, -1, 0, "", ""},
    {"unknown model", &priced, "unknown", "", 1, -1, -1, 1, -1, TARIFF_NO_PRICE, -1, 0, "", ""},
    {"no function", &unpriced, "m", "", 1, -1, -1, 1, -1, TARIFF_NO_PRICE, -1, 0, "", ""},
    {"shorter table", &old, "m", "", 1, -1, -1, 1, -1, TARIFF_NO_PRICE, -1, 0, "", ""},
    {"no plugin", NULL, "m", "", 1, -1, -1, 1, -1, TARIFF_NO_PRICE, -1, 0, "", ""},
};

static void set(harborai_usage *usage, uint32_t usage_class, int64_t count)
{
    if (count >= 0)
        harborai_usage_set(usage, usage_class, count);
}

static void test_costs(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        harborai_usage usage = {.size = sizeof usage};
        set(&usage, HARBORAI_TOKENS_INPUT, row->input);
        set(&usage, HARBORAI_TOKENS_CACHE_READ, row->cached);
        set(&usage, HARBORAI_TOKENS_AUDIO_IN, row->audio);
        set(&usage, HARBORAI_TOKENS_OUTPUT, row->output);
        set(&usage, HARBORAI_TOKENS_REASONING, row->reasoning);
        struct cost_query query = {.plugin = row->plugin,
                                   .prices_date = HARBORAI_STR("2026-11-21"),
                                   .model = slice_of(row->model),
                                   .service_tier = slice_of(row->tier),
                                   .at_unix_s = 500};
        struct cost cost;
        cost_of(&query, &usage, &cost);
        ROW(row->name, cost.reason == row->reason);
        ROW(row->name, cost.usage_class == row->usage_class);
        ROW(row->name, cost.pico == row->pico);
        ROW(row->name, cost.pico_input + cost.pico_output == row->pico);
        ROW(row->name, (cost.pico_output > 0) == (row->pico > 0 && row->output > 0));
        ROW(row->name, strcmp(cost.currency, row->currency) == 0);
        ROW(row->name, strcmp(cost.source, row->source) == 0);
        ROW(row->name, strcmp(cost.date, row->source[0] != '\0' ? "2026-11-21" : "") == 0);
    }
}

const CU_TestInfo cost_tests[] = {{"costs", test_costs}, CU_TEST_INFO_NULL};
