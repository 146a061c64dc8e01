/* SPDX-License-Identifier: MIT */
/* One byte after the other through the grammar of RFC 8259. It runs for every byte of every tool
 * call's arguments; the text is never kept. It must agree with json_scan on what is one value. */
#include "chat/arguments.h"

#include <string.h>

#include "base/slice.h"
#include "json_value.h"

enum state {
    BLANK = 0, /* nothing yet */
    VALUE,     /* a value is due */
    FIRST_ITEM, /* … or the end of an array */
    FIRST_KEY, /* a key, or the end of an object */
    KEY,
    COLON,
    NEXT, /* a comma or the end of what is open */
    STRING,
    ESCAPE,
    HEX,
    WORD,
    MINUS,
    ZERO,
    DIGITS,
    POINT,
    FRACTION,
    EXPONENT,
    SIGN,
    POWER,
    DONE,
    BROKEN
};

enum { STRING_BEGINS = 0x100, STRING_ENDS = 0x101 }; /* no byte */

static const uint64_t hash_seed = UINT64_C(0xcbf29ce484222325);

void arguments_init(struct arguments *a, bool hashes)
{
    memset(a, 0, sizeof *a);
    a->hash = hash_seed;
    a->hashes = hashes;
}

/* ---- The hash -------------------------------------------------------------------------------- */

static inline void add(struct arguments *a, unsigned symbol)
{
    if (a->hashes)
        a->hash = (a->hash ^ symbol) * UINT64_C(0x100000001b3);
}

static void add_character(struct arguments *a, uint32_t c)
{
    if (c < 0x80) {
        add(a, c);
    } else if (c < 0x800) {
        add(a, 0xc0 | c >> 6);
        add(a, 0x80 | (c & 0x3f));
    } else {
        if (c < 0x10000) {
            add(a, 0xe0 | c >> 12);
        } else {
            add(a, 0xf0 | c >> 18);
            add(a, 0x80 | (c >> 12 & 0x3f));
        }
        add(a, 0x80 | (c >> 6 & 0x3f));
        add(a, 0x80 | (c & 0x3f));
    }
}

/* What follows is not the second half of a pair. */
static inline void end_half(struct arguments *a)
{
    if (a->high == 0)
        return;
    a->high = 0;
    add_character(a, 0xfffd);
}

static void add_unit(struct arguments *a, uint32_t unit)
{
    bool is_second = unit >= 0xdc00 && unit <= 0xdfff;
    if (is_second && a->high != 0) {
        add_character(a, 0x10000 + ((uint32_t)(a->high - 0xd800) << 10) + (unit - 0xdc00));
        a->high = 0;
        return;
    }
    end_half(a);
    if (unit >= 0xd800 && unit <= 0xdbff)
        a->high = (uint16_t)unit;
    else
        add_character(a, is_second ? 0xfffd : unit);
}

/* ---- The grammar ----------------------------------------------------------------------------- */

static inline bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_in_object(const struct arguments *a)
{
    unsigned top = a->depth - 1U;
    return (a->nest[top / 64] >> top % 64 & 1) != 0;
}

static enum state after_value(const struct arguments *a)
{
    return a->depth > 0 ? NEXT : DONE;
}

static enum state open(struct arguments *a, bool is_object)
{
    uint64_t bit = UINT64_C(1) << a->depth % 64;
    if (a->depth == ARGUMENTS_DEPTH)
        return BROKEN;
    if (is_object)
        a->nest[a->depth / 64] |= bit;
    else
        a->nest[a->depth / 64] &= ~bit;
    a->depth++;
    return is_object ? FIRST_KEY : FIRST_ITEM;
}

static enum state close(struct arguments *a, unsigned char c)
{
    if (is_in_object(a) != (c == '}'))
        return BROKEN;
    a->depth--;
    return after_value(a);
}

static enum state open_string(struct arguments *a, bool is_key)
{
    a->is_key = is_key;
    return STRING;
}

static enum state word(struct arguments *a, const char *rest)
{
    a->word = rest;
    return WORD;
}

static enum state begin_value(struct arguments *a, unsigned char c)
{
    switch (c) {
    case '{':
    case '[':
        return open(a, c == '{');
    case '"':
        return open_string(a, false);
    case 't':
        return word(a, "rue");
    case 'f':
        return word(a, "alse");
    case 'n':
        return word(a, "ull");
    case '-':
        return MINUS;
    case '0':
        return ZERO;
    default:
        return is_digit(c) ? DIGITS : BROKEN;
    }
}

static enum state in_word(struct arguments *a, unsigned char c)
{
    if (c != (unsigned char)*a->word)
        return BROKEN;
    return *++a->word != '\0' ? WORD : after_value(a);
}

/* Between two parts of the value. */
static enum state between(struct arguments *a, unsigned char c)
{
    switch (a->state) {
    case FIRST_ITEM:
        return c == ']' ? close(a, c) : begin_value(a, c);
    case FIRST_KEY:
        if (c == '}')
            return close(a, c);
        return c == '"' ? open_string(a, true) : BROKEN;
    case KEY:
        return c == '"' ? open_string(a, true) : BROKEN;
    case COLON:
        return c == ':' ? VALUE : BROKEN;
    case NEXT:
        if (c == '}' || c == ']')
            return close(a, c);
        if (c != ',')
            return BROKEN;
        return is_in_object(a) ? KEY : VALUE;
    default: /* BLANK, VALUE */
        return begin_value(a, c);
    }
}

static bool is_number_end(unsigned state)
{
    return state == ZERO || state == DIGITS || state == FRACTION || state == POWER;
}

/* The state behind a byte that belongs to a number; BROKEN: it does not. */
static enum state in_number(unsigned state, unsigned char c)
{
    bool is_whole = state == ZERO || state == DIGITS;
    if (is_digit(c)) {
        switch (state) {
        case MINUS:
            return c == '0' ? ZERO : DIGITS;
        case DIGITS:
            return DIGITS;
        case POINT:
        case FRACTION:
            return FRACTION;
        case EXPONENT:
        case SIGN:
        case POWER:
            return POWER;
        default: /* a digit behind a leading zero */
            return BROKEN;
        }
    }
    if (c == '.' && is_whole)
        return POINT;
    if ((c == 'e' || c == 'E') && (is_whole || state == FRACTION))
        return EXPONENT;
    return (c == '+' || c == '-') && state == EXPONENT ? SIGN : BROKEN;
}

static enum state escape(struct arguments *a, unsigned char c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
        a->digits = 0;
        a->unit = 0;
        return HEX;
    }
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at == NULL)
        return BROKEN;
    end_half(a);
    add(a, (unsigned char)to[at - from]);
    return STRING;
}

static enum state hex(struct arguments *a, unsigned char c)
{
    unsigned lower = c | 0x20U;
    if (!is_digit(c) && (lower < 'a' || lower > 'f'))
        return BROKEN;
    unsigned value = lower - (is_digit(c) ? '0' : 'a' - 10);
    a->unit = (uint16_t)(a->unit << 4 | value);
    if (++a->digits < 4)
        return HEX;
    add_unit(a, a->unit);
    return STRING;
}

static enum state in_string(struct arguments *a, unsigned char c)
{
    if (c == '\\')
        return ESCAPE; /* it may be the second half of a pair */
    end_half(a);
    if (c < 0x20)
        return BROKEN;
    if (c != '"') {
        add(a, c);
        return STRING;
    }
    add(a, STRING_ENDS);
    return a->is_key ? COLON : after_value(a);
}

static inline bool is_in_number(const struct arguments *a)
{
    return a->state >= MINUS && a->state <= POWER;
}

/* Outside of strings. False: the byte comes behind a complete value. */
static bool feed_outside(struct arguments *a, unsigned char c)
{
    if (is_in_number(a)) {
        enum state next = in_number(a->state, c);
        if (next != BROKEN || !is_number_end(a->state)) {
            add(a, c);
            a->state = (unsigned char)next;
            return true;
        }
        a->state = (unsigned char)after_value(a); /* the number is over: c comes behind it */
    }
    if (a->state == WORD) {
        add(a, c);
        a->state = (unsigned char)in_word(a, c);
        return true;
    }
    if (is_blank(c))
        return true;
    if (a->state == DONE)
        return false;
    add(a, c == '"' ? STRING_BEGINS : c);
    a->state = (unsigned char)between(a, c);
    return true;
}

/* False: as above. */
static inline bool feed_byte(struct arguments *a, unsigned char c)
{
    switch (a->state) {
    case STRING:
        a->state = (unsigned char)in_string(a, c);
        return true;
    case ESCAPE:
        a->state = (unsigned char)escape(a, c);
        return true;
    case HEX:
        a->state = (unsigned char)hex(a, c);
        return true;
    case BROKEN:
        return true;
    default:
        return feed_outside(a, c);
    }
}

size_t arguments_feed(struct arguments *a, harborai_str text)
{
    size_t i = 0;
    while (i < text.len && feed_byte(a, (unsigned char)text.data[i]))
        i++;
    return i;
}

/* An escape that is half a surrogate pair. */
static bool is_half(const char *p, const char *end)
{
    return end - p >= 6 && p[1] == 'u' && (p[2] | 0x20) == 'd' && p[3] >= '8';
}

size_t arguments_feed_json(struct arguments *a, harborai_str inside)
{
    const char *p = inside.data, *end = p + inside.len;
    while (p < end) {
        const char *escape_at = memchr(p, '\\', (size_t)(end - p));
        harborai_str plain = {p, (size_t)((escape_at != NULL ? escape_at : end) - p)};
        size_t taken = arguments_feed(a, plain);
        p += taken;
        if (taken < plain.len || escape_at == NULL)
            break;
        if (a->state == STRING && is_half(p, end)) { /* the other one may come in the next piece */
            p += arguments_feed(a, (harborai_str){p, 6});
            continue;
        }
        char text[4];
        size_t len = json_decode_next(&p, end, text);
        if (arguments_feed(a, (harborai_str){text, len}) < len) {
            p = escape_at; /* a character is taken whole or not at all */
            break;
        }
    }
    return (size_t)(p - inside.data);
}

bool arguments_are_blank(const struct arguments *a)
{
    return a->state == BLANK;
}

bool arguments_are_complete(const struct arguments *a)
{
    return a->state == DONE || (a->depth == 0 && is_number_end(a->state));
}

bool arguments_are_broken(const struct arguments *a)
{
    return a->state == BROKEN;
}

/* ---- Hashes ---------------------------------------------------------------------------------- */

uint64_t arguments_hash(const struct arguments *a)
{
    struct arguments none;
    if (arguments_are_blank(a)) {
        arguments_init(&none, true);
        (void)arguments_feed(&none, HARBORAI_STR("{}"));
        a = &none;
    }
    uint64_t hash = a->hash;
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

static bool finish(const struct arguments *a, bool is_all, uint64_t *ret_hash)
{
    if (!is_all || !(arguments_are_blank(a) || arguments_are_complete(a)))
        return false;
    *ret_hash = arguments_hash(a);
    return true;
}

bool arguments_hash_text(harborai_str text, uint64_t *ret_hash)
{
    struct arguments a;
    arguments_init(&a, true);
    size_t taken = arguments_feed(&a, text);
    return finish(&a, taken == text.len, ret_hash);
}

bool arguments_hash_value(harborai_str value, uint64_t *ret_hash)
{
    struct arguments a;
    if (json_kind(value) == JSON_NONE || json_is_null(value))
        return arguments_hash_text(SLICE_NONE, ret_hash);
    if (json_kind(value) != JSON_STRING)
        return arguments_hash_text(value, ret_hash);
    harborai_str inside = {value.data + 1, value.len - 2};
    arguments_init(&a, true);
    size_t taken = arguments_feed_json(&a, inside);
    return finish(&a, taken == inside.len, ret_hash);
}
