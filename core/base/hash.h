/* SPDX-License-Identifier: MIT */
/* A hash of short names for tables that one process builds and reads. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>
#include <string.h>

#include "base/slice.h"

/* Eight bytes at a time, mixed by a 64x64 multiplication: a few ns for a model's name. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_slice(harborai_str text, uint64_t seed)
{
    const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = seed ^ (text.len * k), word;
    size_t at = 0;
    for (; at + 8 <= text.len; at += 8) {
        memcpy(&word, text.data + at, 8);
        hash = hash_mix(hash ^ word, k);
    }
    word = 0;
    if (at < text.len)
        memcpy(&word, text.data + at, text.len - at);
    return hash_mix(hash ^ word, k ^ text.len);
}

#endif
