/* SPDX-License-Identifier: MIT */
/* A stack that is pushed by compare-and-swap and taken whole by one exchange (so there is no ABA),
 * then reversed into the order of arrival. */
#include "base/mpsc.h"

#include <stddef.h>

bool mpsc_push(struct mpsc *queue, struct mpsc_item *item)
{
    struct mpsc_item *newest = atomic_load_explicit(&queue->newest, memory_order_relaxed);
    do {
        item->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&queue->newest, &newest, item,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return newest == NULL;
}

struct mpsc_item *mpsc_take_all(struct mpsc *queue)
{
    if (atomic_load_explicit(&queue->newest, memory_order_relaxed) == NULL)
        return NULL;
    /* Released, too: whoever finds the queue empty may use again what the reader has had. */
    struct mpsc_item *item = atomic_exchange_explicit(&queue->newest, NULL, memory_order_acq_rel);
    struct mpsc_item *oldest = NULL;
    while (item != NULL) {
        struct mpsc_item *next = item->next;
        item->next = oldest;
        oldest = item;
        item = next;
    }
    return oldest;
}
