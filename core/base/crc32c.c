/* SPDX-License-Identifier: MIT */
/* On any machine: eight bytes at a time by eight tables ("slicing by 8"). The checksum is linear, so that the tables
 * follow from their rows for single bits: the compiler makes them of those. */
#include "base/crc32c.h"

/* The checksum of the byte `i`, and of it with 1 … 7 zero bytes behind it. */
#define BIT(i, b, row) ((uint32_t)-((uint32_t)(i) >> (b)&1) & (row))
#define ROW(i, a, b, c, d, e, f, g, h)                                                             \
    BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^      \
        BIT(i, 6, g) ^ BIT(i, 7, h)
#define ROWS_4(i, ...)                                                                             \
    ROW(i, __VA_ARGS__), ROW((i) + 1, __VA_ARGS__), ROW((i) + 2, __VA_ARGS__),                     \
        ROW((i) + 3, __VA_ARGS__)
#define ROWS_16(i, ...)                                                                            \
    ROWS_4(i, __VA_ARGS__), ROWS_4((i) + 4, __VA_ARGS__), ROWS_4((i) + 8, __VA_ARGS__),            \
        ROWS_4((i) + 12, __VA_ARGS__)
#define ROWS_64(i, ...)                                                                            \
    ROWS_16(i, __VA_ARGS__), ROWS_16((i) + 16, __VA_ARGS__), ROWS_16((i) + 32, __VA_ARGS__),       \
        ROWS_16((i) + 48, __VA_ARGS__)
#define ROWS(...)                                                                                  \
    ROWS_64(0, __VA_ARGS__), ROWS_64(64, __VA_ARGS__), ROWS_64(128, __VA_ARGS__),                  \
        ROWS_64(192, __VA_ARGS__)

static const uint32_t tables[8][256] = {
    {ROWS(0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, 0x105ec76fu, 0x20bd8edeu, 0x417b1dbcu, 0x82f63b78u)},
    {ROWS(0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u, 0x3fc5f181u, 0x7f8be302u, 0xff17c604u, 0xfbc3faf9u)},
    {ROWS(0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u, 0x70a27d8au, 0xe144fb14u, 0xc76580d9u, 0x8b277743u)},
    {ROWS(0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u, 0xe964b13du, 0xd725148bu, 0xaba65fe7u, 0x52a0c93fu)},
    {ROWS(0x38116facu, 0x7022df58u, 0xe045beb0u, 0xc5670b91u, 0x8f2261d3u, 0x1ba8b557u, 0x37516aaeu, 0x6ea2d55cu)},
    {ROWS(0xef306b19u, 0xdb8ca0c3u, 0xb2f53777u, 0x6006181fu, 0xc00c303eu, 0x85f4168du, 0x0e045bebu, 0x1c08b7d6u)},
    {ROWS(0x68032cc8u, 0xd0065990u, 0xa5e0c5d1u, 0x4e2dfd53u, 0x9c5bfaa6u, 0x3d5b83bdu, 0x7ab7077au, 0xf56e0ef4u)},
    {ROWS(0x493c7d27u, 0x9278fa4eu, 0x211d826du, 0x423b04dau, 0x847609b4u, 0x0d006599u, 0x1a00cb32u, 0x34019664u)},
};

/* Whatever the machine's byte order is: the first byte is the lowest. */
static uint32_t load(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t add_eight(uint32_t crc, const unsigned char *at)
{
    uint32_t low = crc ^ load(at), high = load(at + 4);
    return tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
           tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
           tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
}

uint32_t crc32c_by_table(uint32_t before, harborai_str text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t left = text.len;
    uint32_t crc = ~before;
    for (; left >= 8; left -= 8, at += 8)
        crc = add_eight(crc, at);
    for (; left > 0; left--, at++)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}
