/* SPDX-License-Identifier: MIT */
/* Functions on harborai_str, the one type for borrowed text (data, len; never NUL-terminated by
 * assumption). [any] */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <string.h>

#include <harborai/types.h>

/* For printf: "%.*s", SLICE_ARG(text) */
#define SLICE_ARG(text) (int)(text).len, ((text).data != NULL ? (text).data : "")
#define SLICE_NONE ((harborai_str){NULL, 0})

/* Borrows a C string. NULL gives the empty slice. */
static inline harborai_str slice_of(const char *text)
{
    return (harborai_str){text, text != NULL ? strlen(text) : 0};
}

static inline bool slice_equal(harborai_str a, harborai_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(harborai_str a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

/* Two texts of that length, ASCII letters by either case. */
bool slice_folds_equal(const char *a, const char *b, size_t len);

static inline bool slice_equal_ignoring_case(harborai_str a, harborai_str b)
{
    return a.len == b.len && slice_folds_equal(a.data, b.data, a.len);
}

static inline harborai_str slice_from(harborai_str text, size_t start)
{
    return (harborai_str){text.data != NULL ? text.data + start : NULL, text.len - start};
}

static inline harborai_str slice_cut(harborai_str text, size_t len)
{
    return (harborai_str){text.data, text.len < len ? text.len : len};
}

/* Two lists of texts, in order. */
bool slice_lists_equal(const harborai_str *a, size_t a_count, const harborai_str *b,
                       size_t b_count);
bool slice_starts_with(harborai_str text, const char *prefix);
bool slice_ends_with(harborai_str text, const char *suffix);
bool slice_is_hex(harborai_str text); /* of digits 0 to 9 and a to f only */
harborai_str slice_trim(harborai_str text);                     /* blanks, tabs, line ends */

/* Splits at the first `separator`: true, and both halves without it; else false, *ret_head the
 * whole text and *ret_tail empty. */
bool slice_split(harborai_str text, char separator, harborai_str *ret_head, harborai_str *ret_tail);

/* The whole text as a decimal number without sign; false if it is anything else or too large. */
bool slice_to_u64(harborai_str text, uint64_t *ret_value);

/* Returns owned, NUL-terminated; NULL when out of memory. */
char *slice_dup(harborai_str text);

/* Whether `text` matches `pattern`, in which `*` stands for any run of bytes. */
bool slice_matches_glob(harborai_str text, harborai_str pattern);

/* Edits (insert, delete, replace, swap neighbours) that make `b` of `a`; more than `most` gives
 * most + 1. For base/nearest.h. */
unsigned slice_distance(harborai_str a, harborai_str b, unsigned most);

#endif
