/* SPDX-License-Identifier: MIT */
/* Exchanges over plain connections: answers, kept connections, proxies. */
#include <unistd.h>

#include "../unit.h"
#include "plain.h"

extern const CU_TestInfo exchange_tests[];

/* --- Answers --------------------------------------------------------------------------------- */

struct script {
    const char *name, *answer, *body;
    bool closes, is_kept;
};

static const struct script answers[] = {
    {"length", "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 5\r\n\r\nhello", "hello",
     false, true},
    {"empty", "HTTP/1.1 204 No Content\r\n\r\n", "", false, true},
    {"length 0", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", false, true},
    {"chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n",
     "hello", false, true},
    {"until close", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", true, false},
    {"asks to close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
     "hello", false, false},
    {"after 100 and 103",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
     "hi", false, true},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false, false},
    {"more than it said", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 evil\r\n\r\n",
     "hi", false, false},
    {"an error of the vendor's",
     "HTTP/1.1 429 Too Many\r\nContent-Length: 2\r\nRetry-After: 3\r\n\r\n{}", "{}", false, true},
};

static void serve_script(struct peer_side *side)
{
    const struct script *script = side->peer->context;
    while (peer_request(side) != NULL) {
        peer_say(side, script->answer);
        if (script->closes)
            return;
    }
}

static void test_answers(void)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        plain_begin(serve_script);
        peer.context = (void *)(uintptr_t)&answers[i];
        ROW(answers[i].name, asked_gives(&asked, answers[i].body));
        ROW(answers[i].name, plain_idle() == answers[i].is_kept);
        ROW(answers[i].name, asked.x.bytes_received > 0 && asked.x.bytes_sent > 0);
        plain_end();
    }
}

static atomic_size_t split_at;

static void serve_split(struct peer_side *side)
{
    const char *text = answers[3].answer;
    while (peer_request(side) != NULL) {
        peer_send(side, text, split_at);
        usleep(1000); /* so that the pieces arrive apart; together they pass as well */
        peer_say(side, text + split_at);
    }
}

static void test_every_split(void)
{
    char name[32];
    plain_begin(serve_split);
    for (size_t at = 1; at < strlen(answers[3].answer); at++) {
        split_at = at;
        snprintf(name, sizeof name, "at %zu", at);
        ROW(name, asked_gives(&asked, "hello"));
        ROW(name, asked.x.reused == (at > 1));
    }
    CU_ASSERT(plain_connects() == 1);
    plain_end();
}

static void serve_request_back(struct peer_side *side)
{
    const char *request;
    char answer[4096];
    while ((request = peer_request(side)) != NULL) {
        size_t len = (size_t)(side->in + side->in_done - request);
        int head = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                            len);
        memcpy(answer + head, request, len);
        peer_send(side, answer, (size_t)head + len);
    }
}

static void test_request(void)
{
    char want[512];
    const harborai_str pieces[] = {HARBORAI_STR("{"), HARBORAI_STR(""), HARBORAI_STR("}")};
    plain_begin(serve_request_back);
    snprintf(want, sizeof want,
             "POST /v1/x HTTP/1.1\r\nhost: 127.0.0.1:%d\r\naccept-encoding: identity\r\n"
             "content-type: application/json\r\nauthorization: Bearer k\r\n"
             "content-length: 7\r\n\r\n{\"a\":1}",
             peer.port);
    CU_ASSERT(asked_gives(&asked, want));
    CU_ASSERT(asked.x.bytes_sent == strlen(want));

    asked.request.body = pieces;
    asked.request.body_count = 3;
    asked.request.headers = SLICE_NONE;
    asked_set_url(&asked, "http://127.0.0.1:PORT?q=1", peer.port);
    snprintf(want, sizeof want,
             "POST /?q=1 HTTP/1.1\r\nhost: 127.0.0.1:%d\r\naccept-encoding: identity\r\n"
             "content-length: 2\r\n\r\n{}",
             peer.port);
    CU_ASSERT(asked_gives(&asked, want));

    asked.request.method = HARBORAI_STR("GET");
    asked.request.body_count = 0;
    snprintf(want, sizeof want,
             "GET /?q=1 HTTP/1.1\r\nhost: 127.0.0.1:%d\r\naccept-encoding: identity\r\n\r\n",
             peer.port);
    CU_ASSERT(asked_gives(&asked, want));
    CU_ASSERT(plain_connects() == 1 && asked.x.reused);
    plain_end();
}

/* --- Kept connections ------------------------------------------------------------------------ */

static void test_newest_is_used_first(void)
{
    struct asked other;
    plain_begin(plain_serve_hi);
    asked_init(&other, &caller, peer.port, "{}");
    asked_start(&asked);
    asked_start(&other);
    CU_ASSERT(asked_wait(&asked) && asked_wait(&other));
    CU_ASSERT(plain_connects() == 2 && plain_idle() == 2);
    caller_advance_ms(&caller, 40000);
    for (int i = 0; i < 3; i++)
        CU_ASSERT(asked_gives(&asked, "hi") && asked.x.reused);
    caller_advance_ms(&caller, 30000); /* the other one is 70 s old */
    caller_turn(&caller, 2);
    CU_ASSERT(plain_idle() == 1 && transport_counters(caller.transport)->open == 1);
    caller_advance_ms(&caller, 30000);
    caller_turn(&caller, 2);
    CU_ASSERT(plain_idle() == 0 && transport_counters(caller.transport)->open == 0);
    asked_release(&other);
    plain_end();
}

static void test_fresh(void)
{
    plain_begin(plain_serve_hi);
    CU_ASSERT(asked_gives(&asked, "hi"));
    asked.request.fresh = true;
    CU_ASSERT(asked_gives(&asked, "hi") && !asked.x.reused);
    CU_ASSERT(plain_connects() == 2);
    plain_end();
}

static void serve_hi_once(struct peer_side *side)
{
    if (peer_request(side) != NULL)
        peer_say(side, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    if (peer_request(side) != NULL) /* the next one dies, without a byte */
        side->is_reset = side->index > 0;
}

static void test_stale(void)
{
    plain_begin(serve_hi_once);
    for (int i = 0; i < 2; i++) { /* by FIN, by RST */
        asked.request.fresh = true;
        CU_ASSERT(asked_gives(&asked, "hi"));
        asked.request.fresh = false;
        asked_start(&asked);
        CU_ASSERT(asked_wait(&asked) && asked.fails == 1);
        CU_ASSERT(asked.fault == EXCHANGE_STALE && asked.x.reused);
    }
    plain_end();
}

static void serve_hi_and_close(struct peer_side *side)
{
    if (peer_request(side) != NULL)
        peer_say(side, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

static void test_closed_while_idle(void)
{
    plain_begin(serve_hi_and_close);
    CU_ASSERT(asked_gives(&asked, "hi"));
    for (int i = 0; i < 500 && plain_idle() > 0; i++)
        loop_turn(caller.loop, 10);
    CU_ASSERT(plain_idle() == 0);
    CU_ASSERT(asked_gives(&asked, "hi") && !asked.x.reused);
    plain_end();
}

/* --- Proxies --------------------------------------------------------------------------------- */

static void serve_as_proxy(struct peer_side *side)
{
    const char *request = peer_request(side);
    if (request == NULL)
        return;
    if (strncmp(request, "CONNECT vendor.test:80 HTTP/1.1\r\n", 33) != 0) {
        peer_say(side, strncmp(request, "CONNECT", 7) == 0
                           ? "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
                           : "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect");
        return;
    }
    peer_say(side, "HTTP/1.1 200 Connected\r\n\r\n");
    plain_serve_hi(side);
}

static void test_proxy(void)
{
    char proxy[64];
    peer = (struct peer){.serve = serve_as_proxy};
    peer_start(&peer);
    snprintf(proxy, sizeof proxy, "http://me:secret@proxy.test:%d/", peer.port);
    caller = (struct caller){.proxy = proxy, .no_proxy = "localhost, .near.test,127.0.0.1"};
    caller_start(&caller);
    asked_init(&asked, &caller, peer.port, "{}");
    asked_set_url(&asked, "http://vendor.test/v1", 0);
    for (int i = 0; i < 2; i++)
        CU_ASSERT(asked_gives(&asked, "hi") && asked.x.reused == (i > 0));
    asked_set_url(&asked, "http://other.test:PORT/v1", peer.port);
    asked_start(&asked);
    CU_ASSERT(asked_wait(&asked) && asked.fails == 1 && asked.fault == EXCHANGE_NOT_SENT);
    CU_ASSERT(strstr(asked.error.message, "the proxy answered 403") != NULL);
    CU_ASSERT(strstr(asked.error.message, "secret") == NULL);
    asked_set_url(&asked, "http://a.near.test:PORT/v1", peer.port);
    CU_ASSERT(asked_gives(&asked, "direct"));
    asked_set_url(&asked, "http://127.0.0.1:PORT/v1", peer.port);
    CU_ASSERT(asked_gives(&asked, "direct"));
    plain_end();
    caller = (struct caller){0};
}

const CU_TestInfo exchange_tests[] = {
    {"answers", test_answers},
    {"a chunked answer at every split", test_every_split},
    {"the request's bytes", test_request},
    {"kept: newest first, a minute", test_newest_is_used_first},
    {"kept: not for the resend", test_fresh},
    {"kept: stale", test_stale},
    {"kept: closed while idle", test_closed_while_idle},
    {"proxy", test_proxy},
    CU_TEST_INFO_NULL,
};
