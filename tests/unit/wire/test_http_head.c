/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/buf.h"
#include "base/limits.h"
#include "wire/http_head.h"

extern const CU_TestInfo http_head_tests[];

#define H             "Host: h\r\n"
#define TEXT(literal) HARBORAI_STR_INIT(literal)
enum {
    NONE = HTTP_BODY_NONE,
    LENGTH = HTTP_BODY_LENGTH,
    CHUNKED = HTTP_BODY_CHUNKED,
    CLOSE = HTTP_BODY_UNTIL_CLOSE
};

static const struct good {
    const char *name, *in, *method, *path, *query, *host;
    int kind;
    int64_t length;
    bool keep_alive, expect, upgrade;
} goods[] = {
    {"shortest", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/", "", "h", NONE, -1, true, false,
     false},
    {"a chat",
     "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Length: "
     "12\r\nContent-Type: application/json\r\n\r\n",
     "POST", "/v1/chat/completions", "", "127.0.0.1:8000", LENGTH, 12, true, false, false},
    {"query", "GET /v1/models?limit=2&x=?/ HTTP/1.1\r\n" H "\r\n", "GET", "/v1/models",
     "limit=2&x=?/", "h", NONE, -1, true, false, false},
    {"chunked", "POST / HTTP/1.1\r\n" H "transfer-ENCODING:CHUNKED\r\n\r\n", "POST", "/", "", "h",
     CHUNKED, -1, true, false, false},
    {"length 0", "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "POST", "/", "", "h", NONE, 0,
     true, false, false},
    {"largest length", "POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\n",
     "POST", "/", "", "h", LENGTH, INT64_MAX, true, false, false},
    {"close", "GET / HTTP/1.1\r\n" H "Connection: foo, Close\r\n\r\n", "GET", "/", "", "h", NONE,
     -1, false, false, false},
    {"close wins", "GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n",
     "GET", "/", "", "h", NONE, -1, false, false, false},
    {"not close", "GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", "GET", "/", "", "h", NONE,
     -1, true, false, false},
    {"1.0", "GET / HTTP/1.0\r\n\r\n", "GET", "/", "", "", NONE, -1, false, false, false},
    {"1.0 kept", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET", "/", "", "", NONE, -1,
     true, false, false},
    {"1.0 expects in vain", "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
     "POST", "/", "", "", LENGTH, 1, false, false, false},
    {"1.2 is read as 1.1", "GET / HTTP/1.2\r\n" H "\r\n", "GET", "/", "", "h", NONE, -1, true,
     false, false},
    {"expect", "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n", "POST",
     "/", "", "h", LENGTH, 1, true, true, false},
    {"expect without a body", "GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", "GET", "/", "",
     "h", NONE, -1, true, false, false},
    {"upgrade", "GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "GET", "/",
     "", "h", NONE, -1, true, false, true},
    {"upgrade without its option", "GET / HTTP/1.1\r\n" H "Upgrade: h2c\r\n\r\n", "GET", "/", "",
     "h", NONE, -1, true, false, false},
    {"absolute", "GET http://Example.com:80/a?b HTTP/1.1\r\nHost: other\r\n\r\n", "GET", "/a", "b",
     "Example.com:80", NONE, -1, true, false, false},
    {"absolute without a path", "GET https://x?b HTTP/1.1\r\n" H "\r\n", "GET", "/", "b", "x", NONE,
     -1, true, false, false},
    {"asterisk", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS", "*", "", "h", NONE, -1, true, false,
     false},
    {"CONNECT", "CONNECT a.b:443 HTTP/1.1\r\n" H "\r\n", "CONNECT", "", "", "a.b:443", NONE, -1,
     true, false, false},
    {"IPv6 without a port", "GET / HTTP/1.1\r\nHost: [fe80::1]\r\n\r\n", "GET", "/", "", "[fe80::1]",
     NONE, -1, true, false, false},
    {"IPv6", "GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", "GET", "/", "", "[::1]:8000", NONE, -1,
     true, false, false},
    {"host is empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", "", "", NONE, -1, true, false,
     false},
    {"empty line before", "\r\nGET / HTTP/1.1\r\n" H "\r\n", "GET", "/", "", "h", NONE, -1, true,
     false, false},
    {"unknown method", "M-SEARCH / HTTP/1.1\r\n" H "\r\n", "M-SEARCH", "/", "", "h", NONE, -1, true,
     false, false},
    {"blanks and beyond ASCII in values",
     "GET / HTTP/1.1\r\nHost: \t h \t\r\nX: a \xc3\xa9\tb  \r\nY:\r\n\r\n", "GET", "/", "", "h",
     NONE, -1, true, false, false},
};

static void check_good(const struct good *row, harborai_str in, const struct http_request_head *r)
{
    ROW(row->name, slice_is(r->method, row->method) && slice_is(r->path, row->path));
    ROW(row->name, slice_is(r->query, row->query) && slice_is(r->host, row->host));
    ROW(row->name, (int)r->head.body_kind == row->kind && r->head.content_length == row->length);
    ROW(row->name, r->head.keep_alive == row->keep_alive && r->head.upgrade == row->upgrade);
    ROW(row->name, r->expect_continue == row->expect && r->head.size == in.len);
}

static void test_good_requests(void)
{
    for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
        harborai_str in = unit_tight(slice_of(goods[i].in));
        struct http_request_head head;
        struct http_fault fault = {0, NULL, 0};
        struct http_resume once = {0}, resume = {0};
        ROW(goods[i].name, http_request_parse(in, &once, NULL, &head, &fault) == HTTP_COMPLETE);
        check_good(&goods[i], in, &head);
        for (size_t len = 0; len < in.len; len++) { /* byte by byte, moved each time */
            harborai_str part = unit_tight(slice_cut(in, len));
            ROW(goods[i].name, http_request_parse(part, &resume, NULL, &head, &fault) == HTTP_INCOMPLETE);
            unit_drop(part);
        }
        ROW(goods[i].name, http_request_parse(in, &resume, NULL, &head, &fault) == HTTP_COMPLETE);
        check_good(&goods[i], in, &head);
        unit_drop(in);
    }
}

static const struct bad {
    const char *name;
    harborai_str in;
    int status;
} bads[] = {
    {"length and chunked",
     TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"chunked and length",
     TEXT("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"), 400},
    {"two lengths", TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\n"),
     400},
    {"two lengths that are alike",
     TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\ncontent-length:5\r\n\r\n"), 400},
    {"list of lengths", TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\n"), 400},
    {"negative length", TEXT("POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n"), 400},
    {"signed length", TEXT("POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n"), 400},
    {"hexadecimal length", TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\n"), 400},
    {"length with a blank in it", TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 1 2\r\n\r\n"), 400},
    {"empty length", TEXT("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"), 400},
    {"huge length", TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n"),
     400},
    {"length past 64 bits",
     TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551620\r\n\r\n"), 400},
    {"gzip, chunked", TEXT("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n"),
     501},
    {"identity", TEXT("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n"), 501},
    {"xchunked", TEXT("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n"), 501},
    {"chunked with a vertical tab",
     TEXT("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b"
          "chunked\r\n\r\n"),
     400},
    {"chunked twice",
     TEXT("POST / HTTP/1.1\r\n" H
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     400},
    {"empty coding", TEXT("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n"), 400},
    {"chunked in 1.0", TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"folded", TEXT("GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"), 400},
    {"folded first field", TEXT("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), 400},
    {"blank before the colon", TEXT("GET / HTTP/1.1\r\nHost : h\r\n\r\n"), 400},
    {"no colon", TEXT("GET / HTTP/1.1\r\n" H "Xyz\r\n\r\n"), 400},
    {"no name", TEXT("GET / HTTP/1.1\r\n" H ": x\r\n\r\n"), 400},
    {"name beyond ASCII", TEXT("GET / HTTP/1.1\r\n" H "\xc3\xa9: x\r\n\r\n"), 400},
    {"bare CR in a value", TEXT("GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n"), 400},
    {"bare LF", TEXT("GET / HTTP/1.1\nHost: h\n\n"), 400},
    {"bare LF behind a field", TEXT("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"), 400},
    {"bare LF for the empty line", TEXT("GET / HTTP/1.1\r\n" H "\n"), 400},
    {"NUL in a value", TEXT("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"), 400},
    {"NUL in a name", TEXT("GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n"), 400},
    {"DEL in a value", TEXT("GET / HTTP/1.1\r\n" H "X: \x7f\r\n\r\n"), 400},
    {"CR CR LF", TEXT("GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n"), 400},
    {"no Host", TEXT("GET / HTTP/1.1\r\n\r\n"), 400},
    {"no Host, absolute", TEXT("GET http://x/ HTTP/1.1\r\n\r\n"), 400},
    {"two Hosts", TEXT("GET / HTTP/1.1\r\n" H H "\r\n"), 400},
    {"Host with a path", TEXT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400},
    {"Host with a user", TEXT("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), 400},
    {"two names in Host", TEXT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400},
    {"Host with a port that is none", TEXT("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), 400},
    {"Host with two ports", TEXT("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"), 400},
    {"Host without a name", TEXT("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"), 400},
    {"Host with an open bracket", TEXT("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400},
    {"Host with text behind a bracket", TEXT("GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"), 400},
    {"Host with a bracket in its name", TEXT("GET / HTTP/1.1\r\nHost: a]\r\n\r\n"), 400},
    {"absolute with a bad port", TEXT("GET http://a:b/ HTTP/1.1\r\n" H "\r\n"), 400},
    {"HTTP/2 preface", TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {"HTTP/3.0", TEXT("GET / HTTP/3.0\r\n\r\n"), 505},
    {"HTTP/0.9", TEXT("GET /\r\n\r\n"), 400},
    {"no version", TEXT("GET / \r\n\r\n"), 400},
    {"lower-case version", TEXT("GET / http/1.1\r\n\r\n"), 400},
    {"long version", TEXT("GET / HTTP/1.10\r\n" H "\r\n"), 400},
    {"blank behind the version", TEXT("GET / HTTP/1.1 \r\n" H "\r\n"), 400},
    {"two blanks", TEXT("GET  / HTTP/1.1\r\n" H "\r\n"), 400},
    {"tab", TEXT("GET\t/ HTTP/1.1\r\n" H "\r\n"), 400},
    {"blank before the method", TEXT(" GET / HTTP/1.1\r\n" H "\r\n"), 400},
    {"two empty lines before", TEXT("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"), 400},
    {"empty target", TEXT("GET HTTP/1.1\r\n" H "\r\n"), 400},
    {"relative target", TEXT("GET a/b HTTP/1.1\r\n" H "\r\n"), 400},
    {"target with a fragment", TEXT("GET /a#b HTTP/1.1\r\n" H "\r\n"), 400},
    {"target beyond ASCII", TEXT("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n"), 400},
    {"target with NUL", TEXT("GET /a\0b HTTP/1.1\r\n" H "\r\n"), 400},
    {"other scheme", TEXT("GET ftp://x/ HTTP/1.1\r\n" H "\r\n"), 400},
    {"absolute without a host", TEXT("GET http:///x HTTP/1.1\r\n" H "\r\n"), 400},
    {"absolute with a user", TEXT("GET http://a@b/x HTTP/1.1\r\n" H "\r\n"), 400},
    {"asterisk of GET", TEXT("GET * HTTP/1.1\r\n" H "\r\n"), 400},
    {"CONNECT to a path", TEXT("CONNECT /x HTTP/1.1\r\n" H "\r\n"), 400},
    {"expects something else", TEXT("POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n"), 417},
    {"expects that, too", TEXT("POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\nExpect: 100-continue\r\n\r\n"), 417},
    {"TLS", TEXT("\x16\x03\x01\x02"), 400},
    {"JSON", TEXT("{\"model\""), 400},
    {"an answer", TEXT("HTTP/1.1 200 OK\r\n\r\n"), 400},
};

static void test_bad_requests(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
        harborai_str in = unit_tight(bads[i].in);
        struct http_request_head head;
        struct http_fault fault = {0, NULL, 0};
        struct http_resume once = {0}, resume = {0};
        ROW(bads[i].name, http_request_parse(in, &once, NULL, &head, &fault) == HARBORAI_E_INVALID);
        ROW(bads[i].name, fault.status == bads[i].status && fault.reason != NULL);
        harborai_status st = HTTP_INCOMPLETE;
        for (size_t len = 0; len <= in.len && st == HTTP_INCOMPLETE; len++) {
            harborai_str part = unit_tight(slice_cut(in, len));
            st = http_request_parse(part, &resume, NULL, &head, &fault);
            unit_drop(part);
        }
        ROW(bads[i].name, st == HARBORAI_E_INVALID && fault.status == bads[i].status);
        unit_drop(in);
    }
}

static harborai_status parse_text(const struct buf *b, struct http_request_head *head,
                                  int *ret_status)
{
    struct http_resume resume = {0};
    struct http_fault fault = {0, NULL, 0};
    harborai_status st = http_request_parse(buf_slice(b), &resume, NULL, head, &fault);
    *ret_status = fault.status;
    return st;
}

static void test_limits(void)
{
    struct http_request_head head;
    int status;
    for (int fields = 99; fields <= 101; fields++) {
        AUTO(buf) b = BUF_INIT(MIB(1));
        buf_add(&b, HARBORAI_STR("GET / HTTP/1.1\r\nHost: h\r\n"));
        for (int i = 1; i < fields; i++)
            buf_printf(&b, "X-%d: %d\r\n", i, i);
        buf_add(&b, HARBORAI_STR("\r\n"));
        CU_ASSERT(parse_text(&b, &head, &status) == (fields <= 100 ? 1 : HARBORAI_E_INVALID));
        CU_ASSERT(fields <= 100 ? head.head.field_count == (size_t)fields : status == 431);
    }
    AUTO(buf) large = BUF_INIT(MIB(1));
    buf_printf(&large, "GET / HTTP/1.1\r\nX: %066000d\r\nHost: h\r\n\r\n", 1);
    CU_ASSERT(parse_text(&large, &head, &status) < 0 && status == 431);
    large.len = HTTP_HEAD_MAX; /* its end has not come yet */
    CU_ASSERT(parse_text(&large, &head, &status) < 0 && status == 431);
    large.len = HTTP_HEAD_MAX - 1;
    CU_ASSERT(parse_text(&large, &head, &status) == HTTP_INCOMPLETE);
    AUTO(buf) line = BUF_INIT(MIB(1));
    buf_printf(&line, "\r\nGET /%066000d", 1); /* of a target without end, too */
    CU_ASSERT(parse_text(&line, &head, &status) < 0 && status == 414);
    AUTO(buf) target = BUF_INIT(MIB(1));
    buf_printf(&target, "GET /%016384d HTTP/1.1\r\nHost: h\r\n\r\n", 1);
    CU_ASSERT(parse_text(&target, &head, &status) < 0 && status == 414);
}

/* A server may take less. */
static void test_own_limits(void)
{
    static const struct http_limits limits = {100, 10, 2};
    static const struct {
        const char *name, *in;
        int status; /* 0 = it is taken */
        size_t limit;
    } own[] = {
        {"all as large as it may be",
         "GET /123456789 HTTP/1.1\r\nHost: h\r\nX: "
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n",
         0, 0},
        {"head", "GET / HTTP/1.1\r\nHost: h\r\nX: "
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n",
         431, 100},
        {"target", "GET /1234567890 HTTP/1.1\r\nHost: h\r\n\r\n", 414, 10},
        {"line without end", "GET /1234567890123456789012345678901234567890123456789012345678901234567890",
         414, 10},
        {"fields", "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\nX: y\r\n\r\n", 431, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        struct http_request_head head;
        struct http_fault fault = {0, NULL, 0};
        struct http_resume resume = {0};
        harborai_status st =
            http_request_parse(slice_of(own[i].in), &resume, &limits, &head, &fault);
        ROW(own[i].name, (st == HTTP_COMPLETE) == (own[i].status == 0));
        ROW(own[i].name, fault.status == own[i].status && fault.limit == own[i].limit);
    }
}

static void test_fields(void)
{
    harborai_str in =
        HARBORAI_STR("GET / HTTP/1.1\r\nHost: h\r\nX-A:  one \r\nx-a: two\r\n\r\nrest");
    struct http_request_head r;
    struct http_fault fault;
    struct http_resume resume = {0};
    CU_ASSERT_FATAL(http_request_parse(in, &resume, NULL, &r, &fault) == HTTP_COMPLETE);
    CU_ASSERT(r.head.field_count == 3 && r.head.size == in.len - 4);
    CU_ASSERT(slice_is(http_field(&r.head, "X-a"), "one"));
    CU_ASSERT(slice_is(r.head.fields[2].name, "x-a") && slice_is(r.head.fields[2].value, "two"));
    CU_ASSERT(http_field(&r.head, "x").data == NULL);
    CU_ASSERT(http_list_has(HARBORAI_STR("a, TWO ,three"), "two"));
    CU_ASSERT(!http_list_has(HARBORAI_STR("a,twoo"), "two"));
    CU_ASSERT(!http_list_has(SLICE_NONE, "two"));
}

static const struct answer {
    const char *name, *in;
    int status; /* 0 = refused */
    int kind;
    int64_t length;
    bool keep_alive;
    unsigned interim;
} answers[] = {
    {"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, LENGTH, 3, true, 0},
    {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, CHUNKED, -1, true, 0},
    {"until close", "HTTP/1.1 200 OK\r\n\r\n", 200, CLOSE, -1, false, 0},
    {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", 200, LENGTH, 3, false, 0},
    {"1.0 kept", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n", 200,
     LENGTH, 3, true, 0},
    {"close", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
     429, LENGTH, 3, false, 0},
    {"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, NONE, 0, true, 0},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", 204, NONE, -1, true, 0},
    {"204 with a body announced", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, NONE,
     5, false, 0},
    {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, NONE, 5,
     true, 0},
    {"no reason", "HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n", 500, NONE, 0, true, 0},
    {"no blank either", "HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n", 500, NONE, 0, true, 0},
    {"continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200,
     LENGTH, 3, true, 1},
    {"hints twice",
     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 "
     "OK\r\nContent-Length: 3\r\n\r\n",
     200, LENGTH, 3, true, 2},
    {"101", "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", 0, 0, 0, false,
     0},
    {"not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", 0, 0, 0, false, 0},
    {"HTML", "<html>", 0, 0, 0, false, 0},
    {"HTTP/2", "HTTP/2 200\r\n\r\n", 0, 0, 0, false, 0},
    {"status of two digits", "HTTP/1.1 20 OK\r\n\r\n", 0, 0, 0, false, 0},
    {"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 0, 0, 0, false, 0},
    {"status 600", "HTTP/1.1 600 OK\r\n\r\n", 0, 0, 0, false, 0},
    {"status 099", "HTTP/1.1 099 OK\r\n\r\n", 0, 0, 0, false, 0},
    {"length and chunked",
     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, 0, false,
     0},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 0, 0, 0,
     false, 0},
    {"gzip coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0, 0, 0, false, 0},
    {"bare LF", "HTTP/1.1 200 OK\n\n", 0, 0, 0, false, 0},
    {"continue, then nonsense", "HTTP/1.1 100 Continue\r\n\r\n\r\n", 0, 0, 0, false, 0},
};

static void check_answer(const struct answer *row, harborai_str in, harborai_status st,
                         const struct http_response_head *r, const struct http_fault *fault)
{
    if (row->status == 0) {
        ROW(row->name, st == HARBORAI_E_PROTOCOL && fault->status == 502 && fault->reason != NULL);
        return;
    }
    ROW(row->name, st == HTTP_COMPLETE && r->status == row->status);
    ROW(row->name, (int)r->head.body_kind == row->kind && r->head.content_length == row->length);
    ROW(row->name, r->head.keep_alive == row->keep_alive && r->interim == row->interim);
    ROW(row->name, r->head.size == in.len);
}

static void test_answers(void)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        harborai_str in = unit_tight(slice_of(answers[i].in));
        struct http_response_head head = {0};
        struct http_fault fault = {0, NULL, 0};
        struct http_resume once = {0}, resume = {0};
        harborai_status st = http_response_parse(in, &once, &head, &fault);
        check_answer(&answers[i], in, st, &head, &fault);
        st = HTTP_INCOMPLETE;
        for (size_t len = 0; len <= in.len && st == HTTP_INCOMPLETE; len++) {
            harborai_str part = unit_tight(slice_cut(in, len));
            st = http_response_parse(part, &resume, &head, &fault);
            unit_drop(part);
        }
        check_answer(&answers[i], in, st, &head, &fault);
        unit_drop(in);
    }
}

const CU_TestInfo http_head_tests[] = {
    {"good requests", test_good_requests},
    {"bad requests", test_bad_requests},
    {"limits", test_limits},
    {"own limits", test_own_limits},
    {"fields", test_fields},
    {"answers", test_answers},
    CU_TEST_INFO_NULL,
};
