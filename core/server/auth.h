/* SPDX-License-Identifier: MIT */
/* Who a request is from, by the key in its head, and what he may have: which models, how many calls and
 * tokens a minute, how many calls at once. Without a key: how many calls a minute from an address.
 * Nothing of a key leaves here but what it is called, and a few letters to him who sent it. Everything is
 * [loop] unless marked. */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include <stdbool.h>

#include "account/keys.h"
#include "base/buf.h"

struct auth;
struct call_params;
struct conn;
struct http_request_head;
struct listener;
struct rate_table;
struct runtime;

/* What is known of the one who sent a request. */
struct auth_pass {
    struct key *key; /* the runtime's; NULL: nobody's */
    bool is_call;    /* auth_begin_call() was asked: its answer says what is left */
    struct rate_state requests;
};

/* Of one loop, for clients of `listener`. Borrows the others, which outlive it; `addresses` is shared by
 * all loops. [init] */
MUST_CHECK harborai_status auth_create(struct runtime *runtime, const struct listener *listener,
                                       struct rate_table *addresses, struct auth **ret_auth,
                                       harborai_error *error);
void auth_destroy(struct auth *auth); /* accepts NULL */

/* Tells the log of a gateway that nobody can use, or everybody. [init] */
void auth_warn(struct runtime *runtime, const struct listener *listener);

/* Looks who it is that asks for conn->route. False: he may not, and has been told. */
bool auth_admit(struct conn *conn, const struct http_request_head *request);

/* Before call_start(): counts one more call. False: that is too many, and the client has been told. What
 * the engine has to know goes into *params, how long it took to admit the call among it. */
bool auth_begin_call(struct conn *conn, struct call_params *params);
/* call_start() took nothing. */
void auth_drop_call(struct conn *conn);

/* Whether whoever asked may know of the model. */
bool auth_shows(const struct conn *conn, harborai_str model, harborai_str provider,
                harborai_str upstream);

/* x-ratelimit-…: the fields of an answer to a call. */
void auth_write_limits(const struct conn *conn, struct buf *out);

#endif
