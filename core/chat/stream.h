/* SPDX-License-Identifier: MIT */
/* The state machine of a stream in OpenAI's own form, on its way through: it says of each event
 * what becomes of it and changes no byte. [any]
 *
 * Held back is everything from the finish_reason of the last open choice on: until the upstream has
 * ended as its API promises, nobody may read that the answer is complete. The number of choices is
 * the request's `n`. */
#ifndef CHAT_STREAM_H
#define CHAT_STREAM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/limits.h"

enum stream_verdict {
    STREAM_FORWARD = 1, /* pass on, byte for byte */
    STREAM_HOLD,        /* the same, but only once the stream has ended well */
    STREAM_DROP,        /* not for the client */
    STREAM_DONE,        /* "[DONE]" */
    STREAM_ERROR,       /* the vendor reports a failure: see `error` */
    STREAM_BAD          /* no chunk: something of the answer is lost, and it cannot end well */
};

enum stream_finish { /* of a choice */
    STREAM_OPEN = 0,
    STREAM_STOP,
    STREAM_LENGTH,
    STREAM_TOOL_CALLS,
    STREAM_CONTENT_FILTER,
    STREAM_OTHER /* the vendor's own word */
};

struct stream_text { /* a JSON value as written, kept; empty if it is longer */
    unsigned char len;
    char data[127];
};

struct stream {
    unsigned choices; /* expected */
    unsigned closed;  /* of them have a finish_reason */
    unsigned opened;  /* of them were seen; exact where more than one is expected */
    bool wants_usage; /* the client asked for the usage chunk */
    bool is_done;     /* "[DONE]" came */
    bool has_content; /* a delta had something to read: text, reasoning, a tool call … */
    bool is_holding;
    bool gave_usage;  /* a usage chunk that the client may see went by */
    uint32_t chunks;  /* that could be read */
    uint32_t repairs; /* events dropped because they do not conform */
    unsigned char finish[LIMIT_REQUEST_CHOICES]; /* enum stream_finish */
    bool is_open[LIMIT_REQUEST_CHOICES];         /* seen */
    struct stream_text id, model, created;        /* the first that is not "", with their quotes */
    struct stream_text service_tier;              /* the last that a chunk named, likewise */
    struct stream_text vendor_finish;             /* the last finish_reason that is STREAM_OTHER */

    bool has_named; /* the event just seen told a model or a service tier not known before */
    /* Of the event just seen, borrowed from it; empty = none. */
    harborai_str usage; /* the object; of several in a stream the last holds */
    harborai_str error; /* what vendor_error_parse() understands */
};

void stream_init(struct stream *w, unsigned choices, bool wants_usage);

/* The data of one server-sent event. */
enum stream_verdict stream_event(struct stream *w, harborai_str data);

/* Whether the stream, at [DONE] or at the end of its body, is a complete answer: every choice has a
 * finish_reason. After [DONE] that is every choice that was seen: there are vendors who ignore `n`;
 * without it the body may have been cut before the next one began. */
bool stream_is_finished(const struct stream *w);

/* Whether the client, at the end, still needs a usage chunk of ours: it asked, and the vendor gave
 * the usage otherwise than in a chunk of its own. */
static inline bool stream_needs_usage_chunk(const struct stream *w)
{
    return w->wants_usage && !w->gave_usage;
}

/* Writes that chunk, without choices, with the stream's own id, created and model. `usage` is the
 * vendor's object. */
void stream_write_usage_chunk(const struct stream *w, harborai_str usage, struct buf *b);

#endif
