/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/limits.h"
#include "sse.h"

extern const CU_TestInfo sse_tests[];

/* Each event as  type|data|id;  */
static int on_event(void *context, const struct sse_event *event)
{
    struct buf *out = context;
    buf_add(out, event->type);
    buf_add_char(out, '|');
    buf_add(out, event->data);
    buf_add_char(out, '|');
    buf_add(out, event->id);
    buf_add_char(out, ';');
    return slice_is(event->data, "stop");
}

static const struct row {
    const char *name;
    harborai_str in;
    const char *want;
    uint64_t comments;
} rows[] = {
    {"one", HARBORAI_STR_INIT("data: hello\n\n"), "|hello|;", 0},
    {"CRLF", HARBORAI_STR_INIT("data: hello\r\n\r\ndata: b\r\n\r\n"), "|hello|;|b|;", 0},
    {"CR", HARBORAI_STR_INIT("data: hello\r\rdata: b\r\r"), "|hello|;|b|;", 0},
    {"line ends mixed", HARBORAI_STR_INIT("data:a\rdata:b\r\ndata:c\n\r\ndata:d\r\n\rdata:e\n\r"),
     "|a\nb\nc|;|d|;|e|;", 0},
    {"CR LF LF", HARBORAI_STR_INIT("data:a\r\n\ndata:b\r\r\ndata:c\n\n"), "|a|;|b|;|c|;", 0},
    {"LF CR is two ends", HARBORAI_STR_INIT("data:a\n\rdata:b\n\n"), "|a|;|b|;", 0},
    {"one space goes", HARBORAI_STR_INIT("data:  a\ndata:\tb\ndata:c \n\n"), "| a\n\tb\nc |;", 0},
    {"an answer of OpenAI", HARBORAI_STR_INIT("data: {\"choices\":[]}\n\ndata: [DONE]\n\n"),
     "|{\"choices\":[]}|;|[DONE]|;", 0},
    {"an answer of Anthropic",
     HARBORAI_STR_INIT("event: ping\ndata: {}\n\nevent: message_stop\ndata: {\"type\":\"x\"}\n\n"),
     "ping|{}|;message_stop|{\"type\":\"x\"}|;", 0},
    {"comments", HARBORAI_STR_INIT(": OPENROUTER PROCESSING\n\n:\n: x\ndata: a\n:y\ndata: b\n\n"),
     "|a\nb|;", 4},
    {"incomplete at the end", HARBORAI_STR_INIT("data: a\n\ndata: b\n"), "|a|;", 0},
    {"incomplete line at the end", HARBORAI_STR_INIT("data: a\n\ndata: b"), "|a|;", 0},
    {"type does not stay",
     HARBORAI_STR_INIT("event: x\n\ndata: a\n\nevent: y\ndata: b\n\ndata: c\n\n"), "|a|;y|b|;|c|;",
     0},
    {"the last type holds", HARBORAI_STR_INIT("event: x\nevent: yy\ndata: a\n\n"), "yy|a|;", 0},
    {"id stays", HARBORAI_STR_INIT("id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"),
     "|a|7;|b|7;|c|;", 0},
    {"id without data", HARBORAI_STR_INIT("id: 7\n\ndata: a\n\n"), "|a|7;", 0},
    {"retry", HARBORAI_STR_INIT("retry: 1000\ndata: a\n\nretry\n\n"), "|a|;", 0},
    {"mark in the middle of a line's start",
     HARBORAI_STR_INIT("\xef\xbb"
                       "data: a\n\ndata: b\n\n"),
     "|b|;", 0},
    {"no field that counts", HARBORAI_STR_INIT("DATA: a\n data: b\ndatax: c\ndat\nx\n\n"), "", 0},
    {"colons in the value", HARBORAI_STR_INIT("data::a: b\n\n"), "|:a: b|;", 0},
    {"empty lines at the start", HARBORAI_STR_INIT("\n\r\n\rdata: a\n\n"), "|a|;", 0},
    {"NUL in data", HARBORAI_STR_INIT("data: a\0b\n\n"), "|a\0b|;", 0},

    /* What the formats tests of the web platform look at, in our words. */
    {"wpt: data without a colon", HARBORAI_STR_INIT("data:\n\ndata\ndata\n\ndata:test\n\n"),
     "||;|\n|;|test|;", 0},
    {"wpt: field parsing",
     HARBORAI_STR_INIT("data:\0\ndata:  "
                       "2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n "
                       "data:32\ndata:4\n\n"),
     "|\0\n 2\n1\n3\n\n4|;", 0},
    {"wpt: mark",
     HARBORAI_STR_INIT("\xef\xbb\xbf"
                       "data:1\n\n\xef\xbb\xbf"
                       "data:2\n\ndata:3\n\n"),
     "|1|;|3|;", 0},
    {"wpt: two marks",
     HARBORAI_STR_INIT("\xef\xbb\xbf\xef\xbb\xbf"
                       "data:1\n\ndata:2\n\ndata:3\n\n"),
     "|2|;|3|;", 0},
    {"wpt: comments",
     HARBORAI_STR_INIT("data:1\r:\0\n:\r\ndata:2\n:long\rdata:3\n:data:fail\r:long\ndata:4\n\n"),
     "|1\n2\n3\n4|;", 5},
    {"wpt: leading space", HARBORAI_STR_INIT("data:\ttest\rdata: \ndata:test\n\n"),
     "|\ttest\n\ntest|;", 0},
    {"wpt: newlines", HARBORAI_STR_INIT("data:test\r\ndata\ndata:test\r\n\r"), "|test\n\ntest|;",
     0},
    {"wpt: null in id", HARBORAI_STR_INIT("id: 1\ndata: a\n\nid: 2\0x\ndata: b\n\n"), "|a|1;|b|1;",
     0},
    {"wpt: unknown field",
     HARBORAI_STR_INIT("data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\n\n"),
     "|test\n|;", 1},
    {"wpt: event empty", HARBORAI_STR_INIT("event: \ndata:data\n\n"), "|data|;", 0},
    {"wpt: event", HARBORAI_STR_INIT("event:test\ndata:x\n\ndata:x\n\n"), "test|x|;|x|;", 0},
    {"wpt: data before the last empty line",
     HARBORAI_STR_INIT("retry:1000\ndata:test1\n\nid:test\ndata:test2"), "|test1|;", 0},
    {"wpt: utf-8", HARBORAI_STR_INIT("data:ok\xe2\x80\xa6\n\n"), "|ok\xe2\x80\xa6|;", 0},
};

/* The wanted text may hold NUL: its end is that of the result if that is as long as it may be. */
static bool is_wanted(const struct row *row, harborai_str got)
{
    return got.len >= strlen(row->want) &&
           memcmp(got.data != NULL ? got.data : "", row->want, got.len) == 0;
}

static void feed_tight(struct sse *d, harborai_str part, struct buf *out, const char *name)
{
    char *copy = malloc(part.len > 0 ? part.len : 1);
    size_t consumed = 0;
    if (part.len > 0)
        memcpy(copy, part.data, part.len);
    ROW(name, sse_feed(d, (harborai_str){copy, part.len}, on_event, out, &consumed) == 0);
    ROW(name, consumed == part.len);
    free(copy); /* so that AddressSanitizer sees a slice that outlives its feed */
}

static void test_every_split(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str in = rows[i].in;
        for (size_t split = 0; split <= in.len; split++)
            for (size_t second = split; second <= in.len; second++) {
                AUTO(buf) out = BUF_INIT(1024);
                AUTO(sse) d;
                sse_init(&d, 0);
                feed_tight(&d, slice_cut(in, split), &out, rows[i].name);
                feed_tight(&d, slice_cut(slice_from(in, split), second - split), &out,
                           rows[i].name);
                feed_tight(&d, slice_from(in, second), &out, rows[i].name);
                ROW(rows[i].name, is_wanted(&rows[i], buf_slice(&out)));
                ROW(rows[i].name, d.comments == rows[i].comments);
            }
    }
}

static void test_byte_by_byte(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) out = BUF_INIT(1024);
        AUTO(sse) d;
        sse_init(&d, 0);
        for (size_t at = 0; at < rows[i].in.len; at++)
            feed_tight(&d, (harborai_str){rows[i].in.data + at, 1}, &out, rows[i].name);
        ROW(rows[i].name, is_wanted(&rows[i], buf_slice(&out)));
    }
}

struct ranges {
    struct sse_event seen[8];
    size_t count;
};

static int on_range(void *context, const struct sse_event *event)
{
    struct ranges *ranges = context;
    ranges->seen[ranges->count++] = *event;
    return 0;
}

static void test_places(void)
{
    struct ranges r = {.count = 0};
    AUTO(sse) d;
    harborai_str first = HARBORAI_STR("data: a\n\n: c\n\nevent: t\ndata: bb\n\ndata: c");
    harborai_str second = HARBORAI_STR("c\n\ndata: d\r\n\r");
    harborai_str third = HARBORAI_STR("\ndata: e\n\n");
    sse_init(&d, 0);
    CU_ASSERT(sse_feed(&d, first, on_range, &r, NULL) == 0 && r.count == 2);
    CU_ASSERT(r.seen[0].begin == 0 && r.seen[0].end == 9 && r.seen[0].is_whole);
    CU_ASSERT(r.seen[0].data.data == first.data + 6);
    CU_ASSERT(r.seen[1].begin == 14 && r.seen[1].end == 33 && r.seen[1].is_whole);
    CU_ASSERT(r.seen[1].type.data == first.data + 21 && r.seen[1].data.data == first.data + 29);
    CU_ASSERT(sse_is_pending(&d));
    CU_ASSERT(sse_feed(&d, second, on_range, &r, NULL) == 0 && r.count == 4);
    CU_ASSERT(r.seen[2].begin == 0 && r.seen[2].end == 3 && !r.seen[2].is_whole);
    CU_ASSERT(r.seen[3].begin == 3 && r.seen[3].end == second.len && r.seen[3].is_whole);
    CU_ASSERT(r.seen[3].data.data == second.data + 9 && !sse_is_pending(&d));
    CU_ASSERT(sse_feed(&d, third, on_range, &r, NULL) == 0 && r.count == 5);
    CU_ASSERT(r.seen[4].begin == 0 && r.seen[4].end == third.len && r.seen[4].is_whole);
}

static void test_stop(void)
{
    AUTO(buf) out = BUF_INIT(1024);
    AUTO(sse) d;
    harborai_str in = HARBORAI_STR("data: a\n\ndata: stop\n\ndata: b\n\n");
    size_t consumed = 0;
    sse_init(&d, 0);
    CU_ASSERT(sse_feed(&d, in, on_event, &out, &consumed) == SSE_STOPPED && consumed == 21);
    CU_ASSERT(sse_feed(&d, slice_from(in, consumed), on_event, &out, NULL) == HARBORAI_OK);
    CU_ASSERT(slice_is(buf_slice(&out), "|a|;|stop|;|b|;"));
}

static void test_caps(void)
{
    static const struct {
        const char *name, *in;
        bool fits; /* with 16 bytes */
    } cases[] = {
        {"line", "data:12345678901\n\n", true},
        {"line too long", "data:123456789012\n\n", false},
        {"open line too long", "data:123456789012", false},
        {"comment too long", ":1234567890123456\n", false},
        {"joined", "data:1234567\ndata:12345678\n\n", true},
        {"joined too long", "data:12345678\ndata:12345678\n\n", false},
        {"many short", "data:\n\ndata:1234567\n\ndata:1234567\n\ndata:1234567\n\n", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        harborai_str in = slice_of(cases[i].in);
        for (size_t split = 0; split <= in.len; split++) {
            AUTO(buf) out = BUF_INIT(1024);
            AUTO(sse) d;
            sse_init(&d, 16);
            harborai_status st = sse_feed(&d, slice_cut(in, split), on_event, &out, NULL);
            if (st == HARBORAI_OK)
                st = sse_feed(&d, slice_from(in, split), on_event, &out, NULL);
            ROW(cases[i].name, st == (cases[i].fits ? HARBORAI_OK : HARBORAI_E_PROTOCOL));
        }
    }
}

/* A big event gives its memory back, so that 10,000 open streams do not each keep their largest. */
static void test_memory_after_a_big_event(void)
{
    AUTO(buf) out = BUF_INIT(MIB(1)), in = BUF_INIT(MIB(1));
    AUTO(sse) d;
    sse_init(&d, 0);
    buf_printf(&in, "data: %0500000d\n", 1);
    CU_ASSERT(sse_feed(&d, buf_slice(&in), on_event, &out, NULL) == HARBORAI_OK);
    CU_ASSERT(d.data.capacity >= 500000);
    CU_ASSERT(sse_feed(&d, HARBORAI_STR("\n"), on_event, &out, NULL) == HARBORAI_OK);
    CU_ASSERT(d.data.capacity == 0 && out.len == 500003);
}

const CU_TestInfo sse_tests[] = {
    {"at every two splits", test_every_split},
    {"byte by byte", test_byte_by_byte},
    {"places in the fed bytes", test_places},
    {"stop", test_stop},
    {"caps", test_caps},
    {"memory after a big event", test_memory_after_a_big_event},
    CU_TEST_INFO_NULL,
};
