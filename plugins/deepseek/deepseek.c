/* SPDX-License-Identifier: MIT */
/* DeepSeek's Chat Completions API (https://api-docs.deepseek.com). The answer comes back as it is; the
 * request goes out with the edits that its thinking mode asks for. Two names that the vendor has
 * retired live on here, as its flash model with thinking off and on. Models and prices come from
 * pricing/books/deepseek.json. */
#include <harborai/plugin.h>

#include "error_rules.h"
#include "json_value.h"
#include "openai_chat.h"
#include "plugins/deepseek/prices.h"
#include "reasoning_request.h"
#include "replayed.h"

#define ID "org.harborai.deepseek"
#define VERSION "0.1.0"

HARBORAI_MANIFEST_LITERAL(
    "{\"id\":\"" ID "\",\"version\":\"" VERSION "\",\"provider\":\"deepseek\",\"name\":\"DeepSeek\","
    "\"description\":\"Chat Completions of DeepSeek\",\"license\":\"MIT\","
    "\"base_url\":\"https://api.deepseek.com\",\"network\":[\"api.deepseek.com:443\"],"
    "\"capabilities\":[\"chat\",\"stream\",\"tools\",\"vision\",\"reasoning\"],"
    /* what "Create Chat Completion" does not know, and without which an answer is another one */
    "\"unsupported\":[\"/audio\",\"/logit_bias\",\"/prediction\",\"/seed\",\"/verbosity\","
    "\"/web_search_options\"],\"replay\":\"reasoning_content\","
    "\"models\":[" DEEPSEEK_MODELS "],\"patterns\":[\"deepseek-*\"],"
    "\"x-prices-date\":\"" DEEPSEEK_PRICES_DATE "\","
    "\"secrets\":{\"api_key\":{\"env\":\"DEEPSEEK_API_KEY\",\"required\":true,"
    "\"description\":\"API key, from platform.deepseek.com\"}},"
    "\"config_schema\":{\"additionalProperties\":false}}");

/* ---- The request ----------------------------------------------------------------------------- */

/* Thinking Mode, https://api-docs.deepseek.com/guides/thinking_mode (2026-11-21): on by default; the
 * vendor itself takes "minimal" for low, "medium" and "xhigh" for high. */
static const struct reasoning_dialect dialect = {
    CHAT_THINKING, REASONING_BY_DEFAULT, {"minimal", "low", "medium", "high", "xhigh", "max"}};

/* "auto" says neither, and "adaptive" is Anthropic's word for it. */
static bool says_whether(const struct chat_edits *e)
{
    harborai_str type = json_member(e->values[CHAT_THINKING], HARBORAI_STR("type"));
    return chat_edits_has(e, CHAT_ENABLE_THINKING) || chat_edits_has(e, CHAT_REASONING_EFFORT) ||
           (chat_edits_has(e, CHAT_THINKING) && !json_string_equal(type, HARBORAI_STR("auto")) &&
            !json_string_equal(type, HARBORAI_STR("adaptive")));
}

/* The vendor refuses these names since 2026-07-24; until then they meant this. A client that says
 * itself whether to think knows more than the name that it uses. True: the model will think. */
static bool resolve_alias(struct chat_edits *e, harborai_str model, bool thinks)
{
    bool is_chat = harborai_str_equal(model, "deepseek-chat");
    if (!is_chat && !harborai_str_equal(model, "deepseek-reasoner"))
        return thinks;
    chat_edits_set_text(e, CHAT_MODEL, "deepseek-flash");
    if (says_whether(e))
        return thinks;
    chat_edits_set(e, CHAT_THINKING, is_chat ? HARBORAI_STR("{\"type\":\"disabled\"}")
                                             : HARBORAI_STR("{\"type\":\"enabled\"}"));
    return !is_chat;
}

/* 400 while it thinks, "Thinking mode does not support this tool_choice": of "required" and of a named
 * function (github.com/deepseek-ai/DeepSeek-V3/issues/1376, 2026-05-30). */
static bool forces_tool(const struct chat_edits *e)
{
    harborai_str choice = e->values[CHAT_TOOL_CHOICE];
    return json_kind(choice) == JSON_OBJECT || json_string_equal(choice, HARBORAI_STR("required"));
}

static void drop_unless(struct chat_edits *e, enum chat_member member, int64_t harmless)
{
    int64_t number;
    if (!json_int64(e->values[member], &number) || number != harmless)
        chat_edits_drop(e, member);
}

static void edit(struct chat_edits *e, const harborai_request *request)
{
    bool thinks = resolve_alias(e, request->model, reasoning_request(e, &dialect));
    bool insists = chat_edits_has(e, CHAT_THINKING); /* then the vendor's refusal is the answer */

    if (thinks && ((forces_tool(e) && !insists) || replayed_lacks_reasoning(request->body))) {
        reasoning_request_off(e, &dialect);
        thinks = false;
    }
    if (thinks) { /* "will not trigger an error but will also have no effect" */
        drop_unless(e, CHAT_TEMPERATURE, 1);
        drop_unless(e, CHAT_PRESENCE_PENALTY, 0);
        drop_unless(e, CHAT_FREQUENCY_PENALTY, 0);
    }
    drop_unless(e, CHAT_N, 1);
    chat_edits_rename(e, CHAT_MAX_COMPLETION_TOKENS, CHAT_MAX_TOKENS);
    chat_edits_text_alone(e); /* audio is left out by the manifest */
    chat_edits_developer(e); /* an "unknown variant" there: github.com/decolua/9router/issues/773 */
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    struct chat_edits e;
    chat_edits_init(&e, call, request, error);
    edit(&e, request);
    if (e.status < 0)
        return e.status;
    const struct openai_chat what = {.edits = e.edits, .edit_count = e.count};
    return openai_chat_start(provider, call, &what, error);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* Its code is "invalid_request_error" for nearly everything, so that the message has to tell. Status
 * and message of the others say enough: https://api-docs.deepseek.com/quick_start/error_codes. */
static const struct error_rule rules[] = {
    {NULL, "Model Not Exist", HARBORAI_E_NOT_FOUND,
     "DeepSeek does not have this model, or not any more: see 'harborai list-models'"},
    {NULL, "Insufficient Balance", HARBORAI_E_QUOTA, NULL}, /* where there is no 402: in a stream */
    /* github.com/deepseek-ai/awesome-deepseek-integration/issues/13 */
    {NULL, "Content Exists Risk", HARBORAI_E_FILTERED, NULL},
};

static harborai_status map_error(harborai_provider *provider, harborai_call *call,
                                 const harborai_http_response *response, harborai_str body,
                                 harborai_error *error)
{
    (void)provider, (void)call, (void)response;
    if (harborai_str_equal(body, "\"insufficient_system_resource\"")) /* a finish_reason, in a 200 */
        harborai_error_set(error, HARBORAI_E_OVERLOADED,
                           "DeepSeek ran out of resources within its answer: ask again");
    else
        error_rules_apply(rules, sizeof rules / sizeof *rules, error);
    return HARBORAI_OK;
}

static harborai_status pricing(harborai_provider *provider, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error)
{
    (void)provider;
    return price_table_find(&deepseek_prices, query, price, error);
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
                                       .create = openai_chat_create,
                                       .destroy = openai_chat_destroy,
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
