/* SPDX-License-Identifier: MIT */
/* What a client sends on one connection, heads and bodies after each other, as the gateway reads them: the same
 * requests, with the same bodies, wherever the bytes are cut. The first byte says how long the pieces are. */
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "fuzz.h"
#include "wire/http_body.h"

/* A connection's reader; what it found is written to `seen`. */
struct reader {
    struct buf kept, seen, data; /* data: of a body that has not ended; a bad one counts for nothing */
    struct http_resume resume;
    struct http_body body;
    bool in_body, refused;
};

static void note_head(struct reader *r, const struct http_request_head *head)
{
    buf_printf(&r->seen, "\n[%.*s %.*s %.*s %zu]", SLICE_ARG(head->method), SLICE_ARG(head->target),
               SLICE_ARG(head->host), head->head.field_count);
}

/* How many bytes are done with. */
static size_t read_head(struct reader *r, harborai_str bytes)
{
    struct http_request_head head;
    struct http_fault fault;
    harborai_status st = http_request_parse(bytes, &r->resume, NULL, &head, &fault);
    if (st == HTTP_INCOMPLETE)
        return 0;
    r->refused = st < 0;
    if (r->refused) {
        buf_printf(&r->seen, "\n%d", fault.status);
        return 0;
    }
    note_head(r, &head);
    MUST(head.head.size > 0 && head.head.size <= bytes.len);
    http_body_init(&r->body, head.head.body_kind, head.head.content_length);
    r->in_body = !http_body_may_end(&r->body);
    r->resume = (struct http_resume){0};
    return head.head.size;
}

static size_t read_body(struct reader *r, harborai_str bytes)
{
    harborai_str data = SLICE_NONE;
    const char *reason = NULL;
    size_t consumed = 0;
    harborai_status st = http_body_feed(&r->body, bytes, &data, &consumed, &reason);
    r->refused = st < 0;
    if (r->refused) {
        MUST(reason != NULL);
        buf_add(&r->seen, HARBORAI_STR("\n!"));
        return 0;
    }
    MUST(consumed <= bytes.len);
    buf_add(&r->data, data);
    r->in_body = st == HTTP_BODY_MORE;
    if (!r->in_body) {
        buf_add(&r->seen, buf_slice(&r->data));
        buf_clear(&r->data);
    }
    return consumed;
}

static void take_piece(struct reader *r, harborai_str piece)
{
    size_t done = 0, step = 1;
    buf_add(&r->kept, piece);
    while (!r->refused && done < r->kept.len && step > 0) {
        harborai_str rest = slice_from(buf_slice(&r->kept), done);
        step = r->in_body ? read_body(r, rest) : read_head(r, rest);
        done += step;
    }
    buf_consume(&r->kept, done);
}

static void read_all(struct reader *r, harborai_str bytes, size_t step)
{
    *r = (struct reader){.refused = false};
    buf_init(&r->kept, MIB(4));
    buf_init(&r->seen, MIB(4));
    buf_init(&r->data, MIB(4));
    for (size_t at = 0; at < bytes.len && !r->refused; at += step)
        take_piece(r, slice_cut(slice_from(bytes, at), step));
}

static void release(struct reader *r)
{
    buf_release(&r->kept);
    buf_release(&r->seen);
    buf_release(&r->data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader whole, pieces;
    if (size < 2)
        return 0;
    harborai_str bytes = {(const char *)data + 1, size - 1};
    read_all(&whole, bytes, bytes.len);
    read_all(&pieces, bytes, data[0] % 61 + 1);
    MUST(whole.refused == pieces.refused && slice_equal(buf_slice(&whole.seen), buf_slice(&pieces.seen)));
    MUST(whole.refused || (whole.kept.len == pieces.kept.len &&
                           slice_equal(buf_slice(&whole.data), buf_slice(&pieces.data))));
    release(&whole);
    release(&pieces);
    return 0;
}
