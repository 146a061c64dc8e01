/* SPDX-License-Identifier: MIT */
/* The tree's own knowledge: what a plain scalar is, and how a subtree is written as JSON. It knows
 * no setting. */
#include "config/node.h"

#include "base/limits.h"

#define EXCERPT_MAX 40

static bool is_one_of(harborai_str text, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(text, names[i]))
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

static bool is_made_of(harborai_str text, bool (*is_good)(char))
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_good(text.data[i]))
            return false;
    return text.len > 0;
}

static harborai_str without_sign(harborai_str text)
{
    bool has_sign = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    return has_sign ? slice_from(text, 1) : text;
}

static size_t count_digits(harborai_str text, size_t at)
{
    size_t count = 0;
    while (at + count < text.len && is_digit(text.data[at + count]))
        count++;
    return count;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(harborai_str text)
{
    static const char *const others[] = {".nan", ".NaN", ".NAN"};
    static const char *const infinite[] = {".inf", ".Inf", ".INF"};
    harborai_str body = without_sign(text);
    size_t whole = count_digits(body, 0), at = whole, fraction = 0;

    if (is_one_of(text, others, ARRAY_LEN(others)) ||
        is_one_of(body, infinite, ARRAY_LEN(infinite)))
        return true;
    if (at < body.len && body.data[at] == '.') {
        fraction = count_digits(body, at + 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (at < body.len && (body.data[at] == 'e' || body.data[at] == 'E'))
        return is_made_of(without_sign(slice_from(body, at + 1)), is_digit);
    return at == body.len;
}

enum node_kind node_kind_of_plain(harborai_str text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};

    if (is_one_of(text, nulls, ARRAY_LEN(nulls)))
        return NODE_NULL;
    if (is_one_of(text, bools, ARRAY_LEN(bools)))
        return NODE_BOOL;
    if (is_made_of(without_sign(text), is_digit) ||
        (slice_starts_with(text, "0x") && is_made_of(slice_from(text, 2), is_hex)) ||
        (slice_starts_with(text, "0o") && is_made_of(slice_from(text, 2), is_octal)))
        return NODE_INTEGER;
    return is_float(text) ? NODE_FLOAT : NODE_STRING;
}

const char *node_kind_name(enum node_kind kind)
{
    static const char *const names[] = {
        [NODE_NULL] = "nothing",      [NODE_BOOL] = "a boolean",    [NODE_INTEGER] = "a number",
        [NODE_FLOAT] = "a number",    [NODE_STRING] = "a text",     [NODE_SEQUENCE] = "a list",
        [NODE_MAPPING] = "a mapping",
    };
    return names[kind];
}

harborai_str node_excerpt(harborai_str text)
{
    size_t len = EXCERPT_MAX;
    if (text.len <= len)
        return text;
    while (len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--;
    return slice_cut(text, len);
}

struct node *node_member(const struct node *mapping, harborai_str key)
{
    for (struct node *child = mapping->first; child != NULL; child = child->next)
        if (slice_equal(child->key, key))
            return child;
    return NULL;
}

void node_append(struct node *parent, struct node *child)
{
    if (parent->last == NULL)
        parent->first = child;
    else
        parent->last->next = child;
    parent->last = child;
    parent->count++;
}

static bool copy_text(harborai_str *text, struct arena *arena)
{
    if (text->data != NULL)
        *text = arena_copy(arena, *text);
    return text->len == 0 || text->data != NULL;
}

/* As deep as the reader let the files be. */
struct node *node_copy(const struct node *node, struct arena *arena)
{
    struct node *copy = arena_alloc(arena, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *node;
    copy->first = copy->last = copy->next = NULL;
    copy->count = 0;
    if (!copy_text(&copy->text, arena) || !copy_text(&copy->key, arena))
        return NULL;
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        struct node *twin = node_copy(child, arena);
        if (twin == NULL)
            return NULL;
        node_append(copy, twin);
    }
    return copy;
}

static void replace(struct node *old, const struct node *with)
{
    struct node *next = old->next;
    *old = *with;
    old->next = next;
}

/* As deep as the reader let the files be. */
void node_lay_over(struct node *lower, struct node *upper)
{
    for (struct node *child = upper->first, *next; child != NULL; child = next) {
        struct node *twin = node_member(lower, child->key);
        next = child->next;
        child->next = NULL;
        if (twin == NULL)
            node_append(lower, child);
        else if (twin->kind == NODE_MAPPING && child->kind == NODE_MAPPING)
            node_lay_over(twin, child);
        else if (twin->kind != NODE_MAPPING || child->kind != NODE_NULL)
            replace(twin, child);
    }
}

/* ---- JSON --------------------------------------------------------------------------------- */

/* 0x1F and 0o17, which JSON does not have. False: larger than 64 bits. */
static bool write_based(harborai_str digits, unsigned bits, struct buf *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.data[i];
        unsigned digit = is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
        if (value >> (64 - bits) != 0)
            return false;
        value = value << bits | digit;
    }
    buf_add_u64(out, value);
    return true;
}

/* Without a plus, without zeros in front, with a digit on each side of the point. */
static bool canonicalise(harborai_str text, struct buf *out)
{
    harborai_str body = without_sign(text);

    if (slice_starts_with(text, "0x"))
        return write_based(slice_from(text, 2), 4, out);
    if (slice_starts_with(text, "0o"))
        return write_based(slice_from(text, 2), 3, out);
    while (body.len > 1 && body.data[0] == '0' && is_digit(body.data[1]))
        body = slice_from(body, 1);
    size_t whole = count_digits(body, 0), at = whole;
    if (whole == 0 && (body.len < 2 || !is_digit(body.data[1])))
        return false; /* .inf, .nan */
    if (text.data[0] == '-')
        buf_add_char(out, '-');
    buf_add(out, whole > 0 ? slice_cut(body, whole) : HARBORAI_STR("0"));
    if (at < body.len && body.data[at] == '.') {
        size_t fraction = count_digits(body, ++at);
        if (fraction > 0)
            buf_add_char(out, '.');
        buf_add(out, slice_cut(slice_from(body, at), fraction));
        at += fraction;
    }
    buf_add(out, slice_from(body, at));
    return true;
}

static void write_number(const struct node *node, struct json_writer *out,
                         struct config_faults *faults)
{
    AUTO(buf) number = BUF_INIT(LIMIT_CONFIG_FILE);
    if (!canonicalise(node->text, &number)) {
        config_faults_add(faults, node->place,
                          "'%.*s' is no number of JSON: put it in quotes to pass it as text",
                          SLICE_ARG(node_excerpt(node->text)));
        json_write_null(out); /* the writer is owed a value */
    } else if (number.failed != HARBORAI_OK) {
        out->out->failed = number.failed;
    } else {
        json_write_raw(out, buf_slice(&number));
    }
}

void node_write_json_members(const struct node *mapping, struct json_writer *out,
                             struct config_faults *faults)
{
    for (const struct node *child = mapping->first; child != NULL; child = child->next) {
        json_write_key(out, child->key);
        node_write_json(child, out, faults);
    }
}

static void write_sequence(const struct node *node, struct json_writer *out,
                           struct config_faults *faults)
{
    json_write_array(out);
    for (const struct node *child = node->first; child != NULL; child = child->next)
        node_write_json(child, out, faults);
    json_write_end(out);
}

static void write_mapping(const struct node *node, struct json_writer *out,
                          struct config_faults *faults)
{
    json_write_object(out);
    node_write_json_members(node, out, faults);
    json_write_end(out);
}

void node_write_json(const struct node *node, struct json_writer *out,
                     struct config_faults *faults)
{
    switch (node->kind) {
    case NODE_NULL:
        json_write_null(out);
        break;
    case NODE_BOOL:
        json_write_bool(out, (node->text.data[0] | 0x20) == 't');
        break;
    case NODE_INTEGER:
    case NODE_FLOAT:
        write_number(node, out, faults);
        break;
    case NODE_STRING:
        json_write_string(out, node->text);
        break;
    case NODE_SEQUENCE:
        write_sequence(node, out, faults);
        break;
    case NODE_MAPPING:
        write_mapping(node, out, faults);
        break;
    }
}
