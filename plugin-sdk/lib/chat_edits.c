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
    [CHAT_REASONING] = HARBORAI_STR_INIT("/reasoning"),
    [CHAT_TEMPLATE_KWARGS] = HARBORAI_STR_INIT("/chat_template_kwargs"),
    [CHAT_TOP_P] = HARBORAI_STR_INIT("/top_p"),
    [CHAT_LOGPROBS] = HARBORAI_STR_INIT("/logprobs"),
    [CHAT_TOP_LOGPROBS] = HARBORAI_STR_INIT("/top_logprobs"),
    [CHAT_LOGIT_BIAS] = HARBORAI_STR_INIT("/logit_bias"),
    [CHAT_SEED] = HARBORAI_STR_INIT("/seed"),
    [CHAT_STOP] = HARBORAI_STR_INIT("/stop"),
    [CHAT_TOOLS] = HARBORAI_STR_INIT("/tools"),
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

void chat_edits_message(struct chat_edits *e, size_t index, const char *name, const char *text,
                        uint32_t how)
{
    char pointer[96];
    snprintf(pointer, sizeof pointer, "/messages/%zu/%s", index, name);
    harborai_str path = harborai_keep(e->call, (harborai_str){pointer, strlen(pointer)});
    if (path.data == NULL) {
        out_of_memory(e);
        return;
    }
    chat_edits_add(e, (harborai_edit){path,
                                      {text, text != NULL ? strlen(text) : 0},
                                      text != NULL ? HARBORAI_EDIT_TEXT : HARBORAI_EDIT_REMOVE,
                                      0});
    if (how != 0)
        tell(e, path, how);
}

void chat_edits_developer(struct chat_edits *e)
{
    struct json_cursor cursor = json_open(e->values[CHAT_MESSAGES]);
    harborai_str message;

    /* More edits than a request may have: the vendor will say what it thinks of the others. */
    for (size_t i = 0;
         e->status >= 0 && e->count < EDITS_MOST && json_array_next(&cursor, &message); i++)
        if (json_string_equal(json_member(message, HARBORAI_STR("role")), HARBORAI_STR("developer")))
            chat_edits_message(e, i, "role", "system", HARBORAI_CHANGED_ADAPTED);
}
