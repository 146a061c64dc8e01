/* SPDX-License-Identifier: MIT */
/* Names to addresses, on job threads: one resolution of a name at a time however many ask, kept for
 * a minute, and the last good answer kept when a later resolution fails. Shared by all loops. */
#ifndef TRANSPORT_RESOLVER_H
#define TRANSPORT_RESOLVER_H

#include <netinet/in.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/slice.h"
#include "transport/waiter.h"

#define RESOLVER_ADDRESSES 8 /* of one name; what is more is not tried */
#define RESOLVER_NAME_LEN 253 /* RFC 1035: the longest name */

struct resolver;

struct resolver_answer {
    unsigned count;
    char text[RESOLVER_ADDRESSES][INET6_ADDRSTRLEN]; /* in getaddrinfo's order (RFC 6724) */
};

struct resolver_query {
    struct waiter waiter;
    struct resolver_answer answer; /* valid when it ended well */
};

/* [init] Borrows the log. No thread is started before a name has to be resolved. */
MUST_CHECK harborai_status resolver_create(const struct log *log, struct resolver **ret_resolver,
                                           harborai_error *error);
/* Waits for resolutions under way, without limit. Nobody may wait any more. */
void resolver_destroy(struct resolver *resolver);
/* [any] Names are being resolved: resolver_destroy() would have to wait. */
MUST_CHECK bool resolver_is_busy(struct resolver *resolver);

/* [loop] HARBORAI_OK: query->answer is there (an address in numbers, a fresh answer).
 * WAITER_PENDING: query->waiter.on_done will be called. `name` is copied. */
MUST_CHECK harborai_status resolver_ask(struct resolver *resolver, harborai_str name,
                                        int64_t now_ns, struct resolver_query *query,
                                        harborai_error *error);

/* [loop] True: on_done will not come. False: it is on its way. */
MUST_CHECK bool resolver_cancel(struct resolver *resolver, struct resolver_query *query);

#endif
