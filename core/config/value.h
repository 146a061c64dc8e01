/* SPDX-License-Identifier: MIT */
/* Values as people write them: durations and sizes. Exact or refused, never rounded. [any] */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/attr.h"
#include "base/slice.h"

/* "500ms", "10s", "1.5m", "2h", or a number of seconds. False: it is none, or no whole ms. */
bool value_parse_duration_ms(harborai_str text, int64_t *ret_ms);

/* "32MiB", "64KiB", "1GiB", or a number of bytes. */
bool value_parse_size(harborai_str text, int64_t *ret_bytes);

/* The same way back, in the largest unit that is exact. 32 bytes are enough. */
void value_format_duration_ms(int64_t ms, char *text, size_t size);
void value_format_size(int64_t bytes, char *text, size_t size);

#endif
