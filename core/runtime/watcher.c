/* SPDX-License-Identifier: MIT */
/* Loop 0 hears that something has happened, the keeper reads what, and loop 0's timer waits until it
 * is quiet. Must never look at a file on the loop. */
#include "runtime/watcher.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/state.h"

#define QUIET_NS (200 * NS_PER_MS) /* who installs several files is awaited, */
#define MOST_NS (2 * NS_PER_S)     /* but who never stops is not */

/* ---- The order -------------------------------------------------------------------------------- */

static void on_done(struct runtime_order *order)
{
    const struct log *log = order->runtime->options.log;
    if (order->is_refused && order->status != HARBORAI_E_CLOSED)
        log_write(log, LOG_LEVEL_ERROR, "plugins.not_read",
                  "error='%s' help='plugins and providers are as they were: correct this'",
                  order->error.message);
    free(order);
}

bool watcher_order(struct runtime *runtime)
{
    struct runtime_order *order = calloc(1, sizeof *order);
    if (order == NULL)
        return false;
    order->kind = RUNTIME_ORDER_RESCAN;
    order->done = on_done;
    if (runtime_order(runtime, order, NULL) == HARBORAI_OK)
        return true;
    free(order);
    return false;
}

static void order_rescan(struct reminder *reminder)
{
    struct watcher *w = CONTAINER_OF(reminder, struct watcher, rescan);
    w->since_ns = 0;
    if (!watcher_order(w->runtime))
        reminder_set(&w->rescan, clock_monotonic_ns(&clock_system) + MOST_NS);
}

/* ---- What has happened ------------------------------------------------------------------------ */

static void look(struct job *job)
{
    struct watcher *w = CONTAINER_OF(job, struct watcher, look);
    atomic_store(&w->is_looking, false); /* before: what comes from here on is another edge */
    if (!watchlist_read(w->list) || w->runtime->has_left)
        return;
    int64_t now_ns = clock_monotonic_ns(&clock_system);
    if (w->since_ns == 0)
        w->since_ns = now_ns;
    int64_t latest_ns = w->since_ns + MOST_NS, quiet_ns = now_ns + QUIET_NS;
    reminder_set(&w->rescan, quiet_ns < latest_ns ? quiet_ns : latest_ns);
}

static void on_ready(struct watch *watch, uint32_t events UNUSED)
{
    struct watcher *w = CONTAINER_OF(watch, struct watcher, ready);
    if (!atomic_exchange(&w->is_looking, true) &&
        jobs_submit(w->runtime->keeper, &w->look, NULL) != HARBORAI_OK)
        atomic_store(&w->is_looking, false); /* what happens next is another edge */
}

/* ---- Watching ---------------------------------------------------------------------------------- */

static void tell(struct watcher *w, const harborai_error *error)
{
    if (!w->has_failed)
        log_write(w->runtime->options.log, LOG_LEVEL_WARN, "plugins.not_watched",
                  "error='%s' help='new and removed plugins are noticed at SIGHUP'", error->message);
    w->has_failed = true;
}

void watcher_init(struct watcher *watcher, struct runtime *runtime)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct loop *loop = runtime->loops[0].loop;
    *watcher = (struct watcher){.runtime = runtime,
                                .ready = {.fd = -1, .on_ready = on_ready},
                                .look = {.run = look}};
    reminder_init(&watcher->rescan, loop, runtime->keeper, order_rescan);
    harborai_status st = watchlist_create(&watcher->list, &error);
    if (st >= 0)
        st = loop_watch(loop, &watcher->ready, watchlist_descriptor(watcher->list), EPOLLIN, &error);
    if (st >= 0)
        return;
    tell(watcher, &error);
    watcher_release(watcher);
}

void watcher_release(struct watcher *watcher)
{
    watchlist_destroy(watcher->list);
    watcher->list = NULL;
}

typedef harborai_status add_function(struct watchlist *list, const char *path,
                                     harborai_error *error);

/* As HARBORAI_PLUGIN_PATH and plugin_path have it. */
static harborai_status add(struct watcher *w, harborai_str given, add_function *add_path,
                           harborai_error *error)
{
    char path[PATH_MAX], here[PATH_MAX] = "";
    bool is_relative = given.len > 0 && given.data[0] != '/';
    if (is_relative && getcwd(here, sizeof here) == NULL)
        return HARBORAI_OK;
    int len = snprintf(path, sizeof path, "%s%s%.*s", here, is_relative ? "/" : "",
                       SLICE_ARG(given));
    if (given.len == 0 || len >= (int)sizeof path)
        return HARBORAI_OK;
    return add_path(w->list, path, error);
}

static harborai_status add_directory(struct watcher *w, harborai_str given, harborai_error *error)
{
    return add(w, given, watchlist_add_directory, error);
}

static harborai_status add_places(struct watcher *w, const struct discover_options *where,
                                  harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; i < where->file_count && st >= 0; i++)
        st = add(w, where->files[i], watchlist_add_file, error);
    harborai_str rest = where->environment != NULL ? slice_of(where->environment) : SLICE_NONE, one;
    for (bool more = rest.len > 0; more && st >= 0;) {
        more = slice_split(rest, ':', &one, &rest);
        st = add_directory(w, one, error);
    }
    for (size_t i = 0; i < where->configuration_count && st >= 0; i++)
        st = add_directory(w, where->configuration[i], error);
    if (st >= 0 && where->user != NULL)
        st = add_directory(w, slice_of(where->user), error);
    if (st >= 0 && where->system != NULL)
        st = add_directory(w, slice_of(where->system), error);
    return st;
}

static harborai_status add_lock(struct watcher *w, const struct config *config, harborai_error *error)
{
    return add(w, config->plugin_lock, watchlist_add_file, error);
}

static harborai_status add_switches(struct watcher *w, harborai_error *error)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/plugins.json", w->runtime->state_dir);
    if (w->runtime->state_dir[0] == '\0' || len >= (int)sizeof path)
        return HARBORAI_OK;
    return watchlist_add_file(w->list, path, error);
}

void watcher_aim(struct watcher *watcher, const struct config *config,
                 const struct discover_options *where)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = HARBORAI_OK;
    if (watcher->list == NULL)
        return;
    watchlist_begin(watcher->list);
    if (config->plugin_watch) {
        st = add_switches(watcher, &error);
        if (st >= 0)
            st = add_lock(watcher, config, &error);
        if (st >= 0)
            st = add_places(watcher, where, &error);
    }
    watchlist_end(watcher->list);
    if (st < 0)
        tell(watcher, &error);
    else
        watcher->has_failed = false;
}
