/* SPDX-License-Identifier: MIT */
/* `messages`: the turns of the two roles that Anthropic has. Consecutive messages of one role
 * become one turn; what tools gave stands first in a user's turn, as the vendor demands
 * (platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls). */
#include <stdio.h>

#include "json_value.h"
#include "plugins/anthropic/body.h"

enum role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL, ROLE_FUNCTION, ROLE_COUNT };

enum part {
    PART_ROLE, PART_CONTENT, PART_CACHE, PART_TOOL_CALLS, PART_TOOL_CALL_ID, PART_REFUSAL,
    PART_FUNCTION_CALL, PART_REASONING_DETAILS, PART_IS_ERROR, PART_COUNT
};

struct message {
    enum role role;
    harborai_str part[PART_COUNT];
};

static const harborai_str part_names[PART_COUNT] = {
    [PART_ROLE] = HARBORAI_STR_INIT("role"),
    [PART_CONTENT] = HARBORAI_STR_INIT("content"),
    [PART_CACHE] = HARBORAI_STR_INIT("cache_control"),
    [PART_TOOL_CALLS] = HARBORAI_STR_INIT("tool_calls"),
    [PART_TOOL_CALL_ID] = HARBORAI_STR_INIT("tool_call_id"),
    [PART_REFUSAL] = HARBORAI_STR_INIT("refusal"),
    [PART_FUNCTION_CALL] = HARBORAI_STR_INIT("function_call"),
    [PART_REASONING_DETAILS] = HARBORAI_STR_INIT("reasoning_details"),
    [PART_IS_ERROR] = HARBORAI_STR_INIT("is_error"),
};

static const harborai_str no_cache = {NULL, 0};

static harborai_status read_role(struct body *b, harborai_str role, enum role *ret_role)
{
    static const harborai_str names[ROLE_COUNT] = {
        HARBORAI_STR_INIT("system"), HARBORAI_STR_INIT("user"), HARBORAI_STR_INIT("assistant"),
        HARBORAI_STR_INIT("tool"), HARBORAI_STR_INIT("function")};
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

static harborai_status read_message(struct body *b, harborai_str object, struct message *m)
{
    body_read(object, part_names, m->part, PART_COUNT);
    if (json_kind(m->part[PART_CACHE]) != JSON_OBJECT)
        m->part[PART_CACHE] = no_cache;
    return read_role(b, m->part[PART_ROLE], &m->role);
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
        add_system(b, text, json_member(part, HARBORAI_STR("cache_control")));
        return HARBORAI_OK;
    }
    snprintf(param, sizeof param, "/messages/%zu/content/%zu", b->index, number);
    return body_refuse(b, HARBORAI_E_INVALID, param,
                       "messages[%zu].content[%zu] must be text, since its role is for "
                       "instructions",
                       b->index, number);
}

static harborai_status write_system_message(struct body *b, const struct message *m)
{
    harborai_str content = m->part[PART_CONTENT], part;
    struct json_cursor cursor = json_open(content);
    harborai_status st = HARBORAI_OK;
    add_system(b, content, m->part[PART_CACHE]);
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
static void write_replays(struct body *b, harborai_str details)
{
    harborai_str item;
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

static harborai_status write_tool_calls(struct body *b, const struct message *m)
{
    struct json_cursor cursor = json_open(m->part[PART_TOOL_CALLS]);
    harborai_str call, function = m->part[PART_FUNCTION_CALL];
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

static harborai_status write_assistant(struct body *b, const struct message *m)
{
    b->last_has_tools = b->last_has_replay = false;
    write_replays(b, m->part[PART_REASONING_DETAILS]);
    harborai_status st =
        body_write_content(b, m->part[PART_CONTENT], m->part[PART_CACHE], TURN_ASSISTANT);
    if (st >= 0 && !body_is_blank(m->part[PART_REFUSAL])) {
        body_open_turn(b, TURN_ASSISTANT);
        body_write_text(b->out, m->part[PART_REFUSAL], no_cache);
    }
    return st < 0 ? st : write_tool_calls(b, m);
}

/* ---- User and tools -------------------------------------------------------------------------- */

static harborai_status write_result(struct body *b, const struct message *m, harborai_str id)
{
    harborai_str content = m->part[PART_CONTENT];
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
    if (json_boolean(m->part[PART_IS_ERROR], &is_error) && is_error)
        json_out_raw(b->out, HARBORAI_STR(",\"is_error\":true"));
    if (m->part[PART_CACHE].len > 0) {
        json_out_key(b->out, "cache_control");
        json_out_raw(b->out, m->part[PART_CACHE]);
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

static harborai_status write_message(struct body *b, const struct message *m)
{
    char id[32];
    if (m->role == ROLE_ASSISTANT)
        return write_assistant(b, m);
    if (m->role == ROLE_TOOL)
        return write_result(b, m, m->part[PART_TOOL_CALL_ID]);
    if (m->role == ROLE_FUNCTION)
        return write_result(b, m, function_id(b->calls, id, sizeof id));
    if (m->role == ROLE_SYSTEM)
        return write_system_message(b, m);
    return body_write_content(b, m->part[PART_CONTENT], m->part[PART_CACHE], TURN_USER);
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* A run of messages that are not the assistant's, and what is to be written of it. */
enum which { ALL, RESULTS, OTHERS };

struct run {
    struct json_cursor cursor; /* behind `message` */
    harborai_str message;      /* the next one; empty = no more */
    size_t index;
};

static void run_next(struct run *r)
{
    if (!json_array_next(&r->cursor, &r->message))
        r->message = (harborai_str){NULL, 0};
    r->index++;
}

/* From r->message up to the next assistant's. *ret_late: a result stands behind other content, and
 * nothing more was written. */
static harborai_status write_run(struct body *b, struct run *r, enum which which, bool *ret_late)
{
    bool has_content = false;
    for (; r->message.len > 0; run_next(r)) {
        struct message m;
        b->index = r->index;
        harborai_status st = read_message(b, r->message, &m);
        if (st < 0 || m.role == ROLE_ASSISTANT)
            return st;
        bool is_result = m.role == ROLE_TOOL || m.role == ROLE_FUNCTION;
        *ret_late = which == ALL && is_result && has_content;
        if (*ret_late)
            return HARBORAI_OK;
        has_content |= m.role == ROLE_USER;
        if (which == ALL || is_result == (which == RESULTS))
            st = write_message(b, &m);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

/* In one go; where results come too late, again from the begin in two. */
static harborai_status write_user(struct body *b, struct run *r)
{
    const struct run first = *r;
    const struct body before = *b;
    const size_t len = b->out->len, system_len = b->system->len;
    bool is_late = false;
    harborai_status st = write_run(b, r, ALL, &is_late);
    if (st < 0 || !is_late)
        return st;
    *b = before;
    b->out->len = len;
    b->system->len = system_len;
    *r = first;
    st = write_run(b, r, RESULTS, &is_late);
    if (st < 0)
        return st;
    *r = first;
    return write_run(b, r, OTHERS, &is_late);
}

harborai_status body_write_messages(struct body *b)
{
    struct run r = {.cursor = json_open(b->field[FIELD_MESSAGES]), .index = SIZE_MAX};
    harborai_status st = HARBORAI_OK;
    write_own_system(b);
    json_out_key(b->out, "messages");
    json_out_open(b->out, '[');
    run_next(&r);
    while (st >= 0 && r.message.len > 0) {
        struct message m;
        st = write_user(b, &r);
        if (st < 0 || r.message.len == 0)
            break;
        b->index = r.index;
        st = read_message(b, r.message, &m);
        if (st >= 0)
            st = write_message(b, &m);
        run_next(&r);
    }
    close_turn(b);
    json_out_close(b->out, ']');
    return st;
}
