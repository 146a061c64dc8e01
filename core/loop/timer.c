/* SPDX-License-Identifier: MIT */
/* A binary heap by moment. A timer knows its place, so that it is moved or cleared in O(log n). */
#include "loop/timer.h"

#include <stdlib.h>

static void put(struct timer_heap *heap, size_t at, struct timer *timer)
{
    heap->items[at] = timer;
    timer->place = at + 1;
}

static void sift_up(struct timer_heap *heap, size_t at, struct timer *timer)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (heap->items[parent]->at_ns <= timer->at_ns)
            break;
        put(heap, at, heap->items[parent]);
        at = parent;
    }
    put(heap, at, timer);
}

static void sift_down(struct timer_heap *heap, size_t at, struct timer *timer)
{
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap->items[child + 1]->at_ns < heap->items[child]->at_ns)
            child++;
        if (timer->at_ns <= heap->items[child]->at_ns)
            break;
        put(heap, at, heap->items[child]);
        at = child;
    }
    put(heap, at, timer);
}

static void settle(struct timer_heap *heap, size_t at, struct timer *timer)
{
    if (at > 0 && heap->items[(at - 1) / 2]->at_ns > timer->at_ns)
        sift_up(heap, at, timer);
    else
        sift_down(heap, at, timer);
}

static harborai_status grow(struct timer_heap *heap)
{
    size_t capacity = heap->capacity > 0 ? heap->capacity * 2 : 64;
    struct timer **items = reallocarray(heap->items, capacity, sizeof *items);
    if (items == NULL)
        return HARBORAI_E_MEMORY;
    heap->items = items;
    heap->capacity = capacity;
    return HARBORAI_OK;
}

harborai_status timer_heap_set(struct timer_heap *heap, struct timer *timer, int64_t at_ns)
{
    if (timer->place == 0) {
        if (heap->count == heap->capacity && grow(heap) < 0)
            return HARBORAI_E_MEMORY;
        timer->at_ns = at_ns;
        sift_up(heap, heap->count++, timer);
    } else {
        timer->at_ns = at_ns;
        settle(heap, timer->place - 1, timer);
    }
    return HARBORAI_OK;
}

void timer_heap_clear(struct timer_heap *heap, struct timer *timer)
{
    if (timer->place == 0)
        return;
    size_t at = timer->place - 1;
    struct timer *last = heap->items[--heap->count];
    timer->place = 0;
    if (last != timer)
        settle(heap, at, last);
}

void timer_heap_release(struct timer_heap *heap)
{
    free(heap->items);
    *heap = (struct timer_heap){0};
}
