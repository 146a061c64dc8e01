/* SPDX-License-Identifier: MIT */
/* What all loops share, what a loop owns, and the way from one pass into the next. */
#include "transport/transport.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "transport/connect.h"
#include "transport/connection.h"
#include "transport/curl_loop.h"
#include "transport/exchange_io.h"
#include "transport/pool.h"
#include "transport/proxy.h"
#include "transport/resolver.h"
#include "transport/tls_store.h"

/* --- Shared ---------------------------------------------------------------------------------- */

harborai_status transport_shared_create(const struct log *log,
                                        struct transport_shared **ret_shared,
                                        harborai_error *error)
{
    struct transport_shared *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    shared->log = log;
    pthread_mutex_init(&shared->lock, NULL);
    list_init(&shared->orphans);
    harborai_status st = proxies_create(&shared->proxies, error);
    if (st == HARBORAI_OK)
        st = resolver_create(log, &shared->resolver, error);
    if (st == HARBORAI_OK)
        st = tls_stores_create(&shared->stores, error);
    if (st < 0) {
        transport_shared_destroy(shared);
        return st;
    }
    *ret_shared = shared;
    return HARBORAI_OK;
}

void transport_shared_prepare(struct transport_shared *shared)
{
    pthread_mutex_lock(&shared->lock);
    if (!shared->is_prepared)
        shared->is_prepared = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    pthread_mutex_unlock(&shared->lock);
}

void transport_shared_destroy(struct transport_shared *shared)
{
    if (shared == NULL)
        return;
    resolver_destroy(shared->resolver);
    tls_stores_destroy(shared->stores);
    proxies_destroy(shared->proxies);
    connect_release_orphans(shared);
    pthread_mutex_destroy(&shared->lock);
    if (shared->is_prepared)
        curl_global_cleanup();
    free(shared);
}

bool transport_shared_is_busy(struct transport_shared *shared)
{
    return resolver_is_busy(shared->resolver) || tls_stores_are_busy(shared->stores);
}

harborai_status tls_store_get(struct transport_shared *shared, harborai_str ca_file,
                              struct tls_store **ret_store, harborai_error *error)
{
    return tls_stores_get(shared->stores, ca_file, ret_store, error);
}

/* --- The next pass --------------------------------------------------------------------------- */

/* A message that is posted in the act phase is read in the next pass. */
static void on_again_action(struct action *action)
{
    struct transport *t = CONTAINER_OF(action, struct transport, again_action);
    if (t->again_posted)
        return;
    t->again_posted = true;
    loop_post(t->loop, &t->again_message);
}

static void on_again_message(struct message *message)
{
    struct transport *t = CONTAINER_OF(message, struct transport, again_message);
    struct list now;

    t->again_posted = false;
    exchange_report_starved(t);
    if (list_is_empty(&t->again))
        return;
    /* What asks again from here on is for the pass after this one. */
    list_init(&now);
    now = t->again;
    now.next->prev = now.prev->next = &now;
    list_init(&t->again);
    for (struct list *item; (item = list_pop(&now)) != NULL;)
        exchange_again(CONTAINER_OF(item, struct connection, again_link));
}

/* --- A loop's own ---------------------------------------------------------------------------- */

harborai_status transport_create(struct transport_shared *shared, struct loop *loop,
                                 struct transport **ret_transport, harborai_error *error)
{
    struct transport *t = malloc(sizeof *t);
    if (t == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    memset(t, 0, offsetof(struct transport, in));
    t->shared = shared;
    t->loop = loop;
    t->idle_timer.on_due = pool_on_due;
    t->again_action.run = on_again_action;
    t->again_message.run = on_again_message;
    struct list *lists[] = {&t->origins, &t->connections, &t->idle,   &t->groups,
                            &t->again,   &t->starved,     &t->tls_shares};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        list_init(lists[i]);
    *ret_transport = t;
    return HARBORAI_OK;
}

static void close_all(struct list *connections)
{
    while (!list_is_empty(connections))
        connection_close(CONTAINER_OF(connections->next, struct connection, link));
}

void transport_destroy(struct transport *t)
{
    if (t == NULL)
        return;
    close_all(&t->connections);
    close_all(&t->idle);
    loop_timer_clear(t->loop, &t->idle_timer);
    list_remove(&t->again_action.link);
    curl_loop_release(t);
    connect_release_shares(t);
    free(t);
}

const struct transport_counters *transport_counters(const struct transport *t)
{
    return &t->counters;
}
