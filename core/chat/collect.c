/* SPDX-License-Identifier: MIT */
/* Chunks into one answer: which members of theirs are merged, which are left out, and what every
 * answer has. Every byte that is kept, and every node, counts against the ceiling. */
#include "chat/collect.h"

#include <stdlib.h>

#include "base/limits.h"
#include "chat/collect_node.h"
#include "chat/json_line.h"
#include "chat/usage.h"
#include "json_value.h"

struct collect {
    struct answer_id answer;
    unsigned choices;
    struct collect_room room;
    struct collect_node root;  /* members of the answer */
    struct collect_node list;  /* its choices */
};

/* ---- Chunks ---------------------------------------------------------------------------------- */

static bool is_one_of(const struct json_member *member, const char *const *names)
{
    for (; *names != NULL; names++)
        if (json_key_equal(member, slice_of(*names)))
            return true;
    return false;
}

static harborai_status add_choice_member(struct collect *c, struct collect_node *choice,
                                         const struct json_member *member, harborai_error *error)
{
    static const char *const left_out[] = {"index", "message", NULL};
    struct json_member message = *member;
    if (json_key_equal(member, HARBORAI_STR("delta"))) {
        message.key = HARBORAI_STR("message");
        return member->kind == JSON_OBJECT ? collect_node_merge(&c->room, choice, &message, error)
                                           : HARBORAI_OK;
    }
    if (is_one_of(member, left_out))
        return HARBORAI_OK;
    if (json_key_equal(member, HARBORAI_STR("logprobs")))
        return collect_node_merge(&c->room, choice, member, error);
    return collect_node_overwrite(&c->room, choice, member, error);
}

static harborai_status add_choice(struct collect *c, harborai_str value, harborai_error *error)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    struct collect_node *choice;
    int64_t index = 0;

    if (json_kind(value) != JSON_OBJECT)
        return harborai_error_set(error, HARBORAI_E_INVALID, "a choice of a chunk is no object");
    if (json_kind(json_member(value, HARBORAI_STR("message"))) == JSON_OBJECT &&
        json_member(value, HARBORAI_STR("delta")).len == 0)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "a choice has a 'message' and no 'delta': this is no chunk");
    (void)json_int64(json_member(value, HARBORAI_STR("index")), &index);
    harborai_status st = collect_node_item(&c->room, &c->list, index, &choice, error);
    if (st == HARBORAI_OK && c->list.count > LIMIT_REQUEST_CHOICES)
        return harborai_error_set(error, HARBORAI_E_INVALID, "more than %d choices",
                                  LIMIT_REQUEST_CHOICES);
    while (st == HARBORAI_OK && json_object_next(&cursor, &member))
        st = add_choice_member(c, choice, &member, error);
    return st;
}

static harborai_status add_member(struct collect *c, const struct json_member *member,
                                  harborai_error *error)
{
    static const char *const left_out[] = {"id", "object", "created", "model", "usage", NULL};
    harborai_status st = HARBORAI_OK;
    if (is_one_of(member, left_out))
        return HARBORAI_OK;
    if (!json_key_equal(member, HARBORAI_STR("choices")))
        return collect_node_overwrite(&c->room, &c->root, member, error);
    struct json_cursor cursor = json_open(member->value);
    harborai_str choice;
    if (member->kind != JSON_ARRAY)
        return HARBORAI_OK;
    while (st == HARBORAI_OK && json_array_next(&cursor, &choice))
        st = add_choice(c, choice, error);
    return st;
}

harborai_status collect_add(struct collect *c, harborai_str chunk, harborai_error *error)
{
    const struct json_limits limits = {LIMIT_JSON_DEPTH};
    struct json_fault fault;
    struct json_member member;
    harborai_str object;
    if (json_scan(chunk, &limits, &object, &fault) < 0)
        return harborai_error_set(error, HARBORAI_E_INVALID, "a chunk is not JSON: %s at byte %zu",
                                  fault.reason, fault.at);
    if (json_kind(object) != JSON_OBJECT)
        return harborai_error_set(error, HARBORAI_E_INVALID, "a chunk is no JSON object");
    struct json_cursor cursor = json_open(object);
    harborai_status st = HARBORAI_OK;
    while (st == HARBORAI_OK && json_object_next(&cursor, &member))
        st = add_member(c, &member, error);
    return st;
}

struct collect *collect_create(const struct answer_id *answer, unsigned choices, size_t ceiling)
{
    struct collect *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->answer = *answer;
    c->choices = choices > 0 ? choices : 1;
    collect_room_init(&c->room, ceiling);
    collect_node_init(&c->room, &c->root, COLLECT_OBJECT);
    collect_node_init(&c->room, &c->list, COLLECT_LIST);
    return c;
}

void collect_destroy(struct collect *c)
{
    if (c == NULL)
        return;
    collect_node_release(&c->room, &c->root);
    collect_node_release(&c->room, &c->list);
    collect_room_release(&c->room);
    free(c);
}

/* ---- The answer ------------------------------------------------------------------------------ */

static void add_own(struct buf *b, const char **separator, const char *member)
{
    buf_add(b, slice_of(*separator));
    buf_add(b, slice_of(member));
    *separator = ",";
}

/* With the members that every message has. */
static void write_message(struct buf *b, const struct collect_node *choice)
{
    static const struct collect_node nothing = {.kind = COLLECT_OBJECT};
    const struct collect_node *message = collect_node_find(choice, "message");
    const char *separator = "";
    if (message == NULL)
        message = &nothing;
    bool is_silent = collect_node_find(message, "tool_calls") != NULL ||
                     collect_node_find(message, "refusal") != NULL ||
                     collect_node_find(message, "audio") != NULL;
    buf_add(b, HARBORAI_STR(",\"message\":{"));
    if (collect_node_find(message, "role") == NULL)
        add_own(b, &separator, "\"role\":\"assistant\"");
    if (collect_node_find(message, "content") == NULL)
        add_own(b, &separator, is_silent ? "\"content\":null" : "\"content\":\"\"");
    separator = collect_node_write_members(b, message, separator, NULL, NULL);
    if (collect_node_find(message, "refusal") == NULL)
        add_own(b, &separator, "\"refusal\":null");
    buf_add_char(b, '}');
}

static void write_choice(struct buf *b, const struct collect_node *choice, uint32_t finish_reason)
{
    const struct collect_node *reason = collect_node_find(choice, "finish_reason");
    buf_printf(b, "{\"index\":%lld", (long long)choice->index);
    write_message(b, choice);
    collect_node_write_members(b, choice, ",", "message", "finish_reason");
    if (reason == NULL || json_is_null(buf_slice(&reason->text))) {
        buf_printf(b, ",\"finish_reason\":\"%s\"}", delta_finish_name(finish_reason));
        return;
    }
    buf_add_char(b, ',');
    collect_node_write_member(b, reason);
    buf_add_char(b, '}');
}

/* An answer has the choices that were asked for, also those of which nothing came. */
static harborai_status complete(struct collect *c, harborai_error *error)
{
    struct collect_node *choice;
    harborai_status st = HARBORAI_OK;
    for (unsigned i = 0; st == HARBORAI_OK && i < c->choices && c->list.count < c->choices; i++)
        st = collect_node_item(&c->room, &c->list, i, &choice, error);
    return st;
}

harborai_status collect_write(struct collect *c, uint32_t finish_reason,
                              const harborai_usage *usage, struct buf *b, harborai_error *error)
{
    harborai_status st = complete(c, error);
    if (st < 0)
        return st;
    buf_add(b, HARBORAI_STR("{\"id\":"));
    json_line_text(b, c->answer.id);
    buf_printf(b, ",\"object\":\"chat.completion\",\"created\":%lld,\"model\":",
               (long long)c->answer.created_s);
    json_line_text(b, c->answer.model);
    buf_add(b, HARBORAI_STR(",\"choices\":["));
    for (const struct collect_node *choice = c->list.first; choice != NULL; choice = choice->next) {
        write_choice(b, choice, finish_reason);
        if (choice->next != NULL)
            buf_add_char(b, ',');
    }
    buf_add_char(b, ']');
    collect_node_write_members(b, &c->root, ",", NULL, NULL);
    if (usage != NULL) {
        buf_add(b, HARBORAI_STR(",\"usage\":"));
        usage_write_openai(b, usage);
    }
    buf_add_char(b, '}');
    return buf_status(b, error);
}
