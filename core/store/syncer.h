/* SPDX-License-Identifier: MIT */
/* A thread that puts files on the disk a while after they were written to (fdatasync), so that a machine
 * that loses power loses no more than that while. It is started by the first file and sleeps while there
 * is nothing to do. Nobody waits for it. */
#ifndef STORE_SYNCER_H
#define STORE_SYNCER_H

#include <pthread.h>
#include <stdint.h>

#include "base/buf.h"

struct syncer {
    /* [syncer] The disk told of a failure; at most once until it works again. Set before the first file. */
    void (*on_failure)(void *context, const char *path, int reason);
    void *context;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool is_ready, has_thread, is_closing, is_busy;
    bool has_failed;      /* the thread's */
    struct buf files;     /* paths, each with a mark before it and a NUL behind; under the lock */
    uint64_t round;       /* how often the thread took them, from 1 */
    int64_t due_ns;       /* when it takes them next, monotonic */
};

/* [loop] The file was written to, and is to be on the disk in `delay_ns`, with its name if that is new.
 * *round is 0 at first and the caller's to keep with the file: it tells quickly that nothing is to be
 * done. False: there is no thread, or no memory, to be had. */
bool syncer_note(struct syncer *s, const char *path, bool is_new, int64_t delay_ns, uint64_t *round);

/* [loop] Has what is left done at once, waits for it at most limit_ns, and ends the thread. False: it
 * hangs in the disk; then the syncer must not be freed. Accepts a zeroed one. */
bool syncer_close(struct syncer *s, int64_t limit_ns);

#endif
