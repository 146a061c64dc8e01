/* SPDX-License-Identifier: MIT */
/* Notes edits for http_start(). Must never look into a message's content. */
#include "chat_edits.h"

#include <stdio.h>

#include "json_value.h"

/* A request may have 4,096 edits, of which some are of other members, and some the host's. */
enum { MESSAGE_EDITS_MOST = 2048 };

static const harborai_str paths[CHAT_MEMBERS] = {
    [CHAT_MODEL] = HARBORAI_STR_INIT("/model"),
    [CHAT_MESSAGES] = HARBORAI_STR_INIT("/messages"),
    [CHAT_THINKING] = HARBORAI_STR_INIT("/thinking"),
    [CHAT_ENABLE_THINKING] = HARBORAI_STR_INIT("/enable_thinking"),
    [CHAT_THINKING_BUDGET] = HARBORAI_STR_INIT("/thinking_budget"),
    [CHAT_REASONING_EFFORT] = HARBORAI_STR_INIT("/reasoning_effort"),
    [CHAT_MAX_TOKENS] = HARBORAI_STR_INIT("/max_tokens"),
    [CHAT_MAX_COMPLETION_TOKENS] = HARBORAI_STR_INIT("/max_completion_tokens"),
    [CHAT_TEMPERATURE] = HARBORAI_STR_INIT("/temperature"),
    [CHAT_PRESENCE_PENALTY] = HARBORAI_STR_INIT("/presence_penalty"),
    [CHAT_FREQUENCY_PENALTY] = HARBORAI_STR_INIT("/frequency_penalty"),
    [CHAT_TOOL_CHOICE] = HARBORAI_STR_INIT("/tool_choice"),
    [CHAT_N] = HARBORAI_STR_INIT("/n"),
    [CHAT_REASONING] = HARBORAI_STR_INIT("/reasoning"),
    [CHAT_TEMPLATE_KWARGS] = HARBORAI_STR_INIT("/chat_template_kwargs"),
    [CHAT_TOP_P] = HARBORAI_STR_INIT("/top_p"),
    [CHAT_LOGPROBS] = HARBORAI_STR_INIT("/logprobs"),
    [CHAT_TOP_LOGPROBS] = HARBORAI_STR_INIT("/top_logprobs"),
    [CHAT_LOGIT_BIAS] = HARBORAI_STR_INIT("/logit_bias"),
    [CHAT_SEED] = HARBORAI_STR_INIT("/seed"),
    [CHAT_STOP] = HARBORAI_STR_INIT("/stop"),
    [CHAT_TOOLS] = HARBORAI_STR_INIT("/tools"),
    [CHAT_MODALITIES] = HARBORAI_STR_INIT("/modalities"),
};

static harborai_str name_of(size_t member)
{
    return (harborai_str){paths[member].data + 1, paths[member].len - 1};
}

enum { SAME_LENGTH_MOST = 4 };

/* The members with a name of that length; CHAT_MODEL elsewhere, whose name has another. */
static const uint8_t by_length[][SAME_LENGTH_MOST] = {
    [1] = {CHAT_N},
    [4] = {CHAT_SEED, CHAT_STOP},
    [5] = {CHAT_MODEL, CHAT_TOP_P, CHAT_TOOLS},
    [8] = {CHAT_MESSAGES, CHAT_THINKING, CHAT_LOGPROBS},
    [9] = {CHAT_REASONING},
    [10] = {CHAT_MAX_TOKENS, CHAT_LOGIT_BIAS, CHAT_MODALITIES},
    [11] = {CHAT_TEMPERATURE, CHAT_TOOL_CHOICE},
    [12] = {CHAT_TOP_LOGPROBS},
    [15] = {CHAT_ENABLE_THINKING, CHAT_THINKING_BUDGET},
    [16] = {CHAT_REASONING_EFFORT, CHAT_PRESENCE_PENALTY},
    [17] = {CHAT_FREQUENCY_PENALTY},
    [20] = {CHAT_TEMPLATE_KWARGS},
    [21] = {CHAT_MAX_COMPLETION_TOKENS},
};

/* CHAT_MEMBERS: none of ours. */
static size_t find_member(harborai_str key)
{
    if (key.len == 0 || key.len >= sizeof by_length / sizeof *by_length)
        return CHAT_MEMBERS;
    for (size_t i = 0; i < SAME_LENGTH_MOST; i++) {
        harborai_str name = name_of(by_length[key.len][i]);
        if (name.data[0] == key.data[0] && name.len == key.len &&
            memcmp(name.data, key.data, key.len) == 0)
            return by_length[key.len][i];
    }
    return CHAT_MEMBERS;
}

static size_t find_escaped(harborai_str key)
{
    size_t i = 0;
    while (i < CHAT_MEMBERS && json_key_compare(key, true, name_of(i)) != 0)
        i++;
    return i;
}

/* Of members that stand twice the first is meant. */
static inline void note(struct chat_edits *e, harborai_str key, bool key_escaped, harborai_str value)
{
    size_t member = key_escaped ? find_escaped(key) : find_member(key);
    if (member < CHAT_MEMBERS && e->values[member].len == 0 && json_kind(value) != JSON_NULL)
        e->values[member] = value;
}

static void walk_body(struct chat_edits *e, harborai_str body)
{
    struct json_cursor cursor = json_open(body);
    struct json_member member;
    while (json_object_next(&cursor, &member))
        note(e, member.key, member.key_escaped, member.value);
}

void chat_edits_init(struct chat_edits *e, harborai_call *call, const harborai_request *request,
                     harborai_error *error)
{
    *e = (struct chat_edits){.call = call, .error = error};
    if (!HARBORAI_HAS(harborai_request, request, member_count) || request->members == NULL) {
        walk_body(e, request->body);
        return;
    }
    for (size_t i = 0; i < request->member_count; i++) {
        const harborai_member *member = &request->members[i];
        note(e, member->name, (member->flags & HARBORAI_MEMBER_ESCAPED) != 0, member->value);
    }
}

/* ---- One edit -------------------------------------------------------------------------------- */

static void out_of_memory(struct chat_edits *e)
{
    if (e->status < 0)
        return;
    e->status = harborai_error_set(e->error, HARBORAI_E_MEMORY, "no memory left for the edits");
}

static bool has_room(struct chat_edits *e)
{
    if (e->count < e->capacity)
        return true;
    size_t capacity = e->capacity == 0 ? 16 : 2 * e->capacity;
    harborai_edit *more = e->call->host->alloc(e->call, capacity * sizeof *more);
    if (more == NULL) {
        out_of_memory(e);
        return false;
    }
    if (e->count > 0)
        memcpy(more, e->edits, e->count * sizeof *more);
    e->edits = more; /* the old one stays until the call is released */
    e->capacity = capacity;
    return true;
}

void chat_edits_add(struct chat_edits *e, harborai_edit edit)
{
    if (e->status >= 0 && has_room(e))
        e->edits[e->count++] = edit;
}

/* Of edits of one member the last holds. They are made before those of messages. */
static void put(struct chat_edits *e, harborai_edit edit)
{
    for (size_t i = 0; e->status >= 0 && i < e->count && i < CHAT_MEMBERS; i++) {
        if (e->edits[i].path.data == edit.path.data) {
            e->edits[i] = edit;
            return;
        }
    }
    chat_edits_add(e, edit);
}

void chat_edits_set(struct chat_edits *e, enum chat_member member, harborai_str json)
{
    put(e, (harborai_edit){paths[member], json, HARBORAI_EDIT_JSON, 0});
}

void chat_edits_set_text(struct chat_edits *e, enum chat_member member, const char *text)
{
    put(e, (harborai_edit){paths[member], {text, strlen(text)}, HARBORAI_EDIT_TEXT, 0});
}

void chat_edits_remove(struct chat_edits *e, enum chat_member member)
{
    if (chat_edits_has(e, member))
        put(e, (harborai_edit){paths[member], {NULL, 0}, HARBORAI_EDIT_REMOVE, 0});
}

static void tell(struct chat_edits *e, harborai_str path, uint32_t how)
{
    if (e->status >= 0)
        e->status = e->call->host->changed(e->call, path, how, e->error);
}

void chat_edits_tell(struct chat_edits *e, enum chat_member member, uint32_t how)
{
    tell(e, paths[member], how);
}

void chat_edits_drop(struct chat_edits *e, enum chat_member member)
{
    if (!chat_edits_has(e, member))
        return;
    chat_edits_remove(e, member);
    chat_edits_tell(e, member, HARBORAI_CHANGED_DROPPED);
}

/* ---- What several vendors need --------------------------------------------------------------- */

void chat_edits_rename(struct chat_edits *e, enum chat_member from, enum chat_member to)
{
    if (!chat_edits_has(e, from))
        return;
    if (!chat_edits_has(e, to))
        chat_edits_set(e, to, e->values[from]);
    chat_edits_remove(e, from);
    chat_edits_tell(e, from, HARBORAI_CHANGED_ADAPTED);
}

void chat_edits_text_alone(struct chat_edits *e)
{
    struct json_cursor cursor = json_open(e->values[CHAT_MODALITIES]);
    harborai_str item;
    while (json_array_next(&cursor, &item))
        if (!json_string_equal(item, HARBORAI_STR("text"))) {
            chat_edits_drop(e, CHAT_MODALITIES);
            return;
        }
}

void chat_edits_add_member(struct chat_edits *e, harborai_str name, harborai_str json)
{
    char *path = e->status >= 0 ? e->call->host->alloc(e->call, name.len + 1) : NULL;
    if (path == NULL) {
        out_of_memory(e);
        return;
    }
    path[0] = '/';
    memcpy(path + 1, name.data, name.len);
    chat_edits_add(e, (harborai_edit){{path, name.len + 1}, json, HARBORAI_EDIT_JSON, 0});
}

/* ---- Messages -------------------------------------------------------------------------------- */

struct walk {
    struct chat_edits *e;
    const struct chat_message_edit *kinds;
    size_t kind_count;
    uint32_t told; /* of each kind that is, a bit */
    char *to;      /* where messages are written anew */
};

static const struct chat_message_edit *find_kind(const struct walk *w,
                                                 const struct json_member *member)
{
    for (size_t i = 0; i < w->kind_count; i++) {
        const struct chat_message_edit *kind = &w->kinds[i];
        if (json_key_equal(member, (harborai_str){kind->name, strlen(kind->name)}) &&
            (kind->from == NULL ||
             json_string_equal(member->value, (harborai_str){kind->from, strlen(kind->from)})))
            return kind;
    }
    return NULL;
}

static size_t count_members(const struct walk *w, struct json_cursor *cursor)
{
    struct json_member member;
    size_t count = 0;
    while (json_object_next(cursor, &member))
        count += find_kind(w, &member) != NULL;
    return count;
}

static size_t count_edits(const struct walk *w, harborai_str message)
{
    struct json_cursor cursor = json_open(message);
    return count_members(w, &cursor);
}

/* Of all messages, each of whose bytes is seen once: mostly there are none. */
static size_t count_all(const struct walk *w, harborai_str messages)
{
    struct json_cursor cursor = json_open(messages), inside;
    harborai_str other;
    size_t count = 0;
    while (!json_at_end(&cursor))
        if (json_value_enter(&cursor, &inside)) {
            count += count_members(w, &inside);
            (void)json_value_leave(&cursor, &inside);
        } else if (!json_array_next(&cursor, &other)) {
            break;
        }
    return count;
}

static harborai_str path_of(struct chat_edits *e, size_t index, const char *name)
{
    char pointer[96];
    snprintf(pointer, sizeof pointer, "/messages/%zu/%s", index, name);
    harborai_str path = harborai_keep(e->call, (harborai_str){pointer, strlen(pointer)});
    if (path.data == NULL)
        out_of_memory(e);
    return path;
}

static void tell_kind(struct walk *w, const struct chat_message_edit *kind, size_t index)
{
    uint32_t bit = 1u << (kind - w->kinds);
    if (kind->how == 0 || (w->told & bit) != 0)
        return;
    w->told |= bit;
    harborai_str path = path_of(w->e, index, kind->name);
    tell(w->e, path, kind->how);
}

/* Each name once: of members that stand twice the host knows what to say. */
static void edit_message(struct walk *w, size_t index, harborai_str message)
{
    struct json_cursor cursor = json_open(message);
    struct json_member member;
    uint32_t done = 0;
    while (w->e->status >= 0 && json_object_next(&cursor, &member)) {
        const struct chat_message_edit *kind = find_kind(w, &member);
        if (kind == NULL || (done & 1u << (kind - w->kinds)) != 0)
            continue;
        done |= 1u << (kind - w->kinds);
        harborai_str path = path_of(w->e, index, kind->name);
        harborai_str text = {kind->to, kind->to != NULL ? strlen(kind->to) : 0};
        if (w->e->status < 0)
            return;
        chat_edits_add(w->e, (harborai_edit){path, text,
                                             kind->to != NULL ? HARBORAI_EDIT_TEXT
                                                              : HARBORAI_EDIT_REMOVE,
                                             0});
        tell_kind(w, kind, index);
    }
}

static void write_bytes(struct walk *w, const char *data, size_t len)
{
    memcpy(w->to, data, len);
    w->to += len;
}

/* The members that are kept stay as they are written. */
static void write_message(struct walk *w, size_t index, harborai_str message)
{
    struct json_cursor cursor = json_open(message);
    struct json_member member;
    const char *before = "{";
    while (w->e->status >= 0 && json_object_next(&cursor, &member)) {
        const struct chat_message_edit *kind = find_kind(w, &member);
        if (kind != NULL)
            tell_kind(w, kind, index);
        if (kind != NULL && kind->to == NULL)
            continue;
        write_bytes(w, before, 1);
        before = ",";
        if (kind == NULL)
            write_bytes(w, member.span.data, member.span.len);
        else
            w->to += sprintf(w->to, "\"%s\":\"%s\"", kind->name, kind->to);
    }
    if (*before == '{')
        write_bytes(w, before, 1);
    write_bytes(w, "}", 1);
}

/* Instead of more edits than a request may have. */
static void write_messages(struct walk *w, harborai_str messages)
{
    struct json_cursor cursor = json_open(messages);
    harborai_str message;
    size_t len = messages.len + 1; /* sprintf() ends it by a 0; what is put in is no longer */
    char *text = w->e->call->host->alloc(w->e->call, len);
    if (text == NULL) {
        out_of_memory(w->e);
        return;
    }
    w->to = text;
    write_bytes(w, "[", 1);
    for (size_t i = 0; w->e->status >= 0 && json_array_next(&cursor, &message); i++) {
        if (i > 0)
            write_bytes(w, ",", 1);
        if (count_edits(w, message) > 0)
            write_message(w, i, message);
        else
            write_bytes(w, message.data, message.len);
    }
    write_bytes(w, "]", 1);
    chat_edits_set(w->e, CHAT_MESSAGES, (harborai_str){text, (size_t)(w->to - text)});
}

void chat_edits_messages(struct chat_edits *e, const struct chat_message_edit *kinds, size_t count)
{
    struct walk w = {.e = e, .kinds = kinds, .kind_count = count};
    harborai_str messages = e->values[CHAT_MESSAGES], message;
    struct json_cursor cursor;
    size_t wanted;

    if (count == 0 || json_kind(messages) != JSON_ARRAY)
        return;
    wanted = count_all(&w, messages);
    if (wanted > MESSAGE_EDITS_MOST) {
        write_messages(&w, messages);
        return;
    }
    cursor = json_open(messages);
    for (size_t i = 0; wanted > 0 && e->status >= 0 && json_array_next(&cursor, &message); i++)
        edit_message(&w, i, message);
}

void chat_edits_developer(struct chat_edits *e)
{
    static const struct chat_message_edit kind = CHAT_MESSAGES_DEVELOPER;
    chat_edits_messages(e, &kind, 1);
}
