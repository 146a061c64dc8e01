/* SPDX-License-Identifier: MIT */
/* Exchanges over plain connections. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "caller.h"
#include "names.h"
#include "peer.h"

extern const CU_TestInfo exchange_tests[];

static struct caller caller;
static struct peer peer;
static struct asked asked;

static void begin(void (*serve)(struct peer_side *side))
{
    peer = (struct peer){.serve = serve};
    peer_start(&peer);
    caller_start(&caller);
    asked_init(&asked, &caller, peer.port, "{\"a\":1}");
}

static void end(void)
{
    asked_release(&asked);
    caller_stop(&caller);
    peer_stop(&peer);
}

static uint64_t connects(void)
{
    return transport_counters(caller.transport)->connects;
}

static uint64_t idle(void)
{
    return transport_counters(caller.transport)->idle;
}

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
        begin(serve_script);
        peer.context = (void *)(uintptr_t)&answers[i];
        ROW(answers[i].name, asked_gives(&asked, answers[i].body));
        ROW(answers[i].name, idle() == answers[i].is_kept);
        ROW(answers[i].name, asked.x.bytes_received > 0 && asked.x.bytes_sent > 0);
        end();
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
    begin(serve_split);
    for (size_t at = 1; at < strlen(answers[3].answer); at++) {
        split_at = at;
        snprintf(name, sizeof name, "at %zu", at);
        ROW(name, asked_gives(&asked, "hello"));
        ROW(name, asked.x.reused == (at > 1));
    }
    CU_ASSERT(connects() == 1);
    end();
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
    begin(serve_request_back);
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
    CU_ASSERT(connects() == 1 && asked.x.reused);
    end();
}

/* --- Bodies that do not fit ------------------------------------------------------------------ */

enum { LARGE = 8 << 20 };

static void serve_large(struct peer_side *side)
{
    char head[2048];
    size_t got = 0, n;
    usleep(20000); /* the socket's buffers fill */
    while (got < sizeof head - 1 && (n = peer_read(side, head + got, 1)) == 1) {
        head[got += n] = '\0';
        if (got >= 4 && strcmp(head + got - 4, "\r\n\r\n") == 0)
            break;
    }
    char *room = malloc(LARGE);
    size_t len = 0;
    bool same = true;
    while (len < LARGE && (n = peer_read(side, room, 100000)) > 0) {
        for (size_t i = 0; i < n; i += 997)
            same = same && room[i] == (char)((len + i) % 251);
        len += n;
    }
    free(room);
    peer_say(side, same && len == LARGE ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                        : "HTTP/1.1 500 bad\r\nContent-Length: 0\r\n\r\n");
    peer_request(side);
}

static void test_large_request(void)
{
    char *body = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        body[i] = (char)(i % 251);
    const harborai_str pieces[] = {{body, 100},
                                   {body + 100, LARGE / 2},
                                   {body + 100 + LARGE / 2, LARGE - LARGE / 2 - 100}};
    begin(serve_large);
    asked.request.body = pieces;
    asked.request.body_count = 3;
    CU_ASSERT(asked_gives(&asked, "ok"));
    CU_ASSERT(asked.x.bytes_sent > LARGE && idle() == 1);
    end();
    free(body);
}

/* Whether what comes next is a head of LARGE and some bytes, its end included. */
static bool read_large_head(struct peer_side *side)
{
    char *room = malloc(KIB(64) + 3), *end = NULL;
    size_t len = 0, kept = 0, n;
    while (end == NULL && (n = peer_read(side, room + kept, KIB(64))) > 0) {
        len += n;
        end = memmem(room, kept + n, "\r\n\r\n", 4);
        size_t keep = kept + n < 3 ? kept + n : 3;
        memmove(room, room + kept + n - keep, keep);
        kept = keep;
    }
    free(room);
    return end != NULL && len > LARGE;
}

static void serve_large_head(struct peer_side *side)
{
    usleep(20000); /* the socket's buffers fill */
    peer_say(side, read_large_head(side) ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                         : "HTTP/1.1 500 bad\r\nContent-Length: 0\r\n\r\n");
    peer_drain(side);
}

/* The end of a head that the socket does not take yet is kept. */
static void test_large_head(void)
{
    static const char name[] = "x-pad: ";
    char *head = malloc(LARGE);
    memset(head, 'x', LARGE);
    memcpy(head, name, sizeof name - 1);
    memcpy(head + LARGE - 2, "\r\n", 2);
    begin(serve_large_head);
    asked.request.headers = (harborai_str){head, LARGE};
    CU_ASSERT(asked_gives(&asked, "ok"));
    CU_ASSERT(asked.x.bytes_sent > LARGE);
    end();
    free(head);
}

static void serve_early_answer(struct peer_side *side)
{
    char some[100];
    peer_read(side, some, sizeof some);
    peer_say(side, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    usleep(50000);
    peer_drain(side);
}

static void test_answer_before_the_request_ended(void)
{
    char *body = calloc(1, 8 * LARGE); /* more than all buffers of the two sockets */
    begin(serve_early_answer);
    asked.body = (harborai_str){body, 8 * LARGE};
    CU_ASSERT(asked_gives(&asked, "big"));
    CU_ASSERT(asked.status == 413 && idle() == 0);
    end();
    free(body);
}

static void serve_large_answer(struct peer_side *side)
{
    char block[1000];
    memset(block, 'x', sizeof block);
    while (peer_request(side) != NULL) {
        peer_say(side, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 5000; i++) {
            peer_say(side, "3e8\r\n");
            peer_send(side, block, sizeof block);
            peer_say(side, "\r\n");
        }
        peer_say(side, "0\r\n\r\n");
    }
}

static void test_large_answer_with_a_pause(void)
{
    begin(serve_large_answer);
    asked.on_data = ON_DATA_PAUSE;
    asked_start(&asked);
    CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
    caller_turn(&caller, 3);
    size_t len = asked.data.len;
    CU_ASSERT(len > 0 && len <= KIB(32));
    asked.request.idle_timeout_ns = 0;
    caller_turn(&caller, 10);
    CU_ASSERT(asked.data.len == len && asked.ends == 0);
    exchange_resume(&asked.x);
    CU_ASSERT(asked.data.len == len); /* in a later pass */
    CU_ASSERT(asked_wait(&asked) && asked.ends == 1);
    CU_ASSERT(asked.data.len == 5000000 && idle() == 1);
    end();
}

/* --- Kept connections ------------------------------------------------------------------------ */

static void serve_hi(struct peer_side *side)
{
    while (peer_request(side) != NULL)
        peer_say(side, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

static void test_newest_is_used_first(void)
{
    struct asked other;
    begin(serve_hi);
    asked_init(&other, &caller, peer.port, "{}");
    asked_start(&asked);
    asked_start(&other);
    CU_ASSERT(asked_wait(&asked) && asked_wait(&other));
    CU_ASSERT(connects() == 2 && idle() == 2);
    caller_advance_ms(&caller, 40000);
    for (int i = 0; i < 3; i++)
        CU_ASSERT(asked_gives(&asked, "hi") && asked.x.reused);
    caller_advance_ms(&caller, 30000); /* the other one is 70 s old */
    caller_turn(&caller, 2);
    CU_ASSERT(idle() == 1 && transport_counters(caller.transport)->open == 1);
    caller_advance_ms(&caller, 30000);
    caller_turn(&caller, 2);
    CU_ASSERT(idle() == 0 && transport_counters(caller.transport)->open == 0);
    asked_release(&other);
    end();
}

static void test_fresh(void)
{
    begin(serve_hi);
    CU_ASSERT(asked_gives(&asked, "hi"));
    asked.request.fresh = true;
    CU_ASSERT(asked_gives(&asked, "hi") && !asked.x.reused);
    CU_ASSERT(connects() == 2);
    end();
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
    begin(serve_hi_once);
    for (int i = 0; i < 2; i++) { /* by FIN, by RST */
        asked.request.fresh = true;
        CU_ASSERT(asked_gives(&asked, "hi"));
        asked.request.fresh = false;
        asked_start(&asked);
        CU_ASSERT(asked_wait(&asked) && asked.fails == 1);
        CU_ASSERT(asked.fault == EXCHANGE_STALE && asked.x.reused);
    }
    end();
}

static void serve_hi_and_close(struct peer_side *side)
{
    if (peer_request(side) != NULL)
        peer_say(side, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

static void test_closed_while_idle(void)
{
    begin(serve_hi_and_close);
    CU_ASSERT(asked_gives(&asked, "hi"));
    for (int i = 0; i < 500 && idle() > 0; i++)
        loop_turn(caller.loop, 10);
    CU_ASSERT(idle() == 0);
    CU_ASSERT(asked_gives(&asked, "hi") && !asked.x.reused);
    end();
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
    serve_hi(side);
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
    end();
    caller = (struct caller){0};
}

/* --- Faults ---------------------------------------------------------------------------------- */

struct breaking {
    const char *name, *answer;
    bool resets;
    enum exchange_fault fault;
    const char *message;
};

static const struct breaking faults[] = {
    {"closed without an answer", "", false, EXCHANGE_SENT, "closed the connection without"},
    {"reset without an answer", "", true, EXCHANGE_SENT, ""},
    {"cut in the head", "HTTP/1.1 200 OK\r\nConte", false, EXCHANGE_SENT, "its answer's head"},
    {"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", false, EXCHANGE_SENT,
     "in the middle of its answer"},
    {"reset in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", true, EXCHANGE_SENT,
     ""},
    {"cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", false,
     EXCHANGE_SENT, "in the middle of its answer"},
    {"without its last chunk",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
     false, EXCHANGE_SENT, "in the middle of its answer"},
    {"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n", false,
     EXCHANGE_SENT, "answer of 127.0.0.1:"},
    {"not HTTP", "220 smtp ready\r\n\r\n", false, EXCHANGE_SENT, "answer of 127.0.0.1:"},
};

static void serve_breaking(struct peer_side *side)
{
    const struct breaking *breaking = side->peer->context;
    char byte;
    if (peer_request(side) == NULL)
        return;
    peer_say(side, breaking->answer);
    side->is_reset = breaking->resets;
    if (breaking->resets && breaking->answer[0] != '\0')
        peer_read(side, &byte, 1); /* a reset would overtake the answer */
}

static void test_faults(void)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        begin(serve_breaking);
        peer.context = (void *)(uintptr_t)&faults[i];
        asked_start(&asked);
        if (faults[i].resets && faults[i].answer[0] != '\0') {
            CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
            caller_turn(&caller, 2);
            CU_ASSERT(atomic_load(&peer.accepted) == 1);
            shutdown(peer.sides[0].fd, SHUT_RD); /* ends the script's read */
        }
        ROW(faults[i].name, asked_wait(&asked) && asked.fails == 1);
        ROW(faults[i].name, asked.fault == faults[i].fault);
        ROW(faults[i].name, strstr(asked.error.message, faults[i].message) != NULL);
        ROW(faults[i].name, strstr(asked.error.message, "127.0.0.1:") != NULL);
        ROW(faults[i].name, transport_counters(caller.transport)->open == 0);
        end();
    }
}

static void test_refused(void)
{
    char want[64];
    begin(serve_hi);
    int port = peer.port;
    shutdown(peer.fd, SHUT_RDWR); /* nobody listens any more */
    snprintf(want, sizeof want, "cannot connect to 127.0.0.1:%d: Connection refused", port);
    asked_start(&asked);
    CU_ASSERT(asked_wait(&asked) && asked.fails == 1);
    CU_ASSERT(asked.fault == EXCHANGE_NOT_SENT && asked.error.code == HARBORAI_E_NETWORK);
    CU_ASSERT_STRING_EQUAL(asked.error.message, want);
    CU_ASSERT(transport_counters(caller.transport)->connect_failures == 1);
    end();
}

/* The want of descriptors is ours, and named as such. */
static void test_no_descriptor(void)
{
    struct rlimit limit, low;
    begin(serve_hi);
    CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    int probe = dup(0);
    low = (struct rlimit){(rlim_t)probe, limit.rlim_max};
    close(probe);
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &low) == 0);
    asked_start(&asked);
    CU_ASSERT(asked_wait(&asked) && asked.fails == 1);
    setrlimit(RLIMIT_NOFILE, &limit);
    CU_ASSERT(asked.fault == EXCHANGE_NOT_SENT && asked.error.code == HARBORAI_E_NETWORK);
    CU_ASSERT(strstr(asked.error.message, "Too many open files") != NULL);
    CU_ASSERT(strstr(asked.error.message, "LimitNOFILE") != NULL);
    end();
}

static void test_bad_url(void)
{
    begin(serve_hi);
    static const char *const urls[] = {"http://h:99999/", "https://127.0.0.1:PORT/"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        asked_set_url(&asked, urls[i], peer.port);
        asked_start(&asked);
        CU_ASSERT(asked_wait(&asked) && asked.fails == 1 && asked.fault == EXCHANGE_NOT_SENT);
        CU_ASSERT(asked.error.code == (i == 0 ? HARBORAI_E_INVALID : HARBORAI_E_CONFIG));
    }
    end();
}

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
    begin(serve_endless);
    asked.on_data = ON_DATA_CANCEL;
    asked_start(&asked);
    CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
    caller_turn(&caller, 2);
    CU_ASSERT(asked.x.io == NULL && asked.data_after == 0 && asked.ends + asked.fails == 0);
    CU_ASSERT(slice_is(buf_slice(&asked.data), "hello"));
    CU_ASSERT(transport_counters(caller.transport)->open == 0);
    end();
    CU_ASSERT(saw_end);
}

static void test_cancel_while_connecting(void)
{
    begin(serve_hi);
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
    end();
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
    begin(serve_more_after);
    for (int i = 0; i < 2; i++) {
        asked.on_data = ON_DATA_DETACH;
        asked_start(&asked);
        CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
        CU_ASSERT(asked.x.io == NULL);
        for (int j = 0; j < 500 && idle() == 0; j++)
            loop_turn(caller.loop, 10);
        CU_ASSERT(idle() == 1 && asked.ends + asked.fails + asked.data_after == 0);
    }
    CU_ASSERT(connects() == 1);
    end();
}

static void test_detach_has_limits(void)
{
    begin(serve_endless);
    asked.on_data = ON_DATA_DETACH;
    asked_start(&asked);
    CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
    caller_turn(&caller, 2);
    CU_ASSERT(transport_counters(caller.transport)->open == 1);
    caller_advance_ms(&caller, 2001);
    caller_turn(&caller, 2);
    CU_ASSERT(transport_counters(caller.transport)->open == 0 && asked.fails == 0);
    end();
    begin(serve_large_answer);
    asked.on_data = ON_DATA_DETACH;
    asked_start(&asked);
    CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
    for (int i = 0; i < 500 && transport_counters(caller.transport)->open > 0; i++)
        loop_turn(caller.loop, 10);
    CU_ASSERT(transport_counters(caller.transport)->open == 0);
    end();
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
    begin(serve_nothing);
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
    CU_ASSERT_STRING_EQUAL(asked.error.message, want);
    end();
}

static void test_idle_limit(void)
{
    begin(serve_endless);
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
    end();
}

static void test_connect_limit(void)
{
    begin(serve_hi);
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
    end();
}

const CU_TestInfo exchange_tests[] = {
    {"answers", test_answers},
    {"a chunked answer at every split", test_every_split},
    {"the request's bytes", test_request},
    {"a large request", test_large_request},
    {"a large head", test_large_head},
    {"an answer before the request ended", test_answer_before_the_request_ended},
    {"a large answer with a pause", test_large_answer_with_a_pause},
    {"kept: newest first, a minute", test_newest_is_used_first},
    {"kept: not for the resend", test_fresh},
    {"kept: stale", test_stale},
    {"kept: closed while idle", test_closed_while_idle},
    {"proxy", test_proxy},
    {"faults", test_faults},
    {"refused", test_refused},
    {"no descriptor left", test_no_descriptor},
    {"bad URL", test_bad_url},
    {"cancel in data", test_cancel_in_data},
    {"cancel while connecting", test_cancel_while_connecting},
    {"detach keeps the connection", test_detach_keeps_the_connection},
    {"detach has limits", test_detach_has_limits},
    {"limit: first byte", test_first_byte_limit},
    {"limit: idle", test_idle_limit},
    {"limit: connect", test_connect_limit},
    CU_TEST_INFO_NULL,
};
