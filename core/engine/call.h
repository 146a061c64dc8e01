/* SPDX-License-Identifier: MIT */
/* A call: what a client asked for, from its first byte to its record. The one door through which
 * every front (gateway, library) enters the engine. Everything here is [loop].
 *
 * The engine tells a front that a call ended only in the act phase, after its end line was
 * committed to the journal: no front can get that wrong. */
#ifndef ENGINE_CALL_H
#define ENGINE_CALL_H

#include "base/buf.h"
#include "base/slice.h"
#include "record/record.h"

struct call;
struct chat_request;
struct engine_loop;

/* How a call ended. Borrowed, with everything it points to, until on_end returns. */
struct call_result {
    const harborai_error *error; /* NULL = success */
    bool streamed;               /* the client asked for a stream (false if that is not known) */
    uint32_t chunks;             /* chunks given to on_chunk; 0 with an error: a head is still due */
    harborai_str answer;         /* streamed == false, success: the chat.completion object */
    const struct record *record; /* ids, provider, cost, attempts, usage … */
};

struct call_front {
    /* One chat.completion.chunk object, as JSON. Borrowed until the function returns. Comes in the
     * run phase, and in the act phase for what was held back. */
    void (*on_chunk)(void *owner, harborai_str json);
    /* [act phase] The last word: the call does not know the front any more. */
    void (*on_end)(void *owner, const struct call_result *result);
    /* Bytes that were given to on_chunk and that the reader has not taken. Above
     * LIMIT_UNDELIVERED the vendor is paused until call_resume(); what does not stop is ended
     * before it comes to more than LIMIT_UNDELIVERED_MOST, with what is held back behind it. */
    size_t (*undelivered)(const void *owner);
    bool is_http; /* whoever asked sees a status, and the record has it */
};

/* What somebody counts for the memory of the body, of what the engine makes of it, and of a long answer
 * that is held until it is whole. Given back as that memory is freed, which may be long after on_end or
 * call_cancel(): a job or a plugin may still read it. The functions may be NULL, all of them. */
struct call_charge {
    /* False: that is too much, and nothing was counted. May come from inside call_start(). [any] */
    bool (*more)(void *owner, size_t bytes);
    /* The same for what is never refused: an answer that comes. */
    void (*add)(void *owner, size_t bytes);
    /* A part of `bytes` and of what was taken. [any] */
    void (*give_back)(void *owner, size_t bytes);
    /* Once: all was given back, and the call is gone. */
    void (*on_gone)(void *owner);
    void *owner; /* lives as long as the engine's loop turns */
    size_t bytes;
};

/* What a call asks for, once that is read. Borrowed until the function returns. */
struct call_wish {
    const struct chat_request *request;
    harborai_str provider, upstream; /* where its model leads; empty: nowhere */
    int64_t now_ns;                  /* monotonic */
};

/* Somebody who answers for the call's caller. Both are [loop]. */
struct call_guard {
    /* < 0: it is not to be, and the error is the call's. *ret_reserved, 0 before, is whatever settle() is
     * to have. Before anything is begun; not of a call that fails before its model is known. */
    harborai_status (*admit)(void *account, const struct call_wish *wish, int64_t *ret_reserved,
                             harborai_error *error);
    /* Once, whatever became of the call: it has ended. */
    void (*settle)(void *account, const struct record *record, int64_t reserved, int64_t now_ns);
};

struct call_params {
    const struct call_front *front; /* static */
    void *owner;                    /* handed to the front's functions */
    struct buf *body;               /* the request, JSON; its memory is taken over, it is left empty */
    struct call_charge charge;      /* for it; copied */
    harborai_str request_id;        /* copied */
    harborai_str trace_parent;      /* W3C traceparent of the client, or empty; copied */
    harborai_str client;            /* who asks, for the record: an address, "cli"; copied */
    harborai_str caller;            /* the one it is for: what is kept for him is given to nobody else, and
                                       the record has him for its client; empty = nobody known; copied */
    const struct call_guard *guard; /* static; or NULL */
    void *account;                  /* for its functions: it outlives the call */
    int64_t admit_ns;      /* how long the front took to admit it, in this pass of the loop */
    int64_t total_ms;      /* the call's own limit, in place of timeouts.total; 0 = none of its own */
    harborai_str provider; /* only this one; empty = whom the model's name leads to; copied */
    harborai_str tags;     /* a JSON object for the record, checked; empty = none; copied */
    struct call **call;    /* set before the first on_chunk, which may come from inside call_start();
                              or NULL */
};

/* Begins a call. What is wrong with it comes by on_end in a later act phase, never from inside.
 * NULL: no memory left, the body was not taken and its charge stays with the caller. */
struct call *call_start(struct engine_loop *engine, const struct call_params *params);

/* What is known of a call that has not ended. Borrowed until it has. */
const struct record *call_record(const struct call *call);

/* The front has told its client that all goes well, before there was anything to give: whatever becomes
 * of the call, the status that the client saw is 200. */
void call_head_sent(struct call *call);

/* Nobody wants the call any more: the vendor's exchange is broken off in this pass, the call is
 * accounted for, and no function of the front is called any more. */
void call_cancel(struct call *call);

/* The client left: the same, unless the operator wants to know what the call took (`on_disconnect:
 * drain`). Then the vendor is read to its end, and what comes is dropped; limits of time hold on. */
void call_leave(struct call *call);

/* The reader has taken what it was given: go on reading from the vendor. */
void call_resume(struct call *call);

#endif
