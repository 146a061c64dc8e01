/* SPDX-License-Identifier: MIT */
/* What was said already: a set of hashes that only grows, of a fixed size, for lines of the log that
 * are of use once. Any thread, without a lock. A zeroed one is empty. */
#ifndef BASE_ONCE_H
#define BASE_ONCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { ONCE_MOST = 256 };

struct once {
    _Atomic uint64_t hash[ONCE_MOST]; /* 0 = free */
};

/* Whether this is the first time, for exactly one of those who ask; false, too, when there is no
 * room. [any] */
bool once_is_first(struct once *once, uint64_t hash);

#endif
