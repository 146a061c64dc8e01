/* SPDX-License-Identifier: MIT */
/* Baidu Qianfan, version 2 of its API (https://cloud.baidu.com/doc/qianfan-api): ERNIE, called Wenxin,
 * and models of others that it hosts. The answer comes back as it is, with what Qianfan puts beside
 * OpenAI's members (flag, ban_round, search_results); the request goes out with reasoning in the words
 * of the model. Version 1, with its API key and secret key, is not spoken. Models and prices come from
 * pricing/books/wenxin.json. */
#include <harborai/plugin.h>
#include <stdlib.h>

#include "error_rules.h"
#include "openai_chat.h"
#include "plugins/wenxin/prices.h"
#include "reasoning_request.h"

#define ID "org.harborai.wenxin"
#define VERSION "0.1.0"
#define KEY_FORM "a key of version 2, which begins with bce-v3/ALTAK-, from console.bce.baidu.com/iam"

/* The schema of an option that has to be left out, and why. */
#define VERSION_1                                                                                  \
    "{\"anyOf\":[false],\"description\":\"it is of version 1 of Qianfan's API, which is not "        \
    "spoken: set api_key to " KEY_FORM "\"}"

HARBORAI_MANIFEST_LITERAL(
    "{\"id\":\"" ID "\",\"version\":\"" VERSION "\",\"provider\":\"wenxin\","
    "\"name\":\"Baidu Qianfan (Wenxin)\",\"license\":\"MIT\","
    "\"description\":\"Chat Completions of Baidu Qianfan v2: ERNIE and hosted models\","
    "\"homepage\":\"https://cloud.baidu.com/doc/qianfan-api\","
    "\"base_url\":\"https://qianfan.baidubce.com/v2\",\"network\":[\"qianfan.baidubce.com:443\"],"
    "\"capabilities\":[\"chat\",\"stream\",\"tools\",\"vision\",\"json_schema\",\"reasoning\"],"
    "\"models\":[" WENXIN_MODELS "],\"patterns\":[\"ernie-*\"],\"dynamic_models\":true,"
    "\"x-prices-date\":\"" WENXIN_PRICES_DATE "\","
    "\"unsupported\":[\"/audio\",\"/logit_bias\",\"/prediction\",\"/verbosity\"],"
    "\"secrets\":{\"api_key\":{\"env\":\"QIANFAN_API_KEY\",\"required\":true,"
    "\"description\":\"" KEY_FORM "\"}},"
    "\"config_schema\":{\"additionalProperties\":false,\"properties\":{"
    "\"appid\":{\"type\":\"string\"},\"secret_key\":" VERSION_1 ",\"access_token\":" VERSION_1 "}}}");

/* ---- The account ----------------------------------------------------------------------------- */

struct account { /* what a harborai_provider of ours is */
    harborai_provider *chat;
    harborai_str appid; /* the host's; empty = the key's own */
};

static void destroy(harborai_provider *provider)
{
    struct account *account = (struct account *)provider;
    openai_chat_destroy(account->chat);
    free(account);
}

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    struct account *account = calloc(1, sizeof *account);
    if (account == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    account->appid = host->config(host, "/appid");
    harborai_status st = openai_chat_create(host, config, &account->chat, error);
    if (st < 0)
        free(account);
    else
        *provider = (harborai_provider *)account;
    return st;
}

/* ---- The request ----------------------------------------------------------------------------- */

/* Which models take which switch, and what is their default: "Deep thinking",
 * https://cloud.baidu.com/doc/qianfan-docs/s/Wm95lyynv; efforts and budget: "Text generation",
 * https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb. Of models that are younger than these pages the
 * names decide. */
#define EFFORTS {"low", "low", "medium", "high", "high", "high"}

static const struct reasoning_dialect switched = {
    CHAT_ENABLE_THINKING, REASONING_BY_EFFORT | REASONING_BUDGET, EFFORTS};
static const struct reasoning_dialect switched_on = {
    CHAT_ENABLE_THINKING, REASONING_BY_DEFAULT | REASONING_BUDGET, EFFORTS};
static const struct reasoning_dialect always = {
    CHAT_ENABLE_THINKING, REASONING_BY_DEFAULT | REASONING_ALWAYS | REASONING_BUDGET, EFFORTS};
static const struct reasoning_dialect hosted = {
    CHAT_THINKING, REASONING_BY_EFFORT | REASONING_BUDGET, EFFORTS};
static const struct reasoning_dialect hosted_always = {
    CHAT_THINKING, REASONING_BY_DEFAULT | REASONING_ALWAYS, EFFORTS};
static const struct reasoning_dialect never = {0};

/* By the begin of a model's name; the first holds. */
static const struct reasoning_family families[] = {
    {"ernie-x1", &always},
    {"ernie-5.0-thinking", &switched_on},
    {"ernie-5", &switched},
    {"ernie-4.5-turbo-vl", &switched},
    {"ernie-4.5-vl", &switched},
    {"ernie-", &never},
    {"deepseek-r1", &hosted_always},
    {"deepseek-", &hosted},
    {"kimi-", &hosted},
    {"glm-", &hosted},
    {"", &switched},
};

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    const struct account *account = (const struct account *)provider;
    const harborai_header appid = {HARBORAI_STR("appid"), account->appid, {NULL, 0}};
    struct chat_edits e;
    chat_edits_init(&e, call, request, error);
    reasoning_request(&e, reasoning_dialect_of(families, request->model));
    if (chat_edits_has(&e, CHAT_MAX_TOKENS)) /* both would contradict each other */
        chat_edits_rename(&e, CHAT_MAX_COMPLETION_TOKENS, CHAT_MAX_TOKENS);
    chat_edits_text_alone(&e); /* audio is left out by the manifest */
    chat_edits_developer(&e);
    if (e.status < 0)
        return e.status;
    const struct openai_chat what = {.headers = &appid,
                                     .header_count = account->appid.len > 0 ? 1 : 0,
                                     .edits = e.edits,
                                     .edit_count = e.count};
    return openai_chat_start(account->chat, call, &what, error);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* https://cloud.baidu.com/doc/qianfan-api/s/rmwbl43x7 (2026-11-11), where status and code are not what
 * the host takes them for; numbers are of version 1, from gateways before the API:
 * https://ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh (2025-09-05). */
#define NO_MODEL                                                                                   \
    "Qianfan does not have this model, or not for this account: see 'harborai list-models'"
#define FILTERED "Qianfan's content policy refused the request"

static const struct error_rule rules[] = {
    {"tokens_too_long", NULL, HARBORAI_E_CONTEXT, NULL},
    {"characters_too_long", NULL, HARBORAI_E_CONTEXT, NULL},
    {"invalid_model", "model is empty", HARBORAI_E_INVALID, NULL},
    {"invalid_model", NULL, HARBORAI_E_NOT_FOUND, NO_MODEL},
    {"model_offline", NULL, HARBORAI_E_NOT_FOUND, NULL},
    {"no_parameter_permission", NULL, HARBORAI_E_UNSUPPORTED, NULL},
    {"account_overdue", NULL, HARBORAI_E_QUOTA, NULL},
    {"*_unsafe", NULL, HARBORAI_E_FILTERED, NULL},
    {"*rate_limit_exceeded", NULL, HARBORAI_E_RATE_LIMIT, NULL},
    {"malformed_json", NULL, HARBORAI_E_INVALID, NULL},
    {"invalid_messages", NULL, HARBORAI_E_INVALID, NULL},
    {"invalid_argument", NULL, HARBORAI_E_INVALID, NULL},
    {"invalid_appid", NULL, HARBORAI_E_AUTH, NULL},
    {"invalid_iam_token", NULL, HARBORAI_E_AUTH, NULL},
    {"*internal_error", NULL, HARBORAI_E_VENDOR, NULL},
    {"2", NULL, HARBORAI_E_OVERLOADED, NULL},
    {"4", NULL, HARBORAI_E_RATE_LIMIT, NULL},
    {"17", NULL, HARBORAI_E_QUOTA, NULL},
    {"18", NULL, HARBORAI_E_RATE_LIMIT, NULL},
    {"19", NULL, HARBORAI_E_QUOTA, NULL},
    {"6", NULL, HARBORAI_E_AUTH, NULL},
    {"13", NULL, HARBORAI_E_AUTH, NULL},
    {"14", NULL, HARBORAI_E_AUTH, NULL},
    {"100", NULL, HARBORAI_E_AUTH, NULL},
    {"110", NULL, HARBORAI_E_AUTH, NULL},
    {"111", NULL, HARBORAI_E_AUTH, NULL},
};

static void hint_at_key(harborai_error *error)
{
    char said[sizeof error->message];
    bool is_appid = strcmp(error->vendor_code, "invalid_appid") == 0;
    memcpy(said, error->message, sizeof said);
    snprintf(error->message, sizeof error->message, "%.300s: %s", said,
             is_appid ? "check the option appid" : "Qianfan takes " KEY_FORM);
}

static harborai_status map_error(harborai_provider *provider, harborai_call *call,
                                 const harborai_http_response *response, harborai_str body,
                                 harborai_error *error)
{
    (void)provider, (void)call, (void)response, (void)body;
    error_rules_apply(rules, sizeof rules / sizeof *rules, error);
    if (error->code == HARBORAI_E_AUTH)
        hint_at_key(error);
    return HARBORAI_OK;
}

static harborai_status pricing(harborai_provider *provider, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error)
{
    (void)provider;
    return price_table_find(&wenxin_prices, query, price, error);
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
                                       .chat = chat,
                                       .stream = chat,
                                       .map_error = map_error,
                                       .parse_tokens = openai_chat_parse_tokens,
                                       .pricing = pricing,
                                       .unload = unload};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &plugin : NULL;
}
