/* SPDX-License-Identifier: MIT */
/* A loop's share in taking connections. All loops ask the same sockets; one that holds clearly more
 * than its share stops asking until it does not. [loop] unless marked. */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <stdatomic.h>

#include "loop/loop.h"
#include "server/listener.h"

struct gate;

struct acceptor;

struct door { /* one listening socket, as one loop watches it */
    struct watch watch;
    struct acceptor *acceptor;
};

struct acceptor {
    CACHE_ALIGNED _Atomic unsigned conn_count; /* written by its loop, read by all */
    _Atomic bool resting;                      /* it holds too many */
    _Atomic bool nudged;                       /* `nudge` is under way */
    CACHE_ALIGNED struct gate *gate;
    struct listener *listener; /* of all loops */
    struct acceptor *const *all;
    unsigned all_count;
    struct door doors[LISTENER_SOCKETS_MAX];
    struct message nudge; /* from a loop that took one: look again whether you hold too many */
    struct timer retry;
    bool asking, exhausted, closed;
};

/* The caller has set gate, listener, all and all_count. Does not ask yet. [init] */
void acceptor_init(struct acceptor *a);

/* [init] or [loop] Asks for connections, if it may. */
void acceptor_update(struct acceptor *a);

/* Counts one connection of its loop. */
void acceptor_add(struct acceptor *a);
void acceptor_remove(struct acceptor *a);

/* [any] Its loop looks at the sockets again: another process that shared them has ended, and may have had
 * the wake-up for what waits there. */
void acceptor_look_again(struct acceptor *a);

/* Takes what has already connected, unless that is left to another process, and stops for good. The last
 * acceptor closes the sockets. */
void acceptor_close(struct acceptor *a);
/* The loop does not run: what waits could only be reset here, and there may be another process for it. */
void acceptor_release(struct acceptor *a);

#endif
