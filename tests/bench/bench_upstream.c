/* SPDX-License-Identifier: MIT */
/* An upstream that costs as little as it can: one thread, one epoll set, answers from bytes made
 * before the first request. It answers any POST as OpenAI's chat completions do, whole or (when
 * the body says "stream":true) as events; a stream of /v1/messages has the same texts in Anthropic's
 * events. A marker in the body sets the pace of its answer:
 *
 *   bench:events=200,delay_us=4000,delay_ms=20,hold=10,after_us=100000
 *
 * events: content events of a stream; delay_us: between two of them; delay_ms: before the answer;
 * hold: the stream is silent after its content until SIGUSR1; then come so many events more, after_us
 * apart, and its end. With --certificate and --key all that is in TLS. It is a measuring aid: it
 * trusts its clients and checks nothing of what they say. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/args.h"
#include "tests/bench/heap.h"
#include "tests/bench/net.h"
#include "tests/bench/tls.h"

enum { EVENTS_A_PASS = 256, REQUEST_MAX = 1 << 22, CANNED_MAX = 8192 };

#define ANSWER_HEADERS                                                                             \
    "HTTP/1.1 200 OK\r\nserver: bench\r\nx-request-id: req_0123456789abcdef0123456789abcdef\r\n"   \
    "openai-processing-ms: 1\r\n"
#define CHUNK_START                                                                                \
    "data: {\"id\":\"chatcmpl-bench0123456789\",\"object\":\"chat.completion.chunk\","             \
    "\"created\":1760000000,\"model\":\"bench-model\",\"system_fingerprint\":\"fp_bench\","
#define USAGE "\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":150,\"total_tokens\":350}"

/* What one request asked for. */
struct plan {
    uint64_t events, delay_us, delay_ms, hold, after_us;
    bool is_stream, is_messages, wants_usage;
};

/* What is next on a connection. */
enum stage { STAGE_REQUEST, STAGE_WHOLE, STAGE_FIRST_EVENT, STAGE_EVENTS, STAGE_HELD };

struct conn {
    struct heap_timer timer; /* first, so that a due timer is its connection */
    int fd;
    SSL *ssl; /* NULL: plain */
    enum stage stage;
    struct plan plan;
    uint64_t events_sent;
    char *in;
    size_t in_len, in_capacity;
    char *out; /* the rest of a write that the socket did not take, or NULL */
    size_t out_len;
    struct conn *next_parked;
};

struct text {
    char data[CANNED_MAX];
    size_t len;
};

/* Every byte that is ever sent. */
struct canned_stream {
    struct text start, event, end, end_usage;
};
struct canned {
    struct text whole;
    struct canned_stream chunks, messages;
};

struct upstream {
    int epoll, listener, signals;
    SSL_CTX *tls; /* NULL: plain */
    struct heap timers;
    struct canned canned;
    struct plan plan; /* what holds where a body has no marker */
    struct conn *parked;
};

/* --- What is sent --------------------------------------------------------------------------- */

static void text_add(struct text *text, const char *data, size_t len)
{
    if (len > sizeof text->data - text->len)
        args_die("an answer of more than %d bytes is asked for", CANNED_MAX);
    memcpy(text->data + text->len, data, len);
    text->len += len;
}

static void text_add_chunk(struct text *text, const struct text *payload)
{
    char size[32];
    int size_len = snprintf(size, sizeof size, "%zx\r\n", payload->len);
    text_add(text, size, (size_t)size_len);
    text_add(text, payload->data, payload->len);
    text_add(text, "\r\n", 2);
}

static void text_add_filler(struct text *text, size_t len)
{
    static const char filler[] = "a quick brown fox jumps over the lazy dog and then some more. ";
    for (size_t i = 0; i < len; i++)
        text_add(text, &filler[i % (sizeof filler - 1)], 1);
}

#define TEXT_ADD(text, literal) text_add(text, literal, sizeof(literal) - 1)

static struct text event_make(size_t content_len, const char *role, const char *finish)
{
    struct text event = {.len = 0};
    TEXT_ADD(&event, CHUNK_START "\"choices\":[{\"index\":0,\"delta\":{");
    text_add(&event, role, strlen(role));
    if (content_len > 0) {
        TEXT_ADD(&event, "\"content\":\"");
        text_add_filler(&event, content_len);
        TEXT_ADD(&event, "\"");
    }
    TEXT_ADD(&event, "},\"logprobs\":null,\"finish_reason\":");
    text_add(&event, finish, strlen(finish));
    TEXT_ADD(&event, "}]}\n\n");
    return event;
}

static void canned_make_whole(struct canned *canned, size_t content_len)
{
    struct text body = {.len = 0};
    char length[64];
    TEXT_ADD(&body, "{\"id\":\"chatcmpl-bench0123456789\",\"object\":\"chat.completion\","
                    "\"created\":1760000000,\"model\":\"bench-model\",\"choices\":[{\"index\":0,"
                    "\"message\":{\"role\":\"assistant\",\"content\":\"");
    text_add_filler(&body, content_len);
    TEXT_ADD(&body, "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}]," USAGE
                    ",\"system_fingerprint\":\"fp_bench\"}\n");
    TEXT_ADD(&canned->whole, ANSWER_HEADERS "content-type: application/json\r\n");
    int length_len = snprintf(length, sizeof length, "content-length: %zu\r\n\r\n", body.len);
    text_add(&canned->whole, length, (size_t)length_len);
    text_add(&canned->whole, body.data, body.len);
}

#define STREAM_HEADERS                                                                             \
    ANSWER_HEADERS "content-type: text/event-stream; charset=utf-8\r\n"                            \
                   "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"

static void canned_make_chunks(struct canned_stream *stream, size_t content_len)
{
    struct text event = event_make(content_len, "\"role\":\"assistant\",", "null");
    TEXT_ADD(&stream->start, STREAM_HEADERS);
    text_add_chunk(&stream->start, &event);
    event = event_make(content_len, "", "null");
    text_add_chunk(&stream->event, &event);

    event = event_make(0, "", "\"stop\"");
    text_add_chunk(&stream->end, &event);
    stream->end_usage = stream->end;
    event.len = 0;
    TEXT_ADD(&event, CHUNK_START "\"choices\":[]," USAGE "}\n\n");
    text_add_chunk(&stream->end_usage, &event);
    event.len = 0;
    TEXT_ADD(&event, "data: [DONE]\n\n");
    text_add_chunk(&stream->end, &event);
    text_add_chunk(&stream->end_usage, &event);
    TEXT_ADD(&stream->end, "0\r\n\r\n");
    TEXT_ADD(&stream->end_usage, "0\r\n\r\n");
}

/* https://platform.claude.com/docs/en/build-with-claude/streaming */
static void canned_make_messages(struct canned_stream *stream, size_t content_len)
{
    struct text event = {.len = 0};
    TEXT_ADD(&event, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":"
                     "\"msg_bench0123456789\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
                     "\"bench-claude\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
                     "\"usage\":{\"input_tokens\":200,\"output_tokens\":1}}}\n\n"
                     "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
                     "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
    TEXT_ADD(&stream->start, STREAM_HEADERS);
    text_add_chunk(&stream->start, &event);
    event.len = 0;
    TEXT_ADD(&event, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                     "\"delta\":{\"type\":\"text_delta\",\"text\":\"");
    text_add_filler(&event, content_len);
    TEXT_ADD(&event, "\"}}\n\n");
    text_add_chunk(&stream->start, &event); /* which counts as the first of them, as above */
    text_add_chunk(&stream->event, &event);
    event.len = 0;
    TEXT_ADD(&event, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
                     "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
                     "\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":150}}\n\n"
                     "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    text_add_chunk(&stream->end, &event);
    TEXT_ADD(&stream->end, "0\r\n\r\n");
    stream->end_usage = stream->end;
}

/* --- Connections ---------------------------------------------------------------------------- */

static void conn_watch(struct upstream *up, struct conn *conn, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (conn->out ? EPOLLOUT : 0), .data.ptr = conn};
    if (epoll_ctl(up->epoll, operation, conn->fd, &event) < 0)
        args_die("cannot watch a connection: %s", strerror(errno));
}

/* The memory is freed after the pass: an event of the same pass may still point to it. */
static void conn_close(struct upstream *up, struct conn *conn)
{
    heap_unset(&up->timers, &conn->timer);
    SSL_free(conn->ssl);
    close(conn->fd);
    conn->fd = -1;
    free(conn->in);
    free(conn->out);
    conn->in = conn->out = NULL;
    conn->next_parked = up->parked;
    up->parked = conn;
}

static void parked_free(struct upstream *up)
{
    while (up->parked) {
        struct conn *conn = up->parked;
        up->parked = conn->next_parked;
        free(conn);
    }
}

static void listener_accept(struct upstream *up)
{
    for (int fd; (fd = net_accept(up->listener)) >= 0;) {
        struct conn *conn = calloc(1, sizeof *conn);
        if (!conn)
            args_die("out of memory for a connection");
        conn->fd = fd;
        conn->ssl = up->tls ? tls_accept(up->tls, fd) : NULL;
        conn_watch(up, conn, EPOLL_CTL_ADD);
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        args_die("cannot accept: %s", strerror(errno));
}

/* Sends or keeps for later; false when the connection is gone. */
static bool conn_send(struct upstream *up, struct conn *conn, const char *data, size_t len)
{
    ssize_t sent = conn->ssl ? tls_send(conn->ssl, data, len)
                             : send(conn->fd, data, len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        conn_close(up, conn);
        return false;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done < len) {
        conn->out_len = len - done;
        conn->out = malloc(conn->out_len);
        if (!conn->out)
            args_die("out of memory for output");
        memcpy(conn->out, data + done, conn->out_len);
        conn_watch(up, conn, EPOLL_CTL_MOD);
    }
    return true;
}

/* --- Requests ------------------------------------------------------------------------------- */

static uint64_t marker_value(const char *name, const char *marker, const char *end,
                             uint64_t otherwise)
{
    const char *at = memmem(marker, (size_t)(end - marker), name, strlen(name));
    return at ? args_number(at + strlen(name), end, &at) : otherwise;
}

/* Whether the first member of that name says true; good enough for bodies that we write. */
static bool body_says(const char *body, size_t len, const char *member)
{
    const char *end = body + len;
    const char *at = memmem(body, len, member, strlen(member));
    if (!at)
        return false;
    for (at += strlen(member); at < end && *at == ' '; at++)
        continue;
    return end - at >= 4 && memcmp(at, "true", 4) == 0;
}

static void plan_read(struct plan *plan, const char *body, size_t len)
{
    const char *marker = memmem(body, len, "bench:", 6);
    plan->is_stream = body_says(body, len, "\"stream\":");
    plan->wants_usage = plan->is_stream && body_says(body, len, "\"include_usage\":");
    if (!marker)
        return;
    const char *end = memchr(marker, '"', (size_t)(body + len - marker));
    if (!end)
        end = body + len;
    plan->events = marker_value("events=", marker, end, plan->events);
    plan->delay_us = marker_value("delay_us=", marker, end, plan->delay_us);
    plan->delay_ms = marker_value("delay_ms=", marker, end, plan->delay_ms);
    plan->hold = marker_value("hold=", marker, end, plan->hold);
    plan->after_us = marker_value("after_us=", marker, end, plan->after_us);
}

/* The length of the first request in the buffer, 0 while it is incomplete. */
static size_t request_measure(const struct conn *conn, size_t *ret_head_len)
{
    static const char name[] = "\r\ncontent-length:";
    const char *head_end = memmem(conn->in, conn->in_len, "\r\n\r\n", 4);
    if (!head_end)
        return 0;
    *ret_head_len = (size_t)(head_end - conn->in) + 4;
    size_t body_len = 0;
    for (const char *at = conn->in; at + sizeof name - 1 < head_end; at++) {
        if (*at != '\r' || strncasecmp(at, name, sizeof name - 1) != 0)
            continue;
        at += sizeof name - 1;
        while (*at == ' ')
            at++;
        body_len = args_number(at, head_end, &at);
        break;
    }
    if (body_len > REQUEST_MAX)
        args_die("a request of %zu bytes is more than this upstream takes", body_len);
    size_t len = *ret_head_len + body_len;
    return conn->in_len >= len ? len : 0;
}

static void conn_step(struct upstream *up, struct conn *conn);

static void request_take(struct upstream *up, struct conn *conn)
{
    size_t head_len, len;
    if (conn->stage != STAGE_REQUEST || conn->out || (len = request_measure(conn, &head_len)) == 0)
        return;
    conn->plan = up->plan;
    conn->plan.is_messages = memmem(conn->in, head_len, "/messages HTTP", 14) != NULL;
    plan_read(&conn->plan, conn->in + head_len, len - head_len);
    conn->in_len -= len;
    memmove(conn->in, conn->in + len, conn->in_len);
    conn->events_sent = 0;
    conn->stage = conn->plan.is_stream ? STAGE_FIRST_EVENT : STAGE_WHOLE;
    if (conn->plan.delay_ms > 0)
        heap_set(&up->timers, &conn->timer, net_now_ns() + conn->plan.delay_ms * 1000000);
    else
        conn_step(up, conn);
}

static void conn_make_room(struct conn *conn)
{
    if (conn->in_capacity - conn->in_len >= 2048)
        return;
    conn->in_capacity = conn->in_capacity ? conn->in_capacity * 2 : 4096;
    conn->in = conn->in_capacity <= 2 * (size_t)REQUEST_MAX ? realloc(conn->in, conn->in_capacity)
                                                            : NULL;
    if (!conn->in)
        args_die("no memory for a request of %zu bytes", conn->in_capacity);
}

/* Reads once; of TLS all that has been taken from the socket, which tells of it no more. */
static void conn_read(struct upstream *up, struct conn *conn)
{
    do {
        conn_make_room(conn);
        char *to = conn->in + conn->in_len;
        size_t room = conn->in_capacity - conn->in_len;
        ssize_t got =
            conn->ssl ? tls_recv(conn->ssl, to, room) : recv(conn->fd, to, room, 0);
        if (got <= 0) {
            if (got == 0 || errno != EAGAIN)
                conn_close(up, conn);
            return;
        }
        conn->in_len += (size_t)got;
        request_take(up, conn);
    } while (conn->fd >= 0 && conn->ssl && tls_has_pending(conn->ssl));
}

/* --- Answers -------------------------------------------------------------------------------- */

#define NEVER_NS (UINT64_MAX / 2)

static void conn_next_event(struct upstream *up, struct conn *conn)
{
    /* paced from now, not from the last due time: late events must not come as a burst */
    uint64_t due_ns = net_now_ns() + conn->plan.delay_us * 1000;
    if (conn->events_sent >= conn->plan.events && conn->plan.hold) {
        conn->stage = STAGE_HELD;
        due_ns = NEVER_NS;
    }
    heap_set(&up->timers, &conn->timer, due_ns);
}

static void conn_release(struct upstream *up, struct conn *conn, uint64_t due_ns)
{
    conn->stage = STAGE_EVENTS;
    conn->plan.events += conn->plan.hold;
    conn->plan.hold = 0;
    conn->plan.delay_us = conn->plan.after_us;
    heap_unset(&up->timers, &conn->timer);
    heap_set(&up->timers, &conn->timer, due_ns);
}

/* Held streams go on, evenly spread over the time between two events of one. */
static void held_release(struct upstream *up)
{
    size_t count = up->timers.count, held = 0;
    struct conn **conns = calloc(count + 1, sizeof *conns);
    if (!conns)
        args_die("out of memory for %zu streams", count);
    for (size_t i = 0; i < count; i++) {
        struct conn *conn = (struct conn *)(void *)up->timers.slots[i];
        if (conn->stage == STAGE_HELD)
            conns[held++] = conn;
    }
    uint64_t now = net_now_ns();
    for (size_t i = 0; i < held; i++)
        conn_release(up, conns[i], now + conns[i]->plan.after_us * 1000 * i / held);
    free(conns);
}

/* Sends what is next. While the socket is full nothing is: conn_flush() comes back here. */
static void conn_step(struct upstream *up, struct conn *conn)
{
    const struct canned *canned = &up->canned;
    const struct canned_stream *stream =
        conn->plan.is_messages ? &canned->messages : &canned->chunks;
    const struct text *text = &canned->whole;
    bool is_last = false;
    if (conn->stage == STAGE_WHOLE) {
        is_last = true;
    } else if (conn->stage == STAGE_FIRST_EVENT) {
        text = &stream->start;
        conn->stage = STAGE_EVENTS;
    } else if (conn->events_sent < conn->plan.events) {
        text = &stream->event;
    } else {
        text = conn->plan.wants_usage ? &stream->end_usage : &stream->end;
        is_last = true;
    }
    conn->events_sent++;
    if (is_last)
        conn->stage = STAGE_REQUEST;
    if (!conn_send(up, conn, text->data, text->len) || conn->out)
        return;
    if (is_last)
        request_take(up, conn);
    else
        conn_next_event(up, conn);
}

static void conn_flush(struct upstream *up, struct conn *conn)
{
    char *out = conn->out;
    conn->out = NULL;
    bool is_open = conn_send(up, conn, out, conn->out_len);
    free(out);
    if (!is_open || conn->out)
        return;
    conn_watch(up, conn, EPOLL_CTL_MOD);
    if (conn->stage == STAGE_EVENTS)
        conn_next_event(up, conn);
    else
        request_take(up, conn);
}

/* --- The loop ------------------------------------------------------------------------------- */

static void timers_run(struct upstream *up)
{
    uint64_t now = net_now_ns();
    struct heap_timer *timer;
    while ((timer = heap_first(&up->timers)) && timer->due_ns <= now) {
        heap_unset(&up->timers, timer);
        conn_step(up, (struct conn *)(void *)timer);
    }
}

static int wait_for_events(struct upstream *up, struct epoll_event *events)
{
    const struct heap_timer *first = heap_first(&up->timers);
    if (!first)
        return epoll_wait(up->epoll, events, EVENTS_A_PASS, -1);
    uint64_t now = net_now_ns(), wait_ns = first->due_ns > now ? first->due_ns - now : 0;
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000u),
                            .tv_nsec = (long)(wait_ns % 1000000000u)};
    return epoll_pwait2(up->epoll, events, EVENTS_A_PASS, &wait, NULL);
}

static void conn_on_event(struct upstream *up, struct conn *conn, uint32_t what)
{
    if (conn->fd >= 0 && conn->out && (what & EPOLLOUT))
        conn_flush(up, conn);
    if (conn->fd >= 0 && (what & ~(uint32_t)EPOLLOUT))
        conn_read(up, conn);
}

static void signal_take(struct upstream *up)
{
    struct signalfd_siginfo info;
    if (read(up->signals, &info, sizeof info) == sizeof info)
        held_release(up);
}

static void upstream_watch(struct upstream *up)
{
    struct epoll_event listener = {.events = EPOLLIN};
    struct epoll_event signals = {.events = EPOLLIN, .data.ptr = &up->signals};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        args_die("cannot block SIGUSR1: %s", strerror(errno));
    up->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    up->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (up->signals < 0 || up->epoll < 0 ||
        epoll_ctl(up->epoll, EPOLL_CTL_ADD, up->listener, &listener) < 0 ||
        epoll_ctl(up->epoll, EPOLL_CTL_ADD, up->signals, &signals) < 0)
        args_die("cannot watch the listener: %s", strerror(errno));
}

static _Noreturn void upstream_run(struct upstream *up)
{
    static struct epoll_event events[EVENTS_A_PASS];
    for (;;) {
        int count = wait_for_events(up, events);
        if (count < 0 && errno != EINTR)
            args_die("cannot wait for events: %s", strerror(errno));
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &up->signals)
                signal_take(up);
            else if (events[i].data.ptr)
                conn_on_event(up, events[i].data.ptr, events[i].events);
            else
                listener_accept(up);
        }
        timers_run(up);
        parked_free(up);
    }
}

int main(int argc, char **argv)
{
    static struct upstream up;
    up.plan.events = 20;
    const char *certificate = NULL, *key = NULL;
    uint64_t port = 0, answer_bytes = 640, event_bytes = 24;
    const struct args_option options[] = {
        {.name = "port", .help = "on 127.0.0.1; 0 (the default) takes a free one",
         .number = &port},
        {.name = "events", .help = "content events of a stream (20)", .number = &up.plan.events},
        {.name = "delay-us", .help = "between two events (0)", .number = &up.plan.delay_us},
        {.name = "delay-ms", .help = "before an answer (0)", .number = &up.plan.delay_ms},
        {.name = "answer-bytes", .help = "text of a whole answer (640: about 1 KB of JSON)",
         .number = &answer_bytes},
        {.name = "event-bytes", .help = "text of an event (24)", .number = &event_bytes},
        {.name = "certificate", .help = "PEM file: speak TLS", .text = &certificate},
        {.name = "key", .help = "PEM file of its key", .text = &key},
    };
    args_parse(argc, argv, options, sizeof options / sizeof *options);
    uint16_t bound_port;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    net_raise_file_limit();
    canned_make_whole(&up.canned, answer_bytes);
    canned_make_chunks(&up.canned.chunks, event_bytes);
    canned_make_messages(&up.canned.messages, event_bytes);
    up.listener = net_listen((uint16_t)port, &bound_port);
    if (certificate)
        up.tls = tls_server(certificate, key ? key : certificate);
    upstream_watch(&up);
    printf("port %u\n", bound_port);
    fflush(stdout);
    upstream_run(&up);
}
