/* SPDX-License-Identifier: MIT */
/* Characters of UTF-8. [any] */
#ifndef CONFIG_CHARACTER_H
#define CONFIG_CHARACTER_H

#include <stdbool.h>

#include "base/slice.h"

/* How many bytes the character at `at` has; 0: it is none, or a control character below U+0020.
 * RFC 3629, 4. */
size_t character_len(harborai_str text, size_t at);

/* Whether the character at `at` is one that terminals obey: C0, DEL and C1 (ECMA-48, 5). */
bool character_is_control(harborai_str text, size_t at);

#endif
