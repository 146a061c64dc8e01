/* SPDX-License-Identifier: MIT */
/* Builds every room from one configuration and takes them down in reverse. */
#include "runtime/runtime.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "plugin/trust.h"
#include "runtime/state.h"
#include "store/removal_mark.h"

#define PROVIDER_THREADS 16 /* create, tick, destroy: a slow one holds up no other provider */
#define STOP_LIMIT_NS (10 * NS_PER_S) /* for plugins that do not let go of their calls */
#define LOOP_LIMIT_S 2 /* for a plugin that does not return to the loop */
#define HURRY_LIMIT_S 1 /* in place of either, once somebody is in a hurry */
#define HURRY_LOOK_NS (100 * NS_PER_MS)
#define TRANSPORT_LIMIT_MS 1000 /* for names that are being resolved, CA files that are read */

/* --- Building ---------------------------------------------------------------------------------- */

static harborai_status open_journal(struct runtime_loop *l, const struct config *config,
                                    harborai_error *error)
{
    if (config->state_dir.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "there is no place for the journal: set state_dir, --state-dir or "
                                  "HOME");
    journal_subscriber_init(&l->journal, l->loop, &l->runtime->config, l->metrics.shard,
                            l->runtime->options.log);
    fanout_add(&l->fanout, &l->journal.subscriber);
    harborai_status st = (l->runtime->options.with_late_journal ? journal_open_later : journal_open)(
        &l->journal.journal, config->state_dir, &clock_system, loop_index(l->loop), error);
    if (st >= 0)
        journal_subscriber_use(&l->journal, config);
    return st;
}

static harborai_status build_loop(struct runtime *runtime, unsigned index,
                                  const struct config *config, harborai_error *error)
{
    struct runtime_loop *l = &runtime->loops[index];
    l->runtime = runtime;
    harborai_status st = loop_create(index, &runtime->epoch, &clock_system, &l->loop, error);
    if (st < 0)
        return st;
    metrics_subscriber_init(&l->metrics, metrics_shard_of(runtime->metrics, index));
    fanout_add(&l->fanout, &l->metrics.subscriber);
    if (index == 0)
        fanout_add(&l->fanout, runtime->options.subscriber);
    st = transport_create(runtime->transport, l->loop, &l->transport, error);
    if (st >= 0 && runtime->options.with_journal && config->journal_enabled)
        st = open_journal(l, config, error);
    if (st < 0)
        return st;
    struct engine_services services = {
        .loop = l->loop,
        .config = &runtime->config,
        .models = &runtime->models,
        .secrets = &runtime->secrets,
        .translators = runtime->translators,
        .maskers = runtime->maskers,
        .transport = l->transport,
        .fanout = &l->fanout,
        .replays = runtime->replays,
        .log = runtime->options.log,
        .dropped = &runtime->dropped,
    };
    return engine_loop_create(&services, &l->engine, error);
}

static harborai_status build_threads(struct runtime *runtime, harborai_error *error)
{
    harborai_status st = jobs_create("keeper", 1, &runtime->keeper, error);
    if (st >= 0)
        st = jobs_create("loader", 1, &runtime->loading, error);
    if (st >= 0)
        st = jobs_create("provider", PROVIDER_THREADS, &runtime->provider_jobs, error);
    if (st >= 0)
        st = jobs_create("translator", runtime->loop_count, &runtime->translators, error);
    if (st >= 0)
        st = jobs_create("masker", runtime->loop_count, &runtime->maskers, error);
    return st;
}

static void count_replays(void *context, enum replay_event event, int64_t number)
{
    static const enum metric metrics[REPLAY_EVENTS] = {
        [REPLAY_KEPT] = METRIC_REPLAYS_KEPT,       [REPLAY_GIVEN] = METRIC_REPLAYS_GIVEN,
        [REPLAY_MISSING] = METRIC_REPLAYS_MISSING, [REPLAY_DROPPED] = METRIC_REPLAYS_DROPPED,
        [REPLAY_EVICTED] = METRIC_REPLAYS_EVICTED, [REPLAY_EXPIRED] = METRIC_REPLAYS_EXPIRED,
        [REPLAY_BYTES] = METRIC_REPLAY_BYTES,
    };
    const struct runtime *runtime = context;
    metrics_add_shared(runtime->metrics, metrics[event], number);
}

static harborai_status create_replays(struct runtime *runtime, const struct config *config,
                                      harborai_error *error)
{
    struct replay_options options = {.max_size = (size_t)config->replay_max_size,
                                     .lifetime_ns = config->replay_lifetime_ms * NS_PER_MS,
                                     .clock = &clock_system,
                                     .count = count_replays,
                                     .context = runtime};
    return replay_store_create(&options, &runtime->replays, error);
}

static harborai_status build_shared(struct runtime *runtime, const struct config *config,
                                    harborai_error *error)
{
    harborai_status st = metrics_create(runtime->loop_count, PACKAGE_VERSION, &runtime->metrics, error);
    if (st >= 0)
        st = transport_shared_create(runtime->options.log, &runtime->transport, error);
    if (st >= 0)
        st = create_replays(runtime, config, error);
    if (st >= 0 && runtime->options.with_crash_marks && runtime->state_dir[0] != '\0') {
        crash_tidy(slice_of(runtime->state_dir), &clock_system, runtime->options.log);
        removal_mark_tidy(slice_of(runtime->state_dir));
        st = crash_marks_init(&runtime->marks, slice_of(runtime->state_dir), &clock_system,
                              error);
    }
    if (st >= 0)
        st = plugin_loader_create(&runtime->loader, error);
    if (st >= 0)
        plugin_loader_set_builtin(runtime->loader, builtin_of_program());
    if (st >= 0)
        st = build_threads(runtime, error);
    return st;
}

static unsigned loops_from(const struct runtime_options *options)
{
    unsigned loops = options->loops;
    if (loops == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN); /* reads a file */
        loops = cores > 0 ? (unsigned)cores : 1;
    }
    return loops < LIMIT_LOOPS ? loops : LIMIT_LOOPS;
}

/* Zeroed. */
static struct runtime *allocate(unsigned loops)
{
    const size_t most = _Alignof(struct runtime);
    size_t size = sizeof(struct runtime) + loops * sizeof(struct runtime_loop);
    size = (size + most - 1) / most * most;
    struct runtime *runtime = aligned_alloc(most, size);
    if (runtime != NULL)
        memset(runtime, 0, size);
    return runtime;
}

static void init_lock(struct runtime *runtime)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&runtime->lock, NULL);
    pthread_cond_init(&runtime->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* It has been made by now, if it can be. Who may write there cannot have his code run, but have a plugin
 * switched off, or left out as if it had crashed. */
static void check_state_dir(const struct runtime *runtime)
{
    harborai_error why = HARBORAI_ERROR_INIT;
    if (runtime->options.with_crash_marks && access(runtime->state_dir, F_OK) == 0 &&
        trust_check_place(runtime->state_dir, &why) < 0)
        log_write(runtime->options.log, LOG_LEVEL_WARN, "state.not_safe",
                  "error='%s' help='others may switch plugins off: correct this, or set state_dir to a "
                  "directory of your own'", why.message);
}

harborai_status runtime_create(struct config *config, const struct runtime_options *options,
                               struct runtime **ret_runtime, harborai_error *error)
{
    unsigned loops = loops_from(options);
    struct runtime *runtime = allocate(loops);
    if (runtime == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    runtime->options = *options;
    runtime->options.faults = NULL;
    runtime->loop_count = runtime->meters.loop_count = loops;
    epoch_init(&runtime->epoch);
    list_init(&runtime->providers);
    list_init(&runtime->living);
    init_lock(runtime);
    runtime->state_dir = slice_dup(config->state_dir);
    harborai_status st = runtime->state_dir != NULL
                             ? build_shared(runtime, config, error)
                             : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    for (unsigned i = 0; i < runtime->loop_count && st >= 0; i++)
        st = build_loop(runtime, i, config, error);
    if (st >= 0)
        reminder_init(&runtime->retry, runtime->loops[0].loop, runtime->keeper, providers_retry);
    if (st >= 0) {
        removals_init(runtime);
        check_state_dir(runtime);
    }
    if (st >= 0 && options->with_watch)
        watcher_init(&runtime->watcher, runtime);
    if (st >= 0 && options->with_keys)
        st = key_watch_init(&runtime->keys, runtime, error);
    if (st >= 0)
        st = keeper_apply(runtime, config, options->faults, error);
    if (st < 0) {
        runtime_destroy(runtime);
        return st;
    }
    *ret_runtime = runtime;
    return HARBORAI_OK;
}

/* --- Running ------------------------------------------------------------------------------------ */

static void *run_loop(void *argument)
{
    struct runtime_loop *l = argument;
    loop_run(l->loop);
    return NULL;
}

harborai_status runtime_start(struct runtime *runtime, harborai_error *error)
{
    segments_start(runtime);
    for (unsigned i = 0; i < runtime->loop_count; i++) {
        struct runtime_loop *l = &runtime->loops[i];
        harborai_status st = thread_start(&l->thread, "loop", run_loop, l, error);
        if (st < 0) {
            (void)runtime_stop(runtime);
            return st;
        }
        l->has_thread = true;
    }
    return HARBORAI_OK;
}

/* --- Stopping ----------------------------------------------------------------------------------- */

/* No model is left, and no provider. [keeper] */
static void leave(struct job *job)
{
    struct runtime *runtime = CONTAINER_OF(job, struct runtime, leave);
    struct model_map_source nothing = {0};
    struct model_map *empty;
    runtime->has_left = true;
    if (model_map_create(&nothing, &empty, NULL, NULL) < 0)
        return; /* the map of this moment leads to the providers: they stay */
    const struct model_map *old = snapshot_publish(&runtime->models, empty);
    epoch_synchronize(&runtime->epoch);
    model_map_destroy((struct model_map *)(uintptr_t)old);
    providers_leave(runtime);
}

/* Models go once no loop takes a call any more: so each is told that we are leaving, not that its
 * model is unknown. */
static void on_break_off(struct message *message)
{
    struct runtime_loop *l = CONTAINER_OF(message, struct runtime_loop, break_off);
    struct runtime *runtime = l->runtime;
    engine_loop_break_off(l->engine);
    if (atomic_fetch_sub(&runtime->taking, 1) > 1)
        return;
    runtime->leave.run = leave;
    /* Without a thread for it the providers stay until the process ends. */
    harborai_status st = jobs_submit(runtime->keeper, &runtime->leave, NULL);
    (void)st;
}

static bool all_gone(struct runtime *runtime)
{
    pthread_mutex_lock(&runtime->lock);
    bool gone = list_is_empty(&runtime->living);
    pthread_mutex_unlock(&runtime->lock);
    return gone;
}

/* One pass of each loop that has no thread; false: they all have one. */
static bool drive_loops(struct runtime *runtime)
{
    bool driven = false;
    for (unsigned i = 0; i < runtime->loop_count; i++)
        if (!runtime->loops[i].has_thread) {
            loop_turn(runtime->loops[i].loop, 10);
            driven = true;
        }
    return driven;
}

static bool is_hurried(int hurry_fd)
{
    struct pollfd fd = {.fd = hurry_fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0; /* -1 is never ready */
}

/* Until the last provider is gone, at most until that moment. */
static void await_gone(struct runtime *runtime, int64_t until_ns)
{
    const struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    pthread_mutex_lock(&runtime->lock);
    while (!list_is_empty(&runtime->living) &&
           pthread_cond_timedwait(&runtime->changed, &runtime->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&runtime->lock);
}

/* Loops without a thread are driven here until the last provider is gone. */
static void wait_until_gone(struct runtime *runtime, int hurry_fd)
{
    int64_t now_ns = clock_monotonic_ns(&clock_system), until_ns = now_ns + STOP_LIMIT_NS;
    for (bool hurried = false; !all_gone(runtime) && now_ns < until_ns;
         now_ns = clock_monotonic_ns(&clock_system)) {
        if (!hurried && is_hurried(hurry_fd)) {
            hurried = true;
            if (until_ns > now_ns + HURRY_LIMIT_S * NS_PER_S)
                until_ns = now_ns + HURRY_LIMIT_S * NS_PER_S;
        }
        int64_t look_ns = now_ns + HURRY_LOOK_NS;
        if (!drive_loops(runtime))
            await_gone(runtime, look_ns < until_ns ? look_ns : until_ns);
    }
}

/* Ends the loops' threads; how many stay, because a plugin does not return to them. */
static unsigned end_loops(struct runtime *runtime, int hurry_fd)
{
    struct timespec until;
    unsigned left = 0;
    for (unsigned i = 0; i < runtime->loop_count; i++)
        if (runtime->loops[i].has_thread)
            loop_stop(runtime->loops[i].loop);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += is_hurried(hurry_fd) ? HURRY_LIMIT_S : LOOP_LIMIT_S;
    for (unsigned i = 0; i < runtime->loop_count; i++) {
        struct runtime_loop *l = &runtime->loops[i];
        if (l->has_thread && pthread_timedjoin_np(l->thread, NULL, &until) != 0)
            left++;
        else
            l->has_thread = false;
    }
    return left;
}

/* Those to blame: the others are held up by them, such as by the one thread that loads. */
static bool is_to_blame(const struct slot *slot)
{
    enum slot_state state = slot_state(slot);
    return state == SLOT_LOADING || state == SLOT_DRAINING || state == SLOT_QUIESCENT ||
           slot_call_count(slot) > 0;
}

static void name_holder(const struct runtime *runtime, const struct slot *slot)
{
    log_write(runtime->options.log, LOG_LEVEL_WARN, "runtime.plugin_holds_on",
              "provider=%s file='%s' state=%s calls=%zu help='it did not return, or did not "
              "release its calls, in time: the process ends without it'",
              slot_name(slot), slot->provider->path, slot_state_name(slot_state(slot)),
              slot_call_count(slot));
}

/* Those to blame, or all if that is not known. */
unsigned runtime_name_holders(struct runtime *runtime)
{
    unsigned held = 0, to_blame = 0;
    pthread_mutex_lock(&runtime->lock);
    const struct list *end = &runtime->living;
    for (const struct list *i = end->next; i != end; i = i->next, held++)
        to_blame += is_to_blame(
            CONTAINER_OF((uintptr_t)i, struct runtime_provider, living)->slot);
    for (const struct list *i = end->next; i != end; i = i->next) {
        const struct slot *slot = CONTAINER_OF((uintptr_t)i, struct runtime_provider, living)->slot;
        if (to_blame == 0 || is_to_blame(slot))
            name_holder(runtime, slot);
    }
    pthread_mutex_unlock(&runtime->lock);
    return held;
}

/* getaddrinfo() and a file on a dead mount cannot be broken off; true: one goes on. */
static bool transport_holds_on(struct runtime *runtime)
{
    const struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
    for (int ms = 0; transport_shared_is_busy(runtime->transport); ms += 10) {
        if (ms >= TRANSPORT_LIMIT_MS) {
            log_write(runtime->options.log, LOG_LEVEL_WARN, "runtime.transport_holds_on",
                      "help='a name is still being resolved, or a CA file read: the process ends "
                      "without it'");
            return true;
        }
        nanosleep(&pause, NULL);
    }
    return false;
}

unsigned runtime_stop(struct runtime *runtime)
{
    return runtime_stop_or_hurry(runtime, -1);
}

unsigned runtime_stop_or_hurry(struct runtime *runtime, int hurry_fd)
{
    if (runtime->stopped)
        return runtime->held;
    runtime->stopped = true;
    atomic_store(&runtime->taking, runtime->loop_count);
    for (unsigned i = 0; i < runtime->loop_count; i++) {
        struct runtime_loop *l = &runtime->loops[i];
        l->break_off.run = on_break_off;
        loop_post(l->loop, &l->break_off);
    }
    wait_until_gone(runtime, hurry_fd);
    unsigned left = end_loops(runtime, hurry_fd);
    runtime->held = runtime_name_holders(runtime);
    if (runtime->held < left)
        runtime->held = left;
    if (runtime->held == 0 && transport_holds_on(runtime))
        runtime->held = 1;
    return runtime->held;
}

static uint64_t destroy_loop_parts(struct runtime_loop *l)
{
    engine_loop_destroy(l->engine);
    uint64_t lost = journal_subscriber_release(&l->journal);
    transport_destroy(l->transport);
    return lost;
}

static void destroy_jobs(struct runtime *runtime)
{
    jobs_destroy(runtime->keeper);
    jobs_destroy(runtime->loading);
    jobs_destroy(runtime->provider_jobs);
    jobs_destroy(runtime->translators);
    jobs_destroy(runtime->maskers);
}

/* Threads of plugins, or of ours that hang, are still inside: whatever they can reach stays until
 * the process ends. */
static uint64_t abandon(struct runtime *runtime)
{
    uint64_t lost = 0;
    crash_marks_withdraw(&runtime->marks);
    for (unsigned i = 0; i < runtime->loop_count; i++)
        if (!runtime->loops[i].has_thread)
            lost += journal_subscriber_release(&runtime->loops[i].journal);
    return lost;
}

uint64_t runtime_destroy(struct runtime *runtime)
{
    uint64_t lost = 0;
    if (runtime == NULL)
        return 0;
    if (runtime->keeper != NULL && runtime->loops[runtime->loop_count - 1].engine != NULL &&
        runtime_stop(runtime) > 0)
        return abandon(runtime);
    destroy_jobs(runtime);
    upkeep_destroy(runtime->upkeep);
    watcher_release(&runtime->watcher);
    for (unsigned i = 0; i < runtime->loop_count; i++)
        lost += destroy_loop_parts(&runtime->loops[i]);
    for (unsigned i = 0; i < runtime->loop_count; i++)
        if (journal_hangs(&runtime->loops[i].journal.journal))
            return lost; /* its thread is inside: all stays, as of plugins that hold on */
    /* Its job threads may still post to loops: so before them. */
    transport_shared_destroy(runtime->transport);
    for (unsigned i = 0; i < runtime->loop_count; i++)
        loop_destroy(runtime->loops[i].loop);
    model_map_destroy((struct model_map *)(uintptr_t)atomic_load(&runtime->models.current));
    config_destroy((struct config *)(uintptr_t)atomic_load(&runtime->config.current));
    secrets_unref((struct secrets *)(uintptr_t)atomic_load(&runtime->secrets.current));
    key_watch_release(&runtime->keys); /* the last calls have settled with them */
    plugin_catalog_destroy(runtime->catalog);
    plugin_state_destroy(runtime->switches);
    crash_marks_release(&runtime->marks);
    free(runtime->state_dir);
    plugin_loader_destroy(runtime->loader);
    replay_store_destroy(runtime->replays);
    meter_set_release(&runtime->meters);
    metrics_destroy(runtime->metrics);
    pthread_cond_destroy(&runtime->changed);
    pthread_mutex_destroy(&runtime->lock);
    free(runtime);
    return lost;
}

/* --- Looking -------------------------------------------------------------------------------------- */

unsigned runtime_loop_count(const struct runtime *runtime)
{
    return runtime->loop_count;
}

struct loop *runtime_loop(struct runtime *runtime, unsigned index)
{
    return runtime->loops[index].loop;
}

struct engine_loop *runtime_engine(struct runtime *runtime, unsigned index)
{
    return runtime->loops[index].engine;
}

const struct config *runtime_config(struct runtime *runtime)
{
    return snapshot_get(&runtime->config);
}

const struct model_map *runtime_models(struct runtime *runtime)
{
    return snapshot_get(&runtime->models);
}

const struct key_table *runtime_keys(struct runtime *runtime)
{
    return snapshot_get(&runtime->keys.table);
}

const struct plugin_catalog *runtime_plugins(struct runtime *runtime)
{
    return runtime->catalog;
}

bool runtime_journal_fails(const struct runtime *runtime)
{
    for (unsigned i = 0; i < runtime->loop_count; i++)
        if (atomic_load(&runtime->loops[i].journal.failed_ns) != 0)
            return true;
    return false;
}

bool runtime_has_journal(const struct runtime *runtime)
{
    return runtime->loops[0].journal.loop != NULL;
}

struct metrics *runtime_metrics(struct runtime *runtime)
{
    return runtime->metrics;
}

const struct log *runtime_log(const struct runtime *runtime)
{
    return runtime->options.log;
}
