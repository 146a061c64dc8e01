/* SPDX-License-Identifier: MIT */
/* Comments of silent streams, by a clock that the test sets. */
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "fake.h"

extern const CU_TestInfo ping_tests[];

#define HEAD_OF(version, fields, body)                                                             \
    "POST /v1/chat/completions HTTP/" version "\r\nhost: x\r\n" fields body
#define STREAM HEAD_OF("1.1", "", "content-length: 11\r\n\r\nhold stream")
#define PING "00000008\r\n: ping\n\n\r\n"

static struct runtime runtime;
static struct buf seen = BUF_INIT(MIB(64));
static int client;

static void begin(const char *request, int64_t ping_s, int64_t first_ping_s)
{
    fake_begin(&runtime, 1, 1000);
    runtime.config.stream_ping_s = ping_s;
    runtime.config.stream_first_ping_s = first_ping_s;
    client = fake_connect(&runtime);
    fake_send(&runtime, client, slice_of(request));
    fake_pass(&runtime);
}

static void end(void)
{
    close(client);
    buf_release(&seen);
    fake_pass(&runtime);
    fake_end_all(&runtime);
}

/* What comes within so many seconds, looked at in each. */
static const char *after(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        runtime.now_ns += NS_PER_S;
        fake_pass(&runtime);
        fake_pass(&runtime);
    }
    buf_clear(&seen);
    return fake_receive(&runtime, client, &seen, SIZE_MAX, NULL);
}

static unsigned count(const char *in, const char *text)
{
    unsigned found = 0;
    for (; (in = strstr(in, text)) != NULL; in += strlen(text))
        found++;
    return found;
}

static void test_silence(void)
{
    begin(STREAM, 15, 0);
    CU_ASSERT_STRING_EQUAL(after(3000), ""); /* no head, no comment */
    fake_chunk(runtime.seen.call, HARBORAI_STR("{}"));
    CU_ASSERT(strstr(after(14), "\r\n\r\n0000000a\r\ndata: {}\n\n\r\n") != NULL);
    CU_ASSERT(count(seen.data, "ping") == 0);
    CU_ASSERT_STRING_EQUAL(after(1), PING);
    CU_ASSERT_STRING_EQUAL(after(14), "");
    fake_chunk(runtime.seen.call, HARBORAI_STR("{}"));
    CU_ASSERT_STRING_EQUAL(after(14), "0000000a\r\ndata: {}\n\n\r\n");
    CU_ASSERT_STRING_EQUAL(after(30), PING PING);
    fake_end(runtime.seen.call, HARBORAI_OK);
    fake_pass(&runtime);
    CU_ASSERT_STRING_EQUAL(after(60), "0000000e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    CU_ASSERT(runtime.heads == 0);
    end();
}

static void test_never(void)
{
    begin(STREAM, 0, 0);
    fake_chunk(runtime.seen.call, HARBORAI_STR("{}"));
    CU_ASSERT(count(after(4000), "ping") == 0);
    end();
}

/* The head goes with the first one; then they come as often as any. */
static void test_before_the_head(void)
{
    begin(STREAM, 5, 3);
    CU_ASSERT_STRING_EQUAL(after(2), "");
    CU_ASSERT(strncmp(after(1), "HTTP/1.1 200 OK\r\n", 17) == 0);
    CU_ASSERT(strstr(seen.data, "x-harborai-changed: ") != NULL);
    CU_ASSERT(strstr(seen.data, "\r\n\r\n" PING) != NULL);
    CU_ASSERT(runtime.heads == 1);
    CU_ASSERT_STRING_EQUAL(after(9), PING);
    fake_end(runtime.seen.call, HARBORAI_E_NETWORK);
    CU_ASSERT(strstr(after(1), "data: {\"error\":") != NULL);
    CU_ASSERT(strstr(seen.data, "[DONE]") == NULL && strstr(seen.data, "HTTP/1.1") == NULL);
    end();
}

static void test_before_the_head_alone(void)
{
    begin(STREAM, 0, 3);
    CU_ASSERT(count(after(30), PING) == 1);
    end();
}

static void test_no_stream(void)
{
    begin(HEAD_OF("1.1", "", "content-length: 4\r\n\r\nhold"), 5, 3);
    CU_ASSERT_STRING_EQUAL(after(100), "");
    CU_ASSERT(runtime.heads == 0);
    end();
}

static void test_without_chunks(void)
{
    begin(HEAD_OF("1.0", "", "content-length: 11\r\n\r\nhold stream"), 5, 0);
    fake_chunk(runtime.seen.call, HARBORAI_STR("{}"));
    CU_ASSERT(strstr(after(6), "\r\n\r\ndata: {}\n\n: ping\n\n") != NULL);
    end();
}

/* Each stream of a connection has its own silence, and none goes on behind its end. */
static void test_one_after_the_other(void)
{
    begin(STREAM, 15, 0);
    fake_chunk(runtime.seen.call, HARBORAI_STR("{}"));
    fake_end(runtime.seen.call, HARBORAI_OK);
    CU_ASSERT(count(after(10), "ping") == 0);
    fake_send(&runtime, client, HARBORAI_STR(STREAM));
    fake_pass(&runtime);
    fake_chunk(runtime.seen.call, HARBORAI_STR("{}"));
    CU_ASSERT(count(after(14), "ping") == 0);
    CU_ASSERT_STRING_EQUAL(after(1), PING);
    end();
}

/* Who takes nothing gets nothing more. */
static void test_slow_client(void)
{
    static char text[16 << 20];
    memset(text, 'x', sizeof text);
    begin(STREAM, 5, 0);
    fake_chunk(runtime.seen.call, (harborai_str){text, sizeof text});
    fake_pass(&runtime);
    CU_ASSERT(fake_undelivered(runtime.seen.call) > 0);
    for (int i = 0; i < 30; i++) {
        runtime.now_ns += NS_PER_S;
        fake_pass(&runtime);
    }
    CU_ASSERT(count(after(0), "ping") == 0 && seen.len > sizeof text);
    CU_ASSERT(count(after(5), "ping") == 1);
    end();
}

const CU_TestInfo ping_tests[] = {
    {"silence", test_silence},
    {"never", test_never},
    {"before the head", test_before_the_head},
    {"before the head alone", test_before_the_head_alone},
    {"no stream", test_no_stream},
    {"without chunks", test_without_chunks},
    {"one after the other", test_one_after_the_other},
    {"slow client", test_slow_client},
    CU_TEST_INFO_NULL,
};
