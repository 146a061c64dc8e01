/* SPDX-License-Identifier: MIT */
/* The state machine of a stream in OpenAI's own form, on its way through: it says of each event
 * what becomes of it, and repairs what is not as that API promises. What conforms passes byte for
 * byte, and so do unknown members of what does not. [any]
 *
 * What a client may rely on: tool calls as tool_calls.h has them, "{}" for those that got no
 * arguments; a `delta` in each choice, in which reasoning is `reasoning_content`; one finish_reason
 * a choice, "tool_calls" if there are any; the usage in one chunk of its own, behind the last
 * finish_reason, if it was asked for.
 *
 * Held back is everything from the finish_reason of the last open choice on: until the upstream has
 * ended as its API promises, nobody may read that the answer is complete. The number of choices is
 * the request's `n`. */
#ifndef CHAT_STREAM_H
#define CHAT_STREAM_H

#include "base/limits.h"
#include "chat/message.h"
#include "chat/tool_calls.h"

enum stream_verdict {
    STREAM_FORWARD = 1, /* pass on `chunk` */
    STREAM_HOLD,        /* the same, but only once the stream has ended well */
    STREAM_DROP,        /* not for the client */
    STREAM_DONE,        /* "[DONE]" */
    STREAM_ERROR,       /* the vendor reports a failure: see `error` */
    STREAM_BAD,         /* no chunk: something of the answer is lost, and it cannot end well */
    STREAM_FAULT        /* a chunk, but what the vendor says with it cannot be: see `fault` */
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

/* The last chunk that was nothing but text, without the text: most chunks differ in that alone. The
 * text is content, reasoning, or of a tool call's arguments. */
struct stream_shape {
    uint16_t before_len, after_len;       /* 0: there is none */
    uint16_t choices_from, choices_after; /* what of both belongs to the value of `choices` */
    bool is_reasoning;                    /* of choice 0 */
    bool is_arguments;
    unsigned call;                        /* in calls.call, then */
    char before[640], after[384];
};

struct stream_options {
    unsigned choices; /* expected */
    bool wants_usage; /* the client asked for the usage chunk */
    bool is_strict;   /* not one event that is no chunk is forgiven */
    bool notes_turn;  /* `reasoning` is wanted */
    bool think_tags;  /* content may begin with <think>…</think>, which is reasoning */
    uint64_t id_seed; /* makes ids of tool calls that have none */
};

struct stream {
    unsigned choices;
    unsigned closed;  /* of them have a finish_reason */
    unsigned opened;  /* of them were seen; exact where more than one is expected */
    bool wants_usage, is_strict, notes_turn, think_tags;
    bool is_done;     /* "[DONE]" came */
    bool has_content; /* a delta had something to read: text, reasoning, a tool call … */
    bool is_holding;
    bool gave_usage;  /* a usage chunk that the client may see went by */
    uint32_t chunks;  /* that could be read */
    uint32_t repairs; /* events dropped or rewritten because they do not conform */
    uint32_t bad;     /* events that were no chunk */
    unsigned char finish[LIMIT_REQUEST_CHOICES]; /* enum stream_finish */
    bool is_open[LIMIT_REQUEST_CHOICES];         /* seen */
    bool has_text[LIMIT_REQUEST_CHOICES];        /* had something to read */
    struct think think[LIMIT_REQUEST_CHOICES];
    struct stream_text id, model, created;       /* the first that is not "", with their quotes */
    struct stream_text service_tier;             /* the last that a chunk named, likewise */
    struct stream_text vendor_finish;            /* the last finish_reason that is STREAM_OTHER */
    struct tool_calls calls;
    struct stream_shape shape;
    struct splices splices;
    struct buf out, missing; /* `missing`: items of tool_calls that are due */
    struct message_thoughts thoughts;

    bool has_named; /* the event just seen told a model or a service tier not known before */
    /* Of the event just seen, borrowed from it; empty = none. */
    harborai_str usage; /* the object; of several in a stream the last holds */
    harborai_str error; /* what vendor_error_parse() understands */
    harborai_str reasoning; /* with `notes_turn`: what choice 0 thinks, a JSON string; out of tags
                             * it is the stream's own */
    harborai_str chunk; /* what the client gets of it: the event, or the stream's own */
    const char *fault;  /* completes "the vendor …"; a constant */
};

void stream_init(struct stream *w, const struct stream_options *options);
void stream_release(struct stream *w); /* also of a zeroed one */

/* The data of one server-sent event. */
enum stream_verdict stream_event(struct stream *w, harborai_str data);

/* Whether the stream, at [DONE] or at the end of its body, is a complete answer: every choice has a
 * finish_reason. After [DONE] that is every choice that was seen: there are vendors who ignore `n`;
 * without it the body may have been cut before the next one began. */
bool stream_is_finished(const struct stream *w);

/* At the end of a stream that is watched for a plugin: a choice that it left open ends so, with tool
 * calls STREAM_STOP as STREAM_TOOL_CALLS. Returns NULL, or what is wrong, as in `fault`. */
MUST_CHECK const char *stream_end_choice(struct stream *w, unsigned choice,
                                         enum stream_finish finish);

/* Walks the tool calls of choice 0, once the stream has ended. */
static inline bool stream_next_call(const struct stream *w, const struct tool_call **at,
                                    struct turn_call *ret_call)
{
    return tool_calls_next_turn(&w->calls, at, ret_call);
}

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
