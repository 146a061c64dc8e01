/* SPDX-License-Identifier: MIT */
/* What vendors want back in the next turn and plain clients of OpenAI's API do not send: the
 * reasoning of answers with tool calls, found by the calls that a request repeats. One store for
 * all loops, in memory alone. It is bounded in bytes, and what nobody has asked for during a
 * lifetime is gone; what has not been asked for the longest goes first. Nothing polls: what is too
 * old is found when the store is used. Who asks is part of the key: no caller finds what another
 * one was given.
 *
 * Everything here is [any]. */
#ifndef ENGINE_REPLAY_STORE_H
#define ENGINE_REPLAY_STORE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/slice.h"

struct replay_store;

enum replay_event {
    REPLAY_KEPT,    /* an answer */
    REPLAY_GIVEN,   /* to a message of a request */
    REPLAY_MISSING, /* such a message got nothing */
    REPLAY_DROPPED, /* an answer that was not kept: too large, or no memory */
    REPLAY_EVICTED, /* an answer that went before its time, for want of room */
    REPLAY_EXPIRED, /* an answer that went at its time */
    REPLAY_BYTES,   /* held: a difference */
    REPLAY_EVENTS
};

struct replay_options {
    size_t max_size; /* bytes; 0 = nothing is kept */
    int64_t lifetime_ns;
    const struct clock *clock;
    /* Told of events of the store's own; what the engine makes of it is counted by
     * replay_store_count(). NULL: nobody counts. */
    void (*count)(void *context, enum replay_event event, int64_t number);
    void *context;
};

/* A tool call as a client repeats it. */
struct replay_call {
    harborai_str id;
    uint64_t digest; /* of what else has to be the same: ids of some vendors are not unique */
};

/* Of one answer; shared and never changed. */
struct replay {
    harborai_str reasoning; /* the reasoning_content, JSON string; empty = none */
    harborai_str details;   /* the items of reasoning_details, JSON array; empty = none */
    harborai_str maker;     /* of the details: a plugin and its model; nobody else can read them */
};

/* Copies `options`; what they point to outlives the store. */
MUST_CHECK harborai_status replay_store_create(const struct replay_options *options,
                                               struct replay_store **ret_store,
                                               harborai_error *error);
void replay_store_destroy(struct replay_store *store); /* accepts NULL */

/* Another configuration: what does not fit into it any more goes. */
void replay_store_set(struct replay_store *store, size_t max_size, int64_t lifetime_ns);

/* Keeps a copy of `what` for each of these calls of an answer. A call that is known already leads
 * to the newer answer. */
void replay_store_keep(struct replay_store *store, harborai_str caller, harborai_str provider,
                       const struct replay_call *calls, size_t count, const struct replay *what);

/* A reference to give back with replay_unref(), NULL = nothing (any more). */
const struct replay *replay_store_find(struct replay_store *store, harborai_str caller,
                                       harborai_str provider, const struct replay_call *call);
void replay_unref(const struct replay *replay); /* accepts NULL */

/* Whether anything may be kept for that provider: a few instructions, to save the search. */
bool replay_store_may_have(const struct replay_store *store, harborai_str provider);

void replay_store_count(struct replay_store *store, enum replay_event event, int64_t number);

#endif
