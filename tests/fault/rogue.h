/* SPDX-License-Identifier: MIT */
/* What the files of `rogue` share: the state of a call, the tables of behaviours, one a file, and
 * what many of them do. */
#ifndef TESTS_FAULT_ROGUE_H
#define TESTS_FAULT_ROGUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fault.h"

enum { THREADS = 4 };

struct rogue { /* harborai_call.state */
    harborai_provider *provider;
    harborai_call *call;
    const struct behaviour *behaviour;
    void *owned; /* by malloc(): whoever forgets on_release() leaks it */
    pthread_t threads[THREADS];
    unsigned thread_count;
    atomic_uint threads_left;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool paused, cancelled, resumed;
    unsigned wakes, errors, events, ends;
};

struct behaviour {
    const char *model;
    harborai_status (*chat)(struct rogue *r, harborai_error *error);
    void (*on_end)(struct rogue *r);
    harborai_status (*map_error)(struct rogue *r, harborai_error *error);
    void (*on_wake)(struct rogue *r);
    void (*on_release)(struct rogue *r);
};

/* By their models' names; the last one has none. */
extern const struct behaviour rogue_ends[], rogue_exchanges[], rogue_pressure[], rogue_threads[];

/* Logs "BROKEN" if the host does not keep a promise. */
void rogue_expect(struct rogue *r, bool holds, const char *what);
#define EXPECT(condition) rogue_expect(r, (condition), #condition)

harborai_status rogue_say(struct rogue *r, const char *text);
harborai_status rogue_tell_usage(struct rogue *r, int64_t output);
harborai_status rogue_start(struct rogue *r, uint32_t response_kind, harborai_error *error);
harborai_status rogue_fail(harborai_error *error);

/* What the host answers of a call that has ended. */
void rogue_after_the_end(struct rogue *r);

/* On a thread of the call's own, which has to unhold() it; on_release() joins the thread. */
void rogue_begin_thread(struct rogue *r, void *(*run)(void *));

#endif
