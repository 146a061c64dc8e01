/* SPDX-License-Identifier: MIT */
/* An upstream that fails, or goes to extremes, for `make soak` and the tests of floods: one thread, one
 * epoll set. A marker near the beginning of the body says how:
 *
 *   faults:429 faults:500   OpenAI's error     faults:garbage   200 with what is no JSON
 *   faults:cut              half of an answer  faults:event     a stream that ends with an error event
 *   faults:half             some events        faults:hang up   nothing at all
 *   faults:none             a short answer     faults:large     one of LARGE bytes
 *
 * Bodies of any length are taken, and not kept. Like bench_upstream it is a measuring aid: it trusts its
 * clients. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

#include "tests/bench/args.h"
#include "tests/bench/net.h"

enum { EVENTS_A_PASS = 256, LOOKED_AT = 1 << 16, LARGE = 4 << 20 };

#define JSON_HEAD(status) "HTTP/1.1 " status "\r\ncontent-type: application/json\r\n"
#define STREAM_HEAD                                                                                \
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
#define CHUNK                                                                                      \
    "8d\r\ndata: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"       \
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"some words\"}}]}\n\n\r\n"
#define ANSWER_START                                                                               \
    "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"m\","           \
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""
#define ANSWER_END "\"},\"finish_reason\":\"stop\"}]}"

struct fault {
    const char *marker, *answer;
    bool hangs_up;
    size_t filler; /* in the answer's text, with the head that tells of it */
};

static const struct fault faults[] = {
    {"faults:429",
     JSON_HEAD("429 Too Many Requests") "retry-after: 1\r\ncontent-length: 64\r\n\r\n"
     "{\"error\":{\"message\":\"too fast\",\"type\":\"requests\",\"code\":\"rate\"}}", false, 0},
    {"faults:500",
     JSON_HEAD("500 Internal Server Error") "content-length: 56\r\n\r\n"
     "{\"error\":{\"message\":\"it broke\",\"type\":\"server_error\"}}\r\n", false, 0},
    {"faults:garbage", JSON_HEAD("200 OK") "content-length: 9\r\n\r\n<html></h", false, 0},
    {"faults:cut", JSON_HEAD("200 OK") "content-length: 500\r\n\r\n{\"id\":\"c\",\"object\":", true, 0},
    {"faults:half", STREAM_HEAD CHUNK CHUNK, true, 0},
    {"faults:event",
     STREAM_HEAD CHUNK "3e\r\ndata: {\"error\":{\"message\":\"it broke\",\"type\":\"server_error\"}}\n\n\r\n"
     "0\r\n\r\n", false, 0},
    {"faults:hang up", "", true, 0},
    {"faults:none", NULL, false, 5},
    {"faults:large", NULL, false, LARGE},
};
enum { FAULTS = sizeof faults / sizeof *faults };

/* Every byte that is ever sent. */
static struct {
    char *data;
    size_t len;
} answers[FAULTS];

static int epoll;

struct conn {
    int fd;
    char *in; /* LOOKED_AT bytes */
    size_t in_len;
    size_t left;       /* of a request whose beginning was looked at */
    size_t fault;      /* that it asks for */
    size_t sent;       /* of the answer, while is_writing */
    bool is_writing;
};

static void answers_make(void)
{
    for (size_t i = 0; i < FAULTS; i++) {
        FILE *out = open_memstream(&answers[i].data, &answers[i].len);
        if (!out)
            args_die("out of memory for answers");
        if (faults[i].answer)
            fputs(faults[i].answer, out);
        else
            fprintf(out, JSON_HEAD("200 OK") "content-length: %zu\r\n\r\n" ANSWER_START,
                    faults[i].filler + sizeof ANSWER_START - 1 + sizeof ANSWER_END - 1);
        for (size_t k = 0; k < faults[i].filler; k++)
            putc('x', out);
        if (!faults[i].answer)
            fputs(ANSWER_END, out);
        if (fclose(out) != 0)
            args_die("out of memory for answers");
    }
}

/* --- Connections ---------------------------------------------------------------------------- */

static void conn_close(struct conn *conn)
{
    close(conn->fd);
    free(conn->in);
    free(conn);
}

static void conn_watch(struct conn *conn, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (conn->is_writing ? EPOLLOUT : 0), .data.ptr = conn};
    if (epoll_ctl(epoll, operation, conn->fd, &event) < 0)
        args_die("cannot watch a connection: %s", strerror(errno));
}

static void listener_accept(int listener)
{
    for (int fd; (fd = net_accept(listener)) >= 0;) {
        struct conn *conn = calloc(1, sizeof *conn);
        if (!conn || !(conn->in = malloc(LOOKED_AT)))
            args_die("out of memory for a connection");
        conn->fd = fd;
        conn_watch(conn, EPOLL_CTL_ADD);
    }
}

/* --- Answers -------------------------------------------------------------------------------- */

/* False: the connection is gone. */
static bool conn_write(struct conn *conn)
{
    const char *data = answers[conn->fault].data;
    size_t len = answers[conn->fault].len;
    bool was_writing = conn->is_writing;
    while (conn->sent < len) {
        ssize_t sent = send(conn->fd, data + conn->sent, len - conn->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0) {
            conn_close(conn);
            return false;
        }
        conn->sent += (size_t)sent;
    }
    conn->is_writing = conn->sent < len;
    if (!conn->is_writing && faults[conn->fault].hangs_up) {
        conn_close(conn);
        return false;
    }
    if (conn->is_writing != was_writing)
        conn_watch(conn, EPOLL_CTL_MOD);
    return true;
}

static bool conn_answer(struct conn *conn)
{
    conn->sent = 0;
    return conn_write(conn);
}

/* --- Requests ------------------------------------------------------------------------------- */

static size_t fault_find(const char *body, size_t len)
{
    for (size_t i = 0; i < FAULTS; i++)
        if (memmem(body, len, faults[i].marker, strlen(faults[i].marker)))
            return i;
    args_die("a request without a marker");
}

/* The length of the request, 0 while its head is incomplete. */
static size_t request_measure(const struct conn *conn)
{
    static const char name[] = "\r\ncontent-length:";
    const char *end = memmem(conn->in, conn->in_len, "\r\n\r\n", 4), *at = conn->in;
    if (!end)
        return 0;
    while (at < end && strncasecmp(at, name, sizeof name - 1) != 0)
        at++;
    for (at += sizeof name - 1; at < end && *at == ' ';)
        at++;
    return (size_t)(end - conn->in) + 4 + args_number(at, end, &at);
}

/* Once all of a request, or enough of it, has come. False: the connection is gone. */
static bool request_take(struct conn *conn)
{
    size_t len = request_measure(conn);
    if (len == 0 || (conn->in_len < len && conn->in_len < LOOKED_AT))
        return true;
    conn->fault = fault_find(conn->in, conn->in_len);
    conn->left = len > conn->in_len ? len - conn->in_len : 0;
    conn->in_len = 0; /* one follows only when it is answered */
    return conn->left > 0 || conn_answer(conn);
}

static void conn_read(struct conn *conn)
{
    size_t room = conn->left > 0 && conn->left < LOOKED_AT ? conn->left : LOOKED_AT - conn->in_len;
    ssize_t got = recv(conn->fd, conn->in + conn->in_len, room, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            conn_close(conn);
    } else if (conn->left > 0) {
        conn->left -= (size_t)got;
        if (conn->left == 0)
            (void)conn_answer(conn);
    } else {
        conn->in_len += (size_t)got;
        (void)request_take(conn);
    }
}

static void conn_on_event(struct conn *conn, uint32_t what)
{
    if (conn->is_writing && (what & EPOLLOUT) && !conn_write(conn))
        return;
    if (what & ~(uint32_t)EPOLLOUT)
        conn_read(conn);
}

int main(int argc, char **argv)
{
    static struct epoll_event events[EVENTS_A_PASS];
    uint64_t port = 0;
    uint16_t bound_port;
    const struct args_option options[] = {
        {.name = "port", .help = "on 127.0.0.1; 0 (the default) takes a free one", .number = &port}};
    args_parse(argc, argv, options, sizeof options / sizeof *options);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    net_raise_file_limit();
    answers_make();
    int listener = net_listen((uint16_t)port, &bound_port);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
        args_die("cannot watch the listener: %s", strerror(errno));
    printf("port %u\n", bound_port);
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_A_PASS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                conn_on_event(events[i].data.ptr, events[i].events); /* alone may close it */
            else
                listener_accept(listener);
        }
    }
}
