/* SPDX-License-Identifier: MIT */
/* Lines of the log between the thread that writes them, which may be one of ours, and the
 * application's function, which must not run there. Bounded: what finds no room is counted. */
#ifndef CLIENT_SINK_H
#define CLIENT_SINK_H

#include <pthread.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/log.h"

struct sink {
    pthread_mutex_t lock; /* a log line comes from any thread, also while the client is locked */
    struct buf waiting;   /* level, length, text */
    unsigned lost;
    void (*wake)(void *owner); /* [any] the first line waits; NULL: nobody is to be woken */
    void *owner;
};

void sink_init(struct sink *sink, void *owner);
void sink_release(struct sink *sink);
/* Once the owner can be woken. */
void sink_set_wake(struct sink *sink, void (*wake)(void *owner));

/* For log_init_sink(). [any] */
void sink_add(void *context, enum log_level level, harborai_str line);

/* Moves what waits to `to`, which is empty. False: nothing waits. [any] */
bool sink_take(struct sink *sink, struct buf *to);
/* The next of them, from *left on. False: that was all. [any] */
bool sink_next(harborai_str *left, int *ret_level, harborai_str *ret_line);

#endif
