/* SPDX-License-Identifier: MIT */
/* Edits of a JSON body by splicing. The edits are sorted by their paths, so that those of one
 * object stand together; then the body is walked once, only into what an edit names. Bytes of the
 * body are never copied, and never changed. */
#include "json_edit.h"

#include <stdlib.h>
#include <string.h>

#include "json_value.h"

struct path {
    const harborai_edit *edit;
    const harborai_str *token; /* decoded */
    uint32_t levels;
    uint32_t order;       /* as given: what is appended keeps it */
    uint32_t found_level; /* of the first path of a group: it was found down to this level */
    bool done;
};

struct editor {
    struct path *paths;
    harborai_str *pieces;
    size_t piece_count, piece_bytes;
    char *text;        /* where the next inserted byte goes */
    bool last_is_text; /* the last piece ends where the next inserted byte goes */
    const char *kept;  /* of the body: everything before it is in pieces or was cut out */
    harborai_error *error;
};

/* ---- Errors ---------------------------------------------------------------------------------- */

static harborai_status refuse(harborai_error *error, const harborai_edit *edit, const char *why)
{
    size_t len = edit->path.len < 63 ? edit->path.len : 63;
    if (error != NULL) {
        if (len > 0)
            memcpy(error->param, edit->path.data, len);
        error->param[len] = '\0';
    }
    return harborai_error_set(error, HARBORAI_E_INVALID, "edit of '%.*s': %s", (int)len,
                              len > 0 ? edit->path.data : "", why);
}

/* ---- Output ---------------------------------------------------------------------------------- */

static void add_piece(struct editor *e, const char *from, const char *to)
{
    if (to <= from)
        return;
    e->pieces[e->piece_count++] = (harborai_str){from, (size_t)(to - from)};
    e->piece_bytes += (size_t)(to - from);
    e->last_is_text = false;
}

/* The body as far as `to` goes out as it is. */
static void keep_until(struct editor *e, const char *to)
{
    add_piece(e, e->kept, to);
    if (to > e->kept)
        e->kept = to;
}

/* What was written from `from` up to e->text goes out. */
static void add_text(struct editor *e, const char *from)
{
    if (e->last_is_text) {
        e->pieces[e->piece_count - 1].len += (size_t)(e->text - from);
        e->piece_bytes += (size_t)(e->text - from);
        return;
    }
    add_piece(e, from, e->text);
    e->last_is_text = true;
}

static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return '\0';
    }
}

static size_t quoted_len(harborai_str text)
{
    size_t len = text.len + 2;
    for (size_t i = 0; i < text.len; i++) {
        if (short_escape(text.data[i]) != '\0')
            len += 1;
        else if ((unsigned char)text.data[i] < 0x20)
            len += 5;
    }
    return len;
}

static char *write_quoted(char *to, harborai_str text)
{
    static const char hex[] = "0123456789abcdef";
    *to++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i], escape = short_escape(c);
        if (escape != '\0') {
            *to++ = '\\';
            *to++ = escape;
        } else if ((unsigned char)c < 0x20) {
            memcpy(to, "\\u00", 4);
            to[4] = hex[c >> 4];
            to[5] = hex[c & 15];
            to += 6;
        } else {
            *to++ = c;
        }
    }
    *to++ = '"';
    return to;
}

static void write_value(struct editor *e, const struct path *path)
{
    if (path->edit->kind == HARBORAI_EDIT_TEXT) {
        e->text = write_quoted(e->text, path->edit->value);
        return;
    }
    memcpy(e->text, path->edit->value.data, path->edit->value.len);
    e->text += path->edit->value.len;
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static int compare_text(harborai_str a, harborai_str b)
{
    return json_key_compare(a, false, b);
}

static int compare_paths(const void *left, const void *right)
{
    const struct path *a = left, *b = right;
    uint32_t shorter = a->levels < b->levels ? a->levels : b->levels;
    for (uint32_t i = 0; i < shorter; i++) {
        int order = compare_text(a->token[i], b->token[i]);
        if (order != 0)
            return order;
    }
    if (a->levels != b->levels)
        return a->levels < b->levels ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static size_t count_levels(harborai_str path)
{
    size_t levels = 0;
    for (size_t i = 0; i < path.len; i++)
        levels += path.data[i] == '/';
    return levels;
}

static harborai_status check_edit(const harborai_edit *edit, harborai_error *error)
{
    const struct json_limits limits = {0};
    if (edit->kind < HARBORAI_EDIT_REMOVE || edit->kind > HARBORAI_EDIT_TEXT || edit->flags != 0)
        return refuse(error, edit, "unknown kind or flag");
    if (edit->path.len == 0 || edit->path.data[0] != '/')
        return refuse(error, edit, "a path begins with '/'");
    if (edit->path.len > JSON_EDIT_PATH_MAX)
        return refuse(error, edit, "the path is longer than 1 KiB");
    if (count_levels(edit->path) > JSON_EDIT_LEVELS_MAX)
        return refuse(error, edit, "the path has more than 32 levels");
    if (!json_is_utf8(edit->path))
        return refuse(error, edit, "the path is not UTF-8");
    if (edit->kind == HARBORAI_EDIT_TEXT && !json_is_utf8(edit->value))
        return refuse(error, edit, "the text is not UTF-8");
    if (edit->kind == HARBORAI_EDIT_JSON && json_scan(edit->value, &limits, NULL, NULL) < 0)
        return refuse(error, edit, "the value is not JSON");
    return HARBORAI_OK;
}

/* Split a checked path into tokens at `token`, those with '~' decoded at *decoded, which moves. */
static harborai_status split_path(const harborai_edit *edit, harborai_str *token, char **decoded,
                                  harborai_error *error)
{
    harborai_str rest = edit->path;
    for (; rest.len > 0; token++) {
        if (!json_pointer_next(&rest, *decoded, JSON_EDIT_PATH_MAX, token))
            return refuse(error, edit, "'~' stands for itself only as '~0'");
        if (token->data == *decoded)
            *decoded += token->len;
    }
    return HARBORAI_OK;
}

/* ---- The walk -------------------------------------------------------------------------------- */

/* A range of sorted paths that agree in the first `level` tokens, which name the container. */
struct group {
    size_t from, to;
    uint32_t level;
};

/* The paths of a group whose next token is `key`; an empty range if there is none. */
static struct group group_find(const struct editor *e, struct group within, harborai_str key,
                               bool key_escaped)
{
    struct group found = {within.to, within.to, within.level + 1};
    size_t low = within.from, high = within.to;
    while (low < high) { /* the first path whose token is not before the key */
        size_t middle = low + (high - low) / 2;
        if (json_key_compare(key, key_escaped, e->paths[middle].token[within.level]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    found.from = found.to = low;
    while (found.to < within.to &&
           json_key_compare(key, key_escaped, e->paths[found.to].token[within.level]) == 0)
        found.to++;
    return found;
}

/* The state of one container while its members go by. */
struct container {
    struct group group;
    const char *last_end; /* behind the last member that stays, at first behind the bracket */
    bool has_kept;        /* a member before this place stays */
    bool is_cutting;      /* none does, and the members up to here were cut out */
};

static harborai_status edit_value(struct editor *e, harborai_str value, struct group group,
                                  const struct json_edit_body *index);

/* Cut a member out, with the comma before it or, if nothing stays before it, the one behind. */
static void cut_member(struct editor *e, struct container *c, const char *from, const char *to)
{
    if (c->has_kept) {
        keep_until(e, c->last_end);
    } else if (!c->is_cutting) {
        keep_until(e, from);
        c->is_cutting = true;
    }
    e->kept = to;
}

/* One member or item, of which `span` is the whole: leave, cut, replace or go into it. */
static harborai_status edit_member(struct editor *e, struct container *c, harborai_str key,
                                   bool key_escaped, harborai_str span, harborai_str value)
{
    struct group here = group_find(e, c->group, key, key_escaped);
    harborai_status st = HARBORAI_OK;
    if (here.from < here.to) {
        struct path *first = &e->paths[here.from];
        if (first->found_level >= here.level)
            return refuse(e->error, first->edit, "a member on the path stands twice");
        first->found_level = here.level;
        if (first->levels == here.level) {
            if (here.to - here.from > 1)
                return refuse(e->error, first[1].edit, "another edit contains it");
            first->done = true;
            if (first->edit->kind == HARBORAI_EDIT_REMOVE) {
                cut_member(e, c, span.data, span.data + span.len);
                return HARBORAI_OK;
            }
        }
    }
    if (c->is_cutting && !c->has_kept)
        e->kept = span.data;
    if (here.from < here.to && e->paths[here.from].done) {
        const char *text = e->text;
        keep_until(e, value.data);
        write_value(e, &e->paths[here.from]);
        add_text(e, text);
        e->kept = value.data + value.len;
    } else if (here.from < here.to) {
        st = edit_value(e, value, here, NULL);
    }
    c->has_kept = true;
    c->last_end = span.data + span.len;
    return st;
}

static harborai_status edit_members(struct editor *e, struct container *c, harborai_str object,
                                    const struct json_edit_body *index)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    harborai_status st = HARBORAI_OK;
    if (index != NULL && index->members != NULL) {
        for (size_t i = 0; i < index->member_count && st == HARBORAI_OK; i++)
            st = edit_member(e, c, index->members[i].key, index->members[i].key_escaped,
                             index->members[i].span, index->members[i].value);
        return st;
    }
    while (st == HARBORAI_OK && json_object_next(&cursor, &member))
        st = edit_member(e, c, member.key, member.key_escaped, member.span, member.value);
    return st;
}

static harborai_status edit_items(struct editor *e, struct container *c, harborai_str array)
{
    struct json_cursor cursor = json_open(array);
    harborai_str item;
    harborai_status st = HARBORAI_OK;
    for (uint64_t i = 0; st == HARBORAI_OK && json_array_next(&cursor, &item); i++) {
        char digits[20], *first = digits + sizeof digits;
        uint64_t rest = i;
        do
            *--first = (char)('0' + rest % 10);
        while ((rest /= 10) > 0);
        harborai_str index = {first, (size_t)(digits + sizeof digits - first)};
        st = edit_member(e, c, index, false, item, item);
    }
    return st;
}

/* Whether another path of the group names the same member; `other` may lie outside. */
static bool is_same_token(const struct editor *e, const struct container *c, size_t at,
                          size_t other)
{
    return other >= c->group.from && other < c->group.to &&
           compare_text(e->paths[at].token[c->group.level],
                        e->paths[other].token[c->group.level]) == 0;
}

/* Whether a path that was not found may be added here, as a member or at the end of the array. */
static harborai_status check_addition(struct editor *e, const struct container *c, size_t at,
                                      bool is_object)
{
    const struct path *path = &e->paths[at];
    const harborai_str *token = &path->token[c->group.level];
    if (path->levels > c->group.level + 1)
        return refuse(e->error, path->edit, "what should contain it does not exist");
    if (!is_object && compare_text(*token, HARBORAI_STR("-")) != 0)
        return refuse(e->error, path->edit, "the array has no such item");
    if (is_object && (is_same_token(e, c, at, at + 1) || is_same_token(e, c, at, at - 1)))
        return refuse(e->error, path->edit, "another edit names it or a part of it");
    return HARBORAI_OK;
}

/* What was not found in the container is added at its end. */
static harborai_status add_members(struct editor *e, struct container *c, bool is_object)
{
    for (size_t i = c->group.from; i < c->group.to; i++) {
        struct path *path = &e->paths[i];
        const char *text = e->text;
        harborai_status st;
        if (path->done || path->edit->kind == HARBORAI_EDIT_REMOVE)
            continue;
        st = check_addition(e, c, i, is_object);
        if (st < 0)
            return st;
        keep_until(e, c->last_end);
        if (c->has_kept)
            *e->text++ = ',';
        if (is_object) {
            e->text = write_quoted(e->text, path->token[c->group.level]);
            *e->text++ = ':';
        }
        write_value(e, path);
        add_text(e, text);
        path->done = true;
        c->has_kept = true;
    }
    return HARBORAI_OK;
}

/* Mark what lies below a member that was found: its container has dealt with it. */
static void mark_group(struct editor *e, struct group group)
{
    for (size_t i = group.from; i < group.to; i++)
        e->paths[i].done = true;
}

static harborai_status edit_value(struct editor *e, harborai_str value, struct group group,
                                  const struct json_edit_body *index)
{
    enum json_kind kind = json_kind(value);
    struct container c = {group, value.data + 1, false, false};
    harborai_status st;
    if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
        for (size_t i = group.from; i < group.to; i++)
            if (e->paths[i].edit->kind != HARBORAI_EDIT_REMOVE)
                return refuse(e->error, e->paths[i].edit,
                              "what should contain it is not an object");
        return HARBORAI_OK;
    }
    st = kind == JSON_OBJECT ? edit_members(e, &c, value, index) : edit_items(e, &c, value);
    if (st == HARBORAI_OK)
        st = add_members(e, &c, kind == JSON_OBJECT);
    mark_group(e, group);
    return st;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* What one call of alloc() holds, in this order. */
struct sizes {
    size_t pieces, paths, tokens, decoded, text;
};

static harborai_status measure(const harborai_edit *edits, size_t count, struct sizes *sizes,
                               harborai_error *error)
{
    *sizes = (struct sizes){2 * count + 1, count, 0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        const harborai_edit *edit = &edits[i];
        harborai_status st = check_edit(edit, error);
        if (st < 0)
            return st;
        sizes->tokens += count_levels(edit->path);
        sizes->decoded += edit->path.len;
        if (edit->kind != HARBORAI_EDIT_REMOVE) /* a comma, the key, a colon */
            sizes->text += quoted_len(edit->path) + 2;
        if (edit->kind == HARBORAI_EDIT_JSON)
            sizes->text += edit->value.len;
        else if (edit->kind == HARBORAI_EDIT_TEXT)
            sizes->text += quoted_len(edit->value);
    }
    return HARBORAI_OK;
}

static void *lay_out(struct editor *e, const struct sizes *sizes, harborai_str **ret_tokens,
                     char **ret_decoded, json_edit_alloc_fn *alloc, void *context)
{
    size_t pieces = sizes->pieces * sizeof(harborai_str),
           paths = sizes->paths * sizeof(struct path),
           tokens = sizes->tokens * sizeof(harborai_str);
    char *memory = alloc(context, pieces + paths + tokens + sizes->decoded + sizes->text);
    if (memory == NULL)
        return NULL;
    e->pieces = (harborai_str *)(void *)memory;
    e->paths = (struct path *)(void *)(memory + pieces);
    *ret_tokens = (harborai_str *)(void *)(memory + pieces + paths);
    *ret_decoded = memory + pieces + paths + tokens;
    e->text = *ret_decoded + sizes->decoded;
    return memory;
}

static harborai_status sort_paths(struct editor *e, const harborai_edit *edits, size_t count,
                                  harborai_str *token, char *decoded)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t levels = (uint32_t)count_levels(edits[i].path);
        harborai_status st = split_path(&edits[i], token, &decoded, e->error);
        if (st < 0)
            return st;
        e->paths[i] = (struct path){&edits[i], token, levels, (uint32_t)i, 0, false};
        token += levels;
    }
    if (count > 1)
        qsort(e->paths, count, sizeof *e->paths, compare_paths);
    return HARBORAI_OK;
}

harborai_status json_edit_apply(const struct json_edit_body *body, const harborai_edit *edits,
                                size_t count, json_edit_alloc_fn *alloc, void *context,
                                struct json_pieces *ret_pieces, void **ret_memory,
                                harborai_error *error)
{
    struct editor e = {.kept = body->text.data, .error = error};
    struct group all = {0, count, 0};
    struct sizes sizes;
    harborai_str value, *tokens;
    char *decoded;
    harborai_status st;
    *ret_memory = NULL;
    if (count > JSON_EDITS_MAX)
        return harborai_error_set(error, HARBORAI_E_INVALID, "%zu edits, more than 4096", count);
    st = measure(edits, count, &sizes, error);
    if (st < 0)
        return st;
    *ret_memory = lay_out(&e, &sizes, &tokens, &decoded, alloc, context);
    if (*ret_memory == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory for %zu edits", count);
    st = sort_paths(&e, edits, count, tokens, decoded);
    if (st < 0)
        return st;
    value = json_pointer_find(body->text, HARBORAI_STR(""));
    if (count > 0)
        st = edit_value(&e, value, all, body);
    if (st < 0)
        return st;
    keep_until(&e, body->text.data + body->text.len);
    *ret_pieces = (struct json_pieces){e.pieces, e.piece_count, e.piece_bytes};
    return HARBORAI_OK;
}
