/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer_state {
    ANSWER_HEAD,
    ANSWER_BODY,
    ANSWER_CHUNK_SIZE,
    ANSWER_CHUNK_DATA,
    ANSWER_CHUNK_END,
    ANSWER_LAST_LINES,
    ANSWER_DONE,
    ANSWER_BAD,
};

/* One HTTP/1.1 answer while it comes in. Zeroed waits for the first byte of a head. */
struct answer {
    enum answer_state state;
    unsigned status;
    bool closes;       /* the server will close the connection after it */
    uint64_t left;     /* of the body or of the chunk */
    uint64_t line_len; /* of the line of framing or of the event stream that is open */
    uint64_t events;   /* server-sent events that are complete */
    bool in_event;     /* the open event has a line of data */
    size_t head_len;
    char head[2048];
};

/* Ready for the next answer on the connection. */
void answer_clear(struct answer *answer);

/* Takes what came in; returns how much of it belongs to this answer. Look at `state` after. */
size_t answer_feed(struct answer *answer, const char *data, size_t len);

#endif
