/* SPDX-License-Identifier: MIT */
/* JSON as nodes. Values are kept as written: the insides of two JSON strings make the inside of
 * their sum, so nothing is decoded and no tree of a library is built. */
#include "chat/collect_node.h"

#include "base/limits.h"
#include "chat/delta.h"
#include "chat/json_line.h"
#include "json_value.h"

enum { MEMBERS_MOST = 256 };

void collect_room_init(struct collect_room *room, size_t ceiling)
{
    room->ceiling = room->left = ceiling;
    arena_init(&room->arena, 2 * ceiling + KIB(64)); /* what is paid for, and its alignment */
}

void collect_room_release(struct collect_room *room)
{
    arena_release(&room->arena);
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static harborai_status out_of_room(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY,
                              "the answer is larger than it may be when it is kept whole: "
                              "ask for a stream");
}

void collect_node_init(struct collect_room *room, struct collect_node *node, enum collect_kind kind)
{
    buf_init(&node->text, room->ceiling);
    node->kind = kind;
}

static harborai_status node_add(struct collect_room *room, struct collect_node *parent,
                                struct collect_node **before, harborai_str key,
                                struct collect_node **ret_node, harborai_error *error)
{
    struct collect_node *node = NULL;
    size_t cost = sizeof *node + key.len;
    if (parent->count == MEMBERS_MOST)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "an object of a chunk has more than %d members", MEMBERS_MOST);
    if (cost <= room->left)
        node = arena_alloc(&room->arena, sizeof *node);
    if (node == NULL)
        return out_of_room(error);
    collect_node_init(room, node, COLLECT_PLAIN);
    if (key.len > 0) {
        node->key = arena_copy(&room->arena, key);
        if (node->key.data == NULL)
            return out_of_room(error);
    }
    room->left -= cost;
    node->next = *before;
    *before = node;
    parent->count++;
    *ret_node = node;
    return HARBORAI_OK;
}

void collect_node_release(struct collect_room *room, struct collect_node *node)
{
    for (struct collect_node *child = node->first; child != NULL; child = child->next)
        collect_node_release(room, child);
    room->left += node->text.len;
    buf_release(&node->text);
    node->first = NULL;
    node->count = 0;
}

static void node_become(struct collect_room *room, struct collect_node *node,
                        enum collect_kind kind)
{
    if (node->kind == kind)
        return;
    collect_node_release(room, node);
    node->kind = kind;
}

static harborai_status append(struct collect_room *room, struct collect_node *node,
                              harborai_str text, harborai_error *error)
{
    if (text.len > room->left)
        return out_of_room(error);
    buf_add(&node->text, text);
    if (node->text.failed != HARBORAI_OK)
        return out_of_room(error);
    room->left -= text.len;
    return HARBORAI_OK;
}

static harborai_status replace(struct collect_room *room, struct collect_node *node,
                               enum collect_kind kind, harborai_str text, harborai_error *error)
{
    node_become(room, node, kind);
    room->left += node->text.len;
    buf_clear(&node->text);
    return append(room, node, text, error);
}

/* The member of that name, which is added if there is none: *ret_is_new. */
static harborai_status member_at(struct collect_room *room, struct collect_node *object,
                                 harborai_str key, struct collect_node **ret_node, bool *ret_is_new,
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
    return node_add(room, object, at, key, ret_node, error);
}

harborai_status collect_node_item(struct collect_room *room, struct collect_node *list,
                                  int64_t index, struct collect_node **ret_node,
                                  harborai_error *error)
{
    struct collect_node **at = &list->first;
    while (*at != NULL && (*at)->index < index)
        at = &(*at)->next;
    if (*at != NULL && (*at)->index == index) {
        *ret_node = *at;
        return HARBORAI_OK;
    }
    harborai_status st = node_add(room, list, at, SLICE_NONE, ret_node, error);
    if (st < 0)
        return st;
    (*ret_node)->index = index;
    (*ret_node)->kind = COLLECT_OBJECT;
    return HARBORAI_OK;
}

const struct collect_node *collect_node_find(const struct collect_node *object, const char *key)
{
    const struct collect_node *node = object->first;
    while (node != NULL && !slice_is(node->key, key))
        node = node->next;
    return node;
}

/* ---- Merging --------------------------------------------------------------------------------- */

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

static harborai_status merge_text(struct collect_room *room, struct collect_node *node,
                                  harborai_str value, harborai_error *error)
{
    harborai_str text = {value.data + 1, value.len - 2};
    if (text.len == 0 && node->kind == COLLECT_TEXT)
        return HARBORAI_OK;
    if (comes_whole(node->key))
        return replace(room, node, COLLECT_TEXT, text, error);
    node_become(room, node, COLLECT_TEXT);
    return append(room, node, text, error);
}

static harborai_status merge_object(struct collect_room *room, struct collect_node *node,
                                    harborai_str value, harborai_error *error)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    harborai_status st = HARBORAI_OK;
    node_become(room, node, COLLECT_OBJECT);
    while (st == HARBORAI_OK && json_object_next(&cursor, &member))
        st = collect_node_merge(room, node, &member, error);
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

static harborai_status merge_list(struct collect_room *room, struct collect_node *node,
                                  harborai_str array, harborai_error *error)
{
    struct json_cursor cursor = json_open(array);
    struct collect_node *at;
    harborai_str item;
    int64_t index = 0;
    harborai_status st = HARBORAI_OK;
    node_become(room, node, COLLECT_LIST);
    while (st == HARBORAI_OK && json_array_next(&cursor, &item)) {
        (void)index_of(item, &index);
        st = collect_node_item(room, node, index, &at, error);
        if (st == HARBORAI_OK)
            st = merge_object(room, at, item, error);
    }
    if (st == HARBORAI_OK && slice_is(node->key, "tool_calls") && node->count > DELTA_TOOLS_MOST)
        return harborai_error_set(error, HARBORAI_E_INVALID, "more than %d tool calls in a choice",
                                  DELTA_TOOLS_MOST);
    return st;
}

static harborai_status merge_array(struct collect_room *room, struct collect_node *node,
                                   harborai_str array, harborai_error *error)
{
    harborai_str items = inside(array);
    bool is_array = node->kind == COLLECT_ITEMS || node->kind == COLLECT_LIST;
    if (items.len == 0 && is_array)
        return HARBORAI_OK;
    if (items.len > 0 && is_indexed(array))
        return merge_list(room, node, array, error);
    node_become(room, node, COLLECT_ITEMS);
    if (node->text.len > 0) {
        harborai_status st = append(room, node, HARBORAI_STR(","), error);
        if (st < 0)
            return st;
    }
    return append(room, node, items, error);
}

harborai_status collect_node_merge(struct collect_room *room, struct collect_node *object,
                                   const struct json_member *member, harborai_error *error)
{
    struct collect_node *node;
    bool is_new;
    harborai_status st = member_at(room, object, member->key, &node, &is_new, error);
    if (st < 0)
        return st;
    switch (member->kind) {
    case JSON_STRING:
        return merge_text(room, node, member->value, error);
    case JSON_OBJECT:
        return merge_object(room, node, member->value, error);
    case JSON_ARRAY:
        return merge_array(room, node, member->value, error);
    case JSON_NULL:
        return is_new ? replace(room, node, COLLECT_PLAIN, member->value, error) : HARBORAI_OK;
    case JSON_NONE:
    case JSON_NUMBER:
    case JSON_BOOL:
    default:
        return replace(room, node, COLLECT_PLAIN, member->value, error);
    }
}

harborai_status collect_node_overwrite(struct collect_room *room, struct collect_node *object,
                                       const struct json_member *member, harborai_error *error)
{
    struct collect_node *node;
    bool is_new;
    harborai_status st = member_at(room, object, member->key, &node, &is_new, error);
    if (st < 0 || (member->kind == JSON_NULL && !is_new))
        return st;
    return replace(room, node, COLLECT_PLAIN, member->value, error);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_node(struct buf *b, const struct collect_node *node);

void collect_node_write_member(struct buf *b, const struct collect_node *node)
{
    buf_add_char(b, '"');
    buf_add(b, node->key);
    buf_add(b, HARBORAI_STR("\":"));
    write_node(b, node);
}

const char *collect_node_write_members(struct buf *b, const struct collect_node *object,
                                       const char *separator, const char *without, const char *nor)
{
    for (const struct collect_node *node = object->first; node != NULL; node = node->next) {
        if ((without != NULL && slice_is(node->key, without)) ||
            (nor != NULL && slice_is(node->key, nor)))
            continue;
        buf_add(b, slice_of(separator));
        collect_node_write_member(b, node);
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
        collect_node_write_members(b, item, "", without, NULL);
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
        collect_node_write_members(b, node, "", NULL, NULL);
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
