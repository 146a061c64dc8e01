/* SPDX-License-Identifier: MIT */
/* One blocking exchange with a server of this machine, over its socket. For commands. */
#ifndef TRANSPORT_LOCAL_ASK_H
#define TRANSPORT_LOCAL_ASK_H

#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"

/* Adds the answer's body to `answer`, which the caller has initialised. `method`: "GET" or "POST",
 * without a body; `path` begins with '/'. timeout_ms: 0 = none. E_CLOSED: nobody listens there;
 * E_TIMEOUT; E_NETWORK: it broke off, or who listens cannot be reached. [any but a loop] */
MUST_CHECK harborai_status local_ask(const char *socket, const char *method, const char *path,
                                     int64_t timeout_ms, int *ret_status, struct buf *answer,
                                     harborai_error *error);

/* The process that listens at the socket `path`; 0: nobody does, or it cannot be told. Does not wait. [any] */
pid_t local_listener(const char *path);

/* Adds a name to a path. [any] */
void local_add_encoded(struct buf *path, harborai_str name);

#endif
