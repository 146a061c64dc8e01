/* SPDX-License-Identifier: MIT */
/* Where the compiler knows no instruction for it. */
#include "base/crc32c.h"

uint32_t crc32c(uint32_t before, harborai_str text)
{
    return crc32c_by_table(before, text);
}
