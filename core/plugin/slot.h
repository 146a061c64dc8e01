/* SPDX-License-Identifier: MIT */
/* The runtime's place for one provider: it is loaded when the first call needs it, or before it takes
 * the place of another, serves, and goes when its last call was released. Slots live outside of snapshots.
 *
 *   READY ── first call ──> LOADING ──> SERVING ── slot_retire() ──> DRAINING ──> QUIESCENT ──> GONE
 *     └───────── FAILED <──────┘ (tried again after 1 s, doubling to 60 s)
 *
 * A call pins the slot in its own loop's shard from its routing to its release, parked calls too: so
 * a quiescent slot has neither calls nor a load under way, and no cache line is shared.
 *
 * The end of a slot: the keeper publishes maps without it, waits for a grace period (no loop can
 * find it any more), calls slot_retire(), and has slot_loop_drain() called on each loop. When the
 * last loop's last call was released, on_quiescent comes; the keeper answers with slot_close(), and
 * after on_gone frees it. No function of the plugin runs on the keeper or a loop in all this. */
#ifndef PLUGIN_SLOT_H
#define PLUGIN_SLOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "plugin/host.h"
#include "plugin/meter.h"
#include "plugin/object.h"
#include "plugin/provider.h"

enum slot_state {
    SLOT_READY,
    SLOT_LOADING,
    SLOT_SERVING,
    SLOT_FAILED,
    SLOT_DRAINING,
    SLOT_QUIESCENT, /* its last call was released; destroy() is to come, or under way */
    SLOT_GONE /* destroyed; the object may still be mapped */
};

/* What calls need: valid while the slot is pinned. */
struct slot_provider {
    const harborai_plugin *table; /* functions that the plugin lacks are NULL */
    harborai_provider *provider;
    const harborai_host *host;
    const struct provider *spec; /* name, secrets, network, manifest */
};

/* A call that waits for the load. Lies in the call, which stays and keeps the slot pinned until it is
 * posted, also if it is cancelled meanwhile. */
struct slot_waiter {
    struct slot_waiter *next;
    void (*post)(struct slot_waiter *waiter); /* [any] wakes the call's loop; set by the call */
    harborai_status status;                   /* for the call once posted: OK, or why not */
};

/* One loop's. */
struct slot_shard {
    CACHE_ALIGNED atomic_size_t pins; /* only its loop writes: no locked instruction */
    bool draining, reported;
};

struct slot {
    /* Read on each call. */
    CACHE_ALIGNED _Atomic(const struct slot_provider *) serving;
    _Atomic(struct slot_waiter *) waiters; /* newest first; or a mark: no load under way */
    _Atomic int state;                     /* but DRAINING, which is SERVING and `retired`,
                                 and QUIESCENT, when no loop is left then */
    _Atomic bool retired;
    _Atomic int64_t retry_at_ns; /* monotonic, after a failure; else 0 */
    _Atomic unsigned loops_left; /* that have not reported */
    _Atomic unsigned work;       /* bits of what the job has to do */
    _Atomic uint64_t load_count; /* create() calls */
    _Atomic int64_t loaded_ns;   /* UTC; when it began to serve; 0 = not yet */
    _Atomic uint64_t generation; /* of the object that it is made by */
    _Atomic bool can_unload;     /* that object, when nothing is made by it any more */
    atomic_uint usage_told;      /* bits of what the engine has logged of its usage, once each */

    /* Set once. */
    struct provider *provider; /* owned */
    const struct provider_services *services;
    struct plugin_loader *loader;
    struct meter *meter; /* NULL: nobody counts */
    void (*on_quiescent)(struct slot *slot); /* [loop] every loop has reported */
    void (*on_gone)(struct slot *slot);      /* [job] may free it */
    void *owner;                             /* of these two */
    unsigned loop_count;

    /* The job's alone. */
    struct job job;
    enum provider_duty duty;
    const struct plugin_object *object;
    struct provider_host host;
    struct slot_provider live;
    bool drain_said;
    int64_t backoff_ns;

    /* Shared by a lock, because a text of 664 bytes fits in no atomic: written by the job when a
     * load has failed, copied by calls that are refused. Nothing else happens under it. */
    pthread_mutex_t failure_lock;
    harborai_error failure;
    enum plugin_stage failure_stage;

    struct slot_shard shards[LIMIT_LOOPS];
};

struct slot_options {
    const struct provider_options *provider; /* copied */
    const struct provider_services *services;
    struct plugin_loader *loader;
    struct meter *meter; /* or NULL */
    const harborai_host *call_functions; /* the engine's half: alloc … unhold */
    unsigned loop_count;
    void (*on_quiescent)(struct slot *slot);
    void (*on_gone)(struct slot *slot);
    void *owner;
};

/* READY; loads nothing. Borrows services, loader and meter. [keeper] */
MUST_CHECK harborai_status slot_create(const struct slot_options *options, struct slot **ret_slot,
                                       harborai_error *error);
/* Of a slot that never left READY or FAILED, or is GONE. NULL does nothing. */
void slot_destroy(struct slot *slot);

/* What to call, or NULL: then ask slot_request_load(). [loop, pinned] */
static inline const struct slot_provider *slot_acquire_fast(struct slot *slot)
{
    return atomic_load_explicit(&slot->serving, memory_order_acquire);
}

/* For a call that found no provider. PAUSE: it is parked, waiter->post() will be called exactly
 * once, from another thread or from inside. OK: it is there now. Else the error: a secret is
 * missing, or the load failed a short time ago. [loop, pinned; or the keeper, of a slot that it does
 * not retire before the post] */
MUST_CHECK harborai_status slot_request_load(struct slot *slot, struct slot_waiter *waiter,
                                             harborai_error *error);

/* Why the last load that failed did, and at which stage; for a waiter that was posted with an error.
 * Both outputs may be NULL. E_CLOSED: none has failed. [any] */
MUST_CHECK harborai_status slot_failure(struct slot *slot, enum plugin_stage *ret_stage,
                                        harborai_error *ret_failure);

static inline void slot_pin(struct slot *slot, unsigned loop_index) /* [loop] */
{
    atomic_size_t *pins = &slot->shards[loop_index].pins;
    atomic_store_explicit(pins, atomic_load_explicit(pins, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

void slot_unpin(struct slot *slot, unsigned loop_index); /* [loop] the last may call on_quiescent */

/* No new calls will come: the plugin is told on a job thread. [keeper] */
void slot_retire(struct slot *slot);

/* Reports once, now or when the loop's last pin goes. After slot_retire(). [loop] */
void slot_loop_drain(struct slot *slot, unsigned loop_index);

/* Destroys the provider and lets go of its object on job threads; then on_gone, from there (from
 * inside, if it was never loaded). No pins, no load under way. [keeper] */
void slot_close(struct slot *slot);

/* tick() soon. Several requests may be served by one run. [any] */
void slot_tick(struct slot *slot);

enum slot_state slot_state(const struct slot *slot); /* [any] */
size_t slot_call_count(const struct slot *slot);     /* [any] that are not released */
/* How long it is until a load that failed may be tried again; 0 = it may. [any] */
int64_t slot_retry_ns(const struct slot *slot);
const char *slot_state_name(enum slot_state state);  /* "ready" … */

static inline const char *slot_name(const struct slot *slot) /* [any] */
{
    return slot->provider->name.data;
}

#endif
