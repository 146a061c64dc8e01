/* SPDX-License-Identifier: MIT */
/* sse: decodes server-sent events (WHATWG HTML, 9.2) from bytes in pieces of any size. An event
 * that lies within one piece is handed over as slices into it; only what straddles pieces is
 * copied.
 *
 * As the standard has it: lines end with LF, CRLF or CR; one byte order mark is skipped; an event
 * without a data line is dropped; what is incomplete at the end of the stream is dropped too
 * (sse_is_pending() tells). Bytes are passed on as they came: nobody checks them for UTF-8.
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. One decoder belongs to one
 * thread at a time. */
#ifndef SDK_SSE_H
#define SDK_SSE_H

#include "held.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

enum { SSE_EVENT_MAX = 16 << 20, SSE_STOPPED = 1 };

struct sse_event {     /* borrowed until the callback returns */
    harborai_str type; /* the `event:` field; empty = "message" */
    harborai_str data; /* the `data:` lines, joined by \n */
    harborai_str id;   /* the last `id:` of the stream so far */
    size_t begin, end; /* where it stands in the bytes of this feed: from behind the empty line
                          before it to behind its own. Between two events there may be more, such
                          as comments with an empty line of their own. */
    bool is_whole;     /* it lies within them from its first byte on; false: `begin` is 0, and its
                          start came with an earlier feed */
};

/* Return 0 to go on. Anything else stops the feed behind this event. It must neither feed nor
 * release the decoder. */
typedef int sse_event_fn(void *context, const struct sse_event *event);

struct sse { /* zeroed: releasing it is allowed */
    size_t max_event;
    uint64_t comments; /* lines so far; vendors send them to keep the connection alive */
    struct held line;  /* the start of a line whose end has not come */
    struct held data;  /* data lines so far, if they are not in the fed bytes */
    struct held type, id;
    harborai_str data_here, type_here; /* the same, while they are in the fed bytes */
    bool has_data;                     /* a data line came, perhaps empty */
    bool is_data_held, is_type_held;
    bool has_begun; /* bytes of an event came with an earlier feed */
    bool skip_lf;   /* the last byte was the CR of a line's end */
    uint8_t bom;    /* bytes of a mark that were matched; 3 = past the start of the stream */
};

/* `max_event`: most bytes of a line, and of an event's data; 0 = 16 MiB. */
void sse_init(struct sse *d, size_t max_event);
void sse_release(struct sse *d);

/* Decode `bytes`; on_event() runs for each event that ends in them. Returns HARBORAI_OK, or
 * SSE_STOPPED when on_event() said so: *ret_consumed, which may be NULL, is then where the next
 * feed begins, else it is bytes.len. E_PROTOCOL: a line or an event is larger than max_event.
 * E_MEMORY. After an error the decoder can only be released. */
__attribute__((warn_unused_result)) harborai_status sse_feed(struct sse *d, harborai_str bytes,
                                                             sse_event_fn *on_event, void *context,
                                                             size_t *ret_consumed);

/* Whether the stream so far ends within an event or a line: what a vendor that broke off leaves. */
bool sse_is_pending(const struct sse *d);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_SSE_H */
