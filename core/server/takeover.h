/* SPDX-License-Identifier: MIT */
/* An upgrade: a gateway takes the listening sockets of the one that runs on the same state directory.
 *
 *     new                                          old (handover.h)
 *     POST /takeover, Upgrade: harborai-takeover/1
 *                                                  101, with the lock of the control socket, that socket
 *                                                  and the sockets that clients connect to
 *     … takes connections, as the old one still does …
 *     ready
 *                                                  done: takes no more, answers what it has, and ends
 *
 * In place of `done`: `late`, the old one goes on as if nothing had been; `ending`, it was told to end
 * meanwhile and takes the control socket's name with it; nothing, it died. A connection that ends before
 * `ready`, or 10 s without it, have the old one go on. So at each moment there is one that serves. */
#ifndef SERVER_TAKEOVER_H
#define SERVER_TAKEOVER_H

#include <sys/types.h>

#include "server/fd_pass.h"

#define TAKEOVER_PROTOCOL "harborai-takeover/1"
#define TAKEOVER_READY "ready\n"
#define TAKEOVER_DONE "done\n"
#define TAKEOVER_LATE "late\n"
#define TAKEOVER_ENDING "ending\n"

enum { TAKEOVER_LIMIT_S = 10 }; /* from the sockets to `ready` */

/* Of those that are passed; the sockets of clients follow. */
enum { TAKEOVER_FD_LOCK, TAKEOVER_FD_CONTROL, TAKEOVER_FD_FIRST };

struct takeover {
    int fd; /* the connection; -1 = none */
    pid_t process; /* the old one; 0 = not to be told, as in another container */
    struct fd_passed passed; /* what is taken out is the taker's: set the count */
};

/* Asks for the sockets. E_CLOSED: no gateway listens there. Other errors: there is one, and it goes on as
 * it is. Waits, 20 s at most. [any but a loop] */
MUST_CHECK harborai_status takeover_ask(harborai_str state_dir, struct takeover *ret_takeover,
                                        harborai_error *error);

/* Says that connections are taken here. *ret_has_control: the control socket is ours, too; else it is
 * nobody's any more. An error: the old one goes on; this one is to end. [any but a loop] */
MUST_CHECK harborai_status takeover_finish(struct takeover *takeover, bool *ret_has_control,
                                           harborai_error *error);

void takeover_release(struct takeover *takeover);

#endif
