/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli, reflected; as of iSCSI, ext4 and Kafka): tells a line that was
 * damaged on a disk from one that was not. It proves nothing against somebody who wants to deceive. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stdint.h>

#include "base/slice.h"

/* [any] Of the bytes that `before` is of, followed by `text`; 0 = of no bytes. */
uint32_t crc32c(uint32_t before, harborai_str text);

/* [any] The same, without what only some processors have. */
uint32_t crc32c_by_table(uint32_t before, harborai_str text);

#endif
