/* SPDX-License-Identifier: MIT */
/* One HTTP/1.1 exchange with a vendor: a request goes out on a connection of its own or on a kept
 * one, the answer comes back in pieces. Connections belong to a loop (see transport.h). Everything
 * here is [loop].
 *
 * Nothing is sent before exchange_start(), which belongs in the act phase. Events come in later
 * passes, never from inside a function of this header; after on_end, on_fail or exchange_cancel()
 * there are none. */
#ifndef TRANSPORT_EXCHANGE_H
#define TRANSPORT_EXCHANGE_H

#include "base/attr.h"
#include "base/slice.h"
#include "loop/loop.h"
#include "wire/http_head.h"
#include "wire/url.h"

struct transport;
struct tls_store;
struct exchange;
struct exchange_io; /* transport's own part: connection, parser state */

enum exchange_fault {
    EXCHANGE_NOT_SENT, /* no byte of the request was accepted: cannot have been billed */
    EXCHANGE_STALE,    /* a kept connection was dead: no byte of an answer; send it again, once, on
                          a fresh connection */
    EXCHANGE_SENT      /* the vendor may have begun to work */
};

struct exchange_events {
    /* The final head (1xx are skipped). Borrowed until the function returns. */
    void (*on_head)(struct exchange *x, const struct http_response_head *head);
    /* A piece of the body, without its framing. Borrowed until the function returns. */
    void (*on_data)(struct exchange *x, harborai_str bytes);
    /* The body is complete by its framing. */
    void (*on_end)(struct exchange *x);
    /* Connect, TLS, reset, limits of time, bad framing, an answer cut short. The message names
     * host and port. */
    void (*on_fail)(struct exchange *x, enum exchange_fault fault, const harborai_error *error);
};

/* Everything it points to must stay valid until the last event. */
struct exchange_request {
    struct url url;        /* of url_parse() */
    harborai_str method;   /* such as "POST" */
    harborai_str headers;  /* complete lines "name: value\r\n"…, without host, content-length,
                              connection and accept-encoding, which transport adds; may hold
                              secrets: never logged */
    const harborai_str *body; /* pieces, sent one after another without a copy of large ones */
    size_t body_count;
    const struct tls_store *tls; /* for https; NULL for http */
    bool fresh;                  /* not on a kept connection: the resend after EXCHANGE_STALE */
    int64_t connect_timeout_ns, first_byte_timeout_ns, idle_timeout_ns; /* 0 = none. first_byte:
                              from exchange_start() to the first byte of the answer's head; idle:
                              the longest silence after it, not counted while paused */
};

/* Lies in its owner's object; zeroed before the first use. */
struct exchange {
    const struct exchange_events *events;
    struct exchange_io *io; /* NULL when it is over */
    uint64_t bytes_sent, bytes_received;
    bool reused; /* it went out on a kept connection */
    struct list link; /* transport's own */
};

/* Faults come by on_fail in a later pass, too. */
void exchange_start(struct exchange *x, struct transport *t, const struct exchange_request *request);

/* Stop and go on reading. What was read already may still come after exchange_pause(). */
void exchange_pause(struct exchange *x);
void exchange_resume(struct exchange *x);

/* Break it off: the connection is closed in this pass. No event follows. Does nothing when over. */
void exchange_cancel(struct exchange *x);

/* The owner has what it wants, though the body has not ended by its framing ([DONE] came before
 * the last chunk). Transport reads the rest itself, a little and for a short time, so that the
 * connection can be kept; no event follows and the request's memory is not used any more. */
void exchange_detach(struct exchange *x);

#endif
