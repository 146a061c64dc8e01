/* SPDX-License-Identifier: MIT */
/* Names: single flight, lifetime, the last good address, cancelling; and that one that hangs holds
 * up nobody else. */
#include <sched.h>
#include <stdlib.h>

#include "../unit.h"
#include "caller.h"
#include "names.h"
#include "peer.h"
#include "transport/resolver.h"

extern const CU_TestInfo names_tests[];

struct query {
    struct resolver_query query;
    int done;
};

static struct caller caller;
static struct resolver *resolver;
static struct query queries[8];
static int done_count;

static void on_done(struct waiter *waiter)
{
    struct resolver_query *query = CONTAINER_OF(waiter, struct resolver_query, waiter);
    CONTAINER_OF(query, struct query, query)->done++;
    done_count++;
}

static void begin(void)
{
    caller_start(&caller);
    CU_ASSERT_FATAL(resolver_create(NULL, &resolver, NULL) == HARBORAI_OK);
    names_asked();
    done_count = 0;
}

static void end(void)
{
    resolver_destroy(resolver);
    caller_stop(&caller);
}

static harborai_status ask(int i, const char *name)
{
    queries[i] = (struct query){.query.waiter = {.loop = caller.loop, .on_done = on_done}};
    return resolver_ask(resolver, slice_of(name), caller.now_ns, &queries[i].query, NULL);
}

static bool is_loopback(int i)
{
    return queries[i].query.waiter.status == HARBORAI_OK && queries[i].query.answer.count == 1 &&
           strcmp(queries[i].query.answer.text[0], "127.0.0.1") == 0;
}

static void test_addresses(void)
{
    static const char *const addresses[] = {"127.0.0.1", "::1", "2001:db8::1"};
    begin();
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        ROW(addresses[i], ask(0, addresses[i]) == HARBORAI_OK);
        ROW(addresses[i], strcmp(queries[0].query.answer.text[0], addresses[i]) == 0);
    }
    CU_ASSERT(ask(0, "") == HARBORAI_E_INVALID && names_asked() == 0);
    end();
}

static void test_single_flight(void)
{
    begin();
    names_hold(true);
    for (int i = 0; i < 8; i++)
        CU_ASSERT(ask(i, "slow.test") == WAITER_PENDING);
    CU_ASSERT(resolver_cancel(resolver, &queries[3].query));
    names_hold(false);
    CU_ASSERT(caller_wait(&caller, &done_count, 7));
    for (int i = 0; i < 8; i++)
        CU_ASSERT(queries[i].done == (i != 3) && (i == 3 || is_loopback(i)));
    CU_ASSERT(names_asked() == 1);
    CU_ASSERT(!resolver_cancel(resolver, &queries[0].query));
    end();
}

static void test_lifetime(void)
{
    begin();
    CU_ASSERT(ask(0, "a.test") == WAITER_PENDING && caller_wait(&caller, &done_count, 1));
    caller_advance_ms(&caller, 59000);
    CU_ASSERT(ask(1, "a.test") == HARBORAI_OK && is_loopback(1));
    CU_ASSERT(names_asked() == 1);
    caller_advance_ms(&caller, 2000);
    names_break(true);
    CU_ASSERT(ask(1, "a.test") == WAITER_PENDING && caller_wait(&caller, &done_count, 2));
    CU_ASSERT(is_loopback(1)); /* the last good one */
    CU_ASSERT(ask(2, "a.test") == HARBORAI_OK && is_loopback(2));
    CU_ASSERT(names_asked() == 1);
    CU_ASSERT(ask(3, "b.test") == WAITER_PENDING && caller_wait(&caller, &done_count, 3));
    CU_ASSERT(queries[3].query.waiter.status == HARBORAI_E_NETWORK);
    CU_ASSERT_STRING_EQUAL(
        queries[3].query.waiter.error.message,
        "cannot resolve 'b.test': Name or service not known; check that name, and "
        "this machine's name servers");
    names_break(false);
    CU_ASSERT(ask(3, "b.test") == WAITER_PENDING && caller_wait(&caller, &done_count, 4));
    CU_ASSERT(is_loopback(3)); /* a failure is not kept */
    end();
}

static void test_many_names(void)
{
    char name[32];
    begin();
    for (int i = 0; i < 1100; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        CU_ASSERT(ask(0, name) == WAITER_PENDING && caller_wait(&caller, &done_count, i + 1));
    }
    end();
}

static void serve_hi(struct peer_side *side)
{
    while (peer_request(side) != NULL)
        peer_say(side, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

static void test_slow_name_holds_up_nobody(void)
{
    struct peer peer = {.serve = serve_hi};
    struct asked slow, other, gone, cancelled;
    peer_start(&peer);
    caller_start(&caller);
    asked_init(&slow, &caller, peer.port, "{}");
    asked_init(&cancelled, &caller, peer.port, "{}");
    asked_init(&gone, &caller, peer.port, "{}");
    asked_init(&other, &caller, peer.port, "{}");
    asked_set_url(&slow, "http://slow.test:PORT/", peer.port);
    asked_set_url(&cancelled, "http://Slow.Test:PORT/", peer.port);
    asked_set_url(&other, "http://other.test:PORT/", peer.port);
    asked_set_url(&gone, "http://gone.test:PORT/", peer.port);
    names_hold(true);
    asked_start(&slow);
    asked_start(&cancelled);
    caller_turn(&caller, 2);
    CU_ASSERT(asked_gives(&other, "hi") && asked_gives(&other, "hi") && other.x.reused);
    asked_start(&gone);
    CU_ASSERT(asked_wait(&gone) && gone.fails == 1 && gone.fault == EXCHANGE_NOT_SENT);
    CU_ASSERT_STRING_EQUAL(
        gone.error.message,
        "cannot resolve 'gone.test': Name or service not known; check that name, "
        "and this machine's name servers");
    exchange_cancel(&cancelled.x);
    CU_ASSERT(slow.ends + slow.fails == 0);
    names_hold(false);
    CU_ASSERT(asked_wait(&slow) && slow.ends == 1);
    CU_ASSERT(cancelled.ends + cancelled.fails == 0);
    asked_release(&slow);
    asked_release(&cancelled);
    asked_release(&other);
    asked_release(&gone);
    caller_stop(&caller);
    peer_stop(&peer);
}

/* The transport goes while an attempt that was given up still has its message on the way. */
static void test_given_up_at_the_end(void)
{
    struct asked slow;
    caller_start(&caller);
    asked_init(&slow, &caller, 9, "{}");
    asked_set_url(&slow, "http://slow.test:PORT/", 9);
    names_hold(true);
    asked_start(&slow);
    caller_turn(&caller, 2);
    names_hold(false);
    sched_yield(); /* the thread may or may not have posted its message by now */
    asked_release(&slow);
    caller_stop(&caller);
}

const CU_TestInfo names_tests[] = {
    {"addresses need no thread", test_addresses},
    {"one flight for all", test_single_flight},
    {"a minute, then the last good one", test_lifetime},
    {"more names than are kept", test_many_names},
    {"a slow name holds up nobody", test_slow_name_holds_up_nobody},
    {"given up at the end", test_given_up_at_the_end},
    CU_TEST_INFO_NULL,
};
