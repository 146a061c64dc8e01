/* SPDX-License-Identifier: MIT */
/* Usage. input_tokens leaves the cache out, output_tokens holds the thinking
 * ([SDK] anthropic 2.12.0, types/usage.py, message_delta_usage.py, output_tokens_details.py): both
 * are made disjoint here. Pure. */
#include "plugins/anthropic/usage.h"

#include <stdio.h>

#include "json_value.h"

static bool read_count(harborai_str object, harborai_str name, int64_t *ret_count)
{
    int64_t count;
    if (!json_int64(json_member(object, name), &count) || count < 0)
        return false;
    *ret_count = count;
    return true;
}

static bool is_known(const harborai_usage *usage, uint32_t usage_class)
{
    return (usage->known_mask >> usage_class & 1) != 0;
}

/* message_delta tells the sum alone; how long it is kept for was in message_start. */
static bool add_cache(harborai_usage *usage, harborai_str object)
{
    harborai_str by_time = json_member(object, HARBORAI_STR("cache_creation"));
    int64_t count, short_lived, sum;
    bool has = false;
    if (read_count(object, HARBORAI_STR("cache_read_input_tokens"), &count)) {
        harborai_usage_set(usage, HARBORAI_TOKENS_CACHE_READ, count);
        has = true;
    }
    if (read_count(by_time, HARBORAI_STR("ephemeral_1h_input_tokens"), &count))
        harborai_usage_set(usage, HARBORAI_TOKENS_CACHE_WRITE_1H, count);
    bool has_short = read_count(by_time, HARBORAI_STR("ephemeral_5m_input_tokens"), &short_lived);
    if (has_short)
        harborai_usage_set(usage, HARBORAI_TOKENS_CACHE_WRITE, short_lived);
    if (!read_count(object, HARBORAI_STR("cache_creation_input_tokens"), &sum))
        return has || has_short;
    count = is_known(usage, HARBORAI_TOKENS_CACHE_WRITE_1H)
                ? usage->count[HARBORAI_TOKENS_CACHE_WRITE_1H]
                : 0;
    if (!has_short) /* never more of one kind than there is of both */
        harborai_usage_set(usage, HARBORAI_TOKENS_CACHE_WRITE, sum > count ? sum - count : 0);
    return true;
}

static bool add_output(harborai_usage *usage, harborai_str object)
{
    harborai_str details = json_member(object, HARBORAI_STR("output_tokens_details"));
    int64_t output, thinking = 0;
    if (!read_count(object, HARBORAI_STR("output_tokens"), &output))
        return false;
    bool has = read_count(details, HARBORAI_STR("thinking_tokens"), &thinking);
    if (thinking > output)
        thinking = output;
    if (has || is_known(usage, HARBORAI_TOKENS_REASONING))
        harborai_usage_set(usage, HARBORAI_TOKENS_REASONING, thinking);
    harborai_usage_set(usage, HARBORAI_TOKENS_OUTPUT, output - thinking);
    return true;
}

bool usage_is_name(const struct json_member *member)
{
    static const harborai_str names[USAGE_NAMES] = {
        HARBORAI_STR_INIT("input_tokens"),
        HARBORAI_STR_INIT("output_tokens"),
        HARBORAI_STR_INIT("output_tokens_details"),
        HARBORAI_STR_INIT("cache_read_input_tokens"),
        HARBORAI_STR_INIT("cache_creation_input_tokens"),
        HARBORAI_STR_INIT("cache_creation"),
        HARBORAI_STR_INIT("server_tool_use"),
        HARBORAI_STR_INIT("service_tier"),
        HARBORAI_STR_INIT("speed"),
        HARBORAI_STR_INIT("inference_geo"),
    };
    for (size_t i = 0; i < USAGE_NAMES; i++)
        if (json_key_equal(member, names[i]))
            return true;
    return false;
}

bool usage_add(harborai_usage *usage, harborai_str object)
{
    harborai_str tools = json_member(object, HARBORAI_STR("server_tool_use"));
    int64_t count;
    bool has = false;
    if (read_count(object, HARBORAI_STR("input_tokens"), &count)) {
        harborai_usage_set(usage, HARBORAI_TOKENS_INPUT, count);
        has = true;
    }
    if (read_count(tools, HARBORAI_STR("web_search_requests"), &count))
        harborai_usage_set(usage, HARBORAI_UNITS_SEARCHES, count);
    has |= add_cache(usage, object);
    has |= add_output(usage, object);
    return has;
}

/* A usage object, a message, or an event of a stream that holds one of them. */
static harborai_str find_usage(harborai_str json)
{
    harborai_str usage = json_member(json, HARBORAI_STR("usage"));
    if (json_kind(usage) != JSON_OBJECT)
        usage = json_pointer_find(json, HARBORAI_STR("/message/usage"));
    return json_kind(usage) == JSON_OBJECT ? usage : json;
}

harborai_status usage_parse(harborai_provider *provider, harborai_str model, harborai_str json,
                            harborai_usage *usage, harborai_error *error)
{
    harborai_str value, object;
    (void)provider, (void)model;
    if (json_scan(json, NULL, &value, NULL) < 0 || json_kind(value) != JSON_OBJECT)
        return harborai_error_set(error, HARBORAI_E_INVALID, "it is no JSON object");
    object = find_usage(value);
    if (!usage_add(usage, object))
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "there is no usage in it");
    usage->vendor_json = object;
    return HARBORAI_OK;
}

/* ---- How it was billed --------------------------------------------------------------------------- */

harborai_str usage_tier(harborai_str object, char room[static USAGE_TIER_MOST])
{
    harborai_str tier = HARBORAI_STR("");
    bool is_us = json_string_equal(json_member(object, HARBORAI_STR("inference_geo")),
                                   HARBORAI_STR("us"));
    if (json_string_equal(json_member(object, HARBORAI_STR("speed")), HARBORAI_STR("fast")))
        tier = HARBORAI_STR("fast");
    else if (!json_string_plain(json_member(object, HARBORAI_STR("service_tier")), &tier) ||
             harborai_str_equal(tier, "standard") || tier.len > USAGE_TIER_MOST / 2)
        tier.len = 0;
    int len = snprintf(room, USAGE_TIER_MOST, "%.*s%s%s", (int)tier.len, tier.data,
                       tier.len > 0 && is_us ? " " : "", is_us ? USAGE_US : "");
    return (harborai_str){room, (size_t)len};
}
