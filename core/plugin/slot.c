/* SPDX-License-Identifier: MIT */
/* The life of a provider. Loops only exchange pointers here; foreign code runs in the slot's job,
 * of which there is one, so that no two functions of the provider for job threads ever overlap. No
 * lock is held while it runs. */
#include "plugin/slot.h"

#include <stdlib.h>

#include "base/error.h"

#define BACKOFF_FIRST NS_PER_S
#define BACKOFF_MOST (60 * NS_PER_S)

/* What the job has to do, in the order in which it is done. */
enum {
    WORK_OPEN = 1u << 0,   /* loader: dlopen */
    WORK_CREATE = 1u << 1, /* create(), first tick() */
    WORK_TICK = 1u << 2,
    WORK_DRAIN = 1u << 3,
    WORK_CLOSE = 1u << 4,  /* destroy() */
    WORK_UNLOAD = 1u << 5, /* loader: dlclose, the end of the slot */
    WORK_RELEASE = 1u << 6, /* loader: dlclose after a create() that failed */
    WORK_RUNNING = 1u << 31
};

/* Stands in `waiters` while no load is under way, so that parking and the end of the load are
 * decided on one atomic variable and no waiter can be lost. */
static const struct slot_waiter idle;
#define SLOT_IDLE ((struct slot_waiter *)(uintptr_t)&idle)

static void slot_run(struct job *job);
static void finish_load(struct slot *slot, enum plugin_stage stage, const harborai_error *error);
static void post_waiters(struct slot_waiter *newest, harborai_status status);
static bool is_too_early(struct slot *slot);
static harborai_status refuse(struct slot *slot, harborai_error *error);

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
    slot->on_quiescent = options->on_quiescent;
    slot->on_gone = options->on_gone;
    slot->owner = options->owner;
    slot->loop_count = options->loop_count;
    slot->job.run = slot_run;
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

/* ---- The job ------------------------------------------------------------------------------- */

static enum provider_duty duty_of(unsigned work)
{
    return (work & (WORK_OPEN | WORK_UNLOAD | WORK_RELEASE)) != 0 ? PROVIDER_DUTY_LOADER
                                                                  : PROVIDER_DUTY_PROVIDER;
}

/* Hands the job to a thread of the duty that `work` needs. Nothing of the slot may be touched after
 * it has succeeded. */
static harborai_status submit(struct slot *slot, unsigned work, harborai_error *error)
{
    slot->duty = duty_of(work);
    return slot->services->run_job(slot->services, slot->duty, &slot->job, error);
}

static void add_work(struct slot *slot, unsigned work)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (atomic_fetch_or(&slot->work, work) != 0 || submit(slot, work, &error) == HARBORAI_OK)
        return; /* or the job is under way and will see it */
    log_write(slot->services->log, LOG_LEVEL_ERROR, "plugin.no_thread", "provider=%s error='%s'",
              slot_name(slot), error.message);
    if (work == WORK_CLOSE) {
        slot_run(&slot->job); /* there is no thread of that duty that it could meet */
        return;
    }
    unsigned others = atomic_exchange(&slot->work, 0);
    if (work == WORK_OPEN)
        finish_load(slot, PLUGIN_STAGE_DLOPEN, &error);
    if ((others & WORK_CLOSE) != 0)
        add_work(slot, WORK_CLOSE);
}

static void call_tick(struct slot *slot)
{
    const harborai_plugin *table = slot->live.table;
    if (slot->live.provider == NULL || table->tick == NULL)
        return;
    int64_t again_ms = table->tick(slot->live.provider);
    if (slot->services->tick_after != NULL)
        slot->services->tick_after(slot->services, slot, again_ms);
}

/* A call may have asked for a load when another was just over: then that one's result holds. */
static bool is_settled(struct slot *slot)
{
    bool serves = slot->live.provider != NULL;
    if (!serves && !is_too_early(slot))
        return false;
    atomic_store(&slot->state, serves ? SLOT_SERVING : SLOT_FAILED);
    post_waiters(atomic_exchange(&slot->waiters, SLOT_IDLE),
                 serves ? HARBORAI_OK : refuse(slot, NULL));
    return true;
}

static void work_open(struct slot *slot)
{
    const struct provider *p = slot->provider;
    harborai_error error = HARBORAI_ERROR_INIT;
    enum plugin_stage stage = PLUGIN_STAGE_DLOPEN;
    if (is_settled(slot))
        return;
    harborai_status st = plugin_object_open(slot->loader, p->path, &p->identity, p->manifest,
                                            &slot->object, &stage, &error);
    if (st < 0)
        finish_load(slot, stage, &error);
    else
        atomic_fetch_or(&slot->work, WORK_CREATE);
}

/* A plugin that says OK without a provider, or an error without one, is a bug of the plugin's. */
static harborai_status call_create(struct slot *slot, harborai_error *error)
{
    const harborai_plugin *table = &slot->object->table;
    harborai_provider *made = NULL;
    atomic_fetch_add_explicit(&slot->load_count, 1, memory_order_relaxed);
    harborai_status st = table->create(&slot->host.functions, slot->provider->config, &made, error);
    error->message[sizeof error->message - 1] = '\0';
    error->param[sizeof error->param - 1] = error->vendor_code[sizeof error->vendor_code - 1] = '\0';
    if (st == HARBORAI_OK && made == NULL)
        return harborai_error_set(error, HARBORAI_E_INTERNAL,
                                  "plugin %s: create() gives no provider", table->id);
    if (st > HARBORAI_OK || (st < HARBORAI_OK && error->message[0] == '\0'))
        return harborai_error_set(error, st < HARBORAI_OK ? st : HARBORAI_E_INTERNAL,
                                  "plugin %s: create() fails without a message", table->id);
    if (st < HARBORAI_OK) {
        error->flags = error->code == st ? error->flags : harborai_error_flags(st);
        error->code = st;
        return st;
    }
    slot->live = (struct slot_provider){table, made, &slot->host.functions, slot->provider};
    return HARBORAI_OK;
}

static void work_create(struct slot *slot)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (call_create(slot, &error) < 0) {
        error_prefix(&error, "providers.%s: ", slot_name(slot));
        atomic_fetch_or(&slot->work, WORK_RELEASE);
        finish_load(slot, PLUGIN_STAGE_CREATE, &error);
        return;
    }
    call_tick(slot);
    finish_load(slot, PLUGIN_STAGE_NONE, NULL);
}

static void work_drain(struct slot *slot)
{
    if (slot->live.provider != NULL && !slot->drain_said && slot->live.table->drain != NULL)
        slot->live.table->drain(slot->live.provider);
    slot->drain_said = slot->live.provider != NULL;
}

static void work_close(struct slot *slot)
{
    if (slot->services->tick_after != NULL)
        slot->services->tick_after(slot->services, slot, -1);
    atomic_store(&slot->serving, NULL);
    if (slot->live.provider != NULL) {
        work_drain(slot);
        slot->live.table->destroy(slot->live.provider);
        slot->live.provider = NULL;
    }
    atomic_fetch_or(&slot->work, WORK_UNLOAD);
}

static void work_release(struct slot *slot)
{
    plugin_object_close(slot->loader, slot->object);
    slot->object = NULL;
}

static void work_run(struct slot *slot, unsigned work)
{
    switch (work) {
    case WORK_OPEN: work_open(slot); break;
    case WORK_CREATE: work_create(slot); break;
    case WORK_TICK: call_tick(slot); break;
    case WORK_DRAIN: work_drain(slot); break;
    case WORK_CLOSE: work_close(slot); break;
    case WORK_RELEASE: work_release(slot); break;
    default: break;
    }
}

/* The end: nothing of the slot is touched after on_gone. */
static void work_unload(struct slot *slot)
{
    work_release(slot);
    atomic_store(&slot->state, SLOT_GONE);
    if (slot->on_gone != NULL)
        slot->on_gone(slot);
}

/* What must be done first. A release goes before a new open, or the object would be lost. */
static unsigned first_of(unsigned work)
{
    return (work & WORK_RELEASE) != 0 ? (unsigned)WORK_RELEASE : work & -work;
}

static void slot_run(struct job *job)
{
    struct slot *slot = CONTAINER_OF(job, struct slot, job);
    for (;;) {
        unsigned all = atomic_exchange(&slot->work, WORK_RUNNING) & ~(unsigned)WORK_RUNNING,
                 running = WORK_RUNNING;
        if (all == 0) {
            if (atomic_compare_exchange_strong(&slot->work, &running, 0))
                return;
            continue;
        }
        unsigned work = first_of(all);
        if (duty_of(work) != slot->duty) {
            atomic_fetch_or(&slot->work, all);
            if (submit(slot, work, NULL) == HARBORAI_OK)
                return;
            continue; /* there is no thread of that duty that it could meet here */
        }
        atomic_fetch_or(&slot->work, all & ~work);
        if (work == WORK_UNLOAD) {
            work_unload(slot);
            return;
        }
        work_run(slot, work);
    }
}

/* ---- Loading ------------------------------------------------------------------------------- */

static void set_failure(struct slot *slot, enum plugin_stage stage, const harborai_error *error)
{
    pthread_mutex_lock(&slot->failure_lock);
    slot->failure = *error;
    slot->failure_stage = stage;
    pthread_mutex_unlock(&slot->failure_lock);
}

static void wait_longer(struct slot *slot)
{
    slot->backoff_ns = slot->backoff_ns == 0 ? BACKOFF_FIRST : 2 * slot->backoff_ns;
    if (slot->backoff_ns > BACKOFF_MOST)
        slot->backoff_ns = BACKOFF_MOST;
    atomic_store(&slot->retry_at_ns,
                 clock_monotonic_ns(slot->services->clock) + slot->backoff_ns);
}

/* The chain is newest first: turned, so that calls go on in the order in which they came. */
static void post_waiters(struct slot_waiter *newest, harborai_status status)
{
    struct slot_waiter *oldest = NULL;
    while (newest != NULL) {
        struct slot_waiter *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct slot_waiter *next = oldest->next;
        oldest->status = status;
        oldest->post(oldest); /* it may be gone now */
        oldest = next;
    }
}

/* Everything that a call may look at is in place before the waiters are taken: whoever comes after
 * that finds no load under way and sees the result. [job] */
static void finish_load(struct slot *slot, enum plugin_stage stage, const harborai_error *error)
{
    if (slot->services->count_load != NULL)
        slot->services->count_load(slot->services, error == NULL);
    if (error == NULL) {
        slot->backoff_ns = 0;
        atomic_store(&slot->retry_at_ns, 0);
        atomic_store(&slot->serving, &slot->live);
        atomic_store(&slot->state, SLOT_SERVING);
        log_write(slot->services->log, LOG_LEVEL_INFO, "plugin.loaded", "provider=%s file='%s'",
                  slot_name(slot), slot->provider->path);
    } else {
        set_failure(slot, stage, error);
        wait_longer(slot);
        atomic_store(&slot->state, SLOT_FAILED);
        log_write(slot->services->log, LOG_LEVEL_ERROR, "plugin.failed",
                  "provider=%s stage=%s error='%s'", slot_name(slot), plugin_stage_name(stage),
                  error->message);
    }
    post_waiters(atomic_exchange(&slot->waiters, SLOT_IDLE),
                 error != NULL ? error->code : HARBORAI_OK);
}

/* Whether a load that failed may not be tried again yet. */
static bool is_too_early(struct slot *slot)
{
    int64_t retry_at_ns = atomic_load(&slot->retry_at_ns);
    return retry_at_ns != 0 && clock_monotonic_ns(slot->services->clock) < retry_at_ns;
}

/* With the error of the load that failed. */
static harborai_status refuse(struct slot *slot, harborai_error *error)
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
        if (is_first && is_too_early(slot))
            return refuse(slot, error);
        waiter->next = is_first ? NULL : head;
        if (!atomic_compare_exchange_weak(&slot->waiters, &head, waiter))
            continue;
        if (is_first) {
            atomic_store(&slot->state, SLOT_LOADING);
            add_work(slot, WORK_OPEN);
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
    if (!shard->draining || shard->reported || shard->pins > 0)
        return;
    shard->reported = true;
    if (atomic_fetch_sub(&slot->loops_left, 1) == 1)
        slot->on_quiescent(slot);
}

void slot_unpin(struct slot *slot, unsigned loop_index)
{
    struct slot_shard *shard = &slot->shards[loop_index];
    shard->pins--;
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
        add_work(slot, WORK_DRAIN);
}

void slot_close(struct slot *slot)
{
    atomic_store(&slot->retired, true);
    if (atomic_load(&slot->state) == SLOT_READY)
        work_unload(slot); /* never loaded: no thread is needed */
    else
        add_work(slot, WORK_CLOSE);
}

void slot_tick(struct slot *slot)
{
    add_work(slot, WORK_TICK);
}

enum slot_state slot_state(const struct slot *slot)
{
    struct slot *s = (struct slot *)(uintptr_t)slot;
    int state = atomic_load(&s->state);
    if (state == SLOT_SERVING && atomic_load(&s->retired))
        return SLOT_DRAINING;
    return (enum slot_state)state;
}

const char *slot_state_name(enum slot_state state)
{
    static const char *const names[] = {"ready", "loading", "serving", "failed", "draining", "gone"};
    return names[state];
}
