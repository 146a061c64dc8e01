/* SPDX-License-Identifier: MIT */
/* Chunks into one answer. Values are kept as written: the insides of two JSON strings make the
 * inside of their sum, so nothing is decoded and no tree of a library is built. Every byte that is
 * kept, and every node, counts against the ceiling. */
#include "chat/collect.h"

#include <stdlib.h>

#include "base/limits.h"
#include "chat/json_line.h"
#include "chat/usage.h"
#include "json_value.h"

enum { MEMBERS_MOST = 256 };

enum collect_kind {
    COLLECT_PLAIN = 0, /* text: a value as written */
    COLLECT_TEXT,      /* text: the inside of a string */
    COLLECT_ITEMS,     /* text: what stands between the brackets of an array */
    COLLECT_OBJECT,    /* children: its members */
    COLLECT_LIST       /* children: items by their index */
};

struct collect_node {
    struct collect_node *next, *first; /* sibling, child */
    unsigned count;                    /* children */
    enum collect_kind kind;
    int64_t index;    /* as an item of a LIST */
    harborai_str key; /* as a member of an OBJECT: as written, in the arena */
    struct buf text;
};

struct collect {
    struct answer_id answer;
    unsigned choices;
    size_t ceiling, left;
    struct arena arena;        /* nodes and keys */
    struct collect_node root;  /* members of the answer */
    struct collect_node list;  /* its choices */
};

/* ---- Nodes ----------------------------------------------------------------------------------- */

static harborai_status out_of_room(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY,
                              "the answer is larger than it may be when it is kept whole: "
                              "ask for a stream");
}

static void node_init(struct collect *c, struct collect_node *node)
{
    buf_init(&node->text, c->ceiling);
}

static harborai_status node_add(struct collect *c, struct collect_node *parent,
                                struct collect_node **before, harborai_str key,
                                struct collect_node **ret_node, harborai_error *error)
{
    struct collect_node *node = NULL;
    size_t cost = sizeof *node + key.len;
    if (parent->count == MEMBERS_MOST)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "an object of a chunk has more than %d members", MEMBERS_MOST);
    if (cost <= c->left)
        node = arena_alloc(&c->arena, sizeof *node);
    if (node == NULL)
        return out_of_room(error);
    node_init(c, node);
    if (key.len > 0) {
        node->key = arena_copy(&c->arena, key);
        if (node->key.data == NULL)
            return out_of_room(error);
    }
    c->left -= cost;
    node->next = *before;
    *before = node;
    parent->count++;
    *ret_node = node;
    return HARBORAI_OK;
}

/* Forgets the value; its nodes stay in the arena, and paid for. */
static void node_release(struct collect *c, struct collect_node *node)
{
    for (struct collect_node *child = node->first; child != NULL; child = child->next)
        node_release(c, child);
    c->left += node->text.len;
    buf_release(&node->text);
    node->first = NULL;
    node->count = 0;
}

static void node_become(struct collect *c, struct collect_node *node, enum collect_kind kind)
{
    if (node->kind == kind)
        return;
    node_release(c, node);
    node->kind = kind;
}

static harborai_status append(struct collect *c, struct collect_node *node, harborai_str text,
                              harborai_error *error)
{
    if (text.len > c->left)
        return out_of_room(error);
    buf_add(&node->text, text);
    if (node->text.failed != HARBORAI_OK)
        return out_of_room(error);
    c->left -= text.len;
    return HARBORAI_OK;
}

static harborai_status replace(struct collect *c, struct collect_node *node,
                               enum collect_kind kind, harborai_str text, harborai_error *error)
{
    node_become(c, node, kind);
    c->left += node->text.len;
    buf_clear(&node->text);
    return append(c, node, text, error);
}

/* The member of that name, which is added if there is none: *ret_is_new. */
static harborai_status member_at(struct collect *c, struct collect_node *object, harborai_str key,
                                 struct collect_node **ret_node, bool *ret_is_new,
                                 harborai_error *error)
{
    struct collect_node **at = &object->first;
    for (; *at != NULL; at = &(*at)->next)
        if (slice_equal((*at)->key, key)) {
            *ret_node = *at;
            *ret_is_new = false;
            return HARBORAI_OK;
        }
    *ret_is_new = true;
    return node_add(c, object, at, key, ret_node, error);
}

/* Likewise for an item; they stand in order. */
static harborai_status item_at(struct collect *c, struct collect_node *list, int64_t index,
                               struct collect_node **ret_node, harborai_error *error)
{
    struct collect_node **at = &list->first;
    while (*at != NULL && (*at)->index < index)
        at = &(*at)->next;
    if (*at != NULL && (*at)->index == index) {
        *ret_node = *at;
        return HARBORAI_OK;
    }
    harborai_status st = node_add(c, list, at, SLICE_NONE, ret_node, error);
    if (st < 0)
        return st;
    (*ret_node)->index = index;
    (*ret_node)->kind = COLLECT_OBJECT;
    return HARBORAI_OK;
}

static const struct collect_node *member_find(const struct collect_node *object, const char *key)
{
    const struct collect_node *node = object->first;
    while (node != NULL && !slice_is(node->key, key))
        node = node->next;
    return node;
}

/* ---- Merging --------------------------------------------------------------------------------- */

static harborai_status merge(struct collect *c, struct collect_node *object,
                             const struct json_member *member, harborai_error *error);

static harborai_str inside(harborai_str value)
{
    return slice_trim((harborai_str){value.data + 1, value.len - 2});
}

static bool comes_whole(harborai_str key)
{
    static const char *const names[] = {"id", "type", "role", "name", "format"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_is(key, names[i]))
            return true;
    return false;
}

static harborai_status merge_text(struct collect *c, struct collect_node *node, harborai_str value,
                                  harborai_error *error)
{
    harborai_str text = {value.data + 1, value.len - 2};
    if (text.len == 0 && node->kind == COLLECT_TEXT)
        return HARBORAI_OK;
    if (comes_whole(node->key))
        return replace(c, node, COLLECT_TEXT, text, error);
    node_become(c, node, COLLECT_TEXT);
    return append(c, node, text, error);
}

static harborai_status merge_object(struct collect *c, struct collect_node *node,
                                    harborai_str value, harborai_error *error)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    harborai_status st = HARBORAI_OK;
    node_become(c, node, COLLECT_OBJECT);
    while (st == HARBORAI_OK && json_object_next(&cursor, &member))
        st = merge(c, node, &member, error);
    return st;
}

static bool index_of(harborai_str item, int64_t *ret_index)
{
    return json_kind(item) == JSON_OBJECT &&
           json_int64(json_member(item, HARBORAI_STR("index")), ret_index);
}

static bool is_indexed(harborai_str array)
{
    struct json_cursor cursor = json_open(array);
    harborai_str item;
    int64_t index;
    while (json_array_next(&cursor, &item))
        if (!index_of(item, &index))
            return false;
    return true;
}

static harborai_status merge_list(struct collect *c, struct collect_node *node, harborai_str array,
                                  harborai_error *error)
{
    struct json_cursor cursor = json_open(array);
    struct collect_node *at;
    harborai_str item;
    int64_t index = 0;
    harborai_status st = HARBORAI_OK;
    node_become(c, node, COLLECT_LIST);
    while (st == HARBORAI_OK && json_array_next(&cursor, &item)) {
        (void)index_of(item, &index);
        st = item_at(c, node, index, &at, error);
        if (st == HARBORAI_OK)
            st = merge_object(c, at, item, error);
    }
    if (st == HARBORAI_OK && slice_is(node->key, "tool_calls") && node->count > DELTA_TOOLS_MOST)
        return harborai_error_set(error, HARBORAI_E_INVALID, "more than %d tool calls in a choice",
                                  DELTA_TOOLS_MOST);
    return st;
}

static harborai_status merge_array(struct collect *c, struct collect_node *node, harborai_str array,
                                   harborai_error *error)
{
    harborai_str items = inside(array);
    bool is_array = node->kind == COLLECT_ITEMS || node->kind == COLLECT_LIST;
    if (items.len == 0 && is_array)
        return HARBORAI_OK;
    if (items.len > 0 && is_indexed(array))
        return merge_list(c, node, array, error);
    node_become(c, node, COLLECT_ITEMS);
    if (node->text.len > 0) {
        harborai_status st = append(c, node, HARBORAI_STR(","), error);
        if (st < 0)
            return st;
    }
    return append(c, node, items, error);
}

static harborai_status merge(struct collect *c, struct collect_node *object,
                             const struct json_member *member, harborai_error *error)
{
    struct collect_node *node;
    bool is_new;
    harborai_status st = member_at(c, object, member->key, &node, &is_new, error);
    if (st < 0)
        return st;
    switch (member->kind) {
    case JSON_STRING:
        return merge_text(c, node, member->value, error);
    case JSON_OBJECT:
        return merge_object(c, node, member->value, error);
    case JSON_ARRAY:
        return merge_array(c, node, member->value, error);
    case JSON_NULL:
        return is_new ? replace(c, node, COLLECT_PLAIN, member->value, error) : HARBORAI_OK;
    case JSON_NONE:
    case JSON_NUMBER:
    case JSON_BOOL:
    default:
        return replace(c, node, COLLECT_PLAIN, member->value, error);
    }
}

/* The last value holds, as it stands. */
static harborai_status overwrite(struct collect *c, struct collect_node *object,
                                 const struct json_member *member, harborai_error *error)
{
    struct collect_node *node;
    bool is_new;
    harborai_status st = member_at(c, object, member->key, &node, &is_new, error);
    if (st < 0 || (member->kind == JSON_NULL && !is_new))
        return st;
    return replace(c, node, COLLECT_PLAIN, member->value, error);
}

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
        return member->kind == JSON_OBJECT ? merge(c, choice, &message, error) : HARBORAI_OK;
    }
    if (is_one_of(member, left_out))
        return HARBORAI_OK;
    if (json_key_equal(member, HARBORAI_STR("logprobs")))
        return merge(c, choice, member, error);
    return overwrite(c, choice, member, error);
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
    harborai_status st = item_at(c, &c->list, index, &choice, error);
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
        return overwrite(c, &c->root, member, error);
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
    c->ceiling = c->left = ceiling;
    arena_init(&c->arena, 2 * ceiling + KIB(64)); /* what is paid for, and its alignment */
    node_init(c, &c->root);
    node_init(c, &c->list);
    c->root.kind = COLLECT_OBJECT;
    c->list.kind = COLLECT_LIST;
    return c;
}

void collect_destroy(struct collect *c)
{
    if (c == NULL)
        return;
    node_release(c, &c->root);
    node_release(c, &c->list);
    arena_release(&c->arena);
    free(c);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_node(struct buf *b, const struct collect_node *node);

static void write_member(struct buf *b, const struct collect_node *node)
{
    buf_add_char(b, '"');
    buf_add(b, node->key);
    buf_add(b, HARBORAI_STR("\":"));
    write_node(b, node);
}

/* Each member but those of two names, which may be NULL, behind a separator; returns the next. */
static const char *write_members(struct buf *b, const struct collect_node *object,
                                 const char *separator, const char *without, const char *nor)
{
    for (const struct collect_node *node = object->first; node != NULL; node = node->next) {
        if ((without != NULL && slice_is(node->key, without)) ||
            (nor != NULL && slice_is(node->key, nor)))
            continue;
        buf_add(b, slice_of(separator));
        write_member(b, node);
        separator = ",";
    }
    return separator;
}

/* A whole answer's tool calls have no index. */
static void write_list(struct buf *b, const struct collect_node *list)
{
    const char *without = slice_is(list->key, "tool_calls") ? "index" : NULL;
    buf_add_char(b, '[');
    for (const struct collect_node *item = list->first; item != NULL; item = item->next) {
        buf_add_char(b, '{');
        write_members(b, item, "", without, NULL);
        buf_add(b, item->next != NULL ? HARBORAI_STR("},") : HARBORAI_STR("}"));
    }
    buf_add_char(b, ']');
}

static void write_node(struct buf *b, const struct collect_node *node)
{
    switch (node->kind) {
    case COLLECT_TEXT:
        buf_add_char(b, '"');
        buf_add(b, buf_slice(&node->text));
        buf_add_char(b, '"');
        break;
    case COLLECT_ITEMS:
        buf_add_char(b, '[');
        if (node->text.len > 0)
            json_line_write(b, buf_slice(&node->text));
        buf_add_char(b, ']');
        break;
    case COLLECT_OBJECT:
        buf_add_char(b, '{');
        write_members(b, node, "", NULL, NULL);
        buf_add_char(b, '}');
        break;
    case COLLECT_LIST:
        write_list(b, node);
        break;
    case COLLECT_PLAIN:
        json_line_write(b, buf_slice(&node->text));
        break;
    }
}

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
    const struct collect_node *message = member_find(choice, "message");
    const char *separator = "";
    if (message == NULL)
        message = &nothing;
    bool is_silent = member_find(message, "tool_calls") != NULL ||
                     member_find(message, "refusal") != NULL ||
                     member_find(message, "audio") != NULL;
    buf_add(b, HARBORAI_STR(",\"message\":{"));
    if (member_find(message, "role") == NULL)
        add_own(b, &separator, "\"role\":\"assistant\"");
    if (member_find(message, "content") == NULL)
        add_own(b, &separator, is_silent ? "\"content\":null" : "\"content\":\"\"");
    separator = write_members(b, message, separator, NULL, NULL);
    if (member_find(message, "refusal") == NULL)
        add_own(b, &separator, "\"refusal\":null");
    buf_add_char(b, '}');
}

static void write_choice(struct buf *b, const struct collect_node *choice, uint32_t finish_reason)
{
    const struct collect_node *reason = member_find(choice, "finish_reason");
    buf_printf(b, "{\"index\":%lld", (long long)choice->index);
    write_message(b, choice);
    write_members(b, choice, ",", "message", "finish_reason");
    if (reason == NULL || json_is_null(buf_slice(&reason->text))) {
        buf_printf(b, ",\"finish_reason\":\"%s\"}", delta_finish_name(finish_reason));
        return;
    }
    buf_add_char(b, ',');
    write_member(b, reason);
    buf_add_char(b, '}');
}

/* An answer has the choices that were asked for, also those of which nothing came. */
static harborai_status complete(struct collect *c, harborai_error *error)
{
    struct collect_node *choice;
    harborai_status st = HARBORAI_OK;
    for (unsigned i = 0; st == HARBORAI_OK && i < c->choices && c->list.count < c->choices; i++)
        st = item_at(c, &c->list, i, &choice, error);
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
    write_members(b, &c->root, ",", NULL, NULL);
    if (usage != NULL) {
        buf_add(b, HARBORAI_STR(",\"usage\":"));
        usage_write_openai(b, usage);
    }
    buf_add_char(b, '}');
    return buf_status(b, error);
}
