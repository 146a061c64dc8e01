/* SPDX-License-Identifier: MIT */
/* The two ways in which handlers are called: by a loop of the application's, on a thread of ours. */
#include <errno.h>

#include "base/thread.h"
#include "client/client.h"

#define PASSES_MOST 16 /* of one dispatch that was asked not to wait: the caller has a loop to run */

int harborai_client_fd(harborai_client *client, harborai_error *error)
{
    harborai_status st = client_enter(client, false, error);
    if (st < 0)
        return st;
    if (client->has_thread)
        st = harborai_error_set(error, HARBORAI_E_INVALID,
                                "the library's thread dispatches: there is nothing to poll");
    else if (client->outer == NULL)
        st = outer_create(client->loop, &client->outer, error);
    if (st >= 0 && client->driver == CLIENT_DRIVER_NONE)
        outer_settle(client->outer);
    if (st >= 0 && !list_is_empty(&client->ready))
        outer_raise(client->outer);
    int fd = st >= 0 ? outer_descriptor(client->outer) : st;
    client_leave(client);
    return fd;
}

/* How long the next pass may wait. */
static int left_ms(int64_t until_ns)
{
    if (until_ns == INT64_MAX)
        return -1;
    int64_t left_ns = until_ns - clock_monotonic_ns(&clock_system);
    return left_ns <= 0 ? 0 : (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static int dispatch(struct harborai_client *c, int timeout_ms)
{
    unsigned interrupts = atomic_load(&c->interrupts);
    int64_t now_ns = clock_monotonic_ns(&clock_system);
    int64_t until_ns = timeout_ms < 0 ? INT64_MAX : now_ns + timeout_ms * NS_PER_MS;
    int called = turn_deliver(c);
    for (int passes = 1;; passes++) {
        int wait_ms = called > 0 ? 0 : left_ms(until_ns);
        bool went_through = turn_pass(c, wait_ms);
        called += turn_deliver(c);
        bool is_over = called > 0 || wait_ms == 0 || !went_through || c->claims > 0 || c->is_closing ||
                       interrupts != atomic_load(&c->interrupts);
        if (c->is_abandoned)
            return called;
        if (is_over && (loop_due_ns(c->loop) > 0 || passes >= PASSES_MOST))
            return called;
    }
}

int harborai_client_dispatch(harborai_client *client, int timeout_ms, harborai_error *error)
{
    harborai_status st = client_enter(client, true, error);
    if (st < 0)
        return st;
    int called = HARBORAI_E_INVALID;
    if (client->has_thread) {
        harborai_error_set(error, called, "the library's thread dispatches this client");
    } else if (client->is_dispatched) {
        harborai_error_set(error, called, "another thread dispatches this client");
    } else {
        client->is_dispatched = true;
        if (turn_claim(client, CLIENT_DRIVER_DISPATCH)) {
            called = dispatch(client, timeout_ms);
            turn_give_up(client);
        } else {
            harborai_error_set(error, called, "the client is being closed");
        }
        client->is_dispatched = false;
    }
    client_leave(client);
    return called;
}

/* --- A thread of ours --------------------------------------------------------------------------- */

static void *run(void *argument)
{
    struct harborai_client *client = argument;
    pthread_mutex_lock(&client->lock);
    if (turn_claim(client, CLIENT_DRIVER_THREAD)) {
        for (turn_deliver(client); !client->is_closing; turn_deliver(client))
            (void)turn_pass(client, -1);
        turn_give_up(client);
    }
    pthread_mutex_unlock(&client->lock);
    return NULL;
}

harborai_status harborai_client_run_thread(harborai_client *client, harborai_error *error)
{
    harborai_status st = client_enter(client, false, error);
    if (st < 0)
        return st;
    if (!client->has_thread) {
        st = thread_start(&client->thread, "harborai", run, client, error);
        client->has_thread = st >= 0;
    }
    client_leave(client);
    return st;
}
