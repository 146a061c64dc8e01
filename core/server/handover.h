/* SPDX-License-Identifier: MIT */
/* The running gateway's part of an upgrade (takeover.h), behind its control socket. Nothing changes here
 * until the other gateway has said that it is ready. [loop] unless marked. */
#ifndef SERVER_HANDOVER_H
#define SERVER_HANDOVER_H

#include "loop/loop.h"
#include "server/acceptor.h"

struct control;
struct gate;

struct handover {
    struct control *control;
    struct gate *gate; /* the control socket's */
    struct acceptor *const *acceptors; /* of the sockets that clients connect to */
    unsigned acceptor_count;
    int handed_fd; /* an eventfd: written when another gateway has the sockets */

    struct watch other; /* the connection to that gateway */
    struct timer patience;
    int64_t until_ns;
    long long process; /* that gateway; 0 = not to be told */
    _Atomic long long successor; /* the same once it has the sockets, for other threads */
};

/* The first members were set by the caller. [init] */
void handover_init(struct handover *handover);
/* The loop does not run. */
void handover_release(struct handover *handover);

#endif
