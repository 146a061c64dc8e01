/* SPDX-License-Identifier: MIT */
/* The calls of a segment that have begun and not ended: a table that grows with their number, not with
 * the segment. [any, one at a time] */
#ifndef STORE_OPEN_CALLS_H
#define STORE_OPEN_CALLS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

/* Where its last begin line stands. */
struct open_call {
    uint64_t key[2];  /* hashes of its key; both 0: free */
    uint64_t offset;
    size_t len;
    int64_t begin_ns; /* its own; of older versions its first attempt's */
};

struct open_calls {
    struct open_call *slots; /* owned */
    size_t capacity, count;  /* a power of two, or 0; how many are taken */
};

/* Adds it, or returns the one that is there. NULL: no memory. Borrowed until the next change. */
struct open_call *open_calls_put(struct open_calls *calls, harborai_str key);
void open_calls_remove(struct open_calls *calls, harborai_str key);

/* Puts them into the first `count` slots, in the order of their lines; then they can only be read. */
void open_calls_sort(struct open_calls *calls);
void open_calls_release(struct open_calls *calls);

#endif
