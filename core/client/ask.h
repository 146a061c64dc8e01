/* SPDX-License-Identifier: MIT */
/* A call of the library, from the function that starts it until nobody has it any more. Begin,
 * cancel and resume are messages to the loop, because all three belong in a pass; what comes of the
 * call waits here for its reader: a thread in harborai_chat(), a stream's owner, or handlers. */
#ifndef CLIENT_ASK_H
#define CLIENT_ASK_H

#include "base/arena.h"
#include "base/buf.h"
#include "client/client.h"
#include "client/outcome.h"
#include "engine/call.h"

enum ask_kind { ASK_WHOLE, ASK_STREAM, ASK_HANDLERS };

/* What is asked for. Texts lie in the ask's arena. */
struct ask_wish {
    struct buf body;
    int64_t timeout_ms;
    harborai_str provider, tags, trace_parent, request_id;
};

struct ask {
    struct harborai_client *client; /* a reference */
    atomic_uint refs; /* the reader's, the loop's until the end, and one for each message posted */
    enum ask_kind kind;
    struct arena arena;
    struct ask_wish wish;

    /* [loop] */
    struct message begin, cancel, resume;
    struct call *call; /* NULL before it began and after it ended */
    int64_t begun_ns;  /* monotonic */
    bool has_chunk;    /* one has come: the outcome has its id */

    /* The client's lock. */
    struct list waiting, ready; /* client->waiting, client->ready */
    pthread_cond_t changed;     /* for the thread that waits, if one does */
    struct buf queue;           /* chunks that are not read: 4 bytes length, then the chunk */
    bool is_cancelled, is_resumed; /* the message is posted */
    bool has_ended;
    bool has_lost;              /* there was no memory for a chunk */
    unsigned born;              /* client->interrupts when it began */

    /* Set before the end, not changed after it. */
    harborai_error error; /* code HARBORAI_OK: none */
    struct harborai_reply outcome;

    /* The reader's. */
    bool is_left; /* it went before the end: `error` and `outcome` are not for it */
    atomic_size_t undelivered; /* bytes of chunks that it has not had; the loop reads it */
    struct buf reading;        /* what the queue was; chunks are borrowed from it */
    size_t at;
    struct buf text;           /* scratch for a chunk's texts */
    harborai_call_id id;
    harborai_handlers handlers;
};

/* Copies the request; `handlers` of ASK_HANDLERS, else NULL. NULL: E_INVALID, E_MEMORY. The caller
 * has the reader's reference. [any] */
struct ask *ask_create(struct harborai_client *client, enum ask_kind kind,
                       const harborai_handlers *handlers, harborai_str body,
                       const harborai_call_options *options, harborai_error *error);
void ask_unref(struct ask *ask); /* the lock is not held */

/* The lock is held for all below. */
void ask_begin(struct ask *ask);
/* Once it is posted the call ends soon, with E_CANCELLED unless it has ended otherwise. */
void ask_cancel(struct ask *ask);
/* Takes the next chunk that waits; *ret_json is borrowed until the next time. */
bool ask_next(struct ask *ask, harborai_str *ret_json);
bool ask_has_ended(const struct ask *ask);
bool ask_has_chunk(const struct ask *ask);
bool ask_has_news(const struct ask *ask); /* a chunk, or the end */

/* --- wish.c --- */
/* Checks and copies; the member `stream` becomes `streams`. */
MUST_CHECK harborai_status wish_fill(struct ask_wish *wish, struct arena *arena, harborai_str body,
                                     bool streams, const harborai_call_options *options,
                                     harborai_error *error);

/* --- piece.c --- */
/* What a chunk says. Borrows `json`, and `scratch`, which is overwritten. False: no memory. [any] */
bool piece_read(harborai_str json, struct buf *scratch, harborai_chunk *ret_chunk);

#endif
