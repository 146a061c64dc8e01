/* SPDX-License-Identifier: MIT */
/* The slot's job: dlopen, and every function of the plugin that is for job threads. There is one
 * job a slot, so that no two of them ever overlap. No lock is held while foreign code runs. */
#include "plugin/slot_parts.h"

#include "base/error.h"

#define BACKOFF_FIRST NS_PER_S
#define BACKOFF_MOST (60 * NS_PER_S)
#define TICK_AGAIN_MS 1000 /* after one for which there was no thread */

/* ---- What is to be done -------------------------------------------------------------------- */

static enum provider_duty duty_of(unsigned work)
{
    const unsigned of_loader = SLOT_WORK_OPEN | SLOT_WORK_UNLOAD | SLOT_WORK_RELEASE;
    return (work & of_loader) != 0 ? PROVIDER_DUTY_LOADER : PROVIDER_DUTY_PROVIDER;
}

/* Hands the job to a thread of the duty that `work` needs. Nothing of the slot may be touched after
 * it has succeeded. */
static harborai_status submit(struct slot *slot, unsigned work, harborai_error *error)
{
    slot->duty = duty_of(work);
    return slot->services->run_job(slot->services, slot->duty, &slot->job, error);
}

/* ---- The end of a load --------------------------------------------------------------------- */

/* Whether it is another one than before. */
static bool set_failure(struct slot *slot, enum plugin_stage stage, const harborai_error *error)
{
    pthread_mutex_lock(&slot->failure_lock);
    bool is_news = slot->failure.code == HARBORAI_OK || slot->failure_stage != stage ||
                   strcmp(slot->failure.message, error->message) != 0;
    slot->failure = *error;
    slot->failure_stage = stage;
    pthread_mutex_unlock(&slot->failure_lock);
    return is_news;
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
    meter_count_load(slot->meter, stage);
    if (error == NULL) {
        atomic_store(&slot->generation, slot->object->generation);
        atomic_store(&slot->can_unload, slot->object->table.unload != NULL);
        atomic_store(&slot->loaded_ns, clock_wall_ns(slot->services->clock));
        slot->backoff_ns = 0;
        atomic_store(&slot->retry_at_ns, 0);
        atomic_store(&slot->serving, &slot->live);
        atomic_store(&slot->state, SLOT_SERVING);
        log_write(slot->services->log, LOG_LEVEL_INFO, "plugin.loaded", "provider=%s file='%s'",
                  slot_name(slot), slot->provider->path);
    } else {
        enum log_level level = log_level_told(slot->services->log, LOG_LEVEL_ERROR);
        if (!set_failure(slot, stage, error))
            level = LOG_LEVEL_DEBUG;
        wait_longer(slot);
        atomic_store(&slot->state, SLOT_FAILED);
        log_write(slot->services->log, level,
                  "plugin.failed", "provider=%s stage=%s error='%s'", slot_name(slot), plugin_stage_name(stage),
                  error->message);
    }
    post_waiters(atomic_exchange(&slot->waiters, SLOT_IDLE),
                 error != NULL ? error->code : HARBORAI_OK);
}

/* ---- Danger -------------------------------------------------------------------------------- */

/* Whoever marks it does so before the plugin's code runs, and when it has come back: NONE. */
static void enter(struct slot *slot, enum plugin_stage stage)
{
    if (slot->services->enter != NULL)
        slot->services->enter(slot->services, slot->provider, stage);
}

struct watch {
    struct plugin_watcher watcher;
    struct slot *slot;
};

static void on_enter(const struct plugin_watcher *watcher, enum plugin_stage stage)
{
    enter(CONTAINER_OF((uintptr_t)watcher, struct watch, watcher)->slot, stage);
}

/* ---- Duties -------------------------------------------------------------------------------- */

/* The time of a function that began then. None of them is slow: they are on threads of their own. */
static void count_time(struct slot *slot, enum meter_callback callback, int64_t began_ns)
{
    if (slot->meter != NULL)
        meter_add_shared(slot->meter, callback,
                         clock_monotonic_ns(slot->services->clock) - began_ns);
}

static void call_tick(struct slot *slot)
{
    const harborai_plugin *table = slot->live.table;
    if (slot->live.provider == NULL || table->tick == NULL)
        return;
    int64_t began_ns = clock_monotonic_ns(slot->services->clock);
    int64_t again_ms = table->tick(slot->live.provider);
    count_time(slot, METER_TICK, began_ns);
    if (slot->services->tick_after != NULL)
        slot->services->tick_after(slot->services, slot, again_ms);
}

/* A call may have asked for a load when another was just over: then that one's result holds. */
static bool is_settled(struct slot *slot)
{
    bool serves = slot->live.provider != NULL;
    if (!serves && !slot_is_too_early(slot))
        return false;
    atomic_store(&slot->state, serves ? SLOT_SERVING : SLOT_FAILED);
    post_waiters(atomic_exchange(&slot->waiters, SLOT_IDLE),
                 serves ? HARBORAI_OK : slot_refuse(slot, NULL));
    return true;
}

static void work_open(struct slot *slot)
{
    const struct provider *p = slot->provider;
    harborai_error error = HARBORAI_ERROR_INIT;
    enum plugin_stage stage = PLUGIN_STAGE_DLOPEN;
    if (is_settled(slot))
        return;
    const struct watch watch = {{on_enter}, slot};
    log_write(slot->services->log, LOG_LEVEL_DEBUG, "plugin.loading", "provider=%s file='%s'",
              slot_name(slot), p->path);
    harborai_status st = plugin_object_open(slot->loader, p->path, &p->identity, p->manifest,
                                            &watch.watcher, &slot->object, &stage, &error);
    enter(slot, PLUGIN_STAGE_NONE);
    if (st < 0)
        finish_load(slot, stage, &error);
    else
        atomic_fetch_or(&slot->work, SLOT_WORK_CREATE);
    if (st == HARBORAI_E_OVERLOADED && slot->services->look_again != NULL)
        slot->services->look_again(slot->services);
}

/* A plugin that says OK without a provider, or an error without one, is a bug of the plugin's. */
static harborai_status call_create(struct slot *slot, harborai_error *error)
{
    const harborai_plugin *table = &slot->object->table;
    harborai_provider *made = NULL;
    atomic_fetch_add_explicit(&slot->load_count, 1, memory_order_relaxed);
    int64_t began_ns = clock_monotonic_ns(slot->services->clock);
    harborai_status st = table->create(&slot->host.functions, slot->provider->config, &made, error);
    count_time(slot, METER_CREATE, began_ns);
    error->message[sizeof error->message - 1] = '\0';
    error->param[sizeof error->param - 1] = error->vendor_code[sizeof error->vendor_code - 1] = '\0';
    if (st == HARBORAI_OK && made == NULL)
        return harborai_error_set(error, HARBORAI_E_INTERNAL,
                                  "plugin %s: create() gives no provider: tell its author",
                                  table->id);
    if (st > HARBORAI_OK || (st < HARBORAI_OK && error->message[0] == '\0'))
        return harborai_error_set(error, st < HARBORAI_OK ? st : HARBORAI_E_INTERNAL,
                                  "plugin %s: create() fails without a message", table->id);
    if (st < HARBORAI_OK) {
        error->flags = error->code == st ? error->flags : harborai_error_flags(st);
        error->code = st;
        error_check_code(error);
        return st;
    }
    slot->live = (struct slot_provider){table, made, &slot->host.functions, slot->provider};
    return HARBORAI_OK;
}

static void work_create(struct slot *slot)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    enter(slot, PLUGIN_STAGE_CREATE);
    harborai_status st = call_create(slot, &error);
    if (st < 0) {
        enter(slot, PLUGIN_STAGE_NONE);
        provider_mask_secrets(slot->provider, &error);
        error_prefix(&error, "providers.%s: ", slot_name(slot));
        atomic_fetch_or(&slot->work, SLOT_WORK_RELEASE);
        finish_load(slot, PLUGIN_STAGE_CREATE, &error);
        return;
    }
    if (slot->live.table->tick != NULL)
        enter(slot, PLUGIN_STAGE_TICK);
    call_tick(slot);
    enter(slot, PLUGIN_STAGE_NONE);
    finish_load(slot, PLUGIN_STAGE_NONE, NULL);
}

static void work_drain(struct slot *slot)
{
    int64_t began_ns = clock_monotonic_ns(slot->services->clock);
    if (slot->live.provider != NULL && !slot->drain_said && slot->live.table->drain != NULL) {
        slot->live.table->drain(slot->live.provider);
        count_time(slot, METER_DRAIN, began_ns);
    }
    slot->drain_said = slot->live.provider != NULL;
}

static void work_close(struct slot *slot)
{
    if (slot->services->tick_after != NULL)
        slot->services->tick_after(slot->services, slot, -1);
    atomic_store(&slot->serving, NULL);
    if (slot->live.provider != NULL) {
        enter(slot, PLUGIN_STAGE_DESTROY);
        work_drain(slot);
        int64_t began_ns = clock_monotonic_ns(slot->services->clock);
        slot->live.table->destroy(slot->live.provider);
        count_time(slot, METER_DESTROY, began_ns);
        enter(slot, PLUGIN_STAGE_NONE);
        slot->live.provider = NULL;
    }
    atomic_store(&slot->state, SLOT_GONE);
    atomic_fetch_or(&slot->work, SLOT_WORK_UNLOAD);
}

static void work_release(struct slot *slot)
{
    const struct watch watch = {{on_enter}, slot};
    plugin_object_close(slot->loader, slot->object, &watch.watcher);
    slot->object = NULL;
    enter(slot, PLUGIN_STAGE_NONE);
}

static void work_run(struct slot *slot, unsigned work)
{
    switch (work) {
    case SLOT_WORK_OPEN: work_open(slot); break;
    case SLOT_WORK_CREATE: work_create(slot); break;
    case SLOT_WORK_TICK: call_tick(slot); break;
    case SLOT_WORK_DRAIN: work_drain(slot); break;
    case SLOT_WORK_CLOSE: work_close(slot); break;
    case SLOT_WORK_RELEASE: work_release(slot); break;
    default: break;
    }
}

/* The end: nothing of the slot is touched after on_gone. */
void slot_unload(struct slot *slot)
{
    work_release(slot);
    atomic_store(&slot->state, SLOT_GONE);
    if (slot->on_gone != NULL)
        slot->on_gone(slot);
}

/* What must be done first. A release goes before a new open, or the object would be lost. */
static unsigned first_of(unsigned work)
{
    return (work & SLOT_WORK_RELEASE) != 0 ? (unsigned)SLOT_WORK_RELEASE : work & -work;
}

void slot_run_job(struct job *job)
{
    struct slot *slot = CONTAINER_OF(job, struct slot, job);
    for (;;) {
        unsigned running = SLOT_WORK_RUNNING,
                 all = atomic_exchange(&slot->work, running) & ~running;
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
        if (work == SLOT_WORK_UNLOAD) {
            slot_unload(slot);
            return;
        }
        work_run(slot, work);
    }
}

/* ---- What asks for it ----------------------------------------------------------------------- */

/* There was no thread for what is to be done, nor for what others added meanwhile: a load fails and
 * its waiters are told, a tick is asked for again, and an end comes without a thread, for there is
 * none of that duty that it could meet. */
static void do_without_thread(struct slot *slot, const harborai_error *error)
{
    for (;;) {
        unsigned running = SLOT_WORK_RUNNING,
                 all = atomic_exchange(&slot->work, running) & ~running;
        if (all == 0) {
            if (atomic_compare_exchange_strong(&slot->work, &running, 0))
                return;
            continue;
        }
        if ((all & SLOT_WORK_OPEN) != 0 && !is_settled(slot))
            finish_load(slot, PLUGIN_STAGE_DLOPEN, error);
        if ((all & SLOT_WORK_TICK) != 0 && slot->services->tick_after != NULL)
            slot->services->tick_after(slot->services, slot, TICK_AGAIN_MS);
        if ((all & SLOT_WORK_CLOSE) != 0) {
            atomic_fetch_or(&slot->work, SLOT_WORK_CLOSE);
            slot_run_job(&slot->job);
            return;
        }
    }
}

void slot_add_work(struct slot *slot, unsigned work)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (atomic_fetch_or(&slot->work, work) != 0 || submit(slot, work, &error) == HARBORAI_OK)
        return; /* or the job is under way and will see it */
    log_write(slot->services->log, LOG_LEVEL_ERROR, "plugin.no_thread", "provider=%s error='%s'",
              slot_name(slot), error.message);
    do_without_thread(slot, &error);
}
