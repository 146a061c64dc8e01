/* SPDX-License-Identifier: MIT */
/* Strings are kept as they stand in JSON, and appended: so they need no room to be read. Must never keep
 * more than its limit, whatever a vendor sends, nor anything behind a place where something is missing. */
#include "chat/excerpt.h"

#include <stdlib.h>

#include "base/limits.h"
#include "chat/delta.h"
#include "chat/json_line.h"
#include "json_value.h"

#define MOST_PARTS 512
#define MOST_FINISH 32 /* bytes of a finish_reason */

struct excerpt *excerpt_create(size_t limit)
{
    struct excerpt *e = calloc(1, sizeof *e);
    if (e != NULL)
        e->room = limit;
    return e;
}

void excerpt_destroy(struct excerpt *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->count; i++)
        buf_release(&e->parts[i].text);
    free(e->parts);
    free(e);
}

static struct excerpt_part *find(const struct excerpt *e, unsigned choice, unsigned tool,
                                 enum excerpt_kind kind)
{
    for (size_t i = e->count; i-- > 0;) {
        struct excerpt_part *p = &e->parts[i];
        if (p->choice == choice && p->kind == kind && p->tool == tool)
            return p;
    }
    return NULL;
}

const struct excerpt_part *excerpt_find(const struct excerpt *e, unsigned choice, unsigned tool,
                                        enum excerpt_kind kind)
{
    return find(e, choice, tool, kind);
}

/* NULL: no more fit. */
static struct excerpt_part *add_part(struct excerpt *e, unsigned choice, unsigned tool,
                                     enum excerpt_kind kind)
{
    if (e->count == e->capacity) {
        size_t capacity = e->capacity > 0 ? 2 * e->capacity : 8;
        struct excerpt_part *grown =
            e->count < MOST_PARTS ? realloc(e->parts, capacity * sizeof *grown) : NULL;
        if (grown == NULL)
            return NULL;
        e->parts = grown;
        e->capacity = capacity;
    }
    struct excerpt_part *p = &e->parts[e->count++];
    *p = (struct excerpt_part){.choice = choice, .tool = tool, .kind = kind};
    buf_init(&p->text, LIMIT_RESPONSE_BODY);
    return p;
}

/* As much of a piece as there is room for. */
static void append(struct excerpt *e, struct excerpt_part *p, harborai_str inside)
{
    size_t len = e->is_cut || p == NULL ? 0 : json_line_cut(inside, e->room);
    if (len > 0)
        buf_add(&p->text, slice_cut(inside, len));
    e->room -= len;
    if (len == inside.len && p != NULL && p->text.failed == HARBORAI_OK)
        return;
    e->is_cut = true;
    if (p != NULL)
        p->is_cut = true;
}

static struct excerpt_part *part_of(struct excerpt *e, unsigned choice, unsigned tool,
                                    enum excerpt_kind kind)
{
    struct excerpt_part *p = find(e, choice, tool, kind);
    return p != NULL || e->is_cut ? p : add_part(e, choice, tool, kind);
}

/* Whether it is a string that is not empty. */
static bool read_inside(harborai_str value, harborai_str *ret_inside)
{
    if (json_kind(value) != JSON_STRING || value.len <= 2)
        return false;
    *ret_inside = (harborai_str){value.data + 1, value.len - 2};
    return true;
}

static struct excerpt_part *add_text(struct excerpt *e, unsigned choice, unsigned tool,
                                     enum excerpt_kind kind, harborai_str value)
{
    harborai_str inside;
    if (!read_inside(value, &inside))
        return NULL;
    struct excerpt_part *p = part_of(e, choice, tool, kind);
    e->total += inside.len;
    append(e, p, inside);
    return p;
}

/* Ids and names come whole, and some vendors repeat them. */
static void add_name(struct excerpt *e, unsigned choice, unsigned tool, enum excerpt_kind kind,
                     harborai_str value)
{
    if (find(e, choice, tool, kind) == NULL)
        (void)add_text(e, choice, tool, kind, value);
}

static unsigned number_of(harborai_str object, const char *name, unsigned most, unsigned otherwise)
{
    int64_t number;
    bool is_one = json_int64(json_member(object, slice_of(name)), &number);
    return is_one && number >= 0 && number < most ? (unsigned)number : otherwise;
}

static void add_tool(struct excerpt *e, unsigned choice, unsigned tool, harborai_str call)
{
    harborai_str function = json_member(call, HARBORAI_STR("function"));
    harborai_str custom = json_member(call, HARBORAI_STR("custom"));
    bool is_custom = json_kind(custom) == JSON_OBJECT;
    harborai_str of = is_custom ? custom : function;
    add_name(e, choice, tool, EXCERPT_TOOL_ID, json_member(call, HARBORAI_STR("id")));
    if (json_kind(of) != JSON_OBJECT)
        return;
    add_name(e, choice, tool, EXCERPT_TOOL_NAME, json_member(of, HARBORAI_STR("name")));
    struct excerpt_part *p =
        add_text(e, choice, tool, EXCERPT_TOOL_INPUT,
                 json_member(of, is_custom ? HARBORAI_STR("input") : HARBORAI_STR("arguments")));
    if (p != NULL)
        p->is_custom = is_custom;
}

static void add_tools(struct excerpt *e, unsigned choice, harborai_str tools)
{
    struct json_cursor cursor = json_open(tools);
    harborai_str call;
    for (unsigned i = 0; json_kind(tools) == JSON_ARRAY && json_array_next(&cursor, &call); i++)
        if (json_kind(call) == JSON_OBJECT && i < DELTA_TOOLS_MOST)
            add_tool(e, choice, number_of(call, "index", DELTA_TOOLS_MOST, i), call);
}

static void add_message(struct excerpt *e, unsigned choice, harborai_str message)
{
    struct json_cursor cursor = json_open(message);
    struct json_member m;
    while (json_kind(message) == JSON_OBJECT && json_object_next(&cursor, &m)) {
        if (slice_is(m.key, "content"))
            (void)add_text(e, choice, 0, EXCERPT_CONTENT, m.value);
        else if (slice_is(m.key, "reasoning_content"))
            (void)add_text(e, choice, 0, EXCERPT_REASONING_CONTENT, m.value);
        else if (slice_is(m.key, "reasoning"))
            (void)add_text(e, choice, 0, EXCERPT_REASONING, m.value);
        else if (slice_is(m.key, "refusal"))
            (void)add_text(e, choice, 0, EXCERPT_REFUSAL, m.value);
        else if (slice_is(m.key, "tool_calls"))
            add_tools(e, choice, m.value);
    }
}

/* It says nothing of its own, and is kept even where the text before it was too long. */
static void add_finish(struct excerpt *e, unsigned choice, harborai_str value)
{
    harborai_str inside;
    if (!read_inside(value, &inside) || find(e, choice, 0, EXCERPT_FINISH) != NULL)
        return;
    struct excerpt_part *p = add_part(e, choice, 0, EXCERPT_FINISH);
    if (p != NULL)
        buf_add(&p->text, slice_cut(inside, json_line_cut(inside, MOST_FINISH)));
}

void excerpt_add(struct excerpt *e, harborai_str json)
{
    harborai_str choices = json_member(json, HARBORAI_STR("choices")), item;
    struct json_cursor cursor = json_open(choices);
    for (unsigned i = 0; json_kind(choices) == JSON_ARRAY && json_array_next(&cursor, &item); i++) {
        if (json_kind(item) != JSON_OBJECT || i >= LIMIT_REQUEST_CHOICES)
            continue;
        unsigned choice = number_of(item, "index", LIMIT_REQUEST_CHOICES, i);
        harborai_str delta = json_member(item, HARBORAI_STR("delta"));
        add_message(e, choice, delta.len > 0 ? delta : json_member(item, HARBORAI_STR("message")));
        add_finish(e, choice, json_member(item, HARBORAI_STR("finish_reason")));
    }
}
