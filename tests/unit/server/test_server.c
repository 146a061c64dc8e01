/* SPDX-License-Identifier: MIT */
/* The server as a whole: its addresses, shares of several loops, what it shows, how it stops. */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "fake.h"
#include "server/gate.h"
#include "server/takeover.h"

extern const CU_TestInfo server_tests[];

static struct runtime runtime;

/* --- Shares ----------------------------------------------------------------------------------- */

static int64_t connections_of(unsigned loop)
{
    return metrics_shard_of(runtime.metrics, loop)->values[METRIC_CLIENT_CONNECTIONS];
}

static void connect_all(int *sockets, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        sockets[i] = fake_connect(&runtime);
}

static void turn(unsigned loop, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        loop_turn(runtime.loops[loop], 0);
}

static void close_all(const int *sockets, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(sockets[i]);
}

/* The loop that is quick takes no more than its share; the other one wakes it when it has its own,
 * so that never both rest. */
static void test_shares(void)
{
    enum { CLIENTS = 40 };
    int sockets[CLIENTS];
    fake_begin(&runtime, 2, 1000);
    connect_all(sockets, CLIENTS);
    turn(0, 100);
    CU_ASSERT(connections_of(0) == 9); /* five over a mean of 4.5 */
    turn(1, 100);
    turn(0, 100);
    turn(1, 100);
    CU_ASSERT(connections_of(0) + connections_of(1) == CLIENTS);
    CU_ASSERT(connections_of(0) >= 15 && connections_of(1) >= 15);
    close_all(sockets, CLIENTS);
    turn(0, 2);
    turn(1, 2);
    CU_ASSERT(connections_of(0) == 0 && connections_of(1) == 0);
    fake_end_all(&runtime);
}

/* Many connections that come one after the other, to loops that are quick and slow: at each moment the
 * busiest has at most 9/8 of the mean, or four over it, and the one that it is about to take. */
static void test_shares_of_many(void)
{
    enum { MANY = 400, LOOPS = 4 }; /* within a soft limit of 1024 */
    static int sockets[MANY];
    int64_t most = 0, sum = 0;
    fake_begin(&runtime, LOOPS, 1000);
    for (unsigned i = 0; i < MANY; i++) {
        sockets[i] = fake_connect(&runtime);
        turn(0, 3);
        turn(i % LOOPS, 1);
        if (i % 7 == 0)
            fake_pass(&runtime);
    }
    for (unsigned i = 0; i < 50; i++)
        fake_pass(&runtime);
    for (unsigned i = 0; i < LOOPS; i++) {
        sum += connections_of(i);
        most = connections_of(i) > most ? connections_of(i) : most;
    }
    CU_ASSERT(sum == MANY);
    CU_ASSERT(most * LOOPS * 100 <= sum * 115);
    close_all(sockets, MANY);
    for (unsigned i = 0; i < 50; i++)
        fake_pass(&runtime);
    fake_end_all(&runtime);
}

/* --- A process that shares the sockets --------------------------------------------------------- */

static int find_listening_socket(void)
{
    for (int fd = 0; fd < 1024; fd++) {
        int value = 0;
        socklen_t size = sizeof value;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0)
            return fd;
    }
    return -1;
}

/* It waits for connections, and takes none, until there is something to read from its eventfd. */
struct idler {
    pthread_t thread;
    int epoll, end;
};

static void *idle(void *context)
{
    const struct idler *idler = context;
    struct epoll_event event = {.events = 0};
    do
        (void)epoll_wait(idler->epoll, &event, 1, -1);
    while (event.data.fd != idler->end);
    return NULL;
}

static void start_idler(struct idler *idler)
{
    int fd = find_listening_socket();
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = fd};
    idler->epoll = epoll_create1(EPOLL_CLOEXEC);
    idler->end = eventfd(0, EFD_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0 && epoll_ctl(idler->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
    event = (struct epoll_event){.events = EPOLLIN, .data.fd = idler->end};
    CU_ASSERT_FATAL(epoll_ctl(idler->epoll, EPOLL_CTL_ADD, idler->end, &event) == 0);
    CU_ASSERT_FATAL(pthread_create(&idler->thread, NULL, idle, idler) == 0);
}

static void end_idler(struct idler *idler)
{
    uint64_t one = 1;
    CU_ASSERT(write(idler->end, &one, sizeof one) == sizeof one);
    pthread_join(idler->thread, NULL);
    close(idler->epoll);
    close(idler->end);
}

/* What the end of a takeover does where the old gateway died. */
static void look_again(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct takeover takeover = {.fd = -1};
    int pair[2];
    CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    close(pair[1]);
    takeover.fd = pair[0];
    CU_ASSERT(server_finish_takeover(runtime.server, &takeover, &error) == HARBORAI_OK);
    takeover_release(&takeover);
    turn(0, 2);
}

/* A process may end with a wake-up that was for us: whoever connected must not wait for the next one. */
static void test_looking_again(void)
{
    enum { TRIES = 400 };
    static int sockets[TRIES];
    struct idler idler;
    int tries = 0;
    fake_begin(&runtime, 1, 1000);
    start_idler(&idler);
    look_again(); /* and is behind the other one from here on */
    do { /* until it sleeps at that moment */
        usleep(1000);
        sockets[tries++] = fake_connect(&runtime);
        turn(0, 2);
    } while (connections_of(0) == tries && tries < TRIES);
    CU_ASSERT(connections_of(0) == tries - 1);
    end_idler(&idler);
    turn(0, 2);
    CU_ASSERT(connections_of(0) == tries - 1);
    look_again();
    CU_ASSERT(connections_of(0) == tries);
    close_all(sockets, (unsigned)tries);
    fake_end_all(&runtime);
}

/* No descriptor left: the loop sleeps instead of asking again and again. */
static void test_no_descriptor(void)
{
    struct rlimit limit, low;
    fake_begin(&runtime, 1, 1000);
    int probe = fake_connect(&runtime);
    CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    low = (struct rlimit){(rlim_t)probe + 1, limit.rlim_max};
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &low) == 0);
    turn(0, 5);
    CU_ASSERT(connections_of(0) == 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    turn(0, 5);
    CU_ASSERT(connections_of(0) == 0); /* not before its time */
    runtime.now_ns += 100 * NS_PER_MS;
    turn(0, 5);
    CU_ASSERT(connections_of(0) == 1);
    close(probe);
    fake_end_all(&runtime);
}

/* --- What is shown ---------------------------------------------------------------------------- */

static const struct shown {
    const char *path, *status, *text;
} shown[] = {
    {"/v1/models", "200", "{\"object\":\"list\",\"data\":[{\"id\":\"my-model\""},
    {"/models", "200", "\"id\":\"smart\""},
    {"/v1/models/my-model", "200", "\"context_window\":1000"},
    {"/models/smart", "200", "{\"id\":\"smart\",\"object\":\"model\""},
    {"/v1/models/my-model", "200", "\"available\":false,\"missing\":\"provider 'lab' has no"},
    {"/v1/models", "200", "set LAB_KEY"},
    {"/v1/models/lab/my-model", "200", "\"id\":\"lab/my-model\""},
    {"/v1/models/lab%2Fmy%2dmodel", "200", "\"id\":\"lab/my-model\""},
    {"/v1/models/fb-x%20y", "200", "\"upstream_model\":\"fb-x y\""},
    {"/v1/models/nope", "404", "\"model_not_found\""},
    {"/v1/models/a%2", "400", "percent"},
    {"/v1/models/a%g0", "400", "percent"},
    {"/v1/models/", "404", "unknown_url"},
    {"/metrics", "200", "\nharborai_active_connections 1\n"},
    {"/livez", "200", "\r\n\r\n{\"status\":\"ok\"}"},
    {"/health/liveliness", "200", "\r\n\r\n{\"status\":\"ok\"}"},
    {"/stats", "200", "\"requests\":{\"queue_length\":0,\"processing_count\":0,"},
    {"/v1/stats", "200", "\"connections\":{\"active\":1,"},
    {"/", "200", "{\"name\":\"HarborAI\",\"version\":\""},
    {"/v1/info", "200", "\"models\":\"/v1/models\""},
};

static void test_shown(void)
{
    fake_begin(&runtime, 1, 1000);
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        AUTO(buf) in = BUF_INIT(KIB(4)), seen = BUF_INIT(MIB(1));
        int fd = fake_connect(&runtime);
        buf_printf(&in, "GET %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", shown[i].path);
        fake_send(&runtime, fd, buf_slice(&in));
        const char *got = fake_receive(&runtime, fd, &seen, SIZE_MAX, NULL);
        ROW(shown[i].path, strncmp(got + 9, shown[i].status, 3) == 0);
        ROW(shown[i].path, strstr(got, shown[i].text) != NULL);
        close(fd);
        fake_pass(&runtime);
    }
    fake_end_all(&runtime);
}

/* What one GET gets, in `seen`. */
static const char *get(const char *path, struct buf *seen)
{
    AUTO(buf) in = BUF_INIT(KIB(4));
    int fd = fake_connect(&runtime);
    buf_printf(&in, "GET %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", path);
    fake_send(&runtime, fd, buf_slice(&in));
    buf_clear(seen);
    const char *got = fake_receive(&runtime, fd, seen, SIZE_MAX, NULL);
    close(fd);
    fake_pass(&runtime);
    return got;
}

#define LAB "\"list\":[{\"name\":\"lab\",\"plugin\":\"test.lab\",\"state\":\""

/* A provider without its key, then with one, one that could not be loaded; a journal that fails, and one
 * that is full. */
static void test_health(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    const char *got;
    fake_begin(&runtime, 2, 1000);
    got = get("/readyz", &seen);
    CU_ASSERT(strstr(got, "503") == got + 9);
    CU_ASSERT(strstr(got, "{\"status\":\"not_ready\",\"reasons\":[\"no_provider\"]}") != NULL);
    got = get("/health", &seen);
    CU_ASSERT(strstr(got, "200") == got + 9 && strstr(got, "{\"status\":\"degraded\"") != NULL);
    CU_ASSERT(strstr(got, "\"providers\":{\"state\":\"degraded\",\"enabled\":1,\"usable\":0," LAB
                          "ready\",\"has_key\":false}]}") != NULL);

    runtime.provider.key_required = false;
    got = get("/readyz", &seen);
    CU_ASSERT(strstr(got, "200") == got + 9 && strstr(got, "{\"status\":\"ready\"}") != NULL);
    got = get("/healthz", &seen);
    CU_ASSERT(strstr(got, "{\"status\":\"ok\"") != NULL && strstr(got, LAB "ready\"") != NULL);
    CU_ASSERT(strstr(got, "\"loops\":{\"state\":\"ok\",\"count\":2,") != NULL);
    CU_ASSERT(strstr(got, "\"postgres\"") == NULL && strstr(got, "\"index\"") == NULL);

    runtime.slot.state = SLOT_FAILED;
    CU_ASSERT(strstr(get("/readyz", &seen), "[\"no_provider\"]") != NULL);
    CU_ASSERT(strstr(get("/v1/health", &seen), LAB "failed\"") != NULL);
    runtime.slot.state = SLOT_READY;

    runtime.journal_fails = true;
    CU_ASSERT(strstr(get("/health", &seen), "\"journal\":{\"state\":\"degraded\"") != NULL);
    CU_ASSERT(strstr(get("/health/readiness", &seen), "\"ready\"") != NULL);
    runtime.refuses = true;
    got = get("/health", &seen);
    CU_ASSERT(strstr(got, "503") == got + 9 && strstr(got, "{\"status\":\"error\"") != NULL);
    CU_ASSERT(strstr(get("/readyz", &seen), "\"reasons\":[\"journal\"]") != NULL);
    CU_ASSERT(strstr(get("/livez", &seen), "200") != NULL);
    fake_end_all(&runtime);
}

/* One that the configuration wants loaded at the start is waited for, others are not. */
static void test_preloading(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    harborai_str name = HARBORAI_STR("lab");
    fake_begin(&runtime, 1, 1000);
    runtime.provider.key_required = false;
    runtime.slot.state = SLOT_LOADING;
    CU_ASSERT(strstr(get("/readyz", &seen), "\"ready\"") != NULL);
    runtime.config.plugin_preload = (struct config_names){.items = &name, .count = 1};
    CU_ASSERT(strstr(get("/readyz", &seen), "\"reasons\":[\"preloading\"]") != NULL);
    runtime.slot.loaded_ns = 1;
    CU_ASSERT(strstr(get("/readyz", &seen), "\"ready\"") != NULL);
    fake_end_all(&runtime);
}

/* --- The end ---------------------------------------------------------------------------------- */

#define CHAT "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: "

static void *stop(void *limit_ms)
{
    server_stop(runtime.server, *(const int64_t *)limit_ms, -1);
    return NULL;
}

/* Idle connections are closed, a call goes on, and its answer says that no other will follow. */
static void test_stop(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    int64_t limit_ms = 20000;
    pthread_t stopper;
    bool ended = false;

    fake_begin(&runtime, 1, 1000);
    int idle = fake_connect(&runtime), busy = fake_connect(&runtime);
    fake_send(&runtime, busy, HARBORAI_STR(CHAT "4\r\n\r\nhold"));
    fake_pass(&runtime);
    CU_ASSERT_FATAL(pthread_create(&stopper, NULL, stop, &limit_ms) == 0);
    (void)fake_receive(&runtime, idle, &seen, 1, &ended);
    CU_ASSERT(ended && seen.len == 0);
    fake_end(runtime.seen.call, HARBORAI_OK);
    const char *got = fake_receive(&runtime, busy, &seen, SIZE_MAX, &ended);
    CU_ASSERT(ended && strstr(got, "\r\nconnection: close\r\n") != NULL);
    pthread_join(stopper, NULL);
    CU_ASSERT(runtime.cancelled == 0 && runtime.over == 1);
    close(idle);
    close(busy);
    fake_end_all(&runtime);
}

static void cut_one(const char *name, bool has_chunk, const char *want)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    int64_t limit_ms = 0;
    bool ended = false;

    fake_begin(&runtime, 1, 1000);
    int fd = fake_connect(&runtime), half = fake_connect(&runtime);
    fake_send(&runtime, half, HARBORAI_STR("GET /hea"));
    fake_send(&runtime, fd, HARBORAI_STR(CHAT "4\r\n\r\nhold"));
    fake_pass(&runtime);
    if (has_chunk)
        fake_chunk(runtime.seen.call, HARBORAI_STR("{}"));
    fake_start_threads(&runtime);
    stop(&limit_ms);
    fake_stop_threads(&runtime);
    ROW(name, runtime.cancelled == 1);
    ROW(name, metrics_sum(runtime.metrics, METRIC_CLIENT_CONNECTIONS) == 0);
    const char *got = fake_receive(&runtime, fd, &seen, SIZE_MAX, &ended);
    ROW(name, ended && strstr(got, want) != NULL && strstr(got, "[DONE]") == NULL);
    close(fd);
    close(half);
    fake_end_all(&runtime);
}

static void test_stop_cuts_what_takes_too_long(void)
{
    cut_one("before a byte", false, "HTTP/1.1 503 ");
    cut_one("in a stream", true, "data: {\"error\":{\"message\":\"this gateway is shutting");
}

/* A request that has not come whole gets a moment, and bytes that trickle no longer one. */
static void test_stop_waits_for_no_half_request(void)
{
    static const char *const rows[] = {"GET /heal", CHAT "1000\r\n\r\nho"};
    int64_t limit_ms = 20000;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) seen = BUF_INIT(MIB(1));
        pthread_t stopper;
        bool ended = false;

        fake_begin(&runtime, 1, 1000);
        int idle = fake_connect(&runtime), half = fake_connect(&runtime);
        fake_send(&runtime, half, slice_of(rows[i]));
        fake_pass(&runtime);
        CU_ASSERT_FATAL(pthread_create(&stopper, NULL, stop, &limit_ms) == 0);
        (void)fake_receive(&runtime, idle, &seen, 1, &ended);
        ROW(rows[i], ended); /* it has begun to stop */
        for (int n = 0; n < 2; n++) {
            runtime.now_ns += 2 * NS_PER_S;
            fake_send(&runtime, half, HARBORAI_STR("x"));
            fake_pass(&runtime);
        }
        const char *got = fake_receive(&runtime, half, &seen, SIZE_MAX, &ended);
        ROW(rows[i], ended && strstr(got, "HTTP/1.1 503 ") != NULL);
        ROW(rows[i], strstr(got, "shutting down") != NULL);
        ROW(rows[i], strstr(got, "\r\nx-request-id: req_") != NULL);
        close(half);
        fake_pass(&runtime);
        pthread_join(stopper, NULL);
        close(idle);
        fake_end_all(&runtime);
    }
}

/* --- Another gateway takes over --------------------------------------------------------------- */

static void *retire(void *hurry_fd)
{
    server_retire(runtime.server, INT64_MAX, *(const int *)hurry_fd);
    return NULL;
}

static bool is_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Passes until the server has nothing left. */
static void join(pthread_t retirer)
{
    bool is_over = false;
    for (int i = 0; i < 2000 && !is_over; i++) {
        fake_pass(&runtime);
        is_over = pthread_tryjoin_np(retirer, NULL) == 0;
        if (!is_over)
            usleep(5000);
    }
    CU_ASSERT_FATAL(is_over);
}

static void wait_for_retiring(int fd)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    bool ended = false;
    fake_send(&runtime, fd, HARBORAI_STR("GET /health HTTP/1.1\r\nhost: x\r\n\r\n"));
    for (int i = 0; i < 10000 && !ended; i++) {
        const char *got = fake_receive(&runtime, fd, &seen, 1, &ended);
        if (strstr(got, "\r\nconnection: close\r\n") != NULL)
            return;
        buf_clear(&seen);
        usleep(1000);
        fake_send(&runtime, fd, HARBORAI_STR("GET /health HTTP/1.1\r\nhost: x\r\n\r\n"));
    }
    CU_FAIL("it does not retire");
}

/* What is under way ends as it would; a kept connection gets one more answer, or is closed after 5 s; and
 * all of that may take as long as it likes. */
static void test_retire(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    AUTO(buf) streamed = BUF_INIT(MIB(1));
    int64_t limit_ms = 5000;
    int none = -1;
    pthread_t retirer;
    bool ended = false;

    fake_begin(&runtime, 1, 1000);
    int stream = fake_connect(&runtime), idle = fake_connect(&runtime);
    int probe = fake_connect(&runtime), half = fake_connect(&runtime);
    fake_send(&runtime, half, HARBORAI_STR(CHAT "8\r\n\r\nwhol"));
    fake_send(&runtime, stream, HARBORAI_STR(CHAT "4\r\n\r\nhold"));
    fake_pass(&runtime);
    struct call *call = runtime.seen.call;
    fake_chunk(call, HARBORAI_STR("{}"));
    (void)fake_receive(&runtime, stream, &streamed, 100, NULL);
    CU_ASSERT_FATAL(pthread_create(&retirer, NULL, retire, &none) == 0);
    wait_for_retiring(probe);

    runtime.now_ns += 4 * NS_PER_S;
    fake_pass(&runtime);
    CU_ASSERT(!is_closed(idle));
    runtime.now_ns += 2 * NS_PER_S;
    fake_pass(&runtime);
    CU_ASSERT(is_closed(idle));
    CU_ASSERT(!is_closed(stream));

    fake_send(&runtime, half, HARBORAI_STR("e {}"));
    const char *got = fake_receive(&runtime, half, &seen, SIZE_MAX, &ended);
    CU_ASSERT(ended && strstr(got, "HTTP/1.1 200 ") != NULL && strstr(got, "\r\n\r\n{}") != NULL);

    /* Its head did not say that the connection will close: so it does not, for a while. */
    fake_end(call, HARBORAI_OK);
    got = fake_receive(&runtime, stream, &streamed, SIZE_MAX, &ended);
    CU_ASSERT(!ended && strstr(got, "data: [DONE]") != NULL && strstr(got, "close") == NULL);
    fake_send(&runtime, stream, HARBORAI_STR(CHAT "8\r\n\r\nwhole {}"));
    got = fake_receive(&runtime, stream, &streamed, SIZE_MAX, &ended);
    CU_ASSERT(ended && strstr(got, "\r\nconnection: close\r\n") != NULL);
    close(stream);
    close(idle);
    close(probe);
    close(half);
    join(retirer);
    CU_ASSERT(runtime.cancelled == 0);
    stop(&limit_ms); /* has nothing to do */
    fake_end_all(&runtime);
}

/* What came while nobody looked is answered, though its time was over. */
static void test_retire_looks_before_it_closes(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    int none = -1;
    pthread_t retirer;
    bool ended = false;
    static const char request[] = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

    fake_begin(&runtime, 1, 1000);
    int idle = fake_connect(&runtime), probe = fake_connect(&runtime);
    fake_pass(&runtime);
    CU_ASSERT_FATAL(pthread_create(&retirer, NULL, retire, &none) == 0);
    wait_for_retiring(probe);
    runtime.now_ns += 6 * NS_PER_S;
    CU_ASSERT(send(idle, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
    const char *got = fake_receive(&runtime, idle, &seen, SIZE_MAX, &ended);
    CU_ASSERT(ended && strstr(got, "HTTP/1.1 200 ") != NULL);
    close(idle);
    close(probe);
    join(retirer);
    fake_end_all(&runtime);
}

static void test_retire_in_a_hurry(void)
{
    int64_t limit_ms = 0;
    int hurry[2];
    fake_begin(&runtime, 1, 1000);
    int fd = fake_connect(&runtime);
    fake_send(&runtime, fd, HARBORAI_STR(CHAT "4\r\n\r\nhold"));
    fake_pass(&runtime);
    CU_ASSERT_FATAL(pipe(hurry) == 0);
    CU_ASSERT(write(hurry[1], "x", 1) == 1);
    fake_start_threads(&runtime);
    retire(&hurry[0]);
    CU_ASSERT(runtime.cancelled == 0);
    stop(&limit_ms);
    CU_ASSERT(runtime.cancelled == 1);
    fake_stop_threads(&runtime);
    close(hurry[0]);
    close(hurry[1]);
    close(fd);
    fake_end_all(&runtime);
}

/* Of a socket that another process has, too: what waits there is that one's. */
static void test_no_start_takes_no_connection(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char byte;
    int others = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(bind(others, (const struct sockaddr *)&any, sizeof any) == 0 &&
                    listen(others, 8) == 0);
    const int own = dup(others);
    fake_begin_as(&runtime, 2, &(struct server_options){.sockets = &own,
                                                        .socket_count = 1,
                                                        .max_body = 1000,
                                                        .limits = gate_limits_usual});
    int client = fake_connect(&runtime);
    fake_end_all(&runtime);
    CU_ASSERT(recv(client, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    int taken = accept(others, NULL, NULL);
    CU_ASSERT(taken >= 0);
    close(taken);
    close(client);
    close(others);
}

/* --- Threads ---------------------------------------------------------------------------------- */

enum { CLIENTS = 8, CONNECTIONS = 10, ROUNDS = 10 };

/* Two pipelined calls and both of their answers. */
static bool one_round(int fd)
{
    static const char request[] = CHAT "8\r\n\r\nstream 3" CHAT "8\r\n\r\nwhole {}";
    char text[4096];
    size_t len = 0;
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        return false;
    while (memmem(text, len, "\r\n\r\n{}", 6) == NULL) {
        ssize_t got = recv(fd, text + len, sizeof text - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
    }
    return memmem(text, len, "data: [DONE]", 12) != NULL;
}

static void *call_again_and_again(void *context)
{
    _Atomic unsigned *answered = context;
    for (int i = 0; i < CONNECTIONS; i++) {
        int fd = fake_connect(&runtime);
        for (int n = 0; n < ROUNDS; n++)
            *answered += one_round(fd);
        close(fd);
    }
    return NULL;
}

static void test_many_loops(void)
{
    int64_t limit_ms = 5000;
    pthread_t clients[CLIENTS];
    _Atomic unsigned answered = 0;
    fake_begin(&runtime, 4, 1000);
    fake_start_threads(&runtime);
    for (int i = 0; i < CLIENTS; i++)
        CU_ASSERT_FATAL(pthread_create(&clients[i], NULL, call_again_and_again, &answered) ==
                        0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    CU_ASSERT(answered == CLIENTS * CONNECTIONS * ROUNDS);
    CU_ASSERT(runtime.started == 2 * CLIENTS * CONNECTIONS * ROUNDS);
    stop(&limit_ms);
    CU_ASSERT(metrics_sum(runtime.metrics, METRIC_CLIENT_CONNECTIONS) == 0);
    fake_stop_threads(&runtime);
    fake_end_all(&runtime);
}

const CU_TestInfo server_tests[] = {
    {"shares", test_shares},
    {"shares of many", test_shares_of_many},
    {"looking again", test_looking_again},
    {"no descriptor left", test_no_descriptor},
    {"what is shown", test_shown},
    {"health", test_health},
    {"preloading", test_preloading},
    {"stop", test_stop},
    {"stop cuts what takes too long", test_stop_cuts_what_takes_too_long},
    {"stop waits for no half request", test_stop_waits_for_no_half_request},
    {"retire", test_retire},
    {"retire looks before it closes", test_retire_looks_before_it_closes},
    {"retire in a hurry", test_retire_in_a_hurry},
    {"no start takes no connection", test_no_start_takes_no_connection},
    {"many loops", test_many_loops},
    CU_TEST_INFO_NULL,
};
