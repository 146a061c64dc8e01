/* SPDX-License-Identifier: MIT */
/* Borrowed text: comparisons and cursors. Nothing here assumes a terminating NUL. */
#include "base/slice.h"

#include <stdlib.h>

#define DISTANCE_MAX_LEN 64 /* names that people type */

bool slice_lists_equal(const harborai_str *a, size_t a_count, const harborai_str *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!slice_equal(a[i], b[i]))
            return false;
    return true;
}

bool slice_starts_with(harborai_str text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

bool slice_ends_with(harborai_str text, const char *suffix)
{
    size_t len = strlen(suffix);
    return text.len >= len && memcmp(text.data + text.len - len, suffix, len) == 0;
}

bool slice_is_hex(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!((text.data[i] >= '0' && text.data[i] <= '9') ||
              (text.data[i] >= 'a' && text.data[i] <= 'f')))
            return false;
    return true;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_folds_equal(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

harborai_str slice_trim(harborai_str text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = slice_from(text, 1);
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

bool slice_split(harborai_str text, char separator, harborai_str *ret_head, harborai_str *ret_tail)
{
    const char *at = text.len > 0 ? memchr(text.data, separator, text.len) : NULL;
    if (at == NULL) {
        *ret_head = text;
        *ret_tail = SLICE_NONE;
        return false;
    }
    size_t len = (size_t)(at - text.data);
    *ret_head = slice_cut(text, len);
    *ret_tail = slice_from(text, len + 1);
    return true;
}

bool slice_to_u64(harborai_str text, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(text.data[i] - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

char *slice_dup(harborai_str text)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

bool slice_matches_glob(harborai_str text, harborai_str pattern)
{
    size_t t = 0, p = 0, star = SIZE_MAX, star_text = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.len && pattern.data[p] == text.data[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

unsigned slice_distance(harborai_str a, harborai_str b, unsigned most)
{
    unsigned rows[3][DISTANCE_MAX_LEN + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    size_t gap = a.len > b.len ? a.len - b.len : b.len - a.len;

    if (a.len > DISTANCE_MAX_LEN || b.len > DISTANCE_MAX_LEN || gap > most)
        return most + 1;
    for (size_t j = 0; j <= b.len; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned cost = a.data[i - 1] != b.data[j - 1];
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + cost);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        unsigned *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b.len] <= most ? last[b.len] : most + 1;
}
