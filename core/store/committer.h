/* SPDX-License-Identifier: MIT */
/* A thread that writes for a loop what may take long: one job at a time. It is started by the first
 * one and sleeps between them. */
#ifndef STORE_COMMITTER_H
#define STORE_COMMITTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct committer_job {
    void (*run)(struct committer_job *job);  /* [committer] */
    void (*done)(struct committer_job *job); /* [committer] behind it, when the next may be submitted */
};

struct committer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool is_ready, has_thread, is_closing;
    struct committer_job *job; /* borrowed, under the lock; NULL = none is under way */
};

/* [loop] The job lives until `done`. False: there is no thread to be had. */
MUST_CHECK bool committer_submit(struct committer *c, struct committer_job *job);

/* [loop] Waits for the job under way, at most limit_ns, and ends the thread. False: it hangs on;
 * then nothing that it uses may be freed. Accepts a zeroed committer. */
bool committer_close(struct committer *c, int64_t limit_ns);

#endif
