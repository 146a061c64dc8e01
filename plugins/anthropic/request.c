/* SPDX-License-Identifier: MIT */
/* The request as a whole. One walk over the application's members sorts them into those that are
 * read, those that Anthropic does not know, and the rest, which is Anthropic's own or younger than
 * this plugin and goes out as it came. No value is copied more than once. */
#include "plugins/anthropic/request.h"

#include <stdarg.h>
#include <stdio.h>

#include "json_value.h"
#include "plugins/anthropic/body.h"
#include "plugins/anthropic/thinking.h"

enum { SLACK = 1024 }; /* what is added to a request of a few messages */

static const harborai_str fields[FIELD_COUNT] = {
    [FIELD_MESSAGES] = HARBORAI_STR_INIT("messages"),
    [FIELD_MODEL] = HARBORAI_STR_INIT("model"),
    [FIELD_STREAM] = HARBORAI_STR_INIT("stream"),
    [FIELD_STREAM_OPTIONS] = HARBORAI_STR_INIT("stream_options"),
    [FIELD_N] = HARBORAI_STR_INIT("n"),
    [FIELD_MAX_TOKENS] = HARBORAI_STR_INIT("max_tokens"),
    [FIELD_MAX_COMPLETION_TOKENS] = HARBORAI_STR_INIT("max_completion_tokens"),
    [FIELD_STOP] = HARBORAI_STR_INIT("stop"),
    [FIELD_STOP_SEQUENCES] = HARBORAI_STR_INIT("stop_sequences"),
    [FIELD_TEMPERATURE] = HARBORAI_STR_INIT("temperature"),
    [FIELD_TOP_P] = HARBORAI_STR_INIT("top_p"),
    [FIELD_TOP_K] = HARBORAI_STR_INIT("top_k"),
    [FIELD_TOOLS] = HARBORAI_STR_INIT("tools"),
    [FIELD_FUNCTIONS] = HARBORAI_STR_INIT("functions"),
    [FIELD_TOOL_CHOICE] = HARBORAI_STR_INIT("tool_choice"),
    [FIELD_FUNCTION_CALL] = HARBORAI_STR_INIT("function_call"),
    [FIELD_PARALLEL_TOOL_CALLS] = HARBORAI_STR_INIT("parallel_tool_calls"),
    [FIELD_RESPONSE_FORMAT] = HARBORAI_STR_INIT("response_format"),
    [FIELD_REASONING_EFFORT] = HARBORAI_STR_INIT("reasoning_effort"),
    [FIELD_REASONING] = HARBORAI_STR_INIT("reasoning"),
    [FIELD_ENABLE_THINKING] = HARBORAI_STR_INIT("enable_thinking"),
    [FIELD_THINKING_BUDGET] = HARBORAI_STR_INIT("thinking_budget"),
    [FIELD_THINKING] = HARBORAI_STR_INIT("thinking"),
    [FIELD_OUTPUT_CONFIG] = HARBORAI_STR_INIT("output_config"),
    [FIELD_SYSTEM] = HARBORAI_STR_INIT("system"),
    [FIELD_METADATA] = HARBORAI_STR_INIT("metadata"),
    [FIELD_USER] = HARBORAI_STR_INIT("user"),
    [FIELD_SAFETY_IDENTIFIER] = HARBORAI_STR_INIT("safety_identifier"),
    [FIELD_SERVICE_TIER] = HARBORAI_STR_INIT("service_tier"),
    [FIELD_MODALITIES] = HARBORAI_STR_INIT("modalities"),
    [FIELD_AUDIO] = HARBORAI_STR_INIT("audio"),
};

/* OpenAI's, without a counterpart: Anthropic refuses a request with a member that it does not know. */
static const harborai_str foreign[] = {
    HARBORAI_STR_INIT("frequency_penalty"), HARBORAI_STR_INIT("presence_penalty"),
    HARBORAI_STR_INIT("logit_bias"),        HARBORAI_STR_INIT("logprobs"),
    HARBORAI_STR_INIT("top_logprobs"),      HARBORAI_STR_INIT("seed"),
    HARBORAI_STR_INIT("store"),             HARBORAI_STR_INIT("prediction"),
    HARBORAI_STR_INIT("prompt_cache_key"),  HARBORAI_STR_INIT("prompt_cache_options"),
    HARBORAI_STR_INIT("prompt_cache_retention"), HARBORAI_STR_INIT("verbosity"),
    HARBORAI_STR_INIT("web_search_options"), HARBORAI_STR_INIT("moderation"),
};

harborai_status body_refuse(struct body *b, harborai_status code, const char *param,
                            const char *format, ...)
{
    char message[sizeof b->error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (b->error != NULL)
        snprintf(b->error->param, sizeof b->error->param, "%s", param);
    return harborai_error_set(b->error, code, "%s", message);
}

harborai_status body_tell(struct body *b, const char *param, uint32_t how)
{
    harborai_str path = {param, strlen(param)};
    return b->call->host->changed(b->call, path, how, b->error);
}

void body_read(harborai_str object, const harborai_str *names, harborai_str *ret_values,
               size_t count)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    memset(ret_values, 0, count * sizeof *ret_values);
    if (json_kind(object) != JSON_OBJECT)
        return;
    while (json_object_next(&cursor, &member))
        for (size_t i = 0; i < count; i++)
            if (json_key_equal(&member, names[i])) {
                if (ret_values[i].len == 0)
                    ret_values[i] = member.value;
                break;
            }
}

/* ---- Sorting --------------------------------------------------------------------------------- */

static bool find_field(const struct json_member *member, enum field *ret_field)
{
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        if (json_key_equal(member, fields[i])) {
            *ret_field = (enum field)i;
            return true;
        }
    return false;
}

static const harborai_str *find_foreign(const struct json_member *member)
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (json_key_equal(member, foreign[i]))
            return &foreign[i];
    return NULL;
}

/* A value that asks for nothing: leaving it out changes nothing. */
static bool asks_for_nothing(harborai_str value, harborai_str name)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    harborai_str item;
    int64_t number;
    bool is_true;
    if (json_boolean(value, &is_true))
        return !is_true;
    if (json_int64(value, &number))
        return number == 0 && !harborai_str_equal(name, "seed");
    if (json_kind(value) == JSON_OBJECT)
        return !json_object_next(&cursor, &member);
    return json_kind(value) == JSON_ARRAY && !json_array_next(&cursor, &item);
}

static harborai_status leave_out(struct body *b, harborai_str name, harborai_str value)
{
    char param[64];
    if (asks_for_nothing(value, name))
        return HARBORAI_OK;
    snprintf(param, sizeof param, "/%.*s", (int)name.len, name.data);
    return body_tell(b, param, HARBORAI_CHANGED_DROPPED);
}

static harborai_status sort_members(struct body *b)
{
    struct json_cursor cursor = json_open(b->request->body);
    struct json_member member;
    enum field field;
    while (json_object_next(&cursor, &member)) {
        const harborai_str *name = find_foreign(&member);
        if (member.kind == JSON_NULL)
            continue;
        if (name != NULL) {
            harborai_status st = leave_out(b, *name, member.value);
            if (st < 0)
                return st;
        } else if (!find_field(&member, &field)) {
            json_out_item(b->out);
            json_out_raw(b->out, member.span);
        } else if (b->field[field].len == 0) {
            b->field[field] = member.value;
        }
    }
    return HARBORAI_OK;
}

static harborai_status check_kinds(struct body *b)
{
    static const struct {
        enum field field;
        enum json_kind kind;
        const char *wanted;
    } rows[] = {{FIELD_TOOLS, JSON_ARRAY, "an array"},
                {FIELD_FUNCTIONS, JSON_ARRAY, "an array"},
                {FIELD_PARALLEL_TOOL_CALLS, JSON_BOOL, "a boolean"},
                {FIELD_RESPONSE_FORMAT, JSON_OBJECT, "an object"},
                {FIELD_REASONING, JSON_OBJECT, "an object"},
                {FIELD_ENABLE_THINKING, JSON_BOOL, "a boolean"},
                {FIELD_THINKING_BUDGET, JSON_NUMBER, "a number"},
                {FIELD_THINKING, JSON_OBJECT, "an object"},
                {FIELD_OUTPUT_CONFIG, JSON_OBJECT, "an object"},
                {FIELD_METADATA, JSON_OBJECT, "an object"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        harborai_str name = fields[rows[i].field], value = b->field[rows[i].field];
        char param[64];
        if (value.len == 0 || json_kind(value) == rows[i].kind)
            continue;
        snprintf(param, sizeof param, "/%.*s", (int)name.len, name.data);
        return body_refuse(b, HARBORAI_E_INVALID, param, "'%s' must be %s", param + 1,
                           rows[i].wanted);
    }
    return HARBORAI_OK;
}

/* What no answer could make up for. */
static harborai_status check_limits(struct body *b)
{
    struct json_cursor cursor = json_open(b->field[FIELD_MODALITIES]);
    harborai_str item;
    int64_t n;
    if (json_int64(b->field[FIELD_N], &n) && n > 1)
        return body_refuse(b, HARBORAI_E_INVALID, "/n",
                           "'n' must be 1: Anthropic gives one answer to a request, so send "
                           "the request %lld times",
                           (long long)n);
    while (json_array_next(&cursor, &item))
        if (!json_string_equal(item, HARBORAI_STR("text")))
            return body_refuse(b, HARBORAI_E_UNSUPPORTED, "/modalities",
                               "Anthropic's models answer in text alone: leave out 'modalities'");
    if (b->field[FIELD_AUDIO].len > 0)
        return body_refuse(b, HARBORAI_E_UNSUPPORTED, "/audio",
                           "Anthropic's models do not speak: leave out 'audio'");
    return HARBORAI_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void write_system(struct body *b)
{
    if (b->system->len == 0 && !b->system->failed)
        return;
    json_out_key(b->out, "system");
    json_out_open(b->out, '[');
    json_out_raw(b->out, json_out_str(b->system));
    json_out_close(b->out, ']');
    b->out->failed |= b->system->failed;
}

static harborai_status write_members(struct body *b)
{
    static harborai_status (*const parts[])(struct body *) = {
        sort_members,        check_kinds,      check_limits,   body_write_limits,
        body_write_messages, body_write_tools, thinking_write, body_write_sampling,
        body_write_rest};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        harborai_status st = parts[i](b);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

harborai_status request_write(const harborai_provider *settings, harborai_call *call,
                              const harborai_request *request, struct json_out *out,
                              harborai_error *error)
{
    struct json_out system = {0};
    struct body b = {.call = call,
                     .settings = settings,
                     .request = request,
                     .rules = model_rules_of(request->model),
                     .out = out,
                     .system = &system,
                     .error = error};
    json_out_reserve(out, request->body.len + request->body.len / 8 + SLACK);
    json_out_open(out, '{');
    json_out_key(out, "model");
    json_out_text(out, request->model);
    json_out_key(out, "stream");
    json_out_raw(out, HARBORAI_STR("true"));
    harborai_status st = write_members(&b);
    if (st >= 0)
        write_system(&b);
    json_out_close(out, '}');
    json_out_release(&system);
    if (st >= 0 && out->failed)
        st = harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the request");
    return st;
}
