/* SPDX-License-Identifier: MIT */
/* The listening sockets of the server, one an address, shared by all loops. Not SO_REUSEPORT: with
 * it a second gateway binds silently, and closing one socket resets connections that wait there. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/slice.h"

enum { LISTENER_SOCKETS_MAX = 4 }; /* addresses that one name may stand for */

struct listener {
    int sockets[LISTENER_SOCKETS_MAX];
    unsigned socket_count;
    _Atomic unsigned users; /* loops that still watch them */
    unsigned port;          /* that was got */
    char url[96];
    bool is_loopback; /* no other machine can connect */
    bool is_local; /* a socket of this machine: for the own user and root */
};

/* Binds and listens on every address that `host` stands for; port 0: any, the same for all.
 * E_CONFIG says what is in the way. [init] may resolve a name */
MUST_CHECK harborai_status listener_open(struct listener *listener, harborai_str host, int64_t port,
                                         harborai_error *error);
/* Takes a socket of this machine that will listen. One loop watches it. [init] */
void listener_adopt(struct listener *listener, int fd);
/* Whether somebody who connected may be listened to. *ret_user: who it is. [any] */
bool listener_admits(const struct listener *listener, int fd, unsigned *ret_user);
void listener_close(struct listener *listener); /* accepts a zeroed or closed one */

#endif
