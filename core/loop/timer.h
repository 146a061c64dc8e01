/* SPDX-License-Identifier: MIT */
/* Timers of one loop: a binary heap of pointers to timers that lie in their owners' objects. */
#ifndef LOOP_TIMER_H
#define LOOP_TIMER_H

#include <stddef.h>
#include <stdint.h>

#include <harborai/types.h>

#include "base/attr.h"

struct timer {
    int64_t at_ns;
    size_t place; /* index in the heap + 1; 0 = not set */
    void (*on_due)(struct timer *timer);
};

struct timer_heap {
    struct timer **items;
    size_t count, capacity;
};

void timer_heap_release(struct timer_heap *heap);

/* Sets or moves. E_MEMORY only when a new one finds no room. */
MUST_CHECK harborai_status timer_heap_set(struct timer_heap *heap, struct timer *timer,
                                          int64_t at_ns);
void timer_heap_clear(struct timer_heap *heap, struct timer *timer);

/* The earliest; NULL if none. */
static inline struct timer *timer_heap_first(const struct timer_heap *heap)
{
    return heap->count > 0 ? heap->items[0] : NULL;
}

static inline int timer_is_set(const struct timer *timer)
{
    return timer->place != 0;
}

#endif
