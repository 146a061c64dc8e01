/* SPDX-License-Identifier: MIT */
/* Requests as bytes, cut at every place, and the bytes of the answers. */
#include <unistd.h>

#include "../unit.h"
#include "fake.h"

extern const CU_TestInfo http_tests[];

#define DATE "date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
#define ID "x-request-id: a.1\r\n"
#define HOST "host: x\r\n" ID
#define JSON "content-type: application/json\r\n" ID
#define ROUTE                                                                                      \
    "x-harborai-id: hb_1\r\nx-harborai-provider: lab\r\nx-harborai-model: fb-??x:?y\r\n"           \
    "x-harborai-attempts: 1\r\nx-harborai-overhead-us: 12345\r\n"                                  \
    "x-harborai-changed: stop;dropped, a\?\?b;off\r\n"
#define RECORD ROUTE "x-harborai-cost: 0.00015 USD\r\n"
#define STREAM                                                                                     \
    "HTTP/1.1 200 OK\r\n" DATE "content-type: text/event-stream; charset=utf-8\r\n" ID             \
    "cache-control: no-cache\r\nx-accel-buffering: no\r\n"
#define CHAT "POST /v1/chat/completions HTTP/1.1\r\n" HOST
#define BROKEN                                                                                     \
    "{\"error\":{\"message\":\"told to fail\",\"type\":\"api_error\",\"param\":null,"             \
    "\"code\":\"provider_unreachable\"}}"
#define LIMITED                                                                                    \
    "{\"error\":{\"message\":\"told to fail\",\"type\":\"rate_limit_error\",\"param\":null,"      \
    "\"code\":\"rate_limit_exceeded\"}}"
#define LIMITED_AND                                                                                \
    "{\"error\":{\"message\":\"told to fail\",\"type\":\"rate_limit_error\",\"param\":null,"      \
    "\"code\":\"rate_limit_exceeded\"}"
#define TRACE                                                                                      \
    "{\"hb_trace_id\":\"hb_1\",\"otel_trace_id\":\"\",\"span_id\":null,\"trace_flags\":\"01\"}"
#define COST                                                                                       \
    "{\"input_cost\":0,\"output_cost\":0,\"total_cost\":0.00015,\"currency\":\"USD\","             \
    "\"pricing_source\":null,\"pricing_timestamp\":null}"
#define OK_LIVE                                                                                  \
    "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 15\r\n\r\n{\"status\":\"ok\"}"

static const struct row {
    const char *name, *in, *want;
    bool ends; /* the connection, after the answer */
} rows[] = {
    {"live", "GET /livez HTTP/1.1\r\n" HOST "\r\n", OK_LIVE, false},
    {"query", "GET /livez?x=1 HTTP/1.1\r\n" HOST "\r\n", OK_LIVE, false},
    {"head", "HEAD /livez HTTP/1.1\r\n" HOST "\r\n",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 15\r\n\r\n", false},
    {"close", "GET /livez HTTP/1.1\r\nconnection: close\r\n" HOST "\r\n",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 15\r\nconnection: close\r\n\r\n"
     "{\"status\":\"ok\"}", true},
    {"HTTP/1.0", "GET /livez HTTP/1.0\r\n" HOST "\r\n",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 15\r\nconnection: close\r\n\r\n"
     "{\"status\":\"ok\"}", true},
    {"HTTP/1.0 kept", "GET /livez HTTP/1.0\r\nconnection: keep-alive\r\n" HOST "\r\n",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 15\r\nconnection: keep-alive\r\n\r\n"
     "{\"status\":\"ok\"}", false},
    {"two in one", "GET /livez HTTP/1.1\r\n" HOST "\r\nGET /livez HTTP/1.1\r\n" HOST "\r\n",
     OK_LIVE OK_LIVE, false},
    {"whole", CHAT "content-length: 8\r\n\r\nwhole {}",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 2\r\n" RECORD "\r\n{}", false},
    {"without /v1", "POST /chat/completions HTTP/1.1\r\n" HOST "content-length: 8\r\n\r\nwhole {}",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 2\r\n" RECORD "\r\n{}", false},
    {"chunked request",
     CHAT "transfer-encoding: chunked\r\n\r\n3\r\nwho\r\n5\r\nle {}\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 2\r\n" RECORD "\r\n{}", false},
    {"pipelined calls",
     CHAT "content-length: 8\r\n\r\nwhole {}" CHAT "content-length: 9\r\n\r\nwhole [1]",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 2\r\n" RECORD "\r\n{}"
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 3\r\n" RECORD "\r\n[1]", false},
    {"stream", CHAT "content-length: 8\r\n\r\nstream 2",
     STREAM "transfer-encoding: chunked\r\n" ROUTE "\r\n0000002c\r\n"
     "data: {\"n\":0}\n\ndata: {\"n\":1}\n\ndata: [DONE]\n\n\r\n0\r\n\r\n", false},
    {"stream without a chunk", CHAT "content-length: 8\r\n\r\nstream 0",
     STREAM "transfer-encoding: chunked\r\n" ROUTE "\r\n0000000e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n", false},
    {"stream for HTTP/1.0",
     "POST /v1/chat/completions HTTP/1.0\r\nconnection: keep-alive\r\n" HOST
     "content-length: 8\r\n\r\nstream 1",
     STREAM ROUTE "connection: close\r\n\r\ndata: {\"n\":0}\n\ndata: [DONE]\n\n", true},
    {"stream that breaks", CHAT "content-length: 7\r\n\r\nbreak 1",
     STREAM "transfer-encoding: chunked\r\n" ROUTE "\r\n00000079\r\n"
     "data: {\"n\":0}\n\ndata: " BROKEN "\n\n\r\n", true},
    {"error before a byte", CHAT "content-length: 5\r\n\r\nerror",
     "HTTP/1.1 429 Too Many Requests\r\n" DATE JSON "content-length: 104\r\nretry-after: 2\r\n"
     "retry-after-ms: 1500\r\n" RECORD "\r\n" LIMITED, false},
    {"trace and cost", CHAT "x-harborai-include: trace,cost\r\ncontent-length: 23\r\n\r\n"
     "whole {\"cost_info\":\"x\"}",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 223\r\n" RECORD
     "x-harborai-include: trace, cost\r\n\r\n{\"cost_info\":" COST ",\"trace_context\":" TRACE "}",
     false},
    {"trace in several fields", CHAT "X-HarborAI-Include: More , TRACE\r\nx-harborai-include: x\r\n"
     "content-length: 8\r\n\r\nwhole {}",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 93\r\n" RECORD
     "x-harborai-include: trace\r\n\r\n{\"trace_context\":" TRACE "}", false},
    {"nothing that is known", CHAT "x-harborai-include: costs\r\ncontent-length: 8\r\n\r\nwhole {}",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 2\r\n" RECORD
     "x-harborai-include: none\r\n\r\n{}", false},
    {"asked once, not twice",
     CHAT "x-harborai-include: trace\r\ncontent-length: 8\r\n\r\nwhole {}" CHAT
     "content-length: 8\r\n\r\nwhole {}",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 93\r\n" RECORD
     "x-harborai-include: trace\r\n\r\n{\"trace_context\":" TRACE "}"
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 2\r\n" RECORD "\r\n{}", false},
    {"trace of an error", CHAT "x-harborai-include: trace\r\ncontent-length: 5\r\n\r\nerror",
     "HTTP/1.1 429 Too Many Requests\r\n" DATE JSON "content-length: 196\r\nretry-after: 2\r\n"
     "retry-after-ms: 1500\r\n" RECORD "x-harborai-include: trace\r\n\r\n" LIMITED_AND
     ",\"trace_context\":" TRACE "}", false},
    {"trace of a stream", CHAT "x-harborai-include: trace\r\ncontent-length: 8\r\n\r\nstream 1",
     STREAM "transfer-encoding: chunked\r\n" ROUTE "x-harborai-include: trace\r\n\r\n000000b0\r\n"
     "data: {\"n\":0}\n\ndata: {\"object\":\"chat.completion.chunk\",\"choices\":[],"
     "\"trace_context\":" TRACE "}\n\ndata: [DONE]\n\n\r\n0\r\n\r\n", false},
    {"no such path", "GET /v1/nothing HTTP/1.1\r\n" HOST "\r\n",
     "HTTP/1.1 404 Not Found\r\n" DATE JSON "content-length: 149\r\n\r\n"
     "{\"error\":{\"message\":\"unknown path '/v1/nothing': GET / lists those that there are\","
     "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"unknown_url\"}}", false},
    {"wrong method", "GET /v1/chat/completions HTTP/1.1\r\n" HOST "\r\n",
     "HTTP/1.1 405 Method Not Allowed\r\n" DATE JSON "content-length: 167\r\nallow: POST, OPTIONS\r\n\r\n"
     "{\"error\":{\"message\":\"'/v1/chat/completions' cannot be asked with GET, but with POST, OPTIONS\","
     "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"method_not_allowed\"}}", false},
    {"no such method", "BREW /health HTTP/1.1\r\n" HOST "\r\n",
     "HTTP/1.1 501 Not Implemented\r\n" DATE JSON "content-length: 122\r\n"
     "x-should-retry: false\r\n\r\n"
     "{\"error\":{\"message\":\"there is no method 'BREW' here\","
     "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"unknown_method\"}}", false},
    {"no body", CHAT "content-length: 0\r\n\r\n",
     "HTTP/1.1 200 OK\r\n" DATE JSON "content-length: 0\r\n" RECORD "\r\n", false},
};

static struct runtime runtime;

/* The request with its cut at `at`, on a connection of its own. */
static bool answers_as_it_should(const struct row *row, size_t at)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    harborai_str in = slice_of(row->in);
    bool ended = false;
    int fd = fake_connect(&runtime);

    fake_send(&runtime, fd, slice_cut(in, at));
    fake_pass(&runtime);
    fake_send(&runtime, fd, slice_from(in, at));
    const char *got = fake_receive(&runtime, fd, &seen, strlen(row->want) + row->ends, &ended);
    bool same = strcmp(got, row->want) == 0 && ended == row->ends;
    if (!same)
        fprintf(stderr, "\n--- got (cut at %zu, %s)\n%s\n--- want\n%s\n---\n", at,
                ended ? "ended" : "open", got, row->want);
    close(fd);
    fake_pass(&runtime);
    return same;
}

static void test_every_split(void)
{
    fake_begin(&runtime, 1, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool same = true;
        for (size_t at = 0; same && at < strlen(rows[i].in); at++)
            same = answers_as_it_should(&rows[i], at);
        ROW(rows[i].name, same);
    }
    CU_ASSERT(runtime.cancelled == 0);
    fake_end_all(&runtime);
}

const CU_TestInfo http_tests[] = {{"every split", test_every_split}, CU_TEST_INFO_NULL};
