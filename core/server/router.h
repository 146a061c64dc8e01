/* SPDX-License-Identifier: MIT */
/* Which endpoint a request is for. The table stands in router.c; each family of endpoints has a
 * file of its own, api_….c. */
#ifndef SERVER_ROUTER_H
#define SERVER_ROUTER_H

#include "base/slice.h"

struct conn;

enum route_flags {
    ROUTE_PREFIX = 1, /* anything but nothing may follow the path */
    ROUTE_BODY = 2,   /* of POST: it is waited for */
    ROUTE_OPEN = 4    /* needs no key: whoever looks whether the gateway lives has none */
};

struct route {
    const char *method; /* a route of GET answers HEAD, too */
    const char *path;
    unsigned flags;
    /* At once. `rest` is what follows a prefix, borrowed until it returns.
     * With a body: when that is complete, in conn->body; `rest` is empty. */
    void (*answer)(struct conn *conn, harborai_str rest);
};

struct router_match {
    const struct route *route;
    harborai_str rest;
    const char *allow; /* with 405, which OPTIONS always gets: the methods of that path */
};

struct router {
    const struct route *routes;
    size_t count;
};
extern const struct router router_public;  /* for clients */
extern const struct router router_control; /* for commands of the owner's */

/* 200, 404, or 405. [any] */
int router_find(const struct router *router, harborai_str method, harborai_str path,
                struct router_match *ret_match);

#endif
