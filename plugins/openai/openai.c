/* SPDX-License-Identifier: MIT */
/* OpenAI's Chat Completions API, and whoever speaks it under another base_url. The request goes out
 * with the edits that the model or the server needs; the answer comes back as it is, the host reads the
 * usage and ends the call. Models and prices come from pricing/books/openai.json, other servers from
 * presets.json. */
#include <harborai/plugin.h>
#include <stdlib.h>

#include "error_rules.h"
#include "openai_chat.h"
#include "plugins/openai/options.h"
#include "plugins/openai/presets.h"
#include "plugins/openai/prices.h"
#include "plugins/openai/request.h"

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
    "\"presets\":{" OPENAI_PRESETS "},"
    "\"config_schema\":" OPTIONS_SCHEMA "}");

struct account {
    harborai_provider *chat; /* of openai_chat */
    struct options options;
};

static struct account *account_of(harborai_provider *provider)
{
    return (struct account *)(void *)provider;
}

static void destroy(harborai_provider *provider)
{
    struct account *account = account_of(provider);
    openai_chat_destroy(account->chat);
    free(account);
}

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    struct account *account = calloc(1, sizeof *account);
    if (account == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    harborai_status st = options_read(host, config, &account->options, error);
    if (st >= 0)
        st = openai_chat_create(host, config, &account->chat, error);
    if (st < 0)
        free(account);
    else
        *provider = (harborai_provider *)(void *)account;
    return st;
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    const struct account *account = account_of(provider);
    struct chat_edits e;
    chat_edits_init(&e, call, request, error);
    request_edit(&account->options, request, &e);
    if (e.status < 0)
        return e.status;
    const struct openai_chat what = {.headers = account->options.headers,
                                     .header_count = account->options.header_count,
                                     .edits = e.edits,
                                     .edit_count = e.count,
                                     .flags = request_flags(&account->options, request)};
    return openai_chat_start(account->chat, call, &what, error);
}

/* A rule of thumb: OpenAI's are in small letters; servers that speak its format have numbers too, and
 * Names, though some write words of their own in small letters. */
static bool is_openai_code(const char *code)
{
    return code[0] >= 'a' && code[0] <= 'z';
}

/* What the host made of the status and of OpenAI's codes stands; the vendor knows best whether the
 * same request may succeed (openai-python 3.52.0, _base_client.py: x-should-retry wins). */
static harborai_status map_error(harborai_provider *provider, harborai_call *call,
                                 const harborai_http_response *response, harborai_str body,
                                 harborai_error *error)
{
    (void)provider, (void)call, (void)body;
    error_rules_should_retry(response, error);
    if (error->code == HARBORAI_E_INVALID && is_openai_code(error->vendor_code))
        error->flags |= HARBORAI_ERROR_OPENAI_CODE;
    return HARBORAI_OK;
}

static harborai_status pricing(harborai_provider *provider, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error)
{
    if (provider != NULL && !account_of(provider)->options.has_prices)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                  "OpenAI's prices are not those of this server");
    return price_table_find(&openai_prices, query, price, error);
}

/* No thread and no key of a thread outlives destroy(): the object may go, as an upgrade wants. */
static void unload(void)
{
}

static const harborai_plugin plugin = {.size = sizeof plugin,
                                       .abi_major = HARBORAI_ABI_MAJOR,
                                       .abi_minor = HARBORAI_ABI_MINOR,
                                       .id = ID,
                                       .version = VERSION,
                                       .create = create,
                                       .destroy = destroy,
                                       .chat = chat, /* streams too */
                                       .map_error = map_error,
                                       .parse_tokens = openai_chat_parse_tokens,
                                       .pricing = pricing,
                                       .unload = unload};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &plugin : NULL;
}
