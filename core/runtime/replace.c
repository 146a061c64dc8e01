/* SPDX-License-Identifier: MIT */
/* Which providers the map leads to. One that serves is replaced only once the one to come, its heir,
 * has been loaded beside it: each by a small publication of its own, so that none waits for another.
 * If the heir cannot be loaded the one before it serves on, and the heir is tried again when a call
 * of it would be. The keeper waits for no load. [keeper] */
#include <string.h>

#include "runtime/state.h"

/* `p` may leave the list meanwhile, no other. */
#define EACH_PROVIDER(p, runtime)                                                                  \
    for (struct list *at_ = (runtime)->providers.next, *next_ = at_->next;                         \
         at_ != &(runtime)->providers &&                                                           \
         ((p) = CONTAINER_OF(at_, struct runtime_provider, link), true);                           \
         at_ = next_, next_ = next_->next)

/* --- Leaving ----------------------------------------------------------------------------------- */

static void on_drain_order(struct message *message)
{
    struct drain_order *order = CONTAINER_OF(message, struct drain_order, message);
    const struct runtime_loop *l = &order->provider->runtime->loops[order->loop_index];
    engine_loop_drain(l->engine, order->provider->slot, order->limit_ms);
    slot_loop_drain(order->provider->slot, order->loop_index);
}

/* No map leads to it any more, and a grace period has passed, if ever one did. */
static void retire(struct runtime_provider *p)
{
    struct runtime *runtime = p->runtime;
    const struct config *config = atomic_load(&runtime->config.current); /* NULL: at the start */
    int64_t limit_ms = config != NULL ? config->drain_ms : 0;
    slot_retire(p->slot);
    for (unsigned i = 0; i < runtime->loop_count; i++) {
        p->drains[i] = (struct drain_order){{.run = on_drain_order}, p, i, limit_ms};
        loop_post(runtime->loops[i].loop, &p->drains[i].message);
    }
}

static void settle(struct runtime_provider *p, const harborai_error *error)
{
    struct runtime_order *order = p->order;
    p->order = NULL;
    if (order != NULL)
        order_settle(order, error);
}

/* A slot cannot be closed while it is being loaded: it is retired when that is over. */
static void leave(struct runtime_provider *p)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    (void)harborai_error_set(&error, HARBORAI_E_CLOSED,
                             "providers.%s: a newer order came, or the end, before it was loaded",
                             slot_name(p->slot));
    list_remove(&p->link);
    p->place = PROVIDER_LEAVING;
    settle(p, &error);
    if (!p->is_loading)
        retire(p);
}

void providers_leave(struct runtime *runtime)
{
    struct runtime_provider *p;
    EACH_PROVIDER(p, runtime)
        leave(p);
}

/* --- Taking the place of another ----------------------------------------------------------------- */

/* The map may be published at another time, if memory is short now; not for this heir. */
static harborai_status take_place(struct runtime_provider *heir, harborai_error *error)
{
    struct runtime *runtime = heir->runtime;
    struct runtime_provider *p;
    EACH_PROVIDER(p, runtime)
        p->shown = p->place == PROVIDER_PUBLISHED && p != heir->before;
    heir->shown = true;
    harborai_status st = keeper_publish_models(runtime, error);
    if (st < 0)
        return st;
    leave(heir->before);
    heir->before = NULL;
    heir->place = PROVIDER_PUBLISHED;
    meter_count_result(heir->slot->meter, METER_REPLACED);
    log_write(runtime->options.log, LOG_LEVEL_INFO, "provider.replaced", "provider=%s",
              slot_name(heir->slot));
    settle(heir, NULL);
    return st;
}

bool provider_awaits_retry(const struct runtime_provider *p)
{
    return p->place == PROVIDER_HEIR && !p->is_loading;
}

bool provider_is_kept_for_another(const struct runtime_provider *p, enum plugin_stage stage,
                                  const harborai_error *why)
{
    return p->why_kept.code == HARBORAI_OK || p->kept_stage != stage ||
           strcmp(p->why_kept.message, why->message) != 0;
}

/* The next of those that wait. */
static void plan_retry(struct runtime *runtime)
{
    struct runtime_provider *p;
    int64_t next_ns = 0;
    EACH_PROVIDER(p, runtime)
        if (provider_awaits_retry(p) && p->retry_ns != 0 && (next_ns == 0 || p->retry_ns < next_ns))
            next_ns = p->retry_ns;
    reminder_set(&runtime->retry, next_ns);
}

static void say_kept(const struct runtime_provider *heir, enum plugin_stage stage,
                     const harborai_error *error)
{
    log_write(heir->runtime->options.log, LOG_LEVEL_ERROR, "provider.kept",
              "provider=%s stage=%s error='%s' help='the provider serves on as it was before: "
              "correct this%s'", slot_name(heir->slot), plugin_stage_name(stage), error->message,
              heir->retry_ns != 0 ? "; it is tried again by itself, and at once upon SIGHUP"
                                  : " and have it read again");
}

/* `again_ns`: when it may be had; 0 = not before something changes. */
static void serve_on(struct runtime_provider *heir, enum plugin_stage stage,
                     const harborai_error *error, int64_t again_ns)
{
    struct runtime_provider *before = heir->before;
    heir->retry_ns = again_ns;
    meter_count_result(heir->slot->meter, METER_KEPT);
    if (!heir->is_retry || provider_is_kept_for_another(before, stage, error))
        say_kept(heir, stage, error);
    before->why_kept = *error;
    before->kept_stage = stage;
    settle(heir, error);
    plan_retry(heir->runtime);
}

static int64_t retry_after(const struct slot *slot)
{
    int64_t left_ns = slot_retry_ns(slot);
    return clock_monotonic_ns(&clock_system) + (left_ns > NS_PER_S ? left_ns : NS_PER_S);
}

static void on_loaded(struct job *job)
{
    struct runtime_provider *p = CONTAINER_OF(job, struct runtime_provider, loaded);
    harborai_error error = HARBORAI_ERROR_INIT;
    enum plugin_stage stage = PLUGIN_STAGE_NONE;
    p->is_loading = false;
    if (p->place == PROVIDER_LEAVING) {
        retire(p);
        return;
    }
    if (p->place == PROVIDER_PUBLISHED) /* before a call came: the log has what went wrong */
        return;
    harborai_status st = p->load.status;
    if (st < 0 && slot_failure(p->slot, &stage, &error) < 0)
        (void)harborai_error_set(&error, st, "it cannot be loaded");
    if (st >= 0)
        st = take_place(p, &error);
    if (st < 0)
        serve_on(p, stage, &error, retry_after(p->slot));
}

static void post_loaded(struct slot_waiter *waiter)
{
    struct runtime_provider *p = CONTAINER_OF(waiter, struct runtime_provider, load);
    p->loaded.run = on_loaded;
    /* Without a thread for it the heir stays one until the process ends. */
    harborai_status st = jobs_submit(p->runtime->keeper, &p->loaded, NULL);
    (void)st;
}

/* No map leads to the heir, and it leaves only when the load is over: it needs no pin. */
static void load(struct runtime_provider *heir)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    heir->is_loading = true;
    heir->load.post = post_loaded;
    harborai_status st = slot_request_load(heir->slot, &heir->load, &error);
    if (st == HARBORAI_PAUSE)
        return;
    if (st >= 0) { /* it was there, but memory was short when it was to be published */
        heir->load.status = HARBORAI_OK;
        post_loaded(&heir->load);
        return;
    }
    heir->is_loading = false;
    serve_on(heir, PLUGIN_STAGE_CREATE, &error, 0); /* a secret is missing */
}

void providers_retry(struct reminder *retry)
{
    struct runtime *runtime = CONTAINER_OF(retry, struct runtime, retry);
    struct runtime_provider *p;
    int64_t now_ns = clock_monotonic_ns(&clock_system);
    EACH_PROVIDER(p, runtime)
        if (provider_awaits_retry(p) && p->retry_ns != 0 && p->retry_ns <= now_ns) {
            p->is_retry = true;
            load(p);
        }
    plan_retry(runtime);
}

/* --- Before a call comes --------------------------------------------------------------------------- */

static void say_not_preloaded(const struct runtime *runtime, harborai_str name, const char *why)
{
    log_write(runtime->options.log, LOG_LEVEL_WARN, "provider.not_preloaded",
              "provider='%.*s' error='%s'", SLICE_ARG(name), why);
}

/* It leaves only when the load is over, whatever becomes of it meanwhile. */
static void preload(struct runtime_provider *p)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    p->is_loading = true;
    p->load.post = post_loaded;
    harborai_status st = slot_request_load(p->slot, &p->load, &error);
    if (st == HARBORAI_PAUSE)
        return;
    p->is_loading = false;
    if (st < 0)
        say_not_preloaded(p->runtime, p->slot->provider->name, error.message);
}

/* Whether there is one of that name; "all" are all. */
static bool preload_named(struct runtime *runtime, harborai_str name)
{
    bool is_there = slice_is(name, "all");
    struct runtime_provider *p;
    EACH_PROVIDER(p, runtime) {
        if (!slice_is(name, "all") && !slice_equal(p->slot->provider->name, name))
            continue;
        is_there = true;
        if (p->place == PROVIDER_PUBLISHED && p->why_off.len == 0 && !p->is_loading &&
            slot_state(p->slot) == SLOT_READY)
            preload(p);
    }
    return is_there;
}

static void preload_all(struct runtime *runtime, bool is_new)
{
    const struct config *config = (const void *)atomic_load(&runtime->config.current);
    const struct config_names *names = &config->plugin_preload;
    for (size_t i = 0; runtime->options.with_preload && i < names->count; i++)
        if (!preload_named(runtime, names->items[i]) && is_new)
            say_not_preloaded(runtime, names->items[i], "there is no such provider");
}

/* --- A new configuration ------------------------------------------------------------------------- */

/* The one of its name that serves now; not one that was switched off where it stands. */
static struct runtime_provider *find_before(struct runtime_provider *p)
{
    struct runtime_provider *other;
    EACH_PROVIDER(other, p->runtime)
        if (other->place == PROVIDER_PUBLISHED &&
            slice_equal(other->slot->provider->name, p->slot->provider->name))
            return other->why_off.len == 0 && slot_acquire_fast(other->slot) != NULL ? other : NULL;
    return NULL;
}

void providers_show_wanted(struct runtime *runtime)
{
    struct runtime_provider *p;
    EACH_PROVIDER(p, runtime)
        p->shown = p->wanted;
}

bool providers_show_possible(struct runtime *runtime)
{
    struct runtime_provider *p;
    bool differs = false;
    EACH_PROVIDER(p, runtime) {
        if (!p->wanted || p->place == PROVIDER_PUBLISHED)
            continue;
        if (p->place == PROVIDER_NEW && p->why_off.len == 0)
            p->before = find_before(p);
        if (p->before == NULL)
            continue;
        p->shown = false;
        p->before->shown = true;
        differs = true;
    }
    return differs;
}

void providers_commit(struct runtime *runtime, struct runtime_order *order, bool is_configured)
{
    struct runtime_provider *p;
    EACH_PROVIDER(p, runtime) {
        if (p->shown)
            p->place = PROVIDER_PUBLISHED;
        else if (!p->wanted)
            leave(p);
    }
    EACH_PROVIDER(p, runtime)
        if (p->place == PROVIDER_NEW) {
            p->place = PROVIDER_HEIR;
            p->order = order;
            if (order != NULL)
                order->pending++;
            load(p);
        }
    preload_all(runtime, is_configured);
}

void providers_give_up(struct runtime *runtime)
{
    struct runtime_provider *p;
    EACH_PROVIDER(p, runtime)
        if (p->place == PROVIDER_NEW)
            leave(p);
}
