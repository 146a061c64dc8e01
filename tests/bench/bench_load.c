/* SPDX-License-Identifier: MIT */
/* The client of the bench: one thread, N kept connections, each with one request in flight. It
 * measures only when every connection has had an answer, reads the server's CPU clocks at both
 * ends of exactly that time, and prints one line of JSON. A wrong status, a cut answer or a stream
 * that lacks events is an error; errors are counted, never hidden.
 *
 * With --rate it sends so many requests a second instead of as many as are answered; one that finds all
 * connections busy waits, and its latency counts from when it was due. With --record each request has an
 * id of its own, and a file says of each how it ended: whoever must prove that nothing is lost compares.
 * SIGINT ends the run before its time.
 *
 * With --hold it opens streams that fall silent after their content: for each line on standard input, which
 * says how many there shall be, it answers with a line when they are open. At the end of standard input they
 * must go on (the upstream does so upon SIGUSR1), and each must end well: one that broke off or comes
 * to no end is an error. What is measured then lasts until the first of them ends. */
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
#include "tests/bench/clocks.h"
#include "tests/bench/net.h"
#include "tests/bench/samples.h"

enum {
    EVENTS_A_PASS = 256,
    OPENING_AT_ONCE = 64, /* or a listener's queue overflows, and a second is lost */
    ERRORS_MAX = 1000,
};

#define SECOND_NS 1000000000u
#define DRAIN_LIMIT_NS (3ull * SECOND_NS)
#define HELD_LIMIT_NS (20ull * SECOND_NS)

enum phase { PHASE_OPENING, PHASE_WARMUP, PHASE_MEASURE, PHASE_DRAIN, PHASE_HELD, PHASE_RELEASED };

struct conn {
    int fd; /* -1 when closed */
    bool is_open, is_busy, is_writing;
    size_t sent;
    uint64_t sent_at_ns; /* with a rate: when it was due */
    uint64_t number;     /* of its request */
    struct answer answer;
};

struct load {
    /* from the command line */
    uint64_t port, connections, body_bytes, warmup_ms, measure_ms;
    uint64_t stream, events, delay_us, delay_ms, hold, held_events, after_us, rate, until_gone;
    uint64_t opening_s;
    const char *pids, *model, *key, *ids, *record_path;

    char *request;
    size_t request_len, number_at; /* where the request's number stands in it */
    uint64_t numbers;              /* requests sent so far */
    FILE *record;
    uint64_t answered, cut;
    bool is_gone; /* the server */
    uint64_t due_ns;
    size_t next_free; /* where a free connection is looked for */
    int epoll;
    struct conn *conns;
    size_t wanted, started, opened, busy;
    enum phase phase;
    uint64_t phase_end_ns;

    struct clocks clocks;
    uint64_t measured_from_ns, measured_to_ns, cpu_from_ns, cpu_ns;
    uint64_t requests, stream_events, errors;
    char first_error[128];
    struct samples latency, first_event;
};

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

/* --- The request ---------------------------------------------------------------------------- */

/* Prose as clients send it, with a line end now and then, which JSON must escape. */
static void filler_write(FILE *out, size_t len)
{
    static const char text[] = "The harbour lay quiet under a grey morning sky, and the pilot said "
                               "\\\"we sail at noon\\\" to nobody in particular.\\n";
    for (size_t i = 0; i < len; i += sizeof text - 1)
        fputs(text, out);
}

static char *body_make(const struct load *load, size_t *ret_len)
{
    char *body = NULL;
    FILE *out = open_memstream(&body, ret_len);
    if (!out)
        args_die("out of memory for the request");
    fprintf(out, "{\"model\":\"%s\",", load->model);
    if (load->stream)
        fputs("\"stream\":true,", out);
    fprintf(out,
            "\"messages\":[{\"role\":\"system\",\"content\":\"bench:events=%llu,delay_us=%llu,"
            "delay_ms=%llu,hold=%llu,after_us=%llu\"},{\"role\":\"user\",\"content\":\"",
            (unsigned long long)load->events, (unsigned long long)load->delay_us,
            (unsigned long long)load->delay_ms, (unsigned long long)load->held_events,
            (unsigned long long)load->after_us);
    filler_write(out, load->body_bytes > 300 ? load->body_bytes - 300 : 1);
    fputs("\"}],\"temperature\":0.7,\"max_tokens\":512}", out);
    if (fclose(out) != 0)
        args_die("out of memory for the request");
    return body;
}

#define NUMBER_DIGITS 9

static void request_make(struct load *load)
{
    size_t body_len;
    static const char number[] = "000000000";
    _Static_assert(sizeof number == NUMBER_DIGITS + 1, "a number's digits");
    char *body = body_make(load, &body_len);
    FILE *out = open_memstream(&load->request, &load->request_len);
    if (!out)
        args_die("out of memory for the request");
    fprintf(out,
            "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%llu\r\n"
            "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
            "User-Agent: bench\r\nAccept: %s\r\nContent-Length: %zu\r\n",
            (unsigned long long)load->port, load->key, load->stream ? "text/event-stream" : "application/json",
            body_len);
    if (load->record) {
        fprintf(out, "X-Request-Id: %s-", load->ids);
        fflush(out);
        load->number_at = load->request_len;
        fprintf(out, "%s\r\n", number);
    }
    fputs("\r\n", out);
    fwrite(body, 1, body_len, out);
    if (fclose(out) != 0)
        args_die("out of memory for the request");
    free(body);
}

/* All connections send the same bytes but for these. */
static void request_number(struct load *load, uint64_t number)
{
    char *at = load->request + load->number_at + NUMBER_DIGITS;
    for (int i = 0; i < NUMBER_DIGITS; i++, number /= 10)
        *--at = (char)('0' + number % 10);
}

/* How a request ended: with a status, or 0: cut off. */
static void record_end(struct load *load, const struct conn *conn, unsigned status)
{
    if (!load->record)
        return;
    *(status > 0 ? &load->answered : &load->cut) += 1;
    fprintf(load->record, "%s-%0*llu %u\n", load->ids, NUMBER_DIGITS,
            (unsigned long long)conn->number, status);
}

/* --- Connections ---------------------------------------------------------------------------- */

static void conn_watch(struct load *load, struct conn *conn, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (conn->is_writing ? EPOLLOUT : 0),
                                .data.ptr = conn};
    if (epoll_ctl(load->epoll, operation, conn->fd, &event) < 0)
        args_die("cannot watch a connection: %s", strerror(errno));
}

static void conn_close(struct load *load, struct conn *conn)
{
    close(conn->fd);
    conn->fd = -1;
    load->busy -= conn->is_busy;
    conn->is_busy = false;
}

static void error_count(struct load *load, const char *reason)
{
    if (load->errors++ == 0)
        snprintf(load->first_error, sizeof load->first_error, "%s", reason);
    if (load->errors > ERRORS_MAX)
        args_die("more than %d errors, the first: %s", ERRORS_MAX, load->first_error);
}

static void conn_fail(struct load *load, struct conn *conn, const char *reason)
{
    if (conn->is_busy)
        record_end(load, conn, 0);
    load->is_gone = load->until_gone != 0;
    if (!load->is_gone)
        error_count(load, reason);
    conn_close(load, conn);
}

static void conn_write(struct load *load, struct conn *conn)
{
    if (load->record)
        request_number(load, conn->number);
    ssize_t sent = send(conn->fd, load->request + conn->sent, load->request_len - conn->sent,
                        MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        conn_fail(load, conn, "the server closed the connection before the request was sent");
        return;
    }
    conn->sent += sent > 0 ? (size_t)sent : 0;
    bool is_writing = conn->sent < load->request_len;
    if (is_writing != conn->is_writing) {
        conn->is_writing = is_writing;
        conn_watch(load, conn, EPOLL_CTL_MOD);
    }
}

static void conn_request(struct load *load, struct conn *conn)
{
    answer_clear(&conn->answer);
    conn->sent = 0;
    conn->is_busy = true;
    load->busy++;
    conn->sent_at_ns = net_now_ns();
    conn->number = load->numbers++;
    conn_write(load, conn);
}

static void conn_open(struct load *load, struct conn *conn)
{
    conn->is_writing = false;
    conn->fd = net_connect((uint16_t)load->port);
    if (conn->fd < 0 && load->until_gone) {
        load->is_gone = true;
        return;
    }
    if (conn->fd < 0)
        args_die("cannot connect to 127.0.0.1:%u: %s", (unsigned)load->port, strerror(errno));
    conn_watch(load, conn, EPOLL_CTL_ADD);
    conn_request(load, conn);
}

static void conns_open_more(struct load *load)
{
    while (load->started < load->wanted && load->started - load->opened < OPENING_AT_ONCE)
        conn_open(load, &load->conns[load->started++]);
}

static void conn_count_open(struct load *load, struct conn *conn)
{
    if (!conn->is_open) {
        conn->is_open = true;
        load->opened++;
        conns_open_more(load);
    }
}

/* --- Answers -------------------------------------------------------------------------------- */

static const char *answer_fault(const struct load *load, const struct answer *answer)
{
    if (answer->status != 200)
        return "the status is not 200";
    /* besides the content: the end of the text and [DONE] */
    uint64_t due = load->events + load->held_events + 2;
    return load->stream && answer->events < due ? "a stream lacks events" : NULL;
}

static void measure_end(struct load *load, uint64_t now_ns)
{
    load->cpu_ns = clocks_read_ns(&load->clocks) - load->cpu_from_ns;
    load->measured_to_ns = now_ns;
}

static void conn_on_done(struct load *load, struct conn *conn, uint64_t now_ns)
{
    if (load->phase == PHASE_RELEASED && load->measured_to_ns == 0)
        measure_end(load, now_ns);
    const char *fault = answer_fault(load, &conn->answer);
    if (fault) {
        conn_fail(load, conn, fault);
        return;
    }
    record_end(load, conn, conn->answer.status);
    if (load->phase == PHASE_MEASURE) {
        load->requests++;
        samples_add(&load->latency, now_ns - conn->sent_at_ns);
    }
    conn->is_busy = false;
    load->busy--;
    bool closes = conn->answer.closes;
    if (closes)
        conn_close(load, conn);
    conn_count_open(load, conn);
    if (load->phase >= PHASE_DRAIN)
        return;
    if (closes)
        conn_open(load, conn);
    else if (load->rate == 0)
        conn_request(load, conn);
}

static void conn_on_events(struct load *load, struct conn *conn, uint64_t before, uint64_t now_ns)
{
    if (load->phase == PHASE_MEASURE ||
        (load->phase == PHASE_RELEASED && load->measured_to_ns == 0)) {
        load->stream_events += conn->answer.events - before;
        if (before == 0)
            samples_add(&load->first_event, now_ns - conn->sent_at_ns);
    }
    /* a held stream is open when it has relayed something and its buffers exist */
    if (load->hold && conn->answer.events >= load->events)
        conn_count_open(load, conn);
}

static void conn_read(struct load *load, struct conn *conn)
{
    static char input[65536];
    ssize_t got = recv(conn->fd, input, sizeof input, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        if (conn->is_busy)
            conn_fail(load, conn, "the server closed the connection without a whole answer");
        else
            conn_close(load, conn);
        load->is_gone = load->until_gone != 0;
        return;
    }
    uint64_t now_ns = net_now_ns(), events_before = conn->answer.events;
    size_t taken = answer_feed(&conn->answer, input, (size_t)got);
    if (conn->answer.state == ANSWER_BAD || taken < (size_t)got) {
        conn_fail(load, conn, "the answer is not HTTP as expected");
        return;
    }
    if (conn->answer.events > events_before)
        conn_on_events(load, conn, events_before, now_ns);
    if (conn->answer.state == ANSWER_DONE)
        conn_on_done(load, conn, now_ns);
}

static void conn_on_event(struct load *load, struct conn *conn, uint32_t what)
{
    if (conn->is_writing && (what & EPOLLOUT))
        conn_write(load, conn);
    if (conn->fd >= 0 && (what & ~(uint32_t)EPOLLOUT))
        conn_read(load, conn);
    /* after an error the connection is replaced, so that the load stays what it is */
    if (conn->fd < 0 && load->phase < PHASE_DRAIN && !load->is_gone)
        conn_open(load, conn);
}

/* --- The rate ------------------------------------------------------------------------------- */

static struct conn *conn_find_free(struct load *load)
{
    for (size_t i = 0; i < load->connections; i++) {
        struct conn *conn = &load->conns[(load->next_free + i) % load->connections];
        if (conn->fd >= 0 && conn->is_open && !conn->is_busy) {
            load->next_free += i + 1;
            return conn;
        }
    }
    return NULL;
}

/* Sends what is due by now, as far as there are connections. */
static void rate_keep(struct load *load)
{
    struct conn *conn;
    if (load->rate == 0 || (load->phase != PHASE_WARMUP && load->phase != PHASE_MEASURE))
        return;
    uint64_t now_ns = net_now_ns();
    if (load->due_ns == 0)
        load->due_ns = now_ns;
    while (load->due_ns <= now_ns && (conn = conn_find_free(load)) != NULL) {
        conn_request(load, conn);
        conn->sent_at_ns = load->due_ns;
        load->due_ns += SECOND_NS / load->rate;
        if (conn->fd < 0 && !load->is_gone)
            conn_open(load, conn);
    }
}

/* --- Phases --------------------------------------------------------------------------------- */

static void phase_enter(struct load *load, enum phase phase, uint64_t now_ns, uint64_t length_ns)
{
    load->phase = phase;
    load->phase_end_ns = now_ns + length_ns;
}

static void measure_begin(struct load *load, enum phase phase, uint64_t now_ns, uint64_t length_ns)
{
    phase_enter(load, phase, now_ns, length_ns);
    load->measured_from_ns = now_ns;
    load->cpu_from_ns = clocks_read_ns(&load->clocks);
}

static void drain_begin(struct load *load, uint64_t now_ns)
{
    measure_end(load, now_ns);
    phase_enter(load, PHASE_DRAIN, now_ns, DRAIN_LIMIT_NS);
}

static void errors_count_open(struct load *load, const char *reason)
{
    for (size_t i = 0; i < load->busy; i++)
        error_count(load, reason);
}

/* Before its time. */
static void phase_end(struct load *load, uint64_t now_ns)
{
    if (load->phase == PHASE_MEASURE)
        drain_begin(load, now_ns);
    else if (load->phase < PHASE_DRAIN)
        phase_enter(load, PHASE_DRAIN, now_ns, DRAIN_LIMIT_NS);
}

/* False when the run is over. */
static bool phase_advance(struct load *load)
{
    uint64_t now_ns = net_now_ns();
    bool is_due = now_ns >= load->phase_end_ns;
    if (load->is_gone || is_interrupted) /* of a server that is gone whatever is in flight breaks off */
        phase_end(load, now_ns);
    switch (load->phase) {
    case PHASE_OPENING:
        if (load->opened == load->wanted && load->hold)
            phase_enter(load, PHASE_HELD, now_ns, 0);
        else if (load->opened == load->wanted)
            phase_enter(load, PHASE_WARMUP, now_ns, load->warmup_ms * 1000000);
        else if (is_due)
            args_die("only %zu of %zu connections were answered in %llu s; %llu errors, first: %s",
                     load->opened, load->wanted, (unsigned long long)load->opening_s,
                     (unsigned long long)load->errors, load->first_error);
        return load->phase != PHASE_HELD;
    case PHASE_WARMUP:
        if (is_due)
            measure_begin(load, PHASE_MEASURE, now_ns, load->measure_ms * 1000000);
        return true;
    case PHASE_MEASURE:
        if (is_due)
            drain_begin(load, now_ns);
        return true;
    case PHASE_DRAIN:
        if (is_due)
            errors_count_open(load, "an answer did not end within 3 s after the run");
        return load->busy > 0 && !is_due;
    case PHASE_RELEASED:
        if (is_due)
            errors_count_open(load, "a held stream came to no end within 20 s");
        return load->busy > 0 && !is_due;
    case PHASE_HELD:
        break;
    }
    return false;
}

static uint64_t wait_ns(const struct load *load)
{
    uint64_t now_ns = net_now_ns(), until_ns = load->phase_end_ns, most_ns = SECOND_NS / 10;
    if (load->rate > 0 && load->due_ns > now_ns && load->due_ns < until_ns)
        until_ns = load->due_ns;
    uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    return left_ns < most_ns ? left_ns : most_ns;
}

static void pass_run(struct load *load, uint64_t timeout_ns)
{
    static struct epoll_event events[EVENTS_A_PASS];
    const struct timespec timeout = {.tv_nsec = (long)timeout_ns};
    int count = epoll_pwait2(load->epoll, events, EVENTS_A_PASS, &timeout, NULL);
    for (int i = 0; i < count; i++)
        conn_on_event(load, events[i].data.ptr, events[i].events);
}

static void result_print(struct load *load)
{
    double seconds = (double)(load->measured_to_ns - load->measured_from_ns) / 1e9;
    double per_second = seconds > 0 ? 1 / seconds : 0;
    printf("{\"connections\":%llu,\"request_bytes\":%zu,\"seconds\":%.3f,\"requests\":%llu,"
           "\"requests_per_s\":%.1f,\"events\":%llu,\"events_per_s\":%.1f,\"cpu_s\":%.6f,"
           "\"errors\":%llu,\"first_error\":\"%s\",\"answered\":%llu,\"cut\":%llu,",
           (unsigned long long)load->connections, load->request_len, seconds,
           (unsigned long long)load->requests, (double)load->requests * per_second,
           (unsigned long long)load->stream_events, (double)load->stream_events * per_second,
           (double)load->cpu_ns / 1e9, (unsigned long long)load->errors, load->first_error,
           (unsigned long long)load->answered, (unsigned long long)load->cut);
    samples_print(&load->latency, "latency_us", stdout);
    fputc(',', stdout);
    samples_print(&load->first_event, "first_event_us", stdout);
    fputs("}\n", stdout);
    fflush(stdout);
}

/* What did not end in time is cut off. */
static void record_close(struct load *load)
{
    if (!load->record)
        return;
    for (size_t i = 0; i < load->connections; i++)
        if (load->conns[i].is_busy)
            record_end(load, &load->conns[i], 0);
    if (fclose(load->record) != 0)
        args_die("cannot write '%s': %s", load->record_path, strerror(errno));
}

static void record_open(struct load *load)
{
    if (!load->record_path)
        return;
    load->record = fopen(load->record_path, "w");
    if (!load->record)
        args_die("cannot write '%s': %s", load->record_path, strerror(errno));
}

static void run(struct load *load)
{
    while (phase_advance(load)) {
        rate_keep(load);
        pass_run(load, wait_ns(load));
    }
}

static void connections_open(struct load *load, size_t wanted)
{
    load->wanted = wanted;
    phase_enter(load, PHASE_OPENING, net_now_ns(), load->opening_s * SECOND_NS);
    conns_open_more(load);
    run(load);
}

/* One line in, how many streams there shall be; one line out when they are open. */
static void hold(struct load *load)
{
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        const char *end;
        uint64_t wanted = args_number(line, line + strlen(line), &end);
        if (wanted < load->opened || wanted > load->connections)
            args_die("between %zu and %llu streams can be held", load->opened,
                     (unsigned long long)load->connections);
        connections_open(load, (size_t)wanted);
        printf("%zu\n", load->opened);
        fflush(stdout);
    }
    measure_begin(load, PHASE_RELEASED, net_now_ns(), HELD_LIMIT_NS);
    run(load);
    if (load->measured_to_ns == 0)
        measure_end(load, net_now_ns());
}

static void options_read(struct load *load, int argc, char **argv)
{
    const struct args_option options[] = {
        {.name = "port", .help = "of the server on 127.0.0.1", .number = &load->port},
        {.name = "connections", .help = "kept, each with one request in flight (32)",
         .number = &load->connections},
        {.name = "body", .help = "bytes of the request's body, about (1024)",
         .number = &load->body_bytes},
        {.name = "measure-ms", .help = "(2000)", .number = &load->measure_ms},
        {.name = "warmup-ms", .help = "before it, not measured (200)",
         .number = &load->warmup_ms},
        {.name = "model", .help = "name of it (bench-model)", .text = &load->model},
        {.name = "stream", .help = "ask for streams", .flag = &load->stream},
        {.name = "events", .help = "content events of a stream (20)", .number = &load->events},
        {.name = "delay-us", .help = "between two events (0)", .number = &load->delay_us},
        {.name = "delay-ms", .help = "of the upstream before it answers (0)",
         .number = &load->delay_ms},
        {.name = "hold", .help = "open streams and hold them, as standard input says",
         .flag = &load->hold},
        {.name = "held-events", .help = "content events of each when they go on (10)",
         .number = &load->held_events},
        {.name = "after-us", .help = "between two of those (100000)", .number = &load->after_us},
        {.name = "opening-s", .help = "in which the connections must be answered (8)",
         .number = &load->opening_s},
        {.name = "rate", .help = "requests a second (0: as many as are answered)",
         .number = &load->rate},
        {.name = "record", .help = "file that gets 'ID STATUS' of each request; 0: cut off",
         .text = &load->record_path},
        {.name = "ids", .help = "with what those ids begin (bench)", .text = &load->ids},
        {.name = "until-gone", .help = "end when the server goes away, which is no error then",
         .flag = &load->until_gone},
        {.name = "key", .help = "that it sends (sk-bench)", .text = &load->key},
        {.name = "pids", .help = "processes whose CPU time is read, with commas",
         .text = &load->pids},
    };
    args_parse(argc, argv, options, sizeof options / sizeof *options);
    if (load->port == 0 || load->port > UINT16_MAX || load->connections == 0)
        args_die("options '--port' and '--connections' need a number above 0");
    load->stream |= load->hold;
    load->held_events = load->hold ? load->held_events : 0;
}

int main(int argc, char **argv)
{
    static struct load load = {.model = "bench-model",
                               .key = "sk-bench",
                               .ids = "bench",
                               .connections = 32,
                               .body_bytes = 1024,
                               .warmup_ms = 200,
                               .measure_ms = 2000,
                               .events = 20,
                               .held_events = 10,
                               .after_us = 100000,
                               .opening_s = 8};
    options_read(&load, argc, argv);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)signal(SIGINT, on_interrupt);
    net_raise_file_limit();
    clocks_open(&load.clocks, load.pids);
    record_open(&load);
    request_make(&load);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.conns = calloc(load.connections, sizeof *load.conns);
    if (load.epoll < 0 || !load.conns)
        args_die("cannot set up %llu connections", (unsigned long long)load.connections);
    for (size_t i = 0; i < load.connections; i++)
        load.conns[i].fd = -1;
    if (load.hold)
        hold(&load);
    else
        connections_open(&load, load.connections);
    record_close(&load);
    result_print(&load);
    return 0;
}
