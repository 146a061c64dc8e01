/* SPDX-License-Identifier: MIT */
/* held: bytes that a decoder keeps from one feed to the next. Private to plugin-sdk/lib. */
#ifndef SDK_HELD_H
#define SDK_HELD_H

#include <stdbool.h>

#include <harborai/types.h>

#pragma GCC visibility push(hidden)

struct held { /* zeroed is empty */
    char *data;
    size_t len, capacity;
};

/* False: out of memory, and nothing changed. */
bool held_add(struct held *h, harborai_str bytes);
/* Empty; gives memory back only if it is much, since the next event will need a little again. */
void held_clear(struct held *h);
void held_release(struct held *h);

static inline harborai_str held_str(const struct held *h)
{
    harborai_str bytes = {h->data, h->len};
    return bytes;
}

#pragma GCC visibility pop
#endif /* SDK_HELD_H */
