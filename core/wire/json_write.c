/* SPDX-License-Identifier: MIT */
/* The JSON writer. Whatever text it is given, what it writes is JSON; it never writes a number that
 * it has rounded. */
#include "wire/json_write.h"

#include "json_scan.h"
#include "json_word.h"

static void misuse(struct json_writer *w)
{
    if (w->out->failed == HARBORAI_OK)
        w->out->failed = HARBORAI_E_INTERNAL;
}

static bool in_object(const struct json_writer *w)
{
    return w->depth > 0 && (w->objects >> (w->depth - 1) & 1) != 0;
}

/* What stands before a value: a comma, unless it is the first or follows its key. */
static void before_value(struct json_writer *w)
{
    if (in_object(w) != w->has_key)
        misuse(w);
    if (w->need_comma)
        buf_add_char(w->out, ',');
    w->has_key = false;
    w->need_comma = w->depth > 0;
}

static void open_bracket(struct json_writer *w, char bracket, bool is_object)
{
    before_value(w);
    if (w->depth == JSON_WRITE_DEPTH_MAX) {
        misuse(w);
        return;
    }
    w->objects &= ~(UINT64_C(1) << w->depth);
    w->objects |= (uint64_t)is_object << w->depth;
    w->depth++;
    w->need_comma = false;
    buf_add_char(w->out, bracket);
}

void json_write_object(struct json_writer *w)
{
    open_bracket(w, '{', true);
}

void json_write_array(struct json_writer *w)
{
    open_bracket(w, '[', false);
}

void json_write_end(struct json_writer *w)
{
    bool is_object = in_object(w);
    if (w->depth == 0 || w->has_key) {
        misuse(w);
        return;
    }
    w->depth--;
    w->need_comma = w->depth > 0;
    buf_add_char(w->out, is_object ? '}' : ']');
}

void json_write_key(struct json_writer *w, harborai_str key)
{
    if (!in_object(w) || w->has_key)
        misuse(w);
    if (w->need_comma)
        buf_add_char(w->out, ',');
    buf_add_char(w->out, '"');
    json_write_escaped(w->out, key);
    buf_add(w->out, HARBORAI_STR("\":"));
    w->need_comma = false;
    w->has_key = true;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static void add_escape(struct buf *out, unsigned char c)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char escape[6] = {'\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
    for (const char *s = shorts; *s != '\0'; s += 2) {
        if ((unsigned char)*s == c) {
            escape[1] = s[1];
            buf_add(out, (harborai_str){escape, 2});
            return;
        }
    }
    buf_add(out, (harborai_str){escape, 6});
}

/* The bytes of the UTF-8 character at the start of `text`; 0 = it is none. */
static size_t utf8_len(harborai_str text)
{
    for (size_t len = 2; len <= 4 && len <= text.len; len++)
        if (json_is_utf8(slice_cut(text, len)))
            return len;
    return 0;
}

/* How many bytes at the start are written as they are: ASCII without a quote, a backslash and control
 * characters, as nearly all texts are from end to end. */
static size_t plain_len(harborai_str text)
{
    const unsigned char *p = (const unsigned char *)text.data;
    unsigned char last[JSON_BLOCK];
    size_t at = 0;
    for (; text.len - at >= JSON_BLOCK; at += JSON_BLOCK) {
        uint64_t special = json_block_special(p + at);
        if (special != 0)
            return at + json_bits_first(special);
    }
    memset(last, ' ', sizeof last);
    memcpy(last, p + at, text.len - at);
    uint64_t special = json_block_special(last);
    return special != 0 ? at + json_bits_first(special) : text.len;
}

/* From the first byte on that is not plain. */
static void write_mixed(struct buf *out, harborai_str text)
{
    size_t from = 0, at = 0;
    bool is_checked = json_is_utf8(text);
    while (at < text.len) {
        unsigned char c = (unsigned char)text.data[at];
        size_t len = c < 0x80 || is_checked ? 1 : utf8_len(slice_from(text, at));
        if (len > 0 && c >= 0x20 && c != '"' && c != '\\') {
            at += len;
            continue;
        }
        buf_add(out, (harborai_str){text.data + from, at - from});
        if (len > 0)
            add_escape(out, c);
        else
            buf_add(out, HARBORAI_STR("\xef\xbf\xbd"));
        from = ++at;
    }
    buf_add(out, (harborai_str){text.data + from, at - from});
}

void json_write_escaped(struct buf *out, harborai_str text)
{
    if (text.len == 0)
        return;
    size_t plain = plain_len(text);
    buf_add(out, slice_cut(text, plain));
    if (plain < text.len)
        write_mixed(out, slice_from(text, plain));
}

void json_write_string(struct json_writer *w, harborai_str text)
{
    before_value(w);
    buf_add_char(w->out, '"');
    json_write_escaped(w->out, text);
    buf_add_char(w->out, '"');
}

void json_write_raw(struct json_writer *w, harborai_str json)
{
    before_value(w);
    buf_add(w->out, json);
}

static uint64_t add_sign(struct buf *out, int64_t number)
{
    if (number >= 0)
        return (uint64_t)number;
    buf_add_char(out, '-');
    return 0 - (uint64_t)number;
}

void json_write_int64(struct json_writer *w, int64_t number)
{
    before_value(w);
    buf_add_u64(w->out, add_sign(w->out, number));
}

void json_write_bool(struct json_writer *w, bool value)
{
    json_write_raw(w, value ? HARBORAI_STR("true") : HARBORAI_STR("false"));
}

void json_write_null(struct json_writer *w)
{
    json_write_raw(w, HARBORAI_STR("null"));
}

void json_write_decimal(struct buf *out, int64_t number, unsigned scale)
{
    uint64_t rest = add_sign(out, number), unit = 1;
    char digits[19] = ".";
    size_t len = scale + 1;
    for (unsigned i = 0; i < scale; i++)
        unit *= 10;
    buf_add_u64(out, rest / unit);
    rest %= unit;
    for (size_t i = scale; i > 0; i--) {
        digits[i] = (char)('0' + rest % 10);
        rest /= 10;
    }
    while (digits[len - 1] == '0')
        len--;
    if (len > 1)
        buf_add(out, (harborai_str){digits, len});
}

void json_write_scaled(struct json_writer *w, int64_t number, unsigned scale)
{
    before_value(w);
    json_write_decimal(w->out, number, scale);
}

void json_write_key_string(struct json_writer *w, const char *key, harborai_str text)
{
    json_write_key(w, slice_of(key));
    json_write_string(w, text);
}

void json_write_key_int64(struct json_writer *w, const char *key, int64_t number)
{
    json_write_key(w, slice_of(key));
    json_write_int64(w, number);
}

void json_write_key_text_or_null(struct json_writer *w, const char *key, harborai_str text)
{
    json_write_key(w, slice_of(key));
    if (text.len > 0)
        json_write_string(w, text);
    else
        json_write_null(w);
}

void json_write_key_scaled_or_null(struct json_writer *w, const char *key, int64_t number,
                                   unsigned scale)
{
    json_write_key(w, slice_of(key));
    if (number >= 0)
        json_write_scaled(w, number, scale);
    else
        json_write_null(w);
}
