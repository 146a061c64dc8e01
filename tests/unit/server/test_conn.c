/* SPDX-License-Identifier: MIT */
/* Connections that go wrong or go on: refusals, limits, clients that leave, are slow or stay. */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "fake.h"
#include "server/conn.h"

extern const CU_TestInfo conn_tests[];

#define CHAT "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"

static struct runtime runtime;

static int begin(harborai_str bytes)
{
    fake_begin(&runtime, 1, 1000);
    return fake_ask(&runtime, bytes);
}

static void end(int fd)
{
    close(fd);
    fake_end_all(&runtime);
}

/* Everything until the connection ends or nothing more comes. */
static bool receive_all(int fd, struct buf *seen)
{
    bool ended;
    (void)fake_receive(&runtime, fd, seen, SIZE_MAX, &ended);
    return ended;
}

static bool has(const struct buf *seen, const char *text)
{
    return seen->len > 0 && memmem(seen->data, seen->len, text, strlen(text)) != NULL;
}

static void pass_time(int64_t seconds)
{
    runtime.now_ns += seconds * NS_PER_S;
    for (int i = 0; i < 4; i++)
        fake_pass(&runtime);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static const struct refusal {
    const char *name, *in, *status, *text;
} refusals[] = {
    {"no HTTP", "GARBAGE\r\n\r\n", "HTTP/1.1 400 ", "bad_request"},
    {"version", "GET / HTTP/9.9\r\nhost: x\r\n\r\n", "HTTP/1.1 505 ", "bad_request"},
    {"no host", "GET /livez HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "Host is missing"},
    {"two lengths", CHAT "content-length: 5\r\ncontent-length: 6\r\n\r\n", "HTTP/1.1 400 ", ""},
    {"length and chunks", CHAT "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
     "HTTP/1.1 400 ", ""},
    {"coding", CHAT "transfer-encoding: gzip\r\n\r\n", "HTTP/1.1 501 ", ""},
    {"bad chunk", CHAT "transfer-encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400 ", ""},
    {"length", CHAT "content-length: 1001\r\n\r\n", "HTTP/1.1 413 ", "1000 bytes"},
    {"chunks that are too many", CHAT "transfer-encoding: chunked\r\n\r\n10000\r\n%s",
     "HTTP/1.1 413 ", "1000 bytes"},
    {"compressed", CHAT "content-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx", "HTTP/1.1 415 ",
     "content-encoding"},
    {"no length", CHAT "\r\nGET /health HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 411 ",
     "length_required"},
    {"chunk", CHAT "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n3E7\r\n", "HTTP/1.1 413 ",
     "1000 bytes"},
    {"tunnel", "CONNECT a.b:443 HTTP/1.1\r\nhost: a.b\r\n\r\nGET /", "HTTP/1.1 501 ",
     "unknown_method"},
    {"body for nobody", "POST /nothing HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n",
     "HTTP/1.1 404 ", "unknown_url"},
    {"expectation", CHAT "expect: miracles\r\ncontent-length: 2\r\n\r\nxx", "HTTP/1.1 417 ", ""},
    {"long head", "GET / HTTP/1.1\r\nhost: x\r\nx: %s", "HTTP/1.1 431 ", ""},
};

static void test_refusals(void)
{
    static char filler[70000];
    memset(filler, 'y', sizeof filler - 1);
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refusal *row = &refusals[i];
        AUTO(buf) in = BUF_INIT(KIB(128)), seen = BUF_INIT(MIB(1));
        const char *hole = strstr(row->in, "%s");
        size_t before = hole != NULL ? (size_t)(hole - row->in) : strlen(row->in);
        buf_add(&in, slice_cut(slice_of(row->in), before));
        if (hole != NULL)
            buf_add(&in, slice_of(filler));
        int fd = begin(buf_slice(&in));
        bool ended = receive_all(fd, &seen);
        ROW(row->name, ended);
        ROW(row->name, slice_starts_with(buf_slice(&seen), row->status));
        ROW(row->name, has(&seen, "x-request-id: req_") && has(&seen, "connection: close\r\n"));
        ROW(row->name, has(&seen, row->text) && has(&seen, "{\"error\":{"));
        ROW(row->name, has(&seen, "\"type\":\"invalid_request_error\""));
        ROW(row->name, runtime.started == 0);
        end(fd);
    }
}

/* The way out must lead somewhere. */
static void test_too_large(void)
{
    static const struct {
        const char *name, *in;
        int64_t max_body;
        bool may_raise;
    } rows[] = {
        {"below the ceiling", CHAT "content-length: 33554433\r\n\r\n", 1000, true},
        {"at the ceiling", CHAT "content-length: 33554433\r\n\r\n", LIMIT_REQUEST_BODY, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) seen = BUF_INIT(MIB(1));
        fake_begin(&runtime, 1, rows[i].max_body);
        int fd = fake_connect(&runtime);
        fake_send(&runtime, fd, slice_of(rows[i].in));
        receive_all(fd, &seen);
        ROW(rows[i].name, slice_starts_with(buf_slice(&seen), "HTTP/1.1 413 "));
        ROW(rows[i].name, has(&seen, "send less"));
        ROW(rows[i].name, has(&seen, "raise server.max_body") == rows[i].may_raise);
        end(fd);
    }
}

static void test_no_memory(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    int fd = begin(SLICE_NONE);
    runtime.no_memory = true;
    fake_send(&runtime, fd, HARBORAI_STR(CHAT "content-length: 4\r\n\r\nhold"));
    receive_all(fd, &seen);
    CU_ASSERT(slice_starts_with(buf_slice(&seen), "HTTP/1.1 503 "));
    end(fd);
}

/* --- What the call is told -------------------------------------------------------------------- */

static const struct name {
    const char *name, *given;
    bool taken;
} names[] = {
    {"plain", "my-request.id_0001", true}, {"path", "a/b:c", true}, {"blank", "has space", false},
    {"quote", "quote\"", false},           {"empty", "", false},    {"none", NULL, false},
    {"umlaut", "\xc3\xa4", false},
};

static void test_request_ids(void)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(buf) in = BUF_INIT(KIB(4)), seen = BUF_INIT(MIB(1));
        buf_add(&in, HARBORAI_STR(CHAT "content-length: 7\r\n"));
        if (names[i].given != NULL)
            buf_printf(&in, "x-request-id: %s\r\n", names[i].given);
        buf_add(&in, HARBORAI_STR("\r\nwhole {}"));
        int fd = begin(buf_slice(&in));
        receive_all(fd, &seen);
        const char *id = runtime.seen.request_id;
        ROW(names[i].name, has(&seen, id));
        ROW(names[i].name, names[i].taken ? strcmp(id, names[i].given) == 0
                                          : strlen(id) == 36 && strncmp(id, "req_", 4) == 0);
        end(fd);
    }
}

static void test_what_the_call_is_told(void)
{
    int fd = begin(HARBORAI_STR(CHAT "traceparent: 00-a-b-01\r\ncontent-length: 4\r\n\r\nhold"));
    CU_ASSERT_STRING_EQUAL(runtime.seen.trace_parent, "00-a-b-01");
    CU_ASSERT_STRING_EQUAL(runtime.seen.client, "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(runtime.seen.body, "hold");
    end(fd);
    CU_ASSERT(runtime.cancelled == 1); /* the server went */
}

/* Of a later version as much as says whose trace it is, and that more follows. */
static void test_later_trace_parent(void)
{
#define TRACE "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    int fd = begin(HARBORAI_STR(CHAT "traceparent: " TRACE "-what-the-future-brings\r\ncontent-length: 4\r\n\r\nhold"));
    CU_ASSERT_STRING_EQUAL(runtime.seen.trace_parent, TRACE "-");
    end(fd);
}

static void test_continue(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    int fd = begin(HARBORAI_STR(CHAT "expect: 100-continue\r\ncontent-length: 8\r\n\r\n"));
    const char *want = "HTTP/1.1 100 Continue\r\n\r\n";
    CU_ASSERT_STRING_EQUAL(fake_receive(&runtime, fd, &seen, strlen(want), NULL), want);
    fake_send(&runtime, fd, HARBORAI_STR("whole {}"));
    receive_all(fd, &seen);
    CU_ASSERT(has(&seen, "HTTP/1.1 200 OK\r\n"));
    end(fd);
}

/* --- Clients that leave ----------------------------------------------------------------------- */

static void test_leaves(void)
{
    static const struct leave {
        const char *name;
        int how; /* of shutdown(); -1 = close() */
        bool with_chunk, reset;
    } rows[] = {{"close", -1, false, false},
                {"half", SHUT_WR, false, false},
                {"reset", -1, false, true},
                {"in a stream", -1, true, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = begin(HARBORAI_STR(CHAT "content-length: 4\r\n\r\nhold"));
        struct linger now = {1, 0};
        ROW(rows[i].name, runtime.started == 1);
        if (rows[i].with_chunk) {
            fake_chunk(runtime.seen.call, HARBORAI_STR("{}"));
            fake_pass(&runtime);
        }
        if (rows[i].reset)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        if (rows[i].how < 0)
            close(fd);
        else
            shutdown(fd, rows[i].how);
        fake_pass(&runtime);
        ROW(rows[i].name, runtime.cancelled == 1);
        ROW(rows[i].name, metrics_sum(runtime.metrics, METRIC_CLIENT_CONNECTIONS) == 0);
        if (rows[i].how >= 0)
            close(fd);
        fake_end_all(&runtime);
    }
}

/* Behind the last answer input is thrown away for 2 s, and no more than 1 MiB of it. */
static void test_lingers(void)
{
    static char filler[65536];
    for (int is_much = 0; is_much < 2; is_much++) {
        AUTO(buf) seen = BUF_INIT(MIB(1));
        int fd = begin(HARBORAI_STR("GARBAGE\r\n\r\n"));
        CU_ASSERT(receive_all(fd, &seen) && has(&seen, "HTTP/1.1 400 "));
        for (int i = 0; i < (is_much ? 17 : 15); i++)
            fake_send(&runtime, fd, (harborai_str){filler, sizeof filler});
        pass_time(1);
        CU_ASSERT(metrics_sum(runtime.metrics, METRIC_CLIENT_CONNECTIONS) == !is_much);
        pass_time(2);
        CU_ASSERT(metrics_sum(runtime.metrics, METRIC_CLIENT_CONNECTIONS) == 0);
        end(fd);
    }
}

/* --- Clients that are slow -------------------------------------------------------------------- */

enum { EVENTS_MAX = 4000 };

/* Events of 4 KiB until the socket takes no more and the engine would pause. */
static unsigned fill(void)
{
    static char json[4096];
    unsigned events = 0;
    memset(json, 'x', sizeof json);
    while (events < EVENTS_MAX && fake_undelivered(runtime.seen.call) <= LIMIT_UNDELIVERED) {
        fake_chunk(runtime.seen.call, (harborai_str){json, sizeof json});
        fake_pass(&runtime);
        events++;
    }
    return events;
}

static void test_slow_reader(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(64));
    int fd = begin(HARBORAI_STR(CHAT "content-length: 4\r\n\r\nhold"));
    unsigned events = fill(), found = 0;
    CU_ASSERT_FATAL(events < EVENTS_MAX);
    unsigned before = runtime.resumed;
    (void)fake_receive(&runtime, fd, &seen, (size_t)events * 4096, NULL);
    CU_ASSERT(runtime.resumed > before);
    CU_ASSERT(fake_undelivered(runtime.seen.call) == 0);
    fake_end(runtime.seen.call, HARBORAI_OK);
    receive_all(fd, &seen);
    harborai_str rest = buf_slice(&seen);
    for (const char *at; (at = memmem(rest.data, rest.len, "data: xxx", 9)) != NULL; found++)
        rest = slice_from(rest, (size_t)(at - rest.data) + 9);
    CU_ASSERT(found == events);
    CU_ASSERT(slice_ends_with(buf_slice(&seen), "data: [DONE]\n\n\r\n0\r\n\r\n"));
    end(fd);
}

static void test_reader_that_stops(void)
{
    int fd = begin(HARBORAI_STR(CHAT "content-length: 4\r\n\r\nhold"));
    CU_ASSERT_FATAL(fill() < EVENTS_MAX);
    pass_time(59);
    CU_ASSERT(runtime.cancelled == 0);
    pass_time(2);
    for (int i = 0; i < 2 && runtime.cancelled == 0; i++)
        pass_time(61); /* what was on its way may look like reading */
    CU_ASSERT(runtime.cancelled == 1);
    end(fd);
}

/* The other end of a connection, which is this process's, too. */
static int other_end(int fd)
{
    struct sockaddr_in own, peer;
    socklen_t size = sizeof own;
    CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&own, &size) == 0);
    for (int other = 0; other < 1024; other++) {
        size = sizeof peer;
        if (getpeername(other, (struct sockaddr *)&peer, &size) == 0 && peer.sin_port == own.sin_port)
            return other;
    }
    return -1;
}

/* What is read is told to the sender when the kernel deems it enough, and a little later. */
static void read_until_seen(int fd)
{
    static char room[KIB(16)];
    int other = other_end(fd), before = 0, queued = 0;
    CU_ASSERT_FATAL(other >= 0 && ioctl(other, SIOCOUTQ, &before) == 0);
    for (int i = 0; i < 5000 && (i == 0 || queued > before - CONN_SEND_STEP); i++) {
        (void)recv(fd, room, sizeof room, MSG_DONTWAIT);
        usleep(1000);
        CU_ASSERT_FATAL(ioctl(other, SIOCOUTQ, &queued) == 0);
    }
}

/* Less than has the socket say that it takes more, but something all the time. */
static void test_reader_that_takes_a_little(void)
{
    int fd = begin(HARBORAI_STR(CHAT "content-length: 4\r\n\r\nhold"));
    CU_ASSERT_FATAL(fill() < EVENTS_MAX);
    for (int i = 0; i < 3; i++) {
        pass_time(55);
        read_until_seen(fd);
        pass_time(10);
        CU_ASSERT(runtime.cancelled == 0);
    }
    (void)fill(); /* if that was enough for the socket after all */
    for (int i = 0; i < 5 && runtime.cancelled == 0; i++)
        pass_time(61);
    CU_ASSERT(runtime.cancelled == 1);
    end(fd);
}

static const struct patience {
    const char *name, *in, *answer;
    int64_t seconds;
} patiences[] = {
    {"nothing", "", "", 30},
    {"head", "GET /livez HTTP/1.1\r\nho", "HTTP/1.1 408 ", 30},
    {"body", CHAT "content-length: 9\r\n\r\nabc", "HTTP/1.1 408 ", 60},
    {"idle", "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 200 ", 75},
    {"second head", "GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET", "HTTP/1.1 200 ", 30},
};

static void test_patience(void)
{
    for (size_t i = 0; i < ARRAY_LEN(patiences); i++) {
        const struct patience *row = &patiences[i];
        AUTO(buf) seen = BUF_INIT(MIB(1));
        int fd = begin(slice_of(row->in));
        pass_time(row->seconds - 1);
        ROW(row->name, !receive_all(fd, &seen));
        pass_time(2);
        ROW(row->name, receive_all(fd, &seen));
        ROW(row->name, slice_starts_with(buf_slice(&seen), row->answer));
        end(fd);
    }
}

/* A head that does not come whole is answered as what it is, not as the request before it. */
static void test_half_head_after_another(void)
{
    static const char *const rows[] = {
        "", "HEAD /livez HTTP/1.1\r\nhost: x\r\nx-request-id: first\r\n\r\n",
        "GET /livez HTTP/1.0\r\nconnection: keep-alive\r\nx-request-id: first\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) first = BUF_INIT(MIB(1)), seen = BUF_INIT(MIB(1));
        int fd = begin(slice_of(rows[i]));
        ROW(rows[i], !receive_all(fd, &first));
        fake_send(&runtime, fd, HARBORAI_STR("GET /livez HTTP/1.1\r\nx-request-id: sec"));
        pass_time(31);
        ROW(rows[i], receive_all(fd, &seen));
        ROW(rows[i], slice_starts_with(buf_slice(&seen), "HTTP/1.1 408 "));
        ROW(rows[i], has(&seen, "\r\nx-request-id: req_") && has(&seen, "{\"error\":{"));
        end(fd);
    }
}

/* A body has a minute, and a second for each 16 KiB of it, however steadily it comes. */
static const struct trickle {
    const char *name;
    size_t first;
    int64_t seconds;
} trickles[] = {{"a byte at a time", 1, 60}, {"64 KiB, then bytes", 65536, 64}};

static void test_body_that_trickles(void)
{
    static char filler[65536];
    for (size_t i = 0; i < ARRAY_LEN(trickles); i++) {
        const struct trickle *row = &trickles[i];
        AUTO(buf) seen = BUF_INIT(MIB(1));
        int64_t passed = 0;
        fake_begin(&runtime, 1, (int64_t)MIB(1));
        int fd = fake_connect(&runtime);
        fake_send(&runtime, fd, HARBORAI_STR(CHAT "content-length: 1000000\r\n\r\n"));
        fake_send(&runtime, fd, (harborai_str){filler, row->first});
        fake_pass(&runtime);
        for (; passed < row->seconds - 5; passed += 5) {
            pass_time(5);
            fake_send(&runtime, fd, HARBORAI_STR("x"));
        }
        ROW(row->name, !receive_all(fd, &seen) && seen.len == 0);
        pass_time(row->seconds - passed + 1);
        ROW(row->name, receive_all(fd, &seen));
        ROW(row->name, slice_starts_with(buf_slice(&seen), "HTTP/1.1 408 "));
        end(fd);
    }
}

/* Bodies beyond what all may hold are refused; the call that has its own goes on. */
static void test_bodies_of_all(void)
{
    static const char *const wholes[] = {"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
                                         CHAT "content-length: 8\r\n\r\nwhole {}"};
    AUTO(buf) call = BUF_INIT(KIB(2));
    buf_printf(&call, CHAT "content-length: 900\r\n\r\nhold%896s", "");
    fake_begin_with(&runtime, 1, 1000, 1300);
    int first = fake_connect(&runtime);
    fake_send(&runtime, first, buf_slice(&call));
    fake_pass(&runtime);
    CU_ASSERT(runtime.started == 1);
    for (int again = 0; again < 2; again++) {
        AUTO(buf) seen = BUF_INIT(MIB(1));
        int second = fake_connect(&runtime);
        fake_send(&runtime, second, buf_slice(&call));
        CU_ASSERT(receive_all(second, &seen)); /* the rest of its body is not waited for */
        CU_ASSERT(slice_starts_with(buf_slice(&seen), "HTTP/1.1 503 "));
        CU_ASSERT(has(&seen, "\r\nretry-after: 1\r\n") && has(&seen, "out_of_memory"));
        close(second);
        fake_pass(&runtime);
    }
    CU_ASSERT(runtime.started == 1 && runtime.cancelled == 0);
    for (size_t i = 0; i < ARRAY_LEN(wholes); i++) { /* nor does it stay for others */
        AUTO(buf) seen = BUF_INIT(MIB(1));
        int other = fake_connect(&runtime);
        fake_send(&runtime, other, slice_of(wholes[i]));
        receive_all(other, &seen);
        ROW(wholes[i], has(&seen, "HTTP/1.1 200 OK\r\n"));
        close(other);
        fake_pass(&runtime);
    }
    end(first);
}

/* Whichever way a call or a half body ends, what it held is there for the next. */
static void test_bodies_are_given_back(void)
{
    enum how { CLIENT_LEAVES, CALL_ENDS, HALF_LEAVES, TOO_SLOW, TOO_LARGE, WAYS };
    fake_begin_with(&runtime, 1, 1000, 1200);
    for (int how = 0; how < 2 * WAYS; how++) {
        AUTO(buf) in = BUF_INIT(KIB(4)), seen = BUF_INIT(MIB(1));
        int fd = fake_connect(&runtime);
        bool is_half = how % WAYS == HALF_LEAVES || how % WAYS == TOO_SLOW;
        if (how % WAYS == TOO_LARGE)
            buf_printf(&in, CHAT "transfer-encoding: chunked\r\n\r\n1000\r\n%900s", "");
        else
            buf_printf(&in, CHAT "content-length: %d\r\n\r\nhold%896s", is_half ? 950 : 900, "");
        fake_send(&runtime, fd, buf_slice(&in));
        fake_pass(&runtime);
        if (how % WAYS == CALL_ENDS)
            fake_end(runtime.seen.call, HARBORAI_OK);
        else if (how % WAYS == TOO_SLOW)
            pass_time(61);
        else if (how % WAYS == TOO_LARGE)
            fake_send(&runtime, fd, buf_slice(&in));
        if (how % WAYS == CALL_ENDS || how % WAYS >= TOO_SLOW)
            receive_all(fd, &seen);
        CU_ASSERT(!has(&seen, "HTTP/1.1 503"));
        close(fd);
        fake_pass(&runtime);
    }
    CU_ASSERT(runtime.started == 4 && runtime.cancelled == 2 && runtime.over == 2);
    fake_end_all(&runtime);
}

/* Nor do heads that do not end hold more than bodies may; what they held is given back. */
static void test_heads_count(void)
{
    enum how { CLIENT_LEAVES, ENDS, TOO_SLOW, WAYS };
    AUTO(buf) head = BUF_INIT(KIB(64));
    buf_printf(&head, "GET /health HTTP/1.1\r\nhost: x\r\nx: %020000d", 1);
    fake_begin_with(&runtime, 1, 1000, 40000);
    for (int how = 0; how < 3 * WAYS; how++) {
        AUTO(buf) first = BUF_INIT(MIB(1)), second = BUF_INIT(MIB(1));
        int fd = fake_connect(&runtime), other = fake_connect(&runtime);
        fake_send(&runtime, fd, buf_slice(&head));
        fake_pass(&runtime);
        fake_send(&runtime, other, buf_slice(&head));
        CU_ASSERT(receive_all(other, &second));
        CU_ASSERT(slice_starts_with(buf_slice(&second), "HTTP/1.1 503 "));
        CU_ASSERT(has(&second, "\r\nretry-after: 1\r\n"));
        if (how % WAYS == ENDS)
            fake_send(&runtime, fd, HARBORAI_STR("\r\n\r\n"));
        else if (how % WAYS == TOO_SLOW)
            pass_time(31);
        if (how % WAYS != CLIENT_LEAVES) {
            receive_all(fd, &first);
            CU_ASSERT(slice_starts_with(buf_slice(&first),
                                        how % WAYS == ENDS ? "HTTP/1.1 200 " : "HTTP/1.1 408 "));
        }
        close(fd);
        close(other);
        fake_pass(&runtime);
        fake_pass(&runtime);
    }
    fake_end_all(&runtime);
}

/* What the engine makes of a body counts as it does, and is given back with it. */
static void test_more_bodies(void)
{
    AUTO(buf) in = BUF_INIT(KIB(2));
    fake_begin_with(&runtime, 1, 1000, 1300);
    for (int i = 0; i < 6; i++) {
        AUTO(buf) seen = BUF_INIT(MIB(1));
        int fd = fake_connect(&runtime);
        buf_clear(&in);
        buf_printf(&in, CHAT "content-length: 600\r\n\r\nmore %s%591s", i & 1 ? "1000" : "0300", "");
        fake_send(&runtime, fd, buf_slice(&in));
        receive_all(fd, &seen);
        ROW(i & 1 ? "too much" : "fits", has(&seen, i & 1 ? "HTTP/1.1 429" : "HTTP/1.1 200"));
        close(fd);
        fake_pass(&runtime);
    }
    fake_end_all(&runtime);
}

/* A plugin may be at the body of a call whose client has left: it is held, so it counts. */
static void test_body_outlasts_its_client(void)
{
    AUTO(buf) in = BUF_INIT(KIB(2)), full = BUF_INIT(MIB(1));
    buf_printf(&in, CHAT "content-length: 900\r\n\r\nhold%896s", "");
    fake_begin_with(&runtime, 1, 1000, 1300);
    runtime.keeps = true;
    for (int i = 0; i < 3; i++) {
        struct call *kept = runtime.seen.call;
        int fd = fake_connect(&runtime);
        if (i == 2)
            fake_let_go(kept);
        fake_pass(&runtime);
        fake_send(&runtime, fd, buf_slice(&in));
        fake_pass(&runtime);
        if (i == 1)
            receive_all(fd, &full);
        close(fd);
        fake_pass(&runtime);
    }
    CU_ASSERT(slice_starts_with(buf_slice(&full), "HTTP/1.1 503 "));
    CU_ASSERT(runtime.started == 2 && runtime.cancelled == 2);
    fake_let_go(runtime.seen.call);
    fake_end_all(&runtime);
}

/* A call may be silent as long as the engine lets it. */
static void test_silent_call(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    int fd = begin(HARBORAI_STR(CHAT "content-length: 4\r\n\r\nhold"));
    pass_time(1000);
    fake_end(runtime.seen.call, HARBORAI_OK);
    CU_ASSERT(!receive_all(fd, &seen));
    CU_ASSERT(has(&seen, "HTTP/1.1 200 OK"));
    end(fd);
}

/* What comes while a call runs is kept, and answered after it. */
static void test_pipelined_behind_a_call(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    int fd = begin(HARBORAI_STR(CHAT "content-length: 4\r\n\r\nholdGET /liv"));
    fake_send(&runtime, fd, HARBORAI_STR("ez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
    fake_pass(&runtime);
    CU_ASSERT(recv(fd, (char[1]){0}, 1, MSG_DONTWAIT) < 0);
    fake_end(runtime.seen.call, HARBORAI_E_TIMEOUT);
    CU_ASSERT(receive_all(fd, &seen));
    CU_ASSERT(slice_starts_with(buf_slice(&seen), "HTTP/1.1 504 "));
    CU_ASSERT(slice_ends_with(buf_slice(&seen), "\r\n\r\n{\"status\":\"ok\"}"));
    end(fd);
}

/* However many are sent ahead: they wait in the socket, not here. */
static void test_pipelined_without_end(void)
{
    enum { REQUESTS = 1000 };
    AUTO(buf) in = BUF_INIT(MIB(1)), seen = BUF_INIT(MIB(1));
    unsigned found = 0;
    for (int i = 0; i < REQUESTS; i++)
        buf_printf(&in, "GET /livez HTTP/1.1\r\nhost: x\r\nx: %0300d\r\n\r\n", i);
    int fd = begin(SLICE_NONE);
    for (size_t at = 0; at < in.len; at += KIB(16)) /* each piece is an event */
        fake_send(&runtime, fd, slice_cut(slice_from(buf_slice(&in), at), KIB(16)));
    for (int i = 0; i < REQUESTS; i++)
        fake_pass(&runtime);
    CU_ASSERT(!receive_all(fd, &seen));
    harborai_str rest = buf_slice(&seen);
    for (const char *at; (at = memmem(rest.data, rest.len, "\"ok\"", 4)) != NULL; found++)
        rest = slice_from(rest, (size_t)(at - rest.data) + 4);
    CU_ASSERT(found == REQUESTS);
    end(fd);
}

/* An event whose JSON stands on several lines is still one event. */
static void test_event_of_lines(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    int fd = begin(HARBORAI_STR(CHAT "content-length: 4\r\n\r\nhold"));
    fake_chunk(runtime.seen.call, HARBORAI_STR("{\n\"a\":1\r\n}"));
    fake_pass(&runtime);
    receive_all(fd, &seen);
    CU_ASSERT(slice_ends_with(buf_slice(&seen), "data: {\ndata: \"a\":1\ndata: \ndata: }\n\n\r\n"));
    end(fd);
}

const CU_TestInfo conn_tests[] = {
    {"refusals", test_refusals},
    {"too large", test_too_large},
    {"no memory", test_no_memory},
    {"request ids", test_request_ids},
    {"what the call is told", test_what_the_call_is_told},
    {"a later trace parent", test_later_trace_parent},
    {"100 continue", test_continue},
    {"client leaves", test_leaves},
    {"lingers", test_lingers},
    {"slow reader", test_slow_reader},
    {"reader that takes a little", test_reader_that_takes_a_little},
    {"reader that stops", test_reader_that_stops},
    {"patience", test_patience},
    {"half a head after another request", test_half_head_after_another},
    {"body that trickles", test_body_that_trickles},
    {"bodies of all", test_bodies_of_all},
    {"bodies are given back", test_bodies_are_given_back},
    {"heads count", test_heads_count},
    {"more bodies", test_more_bodies},
    {"body that outlasts its client", test_body_outlasts_its_client},
    {"silent call", test_silent_call},
    {"pipelined behind a call", test_pipelined_behind_a_call},
    {"pipelined without end", test_pipelined_without_end},
    {"event of several lines", test_event_of_lines},
    CU_TEST_INFO_NULL,
};
