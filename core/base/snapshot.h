/* SPDX-License-Identifier: MIT */
/* Copy-on-write: immutable objects behind one atomic pointer, read without a lock or a shared
 * count, freed by the writer once every reader has passed a quiescent point.
 *
 * Readers are the loops. A loop is *online* during a pass and *offline* while it sleeps; what it
 * got from snapshot_get() is valid until it next passes a quiescent point, so nothing of a snapshot
 * outlives a pass. There is one writer at a time, the keeper.
 *
 * The epoch store, the pointer load and the pointer exchange are all sequentially consistent: with
 * acquire and release the load may pass the epoch store, on x86 too, and reads freed memory. */
#ifndef BASE_SNAPSHOT_H
#define BASE_SNAPSHOT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/limits.h"

struct epoch_reader {
    CACHE_ALIGNED _Atomic uint64_t seen; /* 0 = offline */
};

struct epoch {
    CACHE_ALIGNED _Atomic uint64_t now;
    struct epoch_reader readers[LIMIT_LOOPS];
};

void epoch_init(struct epoch *e);

/* [reader] A quiescent point: nothing that was read before is used any more. */
static inline void epoch_online(struct epoch *e, unsigned reader)
{
    atomic_store(&e->readers[reader].seen, atomic_load(&e->now));
}

/* [reader] A quiescent point that lasts until epoch_online(). */
static inline void epoch_offline(struct epoch *e, unsigned reader)
{
    atomic_store(&e->readers[reader].seen, 0);
}

/* [writer] Waits until every reader has passed a quiescent point. Never on a loop. */
void epoch_synchronize(struct epoch *e);

struct snapshot {
    _Atomic(const void *) current;
};

/* [reader & online] Borrowed until the reader's next quiescent point. */
static inline const void *snapshot_get(const struct snapshot *s)
{
    return atomic_load(&((struct snapshot *)(uintptr_t)s)->current);
}

/* [writer] Publishes `next` and returns the one before it, which may be freed after
 * epoch_synchronize(). */
static inline const void *snapshot_publish(struct snapshot *s, const void *next)
{
    return atomic_exchange(&s->current, next);
}

#endif
