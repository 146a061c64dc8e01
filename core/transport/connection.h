/* SPDX-License-Identifier: MIT */
/* What the files of this room share: a loop's transport, its origins and its connections.
 * Everything is [loop].
 *
 * A connection is one allocation, which holds the state of its exchange too: a kept connection
 * serves one exchange after another without any. Its life:
 *
 *     OPENING ──► BUSY ◄──► IDLE          any ──► CLOSED (freed at the end of the pass)
 */
#ifndef TRANSPORT_CONNECTION_H
#define TRANSPORT_CONNECTION_H

#include <curl/curl.h>
#include <pthread.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"
#include "loop/loop.h"
#include "transport/exchange.h"
#include "transport/transport.h"
#include "wire/url.h"
#include "wire/http_body.h"
#include "wire/http_head.h"

#define RECEIVE_LEN KIB(32) /* one buffer a loop; half of what a stream may leave undelivered */
#define HEAD_LEN (LIMIT_RESPONSE_HEAD + RECEIVE_LEN) /* gathered; the parser allows less */
#define SEND_LEN KIB(16)    /* a TLS record: head and small body leave in one */

struct connecting;
struct curl_group;
struct resolver;
struct tls_stores;
struct proxies;

struct transport_shared {
    const struct log *log;
    struct resolver *resolver;
    struct tls_stores *stores;
    struct proxies *proxies;
    pthread_mutex_t lock; /* of what follows; hardly ever taken */
    bool is_prepared;     /* see transport_shared_prepare() */
    struct list orphans;  /* attempts to connect that were given up while a message was on its way */
};

struct transport {
    struct transport_shared *shared;
    struct loop *loop;
    struct transport_counters counters;
    struct list origins;
    struct list connections; /* OPENING and BUSY */
    struct list idle;        /* by age, oldest first */
    struct timer idle_timer; /* set while something is idle */
    struct list groups;      /* of curl handles, see curl_loop.h */
    struct list tls_shares;  /* resumable TLS sessions, see connect.c */
    struct list again;       /* connections to look at in the next pass */
    struct list starved;     /* exchanges that found no memory */
    struct action again_action;
    struct message again_message;
    bool again_posted;
    char in[RECEIVE_LEN];
    char out[SEND_LEN];
    char record[SEND_LEN];
};

/* A place to connect to: connections of one are alike. Lives while it has connections. */
struct origin {
    struct list link;
    struct list idle; /* newest last */
    unsigned connections;
    struct tls_store *store; /* owned reference; NULL for http */
    bool is_ipv6;
    uint16_t port;
    harborai_str host; /* lower case; borrowed from label */
    char label[];      /* "host:port", for messages */
};

enum connection_state {
    CONNECTION_OPENING,
    CONNECTION_BUSY,
    CONNECTION_IDLE,
    CONNECTION_CLOSED
};

/* The state of one exchange. */
struct exchange_io {
    struct exchange *x; /* NULL: detached */
    struct exchange_request request;
    char *unsent; /* owned: the end of the head that did not fit into the socket's buffer */
    size_t unsent_len, unsent_at;
    size_t piece, piece_at; /* the next byte of the body to send */
    struct buf head;              /* what came of an incomplete head */
    struct http_resume head_seen; /* how far that was parsed */
    struct http_body body;
    int64_t started_ns, active_ns; /* active: the last byte of the answer */
    size_t rest_len;               /* detached: bytes that it may still read */
    bool is_sending, has_sent, has_send_failed, has_received, has_head, is_paused, may_keep;
};

struct connection {
    struct transport *transport;
    struct origin *origin; /* NULL until it is known */
    enum connection_state state;
    struct watch watch;
    struct parked parked;
    struct list link;      /* transport's connections or idle */
    struct list idle_link; /* origin's idle */
    struct list again_link;
    struct timer timer;
    struct connecting *connecting; /* while OPENING */
    CURL *easy; /* TLS; NULL: a bare socket, which we own */
    struct curl_group *group;
    int64_t idle_since_ns;
    bool is_reused;
    bool has_hung_up; /* nothing more will be signalled: read to the end */
    bool has_read, is_slim; /* TLS, see connection.c */
    struct exchange_io io;
};

/* --- connection.c --- */

/* NULL: no memory left. OPENING, in the transport's list. */
struct connection *connection_create(struct transport *t);
/* From any state; tells nobody. It is freed at the end of the pass. */
void connection_close(struct connection *c);
/* Watches the connected socket and makes it BUSY. */
MUST_CHECK harborai_status connection_open(struct connection *c, int fd, harborai_error *error);
/* Has exchange_again() called in the next pass. */
void connection_again(struct connection *c);

enum { CONNECTION_SEND_MAX = 8 };

/* HARBORAI_OK and bytes; WAITER_PENDING: none for now; E_NETWORK with the reason. 0 received bytes
 * are the end. Sends `count` pieces, 1 to CONNECTION_SEND_MAX and none empty, as far as they go in
 * one system call; over TLS in one record. */
MUST_CHECK harborai_status connection_send(struct connection *c, const harborai_str *pieces,
                                           size_t count, size_t *ret_sent, harborai_error *error);
MUST_CHECK harborai_status connection_receive(struct connection *c, char *room, size_t len,
                                              size_t *ret_received, harborai_error *error);

static inline void counter_add(_Atomic uint64_t *counter, int64_t by)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + (uint64_t)by, memory_order_relaxed);
}

#endif
