/* SPDX-License-Identifier: MIT */
/* The life of an exchange and its limits. Must never call the owner from inside a function that the
 * owner called: what has to be said at once is put off to the next pass. */
#include "transport/exchange.h"

#include <stdlib.h>

#include "base/clock.h"
#include "transport/connect.h"
#include "transport/exchange_io.h"
#include "transport/pool.h"

#define DETACHED_MOST KIB(64)
#define DETACHED_NS (2 * NS_PER_S)
#define NEVER INT64_MAX

static struct connection *connection_of(const struct exchange *x)
{
    return CONTAINER_OF(x->io, struct connection, io);
}

/* --- Limits ---------------------------------------------------------------------------------- */

static int64_t after(int64_t at_ns, int64_t timeout_ns)
{
    return timeout_ns > 0 ? at_ns + timeout_ns : NEVER;
}

static int64_t deadline_ns(const struct connection *c)
{
    const struct exchange_io *io = &c->io;
    if (c->state == CONNECTION_IDLE)
        return NEVER;
    if (io->x == NULL)
        return io->started_ns + DETACHED_NS;
    if (io->has_received)
        return io->is_paused ? NEVER : after(io->active_ns, io->request.idle_timeout_ns);
    int64_t first_ns = after(io->started_ns, io->request.first_byte_timeout_ns);
    int64_t connect_ns = c->state == CONNECTION_OPENING
                             ? after(io->started_ns, io->request.connect_timeout_ns)
                             : NEVER;
    return first_ns < connect_ns ? first_ns : connect_ns;
}

void exchange_arm(struct connection *c)
{
    int64_t at_ns = deadline_ns(c);
    if (at_ns != NEVER && (!timer_is_set(&c->timer) || c->timer.at_ns > at_ns))
        loop_timer_set(c->transport->loop, &c->timer, at_ns);
}

static void explain_limit(const struct connection *c, harborai_error *error)
{
    const struct exchange_request *request = &c->io.request;
    const char *label = c->origin != NULL ? c->origin->label : "the vendor";
    if (c->io.has_received)
        harborai_error_set(error, HARBORAI_E_TIMEOUT,
                           "%s sent nothing for %lld ms; raise timeouts.idle if it takes that long",
                           label, (long long)(request->idle_timeout_ns / NS_PER_MS));
    else if (c->state == CONNECTION_OPENING)
        harborai_error_set(error, HARBORAI_E_TIMEOUT,
                           "no connection to %s within %lld ms: %s; raise timeouts.connect if it "
                           "takes that long",
                           label, (long long)((deadline_ns(c) - c->io.started_ns) / NS_PER_MS),
                           connect_stage(c));
    else
        harborai_error_set(error, HARBORAI_E_TIMEOUT,
                           "no answer from %s within %lld ms; raise timeouts.first_byte if it "
                           "takes that long",
                           label, (long long)(request->first_byte_timeout_ns / NS_PER_MS));
}

void exchange_on_due(struct timer *timer)
{
    struct connection *c = CONTAINER_OF(timer, struct connection, timer);
    harborai_error error = HARBORAI_ERROR_INIT;

    if (deadline_ns(c) > loop_now_ns(c->transport->loop)) {
        exchange_arm(c); /* something came since it was set */
        return;
    }
    explain_limit(c, &error);
    exchange_fail(c, c->io.has_sent ? EXCHANGE_SENT : EXCHANGE_NOT_SENT, &error);
}

/* --- Ends ------------------------------------------------------------------------------------ */

/* The owner is told nothing more. */
static struct exchange *let_go(struct connection *c)
{
    struct exchange *x = take(c->io.x);
    if (x != NULL)
        x->io = NULL;
    return x;
}

void exchange_fail(struct connection *c, enum exchange_fault fault, const harborai_error *error)
{
    struct exchange *x = let_go(c);
    connection_close(c);
    if (x != NULL)
        x->events->on_fail(x, fault, error);
}

void exchange_finish(struct connection *c, bool may_keep)
{
    struct exchange *x = let_go(c);
    if (may_keep)
        pool_put(c);
    else
        connection_close(c);
    if (x != NULL)
        x->events->on_end(x);
}

/* --- Events ---------------------------------------------------------------------------------- */

void exchange_on_ready(struct watch *watch, uint32_t events)
{
    struct connection *c = CONTAINER_OF(watch, struct connection, watch);
    bool has_input = events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);

    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->has_hung_up = true;
    if (c->state == CONNECTION_IDLE) {
        if (has_input)
            connection_close(c);
        return;
    }
    if (events & EPOLLOUT)
        exchange_send_rest(c);
    if (has_input)
        exchange_read(c);
}

void exchange_connected(struct connection *c)
{
    exchange_send(c);
}

void exchange_connect_failed(struct connection *c, const harborai_error *error)
{
    exchange_fail(c, EXCHANGE_NOT_SENT, error);
}

static void open_connection(struct connection *c)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct exchange_request *request = &c->io.request;
    harborai_status st = HARBORAI_OK;
    if (request->url.is_tls && request->tls == NULL)
        st = harborai_error_set(&error, HARBORAI_E_CONFIG,
                                "no CA file is configured for '%.*s'; set tls.ca_file",
                                SLICE_ARG(request->url.host));
    else if (c->origin == NULL)
        st = harborai_error_set(&error, HARBORAI_E_MEMORY, "no memory left");
    if (st < 0)
        exchange_fail(c, EXCHANGE_NOT_SENT, &error);
    else
        connect_start(c);
}

void exchange_again(struct connection *c)
{
    if (c->state == CONNECTION_OPENING && c->connecting == NULL)
        open_connection(c);
    else if (c->state == CONNECTION_BUSY)
        exchange_read(c);
}

void exchange_report_starved(struct transport *t)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_error_set(&error, HARBORAI_E_MEMORY, "no memory left for a connection");
    for (struct list *item; (item = list_pop(&t->starved)) != NULL;) {
        struct exchange *x = CONTAINER_OF(item, struct exchange, link);
        x->events->on_fail(x, EXCHANGE_NOT_SENT, &error);
    }
}

/* --- What the owner asks for ----------------------------------------------------------------- */

static struct connection *find_connection(struct transport *t,
                                          const struct exchange_request *request)
{
    const struct url *url = &request->url;
    struct origin *origin = NULL;
    struct connection *c = NULL;

    if (!url->is_tls || request->tls != NULL)
        origin = pool_origin(t, url, url->is_tls ? request->tls : NULL);
    if (origin != NULL && !request->fresh)
        c = pool_take(t, origin);
    if (c != NULL) {
        pool_forget(origin); /* the connection is counted already */
        return c;
    }
    c = connection_create(t);
    if (c != NULL)
        c->origin = origin; /* NULL: the next pass says why */
    else if (origin != NULL)
        pool_forget(origin);
    return c;
}

static void begin(struct connection *c, struct exchange *x, const struct exchange_request *request)
{
    struct exchange_io *io = &c->io;
    struct buf head = io->head; /* empty; it has its ceiling */
    *io = (struct exchange_io){.x = x, .request = *request, .head = head};
    io->started_ns = io->active_ns = loop_now_ns(c->transport->loop);
    x->io = io;
    x->reused = c->is_reused;
    exchange_arm(c);
}

void exchange_start(struct exchange *x, struct transport *t, const struct exchange_request *request)
{
    x->bytes_sent = x->bytes_received = 0;
    struct connection *c = find_connection(t, request);
    if (c == NULL) {
        list_append(&t->starved, &x->link);
        loop_act(t->loop, &t->again_action);
        return;
    }
    begin(c, x, request);
    if (c->state == CONNECTION_OPENING) {
        connection_again(c);
        return;
    }
    counter_add(&t->counters.reuses, 1);
    exchange_send(c);
}

void exchange_pause(struct exchange *x)
{
    if (x->io != NULL)
        x->io->is_paused = true;
}

void exchange_resume(struct exchange *x)
{
    if (x->io == NULL || !x->io->is_paused)
        return;
    struct connection *c = connection_of(x);
    x->io->is_paused = false;
    x->io->active_ns = loop_now_ns(c->transport->loop);
    exchange_arm(c);
    connection_again(c); /* the edge of what came meanwhile is gone */
}

void exchange_cancel(struct exchange *x)
{
    list_remove(&x->link);
    if (x->io == NULL)
        return;
    struct connection *c = connection_of(x);
    let_go(c);
    connection_close(c);
}

void exchange_detach(struct exchange *x)
{
    if (x->io == NULL || x->io->is_sending || !x->io->has_head) {
        exchange_cancel(x);
        return;
    }
    struct connection *c = connection_of(x);
    let_go(c);
    c->io.started_ns = loop_now_ns(c->transport->loop);
    c->io.rest_len = DETACHED_MOST;
    exchange_arm(c);
    if (c->io.is_paused)
        connection_again(c);
    c->io.is_paused = false;
}
