/* SPDX-License-Identifier: MIT */
/* The other side: a loop with a transport, a clock that the test sets, and exchanges that note what
 * happens to them. */
#ifndef TESTS_TRANSPORT_CALLER_H
#define TESTS_TRANSPORT_CALLER_H

#include "base/buf.h"
#include "loop/loop.h"
#include "transport/exchange.h"
#include "transport/transport.h"

struct caller {
    struct clock clock;
    _Atomic int64_t now_ns;
    struct epoch epoch;
    struct loop *loop;
    struct transport_shared *shared;
    struct transport *transport;
    const char *proxy, *no_proxy; /* the environment's; set before caller_start() */
};

struct asked { /* an exchange and what came of it */
    struct exchange x;
    struct caller *caller;
    struct action start;
    struct exchange_request request;
    char url[160];
    harborai_str body;
    int status, heads, ends, fails;
    char type[64];        /* the answer's content-type */
    struct buf data;
    enum exchange_fault fault;
    harborai_error error;
    /* What to do in on_data, once. */
    enum { ON_DATA_READ, ON_DATA_CANCEL, ON_DATA_PAUSE, ON_DATA_DETACH } on_data;
    int data_after; /* events after cancelling or detaching */
};

void caller_start(struct caller *caller);
void caller_stop(struct caller *caller);
void caller_advance_ms(struct caller *caller, int64_t ms);

/* POST http://127.0.0.1:port/v1/x with `body`; change asked->request before asked_start(). */
void asked_init(struct asked *asked, struct caller *caller, int port, const char *body);
void asked_set_url(struct asked *asked, const char *format, int port);
void asked_release(struct asked *asked);
void asked_start(struct asked *asked);

/* Turns the loop until the exchange is over; false: ten seconds were not enough. */
bool asked_wait(struct asked *asked);
/* Turns the loop until `*counter` has reached `value`; the same. */
bool caller_wait(struct caller *caller, const int *counter, int value);
/* A few passes that wait a little for something to happen. */
void caller_turn(struct caller *caller, int passes);

/* asked_start(), asked_wait(), and whether it ended well with that body. */
bool asked_gives(struct asked *asked, const char *body);

#endif
