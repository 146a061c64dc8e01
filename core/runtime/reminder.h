/* SPDX-License-Identifier: MIT */
/* Something that a job thread has to do at a moment to come. Lies in its owner's object. */
#ifndef RUNTIME_REMINDER_H
#define RUNTIME_REMINDER_H

#include <stdatomic.h>

#include "loop/jobs.h"
#include "loop/loop.h"

struct reminder {
    struct loop *loop; /* whose timer it is; it runs, or is turned, or nothing comes */
    struct jobs *jobs; /* one thread */
    void (*run)(struct reminder *reminder); /* [job] */

    /* Its own. */
    _Atomic int64_t at_ns;
    atomic_bool is_posted, is_submitted;
    struct message message;
    struct timer timer;
    struct job job;
};

/* Borrows both. [init] */
void reminder_init(struct reminder *reminder, struct loop *loop, struct jobs *jobs,
                   void (*run)(struct reminder *reminder));

/* Monotonic; again moves it; 0 = not any more, but a run that is on its way may still come. [any] */
void reminder_set(struct reminder *reminder, int64_t at_ns);

#endif
