/* SPDX-License-Identifier: MIT */
/* A set of calls by hashes of their keys, which HarborAI makes itself: that two calls under way have
 * the same is as good as impossible, and would seal a segment one call too early. [loop] */
#ifndef STORE_KEY_SET_H
#define STORE_KEY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct key_set {
    uint64_t *table; /* owned; 0 = free; a power of two, at most half of it taken */
    size_t places, count;
};

void key_set_release(struct key_set *set); /* a zeroed one too */

/* Makes room for `more` keys, so that key_set_add() cannot fail for them. False: no memory. */
MUST_CHECK bool key_set_reserve(struct key_set *set, size_t more);

/* There is room for it, or it is there. `key` is not 0. */
void key_set_add(struct key_set *set, uint64_t key);
bool key_set_has(const struct key_set *set, uint64_t key);
void key_set_remove(struct key_set *set, uint64_t key); /* if it is there */

#endif
