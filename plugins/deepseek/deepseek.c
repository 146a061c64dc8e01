/* SPDX-License-Identifier: MIT */
/* DeepSeek's Chat Completions API. The request goes out as it is, with the reasoning_content of
 * earlier turns: the vendor wants it back where tools are used, and ignores it elsewhere. Two names
 * that it has retired live on here, as its flash model with thinking off and on. Models and prices
 * come from pricing/books/deepseek.json. */
#include <harborai/plugin.h>
#include <stdbool.h>

#include "json_value.h"
#include "openai_chat.h"
#include "plugins/deepseek/prices.h"

#define ID "org.harborai.deepseek"
#define VERSION "0.1.0"

HARBORAI_MANIFEST_LITERAL(
    "{\"id\":\"" ID "\",\"version\":\"" VERSION "\",\"provider\":\"deepseek\",\"name\":\"DeepSeek\","
    "\"description\":\"Chat Completions of DeepSeek\",\"license\":\"MIT\","
    "\"base_url\":\"https://api.deepseek.com\",\"network\":[\"api.deepseek.com:443\"],"
    "\"capabilities\":[\"chat\",\"stream\",\"tools\",\"vision\",\"reasoning\"],"
    "\"models\":[" DEEPSEEK_MODELS "],\"patterns\":[\"deepseek-*\"],"
    "\"x-prices-date\":\"" DEEPSEEK_PRICES_DATE "\","
    "\"secrets\":{\"api_key\":{\"env\":\"DEEPSEEK_API_KEY\",\"required\":true,"
    "\"description\":\"API key, from platform.deepseek.com\"}},"
    "\"config_schema\":{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"}}}}");

/* The vendor refuses these since 2026-07-24; until then they meant this. */
static const struct alias {
    const char *name;
    harborai_str thinking;
} aliases[] = {
    {"deepseek-chat", HARBORAI_STR_INIT("{\"type\":\"disabled\"}")},
    {"deepseek-reasoner", HARBORAI_STR_INIT("{\"type\":\"enabled\"}")},
};

static const struct alias *alias_of(harborai_str model)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (harborai_str_equal(model, aliases[i].name))
            return &aliases[i];
    return NULL;
}

/* A client that says itself whether to think knows more than the name that it uses. */
static bool says_thinking(harborai_str body)
{
    harborai_str said = json_member(body, HARBORAI_STR("thinking"));
    return said.len > 0 && json_kind(said) != JSON_NULL;
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    const struct alias *alias = alias_of(request->model);
    if (alias == NULL)
        return openai_chat_start(provider, call, NULL, 0, error);
    const harborai_edit edits[] = {
        {HARBORAI_STR("/model"), HARBORAI_STR("deepseek-flash"), HARBORAI_EDIT_TEXT, 0},
        {HARBORAI_STR("/thinking"), alias->thinking, HARBORAI_EDIT_JSON, 0},
    };
    return openai_chat_start(provider, call, edits, says_thinking(request->body) ? 1 : 2, error);
}

/* Where its errors are not those of OpenAI. */
static harborai_status map_error(harborai_provider *provider, harborai_call *call,
                                 const harborai_http_response *response, harborai_str body,
                                 harborai_error *error)
{
    (void)provider, (void)call;
    if (harborai_str_equal(body, "\"insufficient_system_resource\"")) /* a finish_reason, in a 200 */
        harborai_error_set(error, HARBORAI_E_OVERLOADED,
                           "DeepSeek ran out of resources within its answer: ask again");
    else if (response->status == 400 && strcmp(error->message, "Model Not Exist") == 0)
        harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                           "DeepSeek does not have this model, or not any more");
    return HARBORAI_OK;
}

static harborai_status pricing(harborai_provider *provider, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error)
{
    (void)provider;
    return price_table_find(&deepseek_prices, query, price, error);
}

static const harborai_plugin plugin = {.size = sizeof plugin,
                                       .abi_major = HARBORAI_ABI_MAJOR,
                                       .abi_minor = HARBORAI_ABI_MINOR,
                                       .id = ID,
                                       .version = VERSION,
                                       .create = openai_chat_create,
                                       .destroy = openai_chat_destroy,
                                       .chat = chat, /* streams too */
                                       .map_error = map_error,
                                       .pricing = pricing};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &plugin : NULL;
}
