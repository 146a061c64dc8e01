/* SPDX-License-Identifier: MIT */
/* What an operator may set of the connections: their numbers, their requests, their time, who may read. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "fake.h"
#include "server/conn_limit.h"
#include "server/cors.h"
#include "server/gate.h"

extern const CU_TestInfo limit_tests[];

#define CHAT "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
#define GET "GET /health HTTP/1.1\r\nhost: x\r\n"

static struct runtime runtime;

static struct server_options usual(void)
{
    return (struct server_options){
        .host = HARBORAI_STR("127.0.0.1"), .max_body = 1000, .limits = gate_limits_usual};
}

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

static unsigned count_of(const struct buf *seen, const char *text)
{
    unsigned count = 0;
    harborai_str rest = buf_slice(seen);
    for (const char *at; rest.len > 0 && (at = memmem(rest.data, rest.len, text, strlen(text))) != NULL;
         count++)
        rest = slice_from(rest, (size_t)(at - rest.data) + strlen(text));
    return count;
}

static void pass_time_ms(int64_t ms)
{
    runtime.now_ns += ms * NS_PER_MS;
    for (int i = 0; i < 4; i++)
        fake_pass(&runtime);
}

/* ---- Counts ------------------------------------------------------------------------------------ */

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)&address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&address;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
        address.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1)
        address.ss_family = AF_INET6;
    return address;
}

static void test_addresses(void)
{
    static const struct {
        const char *first, *second;
        bool is_same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},      {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true}, {"2001:db8::1", "2001:db8::ff:2", true},
        {"2001:db8::1", "2001:db8:0:1::1", false}, {"::1", "::1", true},
        {"::1", "127.0.0.1", false},           {"", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conn_limit limit;
        struct conn_ticket tickets[3];
        struct sockaddr_storage first = address_of(rows[i].first), second = address_of(rows[i].second);
        conn_limit_init(&limit, 100, 1);
        CU_ASSERT(conn_limit_enter(&limit, &first, &tickets[0]));
        CU_ASSERT(conn_limit_enter(&limit, &second, &tickets[1]));
        ROW(rows[i].second, tickets[0].excess == CONN_EXCESS_NONE);
        ROW(rows[i].second,
            tickets[1].excess == (rows[i].is_same ? CONN_EXCESS_ADDRESS : CONN_EXCESS_NONE));
        conn_limit_leave(&limit, &tickets[0]);
        CU_ASSERT(conn_limit_enter(&limit, &first, &tickets[2]));
        ROW(rows[i].second, tickets[2].excess == CONN_EXCESS_NONE);
        conn_limit_leave(&limit, &tickets[1]);
        conn_limit_leave(&limit, &tickets[2]);
        CU_ASSERT(limit.count == 0 && limit.surplus == 0);
        for (size_t k = 0; k < CONN_LIMIT_BUCKETS; k++)
            CU_ASSERT(limit.buckets[k] == NULL);
        conn_limit_release(&limit);
    }
}

/* Beyond the limit some are told, then none. */
static void test_surplus(void)
{
    enum { MOST = 32, TOLD = 64 + 2 };
    struct conn_limit limit;
    struct conn_ticket tickets[MOST + TOLD], none;
    struct sockaddr_storage address = address_of("192.0.2.1");
    conn_limit_init(&limit, MOST, 0);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < MOST + TOLD; i++) {
            CU_ASSERT(conn_limit_enter(&limit, &address, &tickets[i]));
            CU_ASSERT(tickets[i].excess == (i < MOST ? CONN_EXCESS_NONE : CONN_EXCESS_ALL));
        }
        CU_ASSERT(!conn_limit_enter(&limit, &address, &none) && none.excess == CONN_EXCESS_ALL);
        for (int i = MOST + TOLD - 1; i >= 0; i--)
            conn_limit_leave(&limit, &tickets[i]);
        CU_ASSERT(limit.count == 0 && limit.surplus == 0);
    }
    conn_limit_release(&limit);
}

static void test_limit_of_files(void)
{
    struct rlimit before, low;
    CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &before) == 0);
    low = before;
    low.rlim_cur = 264;
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &low) == 0);
    CU_ASSERT(conn_limit_of_files() == 100);
    low.rlim_cur = 70;
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &low) == 0);
    CU_ASSERT(conn_limit_of_files() == 16);
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

static void test_too_many_connections(void)
{
    static const struct {
        const char *name;
        int64_t most, most_of_address;
        const char *text;
    } rows[] = {{"all", 1, 0, "this gateway"}, {"address", 0, 1, "your address"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) seen = BUF_INIT(MIB(1)), after = BUF_INIT(MIB(1));
        struct server_options options = usual();
        options.limits.connections = rows[i].most;
        options.limits.connections_per_address = rows[i].most_of_address;
        fake_begin_as(&runtime, 1, &options);
        int first = fake_connect(&runtime);
        fake_pass(&runtime);
        int second = fake_connect(&runtime), silent = fake_connect(&runtime);
        fake_send(&runtime, second, HARBORAI_STR(GET "\r\n" GET "\r\n"));
        ROW(rows[i].name, receive_all(second, &seen));
        ROW(rows[i].name, slice_starts_with(buf_slice(&seen), "HTTP/1.1 503 "));
        ROW(rows[i].name, count_of(&seen, "HTTP/1.1") == 1 && has(&seen, "\r\nretry-after: 1\r\n"));
        ROW(rows[i].name, has(&seen, "too_many_connections") && has(&seen, rows[i].text));
        ROW(rows[i].name, metrics_sum(runtime.metrics, METRIC_CLIENT_CONNECTIONS) == 3);
        pass_time_ms(5100);
        ROW(rows[i].name, metrics_sum(runtime.metrics, METRIC_CLIENT_CONNECTIONS) == 1);
        close(first);
        fake_pass(&runtime);
        int third = fake_connect(&runtime); /* there is room again */
        fake_send(&runtime, third, HARBORAI_STR(GET "\r\n"));
        receive_all(third, &after);
        ROW(rows[i].name, has(&after, "HTTP/1.1 200 "));
        close(second);
        close(silent);
        close(third);
        fake_end_all(&runtime);
    }
}

/* ---- Requests ---------------------------------------------------------------------------------- */

static void test_requests_of_a_connection(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    struct server_options options = usual();
    options.limits.requests_per_connection = 2;
    fake_begin_as(&runtime, 1, &options);
    int fd = fake_connect(&runtime);
    fake_send(&runtime, fd, HARBORAI_STR(GET "\r\n" GET "\r\n" GET "\r\n"));
    CU_ASSERT(receive_all(fd, &seen));
    CU_ASSERT(count_of(&seen, "HTTP/1.1 200") == 2 && count_of(&seen, "connection: close") == 1);
    close(fd);
    fake_end_all(&runtime);
}

static void test_sizes(void)
{
    static const struct {
        const char *name, *in, *status, *text;
    } rows[] = {
        {"head", GET "x: %300d\r\n\r\n", "HTTP/1.1 431 ", "the limit is 300"},
        {"target", "GET /%100d HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 414 ", "the limit is 50"},
        {"fields", GET "a: %d\r\nb:\r\nc:\r\n\r\n", "HTTP/1.1 431 ", "the limit is 3"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) in = BUF_INIT(KIB(4)), seen = BUF_INIT(MIB(1));
        struct server_options options = usual();
        options.limits.head = 300;
        options.limits.target = 50;
        options.limits.fields = 3;
        fake_begin_as(&runtime, 1, &options);
        int fd = fake_connect(&runtime);
        harborai_str before, behind;
        slice_split(slice_of(rows[i].in), '%', &before, &behind);
        buf_add(&in, before);
        for (int k = atoi(behind.data); k > 0; k--)
            buf_add_char(&in, 'a');
        (void)slice_split(behind, 'd', &before, &behind);
        buf_add(&in, behind);
        fake_send(&runtime, fd, buf_slice(&in));
        ROW(rows[i].name, receive_all(fd, &seen));
        ROW(rows[i].name, slice_starts_with(buf_slice(&seen), rows[i].status));
        ROW(rows[i].name, has(&seen, rows[i].text) && has(&seen, "request_too_large"));
        close(fd);
        fake_end_all(&runtime);
    }
}

static void test_times(void)
{
    static const struct {
        const char *name, *in, *answer;
        int64_t ms;
    } rows[] = {
        {"head", "GET", "within 100ms", 100},
        {"body", CHAT "content-length: 9\r\n\r\nabc", "still for 200ms", 200},
        {"idle", GET "\r\n", "HTTP/1.1 200", 300},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) seen = BUF_INIT(MIB(1));
        struct server_options options = usual();
        options.limits.head_ms = 100;
        options.limits.body_ms = 200;
        options.limits.idle_ms = 300;
        fake_begin_as(&runtime, 1, &options);
        int fd = fake_connect(&runtime);
        fake_send(&runtime, fd, slice_of(rows[i].in));
        fake_pass(&runtime);
        pass_time_ms(rows[i].ms - 10);
        ROW(rows[i].name, !receive_all(fd, &seen));
        pass_time_ms(20);
        ROW(rows[i].name, receive_all(fd, &seen) && has(&seen, rows[i].answer));
        close(fd);
        fake_end_all(&runtime);
    }
}

/* ---- A closed half ----------------------------------------------------------------------------- */

static void test_half_close(void)
{
    for (int answers = 0; answers < 2; answers++) {
        AUTO(buf) seen = BUF_INIT(MIB(1));
        struct server_options options = usual();
        options.answers_half_closed = answers;
        fake_begin_as(&runtime, 1, &options);
        int fd = fake_connect(&runtime);
        fake_send(&runtime, fd, HARBORAI_STR(CHAT "content-length: 4\r\n\r\nhold" GET "\r\n"));
        fake_pass(&runtime);
        shutdown(fd, SHUT_WR);
        fake_pass(&runtime);
        CU_ASSERT(runtime.started == 1 && runtime.cancelled == !answers);
        if (answers)
            fake_end(runtime.seen.call, HARBORAI_OK);
        CU_ASSERT(receive_all(fd, &seen));
        CU_ASSERT(count_of(&seen, "HTTP/1.1 200 ") == (answers ? 2 : 0));
        CU_ASSERT(metrics_sum(runtime.metrics, METRIC_CLIENT_CONNECTIONS) == 0);
        close(fd);
        fake_end_all(&runtime);
    }
}

/* ---- Pages of other sites ---------------------------------------------------------------------- */

#define ORIGIN "origin: https://chat.example\r\n"
#define ALLOWED "access-control-allow-origin: https://chat.example\r\n"

static const struct page {
    const char *name, *origins, *in;
    const char *want[4];
    const char *never;
} pages[] = {
    {"off", "", "OPTIONS /v1/models HTTP/1.1\r\nhost: x\r\n" ORIGIN "access-control-request-method: GET\r\n\r\n",
     {"HTTP/1.1 204 No Content\r\n", "\r\nallow: GET, HEAD, OPTIONS\r\n"}, "access-control"},
    {"options of all", "", "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
     {"HTTP/1.1 204 ", "\r\nallow: GET, HEAD, POST, OPTIONS\r\n"}, "content-"},
    {"options of nothing", "", "OPTIONS /nothing HTTP/1.1\r\nhost: x\r\n\r\n", {"HTTP/1.1 404 "}, "allow:"},
    {"preflight", "https://a.example,https://chat.example",
     "OPTIONS /v1/chat/completions HTTP/1.1\r\nhost: x\r\n" ORIGIN "access-control-request-method: POST\r\n"
     "access-control-request-headers: authorization,x-stainless-os\r\n\r\n",
     {"HTTP/1.1 204 ", ALLOWED, "access-control-allow-methods: POST, OPTIONS\r\n",
      "access-control-allow-headers: authorization,x-stainless-os\r\n"}, "content-length"},
    {"preflight with bad headers", "https://chat.example",
     "OPTIONS /health HTTP/1.1\r\nhost: x\r\n" ORIGIN "access-control-request-method: GET\r\n"
     "access-control-request-headers: a;b\r\n\r\n", {"HTTP/1.1 204 ", ALLOWED}, "allow-headers"},
    {"preflight of another", "https://a.example",
     "OPTIONS /health HTTP/1.1\r\nhost: x\r\n" ORIGIN "access-control-request-method: GET\r\n\r\n",
     {"HTTP/1.1 204 ", "\r\nvary: origin\r\n"}, "access-control"},
    {"answer", "https://chat.example", GET ORIGIN "\r\n",
     {"HTTP/1.1 200 ", ALLOWED, "\r\nvary: origin\r\n", "access-control-expose-headers: x-request-id, "},
     "allow-methods"},
    {"answer without an origin", "https://chat.example", GET "\r\n", {"HTTP/1.1 200 ", "\r\nvary: origin\r\n"},
     "access-control"},
    {"answer for another", "https://chat.example", GET "origin: https://chat.example.evil\r\n\r\n",
     {"HTTP/1.1 200 ", "\r\nvary: origin\r\n"}, "access-control"},
    {"case", "HTTPS://Chat.Example", GET ORIGIN "\r\n", {ALLOWED}, "Chat.Example"},
    {"all", "*", GET ORIGIN "\r\n", {"HTTP/1.1 200 ", "access-control-allow-origin: *\r\n"}, "vary"},
    {"error", "https://chat.example", CHAT ORIGIN "content-length: 5\r\n\r\nerror", {"HTTP/1.1 429 ", ALLOWED},
     NULL},
    {"refusal", "https://chat.example", CHAT ORIGIN "content-length: 1001\r\n\r\n", {"HTTP/1.1 413 ", ALLOWED},
     NULL},
    {"a call of a page that may not", "https://a.example",
     CHAT ORIGIN "sec-fetch-site: cross-site\r\ncontent-length: 8\r\n\r\nstream 1" GET "\r\n",
     {"HTTP/1.1 403 ", "origin_not_allowed", "connection: close"}, "HTTP/1.1 200 "},
    {"nor another port of the machine", "", CHAT "sec-fetch-site: same-site\r\ncontent-length: 8\r\n\r\nstream 1",
     {"HTTP/1.1 403 "}, NULL},
    {"a page of its own", "", CHAT ORIGIN "sec-fetch-site: same-origin\r\ncontent-length: 8\r\n\r\nstream 1",
     {"HTTP/1.1 200 "}, NULL},
    {"a call of a page that may", "https://chat.example",
     CHAT ORIGIN "sec-fetch-site: cross-site\r\ncontent-length: 8\r\n\r\nstream 1", {"HTTP/1.1 200 ", ALLOWED}, NULL},
    {"who looks", "", GET "sec-fetch-site: cross-site\r\n\r\n", {"HTTP/1.1 200 "}, NULL},
    {"no HTTP", "*", "GARBAGE\r\n\r\n", {"HTTP/1.1 400 ", "access-control-allow-origin: *\r\n"}, NULL},
    {"stream", "https://chat.example", CHAT ORIGIN "content-length: 8\r\n\r\nstream 1",
     {"HTTP/1.1 200 ", ALLOWED, "[DONE]"}, NULL},
    {"a bad request behind a page's", "https://chat.example", GET ORIGIN "\r\nGARBAGE\r\n\r\n",
     {"HTTP/1.1 400 "}, NULL},
};

static void test_pages(void)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        AUTO(buf) seen = BUF_INIT(MIB(1));
        struct server_options options = usual();
        options.cors_origins = slice_of(pages[i].origins);
        fake_begin_as(&runtime, 1, &options);
        int fd = fake_connect(&runtime);
        fake_send(&runtime, fd, slice_of(pages[i].in));
        receive_all(fd, &seen);
        for (size_t k = 0; k < ARRAY_LEN(pages[i].want) && pages[i].want[k] != NULL; k++)
            ROW(pages[i].name, has(&seen, pages[i].want[k]));
        ROW(pages[i].name, pages[i].never == NULL || !has(&seen, pages[i].never));
        ROW(pages[i].name, count_of(&seen, "access-control-allow-origin") <= 1);
        close(fd);
        fake_end_all(&runtime);
    }
}

#define JSON "content-type: application/json\r\n"
#define FORM "content-type: text/plain\r\n"

/* What came by no browser, or by a page that a browser does not take for another's, is a call. */
static const struct call_of_page {
    const char *name, *origins, *fields; /* behind the request's line */
    bool is_taken;
} calls_of_pages[] = {
    {"a program", "", "host: x\r\n", true},
    {"a program's form", "", "host: x\r\n" FORM, true},
    {"a form", "", "host: 127.0.0.1:80\r\norigin: https://evil.example\r\n" FORM, false},
    {"JSON of another page", "", "host: 127.0.0.1:80\r\norigin: https://evil.example\r\n" JSON, false},
    {"scheme in capitals", "", "host: 127.0.0.1:80\r\norigin: HTTP://evil.example\r\n" JSON, false},
    {"a page that is allowed", "https://a.example", "host: x\r\norigin: https://a.example\r\n" FORM, true},
    {"all are allowed", "*", "host: x\r\norigin: https://a.example\r\n" FORM, true},
    {"one that is not", "https://a.example", "host: 127.0.0.1\r\norigin: https://b.example\r\n" JSON, false},
    {"own page", "", "host: 127.0.0.1:80\r\norigin: http://127.0.0.1:80\r\n" FORM, true},
    {"own page by name", "", "host: localhost:80\r\norigin: http://LOCALHOST:80\r\n" FORM, true},
    {"rebound name", "", "host: evil.example:80\r\norigin: http://evil.example:80\r\n" JSON, false},
    {"rebound name, no referrer", "", "host: evil.example:80\r\norigin: null\r\n" JSON, false},
    {"name that begins like ours", "", "host: localhost.evil.example\r\norigin: null\r\n" JSON, false},
    {"name with ours in it", "", "host: a.localhost.example.:80\r\norigin: null\r\n" JSON, false},
    {"name without a dot", "", "host: gateway:80\r\norigin: http://gateway:80\r\n" FORM, true},
    {"name of no registry", "", "host: gw.lan\r\norigin: null\r\n" JSON, true},
    {"address", "", "host: [fe80::1.2.3.4]:80\r\norigin: null\r\n" JSON, true},
    {"sandboxed frame", "", "host: 127.0.0.1\r\norigin: null\r\n" FORM, false},
    {"sandboxed frame, no type", "", "host: 127.0.0.1\r\norigin: null\r\n", false},
    {"window without preflights", "", "host: 127.0.0.1\r\norigin: null\r\n" JSON, true},
    {"editor", "", "host: localhost\r\norigin: vscode-file://vscode-app\r\n"
     "content-type: Application/JSON; charset=utf-8\r\n", true},
    {"editor's form", "", "host: localhost\r\norigin: vscode-file://vscode-app\r\n" FORM, true},
    {"editor by a stranger's name", "", "host: evil.example\r\norigin: app://x\r\n" JSON, false},
    {"JSON in a parameter", "", "host: localhost\r\norigin: null\r\ncontent-type: text/plain; "
     "application/json\r\n", false},
    {"application on this machine", "", "host: [::1]:80\r\norigin: https://tauri.localhost\r\n" JSON, true},
    {"form on this machine", "", "host: 127.0.0.1:80\r\norigin: http://127.0.0.1:81\r\n" FORM, false},
    {"no origin, but another site", "", "host: 127.0.0.1\r\nsec-fetch-site: cross-site\r\n" JSON, false},
    {"no origin, another part", "", "host: 127.0.0.1\r\nsec-fetch-site: same-site\r\n" JSON, false},
    {"own page behind a proxy", "", "host: 127.0.0.1:80\r\norigin: https://chat.example\r\n"
     "sec-fetch-site: same-origin\r\n" FORM, true},
    {"no origin, own site", "", "host: 127.0.0.1\r\nsec-fetch-site: same-origin\r\n" JSON, true},
};

static void test_calls_of_pages(void)
{
    for (size_t i = 0; i < ARRAY_LEN(calls_of_pages); i++) {
        const struct call_of_page *row = &calls_of_pages[i];
        AUTO(buf) seen = BUF_INIT(MIB(1)), in = BUF_INIT(KIB(4));
        struct server_options options = usual();
        options.cors_origins = slice_of(row->origins);
        fake_begin_as(&runtime, 1, &options);
        int fd = fake_connect(&runtime);
        buf_add(&in, HARBORAI_STR("POST /v1/chat/completions HTTP/1.1\r\n"));
        buf_add(&in, slice_of(row->fields));
        buf_add(&in, HARBORAI_STR("content-length: 8\r\n\r\nwhole {}"));
        fake_send(&runtime, fd, buf_slice(&in));
        receive_all(fd, &seen);
        ROW(row->name, has(&seen, row->is_taken ? "HTTP/1.1 200 " : "HTTP/1.1 403 "));
        ROW(row->name, has(&seen, "\"code\":\"origin_not_allowed\"") == !row->is_taken);
        ROW(row->name, runtime.started == row->is_taken);
        ROW(row->name, metrics_sum(runtime.metrics, METRIC_REFUSED_ORIGIN) == !row->is_taken);
        close(fd);
        fake_end_all(&runtime);
    }
}

const CU_TestInfo limit_tests[] = {
    {"addresses", test_addresses},
    {"surplus", test_surplus},
    {"limit of files", test_limit_of_files},
    {"too many connections", test_too_many_connections},
    {"requests of a connection", test_requests_of_a_connection},
    {"sizes", test_sizes},
    {"times", test_times},
    {"a closed half", test_half_close},
    {"pages of other sites", test_pages},
    {"calls of pages", test_calls_of_pages},
    CU_TEST_INFO_NULL,
};
