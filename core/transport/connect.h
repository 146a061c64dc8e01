/* SPDX-License-Identifier: MIT */
/* From an origin to a connection: name, CA store, then libcurl (proxy, TCP, TLS, verification). */
#ifndef TRANSPORT_CONNECT_H
#define TRANSPORT_CONNECT_H

#include "transport/connection.h"

/* In the run phase, for an OPENING connection whose exchange is set. Ends with
 * exchange_connected() or exchange_connect_failed(), perhaps before this returns. */
void connect_start(struct connection *c);

/* libcurl has ended connecting. */
void connect_done(struct connection *c, CURLcode code);

/* Gives the attempt up, if there is one. */
void connect_abandon(struct connection *c);

/* What an OPENING connection waits for, in words. */
const char *connect_stage(const struct connection *c);

/* What curl's failure means, in words that name host and port and the way out. `fault`: the errno
 * of a socket that could not be opened, or 0. Fills `error`. */
void connect_explain(struct connection *c, CURLcode code, int fault, const char *curl_words,
                     harborai_error *error);

/* Frees attempts that were given up while a message was on its way. No loop runs any more. */
void connect_release_orphans(struct transport_shared *shared);
/* Frees the TLS sessions; no handle may use them. */
void connect_release_shares(struct transport *t);

#endif
