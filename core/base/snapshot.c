/* SPDX-License-Identifier: MIT */
/* The writer's side of copy-on-write: the grace period. */
#include "base/snapshot.h"

#include <time.h>

#define POLL_NS 50000 /* the writer is on no request's path */

void epoch_init(struct epoch *e)
{
    atomic_init(&e->now, 1);
    for (unsigned i = 0; i < LIMIT_LOOPS; i++)
        atomic_init(&e->readers[i].seen, 0);
}

void epoch_synchronize(struct epoch *e)
{
    uint64_t target = atomic_fetch_add(&e->now, 1) + 1;
    for (unsigned i = 0; i < LIMIT_LOOPS; i++) {
        for (;;) {
            uint64_t seen = atomic_load(&e->readers[i].seen);
            if (seen == 0 || seen >= target)
                break;
            nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
        }
    }
}
