/* SPDX-License-Identifier: MIT */
/* What crosses threads: a queue that any thread may push to and one thread empties, whole. No
 * lock, no allocation; the link lies in the pushed object. Order of one thread's pushes is kept. */
#ifndef BASE_MPSC_H
#define BASE_MPSC_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"

struct mpsc_item {
    struct mpsc_item *next;
};

struct mpsc {
    _Atomic(struct mpsc_item *) newest;
};

/* [any] True if the queue was empty: then the reader has to be woken. */
bool mpsc_push(struct mpsc *queue, struct mpsc_item *item);

/* [the reader] Everything that was pushed, oldest first, as a chain of `next`; NULL if nothing. */
struct mpsc_item *mpsc_take_all(struct mpsc *queue);

#endif
