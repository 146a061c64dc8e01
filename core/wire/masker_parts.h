/* SPDX-License-Identifier: MIT */
/* What the masker's files share. */
#ifndef WIRE_MASKER_PARTS_H
#define WIRE_MASKER_PARTS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

enum masker_kind { MASKER_KEY, MASKER_EMAIL, MASKER_PHONE, MASKER_ID, MASKER_CARD };

struct masker_span {
    size_t begin, end;
    enum masker_kind kind;
};

/* A text without its percent and JSON escapes, and where each of its bytes comes from. */
struct masker_view {
    harborai_str text;    /* borrowed from the source if it has no escapes, else owned */
    const uint32_t *from; /* owned; `text.len + 1` offsets in the source. NULL: they are the same */
};

/* False: no memory, or a source of 4 GiB. */
MUST_CHECK bool masker_view_init(struct masker_view *view, harborai_str source);
void masker_view_release(struct masker_view *view);

enum { MASKER_DEPTH = 2 }; /* base64 in base64 is looked into, no deeper */

/* The first thing to mask from `start` on. `depth` counts encodings within encodings. */
bool masker_find(harborai_str text, size_t start, int depth, struct masker_span *ret_span);

/* What begins at `at`, where a word begins; false: nothing of the kind. */
bool masker_key_at(harborai_str text, size_t at, struct masker_span *ret_span);
bool masker_named_value_at(harborai_str text, size_t at, struct masker_span *ret_span);
bool masker_number_at(harborai_str text, size_t at, struct masker_span *ret_span);

/* Base64 of a text in which there is something to mask. */
bool masker_base64_at(harborai_str text, size_t at, int depth, struct masker_span *ret_span);

/* Of `text` or 0 beyond its end. */
static inline char masker_char(harborai_str text, size_t at)
{
    return at < text.len ? text.data[at] : '\0';
}

static inline bool masker_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool masker_is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static inline bool masker_is_word(char c)
{
    return masker_is_digit(c) || masker_is_letter(c);
}

#endif
