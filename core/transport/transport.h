/* SPDX-License-Identifier: MIT */
/* The way out. libcurl connects (names, proxies, TLS, verification) with CURLOPT_CONNECT_ONLY; we
 * frame HTTP/1.1 on its connections and keep them in a pool a loop.
 *
 * Shared by all loops: the resolver (names on job threads, single flight, short lifetime, last
 * good address kept), parsed CA stores. A loop's own: a curl multi, connections, idle pool. */
#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include "base/attr.h"
#include "base/log.h"
#include "loop/loop.h"

struct transport_shared;
struct transport;
struct tls_store;

struct transport_counters { /* written by the loop alone, read relaxed by anybody */
    _Atomic uint64_t connects, reuses, connect_failures;
    _Atomic uint64_t open, idle; /* connections now */
};

/* [init] Borrows the log. */
MUST_CHECK harborai_status transport_shared_create(const struct log *log,
                                                   struct transport_shared **ret_shared,
                                                   harborai_error *error);
/* [job] Prepares libcurl and OpenSSL, which takes milliseconds: before the first exchange, or that
 * does it. Again it does nothing. */
void transport_shared_prepare(struct transport_shared *shared);
/* After every transport and before the loops are destroyed: it waits for job threads that may be
 * about to post to them. No loop makes a pass after it. */
void transport_shared_destroy(struct transport_shared *shared);
/* [any] A name is being resolved or a CA file read, which may hang for as long as it likes:
 * transport_shared_destroy() would have to wait. */
MUST_CHECK bool transport_shared_is_busy(struct transport_shared *shared);

/* [loop] `shared` and `loop` are borrowed. */
MUST_CHECK harborai_status transport_create(struct transport_shared *shared, struct loop *loop,
                                            struct transport **ret_transport,
                                            harborai_error *error);
/* Closes every connection. No exchange may be under way, and the loop makes no pass after it. */
void transport_destroy(struct transport *t);

const struct transport_counters *transport_counters(const struct transport *t); /* [any] */

/* [any] The store of the certificates in `ca_file`, for as long as the reference is held. It is
 * parsed on a job thread when the first connection needs it, once for each file and process; that
 * connection waits for it. A file that cannot be read is the fault of that exchange. */
MUST_CHECK harborai_status tls_store_get(struct transport_shared *shared, harborai_str ca_file,
                                         struct tls_store **ret_store, harborai_error *error);
void tls_store_unref(struct tls_store *store);

#endif
