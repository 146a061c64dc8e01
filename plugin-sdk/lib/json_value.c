/* SPDX-License-Identifier: MIT */
/* Reading checked JSON: cursors, pointers, strings, numbers. It relies on the check for meaning,
 * but not for safety: each step stays inside the slice that it was given. */
#include "json_value.h"

#include <string.h>

#include "json_word.h"

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_blanks(const char *p, const char *end)
{
    if (p < end && (unsigned char)*p > ' ') /* mostly */
        return p;
    while (p < end && is_blank(*p))
        p++;
    return p;
}

static inline const unsigned char *bytes_of(const char *p)
{
    return (const unsigned char *)p;
}

/* Where fewer bytes than a chunk are left. */
static const char *skip_string_end(const char *p, const char *end, bool *escaped)
{
    for (;;) {
        while (end - p >= JSON_BLOCK) {
            uint64_t quote = json_block_quote(bytes_of(p));
            if (quote != 0) {
                p += json_bits_first(quote);
                break;
            }
            p += JSON_BLOCK;
        }
        while (p < end && *p != '"' && *p != '\\')
            p++;
        if (p == end || *p == '"')
            return p < end ? p + 1 : end;
        *escaped = true;
        p += end - p >= 2 ? 2 : 1;
    }
}

static const char *skip_long_string(const char *p, const char *end, bool *escaped)
{
    while (end - p > JSON_CHUNK) { /* so that an escape may reach beyond it */
        const char *chunk = p;
        uint64_t quote = json_chunk_quote(bytes_of(chunk));
        p += JSON_CHUNK;
        while (quote != 0) {
            size_t at = json_bits_first(quote);
            if (chunk[at] == '"')
                return chunk + at + 1;
            *escaped = true;
            if (at + 2 >= JSON_CHUNK) {
                p = chunk + at + 2;
                break;
            }
            quote &= ~UINT64_C(0) << (at + 2);
        }
    }
    return skip_string_end(p, end, escaped);
}

/* From behind an opening quote to behind the closing one. */
static inline const char *skip_string(const char *p, const char *end, bool *escaped)
{
    if (end - p >= JSON_BLOCK) {
        uint64_t quote = json_block_quote(bytes_of(p));
        if (quote != 0 && p[json_bits_first(quote)] == '"')
            return p + json_bits_first(quote) + 1;
    }
    return skip_long_string(p, end, escaped);
}

/* Quotes that a backslash stands before are none. `carry`: 1 if that is so of the first byte; when it is
 * done, of the byte behind the last. */
static void drop_escaped(struct json_marks *marks, uint64_t *carry)
{
    uint64_t escaped = *carry;
    marks->backslashes &= ~escaped;
    *carry = 0;
    while (marks->backslashes != 0) {
        uint64_t next = (marks->backslashes & (0 - marks->backslashes)) << 1;
        *carry = next == 0;
        escaped |= next;
        marks->backslashes &= (marks->backslashes - 1) & ~next;
    }
    marks->quotes &= ~escaped;
}

/* Of what is left of a text, and of nothing behind it. */
static struct json_marks last_marks(const char *p, const char *end)
{
    unsigned char last[JSON_CHUNK] = {0};
    memcpy(last, p, (size_t)(end - p));
    return json_chunk_marks(last);
}

/* From an opening bracket to behind the one that closes it. By bits, because the processor cannot guess
 * which quote or bracket comes next. */
static const char *skip_container(const char *p, const char *end)
{
    uint64_t in_text = 0, carry = 0; /* in_text: all bits if what comes next is inside of one */
    size_t depth = 0;
    bool escaped = false;
    while (p < end) {
        bool is_last = end - p < JSON_CHUNK;
        struct json_marks marks = is_last ? last_marks(p, end) : json_chunk_marks(bytes_of(p));
        if (marks.quotes == 0 && in_text != 0 && carry == 0) { /* a long text */
            p = skip_long_string(p, end, &escaped);
            in_text = 0;
            continue;
        }
        if ((marks.backslashes | carry) != 0)
            drop_escaped(&marks, &carry);
        uint64_t inside = json_bits_between(marks.quotes) ^ in_text;
        in_text = 0 - (inside >> 63);
        marks.opening &= ~inside;
        for (uint64_t left = marks.opening | (marks.closing & ~inside); left != 0; left &= left - 1) {
            depth += (left & (0 - left) & marks.opening) != 0 ? 1 : (size_t)-1;
            if (depth == 0)
                return p + json_bits_first(left) + 1;
        }
        p = is_last ? end : p + JSON_CHUNK;
    }
    return end;
}

static const bool ends_scalar[256] = {
    [','] = true, ['}'] = true, [']'] = true, [' '] = true, ['\n'] = true, ['\r'] = true,
    ['\t'] = true,
};

static const char *skip_value(const char *p, const char *end)
{
    bool escaped = false;
    if (p == end)
        return end;
    if (*p == '"')
        return skip_string(p + 1, end, &escaped);
    if (*p == '{' || *p == '[')
        return skip_container(p, end);
    while (p < end && !ends_scalar[(unsigned char)*p])
        p++;
    return p;
}

static inline harborai_str str_between(const char *from, const char *to)
{
    return (harborai_str){from, (size_t)(to - from)};
}

/* ---- Walking --------------------------------------------------------------------------------- */

#define KIND(kind) ((kind) ^ JSON_NUMBER)

const unsigned char json_kinds[256] = {
    ['{'] = KIND(JSON_OBJECT), ['['] = KIND(JSON_ARRAY), ['"'] = KIND(JSON_STRING),
    ['t'] = KIND(JSON_BOOL),   ['f'] = KIND(JSON_BOOL),  ['n'] = KIND(JSON_NULL),
};

struct json_cursor json_open(harborai_str value)
{
    enum json_kind kind = json_kind(value);
    if (kind != JSON_OBJECT && kind != JSON_ARRAY)
        return (struct json_cursor){NULL, NULL};
    return (struct json_cursor){value.data + 1, value.data + value.len};
}

/* To the next member or item, past the comma; false = the container ends here. */
static bool cursor_next(struct json_cursor *cursor)
{
    const char *p = skip_blanks(cursor->at, cursor->end);
    if (p < cursor->end && *p == ',')
        p = skip_blanks(p + 1, cursor->end);
    cursor->at = p;
    return p < cursor->end && *p != '}' && *p != ']';
}

bool json_at_end(struct json_cursor *cursor)
{
    return !cursor_next(cursor);
}

static inline bool read_key(struct json_cursor *cursor, struct json_member *ret_member)
{
    const char *key, *key_end, *value, *end = cursor->end;
    bool escaped = false;
    if (!cursor_next(cursor) || *cursor->at != '"')
        return false;
    key = cursor->at;
    key_end = skip_string(key + 1, end, &escaped);
    value = skip_blanks(key_end, end);
    if (key_end - key < 2 || value == end || *value != ':')
        return false;
    cursor->at = skip_blanks(value + 1, end);
    ret_member->key = str_between(key + 1, key_end - 1);
    ret_member->key_escaped = escaped;
    ret_member->may_have_u = true;
    return true;
}

static inline bool read_value(struct json_cursor *cursor, struct json_member *member)
{
    const char *value = cursor->at;
    cursor->at = skip_value(value, cursor->end);
    if (cursor->at == value)
        return false;
    member->value = str_between(value, cursor->at);
    member->span = str_between(member->key.data - 1, cursor->at);
    member->kind = json_kind(member->value);
    return true;
}

bool json_object_key(struct json_cursor *cursor, struct json_member *ret_member)
{
    return read_key(cursor, ret_member);
}

bool json_object_value(struct json_cursor *cursor, struct json_member *member)
{
    return read_value(cursor, member);
}

bool json_object_next(struct json_cursor *cursor, struct json_member *ret_member)
{
    struct json_member member;
    if (!read_key(cursor, &member) || !read_value(cursor, &member))
        return false;
    *ret_member = member;
    return true;
}

bool json_array_next(struct json_cursor *cursor, harborai_str *ret_item)
{
    const char *item;
    if (!cursor_next(cursor))
        return false;
    item = cursor->at;
    cursor->at = skip_value(item, cursor->end);
    if (cursor->at == item)
        return false;
    *ret_item = str_between(item, cursor->at);
    return true;
}

bool json_value_enter(struct json_cursor *cursor, struct json_cursor *ret_inside)
{
    if (!cursor_next(cursor) || *cursor->at != '{')
        return false;
    *ret_inside = (struct json_cursor){cursor->at + 1, cursor->end};
    return true;
}

harborai_str json_value_leave(struct json_cursor *cursor, const struct json_cursor *inside)
{
    const char *value = cursor->at;
    cursor->at = inside->at < inside->end ? inside->at + 1 : inside->end;
    return str_between(value, cursor->at);
}

harborai_str json_member(harborai_str object, harborai_str name)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    if (json_kind(object) == JSON_OBJECT)
        while (json_object_next(&cursor, &member))
            if (json_key_equal(&member, name))
                return member.value;
    return (harborai_str){NULL, 0};
}

/* ---- Pointers -------------------------------------------------------------------------------- */

static bool token_decode(harborai_str token, char *buffer, size_t capacity, harborai_str *ret_token)
{
    size_t len = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.data[i];
        if (c == '~') {
            if (++i == token.len || (token.data[i] != '0' && token.data[i] != '1'))
                return false;
            c = token.data[i] == '0' ? '~' : '/';
        }
        if (len == capacity)
            return false;
        buffer[len++] = c;
    }
    *ret_token = (harborai_str){buffer, len};
    return true;
}

bool json_pointer_next(harborai_str *pointer, char *buffer, size_t capacity,
                       harborai_str *ret_token)
{
    harborai_str token;
    const char *slash;
    if (pointer->len == 0 || pointer->data[0] != '/')
        return false;
    token = (harborai_str){pointer->data + 1, pointer->len - 1};
    slash = token.len > 0 ? memchr(token.data, '/', token.len) : NULL;
    if (slash != NULL)
        token.len = (size_t)(slash - token.data);
    pointer->data += token.len + 1;
    pointer->len -= token.len + 1;
    if (token.len > 0 && memchr(token.data, '~', token.len) != NULL)
        return token_decode(token, buffer, capacity, ret_token);
    *ret_token = token;
    return true;
}

/* The item that an array index names: decimal digits without leading zeros. */
static harborai_str item_at(harborai_str array, harborai_str index)
{
    struct json_cursor cursor = json_open(array);
    harborai_str item = {NULL, 0};
    size_t wanted = 0;
    if (index.len == 0 || index.len > 15 || (index.len > 1 && index.data[0] == '0'))
        return item;
    for (size_t i = 0; i < index.len; i++) {
        if (index.data[i] < '0' || index.data[i] > '9')
            return item;
        wanted = wanted * 10 + (size_t)(index.data[i] - '0');
    }
    for (size_t i = 0; json_array_next(&cursor, &item); i++)
        if (i == wanted)
            return item;
    return (harborai_str){NULL, 0};
}

harborai_str json_pointer_find(harborai_str text, harborai_str pointer)
{
    const harborai_str none = {NULL, 0};
    char buffer[256];
    harborai_str token, value = text;
    while (value.len > 0 && is_blank(value.data[0])) {
        value.data++;
        value.len--;
    }
    while (value.len > 0 && is_blank(value.data[value.len - 1]))
        value.len--;
    while (pointer.len > 0 && value.len > 0) {
        if (!json_pointer_next(&pointer, buffer, sizeof buffer, &token))
            return none;
        value = json_kind(value) == JSON_ARRAY ? item_at(value, token) : json_member(value, token);
    }
    return value;
}

/* ---- Strings --------------------------------------------------------------------------------- */

static uint32_t hex_value(const char *p) /* of four digits */
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t utf8_encode(uint32_t c, char text[4])
{
    if (c < 0x80) {
        text[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        text[0] = (char)(0xc0 | c >> 6);
        text[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        text[0] = (char)(0xe0 | c >> 12);
        text[1] = (char)(0x80 | (c >> 6 & 0x3f));
        text[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    text[0] = (char)(0xf0 | c >> 18);
    text[1] = (char)(0x80 | (c >> 12 & 0x3f));
    text[2] = (char)(0x80 | (c >> 6 & 0x3f));
    text[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static uint32_t decode_unicode(const char **p, const char *end) /* at the first of four digits */
{
    uint32_t c, low;
    if (end - *p < 4) {
        *p = end;
        return 0xfffd;
    }
    c = hex_value(*p) & 0xffff;
    *p += 4;
    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return 0xfffd;
    low = hex_value(*p + 2) & 0xffff;
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *p += 6;
    return 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
}

size_t json_decode_next(const char **p, const char *end, char text[4])
{
    text[0] = *(*p)++;
    if (text[0] != '\\' || *p == end)
        return 1;
    switch (*(*p)++) {
    case 'b':
        text[0] = '\b';
        return 1;
    case 'f':
        text[0] = '\f';
        return 1;
    case 'n':
        text[0] = '\n';
        return 1;
    case 'r':
        text[0] = '\r';
        return 1;
    case 't':
        text[0] = '\t';
        return 1;
    case 'u':
        return utf8_encode(decode_unicode(p, end), text);
    default:
        text[0] = (*p)[-1];
        return 1;
    }
}

static bool string_inside(harborai_str value, harborai_str *ret_text)
{
    if (value.len < 2 || value.data[0] != '"')
        return false;
    *ret_text = (harborai_str){value.data + 1, value.len - 2};
    return true;
}

bool json_string_plain(harborai_str value, harborai_str *ret_text)
{
    harborai_str text;
    if (!string_inside(value, &text) || (text.len > 0 && memchr(text.data, '\\', text.len) != NULL))
        return false;
    *ret_text = text;
    return true;
}

harborai_status json_string(harborai_str value, char *buffer, size_t capacity,
                            harborai_str *ret_text)
{
    harborai_str text;
    const char *p, *end;
    size_t used = 0;
    if (!string_inside(value, &text))
        return HARBORAI_E_INVALID;
    if (json_string_plain(value, ret_text))
        return HARBORAI_OK;
    p = text.data;
    end = p + text.len;
    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((backslash != NULL ? backslash : end) - p), len = 0;
        char decoded[4];
        if (run > capacity - used)
            return HARBORAI_E_MEMORY;
        memcpy(buffer + used, p, run);
        used += run;
        p += run;
        if (p < end)
            len = json_decode_next(&p, end, decoded);
        if (len > capacity - used)
            return HARBORAI_E_MEMORY;
        memcpy(buffer + used, decoded, len);
        used += len;
    }
    *ret_text = (harborai_str){buffer, used};
    return HARBORAI_OK;
}

bool json_string_equal(harborai_str value, harborai_str text)
{
    harborai_str inside;
    return string_inside(value, &inside) && json_key_compare(inside, true, text) == 0;
}

/* ---- Numbers and words ----------------------------------------------------------------------- */

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* An exponent, held within ±1,000,000 so that it cannot overflow: no number that an int64 can hold
 * is written with fewer zeros than that in a text worth reading. */
static int64_t read_exponent(const char *p, const char *end)
{
    bool negative = false;
    int64_t exponent = 0;
    if (p < end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    for (; p < end && is_digit(*p); p++)
        if (exponent < 1000000)
            exponent = exponent * 10 + (*p - '0');
    return negative ? -exponent : exponent;
}

/* Digits as one number without the point: 12.50 is 125 with `scale` 1. Trailing zeros only count,
 * so that 1000000000000000000000e-21 is 1. False: more than an uint64 holds. */
static bool read_digits(const char **at, const char *end, uint64_t *ret_digits, int64_t *ret_scale)
{
    uint64_t digits = 0;
    int64_t scale = 0, zeros = 0;
    bool fraction = false;
    const char *p = *at;
    for (; p < end && (is_digit(*p) || *p == '.'); p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        scale += fraction;
        if (*p == '0') {
            zeros += digits != 0;
            continue;
        }
        for (; zeros >= 0; zeros--) {
            unsigned add = zeros == 0 ? (unsigned)(*p - '0') : 0;
            if (digits > (UINT64_MAX - add) / 10)
                return false;
            digits = digits * 10 + add;
        }
        zeros = 0;
    }
    *at = p;
    *ret_digits = digits;
    *ret_scale = scale - zeros;
    return true;
}

/* Nearly all integers are nothing but a few digits. */
static bool read_short(harborai_str value, int64_t *ret_number)
{
    int64_t number = 0;
    if (value.len == 0 || value.len > 18)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.data[i]))
            return false;
        number = number * 10 + (value.data[i] - '0');
    }
    *ret_number = number;
    return true;
}

bool json_int64(harborai_str value, int64_t *ret_number)
{
    if (read_short(value, ret_number))
        return true;
    bool negative = false;
    uint64_t digits, limit;
    int64_t scale;
    if (json_kind(value) != JSON_NUMBER)
        return false;
    const char *p = value.data, *end = p + value.len;
    if (*p == '-') {
        negative = true;
        p++;
    }
    if (p == end || !is_digit(*p) || !read_digits(&p, end, &digits, &scale))
        return false;
    if (p < end && (*p | 0x20) == 'e')
        scale -= read_exponent(p + 1, end);
    limit = (uint64_t)INT64_MAX + negative;
    if (digits == 0)
        scale = 0;
    for (; scale < 0 && digits <= limit; scale++)
        if (__builtin_mul_overflow(digits, (uint64_t)10, &digits))
            return false;
    if (scale != 0 || digits > limit)
        return false;
    *ret_number = negative ? (int64_t)(0 - digits) : (int64_t)digits;
    return true;
}

bool json_boolean(harborai_str value, bool *ret_bool)
{
    if (json_kind(value) != JSON_BOOL)
        return false;
    *ret_bool = value.data[0] == 't';
    return true;
}

bool json_is_null(harborai_str value)
{
    return json_kind(value) == JSON_NULL;
}
