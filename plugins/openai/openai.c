/* SPDX-License-Identifier: MIT */
/* OpenAI's Chat Completions API, and whoever speaks it under another base_url. The request goes out
 * and the answer comes back as they are; the host sets the model, reads the usage and ends the call.
 * Models and prices come from pricing/books/openai.json. */
#include <harborai/plugin.h>

#include "openai_chat.h"
#include "plugins/openai/prices.h"

#define ID "org.harborai.openai"
#define VERSION "0.1.0"

HARBORAI_MANIFEST_LITERAL(
    "{\"id\":\"" ID "\",\"version\":\"" VERSION "\",\"provider\":\"openai\",\"name\":\"OpenAI\","
    "\"description\":\"Chat Completions of OpenAI, and of servers that speak the same\","
    "\"license\":\"MIT\",\"base_url\":\"https://api.openai.com/v1\",\"network\":[\"api.openai.com:443\"],"
    "\"capabilities\":[\"chat\",\"stream\",\"tools\",\"vision\",\"json_schema\",\"reasoning\"],"
    "\"models\":[" OPENAI_MODELS "],"
    "\"patterns\":[\"gpt-*\",\"chatgpt-*\",\"o1*\",\"o3*\",\"o4*\",\"ft:*\"],"
    "\"request_id_header\":\"x-request-id\",\"x-prices-date\":\"" OPENAI_PRICES_DATE "\","
    "\"secrets\":{\"api_key\":{\"env\":\"OPENAI_API_KEY\",\"required\":true,"
    "\"description\":\"API key, from platform.openai.com\"}},"
    "\"config_schema\":{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"}}}}");

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    (void)request;
    return openai_chat_start(provider, call, NULL, 0, error);
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
                                       .create = openai_chat_create,
                                       .destroy = openai_chat_destroy,
                                       .chat = chat, /* streams too */
                                       .pricing = pricing};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &plugin : NULL;
}
