/* SPDX-License-Identifier: MIT */
/* Anthropic's Messages API, for applications that speak OpenAI's: the request is translated, and of
 * the answer always a stream is read, whoever asked. A whole answer would be a second translation of
 * the same thing; it is refused by the vendor's own clients where it may take more than ten minutes
 * ([SDK] anthropic 2.12.0, _calculate_nonstreaming_timeout), it tells nothing of whether the vendor
 * still works, and what was used is lost with it when it breaks off. The host collects.
 * Models and prices come from pricing/books/anthropic.json. */
#include <harborai/plugin.h>

#include "plugins/anthropic/body.h"
#include "plugins/anthropic/errors.h"
#include "plugins/anthropic/events.h"
#include "plugins/anthropic/prices.h"
#include "plugins/anthropic/request.h"
#include "plugins/anthropic/settings.h"
#include "plugins/anthropic/usage.h"

#define VERSION "0.1.0"

HARBORAI_MANIFEST_LITERAL(
    "{\"id\":\"" ANTHROPIC_ID "\",\"version\":\"" VERSION "\",\"provider\":\"anthropic\","
    "\"name\":\"Anthropic\",\"description\":\"The Messages API of Anthropic\",\"license\":\"MIT\","
    "\"base_url\":\"https://api.anthropic.com\",\"network\":[\"api.anthropic.com:443\"],"
    "\"capabilities\":[\"chat\",\"stream\",\"tools\",\"vision\",\"json_schema\",\"reasoning\"],"
    "\"models\":[" ANTHROPIC_MODELS "],\"patterns\":[\"claude-*\"],"
    "\"request_id_header\":\"request-id\",\"x-prices-date\":\"" ANTHROPIC_PRICES_DATE "\","
    "\"secrets\":{\"api_key\":{\"env\":\"ANTHROPIC_API_KEY\",\"required\":true,"
    "\"description\":\"API key, from platform.claude.com\"}},"
    "\"config_schema\":{\"additionalProperties\":false,\"properties\":{"
    "\"anthropic_version\":{\"enum\":[\"2023-06-01\",\"2026-10-21\"]},"
    "\"auth_style\":{\"enum\":[\"x-api-key\",\"bearer\"]},"
    "\"beta\":{\"type\":\"string\"},\"max_tokens\":{\"type\":\"integer\",\"minimum\":1,"
    "\"maximum\":1000000000},"
    "\"reasoning_effort\":{\"enum\":[\"none\",\"minimal\",\"low\",\"medium\",\"high\",\"xhigh\","
    "\"max\"]},\"thinking_display\":{\"enum\":[\"summarized\",\"omitted\"]}}}}");

static harborai_status start(const harborai_provider *self, harborai_call *call,
                             const struct events *events, harborai_error *error)
{
    const harborai_header headers[] = {
        {HARBORAI_STR("anthropic-version"), self->version, {NULL, 0}},
        self->is_bearer ? (harborai_header){HARBORAI_STR("authorization"),
                                            HARBORAI_STR("Bearer %s"), HARBORAI_STR("api_key")}
                        : (harborai_header){HARBORAI_STR("x-api-key"), HARBORAI_STR("%s"),
                                            HARBORAI_STR("api_key")},
        {HARBORAI_STR("anthropic-beta"), self->beta, {NULL, 0}},
    };
    const harborai_http_request http = {.size = sizeof http,
                                        .url = {self->url, self->url_len},
                                        .headers = headers,
                                        .header_count = self->beta.len > 0 ? 3 : 2,
                                        .body_kind = HARBORAI_BODY_BYTES,
                                        .body = json_out_str(&events->request),
                                        .response_kind = HARBORAI_RESPONSE_SSE};
    return call->host->http_start(call, &http, error);
}

static harborai_status chat(harborai_provider *self, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    struct events *events = call->state;
    harborai_status st = request_write(self, call, request, &events->request, error);
    return st < 0 ? st : start(self, call, events, error);
}

static void on_event(harborai_provider *self, harborai_call *call, const harborai_event *event)
{
    (void)self;
    events_take(call, event);
}

static void on_end(harborai_provider *self, harborai_call *call)
{
    (void)self;
    events_end(call);
}

static void on_release(harborai_provider *self, harborai_call *call)
{
    (void)self;
    events_release(call->state);
}

/* Inference in the US alone is 10 % more of everything (platform.claude.com/docs/en/about-claude/
 * pricing, "Data residency pricing"). */
static harborai_status pricing(harborai_provider *self, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error)
{
    harborai_price_query listed = *query;
    harborai_str *tier = &listed.service_tier;
    size_t len = sizeof USAGE_US - 1, rest = tier->len >= len ? tier->len - len : 0;
    bool is_us = tier->len >= len && memcmp(tier->data + rest, USAGE_US, len) == 0 &&
                 (rest == 0 || tier->data[rest - 1] == ' ');
    (void)self;
    if (is_us)
        tier->len = rest > 0 ? rest - 1 : 0;
    harborai_status st = price_table_find(&anthropic_prices, &listed, price, error);
    if (st < 0 || !is_us)
        return st;
    price->scale_num = (price->scale_num > 0 ? price->scale_num : 1) * 11;
    price->scale_den = (price->scale_den > 0 ? price->scale_den : 1) * 10;
    return st;
}

/* No thread and no key of a thread outlives destroy(): the object may go, as an upgrade wants. */
static void unload(void)
{
}

static const harborai_plugin plugin = {.size = sizeof plugin,
                                       .abi_major = HARBORAI_ABI_MAJOR,
                                       .abi_minor = HARBORAI_ABI_MINOR,
                                       .id = ANTHROPIC_ID,
                                       .version = VERSION,
                                       .call_state_size = sizeof(struct events),
                                       .create = settings_create,
                                       .destroy = settings_destroy,
                                       .chat = chat, /* streams too */
                                       .on_event = on_event,
                                       .on_end = on_end,
                                       .on_release = on_release,
                                       .map_error = errors_map,
                                       .parse_tokens = usage_parse,
                                       .pricing = pricing,
                                       .unload = unload};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &plugin : NULL;
}
