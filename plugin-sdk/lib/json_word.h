/* SPDX-License-Identifier: MIT */
/* Many bytes of text at a time. Private to plugin-sdk/lib and core/wire.
 *
 * Each test of 8 bytes gives a word whose lowest set bit lies in the first byte that was looked for; bits
 * above it mean nothing, because a subtraction may borrow from the byte below. 0 = no such byte. */
#ifndef SDK_JSON_WORD_H
#define SDK_JSON_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* 16 or 64 bytes: a set bit for each that was looked for, the lowest for the first byte. */
enum { JSON_BLOCK = 16, JSON_CHUNK = 64 };

typedef unsigned char json_block __attribute__((vector_size(JSON_BLOCK)));

static inline json_block json_block_load(const unsigned char *p)
{
    json_block block;
    memcpy(&block, p, sizeof block);
    return block;
}

static inline size_t json_bits_first(uint64_t bits)
{
    return (size_t)__builtin_ctzll(bits);
}

/* The highest bit of each byte. */
static inline uint64_t json_block_bits(json_block block)
{
#ifdef __SSE2__
    return (uint64_t)_mm_movemask_epi8((__m128i)block);
#else
    const uint64_t gather = UINT64_C(0x0002040810204081); /* bit 8 i + 7 to bit 56 + i */
    typedef uint64_t words __attribute__((vector_size(JSON_BLOCK)));
    words halves = (words)block & JSON_WORD_HIGHS;
    unsigned char bytes[JSON_BLOCK];
    if ((halves[0] | halves[1]) == 0)
        return 0;
    memcpy(bytes, &halves, sizeof bytes);
    uint64_t low = json_word_load(bytes), high = json_word_load(bytes + 8);
    return (low * gather >> 56) | (high * gather >> 56) << 8;
#endif
}

/* A quote, a backslash, a control character, or a byte of a character beyond ASCII: what has the highest
 * bit, or gets it. With bit 1 turned round a quote is 0x20 and next to the control characters. */
static inline uint64_t json_block_special(const unsigned char *p)
{
    json_block block = json_block_load(p);
    return json_block_bits(((block ^ 0x02) - 0x21) | block | (json_block)(block == '\\'));
}

static inline uint64_t json_chunk_special(const unsigned char *p)
{
    return json_block_special(p) | json_block_special(p + 16) << 16 |
           json_block_special(p + 32) << 32 | json_block_special(p + 48) << 48;
}

/* A quote or a backslash. */
static inline uint64_t json_block_quote(const unsigned char *p)
{
    json_block block = json_block_load(p);
    return json_block_bits((json_block)(block == '"') | (json_block)(block == '\\'));
}

static inline uint64_t json_chunk_quote(const unsigned char *p)
{
    return json_block_quote(p) | json_block_quote(p + 16) << 16 | json_block_quote(p + 32) << 32 |
           json_block_quote(p + 48) << 48;
}

/* Of JSON_CHUNK bytes which are quotes, backslashes and brackets; those of either kind differ in bit 5
 * alone. */
struct json_marks {
    uint64_t quotes, backslashes, opening, closing;
};

static inline struct json_marks json_chunk_marks(const unsigned char *p)
{
    struct json_marks marks = {0, 0, 0, 0};
    for (unsigned at = 0; at < JSON_CHUNK; at += JSON_BLOCK) {
        json_block block = json_block_load(p + at), folded = block | 0x20;
        marks.quotes |= json_block_bits((json_block)(block == '"')) << at;
        marks.backslashes |= json_block_bits((json_block)(block == '\\')) << at;
        marks.opening |= json_block_bits((json_block)(folded == '{')) << at;
        marks.closing |= json_block_bits((json_block)(folded == '}')) << at;
    }
    return marks;
}

/* From each odd bit to before the next one: of quotes, what is inside of texts. */
static inline uint64_t json_bits_between(uint64_t bits)
{
    for (unsigned by = 1; by < 64; by *= 2)
        bits ^= bits << by;
    return bits;
}

/* A control character: below 0x20, or DEL. */
static inline uint64_t json_word_control(uint64_t word)
{
    return (((word - JSON_WORD_ONES * 0x20) & ~word) & JSON_WORD_HIGHS) |
           json_word_zero(word ^ JSON_WORD_ONES * 0x7f);
}

#endif /* SDK_JSON_WORD_H */
