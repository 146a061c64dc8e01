/* SPDX-License-Identifier: MIT */
/* The state machine of a stream in OpenAI's own form, on its way through: it says of each event
 * what becomes of it and changes no byte. [any]
 *
 * Held back is everything from the finish_reason of the last open choice on: until the upstream has
 * ended as its API promises, nobody may read that the answer is complete. The number of choices is
 * the request's `n`. */
#ifndef CHAT_WATCH_H
#define CHAT_WATCH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/limits.h"

enum watch_verdict {
    WATCH_FORWARD = 1, /* pass on, byte for byte */
    WATCH_HOLD,        /* the same, but only once the stream has ended well */
    WATCH_DROP,        /* not for the client */
    WATCH_DONE,        /* "[DONE]" */
    WATCH_ERROR,       /* the vendor reports a failure: see `error` */
    WATCH_BAD          /* not a JSON object: drop it; it is counted */
};

enum watch_finish { /* of a choice */
    WATCH_OPEN = 0,
    WATCH_STOP,
    WATCH_LENGTH,
    WATCH_TOOL_CALLS,
    WATCH_CONTENT_FILTER,
    WATCH_OTHER /* the vendor's own word */
};

struct watch_text { /* a JSON value as written, kept; empty if it is longer */
    unsigned char len;
    char data[127];
};

struct watch {
    unsigned choices; /* expected */
    unsigned closed;  /* of them have a finish_reason */
    bool wants_usage; /* the client asked for the usage chunk */
    bool is_done;     /* "[DONE]" came */
    bool has_content; /* a delta had something to read: text, reasoning, a tool call … */
    bool is_holding;
    bool gave_usage;  /* a usage chunk that the client may see went by */
    uint32_t chunks;  /* that could be read */
    uint32_t repairs; /* events dropped because they do not conform */
    unsigned char finish[LIMIT_REQUEST_CHOICES]; /* enum watch_finish */
    struct watch_text id, model, created;        /* of the first chunk, with their quotes */
    struct watch_text vendor_finish;             /* the last finish_reason that is WATCH_OTHER */

    /* Of the event just seen, borrowed from it; empty = none. */
    harborai_str usage; /* the object; of several in a stream the last holds */
    harborai_str error; /* what vendor_error_parse() understands */
};

void watch_init(struct watch *w, unsigned choices, bool wants_usage);

/* The data of one server-sent event. */
enum watch_verdict watch_event(struct watch *w, harborai_str data);

/* Whether the stream, at the end of its body, is a complete answer: every choice has a
 * finish_reason, or [DONE] came, and there was a chunk at all. */
bool watch_is_finished(const struct watch *w);

/* Whether the client, at the end, still needs a usage chunk of ours: it asked, and the vendor gave
 * the usage otherwise than in a chunk of its own. */
static inline bool watch_needs_usage_chunk(const struct watch *w)
{
    return w->wants_usage && !w->gave_usage;
}

/* Writes that chunk, without choices, with the stream's own id, created and model. `usage` is the
 * vendor's object. */
void watch_write_usage_chunk(const struct watch *w, harborai_str usage, struct buf *b);

#endif
