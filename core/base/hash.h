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

/* The last bytes are read as a whole word that overlaps the one before: a copy of a length that is
 * not known would cost more than all the rest. */
static inline uint64_t hash_slice(harborai_str text, uint64_t seed)
{
    const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = seed ^ (text.len * k), word = 0;
    const char *at = text.data;
    size_t left = text.len;
    for (; left > 8; left -= 8, at += 8) {
        memcpy(&word, at, 8);
        hash = hash_mix(hash ^ word, k);
    }
    if (text.len >= 8)
        memcpy(&word, text.data + text.len - 8, 8);
    else
        for (word = 0; left > 0; left--)
            word = word << 8 | (unsigned char)*at++;
    return hash_mix(hash ^ word, k ^ text.len);
}

#endif
