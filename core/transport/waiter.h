/* SPDX-License-Identifier: MIT */
/* One who waits on a loop for what a job thread brings: an address, a parsed file. */
#ifndef TRANSPORT_WAITER_H
#define TRANSPORT_WAITER_H

#include "base/attr.h"
#include "base/list.h"
#include "loop/loop.h"

/* What an ask function returns when the answer comes later, by on_done. */
#define WAITER_PENDING 1

/* Lies in the asker's object, which lives until on_done has run or cancelling returned true. */
struct waiter {
    struct list link; /* among those who wait for the same; under the lock of what is awaited */
    struct message message;
    struct loop *loop; /* set by the asker */
    void (*on_done)(struct waiter *waiter); /* [loop] set by the asker */
    harborai_status status; /* how it ended; below zero `error` says why */
    harborai_error error;
};

/* The lock of `waiters` is held. Empties the list: each is told on its own loop. `error` is copied
 * when status is below zero. */
void waiter_finish_all(struct list *waiters, harborai_status status, const harborai_error *error);

#endif
