/* SPDX-License-Identifier: MIT */
/* Bodies of HTTP/1.1 messages: takes the framing off bytes that arrive in pieces of any size. The
 * data comes as slices of those bytes. Strict as http_head.h. [any]
 *
 *     do {
 *         st = http_body_feed(&body, bytes, &data, &consumed, &reason);
 *         … data …
 *         bytes = slice_from(bytes, consumed);
 *     } while (st == HTTP_BODY_MORE && bytes.len > 0);
 */
#ifndef WIRE_HTTP_BODY_H
#define WIRE_HTTP_BODY_H

#include "wire/http_head.h"

enum { HTTP_BODY_MORE = 0, HTTP_BODY_END = 1 }; /* negative: a harborai_status */

enum {
    HTTP_CHUNK_LINE_MAX = 4 << 10, /* a chunk's size with its extensions, which are ignored */
    HTTP_CHUNK_LINE_USUAL = 20,    /* the longest size, CR LF, and two to spare */
    HTTP_SURPLUS_MAX = 16 << 10,   /* all that is longer, beside as much as there is data */
    HTTP_TRAILERS_MAX = 16 << 10   /* all trailer fields, which are ignored */
};

struct http_body { /* private but for `kind` */
    enum http_body_kind kind;
    int state;
    uint64_t left; /* bytes of the body or of the chunk that are still to come */
    size_t line;   /* bytes of the line so far; of all trailers */
    int64_t room;  /* for what is more than usual in lines of chunks */
    bool has_digit;
    bool has_name; /* the trailer line is not empty */
};

/* For the head that was parsed: its kind and content_length. */
void http_body_init(struct http_body *body, enum http_body_kind kind, int64_t content_length);

/* Take the next piece of data off `bytes`: at most one, perhaps empty, and how many bytes are done
 * with. HTTP_BODY_END: the body is complete (with that piece); what follows in `bytes` is the next
 * message. HTTP_BODY_MORE: call again with what is left, or when there is more; all of `bytes` is
 * consumed or *ret_data is not empty. E_PROTOCOL: bad framing, said in *ret_reason. */
MUST_CHECK harborai_status http_body_feed(struct http_body *body, harborai_str bytes,
                                          harborai_str *ret_data, size_t *ret_consumed,
                                          const char **ret_reason);

/* Whether the body is complete if the connection ends here: what HTTP_BODY_END said, or one whose
 * end is the connection's. */
bool http_body_may_end(const struct http_body *body);

/* What is still to come for certain: the rest of the chunk or of the body that is being read. */
uint64_t http_body_announced(const struct http_body *body);

/* The line before a chunk of `size` bytes, which is not 0; behind the chunk comes CR LF, behind the
 * last one HTTP_LAST_CHUNK. Borrows `buffer`. */
enum { HTTP_CHUNK_HEAD_MAX = 18 };
harborai_str http_chunk_head(char buffer[HTTP_CHUNK_HEAD_MAX], size_t size);
#define HTTP_LAST_CHUNK "0\r\n\r\n"

#endif
