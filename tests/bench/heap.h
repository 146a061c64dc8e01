/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HEAP_H
#define BENCH_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* A timer that lives inside its owner. `slot` is its place in the heap plus one, 0 when unset. */
struct heap_timer {
    uint64_t due_ns;
    size_t slot;
};

/* The timers that are set, earliest first. Zeroed is empty. */
struct heap {
    struct heap_timer **slots;
    size_t count, capacity;
};

/* Sets the timer, which must be unset. Exits when memory is short. */
void heap_set(struct heap *heap, struct heap_timer *timer, uint64_t due_ns);

/* Unsets the timer; does nothing if it is unset. */
void heap_unset(struct heap *heap, struct heap_timer *timer);

/* The earliest timer, still set, or NULL. */
struct heap_timer *heap_first(const struct heap *heap);

#endif
