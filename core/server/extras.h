/* SPDX-License-Identifier: MIT */
/* What a completion's answer has beside what is OpenAI's, where its client asks for it:
 *
 *     x-harborai-include: trace, cost
 *
 * Words that are not known are passed over; the answer's own x-harborai-include names those that were
 * heard. Who does not ask gets plain OpenAI, byte for byte. [loop] */
#ifndef SERVER_EXTRAS_H
#define SERVER_EXTRAS_H

#include "base/buf.h"

struct http_head;
struct record;

enum extras_what { /* bits */
    EXTRAS_TRACE = 1, /* "trace": trace_context */
    EXTRAS_COST = 2   /* "cost": cost_info */
};

struct extras {
    bool is_asked; /* there was a field, whatever it said */
    unsigned what;
    struct buf names; /* id, created and model of a stream, as members */
};

void extras_init(struct extras *extras);
void extras_release(struct extras *extras);

/* Of a new request. */
void extras_read(struct extras *extras, const struct http_head *head);

/* The value of the answer's field: "trace, cost", "none". */
void extras_write_list(const struct extras *extras, struct buf *out);

/* A JSON object with what was asked for at its end, in place of members of such names. False: nothing was
 * asked for, or there is no memory: it goes out as it is. */
bool extras_add(const struct extras *extras, const struct record *record, harborai_str json,
                struct buf *out);

/* Of a stream: each chunk that goes by, and the chunk of ours that follows the last one; empty: nothing
 * was asked for, or there is no memory. */
void extras_note_chunk(struct extras *extras, harborai_str chunk);
void extras_write_chunk(const struct extras *extras, const struct record *record, struct buf *out);

#endif
