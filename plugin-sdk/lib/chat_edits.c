/* SPDX-License-Identifier: MIT */
/* Notes edits for http_start(). Must never look into a message's content. */
#include "chat_edits.h"

#include <stdio.h>

#include "json_value.h"

enum { EDITS_MOST = 4096 }; /* by harborai/plugin.h */

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
};

static harborai_str name_of(size_t member)
{
    return (harborai_str){paths[member].data + 1, paths[member].len - 1};
}

void chat_edits_init(struct chat_edits *e, harborai_call *call, harborai_str body,
                     harborai_error *error)
{
    struct json_cursor cursor = json_open(body);
    struct json_member member;

    *e = (struct chat_edits){.call = call, .error = error};
    while (json_object_next(&cursor, &member)) {
        for (size_t i = 0; member.kind != JSON_NULL && i < CHAT_MEMBERS; i++)
            if (e->values[i].len == 0 && json_key_equal(&member, name_of(i)))
                e->values[i] = member.value;
    }
}

/* ---- One edit -------------------------------------------------------------------------------- */

static void out_of_memory(struct chat_edits *e)
{
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

static void append(struct chat_edits *e, harborai_edit edit)
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
    append(e, edit);
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

static void make_system(struct chat_edits *e, size_t index)
{
    char text[48];
    snprintf(text, sizeof text, "/messages/%zu/role", index);
    harborai_str path = harborai_keep(e->call, (harborai_str){text, strlen(text)});
    if (path.data == NULL) {
        out_of_memory(e);
        return;
    }
    append(e, (harborai_edit){path, HARBORAI_STR("system"), HARBORAI_EDIT_TEXT, 0});
    tell(e, path, HARBORAI_CHANGED_ADAPTED);
}

void chat_edits_developer(struct chat_edits *e)
{
    struct json_cursor cursor = json_open(e->values[CHAT_MESSAGES]);
    harborai_str message;

    /* More edits than a request may have: the vendor will say what it thinks of the others. */
    for (size_t i = 0;
         e->status >= 0 && e->count < EDITS_MOST && json_array_next(&cursor, &message); i++)
        if (json_string_equal(json_member(message, HARBORAI_STR("role")), HARBORAI_STR("developer")))
            make_system(e, i);
}
