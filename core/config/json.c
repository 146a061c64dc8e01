/* SPDX-License-Identifier: MIT */
/* A reader of JSON that knows where it is. Knows no setting, and expands nothing. */
#include "config/json.h"

#include "base/buf.h"
#include "base/limits.h"
#include "config/character.h"
#include "config/tree.h"

struct reader {
    struct tree tree;
    size_t at;
    unsigned line;
    size_t counted; /* up to here the columns of this line are counted: a file may be one line */
    unsigned column;
};

/* ---- Where we are ------------------------------------------------------------------------- */

static char peek(const struct reader *r)
{
    return r->at < r->tree.text.len ? r->tree.text.data[r->at] : '\0';
}

static bool is_over(const struct reader *r)
{
    return r->at >= r->tree.text.len;
}

static struct config_place place_here(struct reader *r)
{
    for (; r->counted < r->at; r->counted++)
        r->column += ((unsigned char)r->tree.text.data[r->counted] & 0xc0) != 0x80;
    return (struct config_place){r->tree.file, r->line, r->column};
}

#define REFUSE(r, ...)                                                                             \
    (config_faults_add((r)->tree.faults, place_here(r), "not valid JSON: " __VA_ARGS__),           \
     HARBORAI_E_CONFIG)

static void skip_blanks(struct reader *r)
{
    for (; !is_over(r) && strchr(" \t\r\n", peek(r)) != NULL && peek(r) != '\0'; r->at++) {
        if (peek(r) == '\n') {
            r->line++;
            r->counted = r->at + 1;
            r->column = 1;
        }
    }
}

/* ---- Texts -------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind "\u"; -1: they are none. */
static int32_t read_unit(const struct reader *r, size_t at)
{
    int32_t unit = 0;
    for (size_t i = at; i < at + 4; i++) {
        int digit = i < r->tree.text.len ? hex_digit(r->tree.text.data[i]) : -1;
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static void add_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add_char(out, (char)c);
        return;
    }
    if (c < 0x800) {
        buf_add_char(out, (char)(0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            buf_add_char(out, (char)(0xe0 | c >> 12));
        } else {
            buf_add_char(out, (char)(0xf0 | c >> 18));
            buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        }
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
    }
    buf_add_char(out, (char)(0x80 | (c & 0x3f)));
}

/* "\uXXXX" from its backslash, or two of them that are one character. */
static harborai_status read_unicode(struct reader *r, struct buf *out)
{
    int32_t unit = read_unit(r, r->at + 2), second = -1;
    if (unit < 0)
        return REFUSE(r, "\\u is followed by four hexadecimal digits");
    if (unit >= 0xd800 && unit < 0xdc00 && r->at + 7 < r->tree.text.len &&
        r->tree.text.data[r->at + 6] == '\\' && r->tree.text.data[r->at + 7] == 'u')
        second = read_unit(r, r->at + 8);
    if (second >= 0xdc00 && second < 0xe000) {
        add_utf8(out, 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(second - 0xdc00));
        r->at += 12;
        return HARBORAI_OK;
    }
    if (unit >= 0xd800 && unit < 0xe000)
        return REFUSE(r, "half a surrogate pair");
    add_utf8(out, (uint32_t)unit);
    r->at += 6;
    return HARBORAI_OK;
}

static harborai_status read_escape(struct reader *r, struct buf *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = r->at + 1 < r->tree.text.len ? r->tree.text.data[r->at + 1] : '\0';
    if (c == 'u')
        return read_unicode(r, out);
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    if (found == NULL)
        return REFUSE(r, "a backslash is followed by one of \" \\ / b f n r t u");
    buf_add_char(out, values[found - names]);
    r->at += 2;
    return HARBORAI_OK;
}

/* From the opening quote to behind the closing one. */
static harborai_status read_text(struct reader *r, struct buf *out)
{
    struct config_place open = place_here(r);
    r->at++;
    while (!is_over(r) && peek(r) != '"') {
        if (peek(r) == '\n')
            break;
        if (peek(r) == '\\') {
            harborai_status st = read_escape(r, out);
            if (st < 0)
                return st;
            continue;
        }
        size_t len = character_len(r->tree.text, r->at);
        if (len == 0)
            return REFUSE(r, "not a character of UTF-8, or one that must be written \\u%04x",
                          (unsigned)(unsigned char)peek(r));
        buf_add(out, slice_cut(slice_from(r->tree.text, r->at), len));
        r->at += len;
    }
    if (is_over(r) || peek(r) == '\n') {
        config_faults_add(r->tree.faults, open, "not valid JSON: a text that does not end in its "
                                                "line");
        return HARBORAI_E_CONFIG;
    }
    r->at++;
    return HARBORAI_OK;
}

static harborai_status keep_text(struct reader *r, harborai_str text, struct node *node,
                                 harborai_error *error)
{
    node->text = arena_copy(r->tree.arena, text);
    return node->text.data != NULL ? HARBORAI_OK
                                   : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

static harborai_status read_string(struct reader *r, struct node *node, harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(LIMIT_CONFIG_FILE);
    harborai_status st = read_text(r, &text);
    if (st >= 0)
        st = buf_status(&text, error);
    if (st < 0)
        return st;
    node->kind = NODE_STRING;
    return keep_text(r, buf_slice(&text), node, error);
}

/* ---- Words and numbers -------------------------------------------------------------------- */

static size_t count_digits(harborai_str text, size_t at)
{
    size_t count = 0;
    while (at + count < text.len && text.data[at + count] >= '0' && text.data[at + count] <= '9')
        count++;
    return count;
}

/* -? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][-+]?[0-9]+)? */
static bool is_number(harborai_str text, enum node_kind *ret_kind)
{
    size_t at = text.len > 0 && text.data[0] == '-', whole = count_digits(text, at), digits;
    if (whole == 0 || (whole > 1 && text.data[at] == '0'))
        return false;
    at += whole;
    *ret_kind = at == text.len ? NODE_INTEGER : NODE_FLOAT;
    if (at < text.len && text.data[at] == '.') {
        digits = count_digits(text, at + 1);
        if (digits == 0)
            return false;
        at += 1 + digits;
    }
    if (at < text.len && (text.data[at] | 0x20) == 'e') {
        at++;
        at += at < text.len && (text.data[at] == '-' || text.data[at] == '+');
        digits = count_digits(text, at);
        if (digits == 0)
            return false;
        at += digits;
    }
    return at == text.len;
}

static harborai_status refuse_word(struct reader *r, harborai_str word)
{
    if (is_over(r))
        return REFUSE(r, "the file ends where a value should stand");
    if (word.len == 0 && peek(r) == '\'')
        return REFUSE(r, "texts stand in \"…\"");
    if (word.len == 0 && (peek(r) == '/' || peek(r) == '#'))
        return REFUSE(r, "there are no comments in JSON: a file named .yaml may have them");
    if (word.len == 0 && (peek(r) == '}' || peek(r) == ']'))
        return REFUSE(r, "a value is missing before '%c', or a ',' is too many", peek(r));
    if (word.len == 0)
        return REFUSE(r, "a value cannot begin with '%c'", peek(r));
    return REFUSE(r, "'%.*s' is no value: texts stand in \"…\", numbers have no zero in front",
                  SLICE_ARG(node_excerpt(word)));
}

static harborai_status read_word(struct reader *r, struct node *node, harborai_error *error)
{
    size_t len = 0;
    harborai_str rest = slice_from(r->tree.text, r->at);
    while (len < rest.len && rest.data[len] != '\0' &&
           strchr(" \t\r\n,:[]{}\"'/#", rest.data[len]) == NULL)
        len++;
    harborai_str word = slice_cut(rest, len);
    if (slice_is(word, "null"))
        node->kind = NODE_NULL;
    else if (slice_is(word, "true") || slice_is(word, "false"))
        node->kind = NODE_BOOL;
    else if (!is_number(word, &node->kind))
        return refuse_word(r, word);
    node->is_plain = true;
    r->at += len;
    return keep_text(r, word, node, error);
}

/* ---- Objects and arrays, which read values themselves ------------------------------------- */

static harborai_status read_value(struct reader *r, unsigned depth, struct node **ret_node,
                                  harborai_error *error);

static harborai_status read_member(struct reader *r, struct node *parent, unsigned depth,
                                   harborai_error *error)
{
    AUTO(buf) key = BUF_INIT(LIMIT_CONFIG_FILE);
    struct config_place place = place_here(r);
    struct node *value;

    if (peek(r) != '\0' && strchr("'/#", peek(r)) != NULL)
        return refuse_word(r, SLICE_NONE);
    if (peek(r) != '"')
        return REFUSE(r, "a key in \"…\" should stand here%s",
                      peek(r) == '}' ? ": a ',' is too many" : "");
    harborai_status st = read_text(r, &key);
    if (st >= 0)
        st = buf_status(&key, error);
    if (st < 0)
        return st;
    skip_blanks(r);
    if (peek(r) != ':')
        return REFUSE(r, "a ':' should stand behind the key '%.*s'",
                      SLICE_ARG(node_excerpt(buf_slice(&key))));
    r->at++;
    st = read_value(r, depth + 1, &value, error);
    if (st < 0)
        return st;
    return tree_add_member(&r->tree, parent, place, buf_slice(&key), value, error);
}

static harborai_status read_item(struct reader *r, struct node *parent, unsigned depth,
                                 harborai_error *error)
{
    struct node *value;
    harborai_status st = read_value(r, depth + 1, &value, error);
    if (st >= 0)
        node_append(parent, value);
    return st;
}

static harborai_status read_collection(struct reader *r, struct node *node, unsigned depth,
                                       harborai_error *error)
{
    bool is_object = peek(r) == '{';
    const char closing = is_object ? '}' : ']';
    harborai_status st = tree_check_depth(&r->tree, node->place, depth);

    node->kind = is_object ? NODE_MAPPING : NODE_SEQUENCE;
    r->at++;
    skip_blanks(r);
    if (st >= 0 && peek(r) == closing) {
        r->at++;
        return HARBORAI_OK;
    }
    while (st >= 0) {
        skip_blanks(r);
        st = is_object ? read_member(r, node, depth, error) : read_item(r, node, depth, error);
        if (st < 0)
            return st;
        skip_blanks(r);
        char c = peek(r);
        if (c != ',' && c != closing)
            return REFUSE(r, "a ',' or '%c' should stand here, in the %s that begins in line %u",
                          closing, is_object ? "object" : "array", node->place.line);
        r->at++;
        if (c == closing)
            return HARBORAI_OK;
    }
    return st;
}

static harborai_status read_value(struct reader *r, unsigned depth, struct node **ret_node,
                                  harborai_error *error)
{
    struct node *node;
    skip_blanks(r);
    harborai_status st = tree_make_node(&r->tree, place_here(r), &node, error);
    if (st < 0)
        return st;
    if (peek(r) == '{' || peek(r) == '[')
        st = read_collection(r, node, depth, error);
    else if (peek(r) == '"')
        st = read_string(r, node, error);
    else
        st = read_word(r, node, error);
    if (st >= 0)
        *ret_node = node;
    return st;
}

harborai_status json_tree_read(struct arena *arena, const char *file, harborai_str text,
                               struct config_faults *faults, struct node **ret_root,
                               harborai_error *error)
{
    struct reader r = {.tree = {.arena = arena, .file = file, .text = text, .faults = faults},
                       .line = 1,
                       .column = 1};
    struct node *root;

    if (slice_starts_with(text, "\xef\xbb\xbf"))
        r.at = r.counted = 3;
    harborai_status st = read_value(&r, 1, &root, error);
    if (st < 0)
        return st;
    skip_blanks(&r);
    if (!is_over(&r))
        return REFUSE(&r, "text behind the end of the configuration");
    if (root->kind != NODE_MAPPING) {
        config_faults_add(faults, root->place, "a configuration is a mapping, not %s",
                          node_kind_name(root->kind));
        return HARBORAI_E_CONFIG;
    }
    *ret_root = root;
    return HARBORAI_OK;
}
