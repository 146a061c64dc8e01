/* SPDX-License-Identifier: MIT */
/* A binary heap of timers, so that thousands of paced streams cost the upstream next to nothing. */
#include "tests/bench/heap.h"

#include <stdlib.h>

#include "tests/bench/args.h"

static void slot_put(struct heap *heap, size_t at, struct heap_timer *timer)
{
    heap->slots[at] = timer;
    timer->slot = at + 1;
}

static void sift_up(struct heap *heap, size_t at, struct heap_timer *timer)
{
    while (at > 0 && heap->slots[(at - 1) / 2]->due_ns > timer->due_ns) {
        slot_put(heap, at, heap->slots[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    slot_put(heap, at, timer);
}

static void sift_down(struct heap *heap, size_t at, struct heap_timer *timer)
{
    for (size_t child; (child = at * 2 + 1) < heap->count; at = child) {
        if (child + 1 < heap->count &&
            heap->slots[child + 1]->due_ns < heap->slots[child]->due_ns)
            child++;
        if (heap->slots[child]->due_ns >= timer->due_ns)
            break;
        slot_put(heap, at, heap->slots[child]);
    }
    slot_put(heap, at, timer);
}

void heap_set(struct heap *heap, struct heap_timer *timer, uint64_t due_ns)
{
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity ? heap->capacity * 2 : 64;
        heap->slots = realloc(heap->slots, heap->capacity * sizeof(struct heap_timer *));
        if (!heap->slots)
            args_die("out of memory for %zu timers", heap->capacity);
    }
    timer->due_ns = due_ns;
    sift_up(heap, heap->count++, timer);
}

void heap_unset(struct heap *heap, struct heap_timer *timer)
{
    if (timer->slot == 0)
        return;
    size_t at = timer->slot - 1;
    struct heap_timer *last = heap->slots[--heap->count];
    timer->slot = 0;
    if (last == timer)
        return;
    if (at > 0 && heap->slots[(at - 1) / 2]->due_ns > last->due_ns)
        sift_up(heap, at, last);
    else
        sift_down(heap, at, last);
}

struct heap_timer *heap_first(const struct heap *heap)
{
    return heap->count > 0 ? heap->slots[0] : NULL;
}
