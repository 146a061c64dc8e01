/* SPDX-License-Identifier: MIT */
/* The pool. Its one timer is set only while something is idle, so that a loop at rest sleeps. */
#include "transport/pool.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "transport/tls_store.h"

static bool is_origin(const struct origin *origin, const struct url *url,
                      const struct tls_store *store)
{
    return origin->port == url->port && origin->store == store &&
           slice_equal_ignoring_case(origin->host, url->host);
}

static struct origin *add(struct transport *t, const struct url *url,
                          const struct tls_store *store)
{
    size_t room = url->host.len + sizeof "[]:65535";
    struct origin *origin = calloc(1, sizeof *origin + room);
    if (origin == NULL)
        return NULL;
    int start = snprintf(origin->label, room, "%s%.*s%s:%u", url->is_ipv6 ? "[" : "",
                         SLICE_ARG(url->host), url->is_ipv6 ? "]" : "", (unsigned)url->port);
    for (int i = 0; i < start; i++)
        origin->label[i] = (char)tolower((unsigned char)origin->label[i]);
    origin->host = (harborai_str){origin->label + url->is_ipv6, url->host.len};
    origin->port = url->port;
    origin->is_ipv6 = url->is_ipv6;
    origin->store = tls_store_ref((struct tls_store *)(uintptr_t)store);
    list_init(&origin->idle);
    list_append(&t->origins, &origin->link);
    return origin;
}

struct origin *pool_origin(struct transport *t, const struct url *url,
                           const struct tls_store *store)
{
    struct origin *origin = NULL;
    for (struct list *item = t->origins.next; item != &t->origins; item = item->next)
        if (is_origin(CONTAINER_OF(item, struct origin, link), url, store)) {
            origin = CONTAINER_OF(item, struct origin, link);
            break;
        }
    if (origin == NULL)
        origin = add(t, url, store);
    if (origin != NULL)
        origin->connections++;
    return origin;
}

void pool_forget(struct origin *origin)
{
    if (--origin->connections > 0)
        return;
    list_remove(&origin->link);
    tls_store_unref(origin->store);
    free(origin);
}

struct connection *pool_take(struct transport *t, struct origin *origin)
{
    struct list *item = list_pop_last(&origin->idle);
    if (item == NULL)
        return NULL;
    struct connection *c = CONTAINER_OF(item, struct connection, idle_link);
    list_remove(&c->link);
    list_append(&t->connections, &c->link);
    c->state = CONNECTION_BUSY;
    c->is_reused = true;
    counter_add(&t->counters.idle, -1);
    return c;
}

static struct connection *oldest(struct transport *t)
{
    return list_is_empty(&t->idle) ? NULL : CONTAINER_OF(t->idle.next, struct connection, link);
}

void pool_put(struct connection *c)
{
    struct transport *t = c->transport;
    c->state = CONNECTION_IDLE;
    c->idle_since_ns = loop_now_ns(t->loop);
    list_remove(&c->link);
    list_append(&t->idle, &c->link);
    list_append(&c->origin->idle, &c->idle_link);
    counter_add(&t->counters.idle, 1);
    if (t->counters.idle > POOL_IDLE_MOST)
        connection_close(oldest(t));
    if (!timer_is_set(&t->idle_timer))
        loop_timer_set(t->loop, &t->idle_timer, c->idle_since_ns + POOL_IDLE_NS);
}

void pool_on_due(struct timer *timer)
{
    struct transport *t = CONTAINER_OF(timer, struct transport, idle_timer);
    int64_t before_ns = loop_now_ns(t->loop) - POOL_IDLE_NS;
    struct connection *c;

    while ((c = oldest(t)) != NULL && c->idle_since_ns <= before_ns)
        connection_close(c);
    if (c != NULL)
        loop_timer_set(t->loop, timer, c->idle_since_ns + POOL_IDLE_NS);
}
