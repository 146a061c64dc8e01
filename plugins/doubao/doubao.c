/* SPDX-License-Identifier: MIT */
/* Volcengine Ark (https://www.volcengine.com/docs/82379): Doubao, and models of others that it hosts,
 * by their names or by inference endpoints (ep-…), of which the operator says what model is behind.
 * The answer comes back as it is; the request goes out with reasoning in the words of the model.
 * Models and prices come from pricing/books/doubao.json. */
#include <harborai/plugin.h>
#include <stdlib.h>

#include "error_rules.h"
#include "json_value.h"
#include "openai_chat.h"
#include "plugins/doubao/prices.h"
#include "reasoning_request.h"

#define ID "org.harborai.doubao"
#define VERSION "0.1.0"

HARBORAI_MANIFEST_LITERAL(
    "{\"id\":\"" ID "\",\"version\":\"" VERSION "\",\"provider\":\"doubao\","
    "\"name\":\"Volcengine Ark (Doubao)\",\"license\":\"MIT\","
    "\"description\":\"Chat Completions of Volcengine Ark: Doubao and hosted models\","
    "\"homepage\":\"https://www.volcengine.com/docs/82379\","
    "\"base_url\":\"https://ark.cn-beijing.volces.com/api/v3\","
    "\"network\":[\"ark.cn-beijing.volces.com:443\"],"
    "\"capabilities\":[\"chat\",\"stream\",\"tools\",\"vision\",\"json_schema\",\"reasoning\"],"
    "\"models\":[" DOUBAO_MODELS "],\"patterns\":[\"doubao-*\",\"ep-*\"],\"dynamic_models\":true,"
    "\"x-prices-date\":\"" DOUBAO_PRICES_DATE "\","
    "\"unsupported\":[\"/audio\",\"/prediction\",\"/seed\",\"/verbosity\",\"/web_search_options\"],"
    "\"secrets\":{\"api_key\":{\"env\":\"ARK_API_KEY\",\"required\":true,"
    "\"description\":\"API key, from console.volcengine.com/ark\"}},"
    "\"config_schema\":{\"additionalProperties\":false,\"properties\":{\"endpoints\":{"
    "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\",\"minLength\":1},"
    "\"description\":\"the model behind each endpoint: "
    "{ ep-20260915-abcde: doubao-seed-2-1-pro-260915 }\"}}}}");

/* ---- The account ----------------------------------------------------------------------------- */

struct account { /* what a harborai_provider of ours is */
    harborai_provider *chat;
    harborai_str endpoints; /* the host's: {"ep-…":"doubao-…"}; empty = none */
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
    account->endpoints = host->config(host, "/endpoints");
    harborai_status st = openai_chat_create(host, config, &account->chat, error);
    if (st < 0)
        free(account);
    else
        *provider = (harborai_provider *)account;
    return st;
}

/* The model behind an endpoint, if the operator says it; of any other name the name. */
static harborai_str model_behind(harborai_provider *provider, harborai_str name)
{
    const struct account *account = (const struct account *)provider;
    harborai_str model;
    if (account == NULL || account->endpoints.len == 0 ||
        !json_string_plain(json_member(account->endpoints, name), &model))
        return name;
    return model;
}

/* ---- The request ----------------------------------------------------------------------------- */

/* thinking.type enabled, disabled, and auto of seed-1.6; reasoning_effort minimal (no thinking), low,
 * medium, high, max of hosted models: https://www.volcengine.com/docs/82379/1494384 as other clients
 * read it. An effort beside "disabled" is refused, "Invalid combination"
 * (github.com/langgenius/dify-official-plugins/pull/3771, 2026-08-28). */
static const struct reasoning_dialect seed = {
    CHAT_THINKING, REASONING_BY_DEFAULT, {"minimal", "low", "medium", "high", "high", "high"}};
static const struct reasoning_dialect seed_1_6 = {
    CHAT_THINKING, REASONING_BY_DEFAULT | REASONING_AUTO | REASONING_MINIMAL_OFF, {NULL}};
static const struct reasoning_dialect doubao_1_5 = {
    CHAT_THINKING, REASONING_BY_DEFAULT | REASONING_MINIMAL_OFF, {NULL}};
static const struct reasoning_dialect hosted = {
    CHAT_THINKING, REASONING_BY_DEFAULT, {"minimal", "low", "medium", "high", "high", "max"}};
static const struct reasoning_dialect never = {0};

/* By the begin of a model's name; the first holds. An endpoint that nobody has named is taken for one
 * of today's models. */
static const struct reasoning_family families[] = {
    {"doubao-1-5-thinking", &doubao_1_5},
    {"doubao-1-5", &never},
    {"doubao-seed-1-6", &seed_1_6},
    {"deepseek-", &hosted},
    {"glm-", &hosted},
    {"", &seed},
};

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    const struct account *account = (const struct account *)provider;
    struct chat_edits e;
    chat_edits_init(&e, call, request, error);
    reasoning_request(&e, reasoning_dialect_of(families, model_behind(provider, request->model)));
    if (chat_edits_has(&e, CHAT_MAX_COMPLETION_TOKENS)) /* "mutually exclusive" */
        chat_edits_rename(&e, CHAT_MAX_TOKENS, CHAT_MAX_COMPLETION_TOKENS);
    chat_edits_text_alone(&e); /* audio is left out by the manifest */
    chat_edits_developer(&e);
    if (e.status < 0)
        return e.status;
    const struct openai_chat what = {.edits = e.edits, .edit_count = e.count};
    return openai_chat_start(account->chat, call, &what, error);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* https://www.volcengine.com/docs/82379/1099476, where status and code are not what the host takes them
 * for. Some messages have the number of the operator's account in them. */
#define NOT_OPEN                                                                                   \
    "the account with Volcengine Ark has not activated this model: activate it in the console"
#define NOT_THERE                                                                                  \
    "Volcengine Ark does not have this model or endpoint, or not for this account: see 'harborai list-models'"

static const struct error_rule rules[] = {
    /* 400 InvalidParameter: github.com/langgenius/dify/issues/32221 */
    {"InvalidParameter*", "exceeds the maximum length", HARBORAI_E_CONTEXT, NULL},
    {"InvalidParameter*", "exceed max message tokens", HARBORAI_E_CONTEXT, NULL},
    {"InvalidParameter*", NULL, HARBORAI_E_INVALID, NULL},
    {"MissingParameter*", NULL, HARBORAI_E_INVALID, NULL},
    {"InvalidEndpoint.ClosedEndpoint", NULL, HARBORAI_E_NOT_FOUND, NULL},
    {"SensitiveContentDetected*", NULL, HARBORAI_E_FILTERED, NULL},
    {"*SensitiveContentDetected", NULL, HARBORAI_E_FILTERED, NULL},
    {"InputTextSensitiveContentDetected*", NULL, HARBORAI_E_FILTERED, NULL},
    {"InputImageSensitiveContentDetected*", NULL, HARBORAI_E_FILTERED, NULL},
    {"OutputTextSensitiveContentDetected*", NULL, HARBORAI_E_FILTERED, NULL},
    {"*RiskDetection", NULL, HARBORAI_E_FILTERED, NULL},
    {"AuthenticationError", NULL, HARBORAI_E_AUTH, NULL},
    {"AccessDenied*", NULL, HARBORAI_E_AUTH, NULL},
    {"AccountOverdueError", NULL, HARBORAI_E_QUOTA, NULL},
    {"OperationDenied.ServiceOverdue", NULL, HARBORAI_E_QUOTA, NULL},
    {"OperationDenied.ServiceNotOpen", NULL, HARBORAI_E_NOT_FOUND, NOT_OPEN},
    {"ModelNotOpen", NULL, HARBORAI_E_NOT_FOUND, NOT_OPEN},
    {"InvalidEndpointOrModel*", NULL, HARBORAI_E_NOT_FOUND, NOT_THERE},
    {"InvalidEndpoint.NotFound", NULL, HARBORAI_E_NOT_FOUND, NOT_THERE},
    {"*ModelIDAccessDisabled", NULL, HARBORAI_E_NOT_FOUND, NOT_THERE},
    {"UnsupportedModel", NULL, HARBORAI_E_NOT_FOUND, NULL},
    {"QuotaExceeded*", NULL, HARBORAI_E_QUOTA, NULL},
    {"SetLimitExceeded", NULL, HARBORAI_E_QUOTA, NULL},
    {"ServerOverloaded", NULL, HARBORAI_E_OVERLOADED, NULL},
    {"RateLimitExceeded*", NULL, HARBORAI_E_RATE_LIMIT, NULL},
    {"*RateLimitExceeded", NULL, HARBORAI_E_RATE_LIMIT, NULL},
    {"RequestBurstTooFast", NULL, HARBORAI_E_RATE_LIMIT, NULL},
    {"InflightBatchsizeExceeded", NULL, HARBORAI_E_RATE_LIMIT, NULL},
    {"InternalServiceError", NULL, HARBORAI_E_VENDOR, NULL},
};

static harborai_status map_error(harborai_provider *provider, harborai_call *call,
                                 const harborai_http_response *response, harborai_str body,
                                 harborai_error *error)
{
    (void)provider, (void)call, (void)response, (void)body;
    error_rules_apply(rules, sizeof rules / sizeof *rules, error);
    return HARBORAI_OK;
}

static harborai_status pricing(harborai_provider *provider, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error)
{
    harborai_price_query of_model = {.size = sizeof of_model};
    memcpy(&of_model, query, query->size < sizeof of_model ? query->size : sizeof of_model);
    of_model.model = model_behind(provider, query->model);
    return price_table_find(&doubao_prices, &of_model, price, error);
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
