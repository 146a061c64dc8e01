/* SPDX-License-Identifier: MIT */
/* By the instruction that x86 processors have for it since SSE4.2, four times as fast as by tables.
 * Must never use it on a processor without. */
#include <nmmintrin.h>
#include <string.h>

#include "base/crc32c.h"

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t before, harborai_str text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t left = text.len;
    uint64_t crc = ~before;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t eight;
        memcpy(&eight, at, sizeof eight);
        crc = _mm_crc32_u64(crc, eight);
    }
    for (; left > 0; left--, at++)
        crc = _mm_crc32_u8((uint32_t)crc, *at);
    return ~(uint32_t)crc;
}

uint32_t crc32c(uint32_t before, harborai_str text)
{
    if (__builtin_cpu_supports("sse4.2"))
        return by_instruction(before, text);
    return crc32c_by_table(before, text);
}
