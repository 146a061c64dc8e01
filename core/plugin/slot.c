/* SPDX-License-Identifier: MIT */
/* The life of a provider, as calls and the keeper see it. Loops only exchange pointers here;
 * foreign code runs in slot_job.c. */
#include "plugin/slot.h"

#include <stdlib.h>

#include "plugin/slot_parts.h"

const struct slot_waiter slot_idle;

/* ---- Create, destroy ----------------------------------------------------------------------- */

harborai_status slot_create(const struct slot_options *options, struct slot **ret_slot,
                            harborai_error *error)
{
    struct slot *slot = aligned_alloc(CACHE_LINE, sizeof *slot);
    if (slot == NULL || options->loop_count > LIMIT_LOOPS) {
        free(slot);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot make a slot: %s",
                                  slot == NULL ? "out of memory" : "too many loops");
    }
    memset(slot, 0, sizeof *slot);
    harborai_status st = provider_create(options->provider, &slot->provider, error);
    if (st < 0) {
        free(slot);
        return st;
    }
    atomic_init(&slot->waiters, SLOT_IDLE);
    atomic_init(&slot->loops_left, options->loop_count);
    slot->services = options->services;
    slot->loader = options->loader;
    slot->meter = options->meter;
    slot->on_quiescent = options->on_quiescent;
    slot->on_gone = options->on_gone;
    slot->owner = options->owner;
    slot->loop_count = options->loop_count;
    slot->job.run = slot_run_job;
    slot->failure = (harborai_error)HARBORAI_ERROR_INIT;
    pthread_mutex_init(&slot->failure_lock, NULL);
    provider_host_init(&slot->host, slot, slot->provider, slot->services,
                       options->call_functions);
    *ret_slot = slot;
    return HARBORAI_OK;
}

void slot_destroy(struct slot *slot)
{
    if (slot == NULL)
        return;
    provider_host_release(&slot->host);
    pthread_mutex_destroy(&slot->failure_lock);
    provider_destroy(slot->provider);
    free(slot);
}

/* ---- Loading ------------------------------------------------------------------------------- */

/* Whether a load that failed may not be tried again yet. */
bool slot_is_too_early(struct slot *slot)
{
    int64_t retry_at_ns = atomic_load(&slot->retry_at_ns);
    return retry_at_ns != 0 && clock_monotonic_ns(slot->services->clock) < retry_at_ns;
}

/* With the error of the load that failed. */
harborai_status slot_refuse(struct slot *slot, harborai_error *error)
{
    harborai_error failure;
    harborai_status st = slot_failure(slot, NULL, &failure);
    if (st == HARBORAI_OK && error != NULL)
        *error = failure;
    return st == HARBORAI_OK ? failure.code : st;
}

harborai_status slot_request_load(struct slot *slot, struct slot_waiter *waiter,
                                  harborai_error *error)
{
    harborai_status st = provider_check_secrets(slot->provider, error);
    if (st < 0)
        return st;
    struct slot_waiter *head = atomic_load(&slot->waiters);
    for (;;) {
        bool is_first = head == SLOT_IDLE;
        if (is_first && slot_acquire_fast(slot) != NULL)
            return HARBORAI_OK;
        if (is_first && slot_is_too_early(slot))
            return slot_refuse(slot, error);
        waiter->next = is_first ? NULL : head;
        if (!atomic_compare_exchange_weak(&slot->waiters, &head, waiter))
            continue;
        if (is_first) {
            atomic_store(&slot->state, SLOT_LOADING);
            slot_add_work(slot, SLOT_WORK_OPEN);
        }
        return HARBORAI_PAUSE;
    }
}

harborai_status slot_failure(struct slot *slot, enum plugin_stage *ret_stage,
                             harborai_error *ret_failure)
{
    pthread_mutex_lock(&slot->failure_lock);
    bool has_failed = slot->failure.code < 0;
    if (has_failed && ret_failure != NULL)
        *ret_failure = slot->failure;
    if (has_failed && ret_stage != NULL)
        *ret_stage = slot->failure_stage;
    pthread_mutex_unlock(&slot->failure_lock);
    return has_failed ? HARBORAI_OK : HARBORAI_E_CLOSED;
}

/* ---- Draining ------------------------------------------------------------------------------ */

static void report_quiescent(struct slot *slot, struct slot_shard *shard)
{
    if (!shard->draining || shard->reported || atomic_load(&shard->pins) > 0)
        return;
    shard->reported = true;
    if (atomic_fetch_sub(&slot->loops_left, 1) == 1)
        slot->on_quiescent(slot);
}

void slot_unpin(struct slot *slot, unsigned loop_index)
{
    struct slot_shard *shard = &slot->shards[loop_index];
    atomic_store_explicit(&shard->pins,
                          atomic_load_explicit(&shard->pins, memory_order_relaxed) - 1,
                          memory_order_relaxed);
    report_quiescent(slot, shard);
}

void slot_loop_drain(struct slot *slot, unsigned loop_index)
{
    slot->shards[loop_index].draining = true;
    report_quiescent(slot, &slot->shards[loop_index]);
}

void slot_retire(struct slot *slot)
{
    atomic_store(&slot->retired, true);
    if (slot_acquire_fast(slot) != NULL) /* else it is told when it is closed */
        slot_add_work(slot, SLOT_WORK_DRAIN);
}

void slot_close(struct slot *slot)
{
    atomic_store(&slot->retired, true);
    if (atomic_load(&slot->state) == SLOT_READY)
        slot_unload(slot); /* never loaded: no thread is needed */
    else
        slot_add_work(slot, SLOT_WORK_CLOSE);
}

void slot_tick(struct slot *slot)
{
    slot_add_work(slot, SLOT_WORK_TICK);
}

enum slot_state slot_state(const struct slot *slot)
{
    struct slot *s = (struct slot *)(uintptr_t)slot;
    int state = atomic_load(&s->state);
    if (state == SLOT_SERVING && atomic_load(&s->retired))
        return atomic_load(&s->loops_left) > 0 ? SLOT_DRAINING : SLOT_QUIESCENT;
    return (enum slot_state)state;
}

size_t slot_call_count(const struct slot *slot)
{
    struct slot *s = (struct slot *)(uintptr_t)slot;
    size_t count = 0;
    for (unsigned i = 0; i < s->loop_count; i++)
        count += atomic_load_explicit(&s->shards[i].pins, memory_order_relaxed);
    return count;
}

int64_t slot_retry_ns(const struct slot *slot)
{
    int64_t at_ns = atomic_load(&((struct slot *)(uintptr_t)slot)->retry_at_ns);
    int64_t left_ns = at_ns != 0 ? at_ns - clock_monotonic_ns(slot->services->clock) : 0;
    return left_ns > 0 ? left_ns : 0;
}

const char *slot_state_name(enum slot_state state)
{
    static const char *const names[] = {"ready",    "loading",   "serving", "failed",
                                        "draining", "quiescent", "gone"};
    return names[state];
}
