/* SPDX-License-Identifier: MIT */
/* Descriptors that go from one process to another over a Unix socket. [any] */
#ifndef SERVER_FD_PASS_H
#define SERVER_FD_PASS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/slice.h"

enum { FD_PASS_MAX = 16 }; /* with one message */

struct fd_passed {
    int fds[FD_PASS_MAX]; /* owned by who received them; close-on-exec */
    unsigned count;
};

/* All bytes and copies of the descriptors at once, without waiting; false: they were not taken. */
MUST_CHECK bool fd_pass_send(int socket, harborai_str bytes, const int *fds, unsigned count);

/* As recv(); what comes with the bytes is added to `passed`. -1 also if more than fit in came: errno is
 * EMSGSIZE. */
MUST_CHECK ssize_t fd_pass_receive(int socket, char *room, size_t size, struct fd_passed *passed);

/* Closes them. */
void fd_passed_release(struct fd_passed *passed);

#endif
