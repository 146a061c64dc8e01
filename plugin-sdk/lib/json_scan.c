/* SPDX-License-Identifier: MIT */
/* The JSON scanner: one pass, iterative, 64 bytes at a time inside strings. It sees every byte that
 * a client or a vendor sends, so it must never read past the text and never take time that is not
 * in proportion to it. */
#include "json_scan.h"

#include <string.h>

#include "json_value.h"
#include "json_word.h"

typedef unsigned char byte;

struct scan {
    const byte *begin, *end;
    harborai_status status; /* of the first fault, with its place and reason */
    const byte *fault_at;
    const char *reason;
    unsigned depth, depth_max;
    bool escaped;                 /* the last string had an escape */
    bool has_u;                   /* so far in this member: a \u escape */
    byte closers[JSON_DEPTH_MAX]; /* the bracket that ends each open container */
};

static const byte *fail(struct scan *s, const byte *at, const char *reason)
{
    s->status = HARBORAI_E_INVALID;
    s->fault_at = at;
    s->reason = at == s->end ? "unexpected end" : reason;
    return NULL;
}

static inline const byte *skip_blanks(const struct scan *s, const byte *p)
{
    if (p < s->end && *p > ' ') /* mostly */
        return p;
    while (p < s->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* ---- Strings ------------------------------------------------------------------------------- */

/* One character of 2 to 4 bytes, of which at least one is there; NULL = not UTF-8. */
static const byte *skip_utf8_one(const byte *p, const byte *end)
{
    size_t left = (size_t)(end - p);
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return left >= 2 && (p[1] & 0xc0) == 0x80 ? p + 2 : NULL;
    if ((p[0] & 0xf0) == 0xe0) {
        if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
            return NULL;
        return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ? NULL : p + 3;
    }
    if (p[0] < 0xf0 || p[0] > 0xf4 || left < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
        (p[3] & 0xc0) != 0x80)
        return NULL;
    return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ? NULL : p + 4;
}

/* Whether the low 3 bytes of the word are one character of 3 bytes, as most of Chinese is: lead and
 * continuations by their fixed bits, then neither overlong (E0 80-9F) nor a surrogate (ED A0-BF).
 */
static inline bool is_utf8_three(uint64_t word)
{
    uint64_t lead = word & 0x200f;
    return (word & 0xc0c0f0) == 0x8080e0 && lead != 0 && lead != 0x200d;
}

/* As far as a run of such characters goes. A few, between words of others, one by one; then 5 at a
 * time without those that begin with E0 or ED. */
static inline const byte *skip_utf8_threes(const byte *p, const byte *end)
{
    for (int i = 0; i < 4; i++, p += 3)
        if (end - p < 8 || !is_utf8_three(json_word_load(p)))
            return p;
    static const json_block fixed = {0xf0, 0xc0, 0xc0, 0xf0, 0xc0, 0xc0, 0xf0, 0xc0,
                                     0xc0, 0xf0, 0xc0, 0xc0, 0xf0, 0xc0, 0xc0, 0};
    static const json_block wanted = {0xe0, 0x80, 0x80, 0xe0, 0x80, 0x80, 0xe0, 0x80,
                                      0x80, 0xe0, 0x80, 0x80, 0xe0, 0x80, 0x80, 0};
    while (end - p >= JSON_BLOCK) {
        json_block block = json_block_load(p);
        uint64_t bad = json_block_bits((json_block)((block & fixed) != wanted) |
                                       (json_block)(block == 0xe0) | (json_block)(block == 0xed));
        bad |= 1u << 15; /* the first byte of the sixth */
        if (bad != 1u << 15)
            return p + json_bits_first(bad) / 3 * 3;
        p += 15;
    }
    return p;
}

/* Past a run of characters beyond ASCII. If it stops at a byte from 0x80 on, that is not UTF-8. */
static const byte *skip_utf8(const byte *p, const byte *end)
{
    while (p < end && *p >= 0x80) {
        const byte *next = p;
        while (end - next >= 2 && next[0] >= 0xc2 && next[0] <= 0xdf && (next[1] & 0xc0) == 0x80)
            next += 2;
        if (next == p && *p < 0xf0)
            next = skip_utf8_threes(p, end);
        if (next == p)
            next = skip_utf8_one(p, end);
        if (next == NULL)
            break;
        p = next;
    }
    return p;
}

static inline bool is_hex(byte c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static const byte *scan_unicode(struct scan *s, const byte *p) /* at the `u` */
{
    s->has_u = true;
    for (int i = 0; i < 4; i++)
        if (++p == s->end || !is_hex(*p))
            return fail(s, p, "bad \\u escape");
    p++;
    /* Those who write ASCII alone write whole texts of them. */
    while (s->end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
           (is_hex(p[2]) & is_hex(p[3]) & is_hex(p[4]) & is_hex(p[5])) != 0)
        p += 6;
    return p;
}

static inline const byte *scan_escape(struct scan *s, const byte *p) /* at the backslash */
{
    s->escaped = true;
    if (++p == s->end)
        return fail(s, p, NULL);
    switch (*p) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 1;
    case 'u':
        return scan_unicode(s, p);
    default:
        return fail(s, p, "bad escape");
    }
}

/* Past what is neither plain nor a quote. */
static inline const byte *scan_special(struct scan *s, const byte *p)
{
    if (*p == '\\')
        return scan_escape(s, p);
    if (*p < 0x20)
        return fail(s, p, "control character in a string");
    p = skip_utf8(p, s->end);
    if (p < s->end && *p >= 0x80)
        return fail(s, p, "text is not UTF-8");
    return p;
}

/* The same, where fewer bytes than a chunk are left of the text. */
static const byte *scan_string_end(struct scan *s, const byte *p)
{
    for (;;) {
        while (s->end - p >= JSON_BLOCK) {
            uint64_t special = json_block_special(p);
            if (special != 0) {
                p += json_bits_first(special);
                break;
            }
            p += JSON_BLOCK;
        }
        while (p < s->end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
            p++;
        if (p == s->end)
            return fail(s, p, NULL);
        if (*p == '"')
            return p + 1;
        p = scan_special(s, p);
        if (p == NULL)
            return NULL;
    }
}

static const bool is_short_escape[256] = {
    ['"'] = true, ['\\'] = true, ['/'] = true, ['b'] = true,
    ['f'] = true, ['n'] = true,  ['r'] = true, ['t'] = true,
};

/* Behind the last escape of two bytes within the chunk: what of `special` is neither that nor before
 * it. Most of what is special in prose and code are these. */
static inline uint64_t skip_short_escapes(struct scan *s, const byte *chunk, uint64_t special)
{
    while (special != 0) {
        size_t at = json_bits_first(special);
        if (chunk[at] != '\\' || at == JSON_CHUNK - 1 || !is_short_escape[chunk[at + 1]])
            break;
        special &= ~(UINT64_C(3) << at);
        s->escaped = true;
    }
    return special;
}

static const byte *scan_long_string(struct scan *s, const byte *p)
{
    while (s->end - p >= JSON_CHUNK) {
        const byte *chunk = p;
        uint64_t special = skip_short_escapes(s, chunk, json_chunk_special(chunk));
        p += JSON_CHUNK;
        while (special != 0) {
            const byte *at = chunk + json_bits_first(special);
            if (*at == '"')
                return at + 1;
            at = scan_special(s, at);
            if (at == NULL)
                return NULL;
            if (at - chunk >= JSON_CHUNK) {
                p = at;
                break;
            }
            special &= ~UINT64_C(0) << (at - chunk); /* what was passed is done with */
            special = skip_short_escapes(s, chunk, special);
        }
    }
    return scan_string_end(s, p);
}

static inline const byte *scan_string(struct scan *s, const byte *p) /* behind the opening quote */
{
    s->escaped = false;
    if (s->end - p >= JSON_BLOCK) { /* names, and many values */
        uint64_t special = json_block_special(p);
        if (special != 0 && p[json_bits_first(special)] == '"')
            return p + json_bits_first(special) + 1;
    }
    return scan_long_string(s, p);
}

/* ---- Numbers and words ----------------------------------------------------------------------- */

static inline bool is_digit(byte c)
{
    return c >= '0' && c <= '9';
}

static const byte *scan_digits(struct scan *s, const byte *p) /* one at least */
{
    if (p == s->end || !is_digit(*p))
        return fail(s, p, "digit expected");
    while (p < s->end && is_digit(*p))
        p++;
    return p;
}

static const byte *scan_number(struct scan *s, const byte *p)
{
    if (*p == '-')
        p++;
    if (p < s->end && *p == '0')
        p++;
    else
        p = scan_digits(s, p);
    if (p != NULL && p < s->end && *p == '.')
        p = scan_digits(s, p + 1);
    if (p != NULL && p < s->end && (*p | 0x20) == 'e') {
        p++;
        if (p < s->end && (*p == '+' || *p == '-'))
            p++;
        p = scan_digits(s, p);
    }
    return p;
}

static const byte *scan_word(struct scan *s, const byte *p, const char *word)
{
    for (; *word != '\0'; word++, p++)
        if (p == s->end || *p != (byte)*word)
            return fail(s, p, "unexpected character");
    return p;
}

static inline const byte *scan_scalar(struct scan *s, const byte *p)
{
    if (*p == '"')
        return scan_string(s, p + 1);
    if (is_digit(*p))
        return scan_number(s, p);
    switch (*p) {
    case 't':
        return scan_word(s, p, "true");
    case 'f':
        return scan_word(s, p, "false");
    case 'n':
        return scan_word(s, p, "null");
    case '-':
        return scan_number(s, p);
    default:
        return fail(s, p, "unexpected character");
    }
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* From a key's opening quote to the first byte of its value. */
static inline const byte *scan_key(struct scan *s, const byte *p)
{
    if (p == s->end || *p != '"')
        return fail(s, p, "member name expected");
    p = scan_string(s, p + 1);
    if (p == NULL)
        return NULL;
    p = skip_blanks(s, p);
    if (p == s->end || *p != ':')
        return fail(s, p, "':' expected");
    return skip_blanks(s, p + 1);
}

/* Open a container: to its first value, or behind it if it is empty, which shows in the depth. */
static inline const byte *scan_open(struct scan *s, const byte *p)
{
    byte closer = *p == '{' ? '}' : ']';
    if (s->depth == s->depth_max)
        return fail(s, p, "nested too deeply");
    p = skip_blanks(s, p + 1);
    if (p < s->end && *p == closer)
        return p + 1;
    s->closers[s->depth++] = closer;
    return closer == '}' ? scan_key(s, p) : p;
}

/* Behind a value inside a container: to the next value; or close it, which shows in the depth. */
static inline const byte *scan_next(struct scan *s, const byte *p)
{
    byte closer = s->closers[s->depth - 1];
    p = skip_blanks(s, p);
    if (p == s->end)
        return fail(s, p, NULL);
    if (*p == closer) {
        s->depth--;
        return p + 1;
    }
    if (*p != ',')
        return fail(s, p, closer == '}' ? "',' or '}' expected" : "',' or ']' expected");
    p = skip_blanks(s, p + 1);
    return closer == '}' ? scan_key(s, p) : p;
}

static const byte *scan_container(struct scan *s, const byte *p)
{
    const unsigned base = s->depth;
    for (;;) {
        unsigned before = s->depth;
        if (p == s->end)
            return fail(s, p, NULL);
        p = *p == '{' || *p == '[' ? scan_open(s, p) : scan_scalar(s, p);
        if (p == NULL)
            return NULL;
        if (s->depth > before)
            continue;
        do {
            if (s->depth == base)
                return p;
            before = s->depth;
            p = scan_next(s, p);
            if (p == NULL)
                return NULL;
        } while (s->depth < before);
    }
}

/* One value, blanks before it skipped: to the byte behind it, NULL = fault. */
static inline const byte *scan_value(struct scan *s, const byte *p)
{
    if (p < s->end && *p != '{' && *p != '[')
        return scan_scalar(s, p);
    return scan_container(s, p);
}

static void scan_init(struct scan *s, harborai_str text, const struct json_limits *limits)
{
    unsigned depth = limits != NULL && limits->depth != 0 ? limits->depth : JSON_DEPTH_DEFAULT;
    s->begin = (const byte *)text.data;
    s->end = text.len > 0 ? s->begin + text.len : s->begin;
    s->depth = 0;
    s->depth_max = depth < JSON_DEPTH_MAX ? depth : JSON_DEPTH_MAX;
}

/* The end of a scan: `p` is behind the document, or NULL after a fault. */
static harborai_status scan_finish(struct scan *s, const byte *p, struct json_fault *fault)
{
    if (p != NULL) {
        p = skip_blanks(s, p);
        if (p == s->end)
            return HARBORAI_OK;
        fail(s, p, "text behind the end of the document");
    }
    if (fault != NULL) {
        fault->at = (size_t)(s->fault_at - s->begin);
        fault->reason = s->reason;
    }
    return s->status;
}

harborai_status json_scan(harborai_str text, const struct json_limits *limits,
                          harborai_str *ret_value, struct json_fault *fault)
{
    struct scan s;
    const byte *from, *to;
    harborai_status st;
    if (text.len == 0)
        text = HARBORAI_STR("");
    scan_init(&s, text, limits);
    from = skip_blanks(&s, s.begin);
    to = scan_value(&s, from);
    st = scan_finish(&s, to, fault);
    if (st == HARBORAI_OK && ret_value != NULL)
        *ret_value = (harborai_str){(const char *)from, (size_t)(to - from)};
    return st;
}

static inline harborai_str str_between(const byte *from, const byte *to)
{
    return (harborai_str){(const char *)from, (size_t)(to - from)};
}

harborai_str json_scan_first(harborai_str text, const struct json_limits *limits)
{
    struct scan s;
    if (text.len == 0)
        return (harborai_str){NULL, 0};
    scan_init(&s, text, limits);
    const byte *to = scan_value(&s, s.begin);
    return to != NULL ? str_between(s.begin, to) : (harborai_str){NULL, 0};
}

/* The member whose key begins at p: to the byte behind its value. */
static inline const byte *scan_member(struct scan *s, const byte *p, struct json_member *member)
{
    const byte *key = p, *key_end, *value;
    if (p == s->end || *p != '"')
        return fail(s, p, "member name expected");
    p = key_end = scan_string(s, p + 1);
    if (p == NULL)
        return NULL;
    member->key = str_between(key + 1, key_end - 1);
    member->key_escaped = s->escaped;
    p = skip_blanks(s, p);
    if (p == s->end || *p != ':')
        return fail(s, p, "':' expected");
    value = skip_blanks(s, p + 1);
    s->has_u = false;
    p = scan_value(s, value);
    if (p == NULL)
        return NULL;
    member->may_have_u = s->has_u;
    member->value = str_between(value, p);
    member->span = str_between(key, p);
    member->kind = json_kind(member->value);
    return p;
}

/* The members of the top level: to the byte behind the closing bracket. */
static const byte *scan_members(struct scan *s, const byte *p, struct json_member *members,
                                size_t capacity, size_t *count)
{
    p = skip_blanks(s, p);
    if (p < s->end && *p == '}')
        return p + 1;
    for (;;) {
        if (*count == capacity) {
            fail(s, p, "too many members");
            s->status = HARBORAI_E_MEMORY;
            return NULL;
        }
        p = scan_member(s, p, &members[*count]);
        if (p == NULL)
            return NULL;
        *count += 1;
        p = skip_blanks(s, p);
        if (p < s->end && *p == '}')
            return p + 1;
        if (p == s->end || *p != ',')
            return fail(s, p, "',' or '}' expected");
        p = skip_blanks(s, p + 1);
    }
}

harborai_status json_scan_object(harborai_str text, const struct json_limits *limits,
                                 struct json_member *members, size_t capacity, size_t *ret_count,
                                 struct json_fault *fault)
{
    struct scan s;
    const byte *p;
    size_t count = 0;
    harborai_status st;
    if (text.len == 0)
        text = HARBORAI_STR("");
    scan_init(&s, text, limits);
    s.depth = 1;
    p = skip_blanks(&s, s.begin);
    if (p == s.end || *p != '{')
        p = fail(&s, p, "not a JSON object");
    else
        p = scan_members(&s, p + 1, members, capacity, &count);
    st = scan_finish(&s, p, fault);
    if (st == HARBORAI_OK)
        *ret_count = count;
    return st;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static int compare_bytes(harborai_str a, harborai_str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int json_key_compare(harborai_str key, bool key_escaped, harborai_str name)
{
    const char *p = key.data, *end;
    if (!key_escaped)
        return compare_bytes(key, name);
    end = key.data + key.len;
    while (p < end) { /* character by character, as it is decoded */
        char text[4];
        size_t len = json_decode_next(&p, end, text);
        harborai_str head = {name.data, name.len < len ? name.len : len};
        int order = compare_bytes((harborai_str){text, len}, head);
        if (order != 0)
            return order;
        name.data += len;
        name.len -= len;
    }
    return name.len > 0 ? -1 : 0;
}

const struct json_member *json_find(const struct json_member *members, size_t count,
                                    harborai_str name)
{
    for (size_t i = 0; i < count; i++)
        if (json_key_equal(&members[i], name))
            return &members[i];
    return NULL;
}

size_t json_count(const struct json_member *members, size_t count, harborai_str name)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += json_key_equal(&members[i], name);
    return found;
}

static inline uint32_t load_half(const byte *p)
{
    uint32_t half;
    memcpy(&half, p, sizeof half);
    return half;
}

/* Names and the like, of at most 16 bytes: what overlaps is looked at twice. */
static bool is_short_ascii(const byte *p, size_t len)
{
    if (len >= 8)
        return ((json_word_load(p) | json_word_load(p + len - 8)) & JSON_WORD_HIGHS) == 0;
    if (len >= 4)
        return ((load_half(p) | load_half(p + len - 4)) & (uint32_t)JSON_WORD_HIGHS) == 0;
    return len == 0 || (p[0] | p[len / 2] | p[len - 1]) < 0x80;
}

bool json_is_utf8(harborai_str text)
{
    const byte *p = (const byte *)text.data, *end = text.len > 0 ? p + text.len : p;
    if (text.len <= 16 && is_short_ascii(p, text.len))
        return true;
    while (p < end) {
        if (end - p >= 8 && (json_word_load(p) & JSON_WORD_HIGHS) == 0) {
            p += 8;
        } else if (*p < 0x80) {
            p++;
        } else {
            p = skip_utf8(p, end);
            if (p < end && *p >= 0x80)
                return false;
        }
    }
    return true;
}
