/* SPDX-License-Identifier: MIT */
/* Has the keeper look for plugins again when a plugin directory, plugins.json or plugins.lock has changed: once it
 * has been quiet for a moment. Where the system does not let it watch, the log says so once, and what
 * has changed is noticed with the next order. */
#ifndef RUNTIME_WATCHER_H
#define RUNTIME_WATCHER_H

#include "runtime/reminder.h"
#include "runtime/watchlist.h"

struct config;
struct discover_options;
struct runtime;

struct watcher {
    struct runtime *runtime;
    struct watchlist *list; /* NULL: not watching */
    struct watch ready;     /* of loop 0 */
    struct job look;        /* [keeper] at what has happened */
    atomic_bool is_looking;
    struct reminder rescan;
    int64_t since_ns;       /* of the first change that no order answers yet; 0 = none */
    bool has_failed;        /* which the log was told */
};

/* Before the loops run. A watcher that cannot be had has told the log. [init] */
void watcher_init(struct watcher *watcher, struct runtime *runtime);
/* Has the keeper look now, whether anything is watched or not; the log is told what comes of it. False:
 * there is no memory or thread for that. [any] */
bool watcher_order(struct runtime *runtime);
/* No thread can reach it any more. Accepts a zeroed one. */
void watcher_release(struct watcher *watcher);

/* Watches these places, the state directory's plugins.json, plugins.lock, and no other; none if the configuration
 * says so. Before they are looked at. [keeper] or [init] */
void watcher_aim(struct watcher *watcher, const struct config *config,
                 const struct discover_options *where);

#endif
