/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/buf.h"
#include "base/limits.h"
#include "wire/http_body.h"

extern const CU_TestInfo http_body_tests[];

#define TEXT(literal) HARBORAI_STR_INIT(literal)
enum {
    NONE = HTTP_BODY_NONE,
    LENGTH = HTTP_BODY_LENGTH,
    CHUNKED = HTTP_BODY_CHUNKED,
    CLOSE = HTTP_BODY_UNTIL_CLOSE
};

static const struct row {
    const char *name;
    int kind;
    int64_t length;
    harborai_str in;
    const char *want;
    int end;     /* 1 = complete, 0 = more to come, negative = refused */
    size_t rest; /* bytes behind the end */
} rows[] = {
    {"length", LENGTH, 5, TEXT("hello"), "hello", 1, 0},
    {"length, then more", LENGTH, 5, TEXT("helloGET"), "hello", 1, 3},
    {"length, cut", LENGTH, 6, TEXT("hello"), "hello", 0, 0},
    {"none", NONE, -1, TEXT("GET"), "", 1, 3},
    {"until close", CLOSE, -1, TEXT("hello"), "hello", 0, 0},
    {"chunks", CHUNKED, -1, TEXT("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), "hello!", 1, 0},
    {"chunks, then more", CHUNKED, -1, TEXT("1\r\na\r\n0\r\n\r\nHTTP"), "a", 1, 4},
    {"no chunk", CHUNKED, -1, TEXT("0\r\n\r\n"), "", 1, 0},
    {"hexadecimal", CHUNKED, -1, TEXT("a\r\n0123456789\r\nB\r\n0123456789A\r\n0\r\n\r\n"),
     "01234567890123456789A", 1, 0},
    {"leading zeros", CHUNKED, -1, TEXT("0001\r\na\r\n000\r\n\r\n"), "a", 1, 0},
    {"extensions", CHUNKED, -1, TEXT("1;a=b;c=\"d\"\r\na\r\n1 ; x\r\nb\r\n0;z\r\n\r\n"), "ab", 1,
     0},
    {"blank behind the size", CHUNKED, -1, TEXT("1  \r\na\r\n0\r\n\r\n"), "a", 1, 0},
    {"trailers", CHUNKED, -1, TEXT("1\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\nrest"), "a", 1, 4},
    {"data that looks like framing", CHUNKED, -1, TEXT("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), "0\r\n\r\n",
     1, 0},
    {"cut in data", CHUNKED, -1, TEXT("5\r\nhel"), "hel", 0, 0},
    {"cut before the last chunk", CHUNKED, -1, TEXT("5\r\nhello\r\n"), "hello", 0, 0},
    {"cut in the trailer", CHUNKED, -1, TEXT("1\r\na\r\n0\r\n"), "a", 0, 0},
    {"no size", CHUNKED, -1, TEXT("\r\na"), "", -1, 0},
    {"no size of the second", CHUNKED, -1, TEXT("1\r\na\r\n\r\n\r\n"), "a", -1, 0},
    {"no digit", CHUNKED, -1, TEXT(";x\r\n"), "", -1, 0},
    {"signed size", CHUNKED, -1, TEXT("-1\r\n"), "", -1, 0},
    {"0x", CHUNKED, -1, TEXT("0x1\r\na\r\n"), "", -1, 0},
    {"blank before the size", CHUNKED, -1, TEXT(" 1\r\na\r\n"), "", -1, 0},
    {"two numbers", CHUNKED, -1, TEXT("1 1\r\na\r\n"), "", -1, 0},
    {"huge size", CHUNKED, -1, TEXT("fffffffffffffffff\r\n"), "", -1, 0},
    {"bare LF behind the size", CHUNKED, -1, TEXT("1\na\r\n"), "", -1, 0},
    {"bare CR behind the size", CHUNKED, -1, TEXT("1\ra\r\n"), "", -1, 0},
    {"bare LF in an extension", CHUNKED, -1, TEXT("1;a\nb\r\n"), "", -1, 0},
    {"chunk longer than said", CHUNKED, -1, TEXT("1\r\nab\r\n"), "a", -1, 0},
    {"bare LF behind the data", CHUNKED, -1, TEXT("1\r\na\n0\r\n\r\n"), "a", -1, 0},
    {"bare CR behind the data", CHUNKED, -1, TEXT("1\r\na\r0\r\n\r\n"), "a", -1, 0},
    {"bare LF at the end", CHUNKED, -1, TEXT("0\r\n\n"), "", -1, 0},
    {"trailer without a value", CHUNKED, -1, TEXT("0\r\nX:\r\n\r\nrest"), "", 1, 4},
    {"request for a trailer", CHUNKED, -1, TEXT("0\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n"), "", -1, 0},
    {"trailer without a colon", CHUNKED, -1, TEXT("0\r\nX\r\n\r\n"), "", -1, 0},
    {"trailer without a name", CHUNKED, -1, TEXT("0\r\n: y\r\n\r\n"), "", -1, 0},
    {"folded trailer", CHUNKED, -1, TEXT("0\r\nX: y\r\n z\r\n\r\n"), "", -1, 0},
    {"bare CR in a trailer", CHUNKED, -1, TEXT("0\r\nX: y\rz\r\n\r\n"), "", -1, 0},
    {"control in a trailer", CHUNKED, -1, TEXT("0\r\nX: \0\r\n\r\n"), "", -1, 0},
};

static harborai_status feed(struct http_body *body, harborai_str part, struct buf *out,
                            size_t *ret_rest)
{
    harborai_status st;
    char *copy = malloc(part.len > 0 ? part.len : 1);
    harborai_str bytes = {copy, part.len};
    if (part.len > 0)
        memcpy(copy, part.data, part.len);
    do {
        harborai_str data = SLICE_NONE;
        const char *reason = NULL;
        size_t consumed = 0;
        st = http_body_feed(body, bytes, &data, &consumed, &reason);
        if (st < 0) {
            CU_ASSERT(reason != NULL);
            break;
        }
        CU_ASSERT(consumed == bytes.len || data.len > 0 || st == HTTP_BODY_END);
        buf_add(out, data);
        bytes = slice_from(bytes, consumed);
    } while (st == HTTP_BODY_MORE && bytes.len > 0);
    *ret_rest = bytes.len;
    free(copy);
    return st;
}

static void test_every_split(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str in = rows[i].in;
        for (size_t split = 0; split <= in.len; split++)
            for (size_t second = split; second <= in.len; second++) {
                AUTO(buf) out = BUF_INIT(KIB(4));
                struct http_body body;
                size_t cuts[] = {0, split, second, in.len}, rest = 0;
                harborai_status st = HTTP_BODY_MORE;
                http_body_init(&body, (enum http_body_kind)rows[i].kind, rows[i].length);
                for (size_t k = 0; k < 3 && st == HTTP_BODY_MORE; k++) {
                    harborai_str part = slice_cut(slice_from(in, cuts[k]), cuts[k + 1] - cuts[k]);
                    st = feed(&body, part, &out, &rest);
                    rest += in.len - cuts[k + 1];
                }
                ROW(rows[i].name, st == (rows[i].end < 0 ? HARBORAI_E_PROTOCOL : rows[i].end));
                ROW(rows[i].name, slice_is(buf_slice(&out), rows[i].want) || rows[i].end < 0);
                ROW(rows[i].name, st < 0 || rest == rows[i].rest);
                ROW(rows[i].name, st < 0 || http_body_may_end(&body) ==
                                                (st == HTTP_BODY_END || rows[i].kind == CLOSE));
            }
    }
}

static void test_data_is_not_copied(void)
{
    harborai_str in = HARBORAI_STR("5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n"), data;
    struct http_body body;
    const char *reason;
    size_t consumed;
    http_body_init(&body, HTTP_BODY_CHUNKED, -1);
    CU_ASSERT(http_body_feed(&body, in, &data, &consumed, &reason) == HTTP_BODY_MORE);
    CU_ASSERT(data.data == in.data + 3 && data.len == 5 && consumed == 13);
    in = slice_from(in, consumed);
    CU_ASSERT(http_body_feed(&body, in, &data, &consumed, &reason) == HTTP_BODY_END);
    CU_ASSERT(data.data == in.data && data.len == 3 && consumed == in.len);
}

static void test_limits(void)
{
    static const struct {
        const char *name, *before;
        char fill;
        size_t fits;
        const char *behind;
    } limits[] = {
        {"extension", "0;", 'x', HTTP_CHUNK_LINE_MAX - 3, "\r\n\r\n"},
        {"zeros", "", '0', HTTP_CHUNK_LINE_MAX - 1, "\r\n\r\n"},
        {"trailer", "0\r\nx:", 'x', HTTP_TRAILERS_MAX - 4, "\r\n\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        for (size_t more = 0; more < 2; more++) {
            AUTO(buf) in = BUF_INIT(KIB(64)), out = BUF_INIT(KIB(64));
            struct http_body body;
            size_t rest;
            buf_add(&in, slice_of(limits[i].before));
            for (size_t k = 0; k < limits[i].fits + more; k++)
                buf_add_char(&in, limits[i].fill);
            buf_add(&in, slice_of(limits[i].behind));
            http_body_init(&body, HTTP_BODY_CHUNKED, -1);
            harborai_status st = feed(&body, buf_slice(&in), &out, &rest);
            ROW(limits[i].name, st == (more == 0 ? HTTP_BODY_END : HARBORAI_E_PROTOCOL));
        }
}

/* Many extensions pass beside as much data, and not beside little. */
static void test_extensions_of_all(void)
{
    static const struct {
        const char *name;
        size_t data, extension, chunks;
        bool passes;
    } rows_of_all[] = {
        {"much data", 300, 300, 1000, true},
        {"as usual", 1, HTTP_CHUNK_LINE_USUAL - 4, 10000, true},
        {"a few", 1, 200, 80, true},
        {"little data", 1, 200, 1000, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows_of_all); i++) {
        AUTO(buf) in = BUF_INIT(MIB(4)), out = BUF_INIT(MIB(4));
        struct http_body body;
        size_t rest;
        for (size_t k = 0; k < rows_of_all[i].chunks; k++)
            buf_printf(&in, "%zx;%0*d\r\n%0*d\r\n", rows_of_all[i].data, (int)rows_of_all[i].extension, 0,
                       (int)rows_of_all[i].data, 0);
        buf_add(&in, HARBORAI_STR(HTTP_LAST_CHUNK));
        http_body_init(&body, HTTP_BODY_CHUNKED, -1);
        harborai_status st = feed(&body, buf_slice(&in), &out, &rest);
        ROW(rows_of_all[i].name, st == (rows_of_all[i].passes ? HTTP_BODY_END : HARBORAI_E_PROTOCOL));
    }
}

/* A chunk that is too large for its reader can be refused before it comes. */
static void test_announced(void)
{
    harborai_str data;
    struct http_body body;
    const char *reason;
    size_t consumed;
    http_body_init(&body, HTTP_BODY_CHUNKED, -1);
    CU_ASSERT(http_body_feed(&body, HARBORAI_STR("1000"), &data, &consumed, &reason) == 0);
    CU_ASSERT(http_body_announced(&body) == 0); /* more digits may come */
    CU_ASSERT(http_body_feed(&body, HARBORAI_STR("\r\nab"), &data, &consumed, &reason) == 0);
    CU_ASSERT(http_body_announced(&body) == 4094);
    http_body_init(&body, HTTP_BODY_LENGTH, 5);
    CU_ASSERT(http_body_announced(&body) == 5);
    http_body_init(&body, HTTP_BODY_UNTIL_CLOSE, -1);
    CU_ASSERT(http_body_announced(&body) == 0);
}

static void test_chunk_head(void)
{
    char buffer[HTTP_CHUNK_HEAD_MAX];
    CU_ASSERT(slice_is(http_chunk_head(buffer, 1), "1\r\n"));
    CU_ASSERT(slice_is(http_chunk_head(buffer, 255), "ff\r\n"));
    CU_ASSERT(slice_is(http_chunk_head(buffer, SIZE_MAX), "ffffffffffffffff\r\n"));
}

const CU_TestInfo http_body_tests[] = {
    {"at every two splits", test_every_split},
    {"data is not copied", test_data_is_not_copied},
    {"limits", test_limits},
    {"extensions of all chunks", test_extensions_of_all},
    {"announced", test_announced},
    {"chunk head", test_chunk_head},
    CU_TEST_INFO_NULL,
};
