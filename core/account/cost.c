/* SPDX-License-Identifier: MIT */
/* Asks the sources for a tariff and multiplies. A plugin is foreign code: what it says is checked,
 * and what is wrong makes the cost unknown, never 0 and never an error of the call. */
#include "account/cost.h"

#include "pricing/money.h"

#define BIT(usage_class) (1u << (usage_class))
#define INPUT_CLASSES                                                                              \
    (BIT(HARBORAI_TOKENS_INPUT) | BIT(HARBORAI_TOKENS_CACHE_READ) |                                \
     BIT(HARBORAI_TOKENS_CACHE_WRITE) | BIT(HARBORAI_TOKENS_CACHE_WRITE_1H) |                      \
     BIT(HARBORAI_TOKENS_CACHE_WRITE_30M) | BIT(HARBORAI_TOKENS_CACHE_WRITE_12H) |                 \
     BIT(HARBORAI_TOKENS_AUDIO_IN) | BIT(HARBORAI_TOKENS_IMAGE_IN) |                               \
     BIT(HARBORAI_TOKENS_VIDEO_IN) | BIT(HARBORAI_TOKENS_AUDIO_CACHE_READ) |                       \
     BIT(HARBORAI_TOKENS_IMAGE_CACHE_READ))
#define OUTPUT_CLASSES                                                                             \
    (BIT(HARBORAI_TOKENS_OUTPUT) | BIT(HARBORAI_TOKENS_REASONING) |                                \
     BIT(HARBORAI_TOKENS_AUDIO_OUT) | BIT(HARBORAI_TOKENS_IMAGE_OUT) |                             \
     BIT(HARBORAI_TOKENS_PREDICTION_REJECTED))

/* Saturates: a count so large makes the sum unknown in any case. */
static int64_t total(const harborai_usage *usage, uint32_t classes)
{
    int64_t sum = 0;
    for (int c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if ((usage->known_mask & classes & BIT(c)) != 0 && usage->count[c] > 0 &&
            __builtin_add_overflow(sum, usage->count[c], &sum))
            return INT64_MAX;
    return sum;
}

static bool ask_plugin(const struct cost_query *query, const harborai_usage *usage,
                       struct tariff *ret_tariff)
{
    const harborai_plugin *plugin = query->plugin;
    harborai_price price = {.size = sizeof price};
    harborai_price_query question = {
        .size = sizeof question,
        .model = query->model,
        .service_tier = query->service_tier,
        .at_unix_s = query->at_unix_s,
        .input_tokens = total(usage, INPUT_CLASSES),
        .output_tokens = total(usage, OUTPUT_CLASSES),
    };
    harborai_error error = HARBORAI_ERROR_INIT;
    if (plugin == NULL || !HARBORAI_HAS(harborai_plugin, plugin, pricing) ||
        plugin->pricing == NULL ||
        plugin->pricing(query->provider, &question, &price, &error) < 0)
        return false;
    *ret_tariff = (struct tariff){
        .known_mask = price.known_mask,
        .per_request = price.per_request,
        .scale_num = price.scale_num,
        .scale_den = price.scale_den,
    };
    memcpy(ret_tariff->currency, price.currency, sizeof ret_tariff->currency);
    memcpy(ret_tariff->per_unit, price.per_unit, sizeof ret_tariff->per_unit);
    return true;
}

/* As much of it as there is room for before a NUL. Returns the room behind it. */
static char *put(char *to, const char *end, harborai_str text)
{
    text = slice_cut(text, (size_t)(end - to) - 1);
    if (text.len > 0)
        memcpy(to, text.data, text.len);
    to[text.len] = '\0';
    return to + text.len;
}

static void name_source(const struct cost_query *query, struct cost *cost)
{
    char *at = cost->source, *end = at + sizeof cost->source;
    at = put(at, end, HARBORAI_STR("plugin:"));
    at = put(at, end, slice_of(query->plugin->id));
    at = put(at, end, HARBORAI_STR(" "));
    put(at, end, slice_of(query->plugin->version));
    put(cost->date, cost->date + sizeof cost->date, query->prices_date);
}

void cost_of(const struct cost_query *query, const harborai_usage *usage, struct cost *ret_cost)
{
    struct tariff tariff;
    *ret_cost = (struct cost){.reason = TARIFF_NO_USAGE, .usage_class = -1};
    if (usage->known_mask == 0)
        return;
    ret_cost->reason = TARIFF_NO_PRICE;
    if (!ask_plugin(query, usage, &tariff))
        return;
    name_source(query, ret_cost);
    harborai_str currency = {tariff.currency, strnlen(tariff.currency, sizeof tariff.currency)};
    ret_cost->reason = TARIFF_BAD_PRICE;
    if (money_currency(currency, ret_cost->currency, NULL) != HARBORAI_OK)
        return;
    struct tariff_sum sum = tariff_sum_of(&tariff, usage);
    ret_cost->reason = sum.reason;
    ret_cost->usage_class = sum.usage_class;
    ret_cost->pico = sum.pico;
    ret_cost->pico_output = sum.pico_output;
    ret_cost->pico_input = sum.pico - sum.pico_output;
}
