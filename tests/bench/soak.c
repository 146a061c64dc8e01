/* SPDX-License-Identifier: MIT */
/* The client of `make soak`: one thread, N connections, each with one request in flight, of many kinds
 * in a mix: whole answers and streams of all sizes, clients that leave in the middle of them, vendors
 * that fail (bench_faults), requests that are malformed, forbidden or lead nowhere, pages of figures.
 * What a kind must come to is known; whatever else comes is counted, and told. It ends when all is
 * answered, so that nothing is in flight while somebody looks at the server's memory, and prints one
 * line of JSON. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/answer.h"
#include "tests/bench/args.h"
#include "tests/bench/net.h"

enum { EVENTS_A_PASS = 256, SIZES = 8, OUTCOMES = 6, TOLD_MAX = 5 };

#define STANDSTILL_NS 30000000000u

/* An answer that broke off has its status and this; a request that got none has this alone. */
#define CUT 1000

enum leave { LEAVE_NOT, LEAVE_SENT, LEAVE_EVENT };
enum method { METHOD_CHAT, METHOD_GET, METHOD_RAW };

/* What is asked, how often, and what must come of it. */
static const struct kind {
    const char *name;
    unsigned weight;
    enum method method;
    const char *model, *what; /* of a chat: text in its prompt; of a GET: the path; else all of it */
    bool is_stream, is_small, has_wrong_key;
    enum leave leave;
    unsigned expected[2];
} kinds[] = {
    {.name = "whole", .weight = 300, .model = "bench-model", .what = "bench:x", .expected = {200}},
    {.name = "stream", .weight = 220, .model = "bench-model", .what = "bench:events=20",
     .is_stream = true, .expected = {200}},
    {.name = "translated stream", .weight = 100, .model = "bench-claude", .what = "bench:events=20",
     .is_stream = true, .expected = {200}},
    {.name = "long stream", .weight = 5, .model = "bench-model", .what = "bench:events=2000",
     .is_stream = true, .expected = {200}},
    {.name = "left whole", .weight = 20, .model = "bench-model", .what = "bench:delay_ms=5",
     .leave = LEAVE_SENT},
    {.name = "left at once", .weight = 20, .model = "bench-model", .what = "bench:x",
     .leave = LEAVE_SENT},
    {.name = "left stream", .weight = 60, .model = "bench-model",
     .what = "bench:events=50,delay_us=1000", .is_stream = true, .leave = LEAVE_EVENT},
    {.name = "left translated", .weight = 30, .model = "bench-claude",
     .what = "bench:events=50,delay_us=1000", .is_stream = true, .leave = LEAVE_EVENT},
    {.name = "vendor 429", .weight = 30, .model = "faulty-model", .what = "faults:429",
     .expected = {429}},
    {.name = "vendor 500", .weight = 30, .model = "faulty-model", .what = "faults:500",
     .expected = {500, 502}},
    {.name = "vendor garbage", .weight = 10, .model = "faulty-model", .what = "faults:garbage",
     .expected = {502}},
    {.name = "vendor cut", .weight = 20, .model = "faulty-model", .what = "faults:cut",
     .expected = {502}},
    {.name = "vendor half", .weight = 20, .model = "faulty-model", .what = "faults:half",
     .is_stream = true, .expected = {CUT + 200}},
    {.name = "vendor event", .weight = 20, .model = "faulty-model", .what = "faults:event",
     .is_stream = true, .expected = {CUT + 200}},
    {.name = "vendor hangs up", .weight = 10, .model = "faulty-model", .what = "faults:hang up",
     .expected = {502}},
    {.name = "no such model", .weight = 20, .model = "no-model", .what = "", .is_small = true,
     .expected = {404}},
    {.name = "wrong key", .weight = 30, .model = "bench-model", .what = "bench:x",
     .has_wrong_key = true, .expected = {401}},
    {.name = "no JSON", .weight = 10, .model = "bench-model\"\"", .what = "", .is_small = true,
     .expected = {400}},
    {.name = "no path", .weight = 10, .method = METHOD_GET, .what = "/nowhere", .expected = {404}},
    {.name = "models", .weight = 10, .method = METHOD_GET, .what = "/v1/models", .expected = {200}},
    {.name = "health", .weight = 10, .method = METHOD_GET, .what = "/health", .expected = {200}},
    {.name = "stats", .weight = 5, .method = METHOD_GET, .what = "/stats", .expected = {200}},
    {.name = "metrics", .weight = 5, .method = METHOD_GET, .what = "/metrics", .expected = {200}},
    {.name = "no HTTP", .weight = 5, .method = METHOD_RAW, .what = "GARBAGE\r\n\r\n",
     .expected = {400}},
    {.name = "two lengths", .weight = 5, .method = METHOD_RAW,
     .what = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
             "content-length: 6\r\n\r\n{}", .expected = {400}},
    {.name = "bad chunk", .weight = 5, .method = METHOD_RAW,
     .what = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer @KEY@\r\n"
             "transfer-encoding: chunked\r\n\r\nxyz\r\n", .expected = {400}},
    {.name = "left head", .weight = 5, .method = METHOD_RAW, .what = "GET /health HTTP/1.1\r\nhost: ",
     .leave = LEAVE_SENT},
    {.name = "left body", .weight = 5, .method = METHOD_RAW,
     .what = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer @KEY@\r\n"
             "content-length: 100000\r\n\r\n{\"model\":", .leave = LEAVE_SENT},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Bytes of prompts, most of them short. */
static const struct {
    size_t bytes;
    unsigned weight;
} sizes[SIZES] = {{100, 30}, {300, 20}, {1000, 20}, {2500, 12}, {6000, 8}, {15000, 5}, {40000, 3}, {90000, 2}};

struct text {
    char *data;
    size_t len;
};

struct conn {
    int fd;
    bool is_busy, is_writing;
    const struct kind *kind;
    const struct text *request;
    size_t sent;
    struct answer answer;
};

struct count {
    unsigned outcome;
    uint64_t number;
};

struct soak {
    uint64_t port, connections, requests, seed;
    const char *key;
    int epoll;
    struct conn *conns;
    uint64_t begun, ended, left, unexpected;
    size_t busy;
    struct text texts[KINDS][SIZES];
    struct count counts[KINDS][OUTCOMES];
};

/* --- Chance ---------------------------------------------------------------------------------- */

/* xorshift64*, the same with the same seed. */
static uint64_t draw(struct soak *soak, uint64_t below)
{
    soak->seed ^= soak->seed >> 12;
    soak->seed ^= soak->seed << 25;
    soak->seed ^= soak->seed >> 27;
    return (soak->seed * UINT64_C(0x2545f4914f6cdd1d) >> 33) % below;
}

static size_t draw_kind(struct soak *soak)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < KINDS; i++)
        sum += kinds[i].weight;
    uint64_t at = draw(soak, sum);
    size_t kind = 0;
    while (at >= kinds[kind].weight)
        at -= kinds[kind++].weight;
    return kind;
}

static size_t draw_size(struct soak *soak, const struct kind *kind)
{
    uint64_t at = draw(soak, 100);
    size_t size = 0;
    if (kind->method != METHOD_CHAT || kind->is_small)
        return 0;
    while (at >= sizes[size].weight)
        at -= sizes[size++].weight;
    return size;
}

/* --- Requests -------------------------------------------------------------------------------- */

static void write_body(FILE *out, const struct kind *kind, size_t bytes)
{
    static const char filler[] = "The pilot said \\\"we sail at noon\\\" to nobody in particular.\\n";
    fprintf(out, "{\"model\":\"%s\",%s\"messages\":[{\"role\":\"system\",\"content\":\"%s\"},"
                 "{\"role\":\"user\",\"content\":\"", kind->model,
            kind->is_stream ? "\"stream\":true," : "", kind->what);
    for (size_t i = 0; i < bytes; i += sizeof filler - 1)
        fputs(filler, out);
    fputs("\"}]}", out);
}

static void write_chat(FILE *out, const struct soak *soak, const struct kind *kind, size_t bytes)
{
    struct text body = {0};
    FILE *inner = open_memstream(&body.data, &body.len);
    if (!inner)
        args_die("out of memory for a request");
    write_body(inner, kind, bytes);
    if (fclose(inner) != 0)
        args_die("out of memory for a request");
    fprintf(out, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
            kind->has_wrong_key ? "hk-wrong" : soak->key, body.len);
    fwrite(body.data, 1, body.len, out);
    free(body.data);
}

static void write_raw(FILE *out, const struct soak *soak, const char *what)
{
    static const char mark[] = "@KEY@";
    const char *at = strstr(what, mark);
    if (at)
        fprintf(out, "%.*s%s%s", (int)(at - what), what, soak->key, at + sizeof mark - 1);
    else
        fputs(what, out);
}

static void make_texts(struct soak *soak)
{
    for (size_t i = 0; i < KINDS; i++) {
        for (size_t k = 0; k < SIZES; k++) {
            struct text *text = &soak->texts[i][k];
            FILE *out = open_memstream(&text->data, &text->len);
            if (!out)
                args_die("out of memory for a request");
            if (kinds[i].method == METHOD_CHAT)
                write_chat(out, soak, &kinds[i], sizes[k].bytes);
            else if (kinds[i].method == METHOD_GET)
                fprintf(out, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
                        kinds[i].what, soak->key);
            else
                write_raw(out, soak, kinds[i].what);
            if (fclose(out) != 0)
                args_die("out of memory for a request");
        }
    }
}

/* --- Outcomes -------------------------------------------------------------------------------- */

static void tell_unexpected(struct soak *soak, const struct conn *conn, unsigned outcome)
{
    if (soak->unexpected++ < TOLD_MAX)
        fprintf(stderr, "%s: %u in place of %u: %.*s\n", conn->kind->name, outcome,
                conn->kind->expected[0], (int)conn->answer.head_len, conn->answer.head);
}

static void count_outcome(struct soak *soak, const struct conn *conn, unsigned outcome)
{
    struct count *count = soak->counts[conn->kind - kinds];
    if (outcome != conn->kind->expected[0] && outcome != conn->kind->expected[1])
        tell_unexpected(soak, conn, outcome);
    for (size_t i = 0; i < OUTCOMES; i++) {
        if (count[i].number > 0 && count[i].outcome != outcome)
            continue;
        count[i].outcome = outcome;
        count[i].number++;
        return;
    }
}

static void print_result(const struct soak *soak, double seconds)
{
    printf("{\"requests\":%llu,\"seconds\":%.3f,\"left\":%llu,\"unexpected\":%llu,\"kinds\":{",
           (unsigned long long)soak->ended, seconds, (unsigned long long)soak->left,
           (unsigned long long)soak->unexpected);
    for (size_t i = 0; i < KINDS; i++) {
        printf("%s\"%s\":{", i > 0 ? "," : "", kinds[i].name);
        for (size_t k = 0; k < OUTCOMES && soak->counts[i][k].number > 0; k++)
            printf("%s\"%u\":%llu", k > 0 ? "," : "", soak->counts[i][k].outcome,
                   (unsigned long long)soak->counts[i][k].number);
        putchar('}');
    }
    puts("}}");
}

/* --- Connections ----------------------------------------------------------------------------- */

static void conn_watch(struct soak *soak, struct conn *conn, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (conn->is_writing ? EPOLLOUT : 0), .data.ptr = conn};
    if (epoll_ctl(soak->epoll, operation, conn->fd, &event) < 0)
        args_die("cannot watch a connection: %s", strerror(errno));
}

/* With a reset, as net_connect() has it, or in an orderly way. */
static void conn_close(struct soak *soak, struct conn *conn)
{
    struct linger orderly = {.l_onoff = 0};
    if (draw(soak, 2) == 0)
        (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &orderly, sizeof orderly);
    close(conn->fd);
    conn->fd = -1;
}

/* The request is over, and the next one may begin. */
static void conn_end(struct soak *soak, struct conn *conn, bool is_left)
{
    conn->is_busy = false;
    soak->busy--;
    soak->ended++;
    soak->left += is_left;
}

static void conn_leave(struct soak *soak, struct conn *conn)
{
    conn_close(soak, conn);
    conn_end(soak, conn, true);
}

/* What came before is whatever has come by now; a request that is refused early is not read to its end. */
static void conn_write(struct soak *soak, struct conn *conn)
{
    ssize_t sent = send(conn->fd, conn->request->data + conn->sent, conn->request->len - conn->sent,
                        MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        conn->sent = conn->request->len; /* reading tells why */
        sent = 0;
    }
    conn->sent += sent > 0 ? (size_t)sent : 0;
    bool is_writing = conn->sent < conn->request->len;
    if (is_writing != conn->is_writing) {
        conn->is_writing = is_writing;
        conn_watch(soak, conn, EPOLL_CTL_MOD);
    }
    if (!is_writing && conn->kind->leave == LEAVE_SENT)
        conn_leave(soak, conn);
}

static void conn_begin(struct soak *soak, struct conn *conn)
{
    size_t kind = draw_kind(soak);
    conn->kind = &kinds[kind];
    conn->request = &soak->texts[kind][draw_size(soak, conn->kind)];
    conn->sent = 0;
    conn->is_busy = true;
    soak->busy++;
    soak->begun++;
    answer_clear(&conn->answer);
    if (conn->fd < 0) {
        conn->is_writing = false;
        conn->fd = net_connect((uint16_t)soak->port);
        if (conn->fd < 0)
            args_die("cannot connect to 127.0.0.1:%u: %s", (unsigned)soak->port, strerror(errno));
        conn_watch(soak, conn, EPOLL_CTL_ADD);
    }
    conn_write(soak, conn);
}

static void conn_on_done(struct soak *soak, struct conn *conn, unsigned outcome, bool closes)
{
    if (conn->kind->leave == LEAVE_NOT)
        count_outcome(soak, conn, outcome);
    if (closes)
        conn_close(soak, conn);
    conn_end(soak, conn, false);
}

static void conn_read(struct soak *soak, struct conn *conn)
{
    static char input[65536];
    ssize_t got = recv(conn->fd, input, sizeof input, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        if (conn->is_busy)
            conn_on_done(soak, conn, CUT + conn->answer.status, true);
        else
            conn_close(soak, conn);
        return;
    }
    if (!conn->is_busy)
        args_die("an answer to no request: %.*s", (int)got, input);
    (void)answer_feed(&conn->answer, input, (size_t)got);
    if (conn->answer.state == ANSWER_BAD)
        args_die("%s: an answer that is no HTTP: %.*s", conn->kind->name, (int)got, input);
    if (conn->kind->leave == LEAVE_EVENT && conn->answer.events > 0)
        conn_leave(soak, conn);
    else if (conn->answer.state == ANSWER_DONE)
        conn_on_done(soak, conn, conn->answer.status, conn->answer.closes || conn->is_writing);
}

static void conn_on_event(struct soak *soak, struct conn *conn, uint32_t what)
{
    if (conn->is_writing && (what & EPOLLOUT))
        conn_write(soak, conn);
    if (conn->fd >= 0 && (what & ~(uint32_t)EPOLLOUT))
        conn_read(soak, conn);
    while (!conn->is_busy && soak->begun < soak->requests)
        conn_begin(soak, conn); /* again if it has left already */
}

static void run(struct soak *soak)
{
    static struct epoll_event events[EVENTS_A_PASS];
    uint64_t ended = 0, changed_ns = net_now_ns();
    for (size_t i = 0; i < soak->connections; i++)
        while (!soak->conns[i].is_busy && soak->begun < soak->requests)
            conn_begin(soak, &soak->conns[i]);
    while (soak->busy > 0) {
        int count = epoll_wait(soak->epoll, events, EVENTS_A_PASS, 1000);
        for (int i = 0; i < count; i++)
            conn_on_event(soak, events[i].data.ptr, events[i].events);
        uint64_t now_ns = net_now_ns();
        if (ended != soak->ended)
            changed_ns = now_ns;
        ended = soak->ended;
        for (size_t i = 0; now_ns - changed_ns > STANDSTILL_NS && i < soak->connections; i++)
            if (soak->conns[i].is_busy)
                args_die("nothing ends for 30 s, such as '%s'", soak->conns[i].kind->name);
    }
}

int main(int argc, char **argv)
{
    static struct soak soak = {.connections = 64, .requests = 10000, .seed = 1, .key = "none"};
    const struct args_option options[] = {
        {.name = "port", .help = "of the server on 127.0.0.1", .number = &soak.port},
        {.name = "connections", .help = "each with one request in flight (64)",
         .number = &soak.connections},
        {.name = "requests", .help = "(10000)", .number = &soak.requests},
        {.name = "seed", .help = "of the mix, above 0 (1)", .number = &soak.seed},
        {.name = "key", .help = "that it sends", .text = &soak.key},
    };
    args_parse(argc, argv, options, sizeof options / sizeof *options);
    if (soak.port == 0 || soak.port > UINT16_MAX || soak.connections == 0 || soak.seed == 0)
        args_die("options '--port', '--connections' and '--seed' need a number above 0");
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    net_raise_file_limit();
    soak.seed *= UINT64_C(0x9e3779b97f4a7c15);
    make_texts(&soak);
    soak.epoll = epoll_create1(EPOLL_CLOEXEC);
    soak.conns = calloc(soak.connections, sizeof *soak.conns);
    if (soak.epoll < 0 || !soak.conns)
        args_die("cannot set up %llu connections", (unsigned long long)soak.connections);
    for (size_t i = 0; i < soak.connections; i++)
        soak.conns[i].fd = -1;
    uint64_t from_ns = net_now_ns();
    run(&soak);
    print_result(&soak, (double)(net_now_ns() - from_ns) / 1e9);
    return 0;
}
