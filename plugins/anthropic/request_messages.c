/* SPDX-License-Identifier: MIT */
/* `messages`: the turns of the two roles that Anthropic has. Consecutive messages of one role
 * become one turn; what tools gave stands first in a user's turn, as the vendor demands
 * (platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls). */
#include <stdio.h>

#include "json_value.h"
#include "plugins/anthropic/body.h"

enum role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL, ROLE_FUNCTION, ROLE_COUNT };

static const harborai_str no_cache = {NULL, 0};

static harborai_status role_of(struct body *b, harborai_str message, enum role *ret_role)
{
    static const harborai_str names[ROLE_COUNT] = {
        HARBORAI_STR_INIT("system"), HARBORAI_STR_INIT("user"), HARBORAI_STR_INIT("assistant"),
        HARBORAI_STR_INIT("tool"), HARBORAI_STR_INIT("function")};
    harborai_str role = json_member(message, HARBORAI_STR("role"));
    char param[64];
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        if (json_string_equal(role, names[i])) {
            *ret_role = (enum role)i;
            return HARBORAI_OK;
        }
    if (json_string_equal(role, HARBORAI_STR("developer"))) {
        *ret_role = ROLE_SYSTEM;
        return HARBORAI_OK;
    }
    snprintf(param, sizeof param, "/messages/%zu/role", b->index);
    return body_refuse(b, HARBORAI_E_INVALID, param,
                       "messages[%zu].role must be system, developer, user, assistant or tool",
                       b->index);
}

static harborai_str cache_of(harborai_str message)
{
    harborai_str cache = json_member(message, HARBORAI_STR("cache_control"));
    return json_kind(cache) == JSON_OBJECT ? cache : no_cache;
}

/* ---- Turns ----------------------------------------------------------------------------------- */

static void close_turn(struct body *b)
{
    if (b->turn != TURN_NONE)
        json_out_raw(b->out, HARBORAI_STR("]}"));
    b->turn = TURN_NONE;
}

void body_open_turn(struct body *b, enum turn turn)
{
    if (b->turn == turn) {
        json_out_item(b->out);
        return;
    }
    close_turn(b);
    json_out_item(b->out);
    json_out_raw(b->out, turn == TURN_USER
                             ? HARBORAI_STR("{\"role\":\"user\",\"content\":[")
                             : HARBORAI_STR("{\"role\":\"assistant\",\"content\":["));
    b->turn = turn;
    b->has_turns = true;
}

/* ---- System ---------------------------------------------------------------------------------- */

static void add_system(struct body *b, harborai_str text, harborai_str cache)
{
    if (body_is_blank(text))
        return;
    if (b->system->len > 0)
        json_out_raw(b->system, HARBORAI_STR(","));
    body_write_text(b->system, text, cache);
}

static harborai_status add_system_part(struct body *b, harborai_str part, size_t number)
{
    harborai_str text = json_member(part, HARBORAI_STR("text"));
    char param[64];
    if (json_kind(text) == JSON_STRING) {
        add_system(b, text, cache_of(part));
        return HARBORAI_OK;
    }
    snprintf(param, sizeof param, "/messages/%zu/content/%zu", b->index, number);
    return body_refuse(b, HARBORAI_E_INVALID, param,
                       "messages[%zu].content[%zu] must be text, since its role is for "
                       "instructions",
                       b->index, number);
}

static harborai_status write_system_message(struct body *b, harborai_str message)
{
    harborai_str content = json_member(message, HARBORAI_STR("content")), part;
    struct json_cursor cursor = json_open(content);
    harborai_status st = HARBORAI_OK;
    add_system(b, content, cache_of(message));
    for (size_t i = 0; st >= 0 && json_array_next(&cursor, &part); i++)
        st = add_system_part(b, part, i);
    if (st >= 0 && b->has_turns) /* it goes to the top, where all instructions are */
        st = body_tell(b, "/messages", HARBORAI_CHANGED_ADAPTED);
    return st;
}

/* `system` as the application wrote it for Anthropic goes before what messages say. */
static void write_own_system(struct body *b)
{
    harborai_str system = b->field[FIELD_SYSTEM], part;
    struct json_cursor cursor = json_open(system);
    add_system(b, system, no_cache);
    if (json_kind(system) != JSON_ARRAY)
        return;
    while (json_array_next(&cursor, &part)) {
        if (b->system->len > 0)
            json_out_raw(b->system, HARBORAI_STR(","));
        json_out_raw(b->system, part);
    }
}

/* ---- Assistant ------------------------------------------------------------------------------- */

/* What the vendor gave to be sent back, unchanged and first. */
static void write_replays(struct body *b, harborai_str message)
{
    harborai_str details = json_member(message, HARBORAI_STR("reasoning_details")), item;
    struct json_cursor cursor = json_open(details);
    if (json_kind(details) != JSON_ARRAY)
        return;
    while (json_array_next(&cursor, &item)) {
        harborai_str data = json_member(item, HARBORAI_STR("data"));
        if (json_kind(data) != JSON_OBJECT ||
            !json_string_equal(json_member(item, HARBORAI_STR("provider")),
                               HARBORAI_STR(ANTHROPIC_ID)))
            continue;
        body_open_turn(b, TURN_ASSISTANT);
        json_out_raw(b->out, data);
        b->last_has_replay = true;
    }
}

static harborai_status write_input(struct body *b, harborai_str arguments, const char *param)
{
    size_t from = b->out->len;
    harborai_str text, value;
    if (json_kind(arguments) == JSON_OBJECT) /* not OpenAI's, but what is meant is clear */
        json_out_raw(b->out, arguments);
    else
        json_out_decoded(b->out, arguments);
    if (b->out->failed)
        return HARBORAI_E_MEMORY;
    text = (harborai_str){b->out->data + from, b->out->len - from};
    if (text.len == 0) {
        json_out_raw(b->out, HARBORAI_STR("{}"));
        return HARBORAI_OK;
    }
    if (json_scan(text, NULL, &value, NULL) >= 0 && json_kind(value) == JSON_OBJECT)
        return HARBORAI_OK;
    return body_refuse(b, HARBORAI_E_INVALID, param,
                       "messages[%zu]: the arguments of a tool call are not a JSON object, "
                       "which Anthropic demands",
                       b->index);
}

static harborai_status write_tool_use(struct body *b, harborai_str id, harborai_str function,
                                      const char *param)
{
    harborai_str name = json_member(function, HARBORAI_STR("name"));
    if (json_kind(name) != JSON_STRING || json_kind(id) != JSON_STRING || id.len <= 2)
        return body_refuse(b, HARBORAI_E_INVALID, param,
                           "messages[%zu]: a tool call needs an id and a function with a name",
                           b->index);
    body_open_turn(b, TURN_ASSISTANT);
    json_out_raw(b->out, HARBORAI_STR("{\"type\":\"tool_use\",\"id\":"));
    body_write_tool_id(b->out, id);
    json_out_key(b->out, "name");
    json_out_raw(b->out, name);
    json_out_key(b->out, "input");
    harborai_status st = write_input(b, json_member(function, HARBORAI_STR("arguments")), param);
    json_out_raw(b->out, HARBORAI_STR("}"));
    b->last_has_tools = true;
    b->tool = name;
    return st;
}

/* The id that a call and a result of the retired `functions` share. */
static harborai_str function_id(unsigned number, char *buffer, size_t size)
{
    int len = snprintf(buffer, size, "\"function_%u\"", number);
    return (harborai_str){buffer, (size_t)len};
}

static harborai_status write_tool_calls(struct body *b, harborai_str message)
{
    struct json_cursor cursor = json_open(json_member(message, HARBORAI_STR("tool_calls")));
    harborai_str call, function = json_member(message, HARBORAI_STR("function_call"));
    char param[64], id[32];
    for (size_t i = 0; json_array_next(&cursor, &call); i++) {
        snprintf(param, sizeof param, "/messages/%zu/tool_calls/%zu", b->index, i);
        harborai_status st =
            write_tool_use(b, json_member(call, HARBORAI_STR("id")),
                           json_member(call, HARBORAI_STR("function")), param);
        if (st < 0)
            return st;
    }
    if (json_kind(function) != JSON_OBJECT)
        return HARBORAI_OK;
    snprintf(param, sizeof param, "/messages/%zu/function_call", b->index);
    return write_tool_use(b, function_id(++b->calls, id, sizeof id), function, param);
}

static harborai_status write_assistant(struct body *b, harborai_str message)
{
    harborai_str refusal = json_member(message, HARBORAI_STR("refusal"));
    b->last_has_tools = b->last_has_replay = false;
    write_replays(b, message);
    harborai_status st = body_write_content(b, json_member(message, HARBORAI_STR("content")),
                                            cache_of(message), TURN_ASSISTANT);
    if (st >= 0 && !body_is_blank(refusal)) {
        body_open_turn(b, TURN_ASSISTANT);
        body_write_text(b->out, refusal, no_cache);
    }
    return st < 0 ? st : write_tool_calls(b, message);
}

/* ---- User and tools -------------------------------------------------------------------------- */

static harborai_status write_result(struct body *b, harborai_str message, harborai_str id)
{
    harborai_str content = json_member(message, HARBORAI_STR("content"));
    bool is_error = false;
    char param[64];
    if (json_kind(id) != JSON_STRING || id.len <= 2) {
        snprintf(param, sizeof param, "/messages/%zu/tool_call_id", b->index);
        return body_refuse(b, HARBORAI_E_INVALID, param,
                           "messages[%zu].tool_call_id is missing: say which call this answers",
                           b->index);
    }
    body_open_turn(b, TURN_USER);
    json_out_raw(b->out, HARBORAI_STR("{\"type\":\"tool_result\",\"tool_use_id\":"));
    body_write_tool_id(b->out, id);
    if (json_boolean(json_member(message, HARBORAI_STR("is_error")), &is_error) && is_error)
        json_out_raw(b->out, HARBORAI_STR(",\"is_error\":true"));
    if (cache_of(message).len > 0) {
        json_out_key(b->out, "cache_control");
        json_out_raw(b->out, cache_of(message));
    }
    harborai_status st = HARBORAI_OK;
    if (json_kind(content) == JSON_STRING && !body_is_blank(content)) {
        json_out_key(b->out, "content");
        json_out_raw(b->out, content);
    } else if (json_kind(content) == JSON_ARRAY) {
        json_out_raw(b->out, HARBORAI_STR(",\"content\":["));
        st = body_write_content(b, content, no_cache, TURN_NONE);
        json_out_raw(b->out, HARBORAI_STR("]"));
    }
    json_out_raw(b->out, HARBORAI_STR("}"));
    return st;
}

/* One message of a run without assistant's. First what tools gave, then the rest. */
static harborai_status write_in_run(struct body *b, harborai_str message, bool results)
{
    enum role role;
    char id[32];
    harborai_status st = role_of(b, message, &role);
    if (st < 0 || (role == ROLE_TOOL || role == ROLE_FUNCTION) != results)
        return st;
    if (role == ROLE_TOOL)
        return write_result(b, message, json_member(message, HARBORAI_STR("tool_call_id")));
    if (role == ROLE_FUNCTION)
        return write_result(b, message, function_id(b->calls, id, sizeof id));
    if (role == ROLE_SYSTEM)
        return write_system_message(b, message);
    return body_write_content(b, json_member(message, HARBORAI_STR("content")), cache_of(message),
                              TURN_USER);
}

/* From *cursor, with *message the first, up to the next assistant's message. *ret_more: *message is
 * that one. */
static harborai_status write_run(struct body *b, struct json_cursor *cursor, harborai_str *message,
                                 bool *ret_more)
{
    const struct json_cursor begin = *cursor;
    const harborai_str first = *message;
    const size_t index = b->index;
    for (int pass = 0; pass < 2; pass++) {
        *cursor = begin;
        *message = first;
        b->index = index;
        *ret_more = true;
        for (; *ret_more; *ret_more = json_array_next(cursor, message), b->index++) {
            enum role role;
            harborai_status st = role_of(b, *message, &role);
            if (st < 0)
                return st;
            if (role == ROLE_ASSISTANT)
                break;
            st = write_in_run(b, *message, pass == 0);
            if (st < 0)
                return st;
        }
    }
    return HARBORAI_OK;
}

harborai_status body_write_messages(struct body *b)
{
    struct json_cursor cursor = json_open(b->field[FIELD_MESSAGES]);
    harborai_str message;
    write_own_system(b);
    json_out_key(b->out, "messages");
    json_out_open(b->out, '[');
    bool more = json_array_next(&cursor, &message);
    while (more) {
        enum role role;
        harborai_status st = role_of(b, message, &role);
        if (st >= 0 && role != ROLE_ASSISTANT) {
            st = write_run(b, &cursor, &message, &more);
        } else if (st >= 0) {
            st = write_assistant(b, message);
            more = json_array_next(&cursor, &message);
            b->index++;
        }
        if (st < 0)
            return st;
    }
    close_turn(b);
    json_out_close(b->out, ']');
    return HARBORAI_OK;
}
