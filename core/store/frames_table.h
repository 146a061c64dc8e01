/* SPDX-License-Identifier: MIT */
/* The table at the end of a file of frames, in bytes; all numbers with their lowest byte first:
 *
 *     FRAMES_SKIPPABLE  length  (packed  plain)…  count  0  FRAMES_MAGIC      of 4 bytes, the 0 of 1
 *
 * Source: contrib/seekable_format/zstd_seekable_compression_format.md of zstd, version 0.1.0. */
#ifndef STORE_FRAMES_TABLE_H
#define STORE_FRAMES_TABLE_H

#include <stdint.h>

#define FRAMES_SKIPPABLE 0x184D2A5Eu
#define FRAMES_MAGIC 0x8F92EAB1u
enum { FRAMES_HEAD = 8, FRAMES_ENTRY = 8, FRAMES_FOOT = 9 };

static inline uint32_t frames_get32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline void frames_put32(unsigned char *bytes, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
}

#endif
