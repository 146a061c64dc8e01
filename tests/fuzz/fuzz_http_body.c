/* SPDX-License-Identifier: MIT */
/* The same data and the same end, however the bytes are split. The first byte says in which pieces
 * and of which kind the body is, the second its length. */
#include <string.h>

#include "fuzz.h"
#include "wire/http_body.h"

struct result {
    char *data;
    size_t len, rest;
    harborai_status st;
};

static void decode(harborai_str bytes, size_t step, enum http_body_kind kind, int64_t length,
                   struct result *r)
{
    struct http_body body;
    http_body_init(&body, kind, length);
    *r = (struct result){malloc(bytes.len + 1), 0, bytes.len, HTTP_BODY_MORE};
    while (r->rest > 0 && r->st == HTTP_BODY_MORE) {
        harborai_str part = slice_from(bytes, bytes.len - r->rest), data = SLICE_NONE;
        const char *reason = NULL;
        size_t consumed = 0;
        part = slice_cut(part, step);
        r->st = http_body_feed(&body, part, &data, &consumed, &reason);
        if (r->st < 0) {
            MUST(reason != NULL);
            break;
        }
        MUST(consumed <= part.len && (consumed > 0 || r->st == HTTP_BODY_END));
        MUST(data.len <= consumed);
        if (data.len > 0)
            memcpy(r->data + r->len, data.data, data.len);
        r->len += data.len;
        r->rest -= consumed;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, split;
    if (size < 2)
        return 0;
    harborai_str bytes = {(const char *)data + 2, size - 2};
    enum http_body_kind kind = (enum http_body_kind)(data[0] >> 4 & 3);
    decode(bytes, size, kind, data[1], &whole);
    decode(bytes, 1 + data[0] % 16, kind, data[1], &split);
    MUST(whole.st == split.st);
    if (whole.st >= 0) {
        MUST(whole.len == split.len && whole.rest == split.rest);
        MUST(memcmp(whole.data, split.data, whole.len) == 0);
    }
    free(whole.data);
    free(split.data);
    return 0;
}
