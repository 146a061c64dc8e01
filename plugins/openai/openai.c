/* SPDX-License-Identifier: MIT */
/* OpenAI's Chat Completions API, and whoever speaks it under another base_url. The request goes out
 * and the answer comes back as they are; the host sets the model, reads the usage and ends the call.
 * Must never look at a key: the host puts it into the header, or leaves the header out where the
 * operator says `api_key: none`. Models and prices come from pricing/books/openai.json. */
#include <harborai/plugin.h>
#include <stdlib.h>

#include "plugins/openai/prices.h"

#define ID "org.harborai.openai"
#define VERSION "0.1.0"
#define BASE_URL "https://api.openai.com/v1"

HARBORAI_MANIFEST_LITERAL(
    "{\"id\":\"" ID "\",\"version\":\"" VERSION "\",\"provider\":\"openai\",\"name\":\"OpenAI\","
    "\"description\":\"Chat Completions of OpenAI, and of servers that speak the same\","
    "\"license\":\"MIT\",\"base_url\":\"" BASE_URL "\",\"network\":[\"api.openai.com:443\"],"
    "\"capabilities\":[\"chat\",\"stream\",\"tools\",\"vision\",\"json_schema\",\"reasoning\"],"
    "\"models\":[" OPENAI_MODELS "],"
    "\"patterns\":[\"gpt-*\",\"chatgpt-*\",\"o1*\",\"o3*\",\"o4*\",\"ft:*\"],"
    "\"request_id_header\":\"x-request-id\",\"x-prices-date\":\"" OPENAI_PRICES_DATE "\","
    "\"secrets\":{\"api_key\":{\"env\":\"OPENAI_API_KEY\",\"required\":true,"
    "\"description\":\"API key, from platform.openai.com\"}},"
    "\"config_schema\":{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"}}}}");

struct harborai_provider {
    size_t url_len;
    char url[]; /* of chat completions */
};

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    static const char path[] = "/chat/completions";
    harborai_str base = host->config(host, "/base_url");
    (void)config;
    if (base.len == 0)
        base = HARBORAI_STR(BASE_URL);
    while (base.len > 0 && base.data[base.len - 1] == '/')
        base.len--;
    *provider = malloc(sizeof **provider + base.len + sizeof path);
    if (*provider == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    memcpy((*provider)->url, base.data, base.len);
    memcpy((*provider)->url + base.len, path, sizeof path);
    (*provider)->url_len = base.len + sizeof path - 1;
    return HARBORAI_OK;
}

static void destroy(harborai_provider *provider)
{
    free(provider);
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    static const harborai_header key = {HARBORAI_STR_INIT("authorization"),
                                        HARBORAI_STR_INIT("Bearer %s"),
                                        HARBORAI_STR_INIT("api_key")};
    const harborai_http_request http = {.size = sizeof http,
                                        .url = {provider->url, provider->url_len},
                                        .headers = &key,
                                        .header_count = 1,
                                        .body_kind = HARBORAI_BODY_EDITED,
                                        .response_kind = HARBORAI_RESPONSE_PASSTHROUGH};
    (void)request;
    return call->host->http_start(call, &http, error);
}

static harborai_status pricing(harborai_provider *provider, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error)
{
    (void)provider;
    return price_table_find(&openai_prices, query, price, error);
}

static const harborai_plugin plugin = {.size = sizeof plugin,
                                       .abi_major = HARBORAI_ABI_MAJOR,
                                       .abi_minor = HARBORAI_ABI_MINOR,
                                       .id = ID,
                                       .version = VERSION,
                                       .create = create,
                                       .destroy = destroy,
                                       .chat = chat, /* streams too */
                                       .pricing = pricing};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &plugin : NULL;
}
