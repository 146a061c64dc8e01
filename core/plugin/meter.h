/* SPDX-License-Identifier: MIT */
/* What is counted of a provider's plugin: its loads, and the time that its functions take. A meter
 * outlives the slots of its provider, so that no counter begins anew with a reload. Each loop counts
 * in a cell of its own, without a locked instruction; job threads share one. Reading takes no lock. */
#ifndef PLUGIN_METER_H
#define PLUGIN_METER_H

#include <stdatomic.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/slice.h"
#include "plugin/stage.h"

/* Functions of plugins, as logs and metrics name them. Those from CREATE on are for job threads, and
 * may take their time. */
#define METER_CALLBACKS_                                                                           \
    X_(CHAT, "chat") /* or stream() */                                                             \
    X_(ON_RESPONSE, "on_response") X_(ON_EVENT, "on_event") X_(ON_DATA, "on_data")                 \
    X_(ON_END, "on_end") X_(MAP_ERROR, "map_error") X_(PARSE_TOKENS, "parse_tokens")               \
    X_(ON_WAKE, "on_wake") X_(ON_RESUME, "on_resume") X_(ON_CANCEL, "on_cancel")                   \
    X_(ON_RELEASE, "on_release") X_(CREATE, "create") X_(TICK, "tick") X_(DRAIN, "drain")          \
    X_(DESTROY, "destroy")
#define X_(code, name) METER_##code,
enum meter_callback { METER_CALLBACKS_ METER_CALLBACK_COUNT };
#undef X_

/* What becomes of a provider's replacement. */
enum meter_result {
    METER_REPLACED, /* its heir serves */
    METER_KEPT,     /* it serves on as it was */
    METER_RESULT_COUNT
};

struct meter_callback_sums {
    _Atomic int64_t count, ns, slow;
};

struct meter_cell {
    CACHE_ALIGNED struct meter_callback_sums callbacks[METER_CALLBACK_COUNT];
};

struct meter {
    harborai_str plugin_id, provider;
    unsigned index; /* in its set */
    _Atomic int64_t loads, failures[PLUGIN_STAGE_COUNT], results[METER_RESULT_COUNT];

    /* What the log was told of slow functions: in the first meter of each plugin, for all of them. */
    struct meter *first;
    struct {
        _Atomic int64_t at_ns; /* 0 = nothing yet */
        _Atomic int64_t left_out;
    } told[METER_CALLBACK_COUNT];

    unsigned loop_count;
    struct meter_cell cells[]; /* one a loop, and the last of all other threads */
};

/* What a function may take: 1 ms, or 1 ms for each 100 KiB of its input. */
static inline int64_t meter_allowed_ns(size_t input)
{
    return input <= KIB(100) ? NS_PER_MS : (int64_t)input * NS_PER_MS / (int64_t)KIB(100);
}

/* A function took so long. [loop] */
static inline void meter_add(struct meter *meter, unsigned loop_index, enum meter_callback callback,
                             int64_t took_ns)
{
    struct meter_callback_sums *to = &meter->cells[loop_index].callbacks[callback];
    atomic_store_explicit(&to->count, atomic_load_explicit(&to->count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    atomic_store_explicit(&to->ns, atomic_load_explicit(&to->ns, memory_order_relaxed) + took_ns,
                          memory_order_relaxed);
}

/* The same for threads that are no loop. */
void meter_add_shared(struct meter *meter, enum meter_callback callback, int64_t took_ns);

/* It was more than `input` allows: counts it and tells the log, of each function of a plugin once a
 * minute. [any] */
void meter_tell_slow(struct meter *meter, const struct log *log, enum meter_callback callback,
                     size_t input, int64_t took_ns, int64_t now_ns);

/* A load was over; NONE: it went well. [any] */
void meter_count_load(struct meter *meter, enum plugin_stage failure);
void meter_count_result(struct meter *meter, enum meter_result result); /* [any] */

/* Sums of all threads. [any] */
struct meter_sums {
    int64_t count, ns, slow;
};
struct meter_sums meter_sum(const struct meter *meter, enum meter_callback callback);
const char *meter_callback_name(enum meter_callback callback);

/* ---- All of them ---------------------------------------------------------------------------- */

/* Providers come from configurations, of which a process may read many: those beyond so many share a
 * meter, whose names are METER_OTHER. */
enum { METERS_MOST = 128 };
#define METER_OTHER "_other" /* no plugin's id and no provider's name */

/* A zeroed one with its `loop_count` is empty. */
struct meter_set {
    unsigned loop_count;
    /* Owned, and never taken away; NULL = none yet. The last one is of all others. */
    _Atomic(struct meter *) meters[METERS_MOST + 1];
};

void meter_set_release(struct meter_set *set);
/* The meter of a provider of that plugin, borrowed until the set goes; NULL: no memory. One thread
 * at a time, [keeper]. */
struct meter *meter_set_get(struct meter_set *set, harborai_str plugin_id, harborai_str provider);

#endif
