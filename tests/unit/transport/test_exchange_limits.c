/* SPDX-License-Identifier: MIT */
/* Exchanges that are broken off: by their owner, and by limits of time. */
#include <unistd.h>

#include "../unit.h"
#include "names.h"
#include "plain.h"

extern const CU_TestInfo exchange_limits_tests[];

/* --- Breaking off ---------------------------------------------------------------------------- */

static atomic_bool saw_end;

static void serve_endless(struct peer_side *side)
{
    peer_request(side);
    peer_say(side, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nhello\r\n5\r\nhello\r\n");
    saw_end = peer_request(side) == NULL;
}

static void test_cancel_in_data(void)
{
    plain_begin(serve_endless);
    asked.on_data = ON_DATA_CANCEL;
    asked_start(&asked);
    CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
    caller_turn(&caller, 2);
    CU_ASSERT(asked.x.io == NULL && asked.data_after == 0 && asked.ends + asked.fails == 0);
    CU_ASSERT(slice_is(buf_slice(&asked.data), "hello"));
    CU_ASSERT(transport_counters(caller.transport)->open == 0);
    plain_end();
    CU_ASSERT(saw_end);
}

static void test_cancel_while_connecting(void)
{
    plain_begin(plain_serve_hi);
    asked_start(&asked); /* its first pass is still to come */
    exchange_cancel(&asked.x);
    caller_turn(&caller, 3);
    CU_ASSERT(asked.ends + asked.fails == 0 && atomic_load(&peer.accepted) == 0);
    asked_start(&asked);
    loop_turn(caller.loop, 0); /* curl has begun */
    exchange_cancel(&asked.x);
    caller_turn(&caller, 3);
    CU_ASSERT(asked.ends + asked.fails + asked.heads == 0);
    CU_ASSERT(asked_gives(&asked, "hi"));
    plain_end();
}

static void serve_more_after(struct peer_side *side)
{
    const char *head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    while (peer_request(side) != NULL) {
        peer_say(side, head);
        usleep(20000);
        peer_say(side, "4\r\nrest\r\n0\r\n\r\n");
    }
}

static void test_detach_keeps_the_connection(void)
{
    plain_begin(serve_more_after);
    for (int i = 0; i < 2; i++) {
        asked.on_data = ON_DATA_DETACH;
        asked_start(&asked);
        CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
        CU_ASSERT(asked.x.io == NULL);
        for (int j = 0; j < 500 && plain_idle() == 0; j++)
            loop_turn(caller.loop, 10);
        CU_ASSERT(plain_idle() == 1 && asked.ends + asked.fails + asked.data_after == 0);
    }
    CU_ASSERT(plain_connects() == 1);
    plain_end();
}

static void test_detach_has_limits(void)
{
    plain_begin(serve_endless);
    asked.on_data = ON_DATA_DETACH;
    asked_start(&asked);
    CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
    caller_turn(&caller, 2);
    CU_ASSERT(transport_counters(caller.transport)->open == 1);
    caller_advance_ms(&caller, 2001);
    caller_turn(&caller, 2);
    CU_ASSERT(transport_counters(caller.transport)->open == 0 && asked.fails == 0);
    plain_end();
    plain_begin(plain_serve_large_answer);
    asked.on_data = ON_DATA_DETACH;
    asked_start(&asked);
    CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
    for (int i = 0; i < 500 && transport_counters(caller.transport)->open > 0; i++)
        loop_turn(caller.loop, 10);
    CU_ASSERT(transport_counters(caller.transport)->open == 0);
    plain_end();
}

/* --- Limits ---------------------------------------------------------------------------------- */

static void serve_nothing(struct peer_side *side)
{
    peer_request(side);
    peer_request(side); /* until the client closes */
}

static void test_first_byte_limit(void)
{
    char want[96];
    plain_begin(serve_nothing);
    asked.request.first_byte_timeout_ns = 3000 * NS_PER_MS;
    asked.request.idle_timeout_ns = 1000 * NS_PER_MS;
    asked_start(&asked);
    for (int i = 0; i < 500 && asked.x.bytes_sent == 0; i++)
        loop_turn(caller.loop, 10);
    caller_advance_ms(&caller, 2999);
    caller_turn(&caller, 2);
    CU_ASSERT(asked.fails == 0);
    caller_advance_ms(&caller, 1);
    caller_turn(&caller, 2);
    snprintf(want, sizeof want, "no answer from 127.0.0.1:%d within 3000 ms", peer.port);
    CU_ASSERT(asked.fails == 1 && asked.fault == EXCHANGE_SENT);
    CU_ASSERT(asked.error.code == HARBORAI_E_TIMEOUT);
    CU_ASSERT(strstr(asked.error.message, want) == asked.error.message);
    plain_end();
}

static void test_idle_limit(void)
{
    plain_begin(serve_endless);
    asked.request.first_byte_timeout_ns = 60 * NS_PER_S;
    asked.request.idle_timeout_ns = 1000 * NS_PER_MS;
    asked.on_data = ON_DATA_PAUSE;
    asked_start(&asked);
    CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
    caller_advance_ms(&caller, 5000); /* paused: the clock stands still */
    caller_turn(&caller, 3);
    CU_ASSERT(asked.fails == 0);
    exchange_resume(&asked.x);
    caller_turn(&caller, 2);
    caller_advance_ms(&caller, 999);
    caller_turn(&caller, 2);
    CU_ASSERT(asked.fails == 0);
    caller_advance_ms(&caller, 1);
    caller_turn(&caller, 2);
    CU_ASSERT(asked.fails == 1 && asked.fault == EXCHANGE_SENT);
    CU_ASSERT(strstr(asked.error.message, "sent nothing for 1000 ms") != NULL);
    plain_end();
}

static void test_connect_limit(void)
{
    plain_begin(plain_serve_hi);
    asked_set_url(&asked, "http://slow.test:PORT/", peer.port);
    asked.request.connect_timeout_ns = 2000 * NS_PER_MS;
    asked.request.first_byte_timeout_ns = 60 * NS_PER_S;
    names_hold(true);
    asked_start(&asked);
    caller_turn(&caller, 3);
    caller_advance_ms(&caller, 2000);
    caller_turn(&caller, 2);
    CU_ASSERT(asked.fails == 1 && asked.fault == EXCHANGE_NOT_SENT);
    CU_ASSERT(strstr(asked.error.message, "within 2000 ms: its name is not resolved") != NULL);
    names_hold(false);
    plain_end();
}

const CU_TestInfo exchange_limits_tests[] = {
    {"cancel in data", test_cancel_in_data},
    {"cancel while connecting", test_cancel_while_connecting},
    {"detach keeps the connection", test_detach_keeps_the_connection},
    {"detach has limits", test_detach_has_limits},
    {"limit: first byte", test_first_byte_limit},
    {"limit: idle", test_idle_limit},
    {"limit: connect", test_connect_limit},
    CU_TEST_INFO_NULL,
};
