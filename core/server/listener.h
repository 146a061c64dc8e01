/* SPDX-License-Identifier: MIT */
/* The listening sockets of the server, one an address, shared by all loops. Not SO_REUSEPORT: with
 * it a second gateway binds silently, and closing one socket resets connections that wait there. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/attr.h"
#include "base/slice.h"

/* Addresses that one name may stand for, and a Unix socket; or what a service manager passes. */
enum { LISTENER_SOCKETS_MAX = 8 };
/* Cut to net.core.somaxconn. */
enum { LISTENER_BACKLOG = 4096 };

struct listener {
    int sockets[LISTENER_SOCKETS_MAX];
    unsigned socket_count;
    _Atomic unsigned users; /* loops that still watch them */
    unsigned port;          /* that was got */
    bool has_tls;           /* on those that a network leads to: `url` says so */
    char url[512];          /* of what was opened; several with a comma between them */
    bool is_loopback; /* no other machine can connect */
    bool is_local; /* a socket of this machine: for the own user and root */

    /* A Unix socket's name, as long as it is ours to take away. */
    char path[sizeof((struct sockaddr_un){0}.sun_path)]; /* empty: none */
    struct stat made; /* what was made there */
    bool name_is_lent; /* by the gateway before this one, until it has handed over */
    _Atomic bool leaves_rest; /* to the gateway after this one: connections that wait */

    /* Of the gateway before this one: taken in place of a new one of that address. */
    int offered[LISTENER_SOCKETS_MAX];
    unsigned offered_count;
};

/* Each adds to what is open. E_CONFIG says what is in the way; then everything is closed. [init]
 *
 * listener.c: sockets that listen already, as a service manager passes them; takes them, also when
 * it fails. */
MUST_CHECK harborai_status listener_inherit(struct listener *listener, const int *sockets,
                                            unsigned count, harborai_error *error);
/* listener_tcp.c: binds and listens on every address that `host` stands for; port 0: any, the same
 * for all. May resolve a name. */
MUST_CHECK harborai_status listener_open(struct listener *listener, harborai_str host, int64_t port,
                                         harborai_error *error);
/* listener_unix.c: a socket of that name and mode; one that a dead process has left is replaced. */
MUST_CHECK harborai_status listener_open_unix(struct listener *listener, harborai_str path,
                                              mode_t mode, harborai_error *error);
/* listener_offer.c: sockets that listen already, for another gateway: what is opened afterwards takes
 * those of its address. Owned from here on. E_CONFIG: one is no such socket. [init] */
MUST_CHECK harborai_status listener_offer(struct listener *listener, const int *sockets,
                                          unsigned count, harborai_error *error);
/* The one that listens on that address, on any port if that is 0; -1: there is none. [init] */
int listener_take_offered(struct listener *listener, const struct sockaddr *address,
                          socklen_t size);
/* E_CONFIG: one was not taken. [init] */
MUST_CHECK harborai_status listener_check_offered(const struct listener *listener,
                                                  harborai_error *error);

/* Takes a socket of this machine that will listen. One loop watches it. [init] */
void listener_adopt(struct listener *listener, int fd);
/* Whether somebody who connected may be listened to. *ret_user: who it is. [any] */
bool listener_admits(const struct listener *listener, int fd, unsigned *ret_user);
/* Takes the Unix socket's name away, unless another's stands there by now. It waits for the disk. */
void listener_remove_name(struct listener *listener);
/* Another gateway has the name from now on. */
void listener_leave_name(struct listener *listener);
/* The name is left to who made it: that is another thread's. */
void listener_close_sockets(struct listener *listener);
void listener_close(struct listener *listener); /* accepts a zeroed or closed one */

/* For listener_*.c. The next socket; false: there are too many. */
MUST_CHECK bool listener_add(struct listener *listener, int fd, bool is_loopback);
/* "http://[::1]:8000", or "unix:/run/gateway.sock". */
void listener_add_url(struct listener *listener, const char *url);
const char *listener_scheme(const struct listener *listener); /* "https" */
/* The options of a socket that clients connect to, which their connections inherit. */
void listener_set_options(int fd, int family);
unsigned listener_port_of(const struct sockaddr *address);
bool listener_is_loopback(const struct sockaddr *address);

#endif
