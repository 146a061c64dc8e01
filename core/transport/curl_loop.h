/* SPDX-License-Identifier: MIT */
/* libcurl on our loop: multi handles, their sockets and timers. A multi looks for the connection
 * of a CONNECT_ONLY handle one by one, at every send and receive; so handles go in groups of
 * limited size, each with a multi of its own. */
#ifndef TRANSPORT_CURL_LOOP_H
#define TRANSPORT_CURL_LOOP_H

#include "transport/connection.h"

/* c->easy joins a group and begins to connect. connect_done() is called when it has ended, perhaps
 * before this returns. */
MUST_CHECK harborai_status curl_loop_add(struct connection *c, harborai_error *error);
/* Takes c->easy out and frees it; curl closes its connection. Does nothing if there is none. */
void curl_loop_remove(struct connection *c);

/* Frees the groups; none may have a handle. */
void curl_loop_release(struct transport *t);

#endif
