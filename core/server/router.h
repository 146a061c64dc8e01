/* SPDX-License-Identifier: MIT */
/* Which endpoint a request is for. The table stands in router.c; each family of endpoints has a
 * file of its own, api_….c. */
#ifndef SERVER_ROUTER_H
#define SERVER_ROUTER_H

#include <stdbool.h>

#include "base/slice.h"

struct conn;

struct route {
    const char *method; /* a route of GET answers HEAD, too */
    const char *path;
    bool is_prefix; /* anything but nothing may follow */
    /* GET: at once. `rest` is what follows a prefix, borrowed until it returns.
     * POST: when the body is complete, in conn->body; `rest` is empty. */
    void (*answer)(struct conn *conn, harborai_str rest);
};

struct router_match {
    const struct route *route;
    harborai_str rest;
    const char *allow; /* with 405: the methods of that path */
};

/* 200, 404, or 405. [any] */
int router_find(harborai_str method, harborai_str path, struct router_match *ret_match);

bool route_takes_body(const struct route *route);

#endif
