/* SPDX-License-Identifier: MIT */
/* Eight bytes of text at a time, in plain C. Private to plugin-sdk/lib and core/wire.
 *
 * Each test gives a word whose lowest set bit lies in the first byte that was looked for; bits
 * above it mean nothing, because a subtraction may borrow from the byte below. 0 = no such byte. */
#ifndef SDK_JSON_WORD_H
#define SDK_JSON_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define JSON_WORD_ONES  UINT64_C(0x0101010101010101)
#define JSON_WORD_HIGHS (JSON_WORD_ONES * 0x80)

/* In little-endian order on every machine: compilers know this for one load. */
static inline uint64_t json_word_load(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static inline unsigned json_word_first(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits) >> 3;
}

static inline uint64_t json_word_zero(uint64_t word)
{
    return (word - JSON_WORD_ONES) & ~word & JSON_WORD_HIGHS;
}

/* A quote, a backslash, a control character, or the start of a character beyond ASCII. */
static inline uint64_t json_word_special(uint64_t word)
{
    uint64_t quote = word ^ JSON_WORD_ONES * '"', backslash = word ^ JSON_WORD_ONES * '\\';
    return ((quote - JSON_WORD_ONES) | (backslash - JSON_WORD_ONES) |
            (word - JSON_WORD_ONES * 0x20) | word) &
           JSON_WORD_HIGHS;
}

/* Not one of JSON_BLOCK bytes is special. */
enum { JSON_BLOCK = 16 };

static inline bool json_block_is_plain(const unsigned char *p)
{
    typedef signed char bytes __attribute__((vector_size(JSON_BLOCK)));
    typedef uint64_t words __attribute__((vector_size(JSON_BLOCK)));
    bytes block;
    memcpy(&block, p, sizeof block);
    /* one comparison for both ends: a byte from 0x80 on is negative */
    words special = (words)((block < 0x20) | (block == '"') | (block == '\\'));
    return (special[0] | special[1]) == 0;
}

/* A quote or a backslash. */
static inline uint64_t json_word_quote(uint64_t word)
{
    return json_word_zero(word ^ JSON_WORD_ONES * '"') |
           json_word_zero(word ^ JSON_WORD_ONES * '\\');
}

/* A control character: below 0x20, or DEL. */
static inline uint64_t json_word_control(uint64_t word)
{
    return (((word - JSON_WORD_ONES * 0x20) & ~word) & JSON_WORD_HIGHS) |
           json_word_zero(word ^ JSON_WORD_ONES * 0x7f);
}

/* A quote or a bracket of any kind: '[' and '{' differ in bit 5 alone, and so do ']' and '}'. */
static inline uint64_t json_word_bracket(uint64_t word)
{
    uint64_t folded = word | JSON_WORD_ONES * 0x20;
    return json_word_zero(word ^ JSON_WORD_ONES * '"') |
           json_word_zero(folded ^ JSON_WORD_ONES * '{') |
           json_word_zero(folded ^ JSON_WORD_ONES * '}');
}

#endif /* SDK_JSON_WORD_H */
