/* SPDX-License-Identifier: MIT */
/* Loop 0 hears that keys.json has changed, and the keeper reads it and publishes. Must never look at a
 * file on the loop, nor let go of what was in force for what cannot be read. */
#include "runtime/key_watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/state.h"

/* ---- Watching --------------------------------------------------------------------------------- */

static void tell(struct key_watch *w, const harborai_error *error)
{
    if (!w->has_failed)
        log_write(w->runtime->options.log, LOG_LEVEL_WARN, "keys.not_watched",
                  "error='%s' help='keys that are made or revoked are noticed at SIGHUP'",
                  error->message);
    w->has_failed = true;
}

/* Anew each time: a part of the path may have come or gone. Before it is read. */
static void aim(struct key_watch *w)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    char path[PATH_MAX];
    char *absolute = w->runtime->state_dir[0] == '/' ? NULL : realpath(w->runtime->state_dir, NULL);
    int len = snprintf(path, sizeof path, "%s/keys.json",
                       absolute != NULL ? absolute : w->runtime->state_dir);
    free(absolute);
    if (w->list == NULL || w->runtime->state_dir[0] == '\0' || len >= (int)sizeof path)
        return;
    watchlist_begin(w->list);
    harborai_status st = watchlist_add_file(w->list, path, &error);
    watchlist_end(w->list);
    if (st < 0)
        tell(w, &error);
    else
        w->has_failed = false;
}

static void look(struct job *job)
{
    struct key_watch *w = CONTAINER_OF(job, struct key_watch, look);
    atomic_store(&w->is_looking, false); /* before: what comes from here on is another edge */
    if (watchlist_read(w->list) && !w->runtime->has_left)
        (void)key_watch_read(w, NULL); /* the log is told */
}

static void on_ready(struct watch *watch, uint32_t events UNUSED)
{
    struct key_watch *w = CONTAINER_OF(watch, struct key_watch, ready);
    if (!atomic_exchange(&w->is_looking, true) &&
        jobs_submit(w->runtime->keeper, &w->look, NULL) != HARBORAI_OK)
        atomic_store(&w->is_looking, false); /* what happens next is another edge */
}

static void start_watching(struct key_watch *w)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = watchlist_create(&w->list, &error);
    if (st >= 0)
        st = loop_watch(w->runtime->loops[0].loop, &w->ready, watchlist_descriptor(w->list), EPOLLIN,
                        &error);
    if (st >= 0)
        return;
    tell(w, &error);
    watchlist_destroy(w->list);
    w->list = NULL;
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static void publish(struct key_watch *w, struct key_table *next)
{
    const void *old = snapshot_publish(&w->table, next);
    epoch_synchronize(&w->runtime->epoch);
    key_table_destroy((struct key_table *)(uintptr_t)old);
}

harborai_status key_watch_read(struct key_watch *w, harborai_error *error)
{
    harborai_error why = HARBORAI_ERROR_INIT;
    struct key_table *table;
    if (w->keys == NULL) /* this process has no clients with keys */
        return HARBORAI_OK;
    const struct log *log = w->runtime->options.log;
    aim(w);
    harborai_status st = keys_read(w->keys, slice_of(w->runtime->state_dir), &table, &why);
    if (st < 0) {
        log_write(log, LOG_LEVEL_ERROR, "keys.not_read",
                  "error='%s' help='the keys that were in force still are: correct this'",
                  why.message);
        if (error != NULL)
            *error = why;
        return st;
    }
    if (key_table_is_same(table, atomic_load(&w->table.current))) {
        key_table_destroy(table);
        return HARBORAI_OK;
    }
    log_write(log, LOG_LEVEL_INFO, "keys.read", "keys=%zu active=%zu", key_table_count(table),
              key_table_count_active(table, clock_wall_ns(&clock_system)));
    publish(w, table);
    return HARBORAI_OK;
}

/* ---- Life ------------------------------------------------------------------------------------- */

harborai_status key_watch_init(struct key_watch *w, struct runtime *runtime, harborai_error *error)
{
    struct key_table *table;
    *w = (struct key_watch){.runtime = runtime,
                            .ready = {.fd = -1, .on_ready = on_ready},
                            .look = {.run = look}};
    harborai_status st = keys_create(&w->keys, error);
    if (st < 0)
        return st;
    start_watching(w);
    aim(w);
    st = keys_read(w->keys, slice_of(runtime->state_dir), &table, error);
    if (st == HARBORAI_OK)
        (void)snapshot_publish(&w->table, table);
    return st;
}

void key_watch_release(struct key_watch *w)
{
    watchlist_destroy(w->list);
    key_table_destroy((struct key_table *)(uintptr_t)atomic_load(&w->table.current));
    keys_destroy(w->keys);
    *w = (struct key_watch){.keys = NULL};
}
